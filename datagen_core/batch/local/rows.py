"""Decides what is written of a row: its line in the output or error file, at once, and on disk within a second."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from datagen_core.batch.models import BatchIssue
from datagen_core.batch.wire import as_object, load_json
from datagen_core.errors import OutputError
from datagen_core.files import JsonObject, read_lines

SYNC_SECONDS: Final = 1.0
"""Rows are compute, not money: a kill loses none, and a power cut at most the rows of the last second."""
MAX_ISSUES: Final = 50


class Row(NamedTuple):
    """One request of an input file."""

    custom_id: str
    body: JsonObject


class RowFiles:
    """A batch's output and error file, to which finished rows are appended. Not thread-safe.

    What a killed process left is read first: a torn last line is cut off, and `finished` holds the custom_ids that have
    their row. A line that cannot be written whole is taken back.

    Raises:
        OutputError: a file cannot be opened; from `append` and `sync`, it cannot be written.
    """

    def __init__(self, output: Path, errors: Path) -> None:
        self._paths = (output, errors)
        self.finished: set[str] = set()
        self._counts = [0, 0]
        self._sizes = [0, 0]
        self._descriptors: list[int] = []
        self._synced_at = time.monotonic()
        for number, path in enumerate(self._paths):
            try:
                self._descriptors.append(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644))
                self._read_back(number)
            except OSError as error:
                self.close()
                raise OutputError(path, error.strerror or str(error)) from error

    @property
    def n_answered(self) -> int:
        """How many rows stand in the output file."""
        return self._counts[0]

    @property
    def n_failed(self) -> int:
        """How many rows stand in the error file."""
        return self._counts[1]

    def append(self, custom_id: str, line: bytes, *, is_error: bool) -> None:
        """Write a finished row."""
        number = int(is_error)
        try:
            _write_all(self._descriptors[number], line)
            if time.monotonic() - self._synced_at >= SYNC_SECONDS:
                self.sync()
        except OSError as error:
            self._take_back(number)
            raise OutputError(self._paths[number], error.strerror or str(error)) from error
        except OutputError:
            self._take_back(number)
            raise
        self._sizes[number] += len(line)
        self._counts[number] += 1
        self.finished.add(custom_id)

    def sync(self) -> None:
        """Bring every row to the disk."""
        for path, descriptor in zip(self._paths, self._descriptors, strict=True):
            try:
                os.fsync(descriptor)
            except OSError as error:
                raise OutputError(path, error.strerror or str(error)) from error
        self._synced_at = time.monotonic()

    def close(self) -> None:
        """Close both files. Safe to call twice."""
        descriptors, self._descriptors = self._descriptors, []
        for descriptor in descriptors:
            os.close(descriptor)

    def _take_back(self, number: int) -> None:
        with suppress(OSError):
            os.ftruncate(self._descriptors[number], self._sizes[number])

    def _read_back(self, number: int) -> None:
        size = 0
        with self._paths[number].open("rb") as stream:
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                size += len(line)
                custom_id = _read_custom_id(line)
                if custom_id is not None:
                    self.finished.add(custom_id)
                    self._counts[number] += 1
        os.ftruncate(self._descriptors[number], size)
        self._sizes[number] = size


def iter_rows(path: Path) -> Iterator[Row]:
    """Yield the requests of a file that `find_issues` found nothing wrong with."""
    for _, line in read_lines(path, "Submit the requests again."):
        request = as_object(load_json(line)) if line.strip() else {}
        if request:
            yield Row(str(request["custom_id"]), as_object(request["body"]))


def find_issues(path: Path, endpoint: str) -> tuple[int, list[BatchIssue]]:
    """Return how many requests a file holds, and why a Batch API would refuse it: at most fifty reasons."""
    seen: dict[str, int] = {}
    issues: list[BatchIssue] = []
    total = 0
    for number, line in read_lines(path, "Submit the requests again."):
        if not line.strip():
            continue
        total += 1
        issue = _find_issue(line, endpoint, seen, number)
        if issue is not None and len(issues) < MAX_ISSUES:
            issues.append(issue)
    if total == 0:
        issues.append(BatchIssue(code="empty_file", message="The file holds no requests."))
    return total, issues


def build_row(
    batch_id: str, custom_id: str, *, status: int = 0, body: object = None, error: tuple[str, str] | None = None
) -> bytes:
    """Return a line of an output or error file as the Batch API writes it; without a status there was no response."""
    response = None if status == 0 else {"status_code": status, "request_id": "", "body": body}
    row = {
        "id": f"{batch_id}_{custom_id}",
        "custom_id": custom_id,
        "response": response,
        "error": None if error is None else {"code": error[0], "message": error[1]},
    }
    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half a surrogate pair, or a number beyond 64 bits
        return json.dumps(row).encode() + b"\n"


def _find_issue(line: bytes, endpoint: str, seen: dict[str, int], number: int) -> BatchIssue | None:
    try:
        request = as_object(load_json(line))
    except ValueError:
        request = {}
    if not request:
        return BatchIssue(code="invalid_json_line", message="The line is no JSON object.", line=number)
    custom_id, url = request.get("custom_id"), request.get("url")
    if not isinstance(custom_id, str) or not custom_id:
        message = "The row has no custom_id."
        return BatchIssue(code="missing_required_parameter", message=message, line=number, param="custom_id")
    if not isinstance(request.get("body"), dict):
        message = "The row has no body."
        return BatchIssue(code="missing_required_parameter", message=message, line=number, param="body")
    if url != endpoint:
        message = f"The row is for {url!r}, the batch for {endpoint!r}."
        return BatchIssue(code="url_mismatch", message=message, line=number, param="url")
    if seen.setdefault(custom_id, number) != number:
        message = f"{custom_id!r} stands on line {seen[custom_id]} already."
        return BatchIssue(code="duplicate_custom_id", message=message, line=number, param="custom_id")
    return None


def _read_custom_id(line: bytes) -> str | None:
    try:
        custom_id = as_object(load_json(line)).get("custom_id")
    except ValueError:
        return None
    return custom_id if isinstance(custom_id, str) else None


def _write_all(descriptor: int, line: bytes) -> None:
    remaining = memoryview(line)
    while remaining:
        remaining = remaining[os.write(descriptor, remaining) :]
