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

    __slots__ = ("_environment", "_fixed", "_names")

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        restaurants = environment.restaurants
        self._fixed: dict[str, str] = {f"R{n}": shop.id for n, shop in enumerate(restaurants, start=1)}
        dishes = (dish for shop in restaurants for dish in shop.dishes)
        self._fixed.update((f"M{n}", dish.id) for n, dish in enumerate(dishes, start=1))
        self._names = {value: handle for handle, value in self._fixed.items()}

    def resolve(self, handle: str) -> object | None:
        """Return the UUID that a handle stands for, a copy of the snapshot for S; None where there is no such handle.

        Exact: `r1`, `R01` and ` R1` are none.
        """
        found = self._fixed.get(handle)
        if found is not None:
            return found
        match = _HANDLE.fullmatch(handle)
        if match is None:
            return None
        letter, number = match[1], int(match[2])
        if letter == "X":
            return self._stray_id(number) if number <= MOST_STRAY else None
        created = self._environment.snapshots if letter == "S" else self._created().get(letter, ())
        return created[number - 1] if number <= len(created) else None

    def handle_of(self, value: str) -> str | None:
        """Return the handle of a UUID; None for a UUID that is none of this environment's."""
        found = self._names.get(value)
        if found is not None:
            return found
        for letter, ids in self._created().items():
            if value in ids:
                return f"{letter}{ids.index(value) + 1}"
        return next((f"X{number}" for number in range(1, MOST_STRAY + 1) if self._stray_id(number) == value), None)

    def _stray_id(self, number: int) -> str:
        return derive_stray_id(self._environment.opening.seed, f"X{number}")

    def _created(self) -> dict[str, tuple[str, ...]]:
        environment = self._environment
        return {
            "C": environment.cart_item_ids,
            "A": environment.address_ids,
            "O": tuple(order.order_id for order in environment.orders),
        }
