"""Decides which shards may be submitted now: within the provider's queue, after a refusal only when it has passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.batch.models import Shard
from datagen_core.errors import BatchFailed

MAX_GENERATIONS: Final = 100
"""How often a shard is submitted again because the provider's queue is full."""
LONGEST_PAUSE: Final = 1_800.0
"""Seconds after which a full queue is tried again at the latest."""

Stage = Literal["waiting", "in_flight", "ended"]


class QueueLimits(BaseModel):
    """How much of a run may be queued at the provider at once; None: no limit of ours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_enqueued_tokens: int | None = Field(default=None, ge=1)
    max_in_flight: int | None = Field(default=None, ge=1)


@dataclass(slots=True)
class _Slot:
    shard: Shard
    stage: Stage = "waiting"
    generation: int = 0
    not_before: float = 0.0


class Drip:
    """The shards of a request file on their way through the provider's queue; knows nothing of the provider itself.

    Shards go in order. One that is larger than the whole budget goes alone.
    """

    def __init__(self, shards: Sequence[Shard], limits: QueueLimits) -> None:
        self._slots = [_Slot(shard) for shard in shards]
        self._limits = limits

    @property
    def is_done(self) -> bool:
        """Tell whether every shard has ended."""
        return all(slot.stage == "ended" for slot in self._slots)

    @property
    def waiting(self) -> list[int]:
        """The numbers of the shards, from 0, that have not been submitted or are to be submitted again."""
        return self._in_stage("waiting")

    @property
    def in_flight(self) -> list[int]:
        """The numbers of the shards that are submitted and have not ended."""
        return self._in_stage("in_flight")

    def generation_of(self, number: int) -> int:
        """Return how often a shard was submitted anew because the provider had refused it."""
        return self._slots[number].generation

    def find_next(self, now: float) -> int | None:
        """Return the shard to submit now, or None where all have gone, the queue is full, or a pause is on."""
        number = next(iter(self.waiting), None)
        if number is None or self._slots[number].not_before > now or not self._fits(self._slots[number].shard):
            return None
        return number

    def seconds_until_next(self, now: float) -> float | None:
        """Return how long a pause lasts that alone holds the next shard back; None where something else does."""
        number = next(iter(self.waiting), None)
        if number is None or not self._fits(self._slots[number].shard):
            return None
        return max(self._slots[number].not_before - now, 0.0)

    def enter(self, number: int) -> None:
        """Note that a shard is submitted."""
        self._slots[number].stage = "in_flight"

    def end(self, number: int) -> None:
        """Note that a shard's batch has ended."""
        self._slots[number].stage = "ended"

    def take_back(
        self, number: int, refusal: BatchFailed, *, was_made_before: bool, interval: float, now: float
    ) -> None:
        """Note that the provider refused a shard: it waits, as the next generation, and is no attempt of its rows.

        `was_made_before` tells that an earlier run had submitted it: what refused it then may be cured by now, so it is
        tried once more, at once. One that this run submitted is tried again only where the queue was full, after a
        pause of `interval` seconds that grows with each refusal.

        Raises:
            BatchFailed: waiting does not cure the refusal, or has been tried too often.
        """
        slot = self._slots[number]
        if slot.generation >= MAX_GENERATIONS or not (was_made_before or refusal.is_queue_full):
            raise refusal
        slot.generation += 1
        slot.stage = "waiting"
        pause = 0.0 if was_made_before else min(interval * slot.generation, LONGEST_PAUSE)
        slot.not_before = now + pause

    def _fits(self, shard: Shard) -> bool:
        flying = self.in_flight
        if not flying:
            return True
        limits = self._limits
        if limits.max_in_flight is not None and len(flying) >= limits.max_in_flight:
            return False
        enqueued = sum(self._slots[number].shard.prompt_tokens for number in flying)
        return limits.max_enqueued_tokens is None or enqueued + shard.prompt_tokens <= limits.max_enqueued_tokens

    def _in_stage(self, stage: Stage) -> list[int]:
        return [number for number, slot in enumerate(self._slots) if slot.stage == stage]
