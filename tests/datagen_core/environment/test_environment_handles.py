from __future__ import annotations

import pytest
from environment_world import AREA, UNKNOWN, Desk

from datagen_core.environment import CartLine, PastOrder


def test_restaurants_and_dishes_are_numbered_through() -> None:
    desk = Desk(restaurants=(2, 0))
    assert desk.id("R1") == AREA.restaurants[2].id
    assert desk.id("M1") == AREA.restaurants[2].dishes[0].id
    assert desk.id("M4") == AREA.restaurants[0].dishes[2].id
    assert desk.handles.resolve("M5") is None
    assert desk.handles.handle_of(desk.id("M4")) == "M4"


@pytest.mark.parametrize(
    "handle",
    [
        "r1",
        "R0",
        "R01",
        "R4",
        " R1",
        "R1 ",
        "\uff32\uff11",
        "R\u0661",
        "",
        "R",
        "Y1",
        "X0",
        "X10",
        "S1",
        "C1",
        "O1",
        "A2",
    ],
)
def test_anything_else_is_no_handle(handle: str) -> None:
    assert Desk().handles.resolve(handle) is None


def test_a_wrong_order_number_belongs_to_no_order() -> None:
    desk = Desk(orders=(PastOrder(status="paid"),))
    stray = desk.id("X1")
    assert desk.handles.handle_of(stray) == "X1"
    assert stray not in (desk.id("O1"), desk.id("X2"))
    assert desk.code("get_order_status", {"order_id": stray}) == "ORDER_NOT_FOUND"


def test_cart_lines_are_numbered_as_created_and_never_again() -> None:
    desk = Desk(cart=(CartLine(menu="M1", quantity=1),))
    first = desk.id("C1")
    desk.ask("remove_cart_items", {"cart_item_ids": [first]})
    desk.add("R1", "M1", 1)
    desk.add("R1", "M1", 1)
    desk.add("R2", "M4", 1)
    assert desk.handles.resolve("C1") == first
    assert [line.cart_item_id for line in desk.environment.cart.lines] == [desk.id("C3")]  # pyright: ignore[reportOptionalMemberAccess]
    assert desk.handles.resolve("C4") is None
    assert desk.handles.handle_of(desk.id("C2")) == "C2"


def test_orders_addresses_and_snapshots_follow_their_creation() -> None:
    desk = Desk(orders=(PastOrder(status="paid"),))
    desk.add("R1", "M3", 1)
    first = desk.prepare()
    second = desk.prepare(delivery_note="조심히")
    assert desk.handles.resolve("S1") == first
    assert desk.handles.resolve("S2") == second
    order_id = desk.call("place_order", {"snapshot": second, "payment_method": "card"})
    assert desk.handles.resolve("O2") == order_id
    assert desk.handles.handle_of(str(order_id)) == "O2"
    address = desk.call("upsert_address", {"recipient_name": "이준", "phone": "010-0000-5678", "line1": "서울"})
    assert desk.handles.resolve("A2") == address
    assert desk.handles.handle_of(UNKNOWN) is None
