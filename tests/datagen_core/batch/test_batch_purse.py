"""The cap on costs: held against the most that anything can cost, and never without a price."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.batch.models import Shard
from datagen_core.batch.purse import Purse
from datagen_core.errors import ConfigError, CostCapError
from datagen_core.pricing import PriceBook

PRICES = PriceBook(input=Decimal(1), output=Decimal(10))
"""A million prompt tokens cost one dollar, a million of output ten."""


def shard(rows: int, *, prompt: int, most: int) -> Shard:
    return Shard(path="shard.jsonl", sha256="0" * 64, rows=rows, bytes=1, prompt_tokens=prompt, max_output_tokens=most)


def purse(**changes: object) -> Purse:
    return Purse.model_validate({"prices": PRICES, "model": "any", **changes})


def test_without_a_cap_the_price_is_told_and_nothing_stops() -> None:
    line = purse().announce(shard(400, prompt=2_000_000, most=3_200_000))
    assert "400 requests, 2.0 M tokens in" in line
    assert "at most $34.00 (set by the user)" in line


def test_simulated_and_local_runs_say_that_nothing_is_billed() -> None:
    assert "nothing is billed here" in purse(is_billed=False).announce(shard(1, prompt=1, most=1))


def test_an_unknown_price_is_told_and_refuses_only_a_cap() -> None:
    unknown = Purse(prices=PriceBook(), model="model-nobody-knows")
    assert "price of 'model-nobody-knows' unknown" in unknown.announce(shard(1, prompt=1, most=1))
    assert (
        unknown.model_copy(update={"is_billed": False})
        .announce(shard(1, prompt=1, most=1))
        .endswith("in US dollars. Nothing is billed here.")
    )
    unknown.require_price()
    with pytest.raises(ConfigError, match=r"--max-cost needs a price.*DATAGEN_PRICE_INPUT"):
        unknown.model_copy(update={"max_cost": 1.0}).require_price()


def test_uncounted_shards_are_not_let_past_a_cap() -> None:
    with pytest.raises(CostCapError, match="cannot be held"):
        purse(max_cost=1000).announce(shard(1, prompt=0, most=0))


def test_what_is_spent_and_in_flight_counts_and_the_message_says_all() -> None:
    capped = purse(max_cost=5).after(Decimal(2), mean_output=300.0)
    one = shard(100, prompt=500_000, most=50_000)
    assert "at most $1.00" in capped.announce(one)
    with pytest.raises(
        CostCapError, match=r"to \$5\.50, with \$2\.00 spent and \$2\.50 in flight; --max-cost is \$5\.00"
    ):
        capped.reserve([shard(1, prompt=1_500_000, most=100_000)]).announce(one)


@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), min_size=1, max_size=8),
    st.floats(0.01, 30),
    st.floats(0, 1),
)
def test_a_run_never_costs_more_than_its_cap_whatever_the_answers_use(
    sizes: list[tuple[int, int]], cap: float, used: float
) -> None:
    submitted: list[Shard] = []
    for prompt, most in sizes:
        following = shard(1, prompt=prompt, most=most)
        try:
            purse(max_cost=cap).reserve(submitted).announce(following)
        except CostCapError:
            break
        submitted.append(following)
    paid = sum(one.prompt_tokens * 1 + one.max_output_tokens * used * 10 for one in submitted) / 1_000_000
    assert paid <= cap * (1 + 1e-9)
