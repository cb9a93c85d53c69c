"""Decides how a goal is told to people: one English sentence a predicate, handles beside the names they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from datagen_core.environment import Environment, Handles
from datagen_core.environment.goals import (
    AddressSaved,
    AsksBefore,
    Avoids,
    CallsInOrder,
    CartHolds,
    GoalCall,
    GoalEvent,
    GoalLine,
    GoalOrder,
    GoalRemoval,
    NoCalls,
    OnlyTools,
    OrdersPlaced,
    Predicate,
    Refusals,
)

Names = Mapping[str, str]
"""What handles stand for: `M3` → 김치찌개."""


def name_handles(environment: Environment) -> dict[str, str]:
    """Return what each handle of an environment stands for, at whatever point its calls have reached."""
    handles = Handles(environment)
    names: dict[str, str] = {}
    for shop in environment.restaurants:
        names[handles.handle_of(shop.id) or ""] = shop.name
        names.update((handles.handle_of(dish.id) or "", dish.name) for dish in shop.dishes)
    for line in environment.cart.lines if environment.cart is not None else ():
        names[handles.handle_of(line.cart_item_id) or ""] = line.menu_name
    for address in environment.addresses:
        names[handles.handle_of(address.address_id) or ""] = address.line1
    return names


def describe_goal(goal: Sequence[Predicate], names: Names) -> list[str]:
    """Return a sentence for each predicate; calls in order take one each."""
    return [sentence for predicate in goal for sentence in _describe(predicate, names)]


def _describe(predicate: Predicate, names: Names) -> Iterator[str]:
    match predicate:
        case NoCalls():
            yield "No tool is called."
        case OnlyTools(tools=tools):
            yield f"No tool is called but {_join(tools)}."
        case CallsInOrder(calls=calls):
            yield "These calls happen in this order:"
            for number, event in enumerate(calls, start=1):
                yield f"  {number}. {_describe_event(event, names)}"
        case CartHolds(lines=lines):
            yield f"The cart ends with {_describe_lines(lines, names)}." if lines else "The cart ends empty."
        case OrdersPlaced(orders=orders):
            yield "No order is placed." if not orders else f"{len(orders)} order(s) placed:"
            yield from (f"  {_describe_order(order, names)}" for order in orders)
        case AddressSaved():
            yield _describe_address(predicate, names)
        case Refusals(required=required, allowed=allowed):
            yield _describe_refusals(required, allowed)
        case AsksBefore():
            yield _describe_question(predicate, names)
        case Avoids(tool=tool, value=value):
            yield f"{tool} is never carried out with {_name(value, names)}."


def _describe_event(event: GoalEvent, names: Names) -> str:
    together = " (before or after the one before)" if event.together else ""
    if isinstance(event, GoalCall):
        return f"{_describe_call(event, names)}{together}"
    if isinstance(event, GoalRemoval):
        return f"{_name(event.removes, names)} is taken out of the cart{together}"
    return (
        f"a response shows that {_name(event.unavailable, names)} is not to be had, and the customer speaks{together}"
    )


def _describe_call(call: GoalCall, names: Names) -> str:
    arguments = ", ".join(f"{key}={_name(value, names)}" for key, value in call.arguments.items())
    return f"{call.tool}({arguments})" + (f", refused with {call.refused}" if call.refused else "")


def _describe_lines(lines: Sequence[GoalLine], names: Names) -> str:
    return _join(
        [
            f"{line.quantity} x {_name(line.menu, names)}"
            + (f" with the request {line.special_request!r}" if line.special_request else "")
            for line in lines
        ]
    )


def _describe_order(order: GoalOrder, names: Names) -> str:
    text = f"{_describe_lines(order.lines, names)} to {_name(order.address, names)}, paid by {order.payment_method}"
    if order.delivery_note:
        text += f", with the note {order.delivery_note!r}"
    return f"{text}, pg_id {order.pg_id}" if order.pg_id else text


def _describe_address(predicate: AddressSaved, names: Names) -> str:
    held = ", ".join(f"no {key}" if value is None else f"{key} {value!r}" for key, value in predicate.fields.items())
    count = "" if predicate.n_addresses is None else f"; {predicate.n_addresses} address(es) are saved in all"
    return f"The address {_name(predicate.address, names)} ends with {held}{count}."


def _describe_refusals(required: Sequence[str], allowed: Sequence[str]) -> str:
    if not required and not allowed:
        return "The backend refuses no call."
    must = f"The backend refuses a call with {_join(required)}" if required else "The backend need not refuse a call"
    return f"{must}, and with no other code" + (f" but {_join(allowed)}." if allowed else ".")


def _describe_question(predicate: AsksBefore, names: Names) -> str:
    since = "" if predicate.after is None else f" since {_describe_call(predicate.after, names)}"
    asked = f", after being asked for {predicate.asks}" if predicate.asks is not None else ""
    return (
        f"{predicate.tool} is called only after the customer has spoken {predicate.customer_turns} times{since}{asked}."
    )


def _name(value: object, names: Names) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_name(element, names) for element in cast("list[object]", value)) + "]"
    if isinstance(value, str) and value in names:
        return f"{names[value]} ({value})"
    return repr(value) if isinstance(value, str) else str(value)


def _join(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
