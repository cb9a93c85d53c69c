"""Decides how a call is answered: the delivery app's backend, which really carries out the eleven tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, cast

import orjson

from datagen_core.config import TOOLS
from datagen_core.environment import tools_address, tools_cart, tools_order, tools_search
from datagen_core.environment.catalogue import Catalogue, Restaurant, build_catalogue
from datagen_core.environment.happenings import let_happen
from datagen_core.environment.opening import Opening
from datagen_core.environment.refusals import refuse
from datagen_core.environment.starting import build_state
from datagen_core.environment.state import Address, Cart, Order, State
from datagen_core.environment.validation import ARGUMENT_VALIDATORS
from datagen_core.files import JsonObject

SECONDS_PER_CALL: Final = 10

Tool = Callable[[State, Mapping[str, object]], object]

_TOOLS: Final[dict[str, Tool]] = {
    "search_restaurants": tools_search.search_restaurants,
    "get_restaurant_detail": tools_search.get_restaurant_detail,
    "list_addresses": tools_address.list_addresses,
    "upsert_address": tools_address.upsert_address,
    "get_cart": tools_cart.get_cart,
    "add_to_cart": tools_cart.add_to_cart,
    "update_cart_item": tools_cart.update_cart_item,
    "remove_cart_items": tools_cart.remove_cart_items,
    "prepare_checkout": tools_order.prepare_checkout,
    "place_order": tools_order.place_order,
    "get_order_status": tools_order.get_order_status,
}


class Environment:
    """One customer's backend; the same opening and calls give the same responses, ids and times everywhere.

    The clock stands at `opening.now` and moves on by `SECONDS_PER_CALL` before each call, refused or not.
    """

    __slots__ = ("_state", "opening")

    def __init__(self, opening: Opening, catalogue: Catalogue | None = None) -> None:
        """Stand at the opening; the catalogue is the one of `opening.catalogue_seed` unless another is given.

        Raises:
            ConfigError: the opening contradicts itself or the catalogue.
        """
        self.opening = opening
        self._state = build_state(opening, catalogue or build_catalogue(opening.catalogue_seed))

    def execute(self, tool: str, arguments: Mapping[str, object]) -> object:
        """Carry out one call and return its JSON response, or `{"error": {"code", "message"}}`; never raises.

        Any argument of any type is answered; what is no JSON object is refused as INVALID_ARGUMENT. The caller owns
        the response: changing it changes nothing here.
        """
        state = self._state
        state.now += timedelta(seconds=SECONDS_PER_CALL)
        perform = _TOOLS.get(tool) if isinstance(tool, str) else None
        if perform is None:
            return refuse("INVALID_ARGUMENT", "없는 도구입니다.")
        if state.happenings:
            let_happen(state, tool)
        if not ARGUMENT_VALIDATORS[tool].is_valid(arguments):
            return refuse("INVALID_ARGUMENT", _explain(tool, arguments))
        if arguments.get("user_id", state.user_id) != state.user_id:
            return refuse("FORBIDDEN")
        return perform(state, arguments)

    @property
    def user_id(self) -> str:
        """The logged-in customer."""
        return self._state.user_id

    @property
    def now(self) -> datetime:
        """The clock, in Korean time."""
        return self._state.now

    @property
    def restaurants(self) -> tuple[Restaurant, ...]:
        """The restaurants that deliver to this customer, in the opening's order."""
        return self._state.restaurants

    @property
    def cart(self) -> Cart | None:
        """The cart; None before anything was put in and after an order."""
        return self._state.cart

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The saved addresses, oldest first."""
        return tuple(self._state.addresses.values())

    @property
    def orders(self) -> tuple[Order, ...]:
        """All orders: those of the opening, then those placed since."""
        return tuple(self._state.orders.values())

    @property
    def placed_orders(self) -> tuple[Order, ...]:
        """The orders placed since the opening."""
        return self.orders[len(self.opening.orders) :]

    @property
    def cart_item_ids(self) -> tuple[str, ...]:
        """The ids of all cart lines there ever were, in order of creation."""
        return tuple(self._state.cart_item_ids)

    @property
    def address_ids(self) -> tuple[str, ...]:
        """The ids of all addresses there ever were, in order of creation."""
        return tuple(self._state.address_ids)

    @property
    def snapshot(self) -> JsonObject | None:
        """A copy of the snapshot that `place_order` takes now; None where nothing is prepared or something changed."""
        prepared = self._state.snapshot
        return None if prepared is None else cast("JsonObject", orjson.loads(prepared))

    @property
    def snapshots(self) -> tuple[JsonObject, ...]:
        """Copies of all snapshots prepared so far, in order; only the last can be valid."""
        return tuple(cast("JsonObject", orjson.loads(prepared)) for prepared in self._state.snapshots)

    def find_snapshot(self, number: int) -> JsonObject | None:
        """Return a copy of the snapshot that was prepared as the `number`th (from 1); None where there is none yet."""
        prepared = self._state.snapshots
        return cast("JsonObject", orjson.loads(prepared[number - 1])) if number <= len(prepared) else None

    def is_open(self, restaurant: Restaurant) -> bool:
        """Tell whether a restaurant takes orders now: by its hours, and unless the opening shut it today."""
        return self._state.is_open(restaurant, self._state.now)

    def is_available(self, menu_item_id: str) -> bool:
        """Tell whether a dish is offered, and not sold out."""
        return menu_item_id not in self._state.sold_out and menu_item_id not in self._state.gone

    def digest(self) -> str:
        """Return a fingerprint of the whole state: equal for two environments that will answer every call alike."""
        state = self._state
        document = {
            "opening": self.opening.model_dump_json(),
            "now": state.now,
            "cart": state.cart,
            "addresses": list(state.addresses.values()),
            "orders": list(state.orders.values()),
            "snapshot": state.snapshot is not None,
            "snapshots": [snapshot.decode() for snapshot in state.snapshots],
            "cart_item_ids": state.cart_item_ids,
            "address_ids": state.address_ids,
            "counts": sorted(state.counts.items()),
            "calls": sorted(state.calls.items()),
            "unavailable": [sorted(ids) for ids in (state.shut, state.sold_out, state.gone)],
        }
        return blake2b(orjson.dumps(document), digest_size=16).hexdigest()


def _parameters(tool: JsonObject) -> tuple[str, JsonObject]:
    function = cast("JsonObject", tool["function"])
    return cast("str", function["name"]), cast("JsonObject", function["parameters"])


_PARAMETERS: Final = dict(map(_parameters, TOOLS))


def _explain(tool: str, arguments: object) -> str:
    """Name the argument at fault if it is a declared one: what the caller made up is never repeated."""
    if not isinstance(arguments, dict):
        return "인자는 JSON 객체여야 합니다."
    given = cast("JsonObject", arguments)
    declared = cast("JsonObject", _PARAMETERS[tool]["properties"])
    for name in cast("list[str]", _PARAMETERS[tool]["required"]):
        if name not in given:
            return f"필수 인자 {name} 값이 없습니다."
    if not given.keys() <= declared.keys():
        return "정해지지 않은 인자가 있습니다."
    fault = ARGUMENT_VALIDATORS[tool].find_fault(given)
    return f"{fault} 값이 올바르지 않습니다." if fault in declared else "인자 값이 올바르지 않습니다."
