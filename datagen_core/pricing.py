"""Decides what a million tokens cost in a batch: by a maintained price library, or as the user sets it; never guessed.

`genai-prices` holds the rates in its package and is asked for nothing over the network. It takes 0.3 s of CPU to
import, so it is imported for the first price that is looked up. Amounts are `Decimal`: they are sums of money that must
add up to the last digit, whichever way a run is cut into rounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider, Tier, TieredPrices

LIBRARY: Final = "genai-prices"
HOW_TO_SET: Final = (
    "Set DATAGEN_PRICE_INPUT and DATAGEN_PRICE_OUTPUT to what a million tokens cost in a batch, in US dollars."
)
_BATCH: Final = {"processing": "batch"}
_HALVING: Final = frozenset({"openai", "azure"})
"""Whose batches cost half where no batch rate is listed: OpenAI's and Azure's pricing pages state 50 %."""

_CHECKED: Final = re.compile(r"verified on (\d{4}-\d{2}-\d{2})")

Usd = Annotated[Decimal, Field(ge=0), PlainSerializer(float, return_type=float, when_used="json")]
"""US dollars, zero or more; a number in JSON."""


class Price(BaseModel):
    """US dollars per million tokens at batch rates.

    `cached_input` is for input that was read from the provider's cache, `cache_write` for input that was put there,
    which OpenAI bills above `input` from GPT-6 on. A prompt of more than `tier_start` tokens costs more than all this.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Usd
    cached_input: Usd
    cache_write: Usd
    output: Usd
    tier_start: int | None = None
    source: str

    def at_dearest(self) -> Price:
        """Return the price with all input at what it costs at most."""
        return self.model_copy(update={"input": max(self.input, self.cached_input, self.cache_write)})


class PriceBook(BaseModel):
    """Where prices come from: what the user set, in USD per million tokens at batch rates, then the library.

    `base_url` tells whose rates count where several providers serve a model; without it, or where the library does not
    know the address, the model's name decides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Usd | None = None
    cached_input: Usd | None = None
    output: Usd | None = None
    base_url: str | None = None

    def find(self, model: str, *, at: datetime | None = None) -> Price | None:
        """Return the model's price at a time (unset: now), or None where the library knows none and none is set.

        A name with a snapshot's date (`gpt-6-luna-2026-01-01`) is the model's, as far as the library says so.
        """
        listed = _look_up(model, self.base_url, (at or datetime.now(UTC)).astimezone(UTC).date())
        if self.input is None and self.cached_input is None and self.output is None:
            return listed
        return self._override(listed)

    def _override(self, listed: Price | None) -> Price | None:
        """Return the price with what the user set; a rate set for input holds for cached input, unless that is set."""
        rates = {"input": self.input, "cached_input": self.cached_input, "output": self.output}
        given = {name: rate for name, rate in rates.items() if rate is not None}
        if "input" in given:
            given = {"cached_input": given["input"], "cache_write": given["input"], **given}
        if {"input", "output"} <= given.keys():
            return Price.model_validate({**given, "source": "set by the user"})
        if listed is None:
            return None
        names = ", ".join(name for name, rate in rates.items() if rate is not None)
        return listed.model_copy(update={**given, "source": f"{names} set by the user, the rest {listed.source}"})


def cost(price: Price, prompt: int, completion: int, *, cached: int = 0, written: int = 0) -> Decimal:
    """Return what tokens cost in USD; `cached` and `written`, to the provider's cache, are part of `prompt`."""
    plain = prompt - cached - written
    millionths = (
        plain * price.input + cached * price.cached_input + written * price.cache_write + completion * price.output
    )
    return millionths.scaleb(-6)


def format_usd(amount: Decimal | None) -> str:
    """Return an amount to be read: cents from ten cents on, three digits below, `unknown` where there is none."""
    if amount is None:
        return "unknown"
    if amount == 0 or amount >= Decimal("0.0995"):
        return f"${amount:,.2f}"
    places = 2 - amount.adjusted()
    rounded = amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP).normalize()
    return f"${rounded:f}"


def format_tokens(count: int | None) -> str:
    """Return a number of tokens to be read: `12,345`, `0.28 M`, `1.6 M`, `160 M`, or `unknown`."""
    if count is None or count < 100_000:
        return "unknown" if count is None else f"{count:,}"
    millions = count / 1_000_000
    return f"{millions:,.2f} M" if millions < 1 else f"{millions:,.{1 if millions < 10 else 0}f} M"


@lru_cache(maxsize=256)
def _look_up(model: str, base_url: str | None, day: date) -> Price | None:
    """Return the price that the library lists for a day, or None."""
    found = _find_model(model, base_url)
    if found is None:
        return None
    provider, info = found
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    has_batch = any(
        variant.when == _BATCH and (variant.constraint is None or variant.constraint.active(noon))
        for variant in info.price_variants or ()
    )
    share = Decimal("0.5") if not has_batch and provider.id in _HALVING else Decimal(1)
    source = _describe_source(provider, info, has_batch, share)
    # A batch runs at any hour of a day, so of prices that change with the hour the dearest counts.
    hours = (info.get_prices(noon.replace(hour=hour), _BATCH) for hour in range(24))
    known = [price for listed in hours if (price := _build_price(listed, share, source)) is not None]
    return max(known, key=lambda price: price.input + price.output, default=None)


def _find_model(model: str, base_url: str | None) -> tuple[Provider, ModelInfo] | None:
    """Return whose model it is; at an address that the library knows, what is not served there has no price."""
    from genai_prices.data_snapshot import get_snapshot

    snapshot = get_snapshot()
    try:
        provider = snapshot.find_provider(None, None, base_url) if base_url else None
    except LookupError:
        provider = None
    try:
        return snapshot.find_provider_model(model, provider, None, None)
    except LookupError:
        return None


def _build_price(listed: ModelPrice, share: Decimal, source: str) -> Price | None:
    """Return the rates of a short prompt; a model without a rate for input or for output has no price."""
    given, output = _base(listed.input_mtok), _base(listed.output_mtok)
    if given is None or output is None:
        return None
    cached, written = _base(listed.cache_read_mtok), _base(listed.cache_write_mtok)
    tiers = [tier.start for rate in (listed.input_mtok, listed.output_mtok) for tier in _tiers(rate)]
    return Price(
        input=given * share,
        cached_input=given * share if cached is None else min(cached, given) * share,
        cache_write=given * share if written is None else written * share,
        output=output * share,
        tier_start=min(tiers, default=None),
        source=source,
    )


def _base(rate: Decimal | TieredPrices | None) -> Decimal | None:
    return rate if rate is None or isinstance(rate, Decimal) else rate.base


def _tiers(rate: Decimal | TieredPrices | None) -> list[Tier]:
    return [] if rate is None or isinstance(rate, Decimal) else rate.tiers


def _describe_source(provider: Provider, info: ModelInfo, has_batch: bool, share: Decimal) -> str:
    """Name the library, its version, whose rates they are, how they became batch rates, and the date of the data."""
    if has_batch:
        rates = "batch rates"
    else:
        rates = "synchronous rates halved for batch" if share < 1 else "synchronous rates, no batch rate is known"
    checked = max(_CHECKED.findall(info.price_comments or ""), default=None)
    day = f"checked {checked}" if checked else f"data of {_newest_check()}"
    return f"{LIBRARY} {version(LIBRARY)}, {provider.name} {rates}, {day}"


@lru_cache(maxsize=1)
def _newest_check() -> str:
    """Return the last day on which any rate of the library's was verified; it states no date for the whole."""
    from genai_prices.data_snapshot import get_snapshot

    def days() -> Iterator[str]:
        for provider in get_snapshot().providers:
            for model in provider.models:
                yield from _CHECKED.findall(model.price_comments or "")

    return max(days(), default="an unknown day")
