"""Decides whether a dialogue reached what its scenario asked for: predicates over the calls and the final state."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.config import ErrorCode, PaymentMethod, Withheld
from datagen_core.environment.backend import Environment
from datagen_core.environment.handles import Handles
from datagen_core.environment.state import Line

_LineKey = tuple[str, int, str | None]

AddressField = Literal["recipient_name", "phone", "line1", "line2", "is_default", "gate_password", "delivery_note"]
"""What a saved address consists of, but for its id."""


def _is_unset(value: object) -> bool:
    """Tell what is not written: a goal stands in every record, so it says nothing twice."""
    return value is None or value is False


class _Predicate(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GoalLine(_Predicate):
    """A line of a cart or an order; `menu` is a handle."""

    menu: str
    quantity: int
    special_request: str | None = None


class _Event(_Predicate):
    """Something that happens in a call; `together` with the event before, it may come before or after it."""

    together: bool = Field(default=False, exclude_if=_is_unset)


class GoalCall(_Event):
    """A call with exactly these arguments, ids as handles, `user_id` left out; carried out, or refused with a code."""

    tool: str
    arguments: dict[str, object]
    refused: ErrorCode | None = Field(default=None, exclude_if=_is_unset)


class GoalRemoval(_Event):
    """A call that takes this cart line (a handle) out of the cart, alone or with others."""

    removes: str


class GoalSight(_Event):
    """A response that shows this dish as sold out, or this restaurant (both handles) as closed now.

    What comes next in the order comes only after the customer has spoken again: it is for them to choose otherwise.
    """

    unavailable: str


GoalEvent = GoalCall | GoalRemoval | GoalSight


class GoalOrder(_Predicate):
    """An order placed during the dialogue; `address` is a handle, `pg_id` is None unless it was asked for."""

    lines: tuple[GoalLine, ...]
    address: str
    payment_method: PaymentMethod
    delivery_note: str | None = None
    pg_id: str | None = Field(default=None, exclude_if=_is_unset)


class NoCalls(_Predicate):
    """No tool is called."""

    type: Literal["no_calls"] = "no_calls"


class OnlyTools(_Predicate):
    """No other tool than these is called."""

    type: Literal["only_tools"] = "only_tools"
    tools: tuple[str, ...]


class CallsInOrder(_Predicate):
    """These calls happen in this order, those that belong together in any; others may stand between."""

    type: Literal["calls_in_order"] = "calls_in_order"
    calls: tuple[GoalEvent, ...]


class CartHolds(_Predicate):
    """The cart ends with exactly these lines, in any order; none means an empty cart or no cart."""

    type: Literal["cart_holds"] = "cart_holds"
    lines: tuple[GoalLine, ...] = ()


class OrdersPlaced(_Predicate):
    """Exactly these orders are placed, in this order."""

    type: Literal["orders_placed"] = "orders_placed"
    orders: tuple[GoalOrder, ...] = ()


class AddressSaved(_Predicate):
    """The address that the handle names ends with these fields; a field not named may hold anything.

    With `n_addresses`, so many addresses are saved at the end, and no further one.
    """

    type: Literal["address_saved"] = "address_saved"
    address: str
    fields: dict[AddressField, str | bool | None]
    n_addresses: int | None = Field(default=None, exclude_if=_is_unset)


class Refusals(_Predicate):
    """The backend refuses a call with each of `required`, and with no other code than these and `allowed`."""

    type: Literal["refusals"] = "refusals"
    required: tuple[ErrorCode, ...] = ()
    allowed: tuple[ErrorCode, ...] = ()


class AsksBefore(_Predicate):
    """`tool` is called only after the customer has spoken `customer_turns` times since `after` was first called.

    Without `after` lines count from the start. Nothing is understood here: two lines before the first wish's call may
    be a wish and its answer, or a greeting and a wish that leaves nothing open; and one line after `after` may answer
    a question or not. Whether it was really asked, and after `asks`, is for D02 to say, which reads what was said.
    """

    type: Literal["asks_before"] = "asks_before"
    tool: str
    customer_turns: int
    after: GoalCall | None = Field(default=None, exclude_if=_is_unset)
    asks: Withheld | None = Field(default=None, exclude_if=_is_unset)


class Avoids(_Predicate):
    """No call of `tool` that is carried out has this value, or what it is the handle of, among its arguments."""

    type: Literal["avoids"] = "avoids"
    tool: str
    value: str | int


Predicate = Annotated[
    NoCalls | OnlyTools | CallsInOrder | CartHolds | OrdersPlaced | AddressSaved | Refusals | AsksBefore | Avoids,
    Field(discriminator="type"),
]


class ExecutedCall(NamedTuple):
    """A call as it was executed, and how many times the customer had spoken by then."""

    tool: str
    arguments: Mapping[str, object]
    response: object
    customer_turns: int


_PUT_RIGHT_AT_ONCE: Final[tuple[ErrorCode, ...]] = ("SNAPSHOT_INVALID",)
"""Refusals after which the counsellor knows what to do: prepare the checkout again, and ask again."""


def find_misses(
    goal: Sequence[Predicate], environment: Environment, handles: Handles, calls: Sequence[ExecutedCall]
) -> list[str]:
    """Return a sentence for each predicate that does not hold; an empty list means the goal is reached."""
    found = (_miss(predicate, environment, handles, calls) for predicate in goal)
    return [miss for miss in found if miss is not None]


def refusal_code(response: object) -> str | None:
    """Return the code of an error response, else None."""
    if not isinstance(response, dict) or "error" not in response:
        return None
    error = cast("dict[str, object]", response).get("error")
    code = cast("dict[str, object]", error).get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else None


def _miss(
    predicate: Predicate, environment: Environment, handles: Handles, calls: Sequence[ExecutedCall]
) -> str | None:
    # By the tag: pydantic's own `isinstance` takes a microsecond for each class that it is not.
    match predicate.type:
        case "no_calls":
            return f"no tool was to be called, {calls[0].tool} was" if calls else None
        case "only_tools":
            tools = predicate.tools
            other = next((call.tool for call in calls if call.tool not in tools), None)
            return other and f"only {', '.join(tools)} may be called, {other} was"
        case "calls_in_order":
            return _miss_calls(predicate.calls, handles, calls)
        case "cart_holds":
            return _miss_cart(predicate.lines, environment, handles)
        case "orders_placed":
            return _miss_orders(predicate.orders, environment, handles)
        case "address_saved":
            return _miss_address(predicate, environment, handles)
        case "refusals":
            return _miss_refusals(predicate, calls)
        case "asks_before":
            return _miss_question(predicate, handles, calls)
        case "avoids":
            return _miss_retraction(predicate, handles, calls)


def _miss_calls(wanted: Sequence[GoalEvent], handles: Handles, calls: Sequence[ExecutedCall]) -> str | None:
    """Look for each group of events that belong together after the group before; the earliest that fits will do.

    After a sight or a refusal the customer speaks before anything else that was asked for happens.
    """
    start, least_turns = 0, 0
    for group in _group(wanted):
        used: set[int] = set()
        end, sights = start, list[int]()
        for event in group:
            is_sight = type(event) is GoalSight
            places = range(0 if is_sight else start, len(calls))
            place = next((i for i in places if i not in used and _fits(event, calls[i], handles, least_turns)), None)
            if place is None:
                return f"expected {_show_event(event)} at its place in the order, found none"
            if type(event) is GoalCall:
                used.add(place)
            if is_sight or (type(event) is GoalCall and event.refused not in (None, *_PUT_RIGHT_AT_ONCE)):
                sights.append(calls[place].customer_turns + 1)
            end = max(end, place + 1)
        start, least_turns = end, max([least_turns, *sights])
    return None


def _group(events: Sequence[GoalEvent]) -> list[list[GoalEvent]]:
    groups: list[list[GoalEvent]] = []
    for event in events:
        if groups and event.together:
            groups[-1].append(event)
        else:
            groups.append([event])
    return groups


def _fits(event: GoalEvent, call: ExecutedCall, handles: Handles, least_turns: int) -> bool:
    if isinstance(event, GoalCall):
        return call.customer_turns >= least_turns and _is_call(event, call, handles)
    if isinstance(event, GoalSight):
        return _shows(resolve_argument(event.unavailable, handles), call)
    if call.customer_turns < least_turns:
        return False
    if call.tool != "remove_cart_items" or refusal_code(call.response) is not None:
        return False
    removed = call.arguments.get("cart_item_ids")
    return isinstance(removed, list) and resolve_argument(event.removes, handles) in cast("list[object]", removed)


def _is_call(wanted: GoalCall, call: ExecutedCall, handles: Handles) -> bool:
    if call.tool != wanted.tool or refusal_code(call.response) != wanted.refused:
        return False
    given, expected = call.arguments, wanted.arguments
    if len(given) - ("user_id" in given) != len(expected):
        return False
    arguments = {name: resolve_argument(value, handles) for name, value in expected.items()}
    return _without_user(given) == arguments


def _shows(wanted: object, call: ExecutedCall) -> bool:
    """Tell whether a response shows a dish as sold out or a restaurant as closed, now and not at another time."""
    if call.tool == "add_to_cart":
        key = {"MENU_ITEM_UNAVAILABLE": "menu_item_id", "RESTAURANT_CLOSED": "restaurant_id"}
        return call.arguments.get(key.get(refusal_code(call.response) or "", "")) == wanted
    response = cast("dict[str, object]", call.response) if isinstance(call.response, dict) else {}
    if call.tool == "search_restaurants":
        return _lists(response.get("items"), "restaurant_id", wanted, "is_open")
    if call.tool != "get_restaurant_detail":
        return False
    is_closed = "at" not in call.arguments and _lists([response], "restaurant_id", wanted, "is_open")
    return is_closed or _lists(response.get("menus"), "menu_item_id", wanted, "is_available")


def _lists(entries: object, key: str, wanted: object, flag: str) -> bool:
    """Tell whether one of the entries is the one wanted, with the flag down."""
    if not isinstance(entries, list):
        return False
    found = (cast("dict[str, object]", entry) for entry in cast("list[object]", entries) if isinstance(entry, dict))
    return any(entry.get(key) == wanted and entry.get(flag) is False for entry in found)


def _show_event(event: GoalEvent) -> str:
    match event:
        case GoalCall(tool=tool, arguments=arguments, refused=refused):
            shown = f"a call {tool}({json.dumps(arguments, ensure_ascii=False)})"
            return shown if refused is None else f"{shown} refused with {refused}"
        case GoalRemoval(removes=cart_item):
            return f"a call remove_cart_items that takes out {cart_item}"
        case GoalSight(unavailable=handle):
            return f"a response that shows {handle} as sold out or closed, and then the customer's choice,"


def _miss_question(predicate: AsksBefore, handles: Handles, calls: Sequence[ExecutedCall]) -> str | None:
    after, start, base = predicate.after, 0, 0
    if after is not None:
        place = next((i for i, call in enumerate(calls) if _is_call(after, call, handles)), None)
        if place is None:
            return None  # CallsInOrder tells that it is missing
        start, base = place, calls[place].customer_turns
    early = any(
        call.tool == predicate.tool and call.customer_turns - base < predicate.customer_turns for call in calls[start:]
    )
    return f"{predicate.tool} was called before the customer was asked" if early else None


def _miss_retraction(predicate: Avoids, handles: Handles, calls: Sequence[ExecutedCall]) -> str | None:
    value = resolve_argument(predicate.value, handles)
    for call in calls:
        if call.tool == predicate.tool and refusal_code(call.response) is None and value in call.arguments.values():
            return f"the customer took {predicate.value} back, {predicate.tool} was called with it"
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
    if _is_same(found, _lines_wanted(lines, handles)):
        return None
    return f"the cart should hold {_shown(lines)}, it holds {_counted(Counter(found), handles)}"


def _miss_orders(orders: Sequence[GoalOrder], environment: Environment, handles: Handles) -> str | None:
    placed = environment.placed_orders
    if len(placed) != len(orders):
        return f"{len(orders)} orders should be placed, {len(placed)} were"
    for wanted, order in zip(orders, placed, strict=True):
        if not _is_same(_lines_held(order.lines), _lines_wanted(wanted.lines, handles)):
            return f"the order should hold {_shown(wanted.lines)}"
        if order.address_id != handles.resolve(wanted.address):
            return f"the order should go to {wanted.address}"
        if order.payment_method != wanted.payment_method:
            return f"the order should be paid by {wanted.payment_method}, it was by {order.payment_method}"
        if order.delivery_note != wanted.delivery_note:
            return f"the delivery note should be {wanted.delivery_note!r}, it is {order.delivery_note!r}"
        if order.pg_id != wanted.pg_id:
            return f"the order's pg_id should be {wanted.pg_id!r}, it is {order.pg_id!r}"
    return None


def _miss_address(predicate: AddressSaved, environment: Environment, handles: Handles) -> str | None:
    wanted = handles.resolve(predicate.address)
    address = next((a for a in environment.addresses if a.address_id == wanted), None)
    if address is None:
        return f"address {predicate.address} should be saved, it is not"
    if predicate.n_addresses is not None and len(environment.addresses) != predicate.n_addresses:
        return f"{predicate.n_addresses} addresses should be saved, there are {len(environment.addresses)}"
    for name, value in predicate.fields.items():
        held = cast("object", getattr(address, name))
        if held != value:
            return f"address {predicate.address} should have {name} {value!r}, it has {held!r}"
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


def _is_same(held: list[_LineKey], wanted: list[_LineKey]) -> bool:
    """Compare in any order; most stand in the same, which is seen sooner."""
    return held == wanted or Counter(held) == Counter(wanted)


def _lines_held(lines: Sequence[Line]) -> list[_LineKey]:
    return [(line.menu_item_id, line.quantity, line.special_request) for line in lines]


def _lines_wanted(lines: Sequence[GoalLine], handles: Handles) -> list[_LineKey]:
    return [(str(handles.resolve(line.menu)), line.quantity, line.special_request) for line in lines]


def _shown(lines: Sequence[GoalLine]) -> str:
    return ", ".join(_show_line(line.menu, line.quantity, line.special_request) for line in lines) or "nothing"


def _counted(lines: Counter[_LineKey], handles: Handles) -> str:
    named = ((handles.handle_of(menu) or menu, quantity, request) for menu, quantity, request in lines.elements())
    return ", ".join(_show_line(*line) for line in named) or "nothing"


def _show_line(menu: str, quantity: int, request: str | None) -> str:
    return f"{quantity} x {menu}" + ("" if request is None else f" ({request})")
