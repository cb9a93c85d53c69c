"""Decides what the settings say of prices and of the provider's limits, for flows and commands alike."""

from __future__ import annotations

from datagen_core.batch.dripping import QueueLimits
from datagen_core.batch.profiles import PROFILES, find_profile
from datagen_core.batch.sharding import ShardLimits
from datagen_core.pricing import PriceBook
from datagen_core.settings import Provider, Settings


def settle_prices(settings: Settings, provider: Provider) -> PriceBook:
    """Return where prices come from; one that is not the paid provider has the model's usual ones."""
    return PriceBook.model_validate(
        {
            "input": settings.price_input,
            "cached_input": settings.price_cached_input,
            "output": settings.price_output,
            "base_url": settings.openai_base_url if provider == "openai" else None,
        }
    )


def choose_shard_limits(settings: Settings, provider: Provider, limits: QueueLimits) -> ShardLimits:
    """Return how large a request file may be: the provider's limits, and the queue's."""
    knobs = find_profile(settings) if provider == "openai" else PROFILES["openai"]
    return ShardLimits(
        max_requests=knobs.max_requests, max_bytes=knobs.max_bytes, max_tokens=limits.max_enqueued_tokens
    )
