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
    cart line there ever was, `added` the lines put in during the dialogue.
    """

    brief: Brief
    rehearsal: Rehearsal
    listed: list[str] = field(default_factory=list[str])
    filters: SearchFilters = field(default_factory=dict[str, str | float | bool])
    shop: str | None = None
    refused: ErrorCode | None = None
    has_declined: bool = False
    n_menus: int = 0
    added: list[str] = field(default_factory=list[str])
    dish_of: dict[str, str] = field(default_factory=dict[str, str])
    fees: dict[str, int] = field(default_factory=dict[str, int])
    minimums: dict[str, int] = field(default_factory=dict[str, int])

    def execute(self, call: PlannedCall) -> object:
        """Execute a call on the rehearsed backend, and note what it shows."""
        response = self.rehearsal.execute(call)
        if refusal_code(response) is None:
            self._note(call, response)
        return response

    def finish(self, step: Step) -> None:
        """Note that a step is done."""
        self.refused = step.refused
        self.has_declined = step.intent == "decline"
        self.n_menus += step.intent == "menu"

    def dish_name(self, menu: str) -> str:
        """Return the name of the dish that a handle such as M3 stands for."""
        return self.brief.dishes[menu].name

    def shop_name(self, restaurant: str) -> str:
        """Return the name of the restaurant that a handle such as R1 stands for."""
        return self.brief.shops[restaurant].name

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

    def address(self, handle: str) -> Address:
        """Return the saved address that a handle such as A1 stands for."""
        return self.rehearsal.environment.addresses[int(handle[1:]) - 1]

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
