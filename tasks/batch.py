"""Decides how shards are submitted, polled and retrieved in Prefect; both flows use these."""

from __future__ import annotations

import time
from pathlib import Path

from prefect import Task, task
from prefect.client.schemas.objects import State, TaskRun
from prefect.logging import get_run_logger

from datagen_core.batch.client import RequestRefused
from datagen_core.batch.models import BatchStatus, Submitted
from datagen_core.batch.poll import check_batch, is_worth_resubmitting, require_ended, require_in_time
from datagen_core.batch.requests import Endpoint
from datagen_core.batch.retrieve import retrieve_results
from datagen_core.batch.status import build_status, write_status
from datagen_core.batch.submit import submit_once
from datagen_core.errors import BatchFailed, BatchNotReady, ProviderError, SubmissionUnknown
from datagen_core.files import Artifact
from datagen_core.providers import ProviderChoice
from tasks.caching import stage_cache
from tasks.provider import connect


def is_passing(_: Task[..., object], __: TaskRun, state: State[object]) -> bool:
    """Tell Prefect to retry: the batch goes on, or the provider is out of reach; a wrong key stays wrong."""
    error = state.result(raise_on_failure=False)
    is_final = isinstance(error, RequestRefused) and error.is_final
    return isinstance(error, BatchNotReady | SubmissionUnknown | ProviderError) and not is_final


@task(
    name="submit",
    task_run_name="submit-round-{round_number}",
    cache_policy=stage_cache("submit"),
    persist_result=True,
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=is_passing,
)
def submit(
    requests: Artifact,
    generation: int,
    choice: ProviderChoice,
    endpoint: Endpoint,
    run: str,
    round_number: int,
    ledger: Path,
) -> Submitted:
    """Submit one shard. Safe to repeat: a shard that exists at the provider is found by the ledger, not made again.

    `generation` counts how often the provider refused the same bytes before.
    """
    metadata = {"run": run[:64], "round": str(round_number)}
    with connect(choice) as client:
        submitted = submit_once(client, ledger, requests, endpoint=endpoint, metadata=metadata, generation=generation)
    get_run_logger().info("Submitted %s rows as %s", requests.rows, submitted.batch_id)
    return submitted


@task(
    name="poll",
    task_run_name="poll-{submitted.batch_id}",
    cache_policy=stage_cache("poll"),
    persist_result=True,
    retry_condition_fn=is_passing,
)
def poll(submitted: Submitted, choice: ProviderChoice) -> BatchStatus:
    """Return how the batch ended; raises `BatchNotReady`, and is retried, while it goes on. Costs nothing to repeat.

    A refusal that can pass is raised, so that it is not cached; of one for the file's own faults the rows become errors
    and are asked for in the next round.
    """
    with connect(choice) as client:
        status = check_batch(client, submitted)
    get_run_logger().info("%s is %s, %s done", status.batch_id, status.status, status.counts.completed)
    require_in_time(status, submitted, now=time.time())
    if status.is_refused and not is_worth_resubmitting(status):
        return status
    try:
        require_ended(status)
    except BatchFailed as error:
        error.is_queue_full = status.is_resubmittable
        raise
    return status


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
