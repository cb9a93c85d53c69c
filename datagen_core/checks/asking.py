"""Decides whether a missing id was asked for rather than invented, and dead ids left alone (P04, P06).

An id that nothing has shown breaks P01. P06 adds what should have happened instead, and only where that is to ask: for
an order number, which no tool lists, and for a word that stands in an id's place. Any other id can be looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

from datagen_core.checks.case import Case, Exchange
from datagen_core.checks.evidence import CUSTOMER, Evidence, is_uuid
from datagen_core.checks.fields import as_list, as_object, read_code
from datagen_core.checks.registry import Finding, rule
from datagen_core.environment import is_error, is_same_json

_ID_OF_REFUSAL: Final = {
    "RESTAURANT_NOT_FOUND": "restaurant_id",
    "CART_ITEM_NOT_FOUND": "cart_item_id",
    "ADDRESS_NOT_FOUND": "address_id",
    "ORDER_NOT_FOUND": "order_id",
}
"""Refusals that say that an id stands for nothing, and the argument they speak of."""

_CART_TOOLS: Final = frozenset({"get_cart", "add_to_cart", "update_cart_item", "remove_cart_items"})
_ID_ARGUMENTS: Final = ("restaurant_id", "cart_item_id", "cart_item_ids", "address_id", "order_id")

_PLACEHOLDERS: Final = frozenset(
    {
        "unknown", "none", "null", "nil", "n/a", "na", "tbd", "todo", "undefined", "missing", "string", "uuid", "id",
        "xxx", "?", "???", "-", "없음", "모름", "미정", "미상", "불명", "임의",
    }
)  # fmt: skip
"""Words that stand for a value nobody knows, folded."""

_Key = str | tuple[str, ...]


class _Death(NamedTuple):
    """Why something must not be used after the turn of the response that said so.

    A final one ends only when a response or the customer names the id again; any other when the customer speaks.
    """

    turn: int
    why: str
    is_final: bool = True


@dataclass(slots=True)
class _Register:
    """What the responses so far leave alive: cart lines and addresses that stand, and the dead by id (or ids)."""

    lines: set[str] = field(default_factory=set[str])
    addresses: set[str] = field(default_factory=set[str])
    dead: dict[_Key, _Death] = field(default_factory=dict["_Key", _Death])
    refused_snapshot: object = None
    restaurant: object = None


@rule(
    "P04",
    "What was removed, replaced or refused as not existing is not used again.",
    korean="장바구니에서 빠졌거나 없다고 거절된 항목, 배송지, 식당, 주문 번호를 다시 쓰지 않습니다.",
    families=("delivery",),
)
def check_dead_ids(case: Case) -> Iterator[Finding]:
    """Find calls that use what an earlier response took away.

    Taken away are cart lines that were removed, ordered or replaced with the cart of another shop, addresses no longer
    listed, ids refused as not existing, an expired snapshot; and a dish that was sold out or a shop that was closed
    until the customer has spoken. A later response that shows an id again, or a customer who says it again, gives it
    back. Parallel calls of one turn do not know of each other.
    """
    register = _Register()
    for turn, group in groupby(case.exchanges, key=lambda exchange: exchange.turn):
        exchanges = list(group)
        for exchange in exchanges:
            for key in _find_uses(exchange) if register.dead else ():
                death = register.dead.get(key)
                if death is not None and not _is_revived(case, key, death, turn):
                    yield Finding(turn, f"{exchange.call.name}: {_name(key)} {death.why} in turn {death.turn}")
            if _repeats_refused_snapshot(exchange, register.refused_snapshot):
                yield Finding(turn, "place_order: the snapshot was refused as invalid before")
        for exchange in exchanges:
            _learn(register, exchange)


@rule(
    "P06",
    "A missing id is asked for, never invented.",
    korean="고객이 말하지 않은 주문 번호는 지어내지 않고 먼저 물어봅니다. ID 자리에 다른 말을 넣지 않습니다.",
)
def check_ids_asked(case: Case) -> Iterator[Finding]:
    """Find order numbers made up where none was known, and words that stand in the place of an id.

    A word in a declared UUID's place breaks C05 too. A number with a wrong digit, where the right one was shown, is a
    slip of copying and left to P01. `user_id` is never asked for.
    """
    for exchange in case.exchanges:
        spec = case.tools.specs.get(exchange.call.name)
        if spec is None:
            continue
        for argument, value in exchange.call.arguments.items():
            if not argument.endswith(("_id", "_ids")) or (argument == "user_id" and case.is_delivery):
                continue
            is_declared = argument in spec.id_arguments
            for element in _elements(value):
                problem = _describe_invention(case, exchange, argument, element, is_declared=is_declared)
                if problem is not None:
                    yield Finding(exchange.turn, f"{exchange.call.name}: {argument} {element[:80]!r} {problem}")


def _describe_invention(case: Case, exchange: Exchange, argument: str, value: str, *, is_declared: bool) -> str | None:
    if is_uuid(value):
        if argument == "order_id" and case.is_delivery and _is_unknown(case.evidence, value, exchange.turn):
            return "was made up: nobody had named an order yet, so it should have been asked for"
        return None
    if is_declared:
        return "is no id: what is missing is looked up or asked for"
    return "stands for a missing id, which should have been asked for" if _is_placeholder(argument, value) else None


def _is_unknown(evidence: Evidence, value: str, turn: int) -> bool:
    """Tell whether an order number is from nowhere, and no other was known of which it could be a bad copy."""
    if evidence.kinds_before(value, turn):
        return False
    return not any(
        first < turn and kind in ("order_id", CUSTOMER)
        for kinds in evidence.ids.values()
        for kind, first in kinds.items()
    )


def _is_placeholder(argument: str, value: str) -> bool:
    """Tell whether a value such as `unknown`, `<order_id>` or `YOUR_ORDER_ID` says that there is none."""
    word = value.strip(" <>[]{}()\"'.").casefold().replace(" ", "_")
    return not word or word in _PLACEHOLDERS or word.removeprefix("your_").removeprefix("the_") == argument.casefold()


def _elements(value: object) -> list[str]:
    return [element for element in as_list(value) or [value] if isinstance(element, str)]


def _find_uses(exchange: Exchange) -> Iterator[_Key]:
    """Yield what a call uses: each id, and for a dish to be added the shop and the dish in it."""
    arguments = exchange.call.arguments
    for argument in _ID_ARGUMENTS:
        yield from _elements(arguments.get(argument))
    if exchange.call.name == "add_to_cart":
        for shop in _elements(arguments.get("restaurant_id")):
            yield ("shop", shop)
            yield from (
                key for dish in _elements(arguments.get("menu_item_id")) for key in (("dish", dish), (shop, dish))
            )


def _is_revived(case: Case, key: _Key, death: _Death, turn: int) -> bool:
    since = [text.text for text in case.turns[death.turn + 1 : turn] if text.role == "customer"]
    if not death.is_final:
        return bool(since)
    return isinstance(key, str) and any(key in text for text in since)


def _name(key: _Key) -> str:
    return key if isinstance(key, str) else key[-1]


def _repeats_refused_snapshot(exchange: Exchange, refused: object) -> bool:
    return (
        refused is not None
        and exchange.call.name == "place_order"
        and is_same_json(exchange.call.arguments.get("snapshot"), refused)
    )


def _learn(register: _Register, exchange: Exchange) -> None:
    name, response = exchange.call.name, exchange.response
    if is_error(response):
        _learn_refusal(register, exchange)
        return
    if register.dead:
        for key in _find_shown(name, response):
            register.dead.pop(key, None)
    if name in _CART_TOOLS:
        _learn_cart(register, exchange)
    elif name == "prepare_checkout":
        register.refused_snapshot = None
        register.lines |= set(_ids_in(_field(response, "items"), "cart_item_id"))
    elif name == "place_order":
        _bury(register, register.lines, exchange.response_turn, "was ordered")
        register.lines = set()
    elif name == "list_addresses" and isinstance(response, list):
        shown = set(_ids_in(as_list(exchange.response), "address_id"))
        _bury(register, register.addresses - shown, exchange.response_turn, "was no longer listed")
        register.addresses = shown


def _learn_refusal(register: _Register, exchange: Exchange) -> None:
    code, turn, arguments = read_code(exchange.response), exchange.response_turn, exchange.call.arguments
    if code in _ID_OF_REFUSAL or (code == "FORBIDDEN" and exchange.call.name == "get_order_status"):
        argument = _ID_OF_REFUSAL.get(code or "", "order_id")
        ids = _elements(arguments.get(argument)) or _elements(arguments.get(f"{argument}s"))
        # Of several ids the refusal does not say which one is gone.
        _bury(register, ids if len(ids) == 1 else (), turn, "was refused")
        register.lines.difference_update(ids)
    elif code == "SNAPSHOT_INVALID":
        register.refused_snapshot = arguments.get("snapshot")
    elif exchange.call.name == "add_to_cart":
        shop, dish = _elements(arguments.get("restaurant_id")), _elements(arguments.get("menu_item_id"))
        if code == "MENU_ITEM_NOT_FOUND" and shop and dish:
            # The dish may be another shop's: only together are the two wrong.
            register.dead[shop[0], dish[0]] = _Death(turn, "was refused")
        elif code == "MENU_ITEM_UNAVAILABLE" and dish:
            register.dead["dish", dish[0]] = _Death(turn, "was sold out", is_final=False)
        elif code == "RESTAURANT_CLOSED" and shop:
            register.dead["shop", shop[0]] = _Death(turn, "was closed", is_final=False)


def _learn_cart(register: _Register, exchange: Exchange) -> None:
    name, response = exchange.call.name, exchange.response
    is_gone = response is None and name == "get_cart"
    if not is_gone and not isinstance(_field(response, "items"), list):
        return
    shop, shown = _field(response, "restaurant_id"), set(_ids_in(as_list(_field(response, "items")), "cart_item_id"))
    why = "was no longer in the cart"
    if name == "remove_cart_items":
        register.lines.update(_elements(exchange.call.arguments.get("cart_item_ids")))
        why = "was removed"
    elif name == "add_to_cart" and shop != register.restaurant:
        why = "was in a cart that was replaced"
    _bury(register, register.lines - shown, exchange.response_turn, why)
    register.lines, register.restaurant = shown, shop


def _bury(register: _Register, ids: Iterable[str], turn: int, why: str) -> None:
    register.dead.update((dead, _Death(turn, why)) for dead in ids)


def _find_shown(tool: str, response: object) -> Iterator[_Key]:
    """Yield what a response shows to be there; a shop or a dish also to be open or available."""
    if tool == "upsert_address" and isinstance(response, str):
        yield response
    for place in (response, *_objects(response), *_objects(_field(response, "items"))):
        yield from (found for name in _ID_ARGUMENTS if isinstance(found := _field(place, name), str))
        if _field(place, "is_open") is True:
            yield ("shop", str(_field(place, "restaurant_id")))
    for dish in _objects(_field(response, "menus")):
        yield (str(_field(response, "restaurant_id")), str(dish.get("menu_item_id")))
        if dish.get("is_available") is True:
            yield ("dish", str(dish.get("menu_item_id")))


def _field(value: object, name: str) -> object:
    return as_object(value).get(name)


def _objects(value: object) -> list[dict[str, object]]:
    return [as_object(element) for element in as_list(value)]


def _ids_in(value: object, name: str) -> list[str]:
    return [found for element in _objects(value) if isinstance(found := element.get(name), str)]
