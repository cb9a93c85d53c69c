"""Decides what happens to the cart: `get_cart`, `add_to_cart`, `update_cart_item`, `remove_cart_items`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

from datagen_core.environment.refusals import refuse
from datagen_core.environment.state import MAX_QUANTITY, Cart, Line, State
from datagen_core.files import JsonObject

_TOO_MANY: Final = f"한 항목의 수량은 {MAX_QUANTITY}개까지입니다."


def get_cart(state: State, _arguments: Mapping[str, object]) -> object:
    """Return the cart; null before anything was put in and after an order."""
    return None if state.cart is None else _describe(state, state.cart)


def add_to_cart(state: State, arguments: Mapping[str, object]) -> object:
    """Put a dish in the cart; one of another restaurant starts a new cart in its place.

    The same dish with the same request goes to the line that stands.
    """
    restaurant = state.find_restaurant(arguments["restaurant_id"])
    if restaurant is None:
        return refuse("RESTAURANT_NOT_FOUND")
    dish = next((dish for dish in state.list_dishes(restaurant) if dish.id == arguments["menu_item_id"]), None)
    if dish is None:
        return refuse("MENU_ITEM_NOT_FOUND")
    if not state.is_open(restaurant, state.now):
        return refuse("RESTAURANT_CLOSED")
    if not state.is_available(dish):
        return refuse("MENU_ITEM_UNAVAILABLE")
    quantity = cast("int", arguments["quantity"])
    request = cast("str | None", arguments.get("special_request"))
    cart = state.cart if state.cart is not None and state.cart.restaurant_id == restaurant.id else None
    lines = cart.lines if cart is not None else ()
    same = next((line for line in lines if line.menu_item_id == dish.id and line.special_request == request), None)
    if quantity + (same.quantity if same is not None else 0) > MAX_QUANTITY:
        return refuse("INVALID_ARGUMENT", _TOO_MANY)
    if cart is None:
        cart = Cart(state.create_id("cart"), restaurant.id, ())
    if same is None:
        lines = (*lines, state.create_line(dish, quantity, request))
    else:
        lines = _exchange(lines, replace(same, quantity=same.quantity + quantity))
    return _describe(state, state.change_cart(replace(cart, lines=lines)))


def update_cart_item(state: State, arguments: Mapping[str, object]) -> object:
    """Change the quantity, the request, or both, of a line; refused where neither is given."""
    cart = state.cart
    line = _find_line(cart, arguments["cart_item_id"])
    if cart is None or line is None:
        return refuse("CART_ITEM_NOT_FOUND")
    if "quantity" not in arguments and "special_request" not in arguments:
        return refuse("INVALID_ARGUMENT", "quantity와 special_request 가운데 하나는 있어야 합니다.")
    quantity = cast("int", arguments.get("quantity", line.quantity))
    if quantity > MAX_QUANTITY:
        return refuse("INVALID_ARGUMENT", _TOO_MANY)
    request = cast("str | None", arguments.get("special_request", line.special_request))
    changed = replace(line, quantity=quantity, special_request=request)
    return _describe(state, state.change_cart(replace(cart, lines=_exchange(cart.lines, changed))))


def remove_cart_items(state: State, arguments: Mapping[str, object]) -> object:
    """Take lines out, all of those named or, if one is unknown, none; the cart stays, empty if it must be."""
    cart = state.cart
    removed = cast("list[str]", arguments["cart_item_ids"])
    if len(set(removed)) < len(removed):
        return refuse("INVALID_ARGUMENT", "cart_item_ids에 같은 항목이 두 번 있습니다.")
    if cart is None or any(_find_line(cart, cart_item_id) is None for cart_item_id in removed):
        return refuse("CART_ITEM_NOT_FOUND")
    lines = tuple(line for line in cart.lines if line.cart_item_id not in removed)
    response = _describe(state, state.change_cart(replace(cart, lines=lines)))
    return {**response, "removed_cart_item_ids": list(removed)}


def describe_line(line: Line) -> JsonObject:
    """Return a line as the tools show it."""
    return {
        "cart_item_id": line.cart_item_id,
        "menu_item_id": line.menu_item_id,
        "menu_name": line.menu_name,
        "quantity": line.quantity,
        "unit_price_snapshot": line.unit_price,
        "special_request": line.special_request,
        "line_total": line.line_total,
    }


def _describe(state: State, cart: Cart) -> JsonObject:
    return {
        "cart_id": cart.cart_id,
        "user_id": state.user_id,
        "restaurant_id": cart.restaurant_id,
        "items": [describe_line(line) for line in cart.lines],
        "item_count": cart.item_count,
        "subtotal": cart.subtotal,
    }


def _find_line(cart: Cart | None, cart_item_id: object) -> Line | None:
    if cart is None:
        return None
    return next((line for line in cart.lines if line.cart_item_id == cart_item_id), None)


def _exchange(lines: tuple[Line, ...], changed: Line) -> tuple[Line, ...]:
    return tuple(changed if line.cart_item_id == changed.cart_item_id else line for line in lines)
