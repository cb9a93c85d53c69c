"""Decides what is asked next: batches side by side, rows in their order, a bounded number of them at one time."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from datagen_core.batch.client import RequestRefused
from datagen_core.batch.local.asking import ChatServer, Reply
from datagen_core.batch.local.rows import Row, RowFiles, build_row, find_issues, iter_rows
from datagen_core.batch.local.state import LocalBatch, LocalState, name_errors, name_output, read_form
from datagen_core.batch.models import BatchCounts
from datagen_core.batch.poll import read_window
from datagen_core.errors import DatagenError, OutputError, ProviderError

if TYPE_CHECKING:
    import httpx2

MAX_FAILURES: Final = 8
"""So many rows may fail with no answer between them; then the server is to blame, and the next ones wait for it."""
MAX_WAITS: Final = 10
"""How often a row waits for a server that answers with failures alone: about four minutes, then it fails too."""
PAUSE_SECONDS: Final = 0.5
MAX_PAUSE_SECONDS: Final = 30.0

_log = logging.getLogger(__name__)


class Runner:
    """Answers the rows of every unfinished batch, in an event loop on a daemon thread of its own.

    A row that the server cannot be blamed for ends in the error file. While nobody listens, or the server refuses every
    request or fails at each, rows wait with growing pauses, up to the batch's window; then the batch is `expired`.
    `stop` breaks off the requests under way: their rows are asked again by the next runner.
    """

    def __init__(self, state: LocalState, server: ChatServer, *, clock: Callable[[], float] = time.time) -> None:
        self._state, self._server, self._clock = state, server, clock
        self._loop = asyncio.new_event_loop()
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(server.concurrency)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._files: dict[str, RowFiles] = {}
        self._totals: dict[str, int] = {}
        self._troubles: dict[str, DatagenError] = {}
        self._n_failures = 0
        self._is_stopping = self._is_in_trouble = False
        self._thread = threading.Thread(target=self._run_loop, name="local-provider", daemon=True)

    def start(self) -> None:
        """Begin, or go on with what an earlier runner left."""
        self._thread.start()

    def wake(self) -> None:
        """Look at the state now: a batch was added or cancelled."""
        self._loop.call_soon_threadsafe(self._wake.set)

    def stop(self) -> None:
        """Break off what is under way and wait until the thread has ended."""
        if not self._is_stopping:
            self._is_stopping = True
            self.wake()
        self._thread.join()

    def count(self, batch: LocalBatch) -> BatchCounts:
        """Return how many rows of a batch are done by now."""
        files = self._files.get(batch.batch_id)
        if batch.is_ended or files is None:
            return batch.counts
        return BatchCounts(total=self._totals.get(batch.batch_id, 0), completed=files.n_answered, failed=files.n_failed)

    def find_trouble(self, batch_id: str) -> DatagenError | None:
        """Return what keeps a batch from going on and will not pass by itself."""
        return self._troubles.get(batch_id)

    def _run_loop(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._run())

    async def _run(self) -> None:
        async with self._server.open() as client:
            while not self._is_stopping:
                for batch in reversed(self._state.list_batches()):
                    self._look_after(batch, client)
                await self._wake.wait()
                self._wake.clear()
            await self._break_off()

    def _look_after(self, batch: LocalBatch, client: httpx2.AsyncClient) -> None:
        task = self._tasks.get(batch.batch_id)
        if batch.is_ended:
            return
        if task is None or (task.done() and batch.status == "cancelling"):
            self._tasks[batch.batch_id] = self._loop.create_task(self._run_batch(batch, client))
        elif batch.status == "cancelling":
            task.cancel()

    async def _break_off(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for files in self._files.values():
            files.close()

    async def _run_batch(self, batch: LocalBatch, client: httpx2.AsyncClient) -> None:
        try:
            await self._bring_to_end(batch, client)
        except* DatagenError as errors:
            _log.exception("Batch %s cannot go on", batch.batch_id)
            self._troubles[batch.batch_id] = _pick_error(errors)
        except* Exception as errors:
            _log.exception("Batch %s cannot go on", batch.batch_id)
            reason = type(errors.exceptions[0]).__name__
            message = f"Batch {batch.batch_id!r} cannot go on ({reason}). Run the same command again; see the log."
            self._troubles[batch.batch_id] = ProviderError(message)

    async def _bring_to_end(self, batch: LocalBatch, client: httpx2.AsyncClient) -> None:
        """Answer a batch's rows until they are done, its window closes, or it is cancelled."""
        if batch.status == "cancelling":
            self._end(batch, "cancelled")
            return
        try:
            async with asyncio.timeout(self._measure_window(batch)):
                if not await self._validate(batch):
                    return
                await self._answer_rows(batch, client)
        except TimeoutError:
            self._end(batch, "expired")
        except asyncio.CancelledError:
            if self._is_stopping:
                raise
            self._end(batch, "cancelled")
        else:
            self._end(batch, "completed")

    def _measure_window(self, batch: LocalBatch) -> float:
        """Return the seconds left; a clock that was set back does not make the window longer."""
        window = read_window(batch.completion_window)
        return min(batch.created_at + window - self._clock(), window)

    async def _validate(self, batch: LocalBatch) -> bool:
        """Read the whole file once, beside the loop: a file that a Batch API would refuse fails here, unasked."""
        path = self._state.input_path(batch.input_file_id)
        total, issues = await asyncio.to_thread(find_issues, path, batch.endpoint)
        self._totals[batch.batch_id] = total
        if issues:
            now = self._clock()
            self._state.change_batch(batch.batch_id, status="failed", errors=tuple(issues), finished_at=now)
            return False
        if self._state.change_batch(batch.batch_id).status == "validating":
            self._state.change_batch(batch.batch_id, status="in_progress")
        return True

    async def _answer_rows(self, batch: LocalBatch, client: httpx2.AsyncClient) -> None:
        files = self._open_files(batch)
        async with asyncio.TaskGroup() as rows:
            for row in iter_rows(self._state.input_path(batch.input_file_id)):
                if row.custom_id in files.finished:
                    continue
                await self._slots.acquire()
                task = rows.create_task(self._answer_row(batch, files, row, client))
                task.add_done_callback(lambda _: self._slots.release())

    def _open_files(self, batch: LocalBatch) -> RowFiles:
        files = RowFiles(self._state.output_path(batch.batch_id), self._state.error_path(batch.batch_id))
        self._files[batch.batch_id] = files
        return files

    async def _answer_row(self, batch: LocalBatch, files: RowFiles, row: Row, client: httpx2.AsyncClient) -> None:
        pause, n_waits = PAUSE_SECONDS, 0
        while True:
            reply = await self._server.ask(client, read_form(batch.endpoint), row.body)
            if reply.kind in {"answer", "refusal"}:
                self._note_answer(batch)
                break
            if reply.kind == "failure":
                self._n_failures += 1
                n_waits += 1
                if self._n_failures <= MAX_FAILURES or n_waits > MAX_WAITS:
                    break
            self._note_trouble(batch, reply)
            await asyncio.sleep(max(pause, reply.retry_after or 0.0) * random.uniform(1.0, 1.25))
            pause = min(pause * 2, MAX_PAUSE_SECONDS)
        await self._write(batch, files, row.custom_id, reply)

    async def _write(self, batch: LocalBatch, files: RowFiles, custom_id: str, reply: Reply) -> None:
        """Write a row; what a full disk stops is tried again with pauses, so that the answer is not lost."""
        error = (reply.code, reply.reason) if reply.code else None
        line = build_row(batch.batch_id, custom_id, status=reply.status, body=reply.body, error=error)
        pause = PAUSE_SECONDS
        while True:
            try:
                files.append(custom_id, line, is_error=reply.kind != "answer")
            except OutputError as problem:
                self._troubles[batch.batch_id] = problem
            else:
                if isinstance(self._troubles.get(batch.batch_id), OutputError):
                    self._troubles.pop(batch.batch_id)
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_PAUSE_SECONDS)

    def _note_answer(self, batch: LocalBatch) -> None:
        self._n_failures = 0
        self._troubles.pop(batch.batch_id, None)
        if self._is_in_trouble:
            self._is_in_trouble = False
            _log.warning("%s answers again.", self._server.base_url)

    def _note_trouble(self, batch: LocalBatch, reply: Reply) -> None:
        """Say once that rows wait, and keep what only the user can change."""
        if reply.kind == "blocked":
            message = self._server.describe_block(reply.status, reply.reason)
            self._troubles[batch.batch_id] = RequestRefused(message, status=reply.status)
        if not self._is_in_trouble:
            self._is_in_trouble = True
            said = f"HTTP {reply.status}" if reply.status else reply.reason
            _log.warning("%s gives no answers (%s); the rows wait for it.", self._server.base_url, said)

    def _end(self, batch: LocalBatch, status: str) -> None:
        """Publish a batch's files and its end; of one that was refused there is nothing to publish."""
        files = self._files.get(batch.batch_id) or self._open_files(batch)
        files.sync()
        files.close()
        counts = BatchCounts(
            total=self._totals.get(batch.batch_id, 0), completed=files.n_answered, failed=files.n_failed
        )
        self._state.change_batch(
            batch.batch_id,
            status=status,
            counts=counts,
            finished_at=self._clock(),
            output_file_id=name_output(batch.batch_id) if files.n_answered else None,
            error_file_id=name_errors(batch.batch_id) if files.n_failed else None,
        )
        self._files.pop(batch.batch_id, None)


def _pick_error(errors: BaseExceptionGroup[DatagenError]) -> DatagenError:
    first = errors.exceptions[0]
    return first if isinstance(first, DatagenError) else _pick_error(first)
