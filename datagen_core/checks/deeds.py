"""Decides what the calls before a turn have done, for claims to be held against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from datagen_core.checks.acts import NOTES
from datagen_core.checks.case import Exchange
from datagen_core.environment.goals import refusal_code

_NOTED: Final = ("special_request", "delivery_note", "gate_password")


class Done:
    """What the calls before a turn have done: tools carried out, calls at all, statuses read, dishes of carts seen.

    `recent` are the tools carried out since the customer spoke last before a call.
    """

    def __init__(self) -> None:
        self.tools: set[str] = set()
        self.statuses: set[str] = set()
        self.carts: list[frozenset[str]] = []
        self.n_calls = 0
        self.recent: set[str] = set()
        self._spoken = 0

    def advance(self, exchanges: Sequence[Exchange], turn: int) -> None:
        """Take in the calls that were answered before the turn."""
        while self.n_calls < len(exchanges) and exchanges[self.n_calls].response_turn < turn:
            self._note(exchanges[self.n_calls])
            self.n_calls += 1

    def forget_lines(self, n_spoken: int) -> None:
        """Take the calls made before the customer's last line out of the recent ones."""
        if n_spoken != self._spoken:
            self.recent.clear()

    def _note(self, exchange: Exchange) -> None:
        if exchange.customer_turns != self._spoken:
            self._spoken = exchange.customer_turns
            self.recent.clear()
        if refusal_code(exchange.response) is not None:
            return
        self.tools.add(exchange.call.name)
        self.recent.add(exchange.call.name)
        if isinstance(exchange.response, dict):
            response = cast("dict[str, object]", exchange.response)
            if "subtotal" in response:
                self.carts.append(_names_in(response.get("items")))
            if exchange.call.name == "get_order_status":
                self.statuses |= {str(response.get("status")), f"pay:{response.get('payment_status')}"}
        if carries_note(exchange):
            self.tools.add(NOTES)

    def has_moved(self) -> bool:
        """Tell whether something that was in a cart is no longer there."""
        return bool(self.moved_names()) or "place_order" in self.tools

    def moved_names(self) -> frozenset[str]:
        """Return the dishes that were in a cart once; where a quantity was lowered, they may still be there."""
        if not self.carts:
            return frozenset()
        ever = frozenset[str]().union(*self.carts)
        return ever if "update_cart_item" in self.tools else ever - self.carts[-1]


def carries_note(exchange: Exchange) -> bool:
    """Tell whether a call that was carried out had a request, a note or a gate password."""
    return any(map(exchange.call.arguments.get, _NOTED)) and refusal_code(exchange.response) is None


def _names_in(items: object) -> frozenset[str]:
    lines = cast("list[object]", items) if isinstance(items, list) else []
    fields = (cast("dict[str, object]", line) for line in lines if isinstance(line, dict))
    return frozenset(name for line in fields if isinstance(name := line.get("menu_name"), str))
