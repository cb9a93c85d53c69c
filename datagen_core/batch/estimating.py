"""Decides what requests will cost before they are submitted: tokens in, tokens out, and the price of both.

Reasoning is billed as output, and how much of it a model does is not known before it has answered: the first round's
estimate goes without, and `mean_output` brings it in afterwards. The highest cost has room for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from datagen_core.batch.counting import RowTokens, TokenCounter, has_schema
from datagen_core.batch.models import Shard
from datagen_core.batch.wire import as_object
from datagen_core.files import JsonObject, read_jsonl
from datagen_core.pricing import HOW_TO_SET, Price, PriceBook, Usd, cost, format_tokens, format_usd

__all__ = [
    "SCRIPT_TOKENS",
    "TRANSCRIPT_TOKENS",
    "Estimate",
    "RowTokens",
    "TokenCounter",
    "estimate_file",
    "estimate_rows",
    "estimate_shards",
]

SCRIPT_TOKENS: Final = 310
"""Tokens of a script without reasoning: 162 answers of a large language model, weighted by the default mix of kinds."""
TRANSCRIPT_TOKENS: Final = 1_220
"""Tokens of a transcript without reasoning: 13 answers, weighted alike."""


class Estimate(BaseModel):
    """What requests will cost in USD at batch rates; None where the price or the tokens are not known.

    `expected_cost` takes all input at its plain rate. `most_cost` is for answers that all use their limit and for input
    at its dearest rate. `cacheable_tokens` are those that an earlier prompt of the file had too; None: nobody counted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    requests: int
    prompt_tokens: int | None
    cacheable_tokens: int | None = None
    expected_output_tokens: int
    most_output_tokens: int | None
    expected_cost: Usd | None
    most_cost: Usd | None
    price: Price | None

    def describe(self) -> str:
        """Return the estimate as one line."""
        counts = (
            f"{self.requests:,} {'request' if self.requests == 1 else 'requests'}, "
            f"{format_tokens(self.prompt_tokens)} tokens in, about {format_tokens(self.expected_output_tokens)} out "
            f"(at most {format_tokens(self.most_output_tokens)})"
        )
        if self.price is None:
            return f"{counts}: price of {self.model[:80]!r} unknown. {HOW_TO_SET}"
        amounts = f"about {format_usd(self.expected_cost)}, at most {format_usd(self.most_cost)}"
        return f"{counts}: {amounts} ({self.price.source})"


def estimate_shards(
    shards: Sequence[Shard], model: str, prices: PriceBook, *, mean_output: float | None = None
) -> Estimate:
    """Return what shards will cost.

    `mean_output` is how many tokens an answer has on average, as earlier answers show; without it, a script's. Tokens
    and costs are unknown where a shard's tokens were not counted.
    """
    totals = _Totals()
    for shard in shards:
        totals.add_shard(shard, SCRIPT_TOKENS if mean_output is None else mean_output)
    return totals.estimate(model, prices)


def estimate_file(
    path: Path,
    prices: PriceBook,
    *,
    model: str | None = None,
    mean_output: float | None = None,
    advance: Callable[[int], None] | None = None,
) -> Estimate:
    """Return what a request file will cost, read line by line; `advance` is called with 1 after each.

    Raises:
        InputFileError: the file is missing, or a line is no JSON object.
    """

    def rows() -> Iterator[JsonObject]:
        for _, row in read_jsonl(path, advice="Write it with 'datagen generate-batch'."):
            yield row
            if advance is not None:
                advance(1)

    return estimate_rows(rows(), prices, model=model, mean_output=mean_output)


def estimate_rows(
    rows: Iterable[JsonObject], prices: PriceBook, *, model: str | None = None, mean_output: float | None = None
) -> Estimate:
    """Return what request lines will cost, priced as `model` instead of the model they name.

    Where they name several, which no batch may, or none, the price is unknown.
    """
    counter, totals = TokenCounter(), _Totals()
    names: dict[str, None] = {}
    for row in rows:
        named = as_object(row.get("body")).get("model")
        if len(names) < 2:
            names.setdefault(named if isinstance(named, str) else "")
        usual = SCRIPT_TOKENS if has_schema(row) else TRANSCRIPT_TOKENS
        totals.add_row(counter.count_row(row), usual if mean_output is None else mean_output)
    found = totals.estimate(model or ", ".join(names), prices, is_one=model is not None or len(names) < 2)
    return found.model_copy(update={"cacheable_tokens": counter.repeated})


class _Totals:
    """Sums over requests. `longest` is the longest prompt known of; of a shard, the average."""

    def __init__(self) -> None:
        self.requests = self.prompt = self.most = self.longest = 0
        self.expected = 0.0
        self.is_counted = True

    def add_row(self, tokens: RowTokens, mean: float) -> None:
        self.requests += 1
        self.prompt += tokens.prompt
        self.most += tokens.max_output
        self.expected += min(mean, tokens.max_output)
        self.longest = max(self.longest, tokens.prompt)

    def add_shard(self, shard: Shard, mean: float) -> None:
        if shard.rows == 0:
            return
        self.requests += shard.rows
        self.prompt += shard.prompt_tokens
        self.most += shard.max_output_tokens
        self.is_counted &= shard.prompt_tokens > 0 and shard.max_output_tokens > 0
        self.expected += min(mean * shard.rows, shard.max_output_tokens or mean * shard.rows)
        self.longest = max(self.longest, shard.prompt_tokens // shard.rows)

    def estimate(self, model: str, prices: PriceBook, *, is_one: bool = True) -> Estimate:
        """Return the estimate; prompts beyond a price's first tier cost more than it says, so then nothing is known."""
        price = prices.find(model) if is_one else None
        is_short = price is None or price.tier_start is None or self.longest <= price.tier_start
        rates = price if self.is_counted and is_short else None
        expected = round(self.expected)
        return Estimate(
            model=model,
            requests=self.requests,
            prompt_tokens=self.prompt if self.is_counted else None,
            expected_output_tokens=expected,
            most_output_tokens=self.most if self.is_counted else None,
            expected_cost=cost(rates, self.prompt, expected) if rates else None,
            most_cost=cost(rates.at_dearest(), self.prompt, self.most) if rates else None,
            price=price,
        )
