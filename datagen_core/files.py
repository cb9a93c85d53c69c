"""Decides how files are streamed, parsed and fingerprinted; `writing` has how they are replaced, `locking` who may."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar, cast

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from datagen_core.errors import InputFileError
from datagen_core.writing import BUFFER_BYTES, HashingWriter, replace_file

JsonObject = dict[str, object]

M = TypeVar("M", bound=BaseModel)


class Artifact(BaseModel):
    """A reference to a finished file: what tasks hand to each other instead of its contents.

    `rows` counts lines of JSON Lines, elements of a JSON array, or files of a folder; `bytes` is the size on disk.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: str
    rows: int
    bytes: int

    def is_intact(self) -> bool:
        """Tell whether the file still stands with the same bytes."""
        path = Path(self.path)
        return path.exists() and fingerprint(path) == self.sha256


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's relative names and contents in sorted order."""
    digest = hashlib.sha256()
    if path.is_dir():
        for child in sorted(p for p in path.rglob("*") if p.is_file()):
            digest.update(f"{child.relative_to(path).as_posix()}\0{fingerprint(child)}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def describe(path: Path, rows: int) -> Artifact:
    """Return the artifact of a file or folder that stands there; `describe_written` spares reading a new file."""
    size = sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) if path.is_dir() else path.stat().st_size
    return Artifact(path=str(path), sha256=fingerprint(path), rows=rows, bytes=size)


def describe_written(path: Path, stream: HashingWriter, rows: int) -> Artifact:
    """Return the artifact of a file that `replace_file` has put at `path`, without reading it again."""
    return Artifact(path=str(path), sha256=stream.sha256, rows=rows, bytes=stream.n_bytes)


def write_jsonl(path: Path, rows: Iterable[object]) -> Artifact:
    """Write one JSON document a line, atomically, and return the artifact."""
    count = 0
    with replace_file(path) as stream:
        for row in rows:
            stream.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            count += 1
    return describe_written(path, stream, count)


def write_json_array(path: Path, elements: Iterable[object]) -> Artifact:
    """Write a JSON array with one element a line, so that it streams both ways."""
    count = 0
    with replace_file(path) as stream:
        stream.write(b"[")
        for element in elements:
            stream.write(b"\n" if count == 0 else b",\n")
            stream.write(orjson.dumps(element))
            count += 1
        stream.write(b"\n]\n" if count else b"]\n")
    return describe_written(path, stream, count)


def write_json(path: Path, document: object) -> Artifact:
    """Write one indented JSON document, atomically."""
    with replace_file(path) as stream:
        stream.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return describe_written(path, stream, 1)


def read_json(path: Path, *, advice: str) -> object:
    """Read one JSON document.

    Raises:
        InputFileError: the file is missing or is no JSON.
    """
    try:
        return cast(object, orjson.loads(path.read_bytes()))
    except OSError as error:
        raise InputFileError(path, f"cannot be read ({error.strerror}).", advice=advice) from error
    except orjson.JSONDecodeError as error:
        raise InputFileError(
            path, f"is not valid JSON: {error.msg}.", line=error.lineno, column=error.colno, advice=advice
        ) from error


def read_jsonl(path: Path, *, advice: str) -> Iterator[tuple[int, JsonObject]]:
    """Yield (line number from 1, object) for each line; blank lines are passed over.

    Raises:
        InputFileError: the file is missing, or a line is no JSON object; names line and column.
    """
    for number, line in read_lines(path, advice):
        if line.strip():
            yield number, parse_line(path, number, line, advice)


def index_jsonl(path: Path, name: str, *, advice: str) -> dict[str, int]:
    """Return at which byte each line begins, by the text of its field `name`; of lines with the same text the first.

    Raises:
        InputFileError: as `read_jsonl`.
    """
    places: dict[str, int] = {}
    offset = 0
    for number, line in read_lines(path, advice):
        value = parse_line(path, number, line, advice).get(name) if line.strip() else None
        if isinstance(value, str):
            places.setdefault(value, offset)
        offset += len(line)
    return places


def read_jsonl_at(path: Path, offset: int, *, advice: str) -> JsonObject:
    """Return the object of the line that begins at a byte, as `index_jsonl` found it.

    Raises:
        InputFileError: the file is missing, or no JSON object stands there.
    """
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            line = stream.readline()
    except OSError as error:
        raise InputFileError(path, f"cannot be read ({error.strerror}).", advice=advice) from error
    try:
        value = cast(object, orjson.loads(line))
    except orjson.JSONDecodeError as error:
        raise InputFileError(path, f"is not valid JSON at byte {offset}: {error.msg}.", advice=advice) from error
    if not isinstance(value, dict):
        raise InputFileError(path, f"expected a JSON object at byte {offset}.", advice=advice)
    return cast(JsonObject, value)


def iter_json_array(path: Path, *, advice: str) -> Iterator[tuple[int, object]]:
    """Yield (line number, element) of a JSON array; memory stays small where one element stands on a line.

    An array laid out otherwise is read whole.

    Raises:
        InputFileError: the file is missing, is no JSON, or is no array.
    """
    if not _has_one_element_a_line(path, advice):
        document = read_json(path, advice=advice)
        if not isinstance(document, list):
            raise InputFileError(path, f"expected a JSON array, found {type(document).__name__}.", advice=advice)
        yield from enumerate(cast(list[object], document), start=1)
        return
    closed = False
    for number, line in read_lines(path, advice):
        text = line.strip()
        if number == 1 or not text:
            continue
        if closed:
            raise InputFileError(path, "found text after the closing bracket.", line=number, advice=advice)
        if text == b"]":
            closed = True
            continue
        yield number, _parse(path, number, text.removesuffix(b","), advice)
    if not closed:
        raise InputFileError(path, "the array is not closed: the file is cut off.", advice=advice)


def validate_model(
    model: type[M], value: object, path: Path, *, advice: str, line: int | None = None, field: str | None = None
) -> M:
    """Return what a file holds as its model; `field` is where in the file, or the line, the value stands.

    Raises:
        InputFileError: it is not what the model says; names file, line and field.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in ([field] if field else []) + list(first["loc"])) or None
        raise InputFileError(path, f"{first['msg']}.", line=line, field=place, advice=advice) from None


def _has_one_element_a_line(path: Path, advice: str) -> bool:
    """Look at the first two lines only: an indented array also opens with a lone bracket."""
    for number, line in read_lines(path, advice):
        text = line.strip()
        if number == 1:
            if text != b"[":
                return False
            continue
        if text == b"]":
            return True
        if line[:1].isspace():
            return False
        try:
            orjson.loads(text.removesuffix(b","))
        except orjson.JSONDecodeError:
            return False
        return True
    return False


def read_lines(path: Path, advice: str) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, line with its end).

    Raises:
        InputFileError: the file cannot be read.
    """
    try:
        with path.open("rb", BUFFER_BYTES) as stream:
            yield from enumerate(stream, start=1)
    except OSError as error:
        raise InputFileError(path, f"cannot be read ({error.strerror}).", advice=advice) from error


def _parse(path: Path, number: int, line: bytes, advice: str) -> object:
    try:
        return cast(object, orjson.loads(line))
    except orjson.JSONDecodeError as error:
        raise InputFileError(
            path, f"is not valid JSON: {error.msg}.", line=number, column=error.colno, advice=advice
        ) from error


def parse_line(path: Path, number: int, line: bytes, advice: str) -> JsonObject:
    """Return the JSON object that stands on a line.

    Raises:
        InputFileError: the line is no JSON object; names line and column.
    """
    value = _parse(path, number, line, advice)
    if not isinstance(value, dict):
        raise InputFileError(
            path, f"expected a JSON object, found {type(value).__name__}.", line=number, column=1, advice=advice
        )
    return cast(JsonObject, value)
