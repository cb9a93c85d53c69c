"""Decides what the engine needs of a Batch API, wherever it is: over HTTP, or the local provider in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from datagen_core.batch.models import BatchStatus, ProviderFile


class BatchApi(Protocol):
    """A place where request files are uploaded, run as batches, and their answers downloaded.

    `identity` names whose batches they are, as `openai:https://…`, and stays the same when an embedded server's port
    changes. Creating calls are carried out once or not at all; where that is not known, `AnswerLost` is raised.
    """

    @property
    def identity(self) -> str:
        """Whose batches these are; a ledger is bound to it."""
        ...

    @property
    def base_url(self) -> str:
        """The address, for messages."""
        ...

    @property
    def in_flight_seconds(self) -> float:
        """How long after it was sent a creating request may still be carried out."""
        ...

    @property
    def window_seconds(self) -> float:
        """How long the provider may take over a batch."""
        ...

    def upload_file(self, path: Path, name: str, *, expires_after: int | None) -> ProviderFile:
        """Upload a request file; `expires_after` is in seconds."""
        ...

    def create_batch(
        self, input_file_id: str, *, endpoint: str, completion_window: str, metadata: dict[str, str]
    ) -> BatchStatus:
        """Create a batch."""
        ...

    def fetch_batch(self, batch_id: str) -> BatchStatus:
        """Read a batch's state."""
        ...

    def cancel_batch(self, batch_id: str) -> None:
        """Ask for a batch to be cancelled."""
        ...

    def iter_batch_pages(self, *, max_pages: int) -> Iterator[list[BatchStatus]]:
        """Yield pages of batches, newest first."""
        ...

    def iter_file_pages(self, *, max_pages: int) -> Iterator[list[ProviderFile]]:
        """Yield pages of request files, newest first."""
        ...

    def fetch_file(self, file_id: str) -> ProviderFile:
        """Read a file's description."""
        ...

    def download_file(self, file_id: str, destination: Path) -> None:
        """Write a file's content to `destination`, whole or not at all."""
        ...

    def close(self) -> None:
        """Let go of connections and threads; batches stay."""
        ...
