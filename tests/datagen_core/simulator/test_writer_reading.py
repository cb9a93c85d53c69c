"""A brief holds all that a writer needs: read back, it gives the scenario again."""

from __future__ import annotations

from functools import cache

import pytest

from datagen_core.dialogue.brief import render_brief
from datagen_core.environment import Environment, Handles, build_catalogue
from datagen_core.scenarios import Scenario, sample_gold, sample_training
from datagen_core.simulator.reading import Brief, read_brief

SEED = 42


@cache
def scenarios() -> tuple[Scenario, ...]:
    return (*sample_training(400, seed=SEED), *sample_gold(10, seed=SEED))


def read(scenario: Scenario) -> Brief:
    brief = read_brief(render_brief(scenario))
    assert brief is not None, scenario.id
    return brief


def test_a_brief_gives_back_who_speaks_and_what_is_wanted() -> None:
    for scenario in scenarios():
        brief = read(scenario)
        assert brief.persona == scenario.persona
        assert brief.kind == scenario.kind
        assert brief.steps == scenario.steps
        assert (brief.min_customer_turns, brief.max_customer_turns) == (
            scenario.min_customer_turns,
            scenario.max_customer_turns,
        )


def test_a_brief_gives_back_the_world() -> None:
    for scenario in scenarios():
        opening, read_back = scenario.opening, read(scenario).opening
        assert read_back.now == opening.now
        assert read_back.addresses == opening.addresses
        assert read_back.cart == opening.cart
        assert read_back.sold_out == opening.sold_out
        assert read_back.closed == opening.closed
        assert [order.status for order in read_back.orders] == [order.status for order in opening.orders]


def test_a_brief_gives_back_every_restaurant_and_dish_under_its_handle() -> None:
    for scenario in scenarios():
        brief = read(scenario)
        environment = Environment(scenario.opening, build_catalogue(scenario.opening.catalogue_seed))
        handles = Handles(environment)
        assert len(brief.shops) == len(environment.restaurants)
        for shop, (handle, found) in zip(environment.restaurants, brief.shops.items(), strict=True):
            assert handles.resolve(handle) == shop.id
            assert (found.name, found.category, found.rating_avg) == (shop.name, shop.category, shop.rating_avg)
            assert (found.opens, found.closes) == (shop.opens, shop.closes)
            assert (found.min_order_amount, found.delivery_fee) == (shop.min_order_amount, shop.delivery_fee)
            assert [(dish.name, dish.price) for dish in found.dishes] == [(d.name, d.price) for d in shop.dishes]
            for dish in shop.dishes:
                assert brief.dishes[str(handles.handle_of(dish.id))].name == dish.name


def test_a_restaurant_that_is_shut_today_is_read_as_shut() -> None:
    scenario = next(s for s in scenarios() if s.topic == "menu_prices")
    open_shop = next(step.restaurant for step in scenario.steps)
    shut = scenario.model_copy(update={"opening": scenario.opening.model_copy(update={"closed": (open_shop,)})})
    assert read(shut).opening.closed == (open_shop,)


def test_what_was_wrong_with_the_last_attempt_is_read() -> None:
    brief = read_brief(render_brief(scenarios()[0], problems=["금액이 다릅니다."]))
    assert brief is not None
    assert "- 금액이 다릅니다." in brief.problems


@pytest.mark.parametrize(
    "text",
    [
        "",
        "안녕하세요",
        "[고객] 20대, 반말",
        "[고객] 20대, 반말, 급함, 입력 습관: 오타\n[지금] 언젠가",
        "[순서]\n1. 담기 {}",
    ],
)
def test_any_other_text_is_no_brief(text: str) -> None:
    assert read_brief(text) is None


def test_a_damaged_brief_is_no_brief() -> None:
    text = render_brief(next(s for s in scenarios() if s.topic == "add_one"))
    for damage in (("| 배달비", "| 배달료"), ("[종류] ", "[종류] 아마 "), ("1. 담기", "1. 훔치기"), ("M1 ", "Q1 ")):
        assert read_brief(text.replace(*damage)) is None
