"""What happens by itself while a dialogue lasts, replay, and outcomes that are compared."""

from __future__ import annotations

import pytest
from environment_world import AREA, HOME, OPENING, USER, Desk

from datagen_core.environment import (
    Environment,
    Happening,
    describe_outcome,
    is_same_outcome,
    replay_calls,
)
from datagen_core.errors import ConfigError


def happens(before: str, what: str, target: str | None = None, nth: int = 1) -> tuple[Happening, ...]:
    return (Happening.model_validate({"before": before, "nth": nth, "what": what, "target": target}),)


def test_a_dish_sells_out_between_the_look_and_the_order() -> None:
    desk = Desk(happenings=happens("add_to_cart", "dish_sold_out", "M1"))
    menu = desk.ask("get_restaurant_detail", {"restaurant_id": desk.id("R1")})["menus"]
    assert isinstance(menu, list)
    assert all(entry["is_available"] for entry in menu)
    ids = {"restaurant_id": desk.id("R1"), "menu_item_id": desk.id("M1"), "quantity": 1}
    assert desk.code("add_to_cart", ids) == "MENU_ITEM_UNAVAILABLE"
    assert desk.add("R1", "M2", 1)["item_count"] == 1


def test_the_second_call_is_the_one_that_meets_it() -> None:
    desk = Desk(happenings=happens("add_to_cart", "restaurant_closes", "R1", nth=2))
    desk.add("R1", "M1", 1)
    ids = {"restaurant_id": desk.id("R1"), "menu_item_id": desk.id("M2"), "quantity": 1}
    assert desk.code("add_to_cart", ids) == "RESTAURANT_CLOSED"
    assert desk.code("prepare_checkout", {"address_id": desk.id("A1")}) == "RESTAURANT_CLOSED"


def test_a_restaurant_and_a_dish_leave() -> None:
    leaving = happens("get_restaurant_detail", "restaurant_leaves", "R2") + happens("add_to_cart", "dish_leaves", "M1")
    desk = Desk(happenings=leaving)
    assert desk.names() == ["R1", "R2", "R3"]
    assert desk.code("get_restaurant_detail", {"restaurant_id": desk.id("R2")}) == "RESTAURANT_NOT_FOUND"
    assert desk.names() == ["R1", "R3"]
    ids = {"restaurant_id": desk.id("R1"), "menu_item_id": desk.id("M1"), "quantity": 1}
    assert desk.code("add_to_cart", ids) == "MENU_ITEM_NOT_FOUND"
    menu = desk.ask("get_restaurant_detail", {"restaurant_id": desk.id("R1")})["menus"]
    assert isinstance(menu, list)
    assert desk.id("M1") not in [entry["menu_item_id"] for entry in menu]


def test_a_line_is_taken_out_on_another_screen() -> None:
    desk = Desk(happenings=happens("update_cart_item", "cart_item_removed", "C1"))
    desk.add("R1", "M1", 1)
    desk.add("R1", "M3", 1)
    assert desk.code("update_cart_item", {"cart_item_id": desk.id("C1"), "quantity": 2}) == "CART_ITEM_NOT_FOUND"
    assert desk.ask("get_cart")["subtotal"] == 16000


def test_an_address_is_deleted_and_the_next_is_the_default() -> None:
    desk = Desk(
        addresses=(HOME, HOME.model_copy(update={"line1": "서울 종로구 사직로 8"})),
        happenings=happens("prepare_checkout", "address_deleted", "A1"),
    )
    desk.add("R1", "M3", 1)
    second = desk.id("A2")
    assert desk.code("prepare_checkout", {"address_id": desk.id("A1")}) == "ADDRESS_NOT_FOUND"
    listed = desk.call("list_addresses")
    assert isinstance(listed, list)
    assert [(entry["address_id"], entry["is_default"]) for entry in listed] == [(second, True)]
    assert desk.id("A2") == second  # handles are not renumbered


def test_a_prepared_checkout_expires_and_can_be_prepared_again() -> None:
    desk = Desk(happenings=happens("place_order", "checkout_expires"))
    desk.add("R1", "M3", 1)
    order = {"snapshot": desk.prepare(), "payment_method": "card"}
    assert desk.code("place_order", order) == "SNAPSHOT_INVALID"
    assert isinstance(desk.call("place_order", {"snapshot": desk.prepare(), "payment_method": "card"}), str)


def test_another_customers_order_is_forbidden_a_made_up_one_is_not_found() -> None:
    desk = Desk(foreign_orders=("X2",))
    assert desk.code("get_order_status", {"order_id": desk.id("X2")}) == "FORBIDDEN"
    assert desk.code("get_order_status", {"order_id": desk.id("X1")}) == "ORDER_NOT_FOUND"


@pytest.mark.parametrize(
    ("happening", "problem"),
    [
        (happens("order_pizza", "checkout_expires"), "order_pizza"),
        (happens("place_order", "checkout_expires", "C1"), "no target"),
        (happens("add_to_cart", "dish_sold_out"), "a target such as M1"),
        (happens("add_to_cart", "dish_sold_out", "M99"), "M1 to M6"),
        (happens("add_to_cart", "restaurant_closes", "M1"), "R1 to R3"),
        (happens("add_to_cart", "cart_item_removed", "A1"), "C1 to"),
    ],
)
def test_a_happening_that_cannot_be_is_refused(happening: tuple[Happening, ...], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        Environment(OPENING.model_copy(update={"happenings": happening}), AREA)


def test_something_that_is_not_there_yet_changes_nothing() -> None:
    desk = Desk(
        happenings=happens("get_cart", "cart_item_removed", "C7") + happens("get_cart", "address_deleted", "A7")
    )
    desk.add("R1", "M1", 1)
    assert desk.ask("get_cart")["item_count"] == 1


def test_replay_gives_the_same_state_and_the_digest_tells_them_apart() -> None:
    desk = Desk()
    ids = {"user_id": USER, "restaurant_id": desk.id("R1"), "menu_item_id": desk.id("M3")}
    calls = [("add_to_cart", {**ids, "quantity": 1}), ("get_cart", {"user_id": USER})]
    one, other = replay_calls(OPENING, calls, AREA), replay_calls(OPENING, calls, AREA)
    assert one.responses == other.responses
    assert one.environment.digest() == other.environment.digest()
    shorter = replay_calls(OPENING, calls[:1], AREA)
    assert shorter.environment.digest() != one.environment.digest()
    assert is_same_outcome(shorter.environment, one.environment)


def test_two_ways_to_the_same_cart_are_the_same_outcome() -> None:
    straight, astray = Desk(), Desk()
    straight.add("R1", "M1", 2)
    astray.add("R1", "M2", 1)
    astray.call("remove_cart_items", {"cart_item_ids": [astray.id("C1")]})
    astray.add("R1", "M1", 1)
    astray.call("update_cart_item", {"cart_item_id": astray.id("C2"), "quantity": 2})
    assert is_same_outcome(straight.environment, astray.environment)
    assert straight.environment.digest() != astray.environment.digest()
    astray.add("R1", "M1", 1)
    assert not is_same_outcome(straight.environment, astray.environment)


def test_an_outcome_names_order_and_address() -> None:
    desk = Desk()
    desk.add("R1", "M3", 1, "소스 따로")
    desk.call(
        "place_order", {"snapshot": desk.prepare(delivery_note="문 앞"), "payment_method": "toss", "pg_id": "P-1"}
    )
    outcome = describe_outcome(desk.environment)
    assert outcome["cart"] == []
    assert outcome["orders"] == [
        {
            "lines": [[desk.id("M3"), 1, "소스 따로"]],
            "address": 1,
            "payment_method": "toss",
            "delivery_note": "문 앞",
            "pg_id": "P-1",
            "total": 18000,
        }
    ]
