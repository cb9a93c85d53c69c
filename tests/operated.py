"""Starts `datagen up` as a user does, and workers as systemd would; asks the server; looks at what runs."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.states import Scheduled

from flows.operations.environment import choose_port

T = TypeVar("T")

ROOT = Path(__file__).parents[1]
PATIENCE = 420.0
"""A first start takes 12 to 38 seconds on an idle machine, and ten times that on a busy one."""


def build_variables(home: Path, **further: str) -> dict[str, str]:
    """Return an environment without the user's keys and settings, whose Prefect lives in `home`."""
    foreign = ("OPENAI", "HF_", "DATAGEN", "PREFECT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    ours = {
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
        "NO_COLOR": "1",
        "PREFECT_HOME": str(home),
        "PREFECT_LOCAL_STORAGE_PATH": str(home / "storage"),
        "DATAGEN_PROVIDER": "simulator",
    }
    return {**kept, **ours, **further}


class Up:
    """A `datagen up` in a process group of its own, as a shell gives each command."""

    def __init__(self, home: Path, *options: str, **variables: str) -> None:
        self.home, self.port = home, choose_port(0)
        self._said = home.with_name(f"{home.name}-{self.port}.txt")
        command = [sys.executable, "-u", "-m", "flows.cli", "up", "--port", str(self.port), *options]
        with self._said.open("wb") as stream:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=build_variables(home, **variables),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._open = ExitStack()
        self.client = self._open.enter_context(SyncPrefectClient(self.url))

    @property
    def said(self) -> str:
        return self._said.read_text("utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def await_ready(self) -> None:
        await_answer(lambda: "Ctrl-C stops all." in self.said or self.process.poll() is not None, self.explain)
        assert self.process.poll() is None, self.explain()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal to the whole group, as a terminal does, and return the exit code."""
        self._open.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise

    def explain(self) -> str:
        """Return all that was said and logged, for a test that fails."""
        logs = sorted((self.home / "datagen-logs").glob("*.log"))
        return "\n".join([self.said, *(f"--- {path.name}\n{path.read_text('utf-8')[-4000:]}" for path in logs)])


def start_worker(up: Up, log: Path, **variables: str) -> subprocess.Popen[bytes]:
    """Start a worker beside the server, as on a machine where something else keeps it running."""
    environment = build_variables(up.home, PREFECT_API_URL=up.url, **variables)
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "datagen", "--name", log.stem]
    with log.open("wb") as stream:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def start_run(
    client: SyncPrefectClient, name: str, folder: Path, *, poll_interval: float, in_seconds: float = 0.0
) -> UUID:
    """Create a run of a deployment that makes three dialogues, and return its id."""
    parameters = {"count": 3, "seed": 42, "output_dir": str(folder), "queue": {"poll_interval": poll_interval}}
    deployment = client.read_deployment_by_name(name)
    due = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(seconds=in_seconds))
    return client.create_flow_run_from_deployment(deployment.id, parameters=parameters, state=due).id


def await_run(up: Up, run_id: UUID, *states: str) -> FlowRun:
    """Return the run when it is in one of the states."""

    def look() -> FlowRun | None:
        run = up.client.read_flow_run(run_id)
        return run if run.state_name in states else None

    return await_answer(look, lambda: f"{up.client.read_flow_run(run_id).state}\n{up.explain()}")


def await_submitted(up: Up, folder: Path) -> None:
    """Wait until the run in the folder has a batch at the simulator, and so waits for it."""
    await_answer(lambda: read_batches(folder), up.explain)


def await_answer(question: Callable[[], T | None], explain: Callable[[], str]) -> T:
    """Return the first answer that is one; a test that waits in vain says why."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := question()):
        assert time.monotonic() < deadline, explain()
        time.sleep(0.5)
    return answer


def read_batches(folder: Path) -> list[str]:
    """Return the statuses of the batches that a run has at the simulator."""
    database = folder / ".simulator" / "state.sqlite3"
    if not database.exists():
        return []
    with closing(sqlite3.connect(database)) as connection:
        try:
            rows = connection.execute("SELECT document FROM batches").fetchall()
        except sqlite3.OperationalError:
            return []
    return [str(json.loads(row[0])["status"]) for row in rows]


def find_processes(home: Path) -> list[str]:
    """Return the command of every process that was started with this home."""
    found: list[str] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if str(home) in (folder / "environ").read_bytes().decode("utf-8", "replace"):
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
            except OSError:
                continue
    return found
