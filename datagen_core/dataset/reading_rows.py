"""Decides how the rows of a dataset made anywhere are read: JSON Lines or Parquet, whatever stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

import orjson

from datagen_core.dataset.parquet import open_shard
from datagen_core.dataset.reading_foreign import Reading, read_row
from datagen_core.errors import InputFileError
from datagen_core.files import JsonObject

MAX_LINE_BYTES: Final = 32 * 1024 * 1024
"""A longer line is no dialogue, and not read."""

_ADVICE: Final = "Name a dataset.jsonl, any JSON Lines or Parquet file, or a folder with one."
_BOM: Final = b"\xef\xbb\xbf"
_ROWS_A_GROUP: Final = 500
_PARQUET_MAGIC: Final = b"PAR1"
_NAMES: Final = ("dataset.jsonl", "gold_dataset.jsonl")


class Row(NamedTuple):
    """A row and where it stands: its line in JSON Lines, its number in Parquet, both from 1.

    `record` is None where the row cannot be read at all; `problem` then says why.
    """

    line: int
    reading: Reading | None
    problem: str | None = None

    @property
    def record(self) -> JsonObject | None:
        """The row in our form."""
        return None if self.reading is None else self.reading.record


def find_datasets(path: Path) -> list[Path]:
    """Return the file, or the files of a folder: `dataset.jsonl`, `gold_dataset.jsonl`, else all Parquet or JSONL.

    Raises:
        InputFileError: there is none.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputFileError(path, "is not there.", advice=_ADVICE)
    usual = next((path / name for name in _NAMES if (path / name).is_file()), None)
    if usual is not None:
        return [usual]
    found = sorted(path.rglob("*.parquet")) or sorted(path.glob("*.jsonl"))
    if not found:
        raise InputFileError(path, f"holds no {', no '.join(_NAMES)} and no Parquet file.", advice=_ADVICE)
    return found


def iter_rows(path: Path) -> Iterator[Row]:
    """Yield every row; what is wrong with one is told in it. Blank lines are passed over.

    Memory holds one line, or one group of a Parquet file.

    Raises:
        InputFileError: the file cannot be read, or is damaged Parquet.
    """
    try:
        with path.open("rb") as stream:
            is_parquet = stream.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
        yield from _iter_parquet(path) if is_parquet else _iter_lines(path)
    except OSError as error:
        raise InputFileError(path, f"cannot be read ({error.strerror or error}).", advice=_ADVICE) from error


def _iter_lines(path: Path) -> Iterator[Row]:
    with path.open("rb") as stream:
        for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE_BYTES + 1), b""), start=1):
            if len(line) > MAX_LINE_BYTES:
                _skip_rest(stream, line)
                yield Row(number, None, f"the line is longer than {MAX_LINE_BYTES:,} bytes")
                continue
            text = line.removeprefix(_BOM) if number == 1 else line
            if text.strip():
                yield _parse_line(number, text)


def _skip_rest(stream: IO[bytes], piece: bytes) -> None:
    while piece and not piece.endswith(b"\n"):
        piece = stream.readline(MAX_LINE_BYTES)


def _parse_line(number: int, line: bytes) -> Row:
    try:
        value = cast("object", orjson.loads(line))
    except orjson.JSONDecodeError as error:
        return Row(number, None, f"the line is not valid JSON: {error.msg}, column {error.colno}")
    if not isinstance(value, dict):
        return Row(number, None, f"the line holds a JSON {type(value).__name__}, expected an object")
    return Row(number, read_row(cast("JsonObject", value)))


def _iter_parquet(path: Path) -> Iterator[Row]:
    import pyarrow as pa

    number = 0
    arrow_error = cast("type[Exception]", pa.ArrowException)
    try:
        with open_shard(path) as parquet:
            for batch in parquet.iter_batches(batch_size=_ROWS_A_GROUP):
                for row in cast("list[JsonObject]", batch.to_pylist()):
                    number += 1
                    yield Row(number, read_row(cast("JsonObject", _drop_nulls(row)), is_columnar=True))
    except arrow_error as error:
        problem = f"is damaged Parquet after row {number}: {str(error)[:200]}."
        raise InputFileError(path, problem, advice=_ADVICE) from error


def _drop_nulls(value: object) -> object:
    """Return a value without fields that are null: Arrow fills with null what one row lacks and another has."""
    if isinstance(value, dict):
        fields = cast("JsonObject", value)
        return {key: _drop_nulls(part) for key, part in fields.items() if part is not None}
    if isinstance(value, list):
        return [_drop_nulls(part) for part in cast("list[object]", value)]
    return value
