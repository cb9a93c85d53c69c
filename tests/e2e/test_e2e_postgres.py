"""The server on PostgreSQL: the same run, the same failing stage, the same retry as on SQLite."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from prefect_server import PrefectServer, Worker, find_free_port
from test_e2e_deployed import (
    test_a_stage_that_failed_is_retried_alone,
    test_a_watched_run_gives_the_dataset_and_repeated_is_all_cached,
)

# Run here once more, with the fixtures of this module.
__all__ = [
    "test_a_stage_that_failed_is_retried_alone",
    "test_a_watched_run_gives_the_dataset_and_repeated_is_all_cached",
]

pytestmark = [pytest.mark.slow, pytest.mark.system, pytest.mark.timeout(900)]

USER: Final = "postgres"
PROGRAMS: Final = Path("/usr/lib/postgresql")
"""Where Debian's package has them, in a folder a version."""


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    folder, variables = tmp_path_factory.mktemp("prefect"), {"DATAGEN_SIMULATOR_PACE": "0.05"}
    with running_postgres() as url, PrefectServer(folder, database_url=url, variables=variables) as server:
        server.deploy()
        yield server


@pytest.fixture(scope="module", autouse=True)
def worker(prefect: PrefectServer) -> Iterator[Worker]:
    with prefect.worker("steady") as worker:
        yield worker


@contextmanager
def running_postgres() -> Generator[str]:
    """Give the URL of a database in a PostgreSQL cluster of its own, which is stopped and gone afterwards.

    It stands beside pytest's folders: no other user, as which alone PostgreSQL runs, may look into those of root.
    """
    with tempfile.TemporaryDirectory(prefix="datagen-postgres-") as name:
        folder, port = Path(name), find_free_port()
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
        server = ("-D", str(folder / "cluster"), "-l", str(folder / "log"), "-o", options)
        _run(folder, "initdb", "-D", str(folder / "cluster"), "-U", USER, "--auth", "trust", "--no-sync")
        _run(folder, "pg_ctl", "start", "--wait", *server)
        try:
            _run(folder, "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", USER, "prefect")
            yield f"postgresql+asyncpg://{USER}@127.0.0.1:{port}/prefect"
        finally:
            _run(folder, "pg_ctl", "stop", "--wait", "-m", "immediate", "-D", str(folder / "cluster"))


def _run(folder: Path, program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL's, of the newest version that is installed."""
    programs = max(PROGRAMS.glob("*/bin"), key=lambda path: float(path.parent.name))
    user = ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "--") if os.geteuid() == 0 else ()
    done = subprocess.run(
        [*user, str(programs / program), *arguments], cwd=folder, capture_output=True, text=True, check=False,
        timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
