"""Decides how shards are submitted, polled and retrieved in Prefect; both flows use these."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from prefect import Task, task
from prefect.client.schemas.objects import State, TaskRun
from prefect.logging import get_run_logger

from datagen_core.batch.client import RequestRefused
from datagen_core.batch.models import BatchStatus, Shard, Submitted
from datagen_core.batch.poll import (
    check_batch,
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
from tasks.caching import stage_cache
from tasks.provider import connect
from tasks.telling import tell

LONGEST_RETRY_AFTER: Final = 600.0
"""Seconds that a task waits at most because a provider says so."""


def is_passing(_: Task[..., object], __: TaskRun, state: State[object]) -> bool:
    """Tell Prefect to retry: the batch goes on, or the provider is out of reach; a wrong key stays wrong."""
    error = state.result(raise_on_failure=False)
    is_final = isinstance(error, RequestRefused) and error.is_final
    return isinstance(error, BatchNotReady | SubmissionUnknown | ProviderError) and not is_final


@task(
    name="submit",
    task_run_name="submit-round-{round_number}-shard-{shard_number}",
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
            requests,
            endpoint=endpoint,
            metadata=metadata,
            generation=generation,
            announce=lambda: tell(f"Shard {shard_number} of round {round_number}: {purse.announce(requests)}"),
        )
    get_run_logger().info("Submitted %s rows as %s", requests.rows, submitted.batch_id)
    return submitted


@task(
    name="poll",
    task_run_name="poll-round-{round_number}-shard-{shard_number}",
    cache_policy=stage_cache("poll"),
    persist_result=True,
    retry_jitter_factor=0.1,
    retry_condition_fn=is_passing,
)
def poll(submitted: Submitted, choice: ProviderChoice, round_number: int, shard_number: int) -> BatchStatus:
    """Return how the batch ended; raises `BatchNotReady`, and is retried, while it goes on. Costs nothing to repeat.

    A refusal that can pass is raised, so that it is not cached; of one for the file's own faults the rows become errors
    and are asked for in the next round.
    """
    with connect(choice) as client, heeding_retry_after():
        status = check_batch(client, submitted)
        window = client.window_seconds
    log = get_run_logger()
    log.info("%s is %s, %s of %s done", status.batch_id, status.status, status.counts.completed, status.counts.total)
    require_in_time(status, submitted, now=time.time(), window_seconds=window)
    stuck = describe_stuck(status, submitted, now=time.time())
    if stuck is not None:
        log.warning(stuck)
    if status.is_refused and not is_worth_resubmitting(status):
        return status
    try:
        require_ended(status)
    except BatchFailed as error:
        error.is_queue_full = status.is_resubmittable
        raise
    return status


@contextmanager
def heeding_retry_after() -> Generator[None]:
    """Wait as long as a busy provider asks before the error goes on to Prefect, which waits its own time after that."""
    try:
        yield
    except RequestRefused as error:
        if not error.is_final and error.retry_after:
            time.sleep(min(error.retry_after, LONGEST_RETRY_AFTER))
        raise


@task(
    name="retrieve",
    task_run_name="retrieve-round-{round_number}",
    cache_policy=stage_cache("retrieve"),
    persist_result=True,
    retries=3,
    retry_delay_seconds=10,
    retry_condition_fn=is_passing,
)
def retrieve(
    submitted: list[Submitted], statuses: list[BatchStatus], choice: ProviderChoice, round_number: int, path: Path
) -> Artifact:
    """Download the answers of a round's shards. Safe to repeat: reading costs nothing."""
    with connect(choice) as client:
        return retrieve_results(client, list(zip(submitted, statuses, strict=True)), path)


@task(
    name="record-status",
    task_run_name="record-status-round-{round_number}",
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
    path: Path,
) -> Artifact | None:
    """Write the status file: first with the batches alone, then with how they ended. Safe to repeat."""
    with connect(choice) as client:
        identity = client.identity
    status = build_status(submitted, provider=choice.provider, identity=identity, endpoint=endpoint, model=model)
    if not statuses:
        write_status(path, status)
        return None
    return write_status(path, status.with_heard(statuses))
