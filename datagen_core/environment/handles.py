"""Decides what the short names R1, M3, C1, A1, O1, S1 and X1 stand for in one environment, and what an id is called."""

from __future__ import annotations

import re
from typing import Final

from datagen_core.environment.backend import Environment
from datagen_core.environment.starting import MOST_STRAY, derive_stray_id

_HANDLE: Final = re.compile(r"([RMCAOSX])([1-9][0-9]{0,5})")


class Handles:
    """The handles of an environment, at whatever point its calls have reached; nothing is ever renumbered.

    R: restaurants in the opening's order. M: their dishes, numbered through. C: cart lines as they were created, those
    of the opening first. A: addresses, O: orders, likewise. S: snapshots as `prepare_checkout` returned them.
    X: order numbers that the customer has wrong; they always exist, and no order has them.
    """

    __slots__ = ("_environment", "_ids")

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._ids: dict[str, str] = {}  # what was resolved once stays so

    def resolve(self, handle: str) -> object | None:
        """Return the UUID that a handle stands for, a copy of the snapshot for S; None where there is no such handle.

        Exact: `r1`, `R01` and ` R1` are none.
        """
        known = self._ids.get(handle)
        if known is not None:
            return known
        parts = _HANDLE.fullmatch(handle)
        if parts is None:
            return None
        letter, number = parts[1], int(parts[2])
        if letter == "S":
            return self._environment.find_snapshot(number)
        found = self._find_id(letter, number)
        if found is not None:
            self._ids[handle] = found
        return found

    def _find_id(self, letter: str, number: int) -> str | None:
        match letter:
            case "M":
                return self._dish_id(number)
            case "R":
                shops = self._environment.restaurants
                return shops[number - 1].id if number <= len(shops) else None
            case "X":
                return self._stray_id(number) if number <= MOST_STRAY else None
            case _:
                made = self._list_ids(letter)
                return made[number - 1] if number <= len(made) else None

    def handle_of(self, value: str) -> str | None:
        """Return the handle of a UUID; None for a UUID that is none of this environment's."""
        for letter in "RMCAO":
            ids = self._list_ids(letter)
            if value in ids:
                return f"{letter}{ids.index(value) + 1}"
        return next((f"X{number}" for number in range(1, MOST_STRAY + 1) if self._stray_id(number) == value), None)

    def _stray_id(self, number: int) -> str:
        return derive_stray_id(self._environment.opening.seed, f"X{number}")

    def _dish_id(self, number: int) -> str | None:
        """Count through the menus, which is quicker than to number every dish where a dialogue names three."""
        for shop in self._environment.restaurants:
            if number <= len(shop.dishes):
                return shop.dishes[number - 1].id
            number -= len(shop.dishes)
        return None

    def _list_ids(self, letter: str) -> tuple[str, ...]:
        """Return the ids that the handles of a letter number, for all but S and X, which have none."""
        environment = self._environment
        match letter:
            case "R":
                return tuple(shop.id for shop in environment.restaurants)
            case "M":
                return tuple(dish.id for shop in environment.restaurants for dish in shop.dishes)
            case "C":
                return environment.cart_item_ids
            case "A":
                return environment.address_ids
            case _:
                return tuple(order.order_id for order in environment.orders)
