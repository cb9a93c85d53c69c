"""Decides what happens to orders: `prepare_checkout`, `place_order`, `get_order_status`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import orjson

from datagen_core.config import PaymentMethod
from datagen_core.environment.catalogue import Restaurant
from datagen_core.environment.refusals import refuse
from datagen_core.environment.state import Address, Cart, Order, State, draw_pace, write_moment
from datagen_core.environment.tools_cart import describe_line
from datagen_core.environment.validation import is_same_json
from datagen_core.files import JsonObject


def prepare_checkout(state: State, arguments: Mapping[str, object]) -> object:
    """Return the snapshot of what would be ordered; `total` is the subtotal and the delivery fee."""
    cart = state.cart
    if cart is None or not cart.lines:
        return refuse("CART_EMPTY")
    address = state.addresses.get(cast("str", arguments["address_id"]))
    if address is None:
        return refuse("ADDRESS_NOT_FOUND")
    restaurant = state.find_restaurant(cart.restaurant_id)
    if restaurant is None:
        return refuse("RESTAURANT_NOT_FOUND")
    if not state.is_open(restaurant, state.now):
        return refuse("RESTAURANT_CLOSED")
    if cart.subtotal < restaurant.min_order_amount:
        least = f"최소 주문 금액은 {restaurant.min_order_amount:,}원인데 지금 담긴 금액은 {cart.subtotal:,}원입니다."
        return refuse("BELOW_MINIMUM", least)
    note = cast("str | None", arguments.get("delivery_note"))
    snapshot = _describe(state, cart, restaurant, address, note)
    state.snapshot = orjson.dumps(snapshot)
    state.snapshots.append(state.snapshot)
    return snapshot


def place_order(state: State, arguments: Mapping[str, object]) -> object:
    """Order what was prepared last, if the snapshot is it to the last digit; the order is paid at once."""
    cart, prepared = state.cart, state.snapshot
    if cart is None or prepared is None or not _is_prepared(arguments["snapshot"], prepared):
        return refuse("SNAPSHOT_INVALID")
    snapshot = cast("JsonObject", orjson.loads(prepared))
    order_id = state.create_id("order")
    state.orders[order_id] = Order(
        order_id,
        cast("PaymentMethod", arguments["payment_method"]),
        created_at=state.now,
        paid_at=state.now,
        pace=draw_pace(order_id),
        restaurant_id=cart.restaurant_id,
        address_id=cast("str", snapshot["address_id"]),
        delivery_note=cast("str | None", snapshot["delivery_note"]),
        pg_id=cast("str | None", arguments.get("pg_id")),
        lines=cart.lines,
        subtotal=cart.subtotal,
        total=cast("int", snapshot["total"]),
    )
    state.cart = state.snapshot = None
    return order_id


def get_order_status(state: State, arguments: Mapping[str, object]) -> object:
    """Return how an order and its payment stand now."""
    if arguments["order_id"] in state.foreign_orders:
        return refuse("FORBIDDEN")
    order = state.orders.get(cast("str", arguments["order_id"]))
    if order is None:
        return refuse("ORDER_NOT_FOUND")
    return {
        "order_id": order.order_id,
        "status": order.status_at(state.now),
        "payment_status": order.payment_status,
        "paid_at": None if order.paid_at is None else write_moment(order.paid_at),
        "created_at": write_moment(order.created_at),
    }


def _is_prepared(snapshot: object, prepared: bytes) -> bool:
    """Compare bytes first, which is faster than a walk; only where the order of keys differs does the walk decide."""
    return orjson.dumps(snapshot) == prepared or is_same_json(snapshot, orjson.loads(prepared))


def _describe(state: State, cart: Cart, restaurant: Restaurant, address: Address, note: str | None) -> JsonObject:
    return {
        "user_id": state.user_id,
        "cart_id": cart.cart_id,
        "restaurant_id": cart.restaurant_id,
        "address_id": address.address_id,
        "delivery_recipient_name": address.recipient_name,
        "delivery_phone": address.phone,
        "delivery_line1": address.line1,
        "delivery_line2": address.line2,
        "delivery_note": note,
        "items": [describe_line(line) for line in cart.lines],
        "subtotal": cart.subtotal,
        "total": cart.subtotal + restaurant.delivery_fee,
    }
