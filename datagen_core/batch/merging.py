"""Decides which row of a batch's files is the result of which request, reading each line once."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from json import JSONDecoder
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

import orjson

from datagen_core.batch.classes import RowClass, classify
from datagen_core.batch.models import BatchStatus, Outcome
from datagen_core.batch.outcomes import PAID_OUTCOMES, Result, RowError, absent_result, has_custom_id, read_result
from datagen_core.batch.poll import describe_issues
from datagen_core.batch.reporting import BatchReport, LineFault, ToldIds, ToldLines, do_counts_add_up
from datagen_core.batch.wire import as_object, load_json
from datagen_core.files import JsonObject

MAX_LINE_BYTES: Final = 64 << 20
"""Longer lines are passed over without being held: a third of what OpenAI lets a whole request file have."""
OUTPUT_GONE: Final = "output_file_gone"
_SKIPPED_BLOCK: Final = 1 << 20
_PADDING: Final = b" \t\r\n\v\f\0\xef\xbb\xbf"
"""What may stand around a row without being part of it; NUL bytes and a byte order mark among them."""
_RANKS: Final = {"answered": 3} | {outcome: 2 for outcome in PAID_OUTCOMES if outcome != "answered"}
_CLASSES: Final[tuple[RowClass, ...]] = ("good", "retryable", "final", "unknown")


class Absence(NamedTuple):
    """What became of the requests of which the provider's files say nothing."""

    outcome: Outcome
    error: RowError | None


class BatchFiles(NamedTuple):
    """A batch's files: those that were there, where they were put, and what to call those that are gone."""

    paths: Sequence[Path]
    gone: tuple[str, ...] = ()
    is_output_gone: bool = False


def merge_rows(
    files: BatchFiles, asked: Sequence[str] | None, status: BatchStatus, spool: IO[bytes], *, provider: str = ""
) -> MergedRows:
    """Read a batch's files and return what became of each request; the results' JSON is written to `spool`.

    `asked` are the custom_ids in the order of requests; None means that nobody knows them: then every row's request
    counts, in the order of custom_ids.
    """
    merged = MergedRows(asked, status, spool, provider=provider, files=files)
    for path in files.paths:
        merged.read_file(path)
    spool.flush()
    return merged


class MergedRows:
    """The results of a batch: their JSON stands in the spool, about 150 bytes a request in memory.

    Rows are matched by custom_id only. Of several rows for one request the best counts: an answer before a refusal or
    a truncated or filtered answer, those before rows without any; of equals the first. The provider bills whatever it
    answered, so taking the answer costs nothing more, while passing it over for an earlier refusal would mean paying a
    third time; the first of equals, so that a copy added later changes nothing.
    """

    def __init__(
        self, asked: Sequence[str] | None, status: BatchStatus, spool: IO[bytes], *, provider: str, files: BatchFiles
    ) -> None:
        self._status, self._spool, self._provider, self._gone = status, spool, provider, files.gone
        self._absence = explain_absence(status, is_output_gone=files.is_output_gone)
        self._is_open = asked is None
        self._positions = {custom_id: place for place, custom_id in enumerate(dict.fromkeys(asked or ()))}
        n_requests = len(self._positions)
        self._offsets, self._sizes = array("q", bytes(8 * n_requests)), array("q", bytes(8 * n_requests))
        self._ranks, self._classes = bytearray(n_requests), bytearray(n_requests)
        self._n_spooled = self._n_rows = 0
        self._duplicated, self._foreign, self._unreadable = ToldIds(), ToldIds(), ToldLines()

    def iter_results(self) -> Iterator[orjson.Fragment]:
        """Yield the JSON of each request's `Result`, in the order of requests."""
        descriptor = self._spool.fileno()
        for custom_id in sorted(self._positions) if self._is_open else self._positions:
            place = self._positions[custom_id]
            if self._ranks[place]:
                yield orjson.Fragment(os.pread(descriptor, self._sizes[place], self._offsets[place]))
            else:
                yield orjson.Fragment(orjson.dumps(self._build_absent(custom_id)))

    def report(self) -> BatchReport:
        """Return what the files hold, and what not."""
        counted = Counter(_CLASSES[number] for rank, number in zip(self._ranks, self._classes, strict=True) if rank)
        missing = ToldIds()
        for custom_id, place in self._positions.items():
            if not self._ranks[place]:
                missing = missing.plus(custom_id)
        counted[classify(self._build_absent(""))] += missing.count
        return BatchReport(
            batch_id=self._status.batch_id,
            status=self._status.status,
            requests=len(self._positions),
            rows=self._n_rows,
            classes={name: counted[name] for name in _CLASSES},
            duplicated=self._duplicated,
            foreign=self._foreign,
            missing=missing,
            unreadable=self._unreadable,
            counts=self._status.counts,
            counts_add_up=do_counts_add_up(self._status, len(self._positions)),
            missing_files=self._gone,
        )

    def read_file(self, path: Path) -> None:
        """Take the rows of a file."""
        number = 0
        with path.open("rb", buffering=1 << 20) as stream:
            while (line := read_line(stream)) != b"":
                number += 1
                rows, reason = ([], f"is longer than {MAX_LINE_BYTES} bytes") if line is None else split_rows(line)
                del line  # A huge one need not stand beside what was made of it.
                for row in rows:
                    self._take(row)
                if reason is not None:
                    self._unreadable = self._unreadable.plus(LineFault(file=path.name, line=number, reason=reason))

    def _build_absent(self, custom_id: str) -> Result:
        outcome, error = self._absence
        return absent_result(custom_id, self._status.batch_id, outcome, error, provider=self._provider)

    def _take(self, row: JsonObject) -> None:
        result = read_result(row, self._status.batch_id, provider=self._provider)
        self._n_rows += 1
        place = self._find_place(result["custom_id"])
        if place is None:
            self._foreign = self._foreign.plus(result["custom_id"])
            return
        rank = _RANKS.get(result["outcome"], 1)
        if self._ranks[place]:
            self._duplicated = self._duplicated.plus(result["custom_id"])
        if rank > self._ranks[place]:
            size = self._spool.write(orjson.dumps(result))
            self._offsets[place], self._sizes[place] = self._n_spooled, size
            self._ranks[place], self._classes[place] = rank, _CLASSES.index(classify(result))
            self._n_spooled += size

    def _find_place(self, custom_id: str) -> int | None:
        place = self._positions.get(custom_id)
        if place is None and self._is_open:
            place = self._positions[custom_id] = len(self._positions)
            for column in (self._offsets, self._sizes, self._ranks, self._classes):
                column.append(0)
        return place


def explain_absence(status: BatchStatus, *, is_output_gone: bool = False) -> Absence:
    """Return what became of the requests of which the provider's files say nothing.

    The requests of a batch that failed, as a whole or having written some answers, have the code `batch_failed` and
    the provider's reasons as the message: they did not run.
    """
    if is_output_gone:
        message = f"The provider no longer has output file {status.output_file_id} of batch {status.batch_id}."
        return Absence("missing", {"code": OUTPUT_GONE, "message": message})
    if status.status == "failed":
        return Absence("error", {"code": "batch_failed", "message": describe_issues(status)})
    if status.status == "expired":
        return Absence("expired", None)
    return Absence("cancelled" if status.status == "cancelled" else "missing", None)


def read_line(stream: IO[bytes]) -> bytes | None:
    """Return the next line with its end, b"" after the last, or None for one over the limit, which is not held."""
    line = stream.readline(MAX_LINE_BYTES + 1)
    if len(line) <= MAX_LINE_BYTES:
        return line
    while line and not line.endswith(b"\n"):
        line = stream.readline(_SKIPPED_BLOCK)
    return None


def split_rows(line: bytes) -> tuple[list[JsonObject], str | None]:
    """Return the rows that stand on a line, and why it, or the rest of it, is no row; a blank line is no fault.

    Where the end of a line was lost, two rows stand on one; both were paid for.
    """
    line = line.strip(_PADDING)
    if not line:
        return [], None
    try:
        value = load_json(line)
    except ValueError as error:
        rows, is_whole = _split_joined(line.decode("utf-8", "replace")) if b"}{" in line else ([], False)
        return rows, None if is_whole else f"is no JSON: {error}"
    if not isinstance(value, dict):
        return [], "is no JSON object"
    row = as_object(cast(object, value))
    return ([row], None) if has_custom_id(row) else ([], "has no custom_id")


def _split_joined(text: str) -> tuple[list[JsonObject], bool]:
    """Return the rows that stand one after the other, and whether the text ends with the last of them."""
    decoder, place = JSONDecoder(), 0
    rows: list[JsonObject] = []
    while place < len(text):
        try:
            value, place = cast("tuple[object, int]", decoder.raw_decode(text, place))
        except (ValueError, RecursionError):
            return rows, False
        row = as_object(value)
        if not has_custom_id(row):
            return rows, False
        rows.append(row)
    return rows, True
