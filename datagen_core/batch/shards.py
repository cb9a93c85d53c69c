"""Decides how a request file is cut into shards that a provider takes, and whether each line of it may be sent."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, cast

from datagen_core.errors import InputFileError
from datagen_core.files import Artifact, JsonObject, describe, parse_line, read_lines, replace_file

MAX_REQUESTS = 50_000
MAX_BYTES = 190_000_000
"""A little under the provider's 200 MB, whichever way that is counted."""
MAX_CUSTOM_ID = 64
_ADVICE = "Write the request file again, or correct this line."


class _Span(NamedTuple):
    """A shard's place in the request file, in bytes."""

    start: int
    end: int
    rows: int


class _SeenIds:
    """The custom_ids met so far: those of one shard in memory, earlier ones in a temporary database on disk."""

    def __init__(self) -> None:
        self._current: dict[str, int] = {}
        self._earlier: sqlite3.Connection | None = None

    def find_or_add(self, custom_id: str, line: int) -> int | None:
        """Return the line where this id stood before, or None after remembering it."""
        before = self._current.get(custom_id) or self._find_earlier(custom_id)
        if before is None:
            self._current[custom_id] = line
        return before

    def start_shard(self) -> None:
        """Move the ids of the shard that just ended to disk."""
        if self._earlier is None:
            self._earlier = sqlite3.connect("")  # the empty name is a private file that SQLite removes
            self._earlier.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")
        self._earlier.executemany("INSERT INTO seen VALUES (?, ?)", sorted(self._current.items()))
        self._current = {}

    def close(self) -> None:
        if self._earlier is not None:
            self._earlier.close()

    def _find_earlier(self, custom_id: str) -> int | None:
        if self._earlier is None:
            return None
        found = cast(
            "tuple[int] | None", self._earlier.execute("SELECT line FROM seen WHERE id = ?", (custom_id,)).fetchone()
        )
        return None if found is None else found[0]


@dataclass(slots=True)
class _Common:
    """What every line has to share: the provider takes one model and one URL a file."""

    url: object = None
    model: object = None
    seen: _SeenIds = field(default_factory=_SeenIds)


def split_requests(
    path: Path, folder: Path, *, max_requests: int = MAX_REQUESTS, max_bytes: int = MAX_BYTES
) -> list[Artifact]:
    """Return the shards of a request file, in order; each has at most `max_requests` lines and `max_bytes` bytes.

    A file that fits is its own only shard and is not copied. Otherwise `folder/shard-0001.jsonl` … are written, each
    atomically; the same file gives the same bytes. Every line is validated before anything is written.

    Raises:
        InputFileError: the file is missing or empty, a line is no request or too long, a custom_id stands twice, or
            lines differ in model or URL; names line, column and field.
        OutputError: a shard cannot be written.
    """
    spans = _find_spans(path, max_requests, max_bytes)
    if len(spans) == 1:
        return [describe(path, spans[0].rows)]
    return [_copy_span(path, span, folder / f"shard-{number:04d}.jsonl") for number, span in enumerate(spans, start=1)]


def _find_spans(path: Path, max_requests: int, max_bytes: int) -> list[_Span]:
    common = _Common()
    spans: list[_Span] = []
    start = end = rows = 0
    try:
        for number, line in read_lines(path, _ADVICE):
            # A last line without a line break gets one when it is copied.
            size = len(line) + (not line.endswith(b"\n"))
            if size > max_bytes:
                raise InputFileError(
                    path,
                    f"has {size} bytes; a shard may have {max_bytes}.",
                    line=number,
                    advice="Shorten this request.",
                )
            if rows and (rows == max_requests or end - start + size > max_bytes):
                spans.append(_Span(start, end, rows))
                start, rows = end, 0
                common.seen.start_shard()
            _validate_line(path, number, line, common)
            end, rows = end + len(line), rows + 1
    finally:
        common.seen.close()
    if not rows:
        raise InputFileError(path, "holds no requests.", advice=_ADVICE)
    return [*spans, _Span(start, end, rows)]


def _validate_line(path: Path, number: int, line: bytes, common: _Common) -> None:
    if not line.strip():
        raise InputFileError(path, "is blank.", line=number, column=1, advice=_ADVICE)
    found = _find_problem(parse_line(path, number, line, _ADVICE), number, common)
    if found is not None:
        raise InputFileError(path, found[1], line=number, field=found[0], advice=_ADVICE)


def _find_problem(request: JsonObject, number: int, common: _Common) -> tuple[str, str] | None:
    """Return (field, problem) of a request that no provider would take, or None."""
    custom_id, url, body = request.get("custom_id"), request.get("url"), request.get("body")
    if not isinstance(custom_id, str) or not 1 <= len(custom_id) <= MAX_CUSTOM_ID:
        return "custom_id", f"expected a string of 1 to {MAX_CUSTOM_ID} characters, found {_show(custom_id)}."
    if request.get("method") != "POST":
        return "method", f"expected 'POST', found {_show(request.get('method'))}."
    if not isinstance(url, str) or not url.startswith("/"):
        return "url", f"expected a path as /v1/chat/completions, found {_show(url)}."
    if not isinstance(body, dict):
        return "body", f"expected a JSON object, found {_show(body)}."
    model = cast(JsonObject, body).get("model")
    if not isinstance(model, str) or not model:
        return "body.model", f"expected a model's name, found {_show(model)}."
    if common.url is None:
        common.url, common.model = url, model
    if url != common.url:
        return "url", f"is {url!r} where the first line has {common.url!r}; a file holds requests for one URL."
    if model != common.model:
        return "body.model", f"is {model!r} where the first line has {common.model!r}; a file holds one model."
    before = common.seen.find_or_add(custom_id, number)
    return None if before is None else ("custom_id", f"{custom_id!r} stands on line {before} already.")


def _show(value: object) -> str:
    return "nothing" if value is None else repr(value)[:80]


def _copy_span(path: Path, span: _Span, target: Path) -> Artifact:
    last = b""
    with path.open("rb") as source, replace_file(target) as shard:
        source.seek(span.start)
        remaining = span.end - span.start
        while remaining:
            last = source.read(min(remaining, 1 << 20))
            if not last:
                raise InputFileError(path, "became shorter while it was read.", advice="Run the same command again.")
            shard.write(last)
            remaining -= len(last)
        if not last.endswith(b"\n"):
            shard.write(b"\n")
    return describe(target, span.rows)
