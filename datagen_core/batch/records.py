"""Decides what a line of the ledger says, what a shard's lines together mean, and when a line is damaged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, cast

import orjson

from datagen_core.batch.wire import as_object
from datagen_core.files import JsonObject

RecordKind = Literal["upload", "file", "intent", "batch", "refused"]
LedgerState = Literal["known", "uploading", "uploaded", "intent", "submitted", "refused"]

_KEY: Final = re.compile(r"[0-9a-f]{40}\.(0|[1-9][0-9]*)")
_TEXT_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {"file": ("file_id",), "batch": ("batch_id",)}
_NUMBER_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {"intent": ("in_flight_until",), "batch": ("submitted_at",)}
_KINDS: Final = frozenset({"upload", "file", "intent", "batch", "refused"})


@dataclass(slots=True)
class Entry:
    """What the ledger knows of one key. Times are epoch seconds.

    `upload_time` and `intent_time` say that a request was about to be sent; `in_flight_until` is when it can no longer
    arrive, and `intent_counter` what the machine's counter of seconds since its start showed, which no setting of the
    clock moves. A refusal takes them and the file back. `intent_file` is the file that the creation was announced with,
    `lost_files` those of earlier ones that were neither found nor refused; `metadata` is what was said of the run.
    """

    upload_time: float | None = None
    file_id: str | None = None
    file_time: float = 0.0
    intent_time: float | None = None
    intent_counter: float | None = None
    in_flight_until: float = 0.0
    batch_id: str | None = None
    submitted_at: float = 0.0
    refused_at: float | None = None
    intent_file: str | None = None
    lost_files: set[str] = field(default_factory=set[str])
    metadata: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def state(self) -> LedgerState:
        """How far the shard has come; `intent` is a creation whose outcome nobody has recorded."""
        if self.batch_id is not None:
            return "submitted"
        if self.intent_time is not None:
            return "intent"
        if self.file_id is not None:
            return "uploaded"
        if self.upload_time is not None:
            return "uploading"
        return "known" if self.refused_at is None else "refused"


def is_key(text: str) -> bool:
    """Tell whether a text is a submission's key: 40 hex digits, a dot, the generation."""
    return _KEY.fullmatch(text) is not None


def parse_object(line: bytes) -> JsonObject:
    """Return the line's JSON object, or an empty one where there is none."""
    try:
        return as_object(cast(object, orjson.loads(line)))
    except orjson.JSONDecodeError:
        return {}


def find_problem(record: JsonObject) -> str | None:
    """Return why a line below the header is no record of ours, or None; a kind of a later version is one."""
    kind = record.get("kind")
    if not isinstance(kind, str) or not kind:
        return "is no ledger record."
    if kind not in _KINDS:
        return None
    if not isinstance(key := record.get("key"), str) or not is_key(key):
        return "field 'key': expected 40 hex digits, a dot and a number."
    for name in ("time", *_NUMBER_FIELDS.get(kind, ())):
        if not _is_number(record.get(name)):
            return f"field {name!r}: expected a number."
    for name in _TEXT_FIELDS.get(kind, ()):
        if not isinstance(record.get(name), str) or not record[name]:
            return f"field {name!r}: expected an id."
    return None


def apply_record(entries: dict[str, Entry], record: JsonObject) -> None:
    """Bring the key's entry up to date by a sound record; kinds that a later version adds are passed over."""
    kind = record.get("kind")
    if kind not in _KINDS:
        return
    entry = entries.setdefault(str(record.get("key")), Entry())
    time = _seconds(record, "time")
    entry.metadata |= {name: str(value) for name, value in as_object(record.get("metadata")).items()}
    match kind:
        case "upload":
            entry.upload_time = time
        case "file":
            entry.file_id, entry.file_time = str(record.get("file_id")), time
        case "intent":
            _apply_intent(entry, record, time)
        case "batch":
            entry.batch_id, entry.submitted_at = str(record.get("batch_id")), _seconds(record, "submitted_at")
            entry.file_id = str(record.get("file_id") or "") or entry.file_id
        case _:
            entry.upload_time = entry.file_id = entry.intent_time = entry.intent_counter = entry.intent_file = None
            entry.refused_at = time


def _apply_intent(entry: Entry, record: JsonObject, time: float) -> None:
    if entry.intent_time is not None and entry.intent_file is not None:
        entry.lost_files.add(entry.intent_file)
    entry.intent_time, entry.in_flight_until = time, _seconds(record, "in_flight_until")
    counter, file_id = record.get("counter"), record.get("file_id")
    entry.intent_counter = float(counter) if isinstance(counter, int | float) else None
    entry.intent_file = file_id if isinstance(file_id, str) else None


def _seconds(record: JsonObject, name: str) -> float:
    value = record.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
