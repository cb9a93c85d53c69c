"""Decides whether a dialogue reached what its scenario asked for: predicates over the calls and the final state."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.config import ErrorCode, PaymentMethod
from datagen_core.environment.backend import Environment
from datagen_core.environment.handles import Handles
from datagen_core.environment.state import Line

_LineKey = tuple[str, int, str | None]


class _Predicate(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GoalLine(_Predicate):
    """A line of a cart or an order; `menu` is a handle."""

    menu: str
    quantity: int
    special_request: str | None = None


class GoalCall(_Predicate):
    """A call with exactly these arguments, ids as handles, `user_id` left out."""

    tool: str
    arguments: dict[str, object]


class GoalOrder(_Predicate):
    """An order placed during the dialogue; `address` is a handle."""

    lines: tuple[GoalLine, ...]
    address: str
    payment_method: PaymentMethod
    delivery_note: str | None = None


class NoCalls(_Predicate):
    """No tool is called."""

    type: Literal["no_calls"] = "no_calls"


class OnlyTools(_Predicate):
    """No other tool than these is called."""

    type: Literal["only_tools"] = "only_tools"
    tools: tuple[str, ...]


class CallsInOrder(_Predicate):
    """These calls happen in this order; others may stand between."""

    type: Literal["calls_in_order"] = "calls_in_order"
    calls: tuple[GoalCall, ...]


class CartHolds(_Predicate):
    """The cart ends with exactly these lines, in any order; none means an empty cart or no cart."""

    type: Literal["cart_holds"] = "cart_holds"
    lines: tuple[GoalLine, ...] = ()


class OrdersPlaced(_Predicate):
    """Exactly these orders are placed, in this order."""

    type: Literal["orders_placed"] = "orders_placed"
    orders: tuple[GoalOrder, ...] = ()


class AddressSaved(_Predicate):
    """The address that the handle names ends with these fields; a field not named may hold anything."""

    type: Literal["address_saved"] = "address_saved"
    address: str
    fields: dict[str, str | bool]


class Refusals(_Predicate):
    """The backend refuses a call with each of `required`, and with no other code than these and `allowed`."""

    type: Literal["refusals"] = "refusals"
    required: tuple[ErrorCode, ...] = ()
    allowed: tuple[ErrorCode, ...] = ()


class AsksBefore(_Predicate):
    """`tool` is called only after the customer has spoken at least `customer_turns` times."""

    type: Literal["asks_before"] = "asks_before"
    tool: str
    customer_turns: int


Predicate = Annotated[
    NoCalls | OnlyTools | CallsInOrder | CartHolds | OrdersPlaced | AddressSaved | Refusals | AsksBefore,
    Field(discriminator="type"),
]


class ExecutedCall(NamedTuple):
    """A call as it was executed, and how many times the customer had spoken by then."""

    tool: str
    arguments: Mapping[str, object]
    response: object
    customer_turns: int


def find_misses(
    goal: Sequence[Predicate], environment: Environment, handles: Handles, calls: Sequence[ExecutedCall]
) -> list[str]:
    """Return a sentence for each predicate that does not hold; an empty list means the goal is reached."""
    found = (_miss(predicate, environment, handles, calls) for predicate in goal)
    return [miss for miss in found if miss is not None]


def refusal_code(response: object) -> str | None:
    """Return the code of an error response, else None."""
    if not isinstance(response, dict):
        return None
    error = cast("dict[str, object]", response).get("error")
    code = cast("dict[str, object]", error).get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else None


def _miss(
    predicate: Predicate, environment: Environment, handles: Handles, calls: Sequence[ExecutedCall]
) -> str | None:
    match predicate:
        case NoCalls():
            return f"no tool was to be called, {calls[0].tool} was" if calls else None
        case OnlyTools(tools=tools):
            other = next((call.tool for call in calls if call.tool not in tools), None)
            return other and f"only {', '.join(tools)} may be called, {other} was"
        case CallsInOrder(calls=wanted):
            return _miss_calls(wanted, handles, calls)
        case CartHolds(lines=lines):
            return _miss_cart(lines, environment, handles)
        case OrdersPlaced(orders=orders):
            return _miss_orders(orders, environment, handles)
        case AddressSaved():
            return _miss_address(predicate, environment, handles)
        case Refusals():
            return _miss_refusals(predicate, calls)
        case AsksBefore(tool=tool, customer_turns=turns):
            early = any(call.tool == tool and call.customer_turns < turns for call in calls)
            return f"{tool} was called before the customer was asked" if early else None


def _miss_calls(wanted: Sequence[GoalCall], handles: Handles, calls: Sequence[ExecutedCall]) -> str | None:
    rest = iter(calls)
    for goal_call in wanted:
        arguments = {name: resolve_argument(value, handles) for name, value in goal_call.arguments.items()}
        if not any(call.tool == goal_call.tool and _without_user(call.arguments) == arguments for call in rest):
            shown = json.dumps(goal_call.arguments, ensure_ascii=False)
            return f"expected a call {goal_call.tool}({shown}) at its place in the order, found none"
    return None


def resolve_argument(value: object, handles: Handles) -> object:
    """Return what a goal's argument stands for: a handle's id (in lists too), any other value as it is."""
    if isinstance(value, str):
        resolved = handles.resolve(value)
        return value if resolved is None else resolved
    if isinstance(value, list):
        return [resolve_argument(element, handles) for element in cast("list[object]", value)]
    return value


def _miss_cart(lines: Sequence[GoalLine], environment: Environment, handles: Handles) -> str | None:
    cart = environment.cart
    found = _lines_held(cart.lines if cart else ())
    wanted = _lines_wanted(lines, handles)
    return None if found == wanted else f"the cart should hold {_shown(lines)}, it holds {_counted(found, handles)}"


def _miss_orders(orders: Sequence[GoalOrder], environment: Environment, handles: Handles) -> str | None:
    placed = environment.placed_orders
    if len(placed) != len(orders):
        return f"{len(orders)} orders should be placed, {len(placed)} were"
    for wanted, order in zip(orders, placed, strict=True):
        if _lines_held(order.lines) != _lines_wanted(wanted.lines, handles):
            return f"the order should hold {_shown(wanted.lines)}"
        if order.address_id != handles.resolve(wanted.address):
            return f"the order should go to {wanted.address}"
        if order.payment_method != wanted.payment_method:
            return f"the order should be paid by {wanted.payment_method}, it was by {order.payment_method}"
        if order.delivery_note != wanted.delivery_note:
            return f"the delivery note should be {wanted.delivery_note!r}, it is {order.delivery_note!r}"
    return None


def _miss_address(predicate: AddressSaved, environment: Environment, handles: Handles) -> str | None:
    wanted = handles.resolve(predicate.address)
    address = next((a for a in environment.addresses if a.address_id == wanted), None)
    if address is None:
        return f"address {predicate.address} should be saved, it is not"
    for name, value in predicate.fields.items():
        if getattr(address, name) != value:
            return f"address {predicate.address} should have {name} {value!r}, it has {getattr(address, name)!r}"
    return None


def _miss_refusals(predicate: Refusals, calls: Sequence[ExecutedCall]) -> str | None:
    codes = [code for call in calls if (code := refusal_code(call.response)) is not None]
    unplanned = next((c for c in codes if c not in predicate.required and c not in predicate.allowed), None)
    if unplanned is not None:
        return f"the backend refused a call with {unplanned}, which was not planned"
    missing = next((code for code in predicate.required if code not in codes), None)
    return missing and f"the backend was to refuse a call with {missing}, it did not"


def _without_user(arguments: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in arguments.items() if name != "user_id"}


def _lines_held(lines: Sequence[Line]) -> Counter[_LineKey]:
    return Counter((line.menu_item_id, line.quantity, line.special_request) for line in lines)


def _lines_wanted(lines: Sequence[GoalLine], handles: Handles) -> Counter[_LineKey]:
    return Counter((str(handles.resolve(line.menu)), line.quantity, line.special_request) for line in lines)


def _shown(lines: Sequence[GoalLine]) -> str:
    return ", ".join(_show_line(line.menu, line.quantity, line.special_request) for line in lines) or "nothing"


def _counted(lines: Counter[_LineKey], handles: Handles) -> str:
    named = ((handles.handle_of(menu) or menu, quantity, request) for menu, quantity, request in lines.elements())
    return ", ".join(_show_line(*line) for line in named) or "nothing"


def _show_line(menu: str, quantity: int, request: str | None) -> str:
    return f"{quantity} x {menu}" + ("" if request is None else f" ({request})")
