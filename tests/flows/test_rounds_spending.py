"""What the rounds have cost, as the cap of the next one sees it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from datagen_core.batch.models import Shard
from datagen_core.batch.purse import Purse
from datagen_core.dataset.funnel import Funnel, write_funnel
from datagen_core.dataset.judging import JudgedFiles
from datagen_core.errors import CostCapError
from datagen_core.files import Artifact
from datagen_core.pricing import PriceBook
from flows.rounds import _settle  # pyright: ignore[reportPrivateUsage]

PRICES = PriceBook(input=Decimal(1), output=Decimal(10))


def judged(folder: Path, model: str, prices: PriceBook) -> JudgedFiles:
    funnel = Funnel()
    usage = {"prompt_tokens": 1_000_000, "cached_tokens": 0, "completion_tokens": 100_000}
    answer = {"custom_id": "a", "outcome": "answered", "provider": "openai", "model": model, "usage": usage}
    funnel.count_answer(answer, "tool_use")
    funnel.price(prices)
    nothing = Artifact(path="none", sha256="0" * 64, rows=0, bytes=0)
    return JudgedFiles(dataset=nothing, rejected=nothing, funnel=write_funnel(folder / f"{model}-funnel.json", funnel))


@pytest.mark.parametrize("model", ["gpt-6-luna", "a-name-that-no-price-list-has"])
def test_rounds_add_up_also_where_the_answers_name_an_unknown_model(tmp_path: Path, model: str) -> None:
    # The library knows the model that was asked, which is what the cap is held by.
    purse = Purse(prices=PriceBook(), model="gpt-6-luna", max_cost=100)
    one = judged(tmp_path, model, PriceBook())
    once, twice = _settle(purse, [one]), _settle(purse, [one, one])
    assert once.spent > 0
    assert twice.spent == 2 * once.spent


def test_what_was_spent_leaves_less_for_the_next_round(tmp_path: Path) -> None:
    purse = _settle(Purse(prices=PRICES, model="any", max_cost=2), [judged(tmp_path, "any", PRICES)])
    assert purse.spent == 2
    with pytest.raises(CostCapError):
        purse.announce(Shard(path="s", sha256="0" * 64, rows=1, bytes=1, prompt_tokens=1, max_output_tokens=1))
