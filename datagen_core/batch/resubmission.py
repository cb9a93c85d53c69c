"""Decides which refused shards are submitted again, when, and when the user has to see to something first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from datagen_core.errors import BatchFailed

MAX_GENERATIONS: Final = 100
"""How often a shard is submitted again because the provider's queue is full."""
LONGEST_PAUSE: Final = 1_800.0


def plan_generations(
    generations: Sequence[int], refusals: Sequence[BatchFailed | None], is_old: Sequence[bool]
) -> list[int]:
    """Return each shard's generation for the next submission: one more where it was refused, else the same.

    `is_old` tells which submissions an earlier run made: their refusal may be cured by now, so they are tried once
    more. One that this run made is tried again only where the queue was full.

    Raises:
        BatchFailed: waiting does not cure a refusal, or has been tried too often; the next run tries once more.
    """
    planned: list[int] = []
    for generation, refusal, was_made_before in zip(generations, refusals, is_old, strict=True):
        if refusal is not None and not was_made_before and not refusal.is_queue_full:
            raise refusal
        if refusal is not None and generation >= MAX_GENERATIONS:
            raise refusal
        planned.append(generation + (refusal is not None))
    return planned


def pause_seconds(
    generations: Sequence[int], refusals: Sequence[BatchFailed | None], is_old: Sequence[bool], *, interval: float
) -> float:
    """Return how long to wait before that: longer each time, and not at all for what an earlier run was refused."""
    fresh = [
        generation
        for generation, refusal, was_made_before in zip(generations, refusals, is_old, strict=True)
        if refusal is not None and not was_made_before
    ]
    return min(interval * (1 + max(fresh)), LONGEST_PAUSE) if fresh else 0.0
