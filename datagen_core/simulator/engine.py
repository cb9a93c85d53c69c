"""Decides when a batch moves on: one thread validates, answers, closes and finishes all batches, a slice at a time.

What it does between two commits can be lost at any moment and is done again: rows are answered in a fixed order, and
what was written to the result files after the last commit is cut off.
"""

from __future__ import annotations

import logging
import math
import sqlite3
import threading
import time
from typing import IO, Final

from datagen_core.simulator.answers import Writer
from datagen_core.simulator.batch_faults import find_fault, find_refusal, is_stuck
from datagen_core.simulator.batches import BatchProblem, BatchState, Usage
from datagen_core.simulator.enqueuing import find_overflow
from datagen_core.simulator.result_files import begin_again, is_long_enough, open_at, prepare_publication
from datagen_core.simulator.row_faults import write_row
from datagen_core.simulator.rows import RowAnswerer, RowOrder, RowResult, close_row
from datagen_core.simulator.settings import SimulatorSettings
from datagen_core.simulator.store import RowNotes, Store
from datagen_core.simulator.validation import Verdict, count_prompt_tokens, validate_input
from datagen_core.simulator.wire import Clock

logger = logging.getLogger(__name__)

SLICE_SECONDS: Final = 0.05
RETRY_SECONDS: Final = 1.0


class Engine:
    """Moves every unfinished batch of a store along, in a thread of its own."""

    def __init__(self, store: Store, writer: Writer, settings: SimulatorSettings, *, clock: Clock) -> None:
        self._store, self._settings, self._clock = store, settings, clock
        self._answerer = RowAnswerer(writer, settings, store.find_failure)
        self._orders: dict[str, RowOrder] = {}
        self._paused_until: dict[str, float] = {}
        self._stopping, self._wake = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulator-engine", daemon=True)

    def start(self) -> None:
        """Begin, or go on with what an earlier server left."""
        self._thread.start()

    def wake(self) -> None:
        """Look at the store now: a batch was added or cancelled."""
        self._wake.set()

    def ask_to_stop(self) -> None:
        """Stop after the row at hand."""
        self._stopping.set()
        self._wake.set()

    def join(self) -> None:
        """Wait until the thread has ended; the row at hand is finished and committed."""
        self._thread.join()

    def _run(self) -> None:
        # Small enough to show rows growing within a phase, large enough to leave the processor alone.
        tick = min(max(self._settings.pace_seconds / 10, 0.005), 0.1)
        while not self._stopping.is_set():
            try:
                wait = self._step_all(tick)
            except (sqlite3.Error, ValueError):
                logger.exception("The simulator cannot read its state; it tries again in %s s", RETRY_SECONDS)
                wait = RETRY_SECONDS
            self._wake.wait(wait)
            self._wake.clear()

    def _step_all(self, tick: float) -> float | None:
        """Move each unfinished batch as far as it goes now; return how long to wait, None for until woken."""
        has_moved = True
        while has_moved:
            batches = self._store.list_unfinished()
            if not batches:
                return None
            has_moved = False
            for batch in batches:
                if self._stopping.is_set():
                    return None
                has_moved |= self._try_step(batch)
        return tick

    def _try_step(self, batch: BatchState) -> bool:
        """Move one batch by one step; what a full disk stops is tried again, any other trouble fails the batch."""
        if time.monotonic() < self._paused_until.get(batch.id, 0.0):
            return False
        try:
            return self._step(batch)
        except (OSError, sqlite3.Error):
            logger.exception("Batch %s cannot go on; it tries again in %s s", batch.id, RETRY_SECONDS)
            self._paused_until[batch.id] = time.monotonic() + RETRY_SECONDS
        except Exception as error:
            # The state folder was tampered with: trying again would meet the same bytes.
            logger.exception("Batch %s cannot go on; it has failed", batch.id)
            self._fail(batch, BatchProblem("server_error", f"The simulator failed: {type(error).__name__}."))
        return False

    def _step(self, batch: BatchState) -> bool:
        """Move one batch by one step; False where it has to wait."""
        now = self._clock()
        is_due = now >= batch.phase_since + self._settings.pace_seconds and not is_stuck(batch, now=now)
        if batch.status == "validating":
            return is_due and self._validate(batch)
        if batch.status == "in_progress" and batch.closing is None and self._clock() >= batch.expires_at:
            self._close(batch)
            return True
        if batch.position < self._find_target(batch):
            return self._write_slice(batch)
        if not is_due:
            return False
        if batch.status == "in_progress" and batch.closing is None:
            self._end_answering(batch)
        else:
            self._finish(batch)
        return True

    def _validate(self, batch: BatchState) -> bool:
        verdict, n_tokens = self._judge(batch)
        now = self._clock()
        found = {"total": verdict.total, "model": verdict.model, "prompt_tokens": n_tokens}
        others = self._store.list_unfinished()

        def move_on(current: BatchState) -> BatchState:
            if current.status != "validating":
                return current
            if verdict.problems:
                return _as_failed(current, verdict.problems, now)
            overflow = find_overflow(current.model_copy(update=found), others, self._settings)
            if overflow is not None:
                return _as_failed(current.model_copy(update={"model": verdict.model}), (overflow,), now)
            begun = {"status": "in_progress", "phase_since": now, "in_progress_at": int(now)}
            return current.model_copy(update=found | begun)

        if self._store.change_batch(batch.id, move_on).has_ended:
            self._forget(batch)
        return True

    def _judge(self, batch: BatchState) -> tuple[Verdict, int]:
        """Return the verdict on a batch's input, and its prompt tokens where they are limited, else 0."""
        refusal = find_refusal(batch)
        if refusal is not None:
            return Verdict((refusal,), 0, None), 0
        path = self._store.blobs / batch.input_file_id
        verdict = validate_input(path, batch.endpoint)
        is_limited = self._settings.max_enqueued_tokens is not None and not verdict.problems
        return verdict, count_prompt_tokens(path, batch.endpoint) if is_limited else 0

    def _find_target(self, batch: BatchState) -> int:
        """Return how many rows have to stand in the result files by now."""
        if batch.closing is not None or batch.status == "finalizing":
            return batch.total
        pace = self._settings.pace_seconds
        share = 1.0 if pace == 0 else min(max((self._clock() - batch.phase_since) / pace, 0.0), 1.0)
        return math.ceil(self._count_answerable(batch) * share)

    def _count_answerable(self, batch: BatchState) -> int:
        fault = find_fault(batch, "expire_partial", "cancel_partial")
        if fault is not None:
            return fault.count(batch.total)
        share = self._settings.expire
        return batch.total if share is None or not self._will_expire(batch) else math.floor(batch.total * share)

    def _will_expire(self, batch: BatchState) -> bool:
        if find_fault(batch, "expire_partial"):
            return True
        limit = self._settings.expire_batches
        if self._settings.expire is None or limit == 0:
            return False
        return limit is None or self._store.count_batches_before(batch.id) < limit

    def _end_answering(self, batch: BatchState) -> None:
        if self._will_expire(batch):
            self._close(batch)
            return
        now = self._clock()
        update: dict[str, object] = {"status": "finalizing", "finalizing_at": int(now), "phase_since": now}
        if find_fault(batch, "cancel_partial"):
            closing = {"closing": "batch_cancelled", "phase_since": now}
            update = {"status": "cancelling", "cancelling_at": int(now), **closing}
        self._store.change_batch(batch.id, lambda b: b.model_copy(update=update) if b.status == "in_progress" else b)

    def _close(self, batch: BatchState) -> None:
        """Let the window close: the rows that are left become error rows."""
        update = {"closing": "batch_expired"}
        self._store.change_batch(batch.id, lambda b: b.model_copy(update=update) if b.status == "in_progress" else b)

    def _write_slice(self, batch: BatchState) -> bool:
        """Answer (or close) rows for a twentieth of a second, then commit how far it came."""
        blobs = self._store.blobs
        try:
            order = self._orders.get(batch.id)
            if order is None:
                order = self._orders[batch.id] = RowOrder(blobs / batch.input_file_id, batch, self._settings.seed)
            with (blobs / batch.input_file_id).open("rb") as rows:
                return self._write_rows(batch, order, rows)
        except FileNotFoundError:
            # Someone removed the input from the state folder: waiting would not bring it back.
            self._fail(batch, BatchProblem("file_not_found", "The input file is gone.", param="input_file_id"))
            return True

    def _write_rows(self, batch: BatchState, order: RowOrder, rows: IO[bytes]) -> bool:
        target, position = self._find_target(batch), batch.position
        results = [self._store.blobs / batch.output_blob, self._store.blobs / batch.error_blob]
        sizes = [batch.output_bytes, batch.error_bytes]
        if any(not is_long_enough(path, size) for path, size in zip(results, sizes, strict=True)):
            self._store.change_batch(batch.id, begin_again)
            return True
        tally = _Tally()
        previous = ""
        if position > 0 and batch.closing is None:
            fault = order.find_fault(position - 1)
            previous = self._answerer.read_row_prompt(batch, order.read(rows, position - 1), fault and fault.name)
        deadline = time.monotonic() + SLICE_SECONDS
        with open_at(results[0], sizes[0]) as output, open_at(results[1], sizes[1]) as errors:
            while position < target:
                line, fault = order.read(rows, position), order.find_fault(position)
                if batch.closing is None:
                    result = self._answerer.answer_row(batch, line, previous, fault and fault.name)
                    tally.add(result)
                else:
                    result = close_row(batch.id, line, batch.closing)
                sizes[result.is_error] += write_row(errors if result.is_error else output, result.line, fault)
                previous, position = result.prompt, position + 1
                if self._stopping.is_set() or time.monotonic() >= deadline:
                    break
        self._commit(batch, position, sizes, tally)
        return True

    def _commit(self, batch: BatchState, position: int, sizes: list[int], tally: _Tally) -> None:
        update = {"position": position, "output_bytes": sizes[0], "error_bytes": sizes[1]}

        def note(current: BatchState) -> BatchState:
            counts = {"completed": current.completed + tally.completed, "failed": current.failed + tally.failed}
            usage = current.usage.plus(tally.usage)
            return current.model_copy(update={**update, **counts, "usage": usage})

        notes = RowNotes(tuple(tally.planted), tuple(tally.failures))
        self._store.change_batch(batch.id, note, notes=notes)

    def _finish(self, batch: BatchState) -> None:
        """Publish the result files and the end of the batch in one transaction."""
        now = int(self._clock())
        published = prepare_publication(batch, self._store.blobs, now=now)
        status = "completed" if batch.closing is None else batch.closing.removeprefix("batch_")
        update = {**published.update, "status": status, f"{status}_at": now}
        self._store.change_batch(batch.id, lambda current: current.model_copy(update=update), files=published.files)
        self._forget(batch)

    def _fail(self, batch: BatchState, problem: BatchProblem) -> None:
        now = self._clock()
        self._store.change_batch(batch.id, lambda current: _as_failed(current, (problem,), now))
        self._forget(batch)

    def _forget(self, batch: BatchState) -> None:
        self._orders.pop(batch.id, None)
        self._store.sweep([batch.input_file_id, batch.output_blob, batch.error_blob])


class _Tally:
    """What the rows of one slice add up to."""

    def __init__(self) -> None:
        self.completed = self.failed = 0
        self.usage = Usage()
        self.planted: list[tuple[str, str]] = []
        self.failures: list[str] = []

    def add(self, result: RowResult) -> None:
        self.failed += result.is_error
        self.completed += not result.is_error
        self.usage = self.usage.plus(result.usage)
        if result.planted is not None:
            self.planted.append(result.planted)
        if result.failure is not None:
            self.failures.append(result.failure)


def _as_failed(batch: BatchState, problems: tuple[BatchProblem, ...], now: float) -> BatchState:
    return batch.model_copy(update={"status": "failed", "failed_at": int(now), "errors": problems})
