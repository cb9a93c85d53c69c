"""Decides what a scenario asks for, step by step, and which calls a flawless counsellor makes for each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.config import ErrorCode, PaymentMethod, Withheld

Intent = Literal[
    "search",
    "narrow",
    "menu",
    "add",
    "update",
    "remove",
    "cart",
    "addresses",
    "save_address",
    "checkout",
    "order",
    "status",
    "answer",
    "decline",
]
INTENTS: Final[tuple[Intent, ...]] = get_args(Intent)

SearchFilters = dict[str, str | float | bool]


class Step(BaseModel):
    """One thing the customer wants. Ids are handles; a field that is absent was not asked for.

    `request` is how the customer calls what is meant (제일 싼 메뉴, 하나 더), or what is to be answered or declined.
    `withhold` names what the customer leaves out until asked; `mistaken` is what stands in its place at first and is
    none (a phone number for an order's); `retracted` is what the customer says first and takes back in the same
    breath; `refused` is the code with which the backend will refuse the call. That a dish is sold out or a restaurant
    closed shows when it is looked up, and the dish is not put in; `unforeseen` tells that it happens after the look-up,
    so that the call is made and refused. `together` tells that the step is said in the line of the step before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intent: Intent
    filters: SearchFilters = Field(default_factory=dict)
    restaurant: str | None = None
    ordinal: int | None = None
    at: str | None = None
    menu: str | None = None
    quantity: int | None = None
    special_request: str | None = None
    items: tuple[str, ...] = ()
    address: str | None = None
    fields: dict[str, str | bool] = Field(default_factory=dict)
    note: str | None = None
    payment: PaymentMethod | None = None
    pg_id: str | None = None
    order: str | None = None
    request: str | None = None
    offer: str | None = None
    withhold: Withheld | None = None
    mistaken: str | None = None
    retracted: str | None = None
    refused: ErrorCode | None = None
    unforeseen: bool = False
    together: bool = False

    @property
    def is_seen_ahead(self) -> bool:
        """Whether a look-up shows that the dish cannot be put in, so that the call is never made."""
        shows = self.refused in ("MENU_ITEM_UNAVAILABLE", "RESTAURANT_CLOSED")
        return self.intent == "add" and shows and not self.unforeseen


class PlannedCall(NamedTuple):
    """A call with handles for ids and without `user_id`. `is_asked` tells it from a look-up on the way."""

    tool: str
    arguments: dict[str, object]
    is_asked: bool


@dataclass
class Knowledge:
    """What the counsellor has seen so far: ids it may use without looking them up.

    `dishes` are those that a cart showed, `addresses` those saved in the dialogue; `n_addresses` counts all there ever
    were. `cart_shop` is the restaurant whose dishes are in the cart, which the cart shows by its id.
    """

    found: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    dishes: set[str] = field(default_factory=set[str])
    addresses: set[str] = field(default_factory=set[str])
    cart_shop: str | None = None
    is_cart_seen: bool = False
    are_addresses_seen: bool = False
    n_addresses: int = 0
    n_snapshots: int = 0


class Shop(NamedTuple):
    """A restaurant as the plan knows it."""

    handle: str
    name: str


def plan_calls(step: Step, knowledge: Knowledge, shop_of: Mapping[str, Shop]) -> list[PlannedCall]:
    """Return the calls a flawless counsellor makes for the step, look-ups first, and add what they show to `knowledge`.

    `shop_of` maps each restaurant's and each dish's handle to its restaurant.
    """
    calls = _plan(step, knowledge, shop_of)
    for call in calls:
        if call.tool in ("get_cart", "add_to_cart") and (step.refused is None or not call.is_asked):
            knowledge.is_cart_seen = True
        elif call.tool == "list_addresses":
            knowledge.are_addresses_seen = True
    return calls


def _plan(step: Step, knowledge: Knowledge, shop_of: Mapping[str, Shop]) -> list[PlannedCall]:
    match step.intent:
        case "search" | "narrow":
            return [PlannedCall("search_restaurants", dict(step.filters), True)]
        case "menu":
            shop = shop_of[step.restaurant or ""]
            arguments: dict[str, object] = {"restaurant_id": shop.handle, **_given(at=step.at)}
            if step.refused is None:
                knowledge.opened.add(shop.handle)
            return [*_find(shop, knowledge), PlannedCall("get_restaurant_detail", arguments, True)]
        case "add":
            return _plan_add(step, knowledge, shop_of)
        case "update":
            change = _given(quantity=step.quantity, special_request=step.special_request)
            update = PlannedCall("update_cart_item", {"cart_item_id": step.items[0], **change}, True)
            return [*_see_cart(knowledge), update]
        case "remove":
            removal = PlannedCall("remove_cart_items", {"cart_item_ids": list(step.items)}, True)
            return [*_see_cart(knowledge), removal]
        case "cart":
            return [PlannedCall("get_cart", {}, True)]
        case "addresses":
            return [PlannedCall("list_addresses", {}, True)]
        case "save_address":
            return _plan_address(step, knowledge)
        case "checkout":
            checkout: dict[str, object] = {"address_id": step.address, **_given(delivery_note=step.note)}
            known = [] if step.address in knowledge.addresses else _see_addresses(knowledge)
            if step.refused is None:
                knowledge.n_snapshots += 1
            return [*known, PlannedCall("prepare_checkout", checkout, True)]
        case "order":
            payment = {"payment_method": step.payment, **_given(pg_id=step.pg_id)}
            return [PlannedCall("place_order", {"snapshot": f"S{knowledge.n_snapshots}", **payment}, True)]
        case "status":
            return [PlannedCall("get_order_status", {"order_id": step.order}, True)]
        case "answer" | "decline":
            return []


def _plan_address(step: Step, knowledge: Knowledge) -> list[PlannedCall]:
    if step.address is not None:
        change = PlannedCall("upsert_address", {**step.fields, "address_id": step.address}, True)
        return [*_see_addresses(knowledge), change]
    knowledge.n_addresses += 1
    knowledge.addresses.add(f"A{knowledge.n_addresses}")
    return [PlannedCall("upsert_address", dict(step.fields), True)]


def _plan_add(step: Step, knowledge: Knowledge, shop_of: Mapping[str, Shop]) -> list[PlannedCall]:
    shop = shop_of[step.menu or ""]
    calls: list[PlannedCall] = []
    if shop.handle not in knowledge.opened and step.menu not in knowledge.dishes:
        calls = [
            *_find(shop, knowledge),
            PlannedCall("get_restaurant_detail", {"restaurant_id": shop.handle}, False),
        ]
        knowledge.opened.add(shop.handle)
    if step.is_seen_ahead:
        return calls
    arguments = {
        "restaurant_id": shop.handle,
        "menu_item_id": step.menu,
        "quantity": step.quantity,
        **_given(special_request=step.special_request),
    }
    return [*calls, PlannedCall("add_to_cart", arguments, True)]


def _find(shop: Shop, knowledge: Knowledge) -> list[PlannedCall]:
    """Look in the cart for the restaurant of what is in it, else search for its name."""
    if shop.handle in knowledge.found:
        return []
    knowledge.found.add(shop.handle)
    if shop.handle == knowledge.cart_shop:
        return _see_cart(knowledge)
    return [PlannedCall("search_restaurants", {"query": shop.name}, False)]


def _see_cart(knowledge: Knowledge) -> list[PlannedCall]:
    return [] if knowledge.is_cart_seen else [PlannedCall("get_cart", {}, False)]


def _see_addresses(knowledge: Knowledge) -> list[PlannedCall]:
    return [] if knowledge.are_addresses_seen else [PlannedCall("list_addresses", {}, False)]


def _given(**arguments: object) -> dict[str, object]:
    return {name: value for name, value in arguments.items() if value is not None}


_SHOWN_BY: Final[Mapping[str, frozenset[str]]] = {
    "get_restaurant_detail": frozenset({"search_restaurants", "get_cart"}),
    "add_to_cart": frozenset({"search_restaurants", "get_restaurant_detail", "get_cart", "remove_cart_items"}),
    "update_cart_item": frozenset({"get_cart", "add_to_cart"}),
    "remove_cart_items": frozenset({"get_cart", "add_to_cart"}),
    "upsert_address": frozenset({"list_addresses"}),
    "prepare_checkout": frozenset(
        {
            "list_addresses", "upsert_address", "add_to_cart", "update_cart_item", "remove_cart_items", "get_cart",
            "place_order",
        }
    ),
    "place_order": frozenset({"prepare_checkout"}),
    "get_cart": frozenset({"add_to_cart", "update_cart_item", "remove_cart_items"}),
    "list_addresses": frozenset({"upsert_address"}),
    "get_order_status": frozenset({"place_order"}),
}  # fmt: skip
"""By tool, the tools whose answers it may build upon, or whose effect it is to see: it is not called beside them."""


def part_calls(tools: Sequence[str]) -> list[list[int]]:
    """Part the calls made between two lines into rounds of calls that can be made at once, as lists of positions.

    A call comes in the first round after all earlier ones that it may build upon, so that two searches go together
    and then what is to be read of both.
    """
    rounds: list[list[int]] = []
    for position, tool in enumerate(tools):
        sources = _SHOWN_BY.get(tool, frozenset())
        last = max((n for n, part in enumerate(rounds) if sources & {tools[other] for other in part}), default=-1)
        if last + 1 == len(rounds):
            rounds.append([])
        rounds[last + 1].append(position)
    return rounds
