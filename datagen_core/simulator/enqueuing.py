"""Decides whether a batch finds room in the queue: the provider bounds what is enqueued of a model at one time."""

from __future__ import annotations

from collections.abc import Iterable

from datagen_core.simulator.batches import BatchProblem, BatchState
from datagen_core.simulator.settings import SimulatorSettings

_CODE = "token_limit_exceeded"


def find_overflow(
    batch: BatchState, unfinished: Iterable[BatchState], settings: SimulatorSettings
) -> BatchProblem | None:
    """Return why a batch that passed validation (its model, total and tokens are set) finds no room, None if it does.

    Batches still in validation are not counted yet: their turn comes.
    """
    others = [
        other
        for other in unfinished
        if other.id != batch.id and other.model == batch.model and other.status != "validating" and not other.has_ended
    ]
    tokens = batch.prompt_tokens + sum(other.prompt_tokens for other in others)
    if settings.max_enqueued_tokens is not None and tokens > settings.max_enqueued_tokens:
        return _explain(batch, settings.max_enqueued_tokens, "tokens")
    n_requests = batch.total + sum(other.total for other in others)
    if settings.max_enqueued_requests is not None and n_requests > settings.max_enqueued_requests:
        return _explain(batch, settings.max_enqueued_requests, "requests")
    return None


def _explain(batch: BatchState, limit: int, what: str) -> BatchProblem:
    message = (
        f"Enqueued token limit reached for {batch.model}. Limit: {limit:,} enqueued {what}. "
        "Please try again once some in_progress batches have been completed."
    )
    return BatchProblem(_CODE, message)
