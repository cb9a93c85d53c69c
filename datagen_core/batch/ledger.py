"""Decides what is remembered about submissions, so that a killed run knows what it may already have paid for."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Final

import orjson
from filelock import BaseFileLock, FileLock, Timeout

from datagen_core.batch.records import Entry, RecordKind, apply_record, find_problem, parse_object
from datagen_core.errors import LedgerError, OutputError
from datagen_core.files import JsonObject
from datagen_core.storage import push_file

LEDGER_NAME: Final = "ledger.jsonl"
VERSION: Final = 1
LOCK_SECONDS: Final = 1_800.0
"""Another process may be uploading several hundred megabytes while it holds the lock."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Snapshot:
    """What was read of a ledger and where that ended, so that the next reading begins there.

    `file` is the ledger's device and inode; a ledger that was replaced meanwhile is read anew.
    """

    file: tuple[int, int] | None = None
    n_lines: int = 0
    n_bytes: int = 0
    last_line: bytes = b""
    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])

    def take(self, path: Path, line: bytes, identity: str) -> None:
        """Take in the next whole line.

        Raises:
            LedgerError: the line is damaged, or the ledger is not this project's or version's.
        """
        record = parse_object(line)
        if self.n_lines == 0 and "version" in record:
            check_header(path, record, identity)
        else:
            self._apply(path, record)
        self.n_lines, self.n_bytes, self.last_line = self.n_lines + 1, self.n_bytes + len(line), line

    def is_current(self, stream: FileIO) -> bool:
        """Tell whether the file still begins with what was read, as far as its last line tells."""
        found = os.fstat(stream.fileno())
        if self.file != (found.st_dev, found.st_ino) or found.st_size < self.n_bytes:
            return False
        return os.pread(stream.fileno(), len(self.last_line), self.n_bytes - len(self.last_line)) == self.last_line

    def _apply(self, path: Path, record: JsonObject) -> None:
        problem = find_problem(record) if self.n_lines else "is no ledger's header."
        if problem is not None:
            raise LedgerError(
                f"{path}, line {self.n_lines + 1}: {problem} The ledger is damaged. 'datagen ledger rebuild "
                f"{path.parent}' keeps every sound line, asks the provider for the rest, and leaves a copy of the old."
            )
        apply_record(self.entries, record)


class Ledger:
    """An append-only file of JSON lines; each is on disk before `append` returns. Use `open_ledger`."""

    def __init__(self, path: Path, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._path = path

    def find_entry(self, key: str) -> Entry:
        """Return what is known of the key; an empty entry where nothing is."""
        return self.snapshot.entries.setdefault(key, Entry())

    def append(self, kind: RecordKind, key: str, *, time: float, **fields: str | float | dict[str, str]) -> None:
        """Add a record and wait until the disk has it.

        Raises:
            OutputError, StorageError: the record could not be written; what it announces must not be done.
        """
        record: JsonObject = {"kind": kind, "key": key, "time": time, **fields}
        _append_line(self._path, self.snapshot, record)
        apply_record(self.snapshot.entries, record)


@contextmanager
def open_ledger(
    path: Path, identity: str, *, lock_timeout: float = LOCK_SECONDS, known: Snapshot | None = None
) -> Generator[Ledger]:
    """Open the ledger of the project `identity`, alone: other threads and processes wait until the block ends.

    A last line that a crash cut off is removed: what it was to announce had not begun, and what it was to confirm is
    looked up by the record before it. With `known`, the snapshot of an earlier opening of the same ledger, only what
    was added since is read.

    Raises:
        LedgerError: the ledger belongs to another project, is damaged, or stays locked for `lock_timeout` seconds.
        OutputError: the ledger cannot be written.
    """
    with lock_ledger(path, lock_timeout):
        yield Ledger(path, _load(path, identity, known))


@contextmanager
def lock_ledger(path: Path, seconds: float) -> Generator[None]:
    """Keep the ledger to ourselves; the lock of a killed process is free at once.

    Raises:
        LedgerError: another holds it for `seconds`.
        OutputError: the folder cannot be written.
    """
    lock = _acquire(path, seconds)
    try:
        yield
    finally:
        lock.release()


def check_header(path: Path, header: JsonObject, identity: str) -> None:
    """Return if the ledger is one of this version and this project.

    Raises:
        LedgerError: it is not; says which one it is.
    """
    check_version(path, header)
    if header.get("identity") != identity:
        raise LedgerError(
            f"{path} belongs to {header.get('identity')!r}, and this run submits to {identity!r}. "
            "Use the provider, base URL and project of the first run, or another folder. Another key is no hindrance."
        )


def check_version(path: Path, header: JsonObject) -> None:
    """Return if the ledger was written by this version of ours.

    Raises:
        LedgerError: it was not.
    """
    if header.get("version") != VERSION:
        raise LedgerError(
            f"{path}: expected a ledger of version {VERSION}, found {header.get('version')!r}. "
            "Use the version of datagen that wrote it, or another folder."
        )


def make_header(identity: str) -> JsonObject:
    """Return a ledger's first line."""
    return {"version": VERSION, "identity": identity}


def _acquire(path: Path, seconds: float) -> BaseFileLock:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{path}.lock")
        lock.acquire(timeout=seconds)
    except Timeout as error:
        raise LedgerError(
            f"{path} has been locked by another run for {seconds:.0f} s. Wait for that run to end, or stop it."
        ) from error
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error
    return lock


def _load(path: Path, identity: str, known: Snapshot | None) -> Snapshot:
    """Read the ledger, or what was added to it, and cut a torn last line; begin one where there is none."""
    try:
        with FileIO(path, "a+") as stream:
            snapshot = known if known is not None and known.is_current(stream) else Snapshot(_identify(stream))
            _read_lines(path, stream, snapshot, identity)
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error
    if snapshot.n_lines == 0:
        _append_line(path, snapshot, make_header(identity))
        _sync_folder(path)
    return snapshot


def _read_lines(path: Path, stream: FileIO, snapshot: Snapshot, identity: str) -> None:
    with path.open("rb") as reader:
        reader.seek(snapshot.n_bytes)
        for line in reader:
            if line.endswith(b"\n"):
                snapshot.take(path, line, identity)
                continue
            _log.warning("%s: removed a last line that was cut off (%s bytes).", path, len(line))
            stream.truncate(snapshot.n_bytes)
            os.fsync(stream.fileno())


def _identify(stream: FileIO) -> tuple[int, int]:
    found = os.fstat(stream.fileno())
    return found.st_dev, found.st_ino


def _append_line(path: Path, snapshot: Snapshot, record: JsonObject) -> None:
    """Write a line whole or not at all: what a full disk takes of it is cut off again, now or before the next.

    The ledger of a remote folder is there, too, before this returns: another machine may go on with the run.
    """
    line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    try:
        with FileIO(path, "a") as stream:
            _check_end(path, stream, snapshot)
            try:
                _write_whole(stream, line)
                os.fsync(stream.fileno())
            except OSError:
                with suppress(OSError):
                    stream.truncate(snapshot.n_bytes)
                raise
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error
    snapshot.n_lines, snapshot.n_bytes, snapshot.last_line = snapshot.n_lines + 1, snapshot.n_bytes + len(line), line
    push_file(path)


def _check_end(path: Path, stream: FileIO, snapshot: Snapshot) -> None:
    """Cut what an earlier record left behind that was not written whole; the lock keeps everybody else out."""
    size = os.fstat(stream.fileno()).st_size
    if _identify(stream) != snapshot.file or size < snapshot.n_bytes:
        raise LedgerError(f"{path} was replaced or cut while this run had it open. Run the same command again.")
    if size > snapshot.n_bytes:
        stream.truncate(snapshot.n_bytes)


def _write_whole(stream: FileIO, line: bytes) -> None:
    written = 0
    while written < len(line):
        written += stream.write(line[written:]) or 0


def _sync_folder(path: Path) -> None:
    try:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error
