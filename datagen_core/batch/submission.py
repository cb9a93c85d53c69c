"""Decides the steps of one submission: look for the batch, provide its file, announce it, create it, record it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from datagen_core.batch.api import BatchApi
from datagen_core.batch.client import AnswerLost, RequestRefused
from datagen_core.batch.finding import (
    LOOKBACK_SECONDS,
    METADATA_KEY,
    NO_LIST,
    KeyedBatch,
    ProviderView,
    choose,
    has_results,
    name_file,
)
from datagen_core.batch.ledger import Ledger
from datagen_core.batch.models import BatchStatus, Shard, Submitted
from datagen_core.batch.records import Entry
from datagen_core.errors import BatchError, InputFileError, ProviderError, SubmissionUnknown
from datagen_core.files import Artifact

FILE_LIFETIME: Final = 30 * 86_400
"""Seconds that a request file is kept by the provider, the longest it allows."""
LOOKS: Final = 3
FILE_LOOKS: Final = 6

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clocks:
    """What tells the time, in epoch seconds; what counts seconds whatever the clock is set to; and what waits."""

    clock: Callable[[], float] = time.time
    counter: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Submission:
    """One shard on its way, with everything that its steps need; `metadata` holds the key already."""

    client: BatchApi
    view: ProviderView
    ledger: Ledger
    shard: Artifact
    key: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str]
    clocks: Clocks
    announce: Callable[[], None]

    @property
    def entry(self) -> Entry:
        """What the ledger knows of the shard."""
        return self.ledger.find_entry(self.key)

    def carry_out(self) -> Submitted:
        """Return the shard's batch: the recorded one, else one found at the provider, else a new one."""
        if self.entry.batch_id is None and not _adopt_existing(self):
            self.announce()
            _create(self, _provide_file(self))
        entry, shard = self.entry, self.shard
        return Submitted(
            key=self.key,
            batch_id=entry.batch_id or "",
            input_file_id=entry.file_id or "",
            shard=shard if isinstance(shard, Shard) else Shard.model_validate(shard.model_dump()),
            submitted_at=entry.submitted_at,
        )

    def record_batch(self, batch_id: str, file_id: str, submitted_at: float) -> None:
        """Record that the batch exists."""
        now = self.clocks.clock()
        self.ledger.append("batch", self.key, time=now, batch_id=batch_id, file_id=file_id, submitted_at=submitted_at)

    def forget(self) -> None:
        """Record that the provider said no: nothing is in flight, and the file has to be looked for again."""
        self.view.forget_files()
        self.ledger.append("refused", self.key, time=self.clocks.clock())

    def told_of_run(self) -> dict[str, str]:
        """Return what the metadata says besides the key, for people who read the ledger."""
        return {name: value for name, value in self.metadata.items() if name != METADATA_KEY}


def _adopt_existing(submission: Submission) -> bool:
    """Look for a batch of this key at the provider and record it; tell whether there is one."""
    intent_time = submission.entry.intent_time
    matches = _find_unrecorded(submission) if intent_time is None else _find_lost(submission, intent_time)
    if not matches:
        return False
    kept, *rest = choose(matches)
    _log.warning("Batch %s was found at the provider and is taken over for shard %s.", kept.batch_id, submission.key)
    # Only a lost answer makes duplicates of ours; without an intent the others may be somebody else's.
    if intent_time is not None:
        cancel_duplicates(submission.client, rest)
    file_id = kept.input_file_id or submission.entry.file_id or ""
    submission.record_batch(kept.batch_id, file_id, kept.created_at or intent_time or submission.clocks.clock())
    return True


def _find_unrecorded(submission: Submission) -> list[BatchStatus]:
    """Look once for a batch that a lost ledger or another folder's knew of.

    Refused batches cost nothing, so they are passed over, unless a later generation lives on: then the caller has to go
    that way again and not around it.
    """
    now, lost_files = submission.clocks.clock(), submission.entry.lost_files
    found = submission.view.find_relatives(submission.key)
    if lost_files:  # where no metadata is kept, a batch that was not listed in time has only its file
        lost = _list_lost(submission, lambda batch: batch.input_file_id in lost_files)
        found += [KeyedBatch(submission.key, batch) for batch in lost]
    relatives = [
        related
        for related in found
        if related.batch.is_refused or has_results(submission.client, related.batch, now=now)
    ]
    if all(related.batch.is_refused for related in relatives):
        return []
    return [related.batch for related in relatives if related.key == submission.key]


def _find_lost(submission: Submission, intent_time: float) -> list[BatchStatus]:
    """Look for the batch whose creation was announced, after it can no longer be under way."""
    entry, sleep = submission.entry, submission.clocks.sleep
    remaining = _measure_flight(entry, intent_time, submission.clocks)
    if remaining > 0:
        _log.info("Waiting %.0f s: the creation of a batch may still be under way.", remaining)
        sleep(remaining)
    files = entry.lost_files | {entry.intent_file, entry.file_id}

    def is_ours(batch: BatchStatus) -> bool:
        is_on_our_file = batch.input_file_id is not None and batch.input_file_id in files
        return is_on_our_file or batch.metadata.get(METADATA_KEY) == submission.key

    for look in range(LOOKS):
        found = _list_lost(submission, is_ours)
        if found:
            return found
        if look < LOOKS - 1:
            sleep(2.0 * (look + 1))
    return []


def _list_lost(submission: Submission, is_ours: Callable[[BatchStatus], bool]) -> list[BatchStatus]:
    try:
        return submission.view.find_lost(is_ours)
    except RequestRefused as error:
        if error.status not in NO_LIST:
            raise
        raise SubmissionUnknown(
            f"Shard {submission.shard.path!r} may have been submitted, and the provider does not list its batches. "
            f"Look in its console for a batch on file {submission.entry.file_id!r}, and record it with 'datagen ledger "
            "rebuild FOLDER --batch-id ID'. Only if there is none, move the ledger away."
        ) from error


def _measure_flight(entry: Entry, intent_time: float, clocks: Clocks) -> float:
    """Return the seconds for which the announced creation may still be under way.

    The clock may have been set since, so the counter of the machine has a say; after a restart it begins anew, and
    then at worst makes us wait once for the whole time.
    """
    longest = max(entry.in_flight_until - intent_time, 0.0)
    by_clock = min(entry.in_flight_until - clocks.clock(), longest)
    passed = None if entry.intent_counter is None else clocks.counter() - entry.intent_counter
    by_counter = longest - passed if passed is not None and passed >= 0 else 0.0
    return max(by_clock, by_counter, 0.0)


def cancel_duplicates(client: BatchApi, duplicates: list[BatchStatus]) -> None:
    """Ask for batches to be cancelled that others stand in for; one that cannot be is only told of."""
    for batch in duplicates:
        if batch.is_ended:
            continue
        try:
            client.cancel_batch(batch.batch_id)
        except ProviderError as error:
            _log.warning("Batch %s is a duplicate and could not be cancelled: %s", batch.batch_id, error)


def _provide_file(submission: Submission) -> str:
    """Return the id of the uploaded shard: from the ledger, else found by name and size, else uploaded now."""
    entry, now = submission.entry, submission.clocks.clock()
    if entry.file_id is not None and now - entry.file_time < LOOKBACK_SECONDS:
        return entry.file_id
    if not submission.shard.is_intact():
        raise InputFileError(
            submission.shard.path,
            "is missing or was changed after it was written.",
            advice="Write the request file again; a changed file is another submission.",
        )
    file_id = _find_file(submission)
    if file_id is None:
        submission.ledger.append("upload", submission.key, time=now, metadata=submission.told_of_run())
        file_id = _upload(submission)
    submission.ledger.append("file", submission.key, time=submission.clocks.clock(), file_id=file_id)
    return file_id


def _find_file(submission: Submission) -> str | None:
    """Look for the file, and several times, in case it is slow to be listed, where its upload was announced before."""
    was_announced, now = submission.entry.upload_time is not None, submission.clocks.clock()
    looks = LOOKS if was_announced else 1
    for look in range(looks):
        found = submission.view.find_file(submission.key, submission.shard.bytes, now=now, anew=was_announced)
        if found is not None:
            return found
        if look < looks - 1:
            submission.clocks.sleep(1.0)
    return None


def _upload(submission: Submission) -> str:
    path, name = Path(submission.shard.path), name_file(submission.key)
    try:
        return submission.client.upload_file(path, name, expires_after=FILE_LIFETIME).file_id
    except RequestRefused as error:
        # Some compatible servers do not know this field and refuse what they do not know.
        if error.status not in {400, 422} or "expires_after" not in str(error):
            raise
        return submission.client.upload_file(path, name, expires_after=None).file_id


def _wait_for_file(submission: Submission, file_id: str) -> None:
    """Wait until the provider knows a file that was just uploaded; a status of its own making is no reason to wait.

    Raises:
        BatchError: the provider could not take the file in.
        ProviderError: the file stays unknown.
    """
    for look in range(FILE_LOOKS):
        try:
            status = submission.client.fetch_file(file_id).status
        except RequestRefused as error:
            if error.status != 404:
                raise
            if look == FILE_LOOKS - 1:
                submission.forget()
                raise
        else:
            if status == "error":
                submission.forget()
                raise BatchError(
                    f"The provider could not take in request file {file_id!r}. Run the same command again."
                )
            if status not in {"uploaded", "pending", "running"}:
                return
        submission.clocks.sleep(min(0.5 * 2**look, 10.0))


def _create(submission: Submission, file_id: str) -> None:
    _wait_for_file(submission, file_id)
    sent_at = submission.clocks.clock()
    submission.ledger.append(
        "intent",
        submission.key,
        time=sent_at,
        counter=submission.clocks.counter(),
        in_flight_until=sent_at + submission.client.in_flight_seconds,
        file_id=file_id,
        metadata=submission.told_of_run(),
    )
    try:
        batch = submission.client.create_batch(
            file_id,
            endpoint=submission.endpoint,
            completion_window=submission.completion_window,
            metadata=submission.metadata,
        )
    except RequestRefused:
        submission.forget()
        raise
    except AnswerLost as error:
        raise SubmissionUnknown(
            f"It is not known whether the batch for shard {submission.shard.path!r} was created. {error} "
            "The next run looks for it before it creates anything."
        ) from error
    submission.record_batch(batch.batch_id, file_id, sent_at)
