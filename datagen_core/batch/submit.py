"""Decides how a shard is submitted so that it exists once at the provider, however often and wherever a run is killed.

The same bytes in another folder of the same project are the same submission: its run takes the first one's batch over,
pays for nothing, and cancels nothing; cancelled in one folder, the batch is cancelled for both.

Windows that stay open: two ledgers of one project that submit the same bytes within the same seconds; a server whose
list of batches lags longer than our three looks; a lost answer whose batch stands further back than
`LOST_LOOKBACK_PAGES`; a lost ledger whose batch stands further back than `LOOKBACK_PAGES`, or whose batch has no
metadata, because the provider keeps none, and whose input file is deleted or not listed. `rebuild_ledger` finds what
came of the first two.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from datagen_core.batch.api import BatchApi
from datagen_core.batch.finding import METADATA_KEY, ProviderView
from datagen_core.batch.ledger import LOCK_SECONDS, Snapshot, open_ledger
from datagen_core.batch.models import Submitted
from datagen_core.batch.submission import Clocks, Submission
from datagen_core.errors import BatchError, ConfigError
from datagen_core.files import Artifact


class Submitter:
    """Submits shards to one provider by one ledger, which is locked for the time of each submission.

    What was read of the ledger, and seen of the provider's lists, is kept from one submission to the next and only
    what came since is looked at: many shards cost as much each as one. Threads may share it; they take turns.
    """

    def __init__(
        self,
        client: BatchApi,
        ledger_path: Path,
        *,
        clock: Callable[[], float] = time.time,
        counter: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        lock_timeout: float = LOCK_SECONDS,
    ) -> None:
        self._client, self._ledger_path, self._lock_timeout = client, ledger_path, lock_timeout
        self._clocks = Clocks(clock, counter, sleep)
        self._view = ProviderView(client)
        self._known: Snapshot | None = None
        self._turn = threading.Lock()

    def submit(
        self,
        shard: Artifact,
        *,
        endpoint: str,
        completion_window: str = "24h",
        metadata: Mapping[str, str] | None = None,
        generation: int = 0,
        announce: Callable[[], None] = lambda: None,
    ) -> Submitted:
        """Return the shard's batch, as `submit_once` does, and raise what it raises."""
        key = submission_key(shard, generation)
        told = _check_metadata({**(metadata or {}), METADATA_KEY: key})
        with (
            self._turn,
            open_ledger(
                self._ledger_path, self._client.identity, lock_timeout=self._lock_timeout, known=self._known
            ) as ledger,
        ):
            self._known = ledger.snapshot
            submission = Submission(
                self._client, self._view, ledger, shard, key, endpoint, completion_window, told, self._clocks, announce
            )
            return submission.carry_out()

    def submit_again(
        self,
        refused: Submitted,
        *,
        endpoint: str,
        completion_window: str = "24h",
        metadata: Mapping[str, str] | None = None,
    ) -> Submitted:
        """Return the batch of a refused shard's next generation, as `submit_again` does, and raise what it raises."""
        status = self._client.fetch_batch(refused.batch_id)
        if not status.is_refused:
            raise BatchError(
                f"Batch {refused.batch_id!r} is {status.status} and was not refused: submitted again, its requests "
                "would be paid for twice. Retrieve it instead."
            )
        return self.submit(
            refused.shard,
            endpoint=endpoint,
            completion_window=completion_window,
            metadata=metadata,
            generation=refused.generation + 1,
        )


def submission_key(shard: Artifact, generation: int = 0) -> str:
    """Return what identifies a submission: 40 hex digits of the shard's SHA-256, a dot, and the generation."""
    return f"{shard.sha256[:40]}.{generation}"


def submit_once(
    client: BatchApi,
    ledger_path: Path,
    shard: Artifact,
    *,
    endpoint: str,
    completion_window: str = "24h",
    metadata: Mapping[str, str] | None = None,
    generation: int = 0,
    announce: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.time,
    counter: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    lock_timeout: float = LOCK_SECONDS,
) -> Submitted:
    """Return the shard's batch, which is created only if it does not exist. Safe to repeat, also from two processes.

    The same bytes are the same submission, whatever folder they stand in. `generation` counts how often the provider
    has refused them; `submit_again` goes from one to the next. `announce` is called before anything of a shard is sent
    that does not exist yet, and may raise. For many shards one `Submitter` is faster.

    Raises:
        SubmissionUnknown: the answer to the creation was lost; call again, and the batch is looked up first.
        RequestRefused, ProviderError: the provider cannot be reached or said no; nothing was created.
        LedgerError: the ledger belongs to another project, is damaged or locked.
        OutputError: the ledger cannot be written; what it was to announce was not sent.
        InputFileError: the shard is no longer what its artifact says.
    """
    submitter = Submitter(client, ledger_path, clock=clock, counter=counter, sleep=sleep, lock_timeout=lock_timeout)
    return submitter.submit(
        shard,
        endpoint=endpoint,
        completion_window=completion_window,
        metadata=metadata,
        generation=generation,
        announce=announce,
    )


def submit_again(
    client: BatchApi,
    ledger_path: Path,
    refused: Submitted,
    *,
    endpoint: str,
    completion_window: str = "24h",
    metadata: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.time,
    counter: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    lock_timeout: float = LOCK_SECONDS,
) -> Submitted:
    """Return the batch of the next generation of a shard that the provider refused, created only if it does not exist.

    As safe to repeat as `submit_once`: the same refused batch leads to the same next one. Whether it is of use is for
    `is_worth_resubmitting` to say.

    Raises:
        BatchError: the batch was not refused; another of the same requests would be paid for as well.
        SubmissionUnknown, ProviderError, LedgerError, OutputError, InputFileError: as `submit_once`.
    """
    submitter = Submitter(client, ledger_path, clock=clock, counter=counter, sleep=sleep, lock_timeout=lock_timeout)
    return submitter.submit_again(refused, endpoint=endpoint, completion_window=completion_window, metadata=metadata)


def _check_metadata(metadata: dict[str, str]) -> dict[str, str]:
    """Hold the provider's limits here, where the message can say what is wrong."""
    if len(metadata) > 16 or any(len(name) > 64 or len(value) > 512 for name, value in metadata.items()):
        raise ConfigError("Batch metadata may have 15 pairs besides ours, names of 64 and values of 512 characters.")
    return metadata
