"""Decides what is shown of a ledger, damaged or not, without touching it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from datagen_core.batch.ledger import LEDGER_NAME, VERSION
from datagen_core.batch.records import Entry, LedgerState, apply_record, find_problem, parse_object
from datagen_core.errors import InputFileError
from datagen_core.files import JsonObject, read_lines

_ADVICE = "Name a run's folder, or its ledger.jsonl. A lost one is written anew by 'datagen ledger rebuild FOLDER'."


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LedgerRow(_Frozen):
    """One key's state. Times are epoch seconds; `run` and `round` are None where the submission did not say."""

    key: str
    generation: int
    state: LedgerState
    file_id: str | None
    batch_id: str | None
    uploaded_at: float | None
    announced_at: float | None
    submitted_at: float | None
    refused_at: float | None
    run: str | None
    round: str | None

    @property
    def changed_at(self) -> float | None:
        """When the state was reached."""
        times = {
            "submitted": self.submitted_at,
            "intent": self.announced_at,
            "refused": self.refused_at,
        }
        return times.get(self.state, self.uploaded_at)


class DamagedLine(_Frozen):
    """A line that no ledger of ours has; counted from 1."""

    line: int
    problem: str


class LedgerView(_Frozen):
    """A ledger as it stands on disk. `version` and `identity` are None where the first line does not tell them."""

    path: str
    version: int | None
    identity: str | None
    rows: tuple[LedgerRow, ...]
    damaged: tuple[DamagedLine, ...]

    @property
    def is_of_other_version(self) -> bool:
        """Tell whether another version of ours wrote it, whose records may mean more than is shown."""
        return self.version is not None and self.version != VERSION


class LedgerLine(NamedTuple):
    """A line as read; `problem` is None for a sound one. Line 1 is the header."""

    number: int
    record: JsonObject
    problem: str | None


def find_ledger(path: Path) -> Path:
    """Return the ledger that a folder or a file means, whether it exists or not."""
    return path / LEDGER_NAME if path.is_dir() or not path.suffix else path


def read_ledger(path: Path) -> LedgerView:
    """Read a ledger or a folder's. It is neither locked nor changed: a run may be at work on it.

    Raises:
        InputFileError: there is no ledger.
    """
    ledger = find_ledger(path)
    header: JsonObject = {}
    entries: dict[str, Entry] = {}
    damaged: list[DamagedLine] = []
    for number, record, problem in iter_ledger(ledger):
        if problem is not None:
            damaged.append(DamagedLine(line=number, problem=problem))
        elif number == 1:
            header = record
        else:
            apply_record(entries, record)
    version, identity = header.get("version"), header.get("identity")
    return LedgerView(
        path=str(ledger),
        version=version if isinstance(version, int) else None,
        identity=identity if isinstance(identity, str) else None,
        rows=tuple(_describe(key, entry) for key, entry in entries.items()),
        damaged=tuple(damaged),
    )


def iter_ledger(path: Path) -> Iterator[LedgerLine]:
    """Yield every line of a ledger with what is wrong with it, if anything.

    Raises:
        InputFileError: the file is missing or cannot be read.
    """
    if not path.is_file():
        raise InputFileError(path, "is not there.", advice=_ADVICE)
    for number, line in read_lines(path, _ADVICE):
        record = parse_object(line)
        if not line.endswith(b"\n"):
            yield LedgerLine(number, {}, "is cut off: a run was killed here, or is writing it.")
        elif number == 1 and not ("version" in record and isinstance(record.get("identity"), str)):
            yield LedgerLine(number, record, "is no ledger's header.")
        else:
            yield LedgerLine(number, record, find_problem(record) if number > 1 else None)


def _describe(key: str, entry: Entry) -> LedgerRow:
    return LedgerRow(
        key=key,
        generation=int(key.rpartition(".")[2]),
        state=entry.state,
        file_id=entry.file_id,
        batch_id=entry.batch_id,
        uploaded_at=entry.file_time or entry.upload_time,
        announced_at=entry.intent_time,
        submitted_at=entry.submitted_at or None,
        refused_at=entry.refused_at,
        run=entry.metadata.get("run"),
        round=entry.metadata.get("round"),
    )
