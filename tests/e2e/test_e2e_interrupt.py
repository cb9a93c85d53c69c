"""Ctrl-C: the process ends at once, says how to go on, cancels at the provider only if told to, and leaves nothing."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PATIENCE = 180.0


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI", "HF_", "DATAGEN"))}
    ours = {
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
        "NO_COLOR": "1",
        "PREFECT_HOME": str(folder / "prefect"),
        "DATAGEN_SIMULATOR_PACE": "600",
    }
    kept.pop("PREFECT_API_URL", None)
    return {**kept, **ours}


def talk(folder: Path, arguments: list[str], *, until: str, answer: str) -> tuple[int, str]:
    """Run a command on a terminal; press Ctrl-C once it says `until` and has submitted, then type the answer."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests that run in the background would hand on to ignore it
        os.execve(sys.executable, [sys.executable, "-m", "flows.cli", *arguments], environment(folder))
    said, deadline, is_pressed, is_answered = "", time.monotonic() + PATIENCE, False, False
    try:
        while time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    said += os.read(terminal, 65_536).decode("utf-8", "replace")
                except OSError:
                    break
            if not is_pressed and until in said and statuses(folder) == ["validating"]:
                os.write(terminal, b"\x03")
                is_pressed = True
            if not is_answered and "[y/N]" in said:
                os.write(terminal, answer.encode() + b"\n")
                is_answered = True
        else:
            os.kill(pid, signal.SIGKILL)
            pytest.fail(said)
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said


def statuses(folder: Path) -> list[str]:
    database = folder / "run" / ".simulator" / "state.sqlite3"
    if not database.exists():
        return []
    with sqlite3.connect(database) as connection:
        try:
            rows = connection.execute("SELECT document FROM batches").fetchall()
        except sqlite3.OperationalError:
            return []
    return [str(json.loads(row[0])["status"]) for row in rows]


@pytest.mark.parametrize(("answer", "expected"), [("y", "cancelling"), ("n", "validating")])
def test_a_run_on_a_terminal_asks_and_does_as_told(tmp_path: Path, answer: str, expected: str) -> None:
    code, said = talk(
        tmp_path,
        ["run", "training", "--count", "3", "--provider", "simulator", "--output-dir", "run", "--poll-interval", "0.5"],
        until="Shard 1 of round 1",
        answer=answer,
    )
    assert code == 130, said
    assert "To go on from here: the same command" in said
    assert "Traceback" not in said
    assert statuses(tmp_path) == [expected]
    assert not [line for line in processes() if str(tmp_path) in line], "no server of Prefect's is left behind"


def test_submitting_on_a_terminal_asks_as_well(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    made = [sys.executable, "-m", "flows.cli", "generate-batch", "--count", "3", "--output", "run"]
    subprocess.run(made, cwd=tmp_path, env=environment(tmp_path), check=True, capture_output=True, timeout=120)
    code, said = talk(
        tmp_path,
        ["submit-batch", "--input", "run", "--wait", "--provider", "simulator", "--poll-interval", "0.2"],
        until="Waiting for batches",
        answer="y",
    )
    assert code == 130, said
    assert "To go on from here: the same command" in said
    assert statuses(tmp_path) == ["cancelling"]


def test_a_killed_run_leaves_no_server_behind(tmp_path: Path) -> None:
    run = ["run", "training", "--count", "3", "--provider", "simulator", "--output-dir", "run"]
    with subprocess.Popen(
        [sys.executable, "-m", "flows.cli", *run],
        cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert wait_for(lambda: statuses(tmp_path) == ["validating"])
        assert len([one for one in processes() if str(tmp_path) in one]) >= 2
        process.kill()
    assert wait_for(lambda: not [one for one in processes() if str(tmp_path) in one], 20)


def wait_for(condition: Callable[[], bool], timeout: float = PATIENCE) -> bool:
    deadline = time.monotonic() + timeout
    while not (is_there := condition()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return is_there


def processes() -> list[str]:
    """Return, of every process that runs, the variables it was started with."""
    found: list[str] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                found.append((folder / "environ").read_bytes().decode("utf-8", "replace"))
            except OSError:
                continue
    return found
