"""Decides how a long-running child is started, watched and ended: a session and a log file of its own."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from datagen_core.errors import OperationError, OutputError
from flows.operations.processes import LOOK_SECONDS, signal_groups
from flows.operations.stops import Stops

TAIL_LINES: Final = 20
_PARENT_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG of prctl(2)
_CHILD_SUBREAPER: Final = 36  # PR_SET_CHILD_SUBREAPER
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Child:
    """A process that was started here. Ctrl-C on the terminal does not reach it: it is stopped in order, by us."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name, self.log, self.started_at = name, log, datetime.now(UTC)
        self._process, self._n_read = process, 0

    @property
    def pid(self) -> int:
        """Return the process id, which is its group's too."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Tell whether it runs no longer."""
        return self._process.poll() is not None

    def require_running(self) -> None:
        """Return if it runs.

        Raises:
            OperationError: it ended by itself; shows the end of its log.
        """
        code = self._process.poll()
        if code is not None:
            raise OperationError(
                f"The {self.name} ended by itself ({_describe_code(code)}). The end of its log, {self.log}:\n"
                f"{self.read_tail()}"
            )

    def wait(self, stops: Stops) -> int:
        """Return the exit code when it has ended.

        Raises:
            Stopped: we were told to stop before.
        """
        while (code := self._process.poll()) is None:
            stops.sleep(LOOK_SECONDS)
        return code

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        if not self.has_ended():
            self._process.send_signal(number)

    def stop(self, number: signal.Signals, *, patience: float, is_urgent: Callable[[], bool]) -> None:
        """End it and all of its group: asked with a signal, killed after `patience` seconds or where it is urgent.

        One that was halted goes on, to hear the signal.
        """
        self.send(number)
        self.send(signal.SIGCONT)
        deadline = time.monotonic() + patience
        while not self.has_ended() and time.monotonic() < deadline and not is_urgent():
            time.sleep(LOOK_SECONDS)
        signal_groups([self.pid], signal.SIGKILL)
        self._process.wait()

    def kill(self) -> None:
        """End it and all of its group at once."""
        self.stop(signal.SIGKILL, patience=0.0, is_urgent=lambda: True)

    def read_tail(self) -> str:
        """Return the last lines of its log."""
        try:
            lines = self.log.read_text("utf-8", "replace").splitlines()
        except OSError as error:
            return f"(it cannot be read: {error.strerror})"
        return "\n".join(lines[-TAIL_LINES:]) or "(it is empty)"

    def read_new(self) -> list[str]:
        """Return the lines that its log has got since this was last asked."""
        try:
            with self.log.open("rb") as stream:
                stream.seek(self._n_read)
                whole, _, _ = stream.read().rpartition(b"\n")
        except OSError:
            return []
        if not whole:
            return []
        self._n_read += len(whole) + 1
        return whole.decode("utf-8", "replace").splitlines()


def adopt_orphans() -> None:
    """Become the parent of what our children leave behind, so that it can be found and ended; Linux only.

    A worker that was killed leaves its flow runs' processes: elsewhere they end up with the system's first process.
    """
    if _libc is not None:
        _libc.prctl(_CHILD_SUBREAPER, 1)


def start_child(name: str, command: Sequence[str], log: Path, *, folder: Path, pass_fds: Collection[int] = ()) -> Child:
    """Start a process in `folder`, with our environment; what its log held before is kept beside it, as `.1`.

    `pass_fds` are open files that it inherits under the same numbers. It ends with us even if we are killed, where the
    kernel offers that (Linux).

    Raises:
        OutputError: the log cannot be written.
    """
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            log.replace(log.with_name(log.name + ".1"))
        stream = log.open("wb")
    except OSError as error:
        raise OutputError(log, error.strerror or str(error)) from error
    with stream:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=pass_fds,
            preexec_fn=_end_with_parent if _libc else None,  # noqa: PLW1509 - one system call, no lock
        )
    return Child(name, process, log)


def _end_with_parent() -> None:
    assert _libc is not None
    _libc.prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGTERM))


def _describe_code(code: int) -> str:
    if code < 0:
        return f"by {signal.Signals(-code).name}"
    return f"exit code {code}"
