"""Decides what the steps do when they are called one by one, without Prefect: submit a file, wait, retrieve."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, cast

from datagen_core.batch.client import BatchClient
from datagen_core.batch.models import BatchStatus, Submitted
from datagen_core.batch.poll import check_batch, is_worth_resubmitting, require_ended, require_in_time
from datagen_core.batch.retrieve import retrieve_results
from datagen_core.batch.shards import split_requests
from datagen_core.batch.status import BatchInputStatus, build_status, read_status, write_status
from datagen_core.batch.submit import submit_again, submit_once
from datagen_core.errors import BatchNotReady
from datagen_core.files import Artifact, read_jsonl

LEDGER_NAME: Final = "ledger.jsonl"
_ADVICE: Final = "Write it with 'datagen generate-batch'."


def shard_file(requests: Path) -> list[Artifact]:
    """Check a request file and split it, so that a bad line is named before anything is sent or started.

    Raises:
        InputFileError: a line is no request.
    """
    return split_requests(requests, requests.parent / "shards")


def submit_shards(
    client: BatchClient, requests: Path, shards: Sequence[Artifact], status_path: Path, *, provider: str
) -> BatchInputStatus:
    """Submit a request file, shard by shard, and write the status file after each.

    Safe to repeat: shards that exist at the provider are found by the ledger beside the file. One that the provider
    had refused for a reason that can pass is submitted once more.

    Raises:
        ProviderError, LedgerError, SubmissionUnknown: as `submit_once`.
    """
    endpoint, model = _read_form(requests)
    submitted: list[Submitted] = []
    started = time.time()
    for shard in shards:
        submitted.append(_submit_shard(client, requests.parent / LEDGER_NAME, shard, endpoint, started))
        status = build_status(submitted, provider=provider, identity=client.identity, endpoint=endpoint, model=model)
        write_status(status_path, status)
    return read_status(status_path)


def wait_for_batches(
    client: BatchClient,
    status_path: Path,
    *,
    interval: float,
    report: Callable[[int], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> BatchInputStatus:
    """Look at every batch of a status file until all have ended, and write how they did. `interval` is in seconds.

    `report` is told, after each look, how many requests are done.

    Raises:
        BatchFailed: the provider refused a batch.
        BatchError: a batch is past its deadline.
    """
    status = read_status(status_path)
    heard: list[BatchStatus] = []
    for shard in status.shards:
        done = sum(one.counts.completed + one.counts.failed for one in heard)
        while True:
            one = check_batch(client, shard.submitted)
            if report is not None:
                report(done + one.counts.completed + one.counts.failed)
            require_in_time(one, shard.submitted, now=clock())
            try:
                require_ended(one)
                break
            except BatchNotReady:
                sleep(interval)
        heard.append(one)
    status = status.with_heard(heard)
    write_status(status_path, status)
    return status


def retrieve_file(client: BatchClient, status_path: Path, output: Path) -> Artifact:
    """Ask once how the batches of a status file stand, write that down, and download their answers.

    Raises:
        BatchNotReady: a batch goes on; nothing is downloaded.
        BatchFailed: the provider refused a batch.
    """
    status = read_status(status_path)
    status = status.with_heard([check_batch(client, shard.submitted) for shard in status.shards])
    write_status(status_path, status)
    for _, one in status.pairs():
        require_ended(one)
    return retrieve_results(client, status.pairs(), output)


def _submit_shard(client: BatchClient, ledger: Path, shard: Artifact, endpoint: str, started: float) -> Submitted:
    """Submit, and once more if what stands there from before was refused for a reason that can pass."""
    submitted = submit_once(client, ledger, shard, endpoint=endpoint)
    while submitted.submitted_at < started and is_worth_resubmitting(check_batch(client, submitted)):
        submitted = submit_again(client, ledger, submitted, endpoint=endpoint)
    return submitted


def _read_form(requests: Path) -> tuple[str, str]:
    """Return endpoint and model of the first request; `split_requests` has held the others against it."""
    _, row = next(iter(read_jsonl(requests, advice=_ADVICE)))
    return str(row["url"]), str(cast("dict[str, object]", row["body"])["model"])
