"""Decides what the local provider keeps on disk: uploaded files, one document a batch, and who may write there."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict

from datagen_core.batch.models import ENDED_STATUSES, BatchCounts, BatchIssue, BatchStatus, ProviderFile
from datagen_core.files import read_json, validate_model, write_json
from datagen_core.locking import lock_folder
from datagen_core.writing import replace_file

M = TypeVar("M", bound=BaseModel)

_ADVICE: Final = "The state of the local provider is damaged: remove the folder, and submit the requests again."


class LocalBatch(BaseModel):
    """A batch as it stands on disk; times are epoch seconds, `counts` are those of a batch that has ended."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_id: str
    status: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str]
    input_file_id: str
    created_at: float
    finished_at: float | None = None
    counts: BatchCounts = BatchCounts()
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: tuple[BatchIssue, ...] = ()

    @property
    def is_ended(self) -> bool:
        """Tell whether nothing more will change."""
        return self.status in ENDED_STATUSES

    def describe(self, counts: BatchCounts) -> BatchStatus:
        """Return the batch as a Batch API shows it."""
        shown = self.model_dump(exclude={"endpoint", "completion_window", "counts", "errors"})
        return BatchStatus(**shown, counts=counts, errors=self.errors)


class _FileNote(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    file_id: str
    name: str
    n_bytes: int
    created_at: float


class LocalState:
    """The folder of a local provider: one process at a time. Whatever returns is on disk.

    `identity` is kept with the folder, so that a ledger finds its batches whatever the server's address is by then. Ids
    are numbered, since a clock may be set back.

    Raises:
        FolderInUseError: another process works on the folder.
        InputFileError: a document in it is damaged.
        OutputError: it cannot be written; so from every method that writes.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._folder, self._clock = folder, clock
        self._mutex = threading.RLock()
        self._stack = ExitStack()
        self._stack.enter_context(lock_folder(folder, holder="the local provider"))
        try:
            self.identity = self._read_identity()
            self._files = {file.file_id: file for file in self._read("files", _FileNote)}
            self._batches = {batch.batch_id: batch for batch in self._read("batches", LocalBatch)}
        except BaseException:
            self._stack.close()
            raise

    def close(self) -> None:
        """Let go of the folder."""
        self._stack.close()

    def add_file(self, path: Path, name: str) -> ProviderFile:
        """Copy a request file in. The description is written last: without it there is no file."""
        with self._mutex:
            file_id = f"file-{_next_number(self._files):06d}"
            target = self._folder / "files" / f"{file_id}.jsonl"
            with path.open("rb") as source, replace_file(target) as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
            note = _FileNote(
                file_id=file_id, name=name, n_bytes=target.stat().st_size, created_at=round(self._clock(), 3)
            )
            write_json(target.with_suffix(".json"), note.model_dump())
            self._files[file_id] = note
            return _describe_file(note)

    def list_files(self) -> list[ProviderFile]:
        """Return the uploaded files, newest first."""
        with self._mutex:
            return [_describe_file(note) for note in reversed(self._files.values())]

    def find_file(self, file_id: str) -> ProviderFile | None:
        """Return an uploaded file, or None."""
        with self._mutex:
            note = self._files.get(file_id)
            return None if note is None else _describe_file(note)

    def find_content(self, file_id: str) -> Path | None:
        """Return where a file's bytes stand: of an upload, or of the rows of a batch that has ended; else None."""
        with self._mutex:
            if file_id in self._files:
                return self.input_path(file_id)
            for batch in self._batches.values():
                if file_id in {batch.output_file_id, batch.error_file_id}:
                    return self._folder / "batches" / f"{file_id}.jsonl"
        return None

    def input_path(self, file_id: str) -> Path:
        """Return where an uploaded file's bytes stand."""
        return self._folder / "files" / f"{file_id}.jsonl"

    def output_path(self, batch_id: str) -> Path:
        """Return where a batch's answers are written."""
        return self._folder / "batches" / f"{name_output(batch_id)}.jsonl"

    def error_path(self, batch_id: str) -> Path:
        """Return where the rows of a batch that got no answer are written."""
        return self._folder / "batches" / f"{name_errors(batch_id)}.jsonl"

    def add_batch(
        self, input_file_id: str, *, endpoint: str, completion_window: str, metadata: dict[str, str]
    ) -> LocalBatch:
        """Create a batch; it is on disk when this returns."""
        with self._mutex:
            batch = LocalBatch(
                batch_id=f"batch_{_next_number(self._batches):06d}",
                status="validating",
                endpoint=endpoint,
                completion_window=completion_window,
                metadata=metadata,
                input_file_id=input_file_id,
                created_at=round(self._clock(), 3),
            )
            return self._save(batch)

    def find_batch(self, batch_id: str) -> LocalBatch | None:
        """Return a batch, or None."""
        with self._mutex:
            return self._batches.get(batch_id)

    def list_batches(self) -> list[LocalBatch]:
        """Return all batches, newest first."""
        with self._mutex:
            return list(reversed(self._batches.values()))

    def change_batch(self, batch_id: str, **changes: object) -> LocalBatch:
        """Change a batch's document; one that has ended stays as it is."""
        with self._mutex:
            batch = self._batches[batch_id]
            return batch if batch.is_ended else self._save(batch.model_copy(update=changes))

    def _save(self, batch: LocalBatch) -> LocalBatch:
        write_json(self._folder / "batches" / f"{batch.batch_id}.json", batch.model_dump(mode="json"))
        self._batches[batch.batch_id] = batch
        return batch

    def _read_identity(self) -> str:
        path = self._folder / "identity.json"
        if not path.exists():
            write_json(path, {"identity": f"local:{uuid.uuid4()}"})
        found = validate_model(_Identity, read_json(path, advice=_ADVICE), path, advice=_ADVICE)
        return found.identity

    def _read(self, name: str, model: type[M]) -> list[M]:
        folder = self._folder / name
        paths = sorted(folder.glob("*.json")) if folder.exists() else []
        return [validate_model(model, read_json(path, advice=_ADVICE), path, advice=_ADVICE) for path in paths]


class _Identity(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    identity: str


def name_output(batch_id: str) -> str:
    """Return the id of a batch's output file."""
    return f"{batch_id}_output"


def name_errors(batch_id: str) -> str:
    """Return the id of a batch's error file."""
    return f"{batch_id}_errors"


def read_form(endpoint: str) -> str:
    """Return the last part of an endpoint or URL, as `/chat/completions`, whatever stands before it."""
    return "/responses" if endpoint.endswith("/responses") else "/chat/completions"


def is_servable(endpoint: object) -> bool:
    """Tell whether this is an endpoint that the local provider puts requests to."""
    return isinstance(endpoint, str) and endpoint.endswith(("/chat/completions", "/responses"))


def _describe_file(note: _FileNote) -> ProviderFile:
    return ProviderFile(note.file_id, note.name, note.n_bytes, "processed", None)


def _next_number(known: dict[str, _FileNote] | dict[str, LocalBatch]) -> int:
    """Return one more than the highest number; ids are sorted as they were read or added."""
    last = next(reversed(known), "0")
    return int("".join(filter(str.isdigit, last))) + 1
