"""Decides how shards are submitted, polled and retrieved in Prefect, where the provider is reached; both flows do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from prefect import Task, task
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.logging import get_run_logger

from datagen_core.batch.client import RequestRefused
from datagen_core.batch.models import BatchStatus, Shard, Submitted
from datagen_core.batch.poll import (
    check_batch,
    describe_issues,
    describe_stuck,
    is_worth_resubmitting,
    require_ended,
    require_in_time,
)
from datagen_core.batch.purse import Purse
from datagen_core.batch.requests import Endpoint
from datagen_core.batch.retrieve import retrieve_results
from datagen_core.batch.status import build_status, write_status
from datagen_core.batch.submit import submit_once
from datagen_core.errors import BatchFailed, BatchNotReady, ProviderError, SubmissionUnknown
from datagen_core.files import Artifact
from datagen_core.providers import ProviderChoice
from datagen_core.storage import localize, publishing, relocate
from tasks.caching import stage_cache
from tasks.provider import connect
from tasks.telling import tell

LONGEST_RETRY_AFTER: Final = 600.0
"""Seconds that a task waits at most because a provider says so."""

JITTER: Final = 0.1
LONGEST_INTERVAL: Final = 600.0
"""Seconds between two looks at most, where the user's own interval is not longer."""
GROWTH: Final = 1.065
STEADY_LOOKS: Final = 10
MOST_DELAYS: Final = 50
"""As many as Prefect takes for one task."""

Watch = Callable[[int, BatchStatus, float], None]
"""Told, at each look, of a shard's number, its batch, and about when the next look is, in epoch seconds."""


def unwatched(_: int, __: BatchStatus, ___: float) -> None:
    """Tell nobody."""


def is_passing(_: Task[..., object], __: TaskRun, state: State[object]) -> bool:
    """Tell Prefect to retry: the batch goes on, or the provider is out of reach; a wrong key stays wrong."""
    return _can_pass(state.result(raise_on_failure=False))


async def is_passing_soon(_: Task[..., object], __: TaskRun, state: State[object]) -> bool:
    """Tell Prefect the same of a task that waits without a thread."""
    return _can_pass(await state.aresult(raise_on_failure=False))


def _can_pass(error: object) -> bool:
    is_final = isinstance(error, RequestRefused) and error.is_final
    return isinstance(error, BatchNotReady | SubmissionUnknown | ProviderError) and not is_final


@task(
    name="submit",
    task_run_name="submit shard {round_number}.{shard_number}",
    cache_policy=stage_cache("submit"),
    persist_result=True,
    retries=4,
    retry_delay_seconds=[5, 30, 60, 120],
    retry_jitter_factor=0.2,
    retry_condition_fn=is_passing,
)
def submit(
    requests: Shard,
    generation: int,
    choice: ProviderChoice,
    endpoint: Endpoint,
    run: str,
    round_number: int,
    shard_number: int,
    ledger: Path,
    purse: Purse,
) -> Submitted:
    """Submit one shard. Safe to repeat: a shard that exists at the provider is found by the ledger, not made again.

    `generation` counts how often the provider refused the same bytes before. Before anything is sent, the shard's
    price is told, and held against the cap.
    """
    metadata = {"run": run[:64], "round": str(round_number)}
    with connect(choice) as client, heeding_retry_after():
        submitted = submit_once(
            client,
            ledger,
            localize(requests),
            endpoint=endpoint,
            metadata=metadata,
            generation=generation,
            announce=lambda: tell(f"Shard {shard_number} of round {round_number}: {purse.announce(requests)}"),
        )
    get_run_logger().info("Submitted %s rows as %s", requests.rows, submitted.batch_id)
    return relocate(submitted)


@task(
    name="poll",
    task_run_name="poll shard {round_number}.{shard_number}",
    cache_policy=stage_cache("poll"),
    persist_result=True,
    retry_jitter_factor=JITTER,
    retry_condition_fn=is_passing_soon,
)
async def poll(
    submitted: Submitted, choice: ProviderChoice, round_number: int, shard_number: int, watch: Watch = unwatched
) -> BatchStatus:
    """Return how the batch ended; raises `BatchNotReady`, and is retried, while it goes on. Costs nothing to repeat.

    A refusal that can pass is raised, so that it is not cached; of one for the file's own faults the rows become errors
    and are asked for in the next round. Waits without a thread. `watch` is told of each look.
    """
    try:
        status, window = await asyncio.to_thread(_look, submitted, choice)
    except RequestRefused as error:
        await asyncio.sleep(_find_wait(error))
        raise
    counts = status.counts
    _rename(f"poll shard {round_number}.{shard_number} ({counts.completed + counts.failed}/{submitted.shard.rows})")
    await asyncio.to_thread(watch, shard_number, status, _foresee_look())
    log = get_run_logger()
    require_in_time(status, submitted, now=time.time(), window_seconds=window)
    stuck = describe_stuck(status, submitted, now=time.time())
    if stuck is not None:
        log.warning(stuck)
    if status.is_refused and not is_worth_resubmitting(status):
        log.warning("%s was refused: %s", status.batch_id, describe_issues(status))
        return status
    try:
        require_ended(status)
    except BatchFailed as error:
        error.is_queue_full = status.is_resubmittable
        raise
    log.info("%s is %s: %s of %s answered", status.batch_id, status.status, counts.completed, submitted.shard.rows)
    return status


def space_looks(interval: float) -> list[float]:
    """Return the seconds before each retry of `poll`, the last of which stays: the interval, growing to ten minutes.

    So a batch that takes its whole window costs Prefect a bounded number of rows, and a short one is seen at once.
    """
    longest = max(interval, LONGEST_INTERVAL)
    return [min(interval * GROWTH ** max(0, number - STEADY_LOOKS), longest) for number in range(MOST_DELAYS)]


def count_looks(seconds: float, delays: list[float]) -> int:
    """Return how many retries `poll` needs to wait so long, jitter included."""
    growing = sum(delays) * (1 - JITTER)
    return len(delays) + max(0, int((seconds - growing) / (delays[-1] * (1 - JITTER)))) + 1


def _look(submitted: Submitted, choice: ProviderChoice) -> tuple[BatchStatus, float]:
    with connect(choice) as client:
        return check_batch(client, submitted), client.window_seconds


def _foresee_look() -> float:
    """Return about when this task is retried if its batch goes on, in epoch seconds."""
    context = TaskRunContext.get()
    delays = context.task.retry_delay_seconds if context is not None else None
    if context is None or not isinstance(delays, list) or not delays:
        return time.time()
    return time.time() + delays[min(context.task_run.run_count, len(delays)) - 1]


def _rename(name: str) -> None:
    """Give the task run another name, which Prefect hears of with its next state."""
    context = TaskRunContext.get()
    if context is not None:
        context.task_run.name = name


@contextmanager
def heeding_retry_after() -> Generator[None]:
    """Wait as long as a busy provider asks before the error goes on to Prefect, which waits its own time after that."""
    try:
        yield
    except RequestRefused as error:
        time.sleep(_find_wait(error))
        raise


def _find_wait(error: RequestRefused) -> float:
    """Return how long the provider asks to be left alone, in seconds."""
    return 0.0 if error.is_final else min(error.retry_after or 0.0, LONGEST_RETRY_AFTER)


@task(
    name="retrieve",
    task_run_name="retrieve shard {round_number}.{shard_number}",
    cache_policy=stage_cache("retrieve"),
    persist_result=True,
    retries=3,
    retry_delay_seconds=10,
    retry_condition_fn=is_passing,
)
def retrieve(
    submitted: Submitted, status: BatchStatus, choice: ProviderChoice, round_number: int, shard_number: int, folder: str
) -> Artifact:
    """Download the answers of a shard. Safe to repeat: reading costs nothing."""
    with connect(choice) as client, publishing(folder) as here:
        results = relocate(retrieve_results(client, [(localize(submitted), status)], here / "result_lst.json"))
    get_run_logger().info("Retrieved %s answers of %s", results.rows, status.batch_id)
    return results


@task(
    name="record-status",
    task_run_name="record status of round {round_number}",
    cache_policy=stage_cache("record-status"),
    persist_result=True,
)
def record_status(
    submitted: list[Submitted],
    statuses: list[BatchStatus],
    choice: ProviderChoice,
    endpoint: Endpoint,
    model: str,
    round_number: int,
    folder: str,
    name: str,
) -> Artifact | None:
    """Write the status file: first with the batches alone, then with how they ended. Safe to repeat."""
    with connect(choice) as client:
        identity = client.identity
    status = build_status(submitted, provider=choice.provider, identity=identity, endpoint=endpoint, model=model)
    with publishing(folder) as here:
        path = here / name
        written = relocate(write_status(path, status.with_heard(statuses) if statuses else status))
    get_run_logger().info("Wrote %s: %s batches, %s ended", name, len(submitted), len(statuses))
    return written if statuses else None
