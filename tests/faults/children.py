"""Starts processes that run `datagen` commands against a server, and waits for their ends; any thread may."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from faults.dying import Job

ROOT = Path(__file__).parents[2]
LONGEST_SECONDS = 280.0
_OURS = ("OPENAI", "HF_", "DATAGEN", "PREFECT", "AZURE", "GROQ")


class StuckError(AssertionError):
    """A process did not end in time; it was killed."""


def build_environment(**variables: str) -> dict[str, str]:
    """Return this process's environment without anything that datagen reads, and with these variables."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**bare, "COLUMNS": "200", "NO_COLOR": "1", "PYTHONPATH": str(ROOT), **variables}


class Child:
    """One process of ours."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answers: queue.Queue[dict[str, object]] = queue.Queue()
        self.pid = 0

    def wait(self, seconds: float = LONGEST_SECONDS) -> int:
        """Return the exit code, negative for a signal.

        Raises:
            StuckError: the process did not end; it was killed.
        """
        try:
            return int(str(self.answers.get(timeout=seconds)["exit_code"]))
        except queue.Empty:
            self.kill()
            self.answers.get(timeout=30)
            raise StuckError(f"{self.name} ran for {seconds:.0f} s and was killed") from None

    def kill(self) -> None:
        """End the process by SIGKILL, if it has not ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class Nursery:
    """The one process that forks all others; ends with the block."""

    def __init__(self) -> None:
        self._children: dict[str, Child] = {}
        self._numbers, self._lock = count(1), threading.Lock()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("dying.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=build_environment(),
        )
        self._reader = threading.Thread(target=self._read, name="nursery", daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(120)
        self._reader.join(30)
        self._process.stdout.close()

    def start(
        self,
        folder: Path,
        commands: Sequence[Sequence[str]],
        environment: dict[str, str],
        *,
        tries: int = 1,
        deadly: int = 0,
        when: str = "before",
    ) -> Child:
        """Start the commands in a process of its own, in `folder`; its log and trace are written beside the folder."""
        name = f"{folder.name}-{next(self._numbers)}"
        child = Child(name)
        job = Job(
            name=name,
            folder=str(folder),
            environment=environment,
            commands=[list(arguments) for arguments in commands],
            tries=tries,
            deadly=deadly,
            when=when,
            log_path=str(log_path(folder)),
            trace_path=str(trace_path(folder)),
        )
        assert self._process.stdin is not None
        with self._lock:
            self._children[name] = child
            self._process.stdin.write(json.dumps(job._asdict()).encode() + b"\n")
            self._process.stdin.flush()
        child.pid = int(str(child.answers.get(timeout=LONGEST_SECONDS)["pid"]))
        return child

    def run(
        self, folder: Path, commands: Sequence[Sequence[str]], environment: dict[str, str], *, tries: int = 1
    ) -> int:
        """Run the commands and return the exit code."""
        return self.start(folder, commands, environment, tries=tries).wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            with self._lock:
                child = self._children[said["name"]]
            child.answers.put(said)


def log_path(folder: Path) -> Path:
    """Return where the output of the commands of a folder stands."""
    return folder.with_name(f"{folder.name}.log")


def trace_path(folder: Path) -> Path:
    """Return where the durable steps of the commands of a folder stand, one a line."""
    return folder.with_name(f"{folder.name}.steps")
