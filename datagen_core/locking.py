"""Decides who may write in a run's folder: one process at a time, and the others are told which."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast

import orjson
from filelock import FileLock, Timeout

from datagen_core.errors import FolderInUseError, OutputError
from datagen_core.writing import replace_file

LOCK_NAME: Final = ".lock"
HOLDER_NAME: Final = ".lock.json"
"""Says who holds the lock. The lock itself is the kernel's: this file proves nothing, and may be an old one."""


@contextmanager
def lock_folder(folder: Path, *, holder: str) -> Generator[None]:
    """Hold a folder, which is made if need be, until the block ends; `holder` says who we are, as `datagen training`.

    Nobody waits: a second lock on the folder fails at once, in another process as in this one, whatever thread. The
    kernel lets go of the lock when its process dies, however it dies. An empty `.lock` stays in the folder.

    Raises:
        FolderInUseError: the folder is held; names process and time, as far as they are known.
        OutputError: the folder cannot be written.
    """
    lock = _acquire(folder)
    try:
        _note_holder(folder / HOLDER_NAME, holder)
        yield
    finally:
        with suppress(OSError):  # what stands in the folder afterwards says nothing of who was there
            (folder / HOLDER_NAME).unlink()
        lock.release()


def _acquire(folder: Path) -> FileLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not bound to a thread: a flow may end in another one than it began in.
        lock = FileLock(folder.resolve() / LOCK_NAME, timeout=0, thread_local=False)
        lock.acquire()
    except Timeout:
        raise FolderInUseError(folder, holder=_describe_holder(folder / HOLDER_NAME)) from None
    except OSError as error:
        raise OutputError(folder, error.strerror or str(error)) from error
    return lock


def _note_holder(path: Path, holder: str) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    document = {"holder": holder, "pid": os.getpid(), "host": socket.gethostname(), "since": since}
    with replace_file(path) as stream:
        stream.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))


def _describe_holder(path: Path) -> str:
    """Return who holds the lock; a note that a dead process left says nothing about the one that holds it now."""
    note: dict[str, object] = {}
    with suppress(OSError, orjson.JSONDecodeError):
        read = cast(object, orjson.loads(path.read_bytes()))
        note = cast("dict[str, object]", read) if isinstance(read, dict) else {}
    pid, host = note.get("pid"), note.get("host")
    if not isinstance(pid, int) or (host == socket.gethostname() and not is_alive(pid)):
        return "another process, which has just begun"
    where = "" if host == socket.gethostname() else f" on {host}"
    return f"{note.get('holder')}, process {pid}{where}, since {note.get('since')}"


def is_alive(pid: int) -> bool:
    """Tell whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's, so it is there
        return True
    return True
