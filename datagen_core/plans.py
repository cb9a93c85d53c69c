"""Decides what a scenario asks for, step by step, and which calls a flawless counsellor makes for each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.config import ErrorCode, PaymentMethod

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

    `withhold` names what the customer leaves out until asked; `retracted` is what the customer says first and takes
    back in the same breath; `refused` is the code with which the backend will refuse the call; `together` tells that
    the step is said in the same line as the step before.
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
    order: str | None = None
    request: str | None = None
    offer: str | None = None
    withhold: str | None = None
    retracted: str | None = None
    refused: ErrorCode | None = None
    together: bool = False


class PlannedCall(NamedTuple):
    """A call with handles for ids and without `user_id`. `is_asked` tells it from a look-up on the way."""

    tool: str
    arguments: dict[str, object]
    is_asked: bool


@dataclass
class Knowledge:
    """What the counsellor has seen so far: ids it may use without looking them up."""

    found: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    is_cart_seen: bool = False
    are_addresses_seen: bool = False
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
        if call.tool in ("get_cart", "add_to_cart"):
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
            if step.address is None:
                return [PlannedCall("upsert_address", dict(step.fields), True)]
            known = _see_addresses(knowledge)
            return [*known, PlannedCall("upsert_address", {**step.fields, "address_id": step.address}, True)]
        case "checkout":
            checkout: dict[str, object] = {"address_id": step.address, **_given(delivery_note=step.note)}
            if step.refused is None:
                knowledge.n_snapshots += 1
            return [*_see_addresses(knowledge), PlannedCall("prepare_checkout", checkout, True)]
        case "order":
            snapshot = f"S{knowledge.n_snapshots}"
            return [PlannedCall("place_order", {"snapshot": snapshot, "payment_method": step.payment}, True)]
        case "status":
            return [PlannedCall("get_order_status", {"order_id": step.order}, True)]
        case "answer" | "decline":
            return []


def _plan_add(step: Step, knowledge: Knowledge, shop_of: Mapping[str, Shop]) -> list[PlannedCall]:
    shop = shop_of[step.menu or ""]
    calls: list[PlannedCall] = []
    if shop.handle not in knowledge.opened:
        calls = [
            *_find(shop, knowledge),
            PlannedCall("get_restaurant_detail", {"restaurant_id": shop.handle}, False),
        ]
        knowledge.opened.add(shop.handle)
    if step.refused is not None:
        return calls
    arguments = {
        "restaurant_id": shop.handle,
        "menu_item_id": step.menu,
        "quantity": step.quantity,
        **_given(special_request=step.special_request),
    }
    return [*calls, PlannedCall("add_to_cart", arguments, True)]


def _find(shop: Shop, knowledge: Knowledge) -> list[PlannedCall]:
    if shop.handle in knowledge.found:
        return []
    knowledge.found.add(shop.handle)
    return [PlannedCall("search_restaurants", {"query": shop.name}, False)]


def _see_cart(knowledge: Knowledge) -> list[PlannedCall]:
    return [] if knowledge.is_cart_seen else [PlannedCall("get_cart", {}, False)]


def _see_addresses(knowledge: Knowledge) -> list[PlannedCall]:
    return [] if knowledge.are_addresses_seen else [PlannedCall("list_addresses", {}, False)]


def _given(**arguments: object) -> dict[str, object]:
    return {name: value for name, value in arguments.items() if value is not None}
