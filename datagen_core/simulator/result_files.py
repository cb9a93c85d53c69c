"""Decides how a batch's result files are written, so that a kill loses nothing, and which of them are published."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, NamedTuple

from datagen_core.simulator.batch_faults import find_fault
from datagen_core.simulator.batches import BatchState, StoredFile, Usage
from datagen_core.simulator.faults import Fault

_BLOCK_BYTES = 1 << 16


class Publication(NamedTuple):
    """The files that a batch ends with, and what changes in its state."""

    files: list[StoredFile]
    update: dict[str, object]


def open_at(path: Path, size: int) -> IO[bytes]:
    """Open a result file for writing behind its first `size` bytes; the rest is cut off."""
    path.touch()
    stream = path.open("r+b")
    stream.truncate(size)
    stream.seek(size)
    return stream


def is_long_enough(path: Path, size: int) -> bool:
    """Tell whether a result file holds all that was committed."""
    return size == 0 or (path.exists() and path.stat().st_size >= size)


def begin_again(batch: BatchState) -> BatchState:
    """Forget all rows: after a power cut the result files can be shorter than what was committed."""
    nothing = {"position": 0, "output_bytes": 0, "error_bytes": 0, "completed": 0, "failed": 0, "usage": Usage()}
    return batch.model_copy(update=nothing)


def prepare_publication(batch: BatchState, folder: Path, *, now: int) -> Publication:
    """Bring the result files to disk and return them, as the batch's faults leave them; an empty one is left out."""
    expires_at = None if batch.output_seconds is None else now + batch.output_seconds
    published = Publication([], {})
    for kind, blob, size in _choose_files(batch, folder):
        _sync(folder / blob, size)
        name = f"{batch.id}_{kind}.jsonl"
        fault = find_fault(batch, "row_cut")
        seen = _find_cut(folder / blob, size, fault) if fault is not None and kind == "output" else size
        published.files.append(StoredFile(blob, name, "batch_output", seen, now, expires_at))
        published.update[f"{kind}_file_id"] = blob
    return published


def _choose_files(batch: BatchState, folder: Path) -> list[tuple[str, str, int]]:
    """Return kind, blob and size of each file that is published; an error file is emptied where a fault wants it."""
    chosen: list[tuple[str, str, int]] = []
    if batch.output_bytes and not find_fault(batch, "no_output_file"):
        chosen.append(("output", batch.output_blob, batch.output_bytes))
    if find_fault(batch, "empty_error_file"):
        chosen.append(("error", batch.error_blob, 0))
    elif batch.error_bytes and not find_fault(batch, "blank_error_file_id", "missing_error_file"):
        chosen.append(("error", batch.error_blob, batch.error_bytes))
    return chosen


def _find_cut(path: Path, size: int, fault: Fault) -> int:
    """Return how much of a file is left when its last line is cut; the line may be longer than memory is wide."""
    with path.open("rb") as stream:
        at = size - 1
        while at > 0:
            start = max(at - _BLOCK_BYTES, 0)
            stream.seek(start)
            found = stream.read(at - start).rfind(b"\n")
            if found >= 0:
                line_start = start + found + 1
                return line_start + fault.count(size - line_start)
            at = start
    return fault.count(size)


def _sync(path: Path, size: int) -> None:
    with open_at(path, size) as stream:
        os.fsync(stream.fileno())
