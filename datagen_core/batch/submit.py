"""Decides how a shard is submitted so that it exists once at the provider, however often and wherever a run is killed.

Three windows stay open: two ledgers for one project used at the same time; a server whose list of batches lags longer
than our three looks; a lost ledger whose batch stands further back than `LOOKBACK_PAGES` or `LOOKBACK_SECONDS`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from datagen_core.batch.client import AnswerLost, BatchClient, RequestRefused
from datagen_core.batch.ledger import LOCK_SECONDS, Entry, Ledger, open_ledger
from datagen_core.batch.models import BatchStatus, ProviderFile, Submitted
from datagen_core.errors import BatchError, ConfigError, InputFileError, ProviderError, SubmissionUnknown
from datagen_core.files import Artifact

METADATA_KEY = "datagen_key"
FILE_LIFETIME = 30 * 86_400
"""Seconds that a request file is kept by the provider, the longest it allows."""
LOOKBACK_PAGES = 20
"""2,000 batches, as many as a project may create in an hour: how far back a batch is looked for without a ledger."""
LOOKBACK_SECONDS = 29 * 86_400
"""Older batches are not adopted: their files are about to expire."""
CLOCK_SKEW = 3_600.0
"""How far the provider's clock may be behind ours when a lost batch is looked for."""
LOST_LOOKBACK_PAGES = 200
FILE_PAGES = 20
LOOKS = 3
FILE_LOOKS = 6
_NO_LIST = frozenset({404, 405, 501})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Submission:
    """One shard on its way, with everything that its steps need."""

    client: BatchClient
    ledger: Ledger
    shard: Artifact
    key: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str]
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    @property
    def entry(self) -> Entry:
        return self.ledger.find_entry(self.key)

    @property
    def file_name(self) -> str:
        return f"datagen-{self.key}.jsonl"

    def record_batch(self, batch_id: str, file_id: str, submitted_at: float) -> None:
        self.ledger.append(
            "batch", self.key, time=self.clock(), batch_id=batch_id, file_id=file_id, submitted_at=submitted_at
        )

    def forget(self) -> None:
        """Record that the provider said no: nothing is in flight, and the file has to be looked for again."""
        self.ledger.append("refused", self.key, time=self.clock())


def submission_key(shard: Artifact, generation: int = 0) -> str:
    """Return what identifies a submission: 40 hex digits of the shard's SHA-256, a dot, and the generation."""
    return f"{shard.sha256[:40]}.{generation}"


def submit_once(
    client: BatchClient,
    ledger_path: Path,
    shard: Artifact,
    *,
    endpoint: str,
    completion_window: str = "24h",
    metadata: Mapping[str, str] | None = None,
    generation: int = 0,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    lock_timeout: float = LOCK_SECONDS,
) -> Submitted:
    """Return the shard's batch, which is created only if it does not exist. Safe to repeat, also from two processes.

    The same bytes are the same submission, whatever folder they stand in. `generation` counts how often the provider
    has refused them; `submit_again` goes from one to the next.

    Raises:
        SubmissionUnknown: the answer to the creation was lost; call again, and the batch is looked up first.
        ProviderError: the provider cannot be reached or said no; nothing was created.
        LedgerError: the ledger belongs to another project, is damaged or locked.
        InputFileError: the shard is no longer what its artifact says.
    """
    with open_ledger(ledger_path, client.identity, lock_timeout=lock_timeout) as ledger:
        key = submission_key(shard, generation)
        own = _check_metadata({**(metadata or {}), METADATA_KEY: key})
        submission = _Submission(client, ledger, shard, key, endpoint, completion_window, own, clock, sleep)
        if submission.entry.batch_id is None and not _adopt_existing(submission):
            _create(submission, _provide_file(submission))
        entry = submission.entry
        return Submitted(
            key=key,
            batch_id=entry.batch_id or "",
            input_file_id=entry.file_id or "",
            shard=shard,
            submitted_at=entry.submitted_at,
        )


def submit_again(
    client: BatchClient,
    ledger_path: Path,
    refused: Submitted,
    *,
    endpoint: str,
    completion_window: str = "24h",
    metadata: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    lock_timeout: float = LOCK_SECONDS,
) -> Submitted:
    """Return the batch of the next generation of a shard that the provider refused, created only if it does not exist.

    As safe to repeat as `submit_once`: the same refused batch leads to the same next one. Whether it is of use is for
    `is_worth_resubmitting` to say.

    Raises:
        BatchError: the batch was not refused; another of the same requests would be paid for as well.
        SubmissionUnknown, ProviderError, LedgerError, InputFileError: as `submit_once`.
    """
    status = client.fetch_batch(refused.batch_id)
    if not status.is_refused:
        raise BatchError(
            f"Batch {refused.batch_id!r} is {status.status} and was not refused: submitted again, its requests would "
            "be paid for twice. Retrieve it instead."
        )
    return submit_once(
        client,
        ledger_path,
        refused.shard,
        endpoint=endpoint,
        completion_window=completion_window,
        metadata=metadata,
        generation=refused.generation + 1,
        clock=clock,
        sleep=sleep,
        lock_timeout=lock_timeout,
    )


def _check_metadata(metadata: dict[str, str]) -> dict[str, str]:
    """Hold the provider's limits here, where the message can say what is wrong."""
    if len(metadata) > 16 or any(len(name) > 64 or len(value) > 512 for name, value in metadata.items()):
        raise ConfigError("Batch metadata may have 15 pairs besides ours, names of 64 and values of 512 characters.")
    return metadata


def _adopt_existing(submission: _Submission) -> bool:
    """Look for a batch of this key at the provider and record it; tell whether there is one."""
    intent_time = submission.entry.intent_time
    matches = _find_unrecorded(submission) if intent_time is None else _find_lost(submission, intent_time)
    if not matches:
        return False
    kept, *rest = sorted(matches, key=_by_claim)
    _log.warning("Batch %s was found at the provider and is taken over for shard %s.", kept.batch_id, submission.key)
    # Only a lost answer makes duplicates of ours; without an intent the others may be somebody else's.
    if intent_time is not None:
        _cancel(submission.client, rest)
    file_id = kept.input_file_id or submission.entry.file_id or ""
    submission.record_batch(kept.batch_id, file_id, kept.created_at or intent_time or submission.clock())
    return True


def _by_claim(batch: BatchStatus) -> tuple[bool, float, str]:
    """Order by who is kept: a batch that was not refused first, then the oldest."""
    return batch.is_refused, batch.created_at or 0.0, batch.batch_id


def _find_unrecorded(submission: _Submission) -> list[BatchStatus]:
    """Look once for a batch that a lost ledger knew of.

    Refused batches cost nothing, so they are passed over, unless a later generation lives on: then the caller has to go
    that way again and not around it.
    """
    bytes_key = submission.key.partition(".")[0] + "."
    try:
        relatives = _search(
            submission.client,
            lambda batch: batch.metadata.get(METADATA_KEY, "").startswith(bytes_key),
            since=submission.clock() - LOOKBACK_SECONDS,
            max_pages=LOOKBACK_PAGES,
        )
    except RequestRefused as error:
        if error.status not in _NO_LIST:
            raise
        _log.warning("The provider cannot list batches; a batch that no ledger knows of would not be found.")
        return []
    if all(batch.is_refused for batch in relatives):
        return []
    return [batch for batch in relatives if batch.metadata[METADATA_KEY] == submission.key]


def _find_lost(submission: _Submission, intent_time: float) -> list[BatchStatus]:
    """Look for the batch whose creation was announced, after it can no longer be under way."""
    entry, now = submission.entry, submission.clock()
    longest = max(entry.in_flight_until - intent_time, 0.0)
    remaining = min(entry.in_flight_until - now, longest)
    if remaining > 0:
        _log.info("Waiting %.0f s: the creation of a batch may still be under way.", remaining)
        submission.sleep(remaining)

    def is_ours(batch: BatchStatus) -> bool:
        by_file = entry.file_id is not None and batch.input_file_id == entry.file_id
        return by_file or batch.metadata.get(METADATA_KEY) == submission.key

    for look in range(LOOKS):
        found = _search(submission.client, is_ours, since=intent_time - CLOCK_SKEW, max_pages=LOST_LOOKBACK_PAGES)
        if found:
            return found
        if look < LOOKS - 1:
            submission.sleep(2.0 * (look + 1))
    return []


def _search(
    client: BatchClient, is_wanted: Callable[[BatchStatus], bool], *, since: float, max_pages: int
) -> list[BatchStatus]:
    """Page back through the provider's batches until a whole page is older than `since`."""
    found: list[BatchStatus] = []
    for page in client.iter_batch_pages(max_pages=max_pages):
        recent = [batch for batch in page if batch.created_at is None or batch.created_at >= since]
        found += [batch for batch in recent if is_wanted(batch)]
        if not recent:
            break
    return found


def _cancel(client: BatchClient, duplicates: list[BatchStatus]) -> None:
    for batch in duplicates:
        if batch.is_ended:
            continue
        try:
            client.cancel_batch(batch.batch_id)
        except ProviderError as error:
            _log.warning("Batch %s is a duplicate and could not be cancelled: %s", batch.batch_id, error)


def _provide_file(submission: _Submission) -> str:
    """Return the id of the uploaded shard: from the ledger, else found by name and size, else uploaded now."""
    entry, now = submission.entry, submission.clock()
    if entry.file_id is not None and now - entry.file_time < LOOKBACK_SECONDS:
        return entry.file_id
    if not submission.shard.is_intact():
        raise InputFileError(
            submission.shard.path,
            "is missing or was changed after it was written.",
            advice="Write the request file again; a changed file is another submission.",
        )
    file_id = _find_file(submission, looks=1 if entry.upload_time is None else LOOKS)
    if file_id is None:
        submission.ledger.append("upload", submission.key, time=now)
        file_id = _upload(submission)
    submission.ledger.append("file", submission.key, time=submission.clock(), file_id=file_id)
    return file_id


def _find_file(submission: _Submission, *, looks: int) -> str | None:
    def is_ours(file: ProviderFile) -> bool:
        is_lasting = file.expires_at is None or file.expires_at > submission.clock() + 2 * 86_400
        is_same = file.name == submission.file_name and file.n_bytes == submission.shard.bytes
        return is_same and is_lasting and file.status != "error"

    for look in range(looks):
        try:
            for page in submission.client.iter_file_pages(max_pages=FILE_PAGES):
                for file in filter(is_ours, page):
                    return file.file_id
        except RequestRefused as error:
            if error.status not in _NO_LIST:
                raise
            return None
        if look < looks - 1:
            submission.sleep(1.0)
    return None


def _upload(submission: _Submission) -> str:
    path = Path(submission.shard.path)
    try:
        return submission.client.upload_file(path, submission.file_name, expires_after=FILE_LIFETIME).file_id
    except RequestRefused as error:
        # Some compatible servers do not know this field and refuse what they do not know.
        if error.status not in {400, 422} or "expires_after" not in str(error):
            raise
        return submission.client.upload_file(path, submission.file_name, expires_after=None).file_id


def _wait_for_file(submission: _Submission, file_id: str) -> None:
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
        submission.sleep(min(0.5 * 2**look, 10.0))


def _create(submission: _Submission, file_id: str) -> None:
    _wait_for_file(submission, file_id)
    sent_at = submission.clock()
    in_flight_until = sent_at + submission.client.in_flight_seconds
    submission.ledger.append("intent", submission.key, time=sent_at, in_flight_until=in_flight_until, file_id=file_id)
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
