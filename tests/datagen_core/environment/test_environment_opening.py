from __future__ import annotations

from datetime import datetime
from typing import cast, get_args

import pytest
from environment_world import AREA, HOME, OPENING, Desk

from datagen_core.config import OrderStatus
from datagen_core.environment import CartLine, Environment, Opening, PastOrder, SavedAddress, build_catalogue
from datagen_core.errors import ConfigError


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("status", get_args(OrderStatus))
def test_a_past_order_keeps_its_status_for_sixty_calls(status: OrderStatus, seed: int) -> None:
    desk = Desk(orders=(PastOrder(status="delivered"), PastOrder(status=status)), seed=seed)
    order_id = desk.id("O2")
    seen = [desk.ask("get_order_status", {"order_id": order_id}) for _ in range(61)]
    assert {response["status"] for response in seen} == {status}
    expected = {"pending": "pending", "cancelled": "refunded"}.get(status, "paid")
    assert {response["payment_status"] for response in seen} == {expected}
    assert (seen[0]["paid_at"] is None) == (status == "pending")
    assert datetime.fromisoformat(cast("str", seen[0]["created_at"])) < datetime.fromisoformat(OPENING.now)


def test_an_opening_with_everything() -> None:
    desk = Desk(
        closed=("R2",),
        sold_out=("M2",),
        addresses=(HOME, SavedAddress(recipient_name="회사", phone="010-0000-9999", line1="서울", is_default=True)),
        cart=(CartLine(menu="M1", quantity=2), CartLine(menu="M3", quantity=1, special_request="소스 따로")),
        orders=(PastOrder(status="delivering", payment_method="toss"),),
    )
    environment = desk.environment
    assert environment.cart is not None
    assert (environment.cart.item_count, environment.cart.subtotal) == (3, 30000)
    assert [address.is_default for address in environment.addresses] == [False, True]
    assert [order.payment_method for order in environment.orders] == ["toss"]
    assert environment.placed_orders == ()
    assert desk.names(only_open=True) == ["R1"]
    assert [environment.is_open(shop) for shop in environment.restaurants] == [True, False, False]
    assert not environment.is_available(desk.id("M2"))


def test_the_first_address_is_the_default_where_none_is_flagged() -> None:
    assert [address.is_default for address in Desk(addresses=(HOME, HOME)).environment.addresses] == [True, False]


def test_only_the_openings_restaurants_exist() -> None:
    desk = Desk(restaurants=(1,))
    assert desk.names() == ["R1"]
    foreign = {"restaurant_id": AREA.restaurants[0].id}
    assert desk.code("get_restaurant_detail", foreign) == "RESTAURANT_NOT_FOUND"


@pytest.mark.parametrize(
    "changes",
    [
        {"now": "2026-02-14T12:10:00"},
        {"now": "2026-02-14T12:10:00Z"},
        {"now": "어제"},
        {"now": "9999-12-31T23:59:00+09:00"},
        {"user_id": "nobody"},
        {"restaurants": (0, 3)},
        {"restaurants": (0, 0)},
        {"restaurants": (-1,)},
        {"closed": ("R4",)},
        {"closed": ("r1",)},
        {"sold_out": ("M7",)},
        {"sold_out": ("M0",)},
        {"cart": (CartLine(menu="M1", quantity=1), CartLine(menu="M4", quantity=1))},
        {"cart": (CartLine(menu="M1", quantity=10**9),)},
        {"cart": (CartLine(menu="M1", quantity=1, special_request="\ud800"),)},
        {"addresses": (HOME.model_copy(update={"line2": "\ud800"}),)},
        {"restaurants": (), "cart": (CartLine(menu="M1", quantity=1),)},
    ],
)
def test_an_opening_that_cannot_be_is_refused_at_once(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="opening cannot be performed"):
        Desk(**changes)


def test_an_opening_stands_on_the_catalogue_of_its_seed() -> None:
    opening = Opening(**{**OPENING.model_dump(), "catalogue_seed": 3, "restaurants": (79, 0, 40)})
    catalogue = build_catalogue(3)
    assert Environment(opening).restaurants == tuple(catalogue.restaurants[index] for index in (79, 0, 40))
