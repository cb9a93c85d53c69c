"""Decides what a list of calls leads to, and when two backends stand alike: what evaluation compares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from datagen_core.environment.backend import Environment
from datagen_core.environment.catalogue import Catalogue
from datagen_core.environment.opening import Opening
from datagen_core.environment.state import Line
from datagen_core.files import JsonObject


class Replayed(NamedTuple):
    """A backend after a list of calls, and the response to each, in order."""

    environment: Environment
    responses: tuple[object, ...]


def replay_calls(
    opening: Opening, calls: Iterable[tuple[str, Mapping[str, object]]], catalogue: Catalogue | None = None
) -> Replayed:
    """Carry out (tool, arguments) one after the other on a fresh backend.

    Raises:
        ConfigError: the opening contradicts itself or the catalogue.
    """
    environment = Environment(opening, catalogue)
    return Replayed(environment, tuple(environment.execute(tool, arguments) for tool, arguments in calls))


def describe_outcome(environment: Environment) -> JsonObject:
    """Return what the customer is left with: the cart, the saved addresses, the orders placed since the opening.

    Ids that the backend made up, the clock and the look-ups on the way are no part of it: two ways to the same cart
    are the same outcome. `Environment.digest` tells apart what this does not.
    """
    cart = environment.cart
    addresses = {address.address_id: address for address in environment.addresses}
    return {
        "cart": sorted(map(_describe_line, cart.lines if cart else ()), key=str),
        "addresses": [
            [a.recipient_name, a.phone, a.line1, a.line2, a.is_default, a.gate_password, a.delivery_note]
            for a in addresses.values()
        ],
        "orders": [
            {
                "lines": sorted(map(_describe_line, order.lines), key=str),
                "address": _place_of(order.address_id, environment),
                "payment_method": order.payment_method,
                "delivery_note": order.delivery_note,
                "pg_id": order.pg_id,
                "total": order.total,
            }
            for order in environment.placed_orders
        ],
    }


def is_same_outcome(one: Environment, other: Environment) -> bool:
    """Tell whether two backends leave the customer with the same."""
    return describe_outcome(one) == describe_outcome(other)


def _describe_line(line: Line) -> list[object]:
    return [line.menu_item_id, line.quantity, line.special_request]


def _place_of(address_id: str | None, environment: Environment) -> int | None:
    """Return which address it is, counted from 1 in order of creation."""
    ids = environment.address_ids
    return ids.index(address_id) + 1 if address_id in ids else None
