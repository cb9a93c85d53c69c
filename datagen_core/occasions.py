"""Decides at what moments dialogues begin: which days, which half hours, and which restaurants are open then."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from random import Random
from typing import Final

from datagen_core.config import Category
from datagen_core.environment.catalogue import Catalogue, Restaurant
from datagen_core.environment.state import KST

FIRST_DAY: Final = date(2026, 1, 1)
N_DAYS: Final = 365
HOLIDAYS: Final = tuple(
    date(2026, month, day)
    for month, day in (
        (1, 1), (2, 16), (2, 17), (2, 18), (3, 1), (3, 2), (5, 5), (5, 24), (5, 25), (6, 3), (6, 6),
        (8, 15), (8, 17), (9, 24), (9, 25), (9, 26), (10, 3), (10, 5), (10, 9), (12, 25),
    )
)  # fmt: skip
"""Public holidays in Korea and the days off in their place, as the `holidays` library lists them for 2026."""

HOLIDAY_SHARE: Final = 0.1

HOUR_WEIGHTS: Final[dict[int, int]] = {
    0: 3, 1: 2, 2: 1, 5: 1, 6: 1, 7: 2, 8: 3, 9: 3, 10: 3, 11: 6, 12: 8, 13: 5, 14: 3, 15: 3, 16: 3, 17: 5,
    18: 8, 19: 8, 20: 6, 21: 5, 22: 5, 23: 4,
}  # fmt: skip
"""How often dialogues begin in an hour of the day; meal times come up more often."""

MAX_DISHES: Final = 11
N_SIMILAR: Final = 3
"""Open restaurants of the category that a dialogue is about."""


def pick_moment(rng: Random, slots: tuple[time, ...]) -> datetime:
    """Return a moment in one of the half hours, on any day of the year; now and then on a holiday."""
    day = FIRST_DAY + timedelta(days=rng.randrange(N_DAYS))
    if rng.random() < HOLIDAY_SHARE:
        day = rng.choice(HOLIDAYS)
    slot = rng.choices(slots, [HOUR_WEIGHTS[slot.hour] for slot in slots])[0]
    # Away from the whole and the half hour, so that no restaurant opens or closes while the dialogue lasts.
    minute = slot.minute + rng.randrange(2, 20)
    return datetime.combine(day, slot.replace(minute=minute), tzinfo=KST)


def list_short(catalogue: Catalogue) -> list[tuple[int, Restaurant]]:
    """Return the restaurants with a short menu: the whole menu stands in the prompt, which is paid for."""
    return [(i, shop) for i, shop in enumerate(catalogue.restaurants) if len(shop.dishes) <= MAX_DISHES]


@lru_cache(maxsize=64)
def list_slots(catalogue: Catalogue, category: Category | None) -> tuple[time, ...]:
    """Return the half hours in which enough restaurants of the category are open; all of them for None."""
    halves = (time(hour, minute) for hour in HOUR_WEIGHTS for minute in (0, 30))
    if category is None:
        return tuple(halves)
    shops = [shop for _, shop in list_short(catalogue) if shop.category == category]
    return tuple(half for half in halves if sum(_is_open(shop, half) for shop in shops) >= N_SIMILAR)


def _is_open(shop: Restaurant, half: time) -> bool:
    return shop.is_open_at(datetime.combine(FIRST_DAY, half, tzinfo=KST))
