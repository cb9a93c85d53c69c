"""Decides what the customer finds: `search_restaurants` and `get_restaurant_detail`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, cast

from datagen_core.environment.catalogue import Restaurant, fold_text
from datagen_core.environment.refusals import refuse
from datagen_core.environment.state import KST, State, write_moment

PAGE_SIZE: Final = 20

_SORT_KEYS: Final[dict[str, Callable[[Restaurant], float]]] = {
    "rating": lambda restaurant: -restaurant.rating_avg,
    "delivery_fee": lambda restaurant: restaurant.delivery_fee,
}


def search_restaurants(state: State, arguments: Mapping[str, object]) -> object:
    """Return the first page of the restaurants that meet every condition given.

    Each word of `query` must occur in the name or in a dish; without `sort`, or with `relevance`, the order is the
    opening's; ties keep it.
    """
    found = _find(state, arguments)
    sort_key = _SORT_KEYS.get(cast("str", arguments.get("sort", "relevance")))
    if sort_key is not None:
        found.sort(key=sort_key)
    return {
        "items": [_describe(state, restaurant) for restaurant in found[:PAGE_SIZE]],
        "pagination": {
            "page": 1,
            "page_size": PAGE_SIZE,
            "total_items": len(found),
            "total_pages": -(-len(found) // PAGE_SIZE),
        },
        "applied_filters": {
            name: arguments.get(name) for name in ("query", "category", "min_rating", "only_open", "sort")
        },
    }


def get_restaurant_detail(state: State, arguments: Mapping[str, object]) -> object:
    """Return one restaurant with its menu, open or not at `at`, else now."""
    restaurant = state.find_restaurant(arguments["restaurant_id"])
    if restaurant is None:
        return refuse("RESTAURANT_NOT_FOUND")
    moment = _read_moment(cast("str", arguments["at"])) if "at" in arguments else state.now
    if moment is None:
        return refuse("INVALID_ARGUMENT", "at 값이 달력에 없는 시각입니다.")
    return {
        "restaurant_id": restaurant.id,
        "name": restaurant.name,
        "category": restaurant.category,
        "rating_avg": restaurant.rating_avg,
        "is_open": state.is_open(restaurant, moment),
        "checked_at": write_moment(moment),
        "menus": [
            {
                "menu_item_id": dish.id,
                "name": dish.name,
                "price": dish.price,
                "is_available": state.is_available(dish),
            }
            for dish in state.list_dishes(restaurant)
        ],
    }


def _find(state: State, arguments: Mapping[str, object]) -> list[Restaurant]:
    category = arguments.get("category")
    min_rating = cast("float", arguments.get("min_rating", 0))
    only_open = arguments.get("only_open") is True
    words = [fold_text(word) for word in cast("str", arguments.get("query", "")).split()]
    return [
        restaurant
        for restaurant, text in zip(state.restaurants, state.search_texts, strict=True)
        if restaurant.id not in state.gone
        and (category is None or restaurant.category == category)
        and restaurant.rating_avg >= min_rating
        and all(word in text for word in words)
        and (not only_open or state.is_open(restaurant, state.now))
    ]


def _describe(state: State, restaurant: Restaurant) -> dict[str, object]:
    return {
        "restaurant_id": restaurant.id,
        "name": restaurant.name,
        "category": restaurant.category,
        "rating_avg": restaurant.rating_avg,
        "is_open": state.is_open(restaurant, state.now),
        "min_order_amount": restaurant.min_order_amount,
        "delivery_fee": restaurant.delivery_fee,
    }


def _read_moment(text: str) -> datetime | None:
    """Return the moment in Korean time; RFC 3339 also writes leap seconds and the year 0, which no `datetime` holds."""
    try:
        return datetime.fromisoformat(text).astimezone(KST)
    except (ValueError, OverflowError):
        return None
