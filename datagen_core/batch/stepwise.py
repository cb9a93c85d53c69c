"""Decides what the steps do when they are called one by one, without Prefect: submit a file, wait, retrieve."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from datagen_core.batch.api import BatchApi
from datagen_core.batch.client import AnswerLost, RequestRefused
from datagen_core.batch.dripping import Drip, QueueLimits
from datagen_core.batch.ledger import LEDGER_NAME
from datagen_core.batch.models import BatchStatus, Shard, Submitted
from datagen_core.batch.poll import (
    WINDOW_SECONDS,
    check_batch,
    describe_stuck,
    is_worth_resubmitting,
    require_ended,
    require_in_time,
)
from datagen_core.batch.retrieve import retrieve_results
from datagen_core.batch.sharding import ShardLimits, shard_requests
from datagen_core.batch.status import BatchInputStatus, build_status, read_status, write_status
from datagen_core.batch.submit import Submitter
from datagen_core.errors import BatchError, BatchFailed, BatchNotReady, ProviderError, SubmissionUnknown
from datagen_core.files import Artifact, read_jsonl

JITTER: Final = 0.1
"""Looks are up to a tenth earlier or later, so that runs started together do not ask together."""
SUBMIT_TRIES: Final = 3
_LATER: Final = "Run the same command again later, or wait with 'datagen submit-batch --wait'."
_ADVICE: Final = "Write it with 'datagen generate-batch'."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How to wait for batches: `interval` in seconds between two looks, and who is told how many requests are done."""

    interval: float
    report: Callable[[int], None] = lambda _: None
    window_seconds: float = WINDOW_SECONDS
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time


@dataclass(slots=True)
class _Passage:
    """A request file's shards on their way, and the status file that says where they are."""

    client: BatchApi
    submitter: Submitter
    requests: Path
    status_path: Path
    provider: str
    drip: Drip
    shards: Sequence[Shard]
    announce: Callable[[Shard, Sequence[Shard]], None]
    waiting: Waiting
    started: float
    submitted: dict[int, Submitted] = field(default_factory=dict[int, Submitted])
    heard: dict[int, BatchStatus] = field(default_factory=dict[int, BatchStatus])
    told: set[str] = field(default_factory=set[str])


def shard_file(requests: Path, limits: ShardLimits) -> list[Shard]:
    """Check a request file and split it, so that a bad line is named before anything is sent or started.

    Raises:
        InputFileError: a line is no request, or is alone larger than a shard may be.
    """
    return shard_requests(requests, requests.parent / "shards", limits, requests.parent / LEDGER_NAME)


def read_model(requests: Path) -> str:
    """Return the model of a request file that was split before."""
    return _read_form(requests)[1]


def submit_shards(
    client: BatchApi,
    requests: Path,
    shards: Sequence[Shard],
    status_path: Path,
    *,
    provider: str,
    limits: QueueLimits | None = None,
    announce: Callable[[Shard, Sequence[Shard]], None] = lambda _, __: None,
    waiting: Waiting | None = None,
) -> BatchInputStatus:
    """Submit a request file, shard by shard within the queue's limits, and write the status file after each.

    With `waiting`, goes on until every batch has ended; without, what the limits hold back is left for the next call,
    and stands in the status file as `waiting`. Safe to repeat: shards that exist at the provider are found by the
    ledger beside the file. One that the provider had refused for a reason that can pass is submitted once more.
    `announce` is called with a shard and those submitted before it, when it is about to be uploaded, and may raise.

    Raises:
        ProviderError, LedgerError, SubmissionUnknown: as `submit_once`.
        BatchFailed: the provider refused a batch for good.
        BatchError: a batch is past its deadline.
    """
    waits = waiting or Waiting(interval=1.0)
    passage = _Passage(
        client,
        Submitter(client, requests.parent / LEDGER_NAME, clock=waits.clock, sleep=waits.sleep),
        requests,
        status_path,
        provider,
        Drip(shards, limits or QueueLimits()),
        shards,
        announce,
        waits,
        waits.clock(),
    )
    while True:
        _submit_ready(passage)
        if passage.drip.is_done:
            break
        # Without waiting, a look is of use where room is needed, or where an earlier call's batch may be refused.
        is_short_look = waiting is None and not passage.drip.waiting
        has_moved = _look_at_all(passage, only_earlier=is_short_look)
        if not has_moved and waiting is None:
            break
        if not has_moved:
            _pause(passage.waiting)
    return _write(passage)


def retrieve_file(client: BatchApi, status_path: Path, output: Path) -> Artifact:
    """Ask once how the batches of a status file stand, write that down, and download their answers.

    Raises:
        BatchNotReady: a batch goes on; nothing is downloaded.
        BatchError: a shard has yet to be submitted.
        BatchFailed: the provider refused a batch.
    """
    status = read_status(status_path)
    status = status.with_heard([check_batch(client, shard.submitted) for shard in status.shards])
    write_status(status_path, status)
    for _, one in status.pairs():
        if not one.is_ended:
            counts = one.counts
            raise BatchNotReady(
                one.batch_id, status=one.status, completed=counts.completed, total=counts.total, advice=_LATER
            )
        require_ended(one)
    if status.waiting:
        names = ", ".join(Path(shard.path).name for shard in status.waiting[:5])
        raise BatchError(
            f"{len(status.waiting)} of {len(status.shards) + len(status.waiting)} shards wait for room in the queue "
            f"({names}). Run 'datagen submit-batch' again, or fetch one batch with 'datagen retrieve-batch --batch-id'."
        )
    return retrieve_results(client, status.pairs(), output)


def _submit_ready(passage: _Passage) -> None:
    drip = passage.drip
    while (number := drip.find_next(passage.waiting.clock())) is not None:
        shard = passage.shards[number]
        passage.submitted[number] = _submit(passage, shard, drip.generation_of(number))
        drip.enter(number)
        _write(passage)


def _submit(passage: _Passage, shard: Shard, generation: int) -> Submitted:
    """Submit; an answer that was lost is looked up at once, and a provider that is busy is given its time."""
    endpoint, _ = _read_form(passage.requests)
    before = [one.shard for one in passage.submitted.values() if one.shard.sha256 != shard.sha256]
    for last in (False,) * (SUBMIT_TRIES - 1) + (True,):
        try:
            return passage.submitter.submit(
                shard,
                endpoint=endpoint,
                generation=generation,
                announce=lambda: passage.announce(shard, before),
            )
        except (SubmissionUnknown, ProviderError) as error:
            if last or (isinstance(error, RequestRefused) and error.is_final):
                raise
            _log.warning("%s Trying again.", error)
            passage.waiting.sleep(_retry_after(error) or passage.waiting.interval)
    raise AssertionError("the last try returns or raises")


def _look_at_all(passage: _Passage, *, only_earlier: bool) -> bool:
    """Look at every batch once, or at an earlier call's; tell whether one has ended or was taken back."""
    has_moved = False
    for number in passage.drip.in_flight:
        if not only_earlier or passage.submitted[number].submitted_at < passage.started:
            has_moved |= _look(passage, number)
    done = sum(one.counts.completed + one.counts.failed for one in passage.heard.values())
    passage.waiting.report(done)
    return has_moved


def _look(passage: _Passage, number: int) -> bool:
    submitted, waiting = passage.submitted[number], passage.waiting
    try:
        status = check_batch(passage.client, submitted)
    except ProviderError as error:
        if isinstance(error, RequestRefused) and error.is_final:
            raise
        _log.warning("%s Waiting goes on.", error)
        waiting.sleep(_retry_after(error))
        return False
    passage.heard[number] = status
    require_in_time(status, submitted, now=waiting.clock(), window_seconds=waiting.window_seconds)
    _tell_stuck(passage, status, submitted)
    try:
        require_ended(status)
    except BatchNotReady:
        return False
    except BatchFailed as error:
        error.is_queue_full = status.is_resubmittable
        was_made_before = submitted.submitted_at < passage.started and is_worth_resubmitting(status)
        passage.drip.take_back(
            number, error, was_made_before=was_made_before, interval=waiting.interval, now=waiting.clock()
        )
        return True
    passage.drip.end(number)
    return True


def _tell_stuck(passage: _Passage, status: BatchStatus, submitted: Submitted) -> None:
    stuck = describe_stuck(status, submitted, now=passage.waiting.clock())
    if stuck is not None and status.batch_id not in passage.told:
        passage.told.add(status.batch_id)
        _log.warning("%s", stuck)


def _pause(waiting: Waiting) -> None:
    waiting.sleep(waiting.interval * random.uniform(1 - JITTER, 1 + JITTER))


def _retry_after(error: Exception) -> float:
    """Return the seconds that the provider asked to wait, 0 where it did not say."""
    return (error.retry_after or 0.0) if isinstance(error, RequestRefused | AnswerLost) else 0.0


def _write(passage: _Passage) -> BatchInputStatus:
    endpoint, model = _read_form(passage.requests)
    numbers = sorted(passage.submitted)
    status = build_status(
        [passage.submitted[number] for number in numbers],
        provider=passage.provider,
        identity=passage.client.identity,
        endpoint=endpoint,
        model=model,
        heard=[passage.heard.get(number) for number in numbers],
        waiting=[shard for number, shard in enumerate(passage.shards) if number not in passage.submitted],
    )
    write_status(passage.status_path, status)
    return status


def _read_form(requests: Path) -> tuple[str, str]:
    """Return endpoint and model of the first request; `split_requests` has held the others against it."""
    _, row = next(iter(read_jsonl(requests, advice=_ADVICE)))
    return str(row["url"]), str(cast("dict[str, object]", row["body"])["model"])
