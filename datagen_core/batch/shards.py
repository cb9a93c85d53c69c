"""Decides how a request file is cut into shards that a provider takes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from datagen_core.batch.models import Shard
from datagen_core.batch.request_lines import RequestLine, RequestReader
from datagen_core.errors import InputFileError, OutputError
from datagen_core.files import JsonObject
from datagen_core.writing import PendingFile

if TYPE_CHECKING:
    from hashlib import _Hash  # pyright: ignore[reportPrivateUsage] - typeshed has no public name for it

    from datagen_core.batch.counting import RowTokens

MAX_REQUESTS = 50_000
MAX_BYTES = 190_000_000
"""A little under the provider's 200 MB, whichever way that is counted."""
_BLOCK = 1 << 20
_ADVICE = "Leave the file alone while it is read, and run the same command again."


class _Limits(NamedTuple):
    """What a shard may have at most."""

    requests: int
    n_bytes: int
    prompt_tokens: int | None


class _Size(NamedTuple):
    """What a row, or a shard, comes to."""

    requests: int = 0
    n_bytes: int = 0
    prompt_tokens: int = 0
    max_output_tokens: int = 0

    def plus(self, other: _Size) -> _Size:
        return _Size(
            self.requests + other.requests,
            self.n_bytes + other.n_bytes,
            self.prompt_tokens + other.prompt_tokens,
            self.max_output_tokens + other.max_output_tokens,
        )

    def is_within(self, limits: _Limits) -> bool:
        has_tokens_left = limits.prompt_tokens is None or self.prompt_tokens <= limits.prompt_tokens
        return self.requests <= limits.requests and self.n_bytes <= limits.n_bytes and has_tokens_left


def split_requests(
    path: Path,
    folder: Path,
    *,
    max_requests: int = MAX_REQUESTS,
    max_bytes: int = MAX_BYTES,
    max_tokens: int | None = None,
    count: Callable[[JsonObject], RowTokens] | None = None,
) -> list[Shard]:
    """Return the shards of a request file, in order, each within the limits; `max_tokens` bounds its prompts' tokens.

    A file that fits is its own only shard and is not copied. Otherwise `folder/<name of the file>-0001.jsonl` … are
    written: all or, where a line is wrong, none. The same file and limits give the same bytes. Every line is read and
    validated once; `count` says what it costs, without it the shards' tokens are 0. Only of a file that turns out too
    long for its rows or tokens, not for its bytes, are those of the first shard copied once more.

    Shards of an earlier cut of a file of this name are replaced or removed, so that none can be taken for one of these.

    Raises:
        InputFileError: the file is missing or empty, a line is no request or too long, a custom_id stands twice, or
            lines differ in model or URL; names line, column and field.
        OutputError: a shard cannot be written.
        ValueError: tokens are bounded and nothing counts them.
    """
    if max_tokens is not None and count is None:
        raise ValueError("max_tokens needs count, which says how many tokens a request has")
    limits = _Limits(max_requests, max_bytes, max_tokens)
    with RequestReader(path) as reader, _open_cutter(path, folder, limits) as cutter:
        for line in reader.iter_lines(max_bytes):
            if cutter.add(line.text, _measure(path, line, limits, count)):
                reader.start_shard()
        shards = cutter.publish()
    _remove_earlier(path, folder, keep=len(shards) if len(shards) > 1 else 0)
    return shards


def _measure(path: Path, line: RequestLine, limits: _Limits, count: Callable[[JsonObject], RowTokens] | None) -> _Size:
    """Return what a row comes to; a last line without a line break counts with one.

    Raises:
        InputFileError: no shard has room for its prompt.
    """
    n_bytes = len(line.text) + (not line.text.endswith(b"\n"))
    if count is None:
        return _Size(1, n_bytes)
    tokens = count(line.request)
    if limits.prompt_tokens is not None and tokens.prompt > limits.prompt_tokens:
        raise InputFileError(
            path,
            f"request {line.request['custom_id']!r} has {tokens.prompt} prompt tokens; a shard may have "
            f"{limits.prompt_tokens}.",
            line=line.number,
            field="body",
            advice="Shorten this request or leave it out, or raise --max-enqueued-tokens if the provider allows more.",
        )
    return _Size(1, n_bytes, tokens.prompt, tokens.max_output)


@dataclass(slots=True)
class _Cut:
    """A shard in the making; without a file of its own, the beginning of the request file, hashed as it is read."""

    pending: PendingFile | None
    digest: _Hash = field(default_factory=hashlib.sha256)
    n_read: int = 0
    size: _Size = field(default_factory=_Size)

    def add(self, text: bytes, grown: _Size) -> None:
        """Add a row, with which the shard comes to `grown`."""
        if self.pending is None:
            self.digest.update(text)
            self.n_read += len(text)
        else:
            self.pending.write(text if text.endswith(b"\n") else text + b"\n")
        self.size = grown

    def publish(self, source: Path) -> Shard:
        if self.pending is not None:
            self.pending.publish()
        stream = None if self.pending is None else self.pending.stream
        return Shard(
            path=str(source if self.pending is None else self.pending.path),
            sha256=self.digest.hexdigest() if stream is None else stream.sha256,
            rows=self.size.requests,
            bytes=self.n_read if stream is None else stream.n_bytes,
            prompt_tokens=self.size.prompt_tokens,
            max_output_tokens=self.size.max_output_tokens,
        )


class _Cutter:
    """Puts rows into shards, one after the other; none has its final name before `publish`."""

    def __init__(self, path: Path, folder: Path, limits: _Limits) -> None:
        self._path, self._folder, self._limits = path, folder, limits
        self._cuts: list[_Cut] = []

    def add(self, text: bytes, size: _Size) -> bool:
        """Add a row; tell whether it began a further shard."""
        if not self._cuts:
            with _reading(self._path):
                is_too_long = self._path.stat().st_size > self._limits.n_bytes
            self._cuts.append(_Cut(self._open_file(1) if is_too_long else None))
        current = self._cuts[-1]
        grown = current.size.plus(size)
        if current.size.requests == 0 or grown.is_within(self._limits):
            current.add(text, grown)
            return False
        current.pending = current.pending or self._copy_beginning(current)
        current.pending.finish()
        self._cuts.append(_Cut(self._open_file(len(self._cuts) + 1)))
        self._cuts[-1].add(text, size)
        return True

    def publish(self) -> list[Shard]:
        return [cut.publish(self._path) for cut in self._cuts]

    def discard(self) -> None:
        for cut in self._cuts:
            if cut.pending is not None:
                cut.pending.discard()

    def _open_file(self, number: int) -> PendingFile:
        return PendingFile(self._folder / f"{self._path.stem}-{number:04d}.jsonl")

    def _copy_beginning(self, cut: _Cut) -> PendingFile:
        """Give the first shard a file of its own: only now is it known that the request file does not fit."""
        cut.pending = self._open_file(1)
        remaining = cut.n_read
        with _reading(self._path), self._path.open("rb") as source:
            while remaining and (block := source.read(min(remaining, _BLOCK))):
                cut.pending.write(block)
                remaining -= len(block)
        if cut.pending.hash() != cut.digest.hexdigest():
            raise InputFileError(self._path, "was changed while it was read.", advice=_ADVICE)
        return cut.pending


@contextmanager
def _reading(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise InputFileError(path, f"cannot be read ({error.strerror}).", advice=_ADVICE) from error


@contextmanager
def _open_cutter(path: Path, folder: Path, limits: _Limits) -> Generator[_Cutter]:
    """Give a cutter that leaves no temporary file behind."""
    cutter = _Cutter(path, folder, limits)
    try:
        yield cutter
    finally:
        cutter.discard()


def _remove_earlier(path: Path, folder: Path, *, keep: int) -> None:
    """Remove the shards of an earlier cut whose numbers are greater than those of this one."""
    ours = re.compile(rf"{re.escape(path.stem)}-([0-9]{{4,}})\.jsonl")
    try:
        for file in list(folder.iterdir()):
            match = ours.fullmatch(file.name)
            if match is not None and int(match[1]) > keep and file.is_file():
                file.unlink(missing_ok=True)
    except FileNotFoundError:  # no shards were ever written
        return
    except OSError as error:
        raise OutputError(folder, error.strerror or str(error)) from error
