"""Decides what is remembered about submissions, so that a killed run knows what it may already have paid for."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import orjson
from filelock import BaseFileLock, FileLock, Timeout

from datagen_core.batch.wire import as_object
from datagen_core.errors import LedgerError, OutputError
from datagen_core.files import JsonObject

VERSION = 1
LOCK_SECONDS = 1_800.0
"""Another process may be uploading several hundred megabytes while it holds the lock."""

RecordKind = Literal["upload", "file", "intent", "batch", "refused"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Entry:
    """What the ledger knows of one key. Times are epoch seconds.

    `upload_time` and `intent_time` say that a request was about to be sent; `in_flight_until` is when it can no longer
    arrive. A refusal takes both and the file back.
    """

    upload_time: float | None = None
    file_id: str | None = None
    file_time: float = 0.0
    intent_time: float | None = None
    in_flight_until: float = 0.0
    batch_id: str | None = None
    submitted_at: float = 0.0


class Ledger:
    """An append-only file of JSON lines; each is on disk before `append` returns. Use `open_ledger`."""

    def __init__(self, path: Path, entries: dict[str, Entry]) -> None:
        self._path = path
        self._entries = entries

    def find_entry(self, key: str) -> Entry:
        """Return what is known of the key; an empty entry where nothing is."""
        return self._entries.setdefault(key, Entry())

    def append(self, kind: RecordKind, key: str, *, time: float, **fields: str | float) -> None:
        """Add a record and wait until the disk has it.

        Raises:
            OutputError: the record could not be written; what it announces must not be done.
        """
        record: JsonObject = {"kind": kind, "key": key, "time": time, **fields}
        _append_line(self._path, record)
        _apply(self._entries, record)


@contextmanager
def open_ledger(path: Path, identity: str, *, lock_timeout: float = LOCK_SECONDS) -> Generator[Ledger]:
    """Open the ledger of the project `identity`, alone: other threads and processes wait until the block ends.

    A last line that a crash cut off is removed: what it was to announce had not begun, and what it was to confirm is
    looked up by the record before it.

    Raises:
        LedgerError: the ledger belongs to another project, is damaged, or stays locked for `lock_timeout` seconds.
        OutputError: the ledger cannot be written.
    """
    lock = _lock(path, lock_timeout)
    try:
        yield Ledger(path, _load(path, identity))
    finally:
        lock.release()


def _lock(path: Path, seconds: float) -> BaseFileLock:
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


def _load(path: Path, identity: str) -> dict[str, Entry]:
    _cut_torn_line(path)
    entries: dict[str, Entry] = {}
    if not path.exists() or not path.stat().st_size:
        _append_line(path, {"version": VERSION, "identity": identity})
        return entries
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            record = _parse_record(path, number, line)
            if number == 1:
                _check_header(path, record, identity)
            else:
                _apply(entries, record)
    return entries


def _cut_torn_line(path: Path) -> None:
    """Truncate the file after its last line break."""
    if not path.exists():
        return
    with path.open("rb+") as stream:
        size = stream.seek(0, os.SEEK_END)
        whole = _find_end_of_last_line(path)
        if whole == size:
            return
        _log.warning("%s: removed a last line that was cut off (%s bytes).", path, size - whole)
        stream.truncate(whole)
        os.fsync(stream.fileno())


def _find_end_of_last_line(path: Path) -> int:
    whole = 0
    with path.open("rb") as stream:
        for line in stream:
            whole += len(line) if line.endswith(b"\n") else 0
    return whole


def _parse_record(path: Path, number: int, line: bytes) -> JsonObject:
    try:
        record = as_object(cast(object, orjson.loads(line)))
    except orjson.JSONDecodeError:
        record = {}
    if not record:
        raise LedgerError(
            f"{path}, line {number}: is no ledger record. The ledger is damaged. Restore it from a copy, or move it "
            "away: batches that carry our key in their metadata are then found again at the provider."
        )
    return record


def _check_header(path: Path, header: JsonObject, identity: str) -> None:
    if header.get("version") != VERSION:
        raise LedgerError(
            f"{path}: expected a ledger of version {VERSION}, found {header.get('version')!r}. "
            "Use the version of datagen that wrote it, or another folder."
        )
    if header.get("identity") != identity:
        raise LedgerError(
            f"{path} belongs to {header.get('identity')!r}, and this run submits to {identity!r}. "
            "Use the provider, base URL and project of the first run, or another folder. Another key is no hindrance."
        )


def _apply(entries: dict[str, Entry], record: JsonObject) -> None:
    """Bring the key's entry up to date; kinds that a later version adds are passed over."""
    entry = entries.setdefault(str(record.get("key")), Entry())
    time = _seconds(record, "time")
    match record.get("kind"):
        case "upload":
            entry.upload_time = time
        case "file":
            entry.file_id, entry.file_time = str(record.get("file_id")), time
        case "intent":
            entry.intent_time, entry.in_flight_until = time, _seconds(record, "in_flight_until")
        case "batch":
            entry.batch_id, entry.file_id = str(record.get("batch_id")), str(record.get("file_id"))
            entry.submitted_at = _seconds(record, "submitted_at")
        case "refused":
            entry.upload_time = entry.file_id = entry.intent_time = None
        case _:
            pass


def _seconds(record: JsonObject, name: str) -> float:
    value = record.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _append_line(path: Path, record: JsonObject) -> None:
    is_new = not path.exists()
    try:
        with path.open("ab") as stream:
            stream.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
            stream.flush()
            os.fsync(stream.fileno())
        if is_new:
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error
