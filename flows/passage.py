"""Decides how a round's requests pass through the provider's queue: one task run for each shard and stage."""

from __future__ import annotations

import time
from pathlib import Path

from prefect.futures import PrefectFuture, as_completed

from datagen_core.batch.dripping import Drip
from datagen_core.batch.models import BatchStatus, Shard, Submitted
from datagen_core.batch.poll import GRACE_SECONDS
from datagen_core.batch.purse import Purse
from datagen_core.dataset.generating import STATUS_NAME
from datagen_core.errors import BatchFailed, CostCapError
from datagen_core.files import Artifact
from flows.parameters import Run
from tasks.batch import poll, record_status, retrieve, submit
from tasks.caching import keep_results, run_stage
from tasks.generate import shard


def fetch_answers(run: Run, requests: Artifact, number: int, purse: Purse) -> Artifact:
    """Submit a round's requests as the provider's queue has room, wait for the batches, and download the answers.

    Where a shard fails, no more are submitted, and the failure is raised when those in flight have ended: what they
    answered is kept, and the next run goes on from there.

    Raises:
        CostCapError: a shard could cost more than the cap leaves; says how many of the round were submitted.
        BatchFailed, ProviderError, LedgerError, BatchError: as the tasks.
    """
    shards = run_stage(
        shard,
        run.storage,
        requests,
        number,
        folder=Path(requests.path).parent,
        limits=run.shard_limits,
        ledger=run.ledger,
    )
    passage = _Passage(run, shards, number, Path(requests.path).with_name(STATUS_NAME[run.profile]), purse)
    submitted, heard = passage.go()
    path = run.round_folder(number) / "result_lst.json"
    return run_stage(retrieve, run.storage, submitted, heard, run.choice, number, path=path)


class _Passage:
    """A round's shards on their way through the provider's queue."""

    def __init__(self, run: Run, shards: list[Shard], number: int, status_path: Path, purse: Purse) -> None:
        self._run, self._shards, self._number, self._status_path = run, shards, number, status_path
        self._purse = purse
        self._drip = Drip(shards, run.limits)
        self._submitted: dict[int, Submitted] = {}
        self._was_made_before: dict[int, bool] = {}
        self._heard: dict[int, BatchStatus] = {}
        self._polls: dict[PrefectFuture[BatchStatus], int] = {}
        self._failure: Exception | None = None

    def go(self) -> tuple[list[Submitted], list[BatchStatus]]:
        """Return, in the shards' order, what was submitted and how each ended."""
        while not self._drip.is_done and (self._failure is None or self._polls):
            self._submit_ready()
            self._wait()
        if self._failure is not None:
            raise self._failure
        submitted = [self._submitted[number] for number in range(len(self._shards))]
        heard = [self._heard[number] for number in range(len(self._shards))]
        self._record(submitted, heard)
        return submitted, heard

    def _submit_ready(self) -> None:
        has_moved = False
        while self._failure is None and (number := self._drip.find_next(time.time())) is not None:
            try:
                self._submit(number)
                has_moved = True
            except CostCapError as error:
                error.n_submitted = len(self._submitted)
                self._failure = error
            except Exception as error:
                self._failure = error
        if has_moved:
            self._record([self._submitted[number] for number in sorted(self._submitted)], [])

    def _submit(self, number: int) -> None:
        run, shard_number = self._run, number + 1
        # What an ended shard cost is known when its answers are read; until then it may be as much as that of one
        # in flight.
        reserved = [self._shards[one] for one in self._submitted if one != number]
        state = keep_results(submit, run.storage)(
            self._shards[number],
            self._drip.generation_of(number),
            choice=run.choice,
            endpoint=run.options.endpoint,
            run=run.folder.name,
            round_number=self._number,
            shard_number=shard_number,
            ledger=run.ledger,
            purse=self._purse.reserve(reserved),
            return_state=True,
        )
        self._submitted[number] = state.result()
        self._was_made_before[number] = state.name == "Cached"
        self._drip.enter(number)
        patient = keep_results(poll, run.storage).with_options(
            retries=int((run.window_seconds + GRACE_SECONDS) / run.poll_interval) + 1,
            retry_delay_seconds=run.poll_interval,
        )
        future = patient.submit(
            self._submitted[number], choice=run.choice, round_number=self._number, shard_number=shard_number
        )
        self._polls[future] = number

    def _wait(self) -> None:
        """Wait until a batch has ended, or until a pause is over that alone holds the next shard back."""
        pause = self._drip.seconds_until_next(time.time()) if self._failure is None else None
        if not self._polls:
            time.sleep(pause or 0.0)
            return
        try:
            ended = next(as_completed(list(self._polls), timeout=pause))
        except TimeoutError:
            return
        number = self._polls.pop(ended)
        try:
            self._heard[number] = ended.result()
            self._drip.end(number)
        except BatchFailed as error:
            self._take_back(number, error)
        except Exception as error:
            self._failure = self._failure or error

    def _take_back(self, number: int, refusal: BatchFailed) -> None:
        try:
            self._drip.take_back(
                number,
                refusal,
                was_made_before=self._was_made_before[number],
                interval=self._run.poll_interval,
                now=time.time(),
            )
        except BatchFailed as error:
            self._failure = self._failure or error

    def _record(self, submitted: list[Submitted], heard: list[BatchStatus]) -> None:
        run = self._run
        run_stage(
            record_status,
            run.storage,
            submitted,
            heard,
            run.choice,
            run.options.endpoint,
            run.options.model,
            self._number,
            path=self._status_path,
        )
