"""What answers cost: every token counted once by kind and model, whichever way a run is cut into rounds."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Literal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.dataset.card import render_card
from datagen_core.dataset.facts import gather_card_facts
from datagen_core.dataset.funnel import Cost, Funnel, Tokens, merge_funnels, read_funnel, write_funnel
from datagen_core.dataset.spending import MOST_MODELS, MOST_TOKENS, AnswerTokens, count_tokens_of
from datagen_core.files import JsonObject, write_jsonl
from datagen_core.pricing import PriceBook

KINDS = ["tool_use", "partial", "near_miss"]
SET = PriceBook(input=Decimal(1), cached_input=Decimal("0.1"), output=Decimal(10))

usages = st.fixed_dictionaries(
    {"prompt_tokens": st.integers(0, 10**6), "completion_tokens": st.integers(0, 10**5)},
    optional={
        "cached_tokens": st.integers(0, 2 * 10**6),
        "cache_write_tokens": st.integers(0, 10**6),
        "reasoning_tokens": st.integers(0, 10**5),
    },
)
answers = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(["answered", "refused", "truncated", "expired", "missing", "error"]),
        "provider": st.sampled_from(["openai", "simulator", "local"]),
        "model": st.none() | st.sampled_from(["gpt-6-luna", "gpt-6.1-sol", "gpt-6-luna-2026-01-01"]),
        "usage": st.none() | usages,
    }
)
counted = st.tuples(answers, st.sampled_from(KINDS), st.sampled_from(["accepted", "rejected", "failed"]))
Counted = tuple[JsonObject, str, Literal["accepted", "rejected", "failed"]]


def answer(
    prompt: int = 1_000, completion: int = 100, *, model: str | None = "m", provider: str = "openai"
) -> JsonObject:
    usage = {"prompt_tokens": prompt, "cached_tokens": 0, "completion_tokens": completion}
    return {"outcome": "answered", "model": model, "provider": provider, "usage": usage}


def funnel_of(parts: list[Counted], round_number: int = 1) -> Funnel:
    funnel = Funnel()
    for one, kind, fate in parts:
        funnel.count(fate, round_number=round_number, kind=kind, category=None)
        funnel.count_answer(one, kind)
    return funnel


def cost_of(funnel: Funnel, prices: PriceBook = SET, default_model: str = "gpt-6-luna") -> Cost:
    funnel.price(prices, default_model)
    assert funnel.cost is not None
    return funnel.cost


@given(
    rounds=st.lists(st.lists(counted, max_size=6), min_size=1, max_size=4),
    prices=st.sampled_from([SET, PriceBook()]),
)
def test_rounds_priced_one_by_one_add_up_to_the_whole(rounds: list[list[Counted]], prices: PriceBook) -> None:
    funnels = [funnel_of(parts) for parts in rounds]
    for funnel in funnels:
        funnel.price(prices, "gpt-6-luna")
    merged = merge_funnels(funnels, scenarios=3)
    whole = funnel_of([part for parts in rounds for part in parts])
    whole.scenarios = 3
    whole.price(prices, "gpt-6-luna")
    assert merged == whole


@given(parts=st.lists(counted, max_size=12), prices=st.sampled_from([SET, PriceBook()]))
def test_kinds_and_models_add_up(parts: list[Counted], prices: PriceBook) -> None:
    funnel = funnel_of(parts)
    cost = cost_of(funnel, prices)
    amounts = list(cost.by_kind.values())
    assert cost.total == (None if None in amounts else sum(amounts, Decimal(0)))
    for table in (funnel.tokens_by_kind, funnel.models):
        sums = {name: sum(getattr(tokens, name) for tokens in table.values()) for name in Tokens.model_fields}
        assert sums == funnel.tokens.model_dump()
    assert sum(funnel.classes.values()) == len(parts)
    tokens = list(funnel.models.values())
    assert all(t.cached + t.written <= t.prompt and t.reasoning <= t.completion for t in tokens)


@given(parts=st.lists(counted, max_size=8))
def test_the_file_holds_it(parts: list[Counted], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("funnel") / "funnel.json"
    funnel = funnel_of(parts)
    funnel.price(PriceBook(), "gpt-6-luna")
    write_funnel(path, funnel)
    assert read_funnel(path) == funnel


def test_amounts_in_the_file_are_numbers(tmp_path: Path) -> None:
    funnel = funnel_of([(answer(), "tool_use", "accepted"), (answer(), "partial", "rejected")])
    funnel.price(SET)
    write_funnel(tmp_path / "funnel.json", funnel)
    cost = orjson.loads((tmp_path / "funnel.json").read_bytes())["cost"]
    assert (cost["total"], cost["per_request"], cost["per_accepted"]) == (0.004, 0.002, 0.004)
    assert cost["by_kind"] == {"partial": 0.002, "tool_use": 0.002}
    assert cost["billed"] is True
    assert cost["prices"]["m"]["source"] == "set by the user"


def test_a_funnel_from_before_there_were_costs_is_read(tmp_path: Path) -> None:
    new = {"classes", "spending", "cost", "script_share"}
    document = {name: value for name, value in Funnel().model_dump(mode="json").items() if name not in new}
    document["tokens"] = {"prompt": 7, "cached": 3, "completion": 1}
    (tmp_path / "funnel.json").write_bytes(orjson.dumps(document))
    old = read_funnel(tmp_path / "funnel.json")
    assert (old.cost, old.tokens.prompt, old.mean_output) == (None, 7, None)
    priced = funnel_of([(answer(), "tool_use", "accepted")])
    priced.price(SET)
    assert merge_funnels([priced, old], scenarios=1).cost is None
    assert merge_funnels([priced, Funnel()], scenarios=1).cost == priced.cost


@pytest.mark.parametrize("is_known_first", [True, False])
def test_one_model_without_a_price_makes_the_total_unknown_and_never_nothing(is_known_first: bool) -> None:
    parts: list[Counted] = [
        (answer(model="gpt-6-luna"), "tool_use", "accepted"),
        (answer(model="nobody-knows-me"), "partial", "accepted"),
    ]
    cost = cost_of(funnel_of(parts if is_known_first else parts[::-1]), PriceBook())
    assert (cost.total, cost.per_request, cost.per_accepted) == (None, None, None)
    assert cost.by_kind["partial"] is None
    assert cost.by_kind["tool_use"]
    assert "no price for 'nobody-knows-me'" in cost.describe()
    assert cost.describe().startswith("unknown")


def test_an_answer_that_names_no_model_is_priced_as_the_one_asked() -> None:
    parts: list[Counted] = [(answer(model=None), "tool_use", "accepted")]
    assert cost_of(funnel_of(parts), PriceBook(), "gpt-6-luna").total
    assert cost_of(funnel_of(parts), PriceBook(), "").total is None


def test_paid_answers_without_token_counts_make_the_cost_unknown() -> None:
    untold: JsonObject = {**answer(), "usage": None}
    expired: JsonObject = {**answer(), "outcome": "expired", "usage": None}
    cost = cost_of(funnel_of([(answer(), "tool_use", "accepted"), (untold, "tool_use", "accepted")]))
    assert (cost.total, cost.untold) == (None, 1)
    assert "answers without token counts: 1" in cost.source
    assert cost_of(funnel_of([(answer(), "tool_use", "accepted"), (expired, "tool_use", "failed")])).total


@pytest.mark.parametrize("provider", ["simulator", "local"])
def test_what_nobody_bills_says_so(provider: str) -> None:
    cost = cost_of(funnel_of([(answer(provider=provider), "tool_use", "accepted")]))
    assert not cost.billed
    assert cost.describe() == (
        "not billed; the model would have cost $0.002, $0.002 a request, $0.002 an accepted dialogue (set by the user)"
    )
    mixed = [(answer(provider=provider), "tool_use", "accepted"), (answer(), "tool_use", "accepted")]
    assert cost_of(funnel_of(mixed)).billed


def test_an_accepted_dialogue_that_turns_out_a_repeat_makes_the_others_dearer() -> None:
    funnel = funnel_of([(answer(), "tool_use", "accepted"), (answer(), "tool_use", "accepted")])
    assert cost_of(funnel).per_accepted == Decimal("0.002")
    funnel.reject_accepted(round_number=1, kind="tool_use", category=None)
    assert funnel.cost is not None
    assert (funnel.cost.total, funnel.cost.per_accepted) == (Decimal("0.004"), Decimal("0.004"))
    funnel.reject_accepted(round_number=1, kind="tool_use", category=None)
    assert funnel.cost.per_accepted is None


def test_the_mean_answer_leaves_out_requests_without_one() -> None:
    expired: JsonObject = {"outcome": "expired", "usage": None}
    parts: list[Counted] = [(answer(completion=n), "tool_use", "accepted") for n in (100, 300)]
    assert funnel_of([*parts, (expired, "tool_use", "failed")]).mean_output == 200


@pytest.mark.parametrize("count", [-1, True, 1.5, "7", None, [], MOST_TOKENS + 1, 10**400])
def test_a_count_that_cannot_be_is_none(count: object) -> None:
    spending: dict[str, dict[str, AnswerTokens]] = {}
    tokens = count_tokens_of(spending, "tool_use", {"usage": {"prompt_tokens": count, "completion_tokens": 5}})
    assert (tokens.prompt, tokens.completion) == (0, 5)


@pytest.mark.parametrize(
    "odd",
    [
        {"provider": ["openai"], "outcome": {"a": 1}, "model": [], "usage": 5},
        {"provider": {}, "outcome": [], "usage": {"prompt_tokens": {}}},
        {"usage": {"prompt_tokens": 5}, "model": "\ud800" * 10_000},
        {},
    ],
)
def test_any_element_is_counted_and_written(odd: JsonObject, tmp_path: Path) -> None:
    funnel = funnel_of([(odd, "tool_use", "failed")])
    funnel.price(PriceBook())
    write_funnel(tmp_path / "funnel.json", funnel)
    assert sum(read_funnel(tmp_path / "funnel.json").classes.values()) == 1


def test_a_server_that_names_its_model_anew_each_time_does_not_fill_the_memory() -> None:
    funnel = funnel_of([(answer(model=f"m-{n}"), "tool_use", "accepted") for n in range(3 * MOST_MODELS)])
    assert len(funnel.models) == MOST_MODELS + 1
    assert funnel.tokens.prompt == 3 * MOST_MODELS * 1_000


def test_the_card_tells_the_cost(tmp_path: Path) -> None:
    row = {"meta": {"scenario_id": "training-3-000000", "kind": "tool_use", "model": "m", "provider": "openai"}}
    write_jsonl(tmp_path / "dataset.jsonl", [row])
    funnel = funnel_of([(answer(), "tool_use", "accepted")])
    for is_priced in (False, True):
        if is_priced:
            funnel.price(SET)
        write_funnel(tmp_path / "funnel.json", funnel)
        card = render_card(gather_card_facts(tmp_path / "dataset.jsonl", tmp_path / "funnel.json", title="t"))
        assert ("| cost | $0.002, $0.002 a request" in card) == is_priced
