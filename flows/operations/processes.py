"""Decides which processes belong to one that was started here, and how groups of them are ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

LOOK_SECONDS: Final = 0.1


class Running(NamedTuple):
    """A process of this machine; one that has ended and that nobody has asked for yet is none."""

    pid: int
    parent: int
    group: int


def find_groups(pid: int) -> set[int]:
    """Return the process groups of everything that a process has started and that still runs, its own left out."""
    table = read_table()
    own = {process.group for process in table if process.pid == pid} | {os.getpgrp()}
    known, found = {pid}, set[int]()
    while True:
        further = [process for process in table if process.parent in known and process.pid not in known]
        if not further:
            return found - own
        known |= {process.pid for process in further}
        found |= {process.group for process in further}


def end_groups(groups: Iterable[int], *, patience: float, is_urgent: Callable[[], bool]) -> None:
    """End every process of the groups: asked first, killed after `patience` seconds, or at once where it is urgent."""
    left = set(groups)
    signal_groups(left, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while left and time.monotonic() < deadline and not is_urgent():
        time.sleep(LOOK_SECONDS)
        left &= {process.group for process in read_table()}
    signal_groups(left, signal.SIGKILL)


def signal_groups(groups: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to every process of the groups; one that is gone is no error."""
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):  # macOS refuses where only the dead are left
            os.killpg(group, number)


def read_table() -> list[Running]:
    """Return every process that runs on this machine."""
    if not Path("/proc/self/stat").exists():
        return _ask_ps()
    found: list[Running] = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in brackets, may hold anything, brackets and blanks included.
            state, parent, group = path.read_text("utf-8", "replace").rpartition(")")[2].split()[:3]
        except (OSError, ValueError):  # it has ended meanwhile
            continue
        if state not in "ZX":
            found.append(Running(int(path.parent.name), int(parent), int(group)))
    return found


def _ask_ps() -> list[Running]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,pgid=,stat="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [Running(int(row[0]), int(row[1]), int(row[2])) for row in rows if not row[3].startswith("Z")]
