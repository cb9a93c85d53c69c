"""Decides what answers cost: their tokens by kind of dialogue and by model, and the price of those."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.batch.outcomes import PAID_OUTCOMES
from datagen_core.batch.wire import as_object, replace_surrogates
from datagen_core.pricing import Price, PriceBook, Usd, cost, format_usd

UNBILLED_PROVIDERS: Final = frozenset({"simulator", "local"})
MOST_TOKENS: Final = 10**9
"""A count beyond this in one answer is a fault of the server's, and none at all."""

MOST_MODELS: Final = 50
"""Different names that a server may give its model; one that gives more has its answers counted under `many`."""

_NANO: Final = Decimal("1e-9")


class Tokens(BaseModel):
    """Tokens as the provider counted them; `cached` is part of `prompt`."""

    model_config = ConfigDict(extra="forbid")

    prompt: int = 0
    cached: int = 0
    completion: int = 0


class AnswerTokens(Tokens):
    """Tokens of a number of answers, `billed` of which came from a provider that bills.

    `written`, to the provider's cache, is part of `prompt`, and `reasoning` of `completion`; 0 where no server says.
    `untold` answers came without token counts and are not among `answers`.
    """

    answers: int = 0
    untold: int = 0
    billed: int = 0
    written: int = 0
    reasoning: int = 0

    def add(self, other: AnswerTokens) -> None:
        """Add the counts of other answers."""
        for name in AnswerTokens.model_fields:
            setattr(self, name, getattr(self, name) + getattr(other, name))


Spending = dict[str, dict[str, AnswerTokens]]
"""Tokens by kind, then by model; "" for an answer that names no model."""


class Cost(BaseModel):
    """What answers cost in USD, rejected and truncated ones included; None where it is unknown.

    It is unknown where a model's price is, and where answers came without token counts (`untold`). Where not `billed`,
    a simulator or a local server answered, and this is what the model would have cost; where some answers were billed,
    it covers all. `prices` holds the price of each model that answered.
    """

    model_config = ConfigDict(extra="forbid")

    total: Usd | None
    per_request: Usd | None = None
    per_accepted: Usd | None = Field(default=None, description="None where nothing was accepted, too.")
    by_kind: dict[str, Usd | None] = Field(default_factory=dict)
    billed: bool
    untold: int = 0
    prices: dict[str, Price | None] = Field(default_factory=dict)

    @property
    def source(self) -> str:
        """Where the prices come from, and what is unknown."""
        parts = sorted({price.source for price in self.prices.values() if price is not None})
        unknown = sorted(repr(model) for model, price in self.prices.items() if price is None)
        if unknown:
            parts.append(f"no price for {', '.join(unknown)}")
        if self.untold:
            parts.append(f"answers without token counts: {self.untold:,}")
        return "; ".join(parts) or "no answers"

    def describe(self) -> str:
        """Return the cost as one line."""
        amounts = (
            f"{format_usd(self.total)}, {format_usd(self.per_request)} a request, "
            f"{format_usd(self.per_accepted)} an accepted dialogue ({self.source})"
        )
        return amounts if self.billed else f"not billed; the model would have cost {amounts}"

    def divide(self, requested: int, accepted: int) -> None:
        """Set what one request and one accepted dialogue cost, to the billionth of a dollar."""
        self.per_request = _divide(self.total, requested)
        self.per_accepted = _divide(self.total, accepted)


def count_tokens_of(spending: Spending, kind: str, answer: Mapping[str, object]) -> AnswerTokens:
    """Add the tokens of an element of `result_lst.json` to those of its kind and model, and return them.

    Counts that cannot be are 0.
    """
    tokens = _read_tokens(answer)
    if tokens == AnswerTokens():
        return tokens
    given = answer.get("model")
    model = replace_surrogates(given)[:200] if isinstance(given, str) else ""
    models = spending.setdefault(kind, {})
    if model not in models and len(models) >= MOST_MODELS:
        model = "many"
    models.setdefault(model, AnswerTokens()).add(tokens)
    return tokens


def add_spending(mine: Spending, theirs: Spending) -> None:
    """Add other answers' tokens."""
    for kind, models in theirs.items():
        for name, tokens in models.items():
            mine.setdefault(kind, {}).setdefault(name, AnswerTokens()).add(tokens)


def add_up(parts: Iterable[AnswerTokens]) -> AnswerTokens:
    """Return the sum."""
    total = AnswerTokens()
    for part in parts:
        total.add(part)
    return total


def price_tokens(spending: Spending, prices: PriceBook, default_model: str) -> Cost:
    """Return what tokens cost; `default_model` is the one that was asked, for answers that name none."""
    asked = {name or default_model for models in spending.values() for name in models}
    found = {name: prices.find(name) for name in sorted(asked)}
    by_kind: dict[str, Decimal | None] = {}
    for kind, models in sorted(spending.items()):
        by_kind[kind] = _add([_price(tokens, found[name or default_model]) for name, tokens in models.items()])
    tokens = add_up(part for models in spending.values() for part in models.values())
    total = _add(by_kind.values())
    return Cost(total=total, by_kind=by_kind, billed=tokens.billed > 0, untold=tokens.untold, prices=found)


def add_costs(costs: Iterable[Cost]) -> Cost:
    """Return the sum of several rounds' costs; one unknown part makes it unknown. Of two prices the later stays."""
    merged = Cost(total=Decimal(0), billed=False)
    for part in costs:
        merged.total = _add([merged.total, part.total])
        merged.billed |= part.billed
        merged.untold += part.untold
        merged.prices = dict(sorted({**merged.prices, **part.prices}.items()))
        for kind, amount in part.by_kind.items():
            merged.by_kind[kind] = _add([merged.by_kind.get(kind, Decimal(0)), amount])
    merged.by_kind = dict(sorted(merged.by_kind.items()))
    return merged


def _read_tokens(answer: Mapping[str, object]) -> AnswerTokens:
    provider, outcome = answer.get("provider"), answer.get("outcome")
    billed = int(not (isinstance(provider, str) and provider in UNBILLED_PROVIDERS))
    usage = as_object(answer.get("usage"))
    if not usage:
        is_paid = isinstance(outcome, str) and outcome in PAID_OUTCOMES
        return AnswerTokens(untold=1, billed=billed) if is_paid else AnswerTokens()
    names = ("prompt_tokens", "cached_tokens", "cache_write_tokens", "completion_tokens", "reasoning_tokens")
    prompt, cached, written, completion, reasoning = (_read_count(usage.get(name)) for name in names)
    cached = min(cached, prompt)
    return AnswerTokens(
        prompt=prompt,
        cached=cached,
        completion=completion,
        answers=1,
        billed=billed,
        written=min(written, prompt - cached),
        reasoning=min(reasoning, completion),
    )


def _price(tokens: AnswerTokens, price: Price | None) -> Decimal | None:
    if price is None or tokens.untold:
        return None
    return cost(price, tokens.prompt, tokens.completion, cached=tokens.cached, written=tokens.written)


def _add(amounts: Iterable[Decimal | None]) -> Decimal | None:
    total = Decimal(0)
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _divide(amount: Decimal | None, count: int) -> Decimal | None:
    return (amount / count).quantize(_NANO) if amount is not None and count else None


def _read_count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return value if 0 <= value <= MOST_TOKENS else 0
