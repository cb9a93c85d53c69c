"""Decides which batches of a run are cancelled at the provider, and what is said of each."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from datagen_core.batch.api import BatchApi
from datagen_core.batch.ledger_view import find_ledger, read_ledger
from datagen_core.batch.models import BatchStatus
from datagen_core.batch.status import read_status
from datagen_core.errors import InputFileError, LedgerError, ProviderError

_STATUS_PLACES: Final = ("*_status.json", "rounds/*/*_status.json")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class RunBatches:
    """The batches of a run by its status files and its ledger, in order; `heard` is what was last known of each.

    `n_unrecorded` counts creations whose outcome nobody has recorded: their batches cannot be named.
    """

    heard: dict[str, BatchStatus | None] = field(default_factory=dict[str, BatchStatus | None])
    identities: set[str] = field(default_factory=set[str])
    n_unrecorded: int = 0

    @property
    def unended(self) -> list[str]:
        """The batches that had not ended when they were last heard of."""
        return [batch_id for batch_id, status in self.heard.items() if status is None or not status.is_ended]


class CancelledBatch(BaseModel):
    """What became of one batch: the state it was in, the one it is in now, and what went wrong, if anything did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_id: str
    before: str
    after: str
    n_done: int = 0
    n_requests: int = 0
    problem: str | None = None

    def __str__(self) -> str:
        if self.problem is not None:
            return f"Batch {self.batch_id}: not cancelled. {self.problem}"
        if self.before == self.after:
            return f"Batch {self.batch_id} is {self.after}: nothing to cancel."
        return f"Batch {self.batch_id} was {self.before} ({self.n_done} of {self.n_requests} done), now {self.after}."


def find_run_batches(folder: Path) -> RunBatches:
    """Return the batches that a run's folder knows of.

    Raises:
        InputFileError: the folder holds neither a ledger nor a status file.
    """
    batches = RunBatches()
    for path in (path for place in _STATUS_PLACES for path in sorted(folder.glob(place))):
        _take_status(batches, path)
    ledger = find_ledger(folder)
    if ledger.is_file():
        view = read_ledger(ledger)
        batches.identities |= set() if view.identity is None else {view.identity}
        for row in view.rows:
            if row.batch_id is not None:
                batches.heard.setdefault(row.batch_id, None)
        batches.n_unrecorded = sum(row.state == "intent" for row in view.rows)
    if not batches.identities:
        raise InputFileError(
            folder, "holds neither a ledger nor a status file.", advice="Name a run's folder, or a batch by --batch-id."
        )
    return batches


def cancel_run(client: BatchApi, folder: Path) -> list[CancelledBatch]:
    """Ask for every batch of a run to be cancelled that has not ended. What they have done by then stays paid for.

    Raises:
        InputFileError: the folder holds no run.
        LedgerError: the run's batches are at another provider or in another project.
    """
    batches = find_run_batches(folder)
    require_identity(client, folder, batches.identities)
    return cancel_batches(client, batches.unended)


def require_identity(client: BatchApi, folder: Path, identities: Iterable[str]) -> None:
    """Return if the client speaks to where the run's batches are.

    Raises:
        LedgerError: it does not.
    """
    if client.identity not in (known := sorted(identities)):
        raise LedgerError(
            f"The batches of {folder} are at {' and '.join(map(repr, known))}, not at {client.identity!r}. "
            "Use the provider, base URL and project of the run."
        )


def cancel_batches(client: BatchApi, batch_ids: Sequence[str]) -> list[CancelledBatch]:
    """Ask for each batch to be cancelled unless it has ended; a batch that cannot be is told of, and the next tried."""
    return [_cancel(client, batch_id) for batch_id in batch_ids]


def _cancel(client: BatchApi, batch_id: str) -> CancelledBatch:
    before, problem = "unknown", None
    try:
        first = last = client.fetch_batch(batch_id)
        before = first.status
        if not first.is_ended and first.status != "cancelling":
            problem = _ask(client, batch_id)
            last = client.fetch_batch(batch_id)
    except ProviderError as error:
        return CancelledBatch(batch_id=batch_id, before=before, after="unknown", problem=str(error))
    # An error may follow a request that was carried out, or come because the batch has just ended.
    is_settled = last.is_ended or last.status == "cancelling"
    return CancelledBatch(
        batch_id=batch_id,
        before=before,
        after=last.status,
        n_done=last.counts.completed + last.counts.failed,
        n_requests=last.counts.total,
        problem=None if is_settled else problem,
    )


def _ask(client: BatchApi, batch_id: str) -> str | None:
    try:
        client.cancel_batch(batch_id)
    except ProviderError as error:
        return str(error)
    return None


def _take_status(batches: RunBatches, path: Path) -> None:
    try:
        status = read_status(path)
    except InputFileError as error:
        # The ledger knows its batches too.
        _log.warning("%s", error)
        return
    batches.identities.add(status.identity)
    batches.heard.update({shard.submitted.batch_id: shard.status for shard in status.shards})
