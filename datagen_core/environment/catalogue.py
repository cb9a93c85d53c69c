"""Decides which restaurants and dishes exist: an invented area of 80 restaurants, the same for the same seed."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from datagen_core.config import CATEGORIES, Category
from datagen_core.environment.catalogue_names import BRANCHES, PREFIXES, SETS, STYLES, SetMeal, Style
from datagen_core.environment.catalogue_prices import MINIMUM_ORDER, OPENING, PRICES, SIZES
from datagen_core.environment.seeds import derive_id, draw_below, draw_between, shuffled

RESTAURANTS_PER_CATEGORY: Final = 10
MIN_DISHES: Final = 6
MAX_DISHES: Final = 15

_DAY: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Dish:
    """One line of a menu; `price` in won."""

    id: str
    name: str
    price: int


@dataclass(frozen=True, slots=True)
class Restaurant:
    """A restaurant; hours in minutes after midnight in Korea (`closes` past 1,440 is the next day), money in won."""

    id: str
    name: str
    category: Category
    rating_avg: float
    opens: int
    closes: int
    delivery_fee: int
    min_order_amount: int
    dishes: tuple[Dish, ...]

    def is_open_at(self, moment: datetime) -> bool:
        """Tell whether the hours cover a moment of Korean time; the minute of closing is past it."""
        minute = moment.hour * 60 + moment.minute
        return self.opens <= minute < self.closes or minute + _DAY < self.closes

    @property
    def hours(self) -> str:
        """The opening hours as `11:00~22:00`; a closing past midnight as `다음 날 02:00`."""
        closes = f"{self.closes // 60 % 24:02d}:{self.closes % 60:02d}"
        return f"{self.opens // 60:02d}:{self.opens % 60:02d}~{'다음 날 ' if self.closes >= _DAY else ''}{closes}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All restaurants, category by category in the order of `CATEGORIES`; `Opening.restaurants` indexes into them.

    `search_texts` stands beside `restaurants`: the name and the dishes as `search_restaurants` compares them.
    """

    seed: int
    restaurants: tuple[Restaurant, ...]
    search_texts: tuple[str, ...]


@lru_cache(maxsize=64)
def build_catalogue(seed: int) -> Catalogue:
    """Return the catalogue of a seed; takes a few milliseconds once, then it is shared."""
    prefixes = iter(shuffled(PREFIXES, seed, "prefix"))
    restaurants = tuple(
        _build_restaurant(seed, category, number, next(prefixes))
        for category in CATEGORIES
        for number in range(RESTAURANTS_PER_CATEGORY)
    )
    return Catalogue(seed, restaurants, tuple(map(_search_text, restaurants)))


def fold_text(text: str) -> str:
    """Return the text as searches compare it: composed (NFC), case-folded, without white space."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return "".join(folded.split())


def _search_text(restaurant: Restaurant) -> str:
    return "\n".join(fold_text(name) for name in (restaurant.name, *(dish.name for dish in restaurant.dishes)))


def _build_restaurant(seed: int, category: Category, number: int, prefix: str) -> Restaurant:
    restaurant_id = derive_id(seed, "restaurant", category, number)
    style = STYLES[category][number % len(STYLES[category])]
    opens_low, opens_high, closes_low, closes_high = OPENING[category]
    least, most = MINIMUM_ORDER[category]
    return Restaurant(
        id=restaurant_id,
        name=_build_name(restaurant_id, prefix, style),
        category=category,
        rating_avg=(36 + draw_below(8, restaurant_id, "food") + draw_below(8, restaurant_id, "service")) / 10,
        opens=30 * draw_between(opens_low // 30, opens_high // 30, restaurant_id, "opens"),
        closes=30 * draw_between(closes_low // 30, closes_high // 30, restaurant_id, "closes"),
        delivery_fee=500 * draw_below(10, restaurant_id, "fee"),
        min_order_amount=1000 * draw_between(least // 1000, most // 1000, restaurant_id, "minimum"),
        dishes=_build_dishes(restaurant_id, category, style),
    )


def _build_name(restaurant_id: str, prefix: str, style: Style) -> str:
    name = prefix + style.endings[draw_below(len(style.endings), restaurant_id, "ending")]
    if draw_below(10, restaurant_id, "has branch") < 3:
        name += " " + BRANCHES[draw_below(len(BRANCHES), restaurant_id, "branch")]
    return name


def _build_dishes(restaurant_id: str, category: Category, style: Style) -> tuple[Dish, ...]:
    """Price what the style always cooks and some of what it may, then the sets these allow."""
    wanted = draw_between(MIN_DISHES + 1, len(style.always) + len(style.sometimes), restaurant_id, "wanted")
    chosen = set(shuffled(style.sometimes, restaurant_id, "dishes")[: wanted - len(style.always)])
    prices: dict[str, int] = {}
    for name in (*style.always, *(name for name in style.sometimes if name in chosen)):
        low, high, sizes = PRICES[category][name]
        price = _price_dish(restaurant_id, name, low, high)
        offered = {name + ending: price + dearer for ending, dearer in SIZES[sizes]}
        if len(prices) + len(offered) <= MAX_DISHES:
            prices.update(offered)
    for meal in SETS[category]:
        if len(prices) < MAX_DISHES and all(part in prices for part in meal.parts):
            prices[meal.name] = _price_set(meal, prices)
    return tuple(Dish(derive_id(restaurant_id, "dish", name), name, price) for name, price in prices.items())


def _price_dish(restaurant_id: str, name: str, low: int, high: int) -> int:
    """Cheap restaurants are cheap throughout, so that a latte stays dearer than an americano.

    Every fourth restaurant prices what is not trifling 100 won under the round sum, as many do.
    """
    level = draw_below(81, restaurant_id, "level") + draw_below(21, restaurant_id, "price", name)
    price = low + (high - low) * level // 100 // 500 * 500
    return price - 100 if price >= 3000 and draw_below(4, restaurant_id, "discount") == 0 else price


def _price_set(meal: SetMeal, prices: dict[str, int]) -> int:
    """About a tenth under the sum, at least 500 won under it and above its dearest part."""
    parts = [prices[part] for part in meal.parts]
    return max(max(parts) + 500, (sum(parts) - max(500, sum(parts) // 12)) // 100 * 100)
