"""Decides a scenario's goal: performs its plan as a flawless counsellor would and writes down where that leads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, cast

from datagen_core.config import ERROR_CODES, TOOL_NAMES, ErrorCode
from datagen_core.environment import Environment, Handles, build_catalogue
from datagen_core.environment.goals import (
    AddressSaved,
    AsksBefore,
    CallsInOrder,
    CartHolds,
    ExecutedCall,
    GoalCall,
    GoalLine,
    GoalOrder,
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
from datagen_core.plans import Knowledge, PlannedCall, Shop, Step, plan_calls

SWEEPING: Final = ("upsert_address", "prepare_checkout", "place_order")
"""Tools that reach beyond the cart: forbidden wherever the plan does not use them."""

_CHECKED_BY_STATE: Final = frozenset(
    {"add_to_cart", "update_cart_item", "remove_cart_items", "place_order", "upsert_address"}
)


class DerivedGoal(NamedTuple):
    """What `derive_goal` finds."""

    goal: tuple[Predicate, ...]
    forbidden_tools: tuple[str, ...]


class Rehearsal:
    """An environment in which planned calls are executed by handle; used for goals and by the simulator's writer."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.handles = Handles(environment)
        self.knowledge = Knowledge()
        self.shop_of = _map_shops(environment)
        self.calls: list[ExecutedCall] = []

    def plan(self, step: Step) -> list[PlannedCall]:
        """Return the calls for the step, given what was seen so far."""
        return plan_calls(step, self.knowledge, self.shop_of)

    def execute(self, call: PlannedCall) -> object:
        """Execute a call and remember what its response shows."""
        response = self.environment.execute(call.tool, self.fill(call.tool, call.arguments))
        self.calls.append(ExecutedCall(call.tool, call.arguments, response, 0))
        if call.tool == "search_restaurants" and refusal_code(response) is None:
            items = cast("list[dict[str, object]]", cast("dict[str, object]", response)["items"])
            found = (self.handles.handle_of(str(item["restaurant_id"])) for item in items)
            self.knowledge.found.update(handle for handle in found if handle)
        return response

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
        RuntimeError: the backend refuses a call that the recipe did not plan to be refused; a bug in the recipe.
    """
    if no_calls:
        return DerivedGoal((NoCalls(),), TOOL_NAMES)
    rehearsal = Rehearsal(Environment(opening, build_catalogue(opening.catalogue_seed)))
    goal: list[Predicate] = []
    asked: list[GoalCall] = []
    customer_turns = 0
    for step in steps:
        calls = rehearsal.plan(step)
        customer_turns += 0 if step.together else 1
        for call in calls:
            if call.is_asked and call.tool not in _CHECKED_BY_STATE and step.refused is None:
                asked.append(GoalCall(tool=call.tool, arguments=call.arguments))
            _require(rehearsal.execute(call), step)
        if step.withhold is not None:
            customer_turns += 1
            goal.append(AsksBefore(tool=calls[-1].tool, customer_turns=customer_turns))
        if step.intent == "save_address":
            address = step.address or f"A{len(opening.addresses) + 1}"
            goal.append(AddressSaved(address=address, fields=step.fields))
    if asked:
        goal.insert(0, CallsInOrder(calls=tuple(asked)))
    goal += _describe_end(rehearsal, steps)
    if only_search:
        goal.append(OnlyTools(tools=("search_restaurants",)))
    used = {call.tool for call in rehearsal.calls}
    return DerivedGoal(tuple(goal), tuple(tool for tool in SWEEPING if tool not in used))


def _require(response: object, step: Step) -> None:
    code = refusal_code(response)
    if code is not None and code != step.refused:
        raise RuntimeError(f"The plan's step {step!r} was refused with {code}.")


def _describe_end(rehearsal: Rehearsal, steps: tuple[Step, ...]) -> list[Predicate]:
    environment, handles = rehearsal.environment, rehearsal.handles
    cart = environment.cart
    orders = tuple(
        GoalOrder(
            lines=_describe_lines(order.lines, handles),
            address=str(handles.handle_of(order.address_id or "")),
            payment_method=order.payment_method,
            delivery_note=order.delivery_note,
        )
        for order in environment.placed_orders
    )
    refused = {refusal_code(call.response) for call in rehearsal.calls}
    planned: list[ErrorCode] = [code for code in ERROR_CODES if any(step.refused == code for step in steps)]
    end: list[Predicate] = [
        CartHolds(lines=_describe_lines(cart.lines if cart else (), handles)),
        OrdersPlaced(orders=orders),
        Refusals(
            required=tuple(code for code in planned if code in refused),
            allowed=tuple(code for code in planned if code not in refused),
        ),
    ]
    return end


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
