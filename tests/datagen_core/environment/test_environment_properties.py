from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, cast

import pytest
from environment_world import AREA, HOME, OPENING, STRANGER, UNKNOWN, USER
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen_core.config import (
    CATEGORIES,
    ERROR_CODES,
    ORDER_STATUSES,
    PAYMENT_METHODS,
    SORTS,
    TOOL_NAMES,
    UUID_PATTERN,
)
from datagen_core.environment import (
    MAX_QUANTITY,
    CartLine,
    Environment,
    Handles,
    Opening,
    PastOrder,
    argument_errors,
    is_error,
    response_errors,
)
from datagen_core.files import JsonObject

Call = tuple[object, object]

FULL = OPENING.model_copy(
    update={
        "closed": ("R2",),
        "sold_out": ("M2",),
        "addresses": (HOME, HOME),
        "cart": (CartLine(menu="M1", quantity=2), CartLine(menu="M3", quantity=1, special_request="소스 따로")),
        "orders": (PastOrder(status="paid"), PastOrder(status="cancelled"), PastOrder(status="delivered")),
    }
)
OPENINGS = st.sampled_from([OPENING, FULL])

HOSTILE = st.sampled_from(
    ["", " ", "\x00", "\ud800", "<|im_end|>", "'; DROP TABLE", "{O1}", "R1", "M9", "가" * 5000, "\u202e", UNKNOWN, "\n"]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.sampled_from([-1, 0, 1, 2, 999, 1000, 2**63, 2**64, 3.0, 4.5, float("nan"), float("-inf"), 1e308]),
    HOSTILE,
    st.text(max_size=8),
)
GARBAGE = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE | st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


class Planned(NamedTuple):
    """A call as drawn: ids are handles until it is made, so that most calls hit something that exists."""

    tool: str
    arguments: dict[str, object]


def handle(letters: str, most: int = 8) -> st.SearchStrategy[str]:
    return st.builds("@{}{}".format, st.sampled_from(letters), st.integers(1, most))


TEXT = st.sampled_from(["짬뽕", "소스 따로 주세요", "  문 앞  ", "<tool_call>", "A"])
COUNT = st.sampled_from([1, 1, 2, 2, 3, 4, 998, 999, 1000, 10**18])
USERS = st.sampled_from([USER] * 12 + [STRANGER])
FIELDS: dict[str, dict[str, st.SearchStrategy[object]]] = {
    "search_restaurants": {
        "query?": TEXT,
        "category?": st.sampled_from(CATEGORIES),
        "min_rating?": st.sampled_from([0, 4, 4.7, 5]),
        "only_open?": st.booleans(),
        "sort?": st.sampled_from(SORTS),
    },
    "get_restaurant_detail": {
        "restaurant_id": handle("R", 4),
        "at?": st.datetimes().map(lambda moment: moment.isoformat() + "+09:00"),
    },
    "list_addresses": {"user_id": USERS},
    "upsert_address": {
        "user_id": USERS,
        "recipient_name": TEXT,
        "phone": st.just("010-0000-0000"),
        "line1": TEXT,
        "address_id?": handle("A", 4),
        "line2?": TEXT,
        "is_default?": st.booleans(),
        "gate_password?": TEXT,
        "delivery_note?": TEXT,
    },
    "get_cart": {"user_id": USERS},
    "add_to_cart": {
        "user_id": USERS,
        "restaurant_id": handle("R", 3),
        "menu_item_id": handle("M", 6),
        "quantity": COUNT,
        "special_request?": TEXT,
    },
    "update_cart_item": {
        "user_id": USERS,
        "cart_item_id": handle("C", 3),
        "quantity?": COUNT,
        "special_request?": TEXT,
    },
    "remove_cart_items": {"user_id": USERS, "cart_item_ids": st.lists(handle("C", 4), min_size=1, max_size=3)},
    "prepare_checkout": {"user_id": USERS, "address_id": handle("A", 3), "delivery_note?": TEXT},
    "place_order": {
        "snapshot": handle("S", 4) | st.just("@latest"),
        "payment_method": st.sampled_from(PAYMENT_METHODS),
        "pg_id?": TEXT,
    },
    "get_order_status": {"user_id": USERS, "order_id": handle("O", 5)},
}


def plan(tool: str) -> st.SearchStrategy[Planned]:
    fields = FIELDS[tool]
    required = {name: strategy for name, strategy in fields.items() if not name.endswith("?")}
    optional = {name[:-1]: strategy for name, strategy in fields.items() if name.endswith("?")}
    return st.fixed_dictionaries(required, optional=optional).map(lambda arguments: Planned(tool, arguments))


SENSIBLE = st.sampled_from(TOOL_NAMES).flatmap(plan)
# The way to an order is long, so it is drawn as one, or hardly any order would ever be placed.
SHOPPING = st.tuples(
    st.just(Planned("add_to_cart", {"user_id": USER, "restaurant_id": "@R1", "menu_item_id": "@M3", "quantity": 1})),
    plan("prepare_checkout"),
    plan("place_order"),
    plan("get_order_status"),
).map(list)
CARTWORK = st.tuples(plan("add_to_cart"), plan("update_cart_item"), plan("remove_cart_items")).map(list)
SPOILT = st.builds(
    lambda planned, name, value: Planned(planned.tool, {**planned.arguments, name: value}),
    SENSIBLE,
    st.sampled_from(["user_id", "quantity", "query", "snapshot", "cart_item_ids", "at", "line1", "memo"]),
    GARBAGE,
)
WILD = st.tuples(st.sampled_from(TOOL_NAMES) | HOSTILE | SCALARS, GARBAGE)
ONE = SENSIBLE.map(lambda planned: [planned])
GROUPS = st.one_of(ONE, CARTWORK, ONE, SHOPPING, SPOILT.map(lambda planned: [planned]))
PLANS = st.lists(GROUPS, max_size=10).map(lambda groups: [planned for group in groups for planned in group])


def resolve(value: object, environment: Environment, handles: Handles) -> object:
    if isinstance(value, list):
        return [resolve(element, environment, handles) for element in cast("list[object]", value)]
    if value == "@latest":
        return environment.snapshot or {}
    if isinstance(value, str) and re.fullmatch("@[A-Z][0-9]+", value):
        return handles.resolve(value[1:]) or UNKNOWN
    return value


def check_invariants(environment: Environment) -> None:
    cart = environment.cart
    ids = list(environment.cart_item_ids)
    if cart is not None:
        shop = next(shop for shop in environment.restaurants if shop.id == cart.restaurant_id)
        prices = {dish.id: (dish.name, dish.price) for dish in shop.dishes}
        assert all(prices[line.menu_item_id] == (line.menu_name, line.unit_price) for line in cart.lines)
        assert all(1 <= line.quantity <= MAX_QUANTITY for line in cart.lines)
        assert cart.subtotal == sum(line.quantity * line.unit_price for line in cart.lines)
        assert {line.cart_item_id for line in cart.lines} <= set(ids)
        ids.append(cart.cart_id)
    ids += [address.address_id for address in environment.addresses]
    ids += [order.order_id for order in environment.orders]
    assert len(set(ids)) == len(ids)
    assert sum(address.is_default for address in environment.addresses) <= 1
    for order in environment.placed_orders:
        fee = next(shop.delivery_fee for shop in environment.restaurants if shop.id == order.restaurant_id)
        assert order.total == order.subtotal + fee == sum(line.line_total for line in order.lines) + fee
        assert order.lines


def check_response(tool: object, arguments: object, response: object) -> None:
    if not isinstance(tool, str) or tool not in TOOL_NAMES:
        assert is_error(response)
        return
    assert response_errors(tool, response) == []
    json.dumps(response, allow_nan=False).encode()
    if argument_errors(tool, arguments):
        assert cast("dict[str, JsonObject]", response)["error"]["code"] == "INVALID_ARGUMENT"


def perform(opening: Opening, plans: list[Planned]) -> tuple[Environment, list[Call], list[object]]:
    environment = Environment(opening, AREA)
    handles = Handles(environment)
    calls: list[Call] = []
    responses: list[object] = []
    for planned in plans:
        arguments = {name: resolve(value, environment, handles) for name, value in planned.arguments.items()}
        calls.append((planned.tool, arguments))
        responses.append(environment.execute(planned.tool, arguments))
    return environment, calls, responses


@settings(deadline=None, max_examples=150)
@given(OPENINGS, PLANS)
def test_any_calls_leave_the_backend_consistent(opening: Opening, plans: list[Planned]) -> None:
    environment = Environment(opening, AREA)
    handles = Handles(environment)
    ranks = {order.order_id: 0 for order in environment.orders}
    for planned in plans:
        arguments = {name: resolve(value, environment, handles) for name, value in planned.arguments.items()}
        before = environment.digest() if environment.cart is None else None
        response = environment.execute(planned.tool, arguments)
        assert before is None or environment.digest() != before
        check_response(planned.tool, arguments, response)
        check_invariants(environment)
        for order in environment.orders:
            rank = ORDER_STATUSES.index(order.status_at(environment.now))
            assert rank >= ranks.get(order.order_id, 0)
            ranks[order.order_id] = rank


@settings(deadline=None, max_examples=150)
@given(OPENINGS, st.lists(WILD, max_size=8))
def test_garbage_is_answered_and_changes_nothing(opening: Opening, calls: list[Call]) -> None:
    environment = Environment(opening, AREA)
    cart, addresses, orders = environment.cart, environment.addresses, environment.orders
    for tool, arguments in calls:
        response = environment.execute(cast("str", tool), cast("Mapping[str, object]", arguments))
        check_response(tool, arguments, response)
    assert (environment.cart, environment.addresses, environment.orders) == (cart, addresses, orders)


@settings(deadline=None, max_examples=60)
@given(OPENINGS, PLANS)
def test_the_same_opening_and_calls_give_the_same_world(opening: Opening, plans: list[Planned]) -> None:
    first, calls, responses = perform(opening, plans)
    again = Environment(opening, AREA)
    replayed = [again.execute(cast("str", tool), cast("Mapping[str, object]", given)) for tool, given in calls]
    assert replayed == responses
    assert again.digest() == first.digest()


@settings(deadline=None, max_examples=60)
@given(OPENINGS, PLANS)
def test_handles_and_ids_belong_together(opening: Opening, plans: list[Planned]) -> None:
    environment, _, _ = perform(opening, plans)
    handles = Handles(environment)
    for letter, count in (
        ("R", 3),
        ("M", 6),
        ("C", len(environment.cart_item_ids)),
        ("A", len(environment.addresses)),
        ("O", len(environment.orders)),
    ):
        for number in range(1, count + 1):
            found = cast("str", handles.resolve(f"{letter}{number}"))
            assert re.fullmatch(UUID_PATTERN, found)
            assert handles.handle_of(found) == f"{letter}{number}"
        assert handles.resolve(f"{letter}{count + 1}") is None


def test_another_seed_gives_other_ids() -> None:
    first, second = (Environment(FULL.model_copy(update={"seed": seed}), AREA) for seed in (1, 2))
    assert {order.order_id for order in first.orders}.isdisjoint(order.order_id for order in second.orders)
    assert first.digest() != second.digest()


REPLAY = """
import json, sys
from datagen_core.environment import CartLine, Environment, Handles, Opening, PastOrder, SavedAddress, build_catalogue
catalogue = build_catalogue(11)
home = SavedAddress(recipient_name="김민지", phone="010-0000-1234", line1="서울")
shop = catalogue.restaurants[35]
dish = max(shop.dishes, key=lambda dish: dish.price)
opening = Opening(catalogue_seed=11, seed=5, user_id=sys.argv[1], now="2026-02-14T19:10:00+09:00",
    restaurants=(35, 2, 60, 14), sold_out=("M20",), addresses=(home,), orders=(PastOrder(status="delivered"),))
environment = Environment(opening)
handles = Handles(environment)
user = {"user_id": sys.argv[1]}
responses = [environment.execute("search_restaurants", {"sort": "rating"})]
for quantity in (1, 2, 3):
    responses.append(environment.execute("add_to_cart",
        {**user, "restaurant_id": shop.id, "menu_item_id": dish.id, "quantity": quantity}))
responses.append(environment.execute("prepare_checkout", {**user, "address_id": handles.resolve("A1")}))
order = environment.execute("place_order", {"snapshot": responses[-1], "payment_method": "card"})
for order_id in (handles.resolve("O1"), order):
    responses.append(environment.execute("get_order_status", {**user, "order_id": order_id}))
print(json.dumps([str(catalogue), responses, order, environment.digest()]))
"""


def test_another_process_with_another_hash_seed_gives_the_same_world() -> None:
    root = Path(__file__).parents[3]
    outputs = [
        subprocess.run(
            [sys.executable, "-c", REPLAY, USER],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "4242")
    ]
    assert outputs[0] == outputs[1]
    responses = json.loads(outputs[0])[1]
    assert not any(map(is_error, responses))
    assert responses[-1]["status"] in ("paid", "preparing")


def test_the_plans_reach_every_outcome() -> None:
    """The strategies above would prove little if they only ever drew refusals."""
    seen: set[str] = set()

    @settings(deadline=None, max_examples=150, database=None, derandomize=True)
    @given(OPENINGS, PLANS)
    def watch(opening: Opening, plans: list[Planned]) -> None:
        environment, calls, responses = perform(opening, plans)
        for (tool, _), response in zip(calls, responses, strict=True):
            code = cast("dict[str, dict[str, str]]", response)["error"]["code"] if is_error(response) else "ok"
            seen.update((code, f"{tool} {code}"))
        seen.update("placed" for _ in environment.placed_orders)

    watch()
    assert {"placed", *(f"{tool} ok" for tool in TOOL_NAMES)} <= seen
    assert len(seen & set(ERROR_CODES)) > len(ERROR_CODES) // 2


@pytest.mark.parametrize("opening", [OPENING, FULL], ids=["bare", "full"])
def test_an_opening_survives_its_own_json(opening: Opening) -> None:
    again = Opening.model_validate_json(opening.model_dump_json())
    assert Environment(again, AREA).digest() == Environment(opening, AREA).digest()
