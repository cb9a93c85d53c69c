"""Decides what `batch_input_status.json` holds: every shard of a run, its batch, and where that batch lives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from datagen_core.batch.models import BatchStatus, Shard, Submitted
from datagen_core.files import Artifact, read_json, validate_model, write_json

_ADVICE = "Submit the request file again: batches that exist are found, not made anew."


class ShardStatus(BaseModel):
    """One shard's submission and the last that was heard of its batch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    submitted: Submitted
    status: BatchStatus | None = None


class BatchInputStatus(BaseModel):
    """The status file. `identity` is the project at the provider, as the ledger has it; it holds no key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    provider: str
    identity: str
    endpoint: str
    model: str
    shards: tuple[ShardStatus, ...]
    waiting: tuple[Shard, ...] = ()
    """Shards that the queue's limits hold back."""

    def with_heard(self, statuses: Sequence[BatchStatus]) -> BatchInputStatus:
        """Return the same with what was last heard; `statuses` stands beside `shards`."""
        heard = zip(self.shards, statuses, strict=True)
        shards = tuple(shard.model_copy(update={"status": status}) for shard, status in heard)
        return self.model_copy(update={"shards": shards})

    def pairs(self) -> list[tuple[Submitted, BatchStatus]]:
        """Return what `retrieve_results` takes: the shards whose batch was heard of, in order."""
        return [(shard.submitted, shard.status) for shard in self.shards if shard.status is not None]


def build_status(
    submitted: Sequence[Submitted],
    *,
    provider: str,
    identity: str,
    endpoint: str,
    model: str,
    heard: Sequence[BatchStatus | None] = (),
    waiting: Sequence[Shard] = (),
) -> BatchInputStatus:
    """Return what the status file holds; `heard`, where given, stands beside `submitted`."""
    known = heard or [None] * len(submitted)
    shards = tuple(ShardStatus(submitted=one, status=status) for one, status in zip(submitted, known, strict=True))
    return BatchInputStatus(
        provider=provider, identity=identity, endpoint=endpoint, model=model, shards=shards, waiting=tuple(waiting)
    )


def write_status(path: Path, status: BatchInputStatus) -> Artifact:
    """Write the status file, whole or not at all."""
    return write_json(path, status.model_dump(mode="json"))


def read_status(path: Path) -> BatchInputStatus:
    """Read a status file.

    Raises:
        InputFileError: the file is missing, no JSON, or lacks something; names the field.
    """
    return validate_model(BatchInputStatus, read_json(path, advice=_ADVICE), path, advice=_ADVICE)
