"""Decides what the engine sees of the local provider: a Batch API in this process, with its state in a folder."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self, TypeVar

from datagen_core.batch.client import PAGE_SIZE, RequestRefused
from datagen_core.batch.local.asking import ChatServer
from datagen_core.batch.local.running import Runner
from datagen_core.batch.local.state import LocalBatch, LocalState, is_servable
from datagen_core.batch.models import BatchStatus, ProviderFile
from datagen_core.batch.poll import read_window
from datagen_core.batch.profiles import USUAL_WINDOW
from datagen_core.writing import replace_file

_T = TypeVar("_T")


class LocalBatches:
    """Batches that a chat server of one's own answers, with the protocol `BatchApi`.

    Unfinished batches go on from the row where they stood as soon as this is made, and stand still after `close`, or
    when the process dies. Files and batches are numbered and kept as long as the folder; `timeout` is for one request,
    in seconds, and `concurrency` bounds the requests at one time over all batches. Thread-safe.

    Raises:
        FolderInUseError: another process works on the folder.
        InputFileError: the state is damaged.
        OutputError: the folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        base_url: str,
        *,
        api_key: str | None = None,
        concurrency: int = 8,
        timeout: float = 600.0,
        completion_window: str = USUAL_WINDOW,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._window = completion_window
        self._server = ChatServer(self.base_url, api_key, timeout, concurrency)
        self._state = LocalState(folder, clock=clock)
        self._runner = Runner(self._state, self._server, clock=clock)
        self._runner.start()

    def __repr__(self) -> str:
        return f"LocalBatches({self.base_url!r}, identity={self.identity!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def identity(self) -> str:
        """The name of this state folder, whatever the server's address: `local:<uuid>`."""
        return self._state.identity

    @property
    def in_flight_seconds(self) -> float:
        """None: a creation is carried out before it returns, and dies with its process."""
        return 0.0

    @property
    def window_seconds(self) -> float:
        """How long a batch may take; what is not answered by then is `expired`."""
        return float(read_window(self._window))

    def close(self) -> None:
        """Break off the requests under way and let go of the folder; batches stand still. Safe to call twice."""
        self._runner.stop()
        self._state.close()

    def upload_file(self, path: Path, name: str, *, expires_after: int | None) -> ProviderFile:
        """Copy a request file in; it is kept as long as the folder.

        Raises:
            OutputError: the copy cannot be written.
        """
        return self._state.add_file(path, name)

    def create_batch(
        self, input_file_id: str, *, endpoint: str, completion_window: str, metadata: dict[str, str]
    ) -> BatchStatus:
        """Create a batch, which begins at once.

        Raises:
            RequestRefused: nobody listens at the server's address, the key is refused, the endpoint is one that no
                chat server has, or the file is unknown; there is no batch.
        """
        if not is_servable(endpoint):
            message = f"The local provider puts requests to /chat/completions and /responses, not to {endpoint!r}."
            raise RequestRefused(f"{message} Write the requests for one of these.", status=400)
        _require(self._state.find_file(input_file_id), "file", input_file_id)
        self._server.probe()
        window = self._window if completion_window == USUAL_WINDOW else completion_window
        batch = self._state.add_batch(
            input_file_id, endpoint=endpoint, completion_window=window, metadata=dict(metadata)
        )
        self._runner.wake()
        return self._describe(batch)

    def fetch_batch(self, batch_id: str) -> BatchStatus:
        """Read a batch's state; its counts are those of this moment.

        Raises:
            RequestRefused: there is no such batch, or the server refuses every request of it.
            OutputError, ProviderError: the batch cannot go on without the user. What is done is kept.
        """
        batch = _require(self._state.find_batch(batch_id), "batch", batch_id)
        trouble = self._runner.find_trouble(batch_id)
        if trouble is not None and not batch.is_ended and batch.status != "cancelling":
            raise trouble.with_traceback(None)
        return self._describe(batch)

    def cancel_batch(self, batch_id: str) -> None:
        """Break a batch off; the rows that are done stay readable."""
        _require(self._state.find_batch(batch_id), "batch", batch_id)
        self._state.change_batch(batch_id, status="cancelling")
        self._runner.wake()

    def iter_batch_pages(self, *, max_pages: int) -> Iterator[list[BatchStatus]]:
        """Yield pages of at most 100 batches, newest first."""
        yield from _cut([self._describe(batch) for batch in self._state.list_batches()], max_pages)

    def iter_file_pages(self, *, max_pages: int) -> Iterator[list[ProviderFile]]:
        """Yield pages of at most 100 request files, newest first."""
        yield from _cut(self._state.list_files(), max_pages)

    def fetch_file(self, file_id: str) -> ProviderFile:
        """Read a file's description; `RequestRefused` with status 404 where there is none."""
        return _require(self._state.find_file(file_id), "file", file_id)

    def download_file(self, file_id: str, destination: Path) -> None:
        """Copy a file's content to `destination`, whole or not at all."""
        content = _require(self._state.find_content(file_id), "file", file_id)
        with content.open("rb") as source, replace_file(destination) as target:
            shutil.copyfileobj(source, target, 1 << 20)

    def _describe(self, batch: LocalBatch) -> BatchStatus:
        return batch.describe(self._runner.count(batch))


def _cut(entries: list[_T], max_pages: int) -> Iterator[list[_T]]:
    for number in range(min(max_pages, -(-len(entries) // PAGE_SIZE))):
        yield entries[number * PAGE_SIZE : (number + 1) * PAGE_SIZE]


def _require(value: _T | None, kind: str, sought: str) -> _T:
    if value is None:
        message = f"The local provider knows no {kind} {sought!r}. Check the id, and that the folder is the same."
        raise RequestRefused(message, status=404)
    return value
