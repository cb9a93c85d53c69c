"""Decides whether a shard may be submitted under the user's cap, and what is said of its price before it is."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.batch.estimating import Estimate, estimate_shards
from datagen_core.batch.models import Shard
from datagen_core.errors import ConfigError, CostCapError
from datagen_core.pricing import HOW_TO_SET, PriceBook, Usd, format_usd


class Purse(BaseModel):
    """What a run has cost so far, and what it may cost, in USD at batch rates.

    `spent` is the price of the answers read so far. The cap is held against the most that the shards in flight and the
    next one can cost, every answer at its limit, so that it is never passed, whatever the model writes. `is_billed`
    tells whether anybody pays: the simulator's answers are priced as the model's would be, so that a run can be
    rehearsed with its cap.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prices: PriceBook
    model: str
    is_billed: bool = True
    max_cost: float | None = Field(default=None, gt=0)
    spent: Usd = Decimal(0)
    mean_output: float | None = None
    in_flight: tuple[Shard, ...] = ()

    def require_price(self) -> None:
        """Return if a cap can be held.

        Raises:
            ConfigError: there is a cap, and the model's price is unknown.
        """
        if self.max_cost is not None and self.prices.find(self.model) is None:
            raise ConfigError(f"--max-cost needs a price, and that of {self.model[:80]!r} is unknown. {HOW_TO_SET}")

    def announce(self, shard: Shard) -> str:
        """Return the line that stands before a submission: requests, tokens, and price.

        Raises:
            CostCapError: the run could cost more than its cap with this shard.
        """
        estimate = self._estimate([shard])
        if self.max_cost is not None:
            self._require_room(estimate)
        line = estimate.describe()
        if self.is_billed:
            return line
        return f"{line} Nothing is billed here." if line.endswith(".") else f"{line}; nothing is billed here"

    def reserve(self, shards: Sequence[Shard]) -> Purse:
        """Return the purse with these shards in flight."""
        return self.model_copy(update={"in_flight": tuple(shards)})

    def after(self, spent: Decimal, mean_output: float | None) -> Purse:
        """Return the purse when answers were read: their price, and how many tokens they had on average."""
        return self.model_copy(update={"spent": spent, "mean_output": mean_output})

    def _estimate(self, shards: Sequence[Shard]) -> Estimate:
        return estimate_shards(shards, self.model, self.prices, mean_output=self.mean_output)

    def _require_room(self, estimate: Estimate) -> None:
        reserved = self._estimate(self.in_flight).most_cost if self.in_flight else Decimal(0)
        if estimate.most_cost is None or reserved is None:
            raise CostCapError(
                f"--max-cost cannot be held: what {estimate.requests:,} requests cost at most is unknown (their tokens "
                "were not counted, or a prompt is beyond the price's first tier). Nothing of it was submitted."
            )
        most = self.spent + reserved + estimate.most_cost
        if most > Decimal(str(self.max_cost)):
            raise CostCapError(
                f"Submitting {estimate.requests:,} more requests (about {format_usd(estimate.expected_cost)}, at most "
                f"{format_usd(estimate.most_cost)}) could bring the run to {format_usd(most)}, with "
                f"{format_usd(self.spent)} spent and {format_usd(reserved)} in flight; --max-cost is "
                f"{format_usd(Decimal(str(self.max_cost)))}. They were not submitted, and what was answered is kept. "
                "Raise --max-cost, or lower --max-output-tokens or --count in a new folder."
            )
