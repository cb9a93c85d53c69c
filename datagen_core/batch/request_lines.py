"""Decides whether a line of a request file may be sent: a request unlike any before it, for the same model and URL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, Self, cast

from datagen_core.errors import InputFileError, OutputError
from datagen_core.files import JsonObject, parse_line
from datagen_core.writing import BUFFER_BYTES

if TYPE_CHECKING:
    import sqlite3

MAX_CUSTOM_ID: Final = 64
_ADVICE: Final = "Write the request file again, or correct this line."
_BLOCK: Final = 1 << 20
_CUSTOM_ID: Final = re.compile(rb'"custom_id"\s*:\s*"([^"\\]{1,64})"')


class RequestLine(NamedTuple):
    """A line that may be sent, as it stands in the file, and what it says; numbers count from 1."""

    number: int
    text: bytes
    request: JsonObject


class RequestReader:
    """Reads a request file once and holds every line against those before it. Use it as a context manager.

    Memory holds one line, and the custom_ids since the last `start_shard`; earlier ones are on disk.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._url: object = None
        self._model: object = None
        self._seen = _SeenIds()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._seen.close()

    def start_shard(self) -> None:
        """Move the custom_ids met so far to disk.

        Raises:
            OutputError: the disk for temporary files is full.
        """
        self._seen.start_shard()

    def iter_lines(self, max_bytes: int) -> Iterator[RequestLine]:
        """Yield every line; one longer than `max_bytes`, with its line break, is never held whole.

        Raises:
            InputFileError: the file cannot be read or holds no request; a line is blank, too long, no request, has a
                custom_id that stood before, or another model or URL than the first. Names line, column and field.
        """
        number = 0
        for number, text in _iter_bounded(self._path, max_bytes):
            if text.isspace():
                raise InputFileError(self._path, "is blank.", line=number, column=1, advice=_ADVICE)
            request = parse_line(self._path, number, text, _ADVICE)
            found = self._find_problem(request, number)
            if found is not None:
                raise InputFileError(self._path, found[1], line=number, field=found[0], advice=_ADVICE)
            yield RequestLine(number, text, request)
        if number == 0:
            raise InputFileError(self._path, "holds no requests.", advice=_ADVICE)

    def _find_problem(self, request: JsonObject, number: int) -> tuple[str, str] | None:
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
        return self._find_difference(url, model) or self._find_repetition(custom_id, number)

    def _find_difference(self, url: str, model: str) -> tuple[str, str] | None:
        if self._url is None:
            self._url, self._model = url, model
        if url != self._url:
            return "url", f"is {url!r} where the first line has {self._url!r}; a file holds requests for one URL."
        if model != self._model:
            return "body.model", f"is {model!r} where the first line has {self._model!r}; a file holds one model."
        return None

    def _find_repetition(self, custom_id: str, number: int) -> tuple[str, str] | None:
        before = self._seen.find_or_add(custom_id, number)
        return None if before is None else ("custom_id", f"{custom_id!r} stands on line {before} already.")


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
        import sqlite3

        try:
            if self._earlier is None:
                self._earlier = sqlite3.connect("")  # the empty name is a private file that SQLite removes
                self._earlier.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")
            self._earlier.executemany("INSERT INTO seen VALUES (?, ?)", sorted(self._current.items()))
        except sqlite3.Error as error:
            raise OutputError("The folder for temporary files", f"no space for custom_ids: {error}") from error
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


def _iter_bounded(path: Path, max_bytes: int) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb", BUFFER_BYTES) as stream:
            for number in count(1):
                text = stream.readline(max_bytes + 1)
                if not text:
                    return
                if len(text) + (not text.endswith(b"\n")) > max_bytes:
                    raise _explain_length(path, number, text, _measure_line(stream, text), max_bytes)
                yield number, text
    except OSError as error:
        raise InputFileError(path, f"cannot be read ({error.strerror}).", advice=_ADVICE) from error


def _measure_line(stream: BinaryIO, beginning: bytes) -> int:
    """Return how many bytes a line has with its line break, of which only the beginning was read."""
    size, block = len(beginning), beginning
    while block and not block.endswith(b"\n"):
        block = stream.readline(_BLOCK)
        size += len(block)
    return size + (not block)


def _explain_length(path: Path, number: int, text: bytes, size: int, max_bytes: int) -> InputFileError:
    named = _CUSTOM_ID.search(text, 0, _BLOCK)
    who = "the request" if named is None else f"request {named[1].decode(errors='replace')!r}"
    return InputFileError(
        path,
        f"{who} has {size} bytes; a shard may have {max_bytes}.",
        line=number,
        field=None if named is None else "custom_id",
        advice="Shorten this request or leave it out, then run the same command again.",
    )


def _show(value: object) -> str:
    return "nothing" if value is None else repr(value)[:80]
