"""Decides a scenario's goal: performs its plan as a flawless counsellor would and writes down where that leads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, cast, get_args

from datagen_core.config import ERROR_CODES, TOOL_NAMES, ErrorCode, Withheld
from datagen_core.environment import Environment, Handles, build_catalogue
from datagen_core.environment.goals import (
    AddressField,
    AddressSaved,
    AsksBefore,
    Avoids,
    CallsInOrder,
    CartHolds,
    ExecutedCall,
    GoalCall,
    GoalEvent,
    GoalLine,
    GoalOrder,
    GoalRemoval,
    GoalSight,
    NoCalls,
    OnlyTools,
    OrdersPlaced,
    Predicate,
    Refusals,
    refusal_code,
    resolve_argument,
)
from datagen_core.environment.opening import Opening
from datagen_core.environment.state import Line
from datagen_core.plans import Intent, Knowledge, PlannedCall, Shop, Step, plan_calls

SWEEPING: Final = ("upsert_address", "prepare_checkout", "place_order")
"""Tools that reach beyond the cart: forbidden wherever the plan does not use them."""

_CHECKED_BY_STATE: Final = frozenset({"place_order", "upsert_address"})
"""Tools whose every trace is seen at the end, so that another right way (a checkout prepared twice) stays open."""

_ADDRESS_FIELDS: Final[tuple[AddressField, ...]] = get_args(AddressField)

_RETRACTABLE: Final[Mapping[Intent, str]] = {
    "search": "search_restaurants",
    "narrow": "search_restaurants",
    "add": "add_to_cart",
    "update": "update_cart_item",
    "save_address": "upsert_address",
    "checkout": "prepare_checkout",
    "order": "place_order",
}
"""The tool that must not be called with what a step's customer took back."""


class DerivedGoal(NamedTuple):
    """What `derive_goal` finds."""

    goal: tuple[Predicate, ...]
    forbidden_tools: tuple[str, ...]


class Rehearsal:
    """An environment in which planned calls are executed by handle; used for goals and by the simulator's writer."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.handles = Handles(environment)
        self.knowledge = Knowledge(n_addresses=len(environment.addresses))
        self.shop_of = _map_shops(environment)
        self.calls: list[ExecutedCall] = []

    def plan(self, step: Step) -> list[PlannedCall]:
        """Return the calls for the step, given what was seen so far."""
        cart = self.environment.cart
        self.knowledge.cart_shop = self.handles.handle_of(cart.restaurant_id) if cart else None
        return plan_calls(step, self.knowledge, self.shop_of)

    def execute(self, call: PlannedCall) -> object:
        """Execute a call and remember what its response shows."""
        response = self.environment.execute(call.tool, self.fill(call.tool, call.arguments))
        self.calls.append(ExecutedCall(call.tool, call.arguments, response, 0))
        self._note(call.tool, response)
        return response

    def _note(self, tool: str, response: object) -> None:
        """Remember the restaurants that a search lists, and the dishes that a cart holds."""
        shown = cast("dict[str, object]", response) if isinstance(response, dict) else {}
        items = cast("list[dict[str, object]]", shown.get("items", []))
        key, known = (
            ("restaurant_id", self.knowledge.found)
            if tool == "search_restaurants"
            else ("menu_item_id", self.knowledge.dishes)
        )
        known.update(handle for item in items if (handle := self.handles.handle_of(str(item[key]))))

    def fill(self, tool: str, arguments: Mapping[str, object]) -> dict[str, object]:
        """Return real arguments: handles resolved, `user_id` added where the tool takes it."""
        resolved = {name: resolve_argument(value, self.handles) for name, value in arguments.items()}
        return {"user_id": self.environment.user_id, **resolved} if needs_user_id(tool) else resolved


def needs_user_id(tool: str) -> bool:
    """Tell whether the tool takes the customer's `user_id`, which scripts never write."""
    return tool not in ("search_restaurants", "get_restaurant_detail", "place_order") and tool in TOOL_NAMES


def derive_goal(
    opening: Opening, steps: tuple[Step, ...], *, no_calls: bool = False, only_search: bool = False
) -> DerivedGoal:
    """Perform the plan and return the goal it reaches and the tools it has no business with.

    Raises:
        RuntimeError: the backend refuses a call that the recipe did not plan to be refused, or the other way round; a
            bug in the recipe.
    """
    if no_calls:
        return DerivedGoal((NoCalls(),), TOOL_NAMES)
    rehearsal = Rehearsal(Environment(opening, build_catalogue(opening.catalogue_seed)))
    goal: list[Predicate] = []
    asked: list[GoalEvent] = []
    for position, step in enumerate(steps):
        calls = rehearsal.plan(step)
        _require([rehearsal.execute(call) for call in calls], step)
        if step.withhold is not None:
            goal.append(_describe_question(calls[-1].tool, step.withhold, asked))
        if step.retracted is not None:
            goal.append(Avoids(tool=_RETRACTABLE[step.intent], value=_read_retracted(step)))
        has_before = bool(asked) and steps[position - 1].refused is None
        asked += _describe_events(step, calls, rehearsal, has_before=has_before)
    if asked:
        goal.insert(0, CallsInOrder(calls=tuple(asked)))
    goal += _describe_end(rehearsal, steps)
    if only_search:
        goal.append(OnlyTools(tools=("search_restaurants",)))
    used = {call.tool for call in rehearsal.calls}
    return DerivedGoal(tuple(goal), tuple(tool for tool in SWEEPING if tool not in used))


def _read_retracted(step: Step) -> str | int:
    """Return what was taken back as the argument it would have been: a quantity is a number."""
    retracted = step.retracted or ""
    return int(retracted) if step.quantity is not None and retracted.isdecimal() else retracted


def _describe_events(
    step: Step, calls: list[PlannedCall], rehearsal: Rehearsal, *, has_before: bool
) -> list[GoalEvent]:
    """Return what has to happen for the step; all of it may change places with the step said in the same line."""
    if step.is_seen_ahead:
        menu = step.menu or ""
        is_closed = step.refused == "RESTAURANT_CLOSED"
        return [GoalSight(unavailable=rehearsal.shop_of[menu].handle if is_closed else menu)]
    events: list[GoalEvent] = []
    for call in calls:
        if not call.is_asked or (call.tool in _CHECKED_BY_STATE and step.refused is None):
            continue
        together = step.together and has_before
        if call.tool == "remove_cart_items" and step.refused is None:
            events += [GoalRemoval(removes=item, together=together or n > 0) for n, item in enumerate(step.items)]
        else:
            events.append(GoalCall(tool=call.tool, arguments=call.arguments, refused=step.refused, together=together))
    return events


def _describe_question(tool: str, asks: Withheld, asked: list[GoalEvent]) -> AsksBefore:
    """Return that the tool waits for an answer.

    A wish is brought up, at the earliest, in the line in which what was asked before it was done; so the answer to
    the counsellor's question comes one line later. A dialogue's first wish takes a line of its own.
    """
    before = next((event for event in reversed(asked) if isinstance(event, GoalCall)), None)
    return AsksBefore(tool=tool, customer_turns=2 if before is None else 1, after=before, asks=asks)


def _require(responses: list[object], step: Step) -> None:
    """See to it that what is planned to be refused is, by its last call, and nothing else."""
    *before, last = [refusal_code(response) for response in responses] or [None]
    wanted = None if step.is_seen_ahead else step.refused
    if any(before) or last != wanted:
        raise RuntimeError(f"The plan's step {step!r} was answered with {[*before, last]}.")


def _describe_end(rehearsal: Rehearsal, steps: tuple[Step, ...]) -> list[Predicate]:
    environment, handles = rehearsal.environment, rehearsal.handles
    cart = environment.cart
    orders = tuple(
        GoalOrder(
            lines=_describe_lines(order.lines, handles),
            address=str(handles.handle_of(order.address_id or "")),
            payment_method=order.payment_method,
            delivery_note=order.delivery_note,
            pg_id=order.pg_id,
        )
        for order in environment.placed_orders
    )
    refused = {refusal_code(call.response) for call in rehearsal.calls}
    planned: list[ErrorCode] = [code for code in ERROR_CODES if any(step.refused == code for step in steps)]
    saved = any(step.intent == "save_address" for step in steps)
    end: list[Predicate] = [
        *(_describe_addresses(rehearsal) if saved else ()),
        CartHolds(lines=_describe_lines(cart.lines if cart else (), handles)),
        OrdersPlaced(orders=orders),
        Refusals(
            required=tuple(code for code in planned if code in refused),
            allowed=tuple(code for code in planned if code not in refused),
        ),
    ]
    return end


def _describe_addresses(rehearsal: Rehearsal) -> list[AddressSaved]:
    """Return every address as it stands, so that nothing may be made up on the way."""
    addresses = rehearsal.environment.addresses
    return [
        AddressSaved(
            address=str(rehearsal.handles.handle_of(address.address_id)),
            fields={name: getattr(address, name) for name in _ADDRESS_FIELDS},
            n_addresses=len(addresses),
        )
        for address in addresses
    ]


def _describe_lines(lines: tuple[Line, ...], handles: Handles) -> tuple[GoalLine, ...]:
    return tuple(
        GoalLine(
            menu=str(handles.handle_of(line.menu_item_id)),
            quantity=line.quantity,
            special_request=line.special_request,
        )
        for line in lines
    )


def _map_shops(environment: Environment) -> Mapping[str, Shop]:
    shops: dict[str, Shop] = {}
    number = 0
    for position, restaurant in enumerate(environment.restaurants, start=1):
        shop = Shop(f"R{position}", restaurant.name)
        shops[shop.handle] = shop
        for _ in restaurant.dishes:
            number += 1
            shops[f"M{number}"] = shop
    return shops
