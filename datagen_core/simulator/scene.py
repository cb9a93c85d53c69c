"""Decides what both speakers of a scripted dialogue have in view: the rehearsed backend and what was said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from datagen_core.config import ErrorCode
from datagen_core.environment import Environment
from datagen_core.environment.goals import refusal_code
from datagen_core.environment.state import Address
from datagen_core.files import JsonObject
from datagen_core.plans import PlannedCall, SearchFilters, Step
from datagen_core.reference import Rehearsal
from datagen_core.simulator.reading import Brief


@dataclass
class Scene:
    """How far a dialogue has come. Handles throughout; `fees` and `minimums` are in won, as searches showed them.

    `shop` is the restaurant that was opened last, `refused` why the last step failed, `dish_of` the dish of each
    cart line there ever was, `added` the lines put in during the dialogue, `menus` what a restaurant's menu showed as
    available, `saved` the addresses saved in the dialogue.
    """

    brief: Brief
    rehearsal: Rehearsal
    listed: list[str] = field(default_factory=list[str])
    filters: SearchFilters = field(default_factory=dict[str, str | float | bool])
    shop: str | None = None
    refused: ErrorCode | None = None
    declined: str | None = None
    n_expired: int = 0
    n_menus: int = 0
    n_calls: int = 0
    menus: dict[str, list[JsonObject]] = field(default_factory=dict[str, list[JsonObject]])
    saved: list[str] = field(default_factory=list[str])
    added: list[str] = field(default_factory=list[str])
    dish_of: dict[str, str] = field(default_factory=dict[str, str])
    fees: dict[str, int] = field(default_factory=dict[str, int])
    minimums: dict[str, int] = field(default_factory=dict[str, int])

    def execute(self, call: PlannedCall) -> object:
        """Execute a call on the rehearsed backend, and note what it shows."""
        response = self.rehearsal.execute(call)
        self.n_calls += 1
        if refusal_code(response) is None:
            self._note(call, response)
        return response

    def finish(self, step: Step) -> None:
        """Note that a step is done."""
        self.refused = step.refused
        self.declined = step.request if step.intent == "decline" else None
        self.n_expired += step.refused == "SNAPSHOT_INVALID"
        self.n_menus += step.intent == "menu"

    def dish_name(self, menu: str) -> str:
        """Return the name of the dish that a handle such as M3 stands for."""
        return self.brief.dishes[menu].name

    def shop_name(self, restaurant: str) -> str:
        """Return the name of the restaurant that a handle such as R1 stands for."""
        return self.brief.shops[restaurant].name

    def has_shown(self, restaurant: str) -> bool:
        """Tell whether a response named the restaurant: a cart does not."""
        return restaurant in self.fees or restaurant in self.menus

    def shop_of(self, menu: str) -> str:
        """Return the handle of the restaurant that cooks a dish."""
        return self.rehearsal.shop_of[menu].handle

    def cart_shop(self) -> str | None:
        """Return the handle of the restaurant whose dishes are in the cart; None for an empty cart."""
        cart = self.rehearsal.environment.cart
        return self.rehearsal.handles.handle_of(cart.restaurant_id) if cart is not None and cart.lines else None

    def cart_lines(self) -> list[str]:
        """Return the handles of the lines in the cart."""
        cart = self.rehearsal.environment.cart
        found = (self.rehearsal.handles.handle_of(line.cart_item_id) for line in (cart.lines if cart else ()))
        return [handle for handle in found if handle]

    def line_name(self, cart_item: str) -> str:
        """Return the name of the dish of a cart line such as C1, also after it was removed."""
        return self.dish_name(self.dish_of[cart_item])

    def street(self, handle: str) -> str:
        """Return the street of an address such as A1, also after it was deleted."""
        known = self.brief.opening.addresses
        if int(handle[1:]) <= len(known):
            return known[int(handle[1:]) - 1].line1
        return self._find_address(handle).line1

    def is_default(self, handle: str) -> bool:
        """Tell whether an address such as A1 is the one that orders go to by default."""
        return self._find_address(handle).is_default

    def _find_address(self, handle: str) -> Address:
        wanted = self.rehearsal.handles.resolve(handle)
        return next(a for a in self.rehearsal.environment.addresses if a.address_id == wanted)

    def is_own_order(self, order: str) -> bool:
        """Tell whether an order such as O2 was placed during the dialogue."""
        return order.startswith("O") and int(order[1:]) > len(self.brief.opening.orders)

    def note_cart(self) -> None:
        """Remember which dish each line of the cart is."""
        handles, cart = self.rehearsal.handles, self.rehearsal.environment.cart
        for line in cart.lines if cart else ():
            self.dish_of[str(handles.handle_of(line.cart_item_id))] = str(handles.handle_of(line.menu_item_id))

    def _note(self, call: PlannedCall, response: object) -> None:
        if call.tool == "search_restaurants":
            found = cast("list[JsonObject]", cast("JsonObject", response)["items"])
            self.listed = [str(self.rehearsal.handles.handle_of(str(entry["restaurant_id"]))) for entry in found]
            for handle, entry in zip(self.listed, found, strict=True):
                self.fees[handle] = cast("int", entry["delivery_fee"])
                self.minimums[handle] = cast("int", entry["min_order_amount"])
            if call.is_asked:
                self.filters = cast("SearchFilters", dict(call.arguments))
        elif call.tool == "get_restaurant_detail":
            self.shop = cast("str", call.arguments["restaurant_id"])
            menus = cast("list[JsonObject]", cast("JsonObject", response)["menus"])
            self.menus[self.shop] = [dish for dish in menus if dish["is_available"]]
        elif call.tool == "upsert_address" and "address_id" not in call.arguments:
            self.saved.append(str(self.rehearsal.handles.handle_of(str(response))))
        elif call.tool == "add_to_cart":
            self.note_cart()
            self.added = [line for line in self.cart_lines() if line not in self._lines_before()]

    def _lines_before(self) -> set[str]:
        return {f"C{number}" for number in range(1, len(self.brief.opening.cart) + 1)}


def build_scene(brief: Brief) -> Scene:
    """Return the scene at the opening."""
    scene = Scene(brief, Rehearsal(Environment(brief.opening, brief.catalogue)))
    scene.note_cart()
    return scene
