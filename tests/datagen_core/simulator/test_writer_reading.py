"""A brief holds all that a writer needs: read back, it gives the scenario again."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, get_args

import pytest

from datagen_core.dialogue.brief import render_brief
from datagen_core.environment import Environment, Handles, build_catalogue
from datagen_core.environment.opening import Change, Happening
from datagen_core.plans import SearchFilters
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
        assert (read_back.happenings, read_back.foreign_orders) == (opening.happenings, opening.foreign_orders)


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
            assert len(found.dishes) == len(shop.dishes)
            told = {(dish.name, dish.price) for dish in found.dishes if dish.price}
            assert told in (set(), {(dish.name, dish.price) for dish in shop.dishes})
            for dish in shop.dishes if told else ():
                assert brief.dishes[str(handles.handle_of(dish.id))].name == dish.name


def test_a_brief_tells_every_dish_that_the_scenario_is_about() -> None:
    for scenario in scenarios():
        brief = read(scenario)
        world = Environment(scenario.opening, build_catalogue(scenario.opening.catalogue_seed))
        told = Environment(brief.opening, brief.catalogue)
        named = [step.menu for step in scenario.steps if step.menu]
        named += [line.menu for line in scenario.opening.cart] + list(scenario.opening.sold_out)
        assert all(brief.dishes[menu].price for menu in named), scenario.id
        for step in scenario.steps:
            if step.restaurant is not None:
                assert all(dish.price for dish in brief.shops[step.restaurant].dishes), scenario.id
            if step.intent in ("search", "narrow"):
                assert find(world, step.filters) == find(told, step.filters), scenario.id


def find(environment: Environment, filters: SearchFilters) -> list[object]:
    response: Any = environment.execute("search_restaurants", dict(filters))
    return [(item["name"], item["is_open"], item["min_order_amount"]) for item in response["items"]]


HAPPENINGS = (
    Happening(before="add_to_cart", what="restaurant_closes", target="R1"),
    Happening(before="get_restaurant_detail", nth=2, what="restaurant_leaves", target="R2"),
    Happening(before="add_to_cart", nth=3, what="dish_sold_out", target="M3"),
    Happening(before="add_to_cart", nth=12, what="dish_leaves", target="M4"),
    Happening(before="update_cart_item", what="cart_item_removed", target="C1"),
    Happening(before="prepare_checkout", what="address_deleted", target="A1"),
    Happening(before="place_order", what="checkout_expires"),
)


def change(topic: str, **changes: object) -> Scenario:
    scenario = next(s for s in scenarios() if s.topic == topic)
    return scenario.model_copy(update={"opening": scenario.opening.model_copy(update=changes)})


def test_happenings_of_every_kind_are_read() -> None:
    assert {happening.what for happening in HAPPENINGS} == set(get_args(Change))
    assert read(change("add_one", happenings=HAPPENINGS)).happenings == HAPPENINGS


def test_order_numbers_of_others_are_read() -> None:
    assert read(change("order_status", foreign_orders=("X1", "X2"))).foreign_orders == ("X1", "X2")


def test_a_wish_for_parallel_calls_is_read() -> None:
    scenario = scenarios()[0]
    for wish in (False, True):
        assert read(scenario.model_copy(update={"parallel_calls": wish})).parallel_calls is wish


@pytest.mark.parametrize(
    "line",
    [
        "- add_to_cart 1번째 호출 직전: M3 매진",
        "- add_to_cart 0번째 호출 직전: M3 품절",
        "- steal 1번째 호출 직전: M3 품절",
        "- add_to_cart 호출 직전: M3 품절",
        "- add_to_cart 1번째 호출 직전: 품절 M3",
        "",
        "- add_to_cart 1번째 호출 직전: M3 품절 아마도",
    ],
)
def test_a_happening_that_cannot_be_read_is_not_skipped(line: str, caplog: pytest.LogCaptureFixture) -> None:
    text = render_brief(change("add_one", happenings=HAPPENINGS[2:3]))
    assert read_brief(text) is not None
    assert read_brief(text.replace("- add_to_cart 3번째 호출 직전: M3 품절", line)) is None
    assert "cannot be read" in caplog.text


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
    first = min(re.findall(r"^  M(\d+) ", text, flags=re.MULTILINE), key=int)
    for damage in (
        ("| 배달비", "| 배달료"),
        ("[종류] ", "[종류] 아마 "),
        ("1. 담기", "1. 훔치기"),
        (f"M{first} ", f"Q{first} "),
        (f"  M{first} ", "  M999 "),
        ("메뉴 생략(M", "메뉴 생략(M9"),
        ("말씨: ", "말씨: 제주"),
        ("존댓말" if "존댓말" in text else "반말", "높임말"),
        ("[분량] ", "[분량] 대략 "),
        ("[분량] ", "[지금] 2026-01-01 (목) 12:00\n[분량] "),
        ("[지금] ", "[지금] 내일 "),
        ("[순서]", "[순서]\n있으면 좋은 것"),
    ):
        assert damage[0] in text, damage
        assert read_brief(text.replace(*damage)) is None, damage
