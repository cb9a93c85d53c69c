from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import cast

import pytest

from datagen_core.batch.requests import RequestOptions, build_request
from datagen_core.checks import case_from_dialogue, case_from_record, check_dialogue, is_accepted, unreadable_case
from datagen_core.dialogue.models import Dialogue, ToolCall, Turn
from datagen_core.dialogue.performing import perform
from datagen_core.dialogue.record import to_record
from datagen_core.dialogue.script import Script, ScriptCall, ScriptTurn, parse_script
from datagen_core.environment import Environment, Opening, SavedAddress
from datagen_core.scenarios import Scenario, sample_gold, sample_training
from datagen_core.simulator.writer import ScriptWriter

OPENING = Opening(
    catalogue_seed=3,
    seed=7,
    user_id="3f0c9d0e-8a15-4a0e-9d7b-2a5a6a1c7e01",
    now="2026-02-14T18:10:00+09:00",
    restaurants=(0, 1, 10),
    addresses=(SavedAddress(recipient_name="김민지", phone="010-0123-4567", line1="서울 한빛구 새솔로 21"),),
)


@lru_cache(maxsize=1)
def scenarios() -> tuple[Scenario, ...]:
    return (*sample_training(200, seed=5), *sample_gold(4, seed=5))


def write_script(scenario: Scenario) -> Script:
    """Return what the simulator's writer, which plants no mistakes here, answers to the scenario's request."""
    body = build_request(scenario, RequestOptions(model="simulated"))["body"]
    assert isinstance(body, dict)
    return parse_script(ScriptWriter().answer(scenario.id, cast("dict[str, object]", body)).text)


def test_flawless_scripts_of_every_kind_have_no_violations() -> None:
    for scenario in scenarios():
        dialogue = perform(write_script(scenario), scenario.opening)
        found = check_dialogue(case_from_dialogue(dialogue, scenario))
        assert found == [], (scenario.id, scenario.topic, scenario.steps)


def test_a_record_is_judged_like_the_dialogue_it_was_made_of() -> None:
    for scenario in scenarios()[:40]:
        dialogue = perform(write_script(scenario), scenario.opening)
        meta: dict[str, object] = {
            "opening": scenario.opening.model_dump(mode="json"),
            "goal": [predicate.model_dump(mode="json") for predicate in scenario.goal],
            "forbidden_tools": list(scenario.forbidden_tools),
            "kind": scenario.kind,
            "category": scenario.category,
            "max_customer_turns": scenario.max_customer_turns,
        }
        case = case_from_record(to_record(dialogue, meta))
        assert case == case_from_dialogue(dialogue, scenario)
        assert check_dialogue(case) == []


def order_dialogue() -> Dialogue:
    """Order the cheapest way to the minimum at the first restaurant, naming every sum the counsellor would name."""
    shop = Environment(OPENING).restaurants[0]
    dish = shop.dishes[0]
    quantity = -(-shop.min_order_amount // dish.price)
    subtotal, total = dish.price * quantity, dish.price * quantity + shop.delivery_fee
    held = f"{dish.name} {quantity}개를 담았습니다. {subtotal:,}원이고 배달비까지 {total:,}원입니다."
    done = f"주문했습니다. 주문 번호는 {{O1}}이고 총 {total // 10000}만 {total % 10000}원입니다."
    turns = (
        ScriptTurn("customer", f"{shop.name} {dish.name} {quantity}개 담아줘"),
        call("search_restaurants", query=shop.name),
        call("get_restaurant_detail", restaurant_id="R1"),
        call("add_to_cart", restaurant_id="R1", menu_item_id="M1", quantity=quantity),
        ScriptTurn("counsellor", held),
        ScriptTurn("customer", "새솔로로 카드로 주문해줘"),
        call("list_addresses"),
        call("prepare_checkout", address_id="A1"),
        ScriptTurn("counsellor", f"배달비 {shop.delivery_fee:,}원을 더해 총 {total:,}원입니다. 주문할까요?"),
        ScriptTurn("customer", "응 주문해"),
        call("place_order", snapshot="S1", payment_method="card"),
        ScriptTurn("counsellor", done),
    )
    return perform(Script(turns=turns), OPENING)


def call(tool: str, **arguments: object) -> ScriptTurn:
    return ScriptTurn("call", calls=(ScriptCall(tool, arguments),))


def broken_rules(dialogue: Dialogue) -> set[str]:
    record = to_record(dialogue, {"opening": OPENING.model_dump(mode="json")})
    return {violation.rule for violation in check_dialogue(case_from_record(record))}


def test_an_order_from_search_to_payment_is_clean() -> None:
    assert broken_rules(order_dialogue()) == set()


def drop(index: int) -> Callable[[Dialogue], Dialogue]:
    return lambda dialogue: replace(dialogue, turns=dialogue.turns[:index] + dialogue.turns[index + 1 :])


def put(index: int, turn: Turn) -> Callable[[Dialogue], Dialogue]:
    return lambda dialogue: replace(dialogue, turns=(*dialogue.turns[:index], turn, *dialogue.turns[index + 1 :]))


def change_argument(index: int, name: str, value: object) -> Callable[[Dialogue], Dialogue]:
    def change(dialogue: Dialogue) -> Dialogue:
        (made,) = dialogue.turns[index].calls
        return put(index, Turn("call", calls=(ToolCall(made.name, {**made.arguments, name: value}),)))(dialogue)

    return change


@pytest.mark.parametrize(
    ("damage", "rule_id"),
    [
        (drop(0), "S03"),
        (drop(2), "S04"),
        (drop(1), "S02"),
        (drop(17), "S06"),
        (put(7, Turn("counsellor", " ")), "S07"),
        (put(6, Turn("response", responses=(None, None))), "S05"),
        (put(7, Turn("counsellor", "모두 3,333원입니다.")), "G01"),
        (put(6, Turn("response", responses=(None,))), "X01"),
        (change_argument(5, "quantity", "2"), "C03"),
        (change_argument(5, "special_request", ""), "C06"),
        (change_argument(5, "menu_item_id", "3f0c9d0e-8a15-4a0e-9d7b-2a5a6a1c7e02"), "P01"),
        (change_argument(5, "menu_item_id", OPENING.user_id), "P02"),
        (change_argument(15, "snapshot", {}), "P03"),
        (change_argument(15, "payment_method", "cash"), "C05"),
        (change_argument(15, "tip", 100), "C04"),
    ],
)
def test_damage_to_a_clean_dialogue_is_caught(damage: Callable[[Dialogue], Dialogue], rule_id: str) -> None:
    assert rule_id in broken_rules(damage(order_dialogue()))


def test_only_structural_rules_are_told_where_the_structure_is_broken() -> None:
    damaged = drop(2)(change_argument(5, "quantity", "2")(order_dialogue()))
    assert {rule_id[0] for rule_id in broken_rules(damaged)} == {"S"}


def test_violations_come_in_the_order_of_the_catalogue_and_name_the_turn() -> None:
    damaged = put(7, Turn("counsellor", "R1은 3,333원입니다."))(change_argument(5, "quantity", "2")(order_dialogue()))
    record = to_record(damaged, {"opening": OPENING.model_dump(mode="json")})
    found = check_dialogue(case_from_record(record))
    assert [(violation.rule, violation.turn) for violation in found if violation.rule in ("C03", "G01", "T03")] == [
        ("C03", 5),
        ("G01", 7),
        ("T03", 7),
    ]


def test_an_answer_that_cannot_be_read_breaks_s01_and_says_why() -> None:
    (scenario,) = sample_training(1, seed=1)
    (violation,) = check_dialogue(unreadable_case("the answer is not valid JSON", scenario))
    assert violation == ("S01", None, "the answer is not valid JSON", "E")
    assert not is_accepted([violation])
    assert is_accepted([violation._replace(severity="W")])


def test_a_goal_about_a_field_that_no_address_has_is_malformed_meta() -> None:
    goal = [{"type": "address_saved", "address": "A1", "fields": {"colour": "red"}}]
    record = to_record(order_dialogue(), {"opening": OPENING.model_dump(mode="json"), "goal": goal})
    assert [violation.rule for violation in check_dialogue(case_from_record(record))] == ["S01"]
