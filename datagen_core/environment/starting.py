"""Decides how the backend stands when a dialogue begins, from an opening and the catalogue."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from datagen_core.config import UUID_PATTERN
from datagen_core.environment.catalogue import Catalogue, Restaurant
from datagen_core.environment.happenings import check_happening
from datagen_core.environment.opening import Opening, PastOrder
from datagen_core.environment.positions import find_dish, find_restaurant, read_handle, wrong_opening
from datagen_core.environment.seeds import derive_id, draw_between
from datagen_core.environment.state import KST, MAX_QUANTITY, Address, Cart, Order, State, draw_pace
from datagen_core.environment.validation import json_problem

DAY_ENDS: Final = timedelta(days=1, hours=6)
"""A restaurant that is shut today stays so until six the next morning: hours past midnight belong to the day before."""

MOST_STRAY: Final = 9
"""Handles of order numbers that are not the customer's go from X1 to X9."""

_PATIENCE: Final = 15 * 60
"""Seconds that a past order surely keeps its status: 90 calls of 10 s."""


def build_state(opening: Opening, catalogue: Catalogue) -> State:
    """Return the state at the opening.

    Raises:
        ConfigError: the opening names a restaurant, dish or moment that cannot be, or a cart of two restaurants.
    """
    _check_texts(opening)
    now = _read_now(opening.now)
    restaurants = _choose_restaurants(opening, catalogue)
    state = State(
        user_id=opening.user_id,
        seed=opening.seed,
        now=now,
        restaurants=restaurants,
        search_texts=tuple(catalogue.search_texts[index] for index in opening.restaurants),
        shut={find_restaurant(restaurants, handle).id for handle in opening.closed},
        shut_until=now.replace(hour=0, minute=0, second=0) + DAY_ENDS,
        sold_out={find_dish(restaurants, handle)[1].id for handle in opening.sold_out},
        foreign_orders=frozenset(derive_stray_id(opening.seed, handle) for handle in opening.foreign_orders),
        happenings=opening.happenings,
    )
    for happening in opening.happenings:
        check_happening(happening, restaurants)
    _save_addresses(state, opening)
    _fill_cart(state, opening)
    for past in opening.orders:
        order = _build_past_order(state.create_id("order"), past, now)
        state.orders[order.order_id] = order
    return state


def derive_stray_id(seed: int, handle: str) -> str:
    """Return the order number that X1, X2 … stands for: one that this customer has no order of."""
    return derive_id(seed, "stray", read_handle(handle, "X", MOST_STRAY))


def _check_texts(opening: Opening) -> None:
    if re.fullmatch(UUID_PATTERN, opening.user_id) is None:
        raise wrong_opening(f"user_id {opening.user_id!r} is no lower-case UUID", "Take one of config.USER_IDS.")
    texts: list[object] = [line.special_request for line in opening.cart]
    texts += [
        text for saved in opening.addresses for text in (saved.recipient_name, saved.phone, saved.line1, saved.line2)
    ]
    if json_problem(texts) is not None:
        raise wrong_opening("a text of the cart or an address holds a lone surrogate", "Take the broken character out.")


def _read_now(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise wrong_opening(f"now is {text!r}", "Write ISO 8601 such as 2026-02-14T19:10:00+09:00.") from error
    if moment.utcoffset() != timedelta(hours=9) or not 2000 <= moment.year < 2200:
        raise wrong_opening(f"now is {text!r}", "Give Korean time (+09:00) between the years 2000 and 2199.")
    return moment.astimezone(KST).replace(microsecond=0)


def _choose_restaurants(opening: Opening, catalogue: Catalogue) -> tuple[Restaurant, ...]:
    indexes, total = opening.restaurants, len(catalogue.restaurants)
    if len(set(indexes)) < len(indexes) or not all(0 <= index < total for index in indexes):
        raise wrong_opening(f"restaurants are {indexes}", f"Name each once, from 0 to {total - 1}.")
    return tuple(catalogue.restaurants[index] for index in indexes)


def _save_addresses(state: State, opening: Opening) -> None:
    """Save them in order; one is the default: the first that says so, else the first."""
    flagged = [number for number, saved in enumerate(opening.addresses) if saved.is_default]
    default = flagged[0] if flagged else 0
    for number, saved in enumerate(opening.addresses):
        address_id = state.create_address_id()
        state.addresses[address_id] = Address(
            address_id, saved.recipient_name, saved.phone, saved.line1, saved.line2, is_default=number == default
        )


def _fill_cart(state: State, opening: Opening) -> None:
    if not opening.cart:
        return
    found = [find_dish(state.restaurants, line.menu) for line in opening.cart]
    restaurant = found[0][0]
    if any(other is not restaurant for other, _ in found):
        raise wrong_opening("the cart holds dishes of several restaurants", "Choose its dishes from one.")
    if any(line.quantity > MAX_QUANTITY for line in opening.cart):
        raise wrong_opening("the cart holds too many of a dish", f"Ask for at most {MAX_QUANTITY}.")
    lines = tuple(
        state.create_line(dish, line.quantity, line.special_request)
        for (_, dish), line in zip(found, opening.cart, strict=True)
    )
    state.cart = Cart(state.create_id("cart"), restaurant.id, lines)


def _build_past_order(order_id: str, past: PastOrder, now: datetime) -> Order:
    """Date the order so that it has its status now and keeps it for `_PATIENCE`; what is over is days old."""
    pace = draw_pace(order_id)
    age = draw_between(20, 300, order_id, "age")
    stay = age + draw_between(_PATIENCE, 2 * _PATIENCE, order_id, "left")
    match past.status:
        case "pending":
            before = age
        case "paid":
            before, pace = age, replace(pace, paid=stay)
        case "preparing":
            before, pace = pace.paid + age, replace(pace, preparing=stay)
        case "delivering":
            before, pace = pace.paid + pace.preparing + age, replace(pace, delivering=stay)
        case "delivered" | "cancelled":
            before = _draw_seconds_ago(order_id, now)
    created = now - timedelta(seconds=before)
    paid = None if past.status == "pending" else created
    return Order(order_id, past.payment_method, created, paid, pace, is_cancelled=past.status == "cancelled")


def _draw_seconds_ago(order_id: str, now: datetime) -> int:
    """Draw a moment between 11:00 and 21:00, when people order, of one of the six days before."""
    noon = now.replace(hour=11, minute=0, second=0) - timedelta(days=draw_between(1, 6, order_id, "day"))
    return int((now - noon).total_seconds()) - draw_between(0, 10 * 3600, order_id, "time")
