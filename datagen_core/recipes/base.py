"""Decides what a recipe is, and the few moves that recipes of several kinds share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from datagen_core.config import ORDER_STATUSES, PAYMENT_METHODS, RECIPIENTS, STREETS, UNITS, Kind, PaymentMethod
from datagen_core.draft import Draft

Recipe = Callable[[Draft, Kind, int], None]
"""Fills a draft. The number counts the scenarios of this kind and topic, so that lists are gone through evenly."""

_TURN: Final[dict[Kind, int]] = {"tool_use": 0, "clarification": 2, "correction": 5}
"""Where a kind begins in the rounds of payment methods and order statuses, so that a few scenarios show them all."""


def take_payment(kind: Kind, number: int) -> PaymentMethod:
    """Return the payment method whose turn it is."""
    return PAYMENT_METHODS[(_TURN.get(kind, 1) + number) % len(PAYMENT_METHODS)]


def have_order(draft: Draft, kind: Kind, number: int, *, skip: int = 0) -> str:
    """Let the customer have an order with the status whose turn it is; return its handle."""
    turn = _TURN.get(kind, 1) + number + skip
    return draft.have_order(ORDER_STATUSES[turn % len(ORDER_STATUSES)])


def draw_address(draft: Draft, *, besides: tuple[str, ...] = ()) -> dict[str, str | bool]:
    """Return the fields of a new address, of a street that is none of those named."""
    return {
        "recipient_name": draft.rng.choice(RECIPIENTS),
        "phone": draft.pick_phone(),
        "line1": draft.rng.choice([street for street in STREETS if street not in besides]),
        "line2": draft.rng.choice(UNITS),
    }


def want_order(draft: Draft, kind: Kind, number: int, *, address: str = "A1", note: str | None = None) -> None:
    """Let the customer check out and order what is in the cart."""
    draft.want("checkout", address=address, note=note)
    draft.want("order", payment=take_payment(kind, number))
