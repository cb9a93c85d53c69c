"""Decides which restaurant or dish a handle of an opening names, and how a wrong opening is refused."""

from __future__ import annotations

import re
from itertools import accumulate

from datagen_core.environment.catalogue import Dish, Restaurant
from datagen_core.errors import ConfigError


def wrong_opening(problem: str, advice: str) -> ConfigError:
    """Return the error for an opening that no backend can stand at."""
    return ConfigError(f"The opening cannot be performed: {problem}. {advice}")


def find_restaurant(restaurants: tuple[Restaurant, ...], handle: str) -> Restaurant:
    """Return the restaurant that R1, R2 … names.

    Raises:
        ConfigError: it names none.
    """
    return restaurants[read_handle(handle, "R", len(restaurants)) - 1]


def find_dish(restaurants: tuple[Restaurant, ...], handle: str) -> tuple[Restaurant, Dish]:
    """Return the dish that M1, M2 … names, numbered through restaurant by restaurant, and its restaurant.

    Raises:
        ConfigError: it names none.
    """
    ends = list(accumulate(len(restaurant.dishes) for restaurant in restaurants))
    number = read_handle(handle, "M", ends[-1] if ends else 0)
    position = next(index for index, end in enumerate(ends) if number <= end)
    return restaurants[position], restaurants[position].dishes[number - ends[position] - 1]


def read_handle(handle: str, letter: str, most: int) -> int:
    """Return the number of a handle of this letter, from 1 to `most`.

    Raises:
        ConfigError: it is no such handle.
    """
    if re.fullmatch(letter + "[1-9][0-9]{0,5}", handle) is None or int(handle[1:]) > most:
        raise wrong_opening(f"{handle!r} is none of {letter}1 to {letter}{most}", "Correct the handle.")
    return int(handle[1:])
