"""The error codes: the table says which tool answers which code, and the backend is made to answer each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
from environment_world import STRANGER, UNKNOWN, Desk

from datagen_core.config import ERROR_CODES, TOOL_NAMES
from datagen_core.environment import is_error
from datagen_core.environment.error_codes import list_error_meanings
from datagen_core.environment.opening import Happening

Provoke = Callable[[], object]

NEW_ADDRESS = {"recipient_name": "김민지", "phone": "010-0000-1234", "line1": "새솔로 21"}
R1_DISH = {"restaurant_id": "R1", "menu_item_id": "M1", "quantity": 1}


def _ids(desk: Desk, arguments: dict[str, object]) -> dict[str, object]:
    return {name: desk.handles.resolve(value) or value if isinstance(value, str) else value
            for name, value in arguments.items()}  # fmt: skip


def _call(tool: str, arguments: dict[str, object], **opening: object) -> Provoke:
    def provoke() -> object:
        desk = Desk(**opening)
        return desk.call(tool, _ids(desk, arguments))

    return provoke


def _after_adding(
    tool: str, arguments: dict[str, object], *, quantity: int = 2, happens: Happening | None = None
) -> Provoke:
    def provoke() -> object:
        desk = Desk(happenings=(happens,) if happens is not None else ())
        desk.add("R1", "M1", quantity)
        return desk.call(tool, _ids(desk, arguments))

    return provoke


def _order_twice() -> object:
    desk = Desk()
    desk.add("R1", "M3", 2)
    arguments = {"snapshot": desk.prepare(), "payment_method": "card"}
    desk.call("place_order", arguments)
    return desk.call("place_order", arguments)


def _valid_arguments(tool: str) -> dict[str, object]:
    return {
        "list_addresses": {},
        "upsert_address": dict(NEW_ADDRESS),
        "get_cart": {},
        "add_to_cart": {"restaurant_id": UNKNOWN, "menu_item_id": UNKNOWN, "quantity": 1},
        "update_cart_item": {"cart_item_id": UNKNOWN, "quantity": 1},
        "remove_cart_items": {"cart_item_ids": [UNKNOWN]},
        "prepare_checkout": {"address_id": UNKNOWN},
        "get_order_status": {"order_id": UNKNOWN},
    }[tool]


def _before(tool: str, what: str, target: str) -> Happening:
    return Happening.model_validate({"before": tool, "what": what, "target": target})


LEAVES = _before("prepare_checkout", "restaurant_leaves", "R1")
CLOSES = _before("prepare_checkout", "restaurant_closes", "R1")

PROVOKED: dict[tuple[str, str], Provoke] = {
    **{("INVALID_ARGUMENT", tool): _call(tool, {"unknown": 1}) for tool in TOOL_NAMES},
    **{
        ("FORBIDDEN", tool): _call(tool, {**_valid_arguments(tool), "user_id": STRANGER})
        for tool in TOOL_NAMES
        if tool not in ("search_restaurants", "get_restaurant_detail", "place_order")
    },
    ("RESTAURANT_NOT_FOUND", "get_restaurant_detail"): _call("get_restaurant_detail", {"restaurant_id": UNKNOWN}),
    ("RESTAURANT_NOT_FOUND", "add_to_cart"): _call("add_to_cart", {**R1_DISH, "restaurant_id": UNKNOWN}),
    ("RESTAURANT_NOT_FOUND", "prepare_checkout"): _after_adding(
        "prepare_checkout", {"address_id": "A1"}, happens=LEAVES
    ),
    ("RESTAURANT_CLOSED", "add_to_cart"): _call("add_to_cart", R1_DISH, closed=("R1",)),
    ("RESTAURANT_CLOSED", "prepare_checkout"): _after_adding("prepare_checkout", {"address_id": "A1"}, happens=CLOSES),
    ("MENU_ITEM_NOT_FOUND", "add_to_cart"): _call("add_to_cart", {**R1_DISH, "menu_item_id": "M4"}),
    ("MENU_ITEM_UNAVAILABLE", "add_to_cart"): _call("add_to_cart", R1_DISH, sold_out=("M1",)),
    ("CART_ITEM_NOT_FOUND", "update_cart_item"): _call("update_cart_item", _valid_arguments("update_cart_item")),
    ("CART_ITEM_NOT_FOUND", "remove_cart_items"): _call("remove_cart_items", _valid_arguments("remove_cart_items")),
    ("CART_EMPTY", "prepare_checkout"): _call("prepare_checkout", {"address_id": "A1"}),
    ("ADDRESS_NOT_FOUND", "upsert_address"): _call("upsert_address", {**NEW_ADDRESS, "address_id": UNKNOWN}),
    ("ADDRESS_NOT_FOUND", "prepare_checkout"): _after_adding("prepare_checkout", {"address_id": UNKNOWN}),
    ("BELOW_MINIMUM", "prepare_checkout"): _after_adding("prepare_checkout", {"address_id": "A1"}, quantity=1),
    ("SNAPSHOT_INVALID", "place_order"): _order_twice,
    ("ORDER_NOT_FOUND", "get_order_status"): _call("get_order_status", {"order_id": UNKNOWN}),
}


def test_the_table_names_each_code_once_and_only_tools_there_are() -> None:
    meanings = list_error_meanings()
    assert tuple(meaning.code for meaning in meanings) == ERROR_CODES
    for meaning in meanings:
        assert meaning.tools == tuple(name for name in TOOL_NAMES if name in meaning.tools)


def test_the_table_has_exactly_the_pairs_that_are_provoked() -> None:
    assert {(m.code, tool) for m in list_error_meanings() for tool in m.tools} == set(PROVOKED)


@pytest.mark.parametrize("pair", PROVOKED, ids="-".join)
def test_the_backend_answers_the_code(pair: tuple[str, str]) -> None:
    response = cast("dict[str, dict[str, str]]", PROVOKED[pair]())
    assert is_error(response), response
    assert response["error"]["code"] == pair[0]


def test_another_customers_order_is_forbidden() -> None:
    desk = Desk(foreign_orders=("X1",))
    assert desk.code("get_order_status", {"order_id": desk.id("X1")}) == "FORBIDDEN"
