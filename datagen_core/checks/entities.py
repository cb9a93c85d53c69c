"""Decides what a response says of restaurants, dishes and orders that never changes while a dialogue lasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from datagen_core.checks.fields import as_list, as_object, as_text

_RESTAURANT: Final = ("name", "category", "rating_avg", "min_order_amount", "delivery_fee")

Fields = Mapping[str, object]


class Trait(NamedTuple):
    """A field of an entity: its kind, its id and the field's name."""

    kind: str
    entity_id: str
    name: str


def iter_traits(tool: str, response: object) -> Iterator[tuple[Trait, object]]:
    """Yield what a response says, each with its value; fields that are missing say nothing."""
    fields = as_object(response)
    if tool == "search_restaurants":
        for restaurant in as_list(fields.get("items")):
            yield from _read(as_object(restaurant), "restaurant", "restaurant_id", {name: name for name in _RESTAURANT})
    elif tool == "get_restaurant_detail":
        yield from _read(fields, "restaurant", "restaurant_id", {name: name for name in _RESTAURANT})
        yield from _read_dishes(fields, "menus", _ON_MENU)
    elif tool == "get_order_status":
        yield from _read(fields, "order", "order_id", {"created_at": "created_at"})
    else:
        yield from _read_dishes(fields, "items", _IN_CART)


_ON_MENU: Final = {"name": "name", "price": "price"}
_IN_CART: Final = {"menu_name": "name", "unit_price_snapshot": "price"}
"""The names of a dish's fields in a response, and what they are of the dish."""


def _read_dishes(fields: Fields, key: str, names: Mapping[str, str]) -> Iterator[tuple[Trait, object]]:
    restaurant = fields.get("restaurant_id")
    for element in as_list(fields.get(key)):
        dish = as_object(element)
        yield from _read(dish, "dish", "menu_item_id", names)
        dish_id = as_text(dish.get("menu_item_id"))
        if dish_id is not None and isinstance(restaurant, str):
            yield Trait("dish", dish_id, "restaurant"), restaurant


def _read(fields: Fields, kind: str, id_name: str, names: Mapping[str, str]) -> Iterator[tuple[Trait, object]]:
    entity_id = as_text(fields.get(id_name))
    if entity_id is not None:
        yield from ((Trait(kind, entity_id, name), fields[shown]) for shown, name in names.items() if shown in fields)
