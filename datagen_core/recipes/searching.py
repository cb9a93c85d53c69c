"""Decides what a customer goes through who looks for restaurants and reads their menus."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from datagen_core.config import CATEGORIES, Kind
from datagen_core.draft import Draft
from datagen_core.plans import SearchFilters
from datagen_core.recipes.base import Recipe


def _search(filters_of: Callable[[Draft], SearchFilters]) -> Recipe:
    def recipe(draft: Draft, kind: Kind, number: int) -> None:
        draft.want("search", filters=filters_of(draft))

    return recipe


def _search_category(draft: Draft, kind: Kind, number: int) -> None:
    others = [category for category in CATEGORIES if category != draft.category]
    retracted = draft.rng.choice(others) if kind == "correction" else None
    draft.want("search", filters={"category": draft.category}, retracted=retracted)


def _search_what(draft: Draft, kind: Kind, number: int) -> None:
    draft.want("search", filters={"category": draft.category}, withhold="음식 종류")


def search_dish(draft: Draft, kind: Kind, number: int) -> None:
    """Look for a dish, or first for another one."""
    word, *others = draft.pick_words(2 if kind == "correction" else 1)
    draft.want("search", filters={"query": word}, retracted=others[0] if others else None)


def _search_shop(draft: Draft, kind: Kind, number: int) -> None:
    shop = draft.pick_shop()
    draft.want("search", filters={"query": draft.shops[shop].name})
    draft.want("menu", restaurant=f"R{shop + 1}")


def _search_open(draft: Draft, kind: Kind, number: int) -> None:
    draft.shut_one()
    draft.want("search", filters={"category": draft.category, "only_open": True})


def _search_min_rating(draft: Draft, kind: Kind, number: int) -> None:
    draft.want("search", filters={"category": draft.category, "min_rating": pick_rating(draft)})


def _search_set(draft: Draft, kind: Kind, number: int) -> None:
    """Several conditions at once."""
    draft.shut_one()
    sets: tuple[SearchFilters, ...] = (
        {"only_open": True, "sort": "rating"},
        {"min_rating": pick_rating(draft), "sort": "delivery_fee"},
        {"min_rating": pick_rating(draft), "only_open": True},
    )
    draft.want("search", filters={"category": draft.category, **sets[number % len(sets)]})


def _search_two(draft: Draft, kind: Kind, number: int) -> None:
    other = next(shop.category for shop in draft.shops if shop.category != draft.category)
    draft.want("search", filters={"category": draft.category})
    draft.want("search", filters={"category": other}, together=True)


def pick_rating(draft: Draft) -> float:
    """Return a lowest rating that someone may ask for."""
    return draft.rng.choice((4.0, 4.2, 4.5))


def search_narrow(draft: Draft, kind: Kind, number: int) -> None:
    """Look for a category, then add two conditions one after the other."""
    draft.shut_one()
    ways: tuple[tuple[SearchFilters, SearchFilters], ...] = (
        ({"sort": "delivery_fee"}, {"only_open": True}),
        ({"sort": "rating"}, {"only_open": True}),
        ({"min_rating": pick_rating(draft)}, {"sort": "delivery_fee"}),
        ({"only_open": True}, {"sort": "rating"}),
    )
    narrow(draft, {"category": draft.category}, *ways[number % len(ways)])


def narrow(draft: Draft, filters: SearchFilters, *more: SearchFilters) -> None:
    """Search, then carry the conditions over and add to them, or change one."""
    draft.want("search", filters=filters)
    for added in more:
        filters = {**filters, **added}
        draft.want("narrow", filters=filters)


def _search_to_cart(draft: Draft, kind: Kind, number: int) -> None:
    """From a dish to the restaurants that cook it, to one's menu and into the cart."""
    shop, menu = want_dish_search(draft)
    if kind == "tool_use":
        draft.want("menu", **shop)
        draft.want("add", menu=menu, quantity=draft.rng.choice((1, 2)))
    else:
        draft.want("add", menu=menu, quantity=draft.rng.choice((1, 2)), ordinal=shop["ordinal"])


def want_dish_search(draft: Draft) -> tuple[dict[str, object], str]:
    """Search for a dish; return the restaurant that is going to be chosen, by handle and ordinal, and the dish."""
    position = draft.pick_shop()
    menu, dish = draft.pick_main_dish(position)
    word = dish.name.partition("(")[0].partition("+")[0].strip()
    found = draft.find_shops(word)
    draft.want("search", filters={"query": word})
    return {"restaurant": f"R{position + 1}", "ordinal": found.index(position) + 1}, menu


def _menu_prices(draft: Draft, kind: Kind, number: int) -> None:
    draft.want("menu", restaurant=f"R{draft.pick_shop() + 1}")


def _compare_menus(draft: Draft, kind: Kind, number: int) -> None:
    first, second = draft.rng.sample(draft.open_shops(), 2)
    draft.want("menu", restaurant=f"R{first + 1}")
    draft.want("menu", restaurant=f"R{second + 1}", together=draft.at_once)


def menu_ordinal(draft: Draft, kind: Kind, number: int) -> None:
    """Look for a category and read the menus of two of the restaurants that come up."""
    draft.want("search", filters={"category": draft.category})
    first, second = draft.rng.sample(range(len(draft.listed())), 2)
    want_menu(draft, first)
    want_menu(draft, second)


def want_menu(draft: Draft, place: int, *, request: str | None = None) -> str:
    """Read the menu of the restaurant that stands at this place (from 0) of the category's list; return its handle."""
    restaurant = f"R{draft.listed()[place] + 1}"
    draft.want("menu", restaurant=restaurant, ordinal=None if request else place + 1, request=request)
    return restaurant


def _opening_hours(draft: Draft, kind: Kind, number: int) -> None:
    draft.want("menu", restaurant=f"R{draft.pick_shop() + 1}", at=pick_later(draft).isoformat())


def hours_there(draft: Draft, kind: Kind, number: int) -> None:
    """Read a menu, then ask whether that very restaurant is open at another time."""
    restaurant = f"R{draft.pick_shop() + 1}"
    draft.want("menu", restaurant=restaurant)
    draft.want("menu", restaurant=restaurant, at=pick_later(draft).isoformat(), request="그 집")


def pick_later(draft: Draft) -> datetime:
    """Return a whole hour from now to the day after tomorrow."""
    moments = (
        (draft.now + timedelta(days=days)).replace(hour=hour, minute=0)
        for days in (0, 1, 2)
        for hour in (9, 12, 15, 18, 21, 22, 23)
    )
    return draft.rng.choice([moment for moment in moments if moment > draft.now])


SEARCHING: Final[dict[str, Recipe]] = {
    "search_category": _search_category,
    "search_open": _search_open,
    "search_rating": _search(lambda draft: {"category": draft.category, "sort": "rating"}),
    "search_fee": _search(lambda draft: {"category": draft.category, "sort": "delivery_fee"}),
    "search_min_rating": _search_min_rating,
    "search_set": _search_set,
    "search_two": _search_two,
    "search_narrow": search_narrow,
    "search_what": _search_what,
    "search_dish": search_dish,
    "search_relevance": _search(lambda draft: {"query": draft.pick_common_word(), "sort": "relevance"}),
    "search_shop": _search_shop,
    "search_to_cart": _search_to_cart,
    "menu_prices": _menu_prices,
    "compare_menus": _compare_menus,
    "menu_ordinal": menu_ordinal,
    "opening_hours": _opening_hours,
    "hours_there": hours_there,
}
