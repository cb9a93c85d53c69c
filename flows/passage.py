"""Decides how a round's requests pass through the provider's queue: one task run for each shard and stage."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, cast

from prefect.context import FlowRunContext
from prefect.utilities.annotations import quote

from datagen_core.batch.dripping import Drip
from datagen_core.batch.models import BatchStatus, Shard, Submitted
from datagen_core.batch.poll import GRACE_SECONDS
from datagen_core.batch.purse import Purse
from datagen_core.dataset.generating import STATUS_NAME
from datagen_core.dataset.judging import JudgedFiles
from datagen_core.errors import BatchFailed, CostCapError
from datagen_core.files import Artifact
from datagen_core.storage import join_location
from flows.opening import Workplace
from flows.run import Run
from tasks.batch import count_looks, poll, record_status, retrieve, space_looks, submit
from tasks.caching import keep_results, run_stage
from tasks.dataset import preprocess
from tasks.generate import shard
from tasks.showing import ShardProgress

LOOKING_THREADS: Final = 4
"""Threads that ask the provider, however many batches there are; each look takes a moment."""


LONGEST_SLEEP: Final = 5.0
"""Seconds until it is noticed that somebody has suspended the run; batches are asked about much more rarely."""


class Answers(NamedTuple):
    """What a round's shards gave, in their order: the answers, and what became of them."""

    results: list[Artifact]
    judged: list[JudgedFiles]
    batch_ids: list[str]


def fetch_answers(
    run: Run, requests: Artifact, scenarios: Artifact, number: int, purse: Purse, work: Workplace
) -> Answers:
    """Submit a round's requests as the queue has room, wait, and retrieve and judge each shard when its batch ends.

    Where a shard fails, no more are submitted, and the failure is raised when those in flight have ended: what they
    answered is kept, and the next run goes on from there. `work` says where shards are judged.

    Raises:
        CostCapError: a shard could cost more than the cap leaves; says how many of the round were submitted.
        BatchFailed, ProviderError, LedgerError, BatchError: as the tasks.
    """
    folder = run.location if number == 1 else run.round_place(number)
    shards = run_stage(shard, run.results, work.here, requests, number, folder, run.shard_limits, run.ledger)
    return asyncio.run(_Passage(run, shards, scenarios, number, folder, purse, work).go())


class _Passage:
    """A round's shards on their way through the provider's queue.

    One thread waits for all batches; a few look, and no more than `max_workers` retrieve and judge.
    """

    def __init__(
        self,
        run: Run,
        shards: list[Shard],
        scenarios: Artifact,
        number: int,
        folder: str,
        purse: Purse,
        work: Workplace,
    ) -> None:
        self._run, self._shards, self._scenarios = run, shards, scenarios
        self._number, self._folder, self._purse, self._work = number, folder, purse, work
        self._drip = Drip(shards, run.limits)
        self._progress = ShardProgress(run.profile, run.name, number, shards)
        self._workers = asyncio.Semaphore(run.max_workers)
        self._submitted: dict[int, Submitted] = {}
        self._was_made_before: dict[int, bool] = {}
        self._heard: dict[int, BatchStatus] = {}
        self._polls: dict[asyncio.Task[BatchStatus], int] = {}
        self._judging: dict[asyncio.Task[tuple[Artifact, JudgedFiles]], int] = {}
        self._answers: dict[int, tuple[Artifact, JudgedFiles]] = {}
        self._failure: Exception | None = None

    async def go(self) -> Answers:
        """Return what the shards gave."""
        threads = ThreadPoolExecutor(self._run.max_workers + LOOKING_THREADS, thread_name_prefix="shard")
        asyncio.get_running_loop().set_default_executor(threads)
        while self._polls or self._judging or (self._failure is None and not self._drip.is_done):
            _leave_if_suspended()
            await self._submit_ready()
            await self._wait()
        await asyncio.to_thread(self._progress.finish)
        if self._failure is not None:
            raise self._failure
        numbers = range(len(self._shards))
        await self._record([self._submitted[number] for number in numbers], [self._heard[number] for number in numbers])
        return Answers(
            [self._answers[one][0] for one in numbers],
            [self._answers[one][1] for one in numbers],
            [self._submitted[one].batch_id for one in numbers],
        )

    async def _submit_ready(self) -> None:
        has_moved = False
        while self._failure is None and (number := self._drip.find_next(time.time())) is not None:
            try:
                await asyncio.to_thread(self._submit, number)
            except CostCapError as error:
                error.n_submitted = len(self._submitted)
                self._failure = error
            except Exception as error:
                self._failure = error
            else:
                self._begin_polling(number)
                has_moved = True
        if has_moved:
            try:
                await self._record([self._submitted[number] for number in sorted(self._submitted)], [])
            except Exception as error:
                self._failure = self._failure or error

    def _submit(self, number: int) -> None:
        run = self._run
        self._work.lease.require_held()
        # What an ended shard cost is known when its answers are read; until then it may be as much as that of one
        # in flight.
        reserved = [self._shards[one] for one in self._submitted if one != number]
        state = keep_results(submit, run.results)(
            self._shards[number],
            self._drip.generation_of(number),
            choice=run.choice,
            endpoint=run.options.endpoint,
            run=run.name,
            round_number=self._number,
            shard_number=number + 1,
            ledger=run.ledger,
            # Quoted: Prefect would take the reserved shards for results that this one depends on.
            purse=cast("Purse", quote(self._purse.reserve(reserved))),
            return_state=True,
        )
        self._submitted[number] = state.result()
        self._progress.submit(number, self._submitted[number])
        self._was_made_before[number] = state.name == "Cached"

    def _begin_polling(self, number: int) -> None:
        run = self._run
        self._drip.enter(number)
        delays = space_looks(run.poll_interval)
        patient = keep_results(poll, run.results).with_options(
            retries=count_looks(run.window_seconds + GRACE_SECONDS, delays), retry_delay_seconds=delays
        )
        looking = patient(self._submitted[number], run.choice, self._number, number + 1, watch=self._progress.watch)
        self._polls[asyncio.create_task(looking)] = number

    async def _wait(self) -> None:
        """Wait until a batch or its judging has ended, or until a pause is over that holds the next shard back."""
        pause = self._drip.seconds_until_next(time.time()) if self._failure is None else None
        timeout = LONGEST_SLEEP if pause is None else min(pause, LONGEST_SLEEP)
        going = {*self._polls, *self._judging}
        if not going:
            await asyncio.sleep(timeout if pause is not None else 0.0)
            return
        ended, _ = await asyncio.wait(going, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        for one in ended & self._polls.keys():
            self._take_poll(cast("asyncio.Task[BatchStatus]", one))
        for one in ended & self._judging.keys():
            self._take_answers(cast("asyncio.Task[tuple[Artifact, JudgedFiles]]", one))

    def _take_poll(self, ended: asyncio.Task[BatchStatus]) -> None:
        number = self._polls.pop(ended)
        try:
            self._heard[number] = ended.result()
            self._drip.end(number)
            self._judging[asyncio.create_task(self._judge(number))] = number
        except BatchFailed as error:
            self._take_back(number, error)
        except Exception as error:
            self._failure = self._failure or error

    def _take_answers(self, ended: asyncio.Task[tuple[Artifact, JudgedFiles]]) -> None:
        number = self._judging.pop(ended)
        try:
            self._answers[number] = ended.result()
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

    async def _judge(self, number: int) -> tuple[Artifact, JudgedFiles]:
        """Retrieve and judge a shard whose batch has ended."""
        run, folder = self._run, join_location(self._run.round_place(self._number), "shards", f"{number + 1:03d}")
        submitted, heard = self._submitted[number], self._heard[number]
        async with self._workers:
            results = await asyncio.to_thread(
                run_stage,
                retrieve,
                run.results,
                self._work.here,
                submitted,
                heard,
                run.choice,
                self._number,
                number + 1,
                folder,
            )
            judged = await asyncio.to_thread(
                run_stage,
                preprocess,
                run.results,
                self._work.call,
                self._scenarios,
                results,
                run.choice.provider,
                self._number,
                number + 1,
                folder,
                run.prices,
            )
        return results, judged

    async def _record(self, submitted: list[Submitted], heard: list[BatchStatus]) -> None:
        run = self._run
        await asyncio.to_thread(
            run_stage,
            record_status,
            run.results,
            self._work.here,
            submitted,
            heard,
            run.choice,
            run.options.endpoint,
            run.options.model,
            self._number,
            self._folder,
            STATUS_NAME[run.profile],
        )


def _leave_if_suspended() -> None:
    """End the process where somebody has suspended the run: its batches go on, and a resumed run looks for them.

    Prefect does so at the next task only, which may be ten minutes away.
    """
    context = FlowRunContext.get()
    if context is not None:
        context.flow_run_suspension_request.raise_if_requested()
