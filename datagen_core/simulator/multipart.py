"""Decides how an uploaded form is taken apart: fields in memory, the file streamed to where the caller wants it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import IO

from datagen_core.simulator.wire import ApiError

MAX_FIELD_BYTES = 64 * 1024
MAX_PART_HEADER_BYTES = 16 * 1024
MAX_FIELDS = 100

_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_PARAMETER = re.compile(r';\s*(name|filename)\s*=\s*(?:"([^"]*)"|([^\s;"]+))', re.IGNORECASE)
# How browsers and httpx write the three characters that would end a quoted name.
_ESCAPES = {"%22": '"', "%0D": "\r", "%0A": "\n"}


class FormReader:
    """Takes a `multipart/form-data` body apart, block by block, however the blocks are cut.

    Text fields gather in `fields`; the part named `file` is written to `sink`, its name is `filename` (None while no
    file was seen). Memory holds one block, one header and the fields, never the file.
    """

    def __init__(self, content_type: str, sink: IO[bytes], *, max_file_bytes: int) -> None:
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.file_bytes = 0
        self._delimiter = b"\r\n--" + _parse_boundary(content_type)
        self._sink, self._max_file_bytes = sink, max_file_bytes
        # The first delimiter has no line break before it; this one makes it look like the others.
        self._buffer = bytearray(b"\r\n")
        self._field: str | None = None
        self._value = bytearray()
        self._in_header = self._is_complete = False

    async def read(self, blocks: AsyncIterator[bytes]) -> None:
        """Read a whole body.

        Raises:
            ApiError: 400 where the body is no well-formed form, or is cut off; 413 where a part is too large.
        """
        async for block in blocks:
            self._buffer += block
            while not self._is_complete and self._advance():
                pass
            if self._is_complete:
                self._buffer.clear()
        if not self._is_complete:
            raise _malformed("the closing boundary is missing")

    def _advance(self) -> bool:
        """Consume what can be consumed; False when more bytes are needed."""
        return self._read_header() if self._in_header else self._read_content()

    def _read_content(self) -> bool:
        at = self._buffer.find(self._delimiter)
        if at < 0:
            keep = len(self._delimiter) - 1
            self._take(bytes(self._buffer[:-keep]))
            del self._buffer[:-keep]
            return False
        end = at + len(self._delimiter)
        if len(self._buffer) < end + 2:
            return False
        self._take(bytes(self._buffer[:at]))
        self._finish_part()
        follows = bytes(self._buffer[end : end + 2])
        del self._buffer[: end + 2]
        if follows == b"--":
            self._is_complete = True
        elif follows == b"\r\n":
            self._in_header = True
            self._buffer[:0] = b"\r\n"
        else:
            raise _malformed("a boundary is not followed by a line break")
        return True

    def _read_header(self) -> bool:
        """Read a part's header lines; the buffer starts with the line break that ends the boundary's line."""
        at = self._buffer.find(b"\r\n\r\n")
        if at > MAX_PART_HEADER_BYTES or (at < 0 and len(self._buffer) > MAX_PART_HEADER_BYTES):
            raise _malformed("a part's header is too long")
        if at < 0:
            return False
        header = bytes(self._buffer[:at]).decode("utf-8", "replace")
        del self._buffer[: at + 4]
        self._open_part(header)
        self._in_header = False
        return True

    def _open_part(self, header: str) -> None:
        names: dict[str, str] = {}
        for line in header.split("\r\n"):
            if line.lower().startswith("content-disposition:"):
                names = {m[1].lower(): _unescape(m[2] or m[3] or "") for m in _PARAMETER.finditer(line)}
        if "name" not in names:
            raise _malformed("a part has no name")
        if names["name"] == "file":
            if self.filename is not None:
                raise _malformed("there is more than one file")
            self.filename = names.get("filename", "") or "upload"
        elif names["name"] in self.fields or len(self.fields) >= MAX_FIELDS:
            raise _malformed(f"the field {names['name'][:64]!r} is given twice, or there are too many fields")
        self._field = names["name"]

    def _take(self, content: bytes) -> None:
        if self._field is None or not content:
            return
        if self._field == "file":
            self.file_bytes += len(content)
            if self.file_bytes > self._max_file_bytes:
                message = f"The file is larger than {self._max_file_bytes} bytes. Split it into smaller files."
                raise ApiError(413, message, param="file", code="file_too_large")
            self._sink.write(content)
            return
        self._value += content
        if len(self._value) > MAX_FIELD_BYTES:
            raise ApiError(413, f"The field {self._field[:64]!r} is too long.", code="string_above_max_length")

    def _finish_part(self) -> None:
        if self._field is not None and self._field != "file":
            self.fields[self._field] = bytes(self._value).decode("utf-8", "replace")
        self._field = None
        self._value.clear()


def _parse_boundary(content_type: str) -> bytes:
    found = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or not found:
        raise ApiError(400, "Expected a multipart/form-data body with a boundary.", code="invalid_content_type")
    return (found[1] or found[2]).encode("latin-1", "replace")


def _unescape(name: str) -> str:
    for escape, character in _ESCAPES.items():
        name = name.replace(escape, character)
    return name


def _malformed(problem: str) -> ApiError:
    return ApiError(400, f"The multipart/form-data body is malformed: {problem}.", code="invalid_multipart")
