"""Cost and tokens: what is billed is told from what is not, and what is unknown is not guessed."""

from __future__ import annotations

from golden_files import Golden
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_markdown import Shown
from report_rows import HOSTILE, PRICES, any_text, make_answer, make_funnel

from datagen_core.dataset.funnel import Funnel
from datagen_core.dataset.spending import AnswerTokens
from datagen_core.pricing import PriceBook
from datagen_core.report import MAX_ARTIFACT_BYTES, render_costs


def test_cost_reads_as_the_golden_file_has_it(golden: Golden) -> None:
    funnel = make_funnel()
    del funnel.spending["near_miss"]
    funnel.price(PRICES)
    golden("report/cost.md", render_costs(funnel, title="training-42: cost"))


def test_simulated_answers_are_said_to_be_billed_by_nobody(golden: Golden) -> None:
    funnel = Funnel(scenarios=1)
    funnel.count("accepted", round_number=1, kind="tool_use", category=None)
    funnel.count_answer(make_answer("t-1.r1", provider="simulator"), "tool_use")
    funnel.price(PRICES)
    text = render_costs(funnel, title="cost")
    golden("report/cost-simulated.md", text)
    assert "**Nothing is billed:**" in text


def test_answers_of_two_providers_are_not_all_billed() -> None:
    funnel = make_funnel()
    funnel.count_answer(make_answer("t-3.r1", provider="local"), "tool_use")
    funnel.price(PRICES)
    assert "This includes 1 answer that nobody bills." in render_costs(funnel, title="cost")


def test_unknown_cost_is_unknown_and_says_why() -> None:
    funnel = make_funnel()
    funnel.count_answer(make_answer("t-3.r1", model="a-model-of-nobody"), "tool_use")
    funnel.price(PriceBook())
    text = render_costs(funnel, title="cost")
    assert "**unknown** in all" in text
    assert "no price for" in text
    assert "answers without token counts: 1" in text


def test_without_prices_there_are_tokens_alone() -> None:
    text = render_costs(make_funnel(), title="cost")
    assert "No prices were looked up" in text
    assert Shown(text).tables[0][-1] == ["all", "12", "44,000", "38,500", "1,320", "-"]


def test_no_answers_cost_nothing_yet() -> None:
    funnel = Funnel()
    funnel.price(PRICES)
    assert "no answer has come" in render_costs(funnel, title="cost")


@settings(max_examples=25)
@given(st.lists(st.tuples(any_text, any_text), max_size=6))
def test_names_of_models_stay_text(names: list[tuple[str, str]]) -> None:
    funnel = Funnel(scenarios=1)
    for kind, model in names:
        funnel.spending.setdefault(kind, {})[model] = AnswerTokens(prompt=3, answers=1, billed=1)
    funnel.price(PRICES)
    shown = Shown(render_costs(funnel, title="".join(kind for kind, _ in names)))
    assert {len(row) for table in shown.tables for row in table} <= {5, 6}
    assert shown.addresses == []


def test_thousands_of_names_stay_small() -> None:
    funnel = Funnel(scenarios=1)
    for number in range(2_000):
        name = f"{number}{HOSTILE[number % len(HOSTILE)] * 5}"
        funnel.spending[name] = {name: AnswerTokens(prompt=3, answers=1, billed=1)}
    funnel.price(PRICES)
    text = render_costs(funnel, title="t")
    assert len(text.encode()) <= MAX_ARTIFACT_BYTES
    assert "more rows by kind" in text
    assert "Prices: set by the user." in text
