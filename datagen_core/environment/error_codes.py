"""Decides what is told of the backend's error codes: their message, which tools answer them, and when."""

from __future__ import annotations

from typing import Final, NamedTuple, cast

from datagen_core.config import ERROR_CODES, TOOL_NAMES, ErrorCode
from datagen_core.environment.refusals import refuse
from datagen_core.environment.state import MAX_QUANTITY


class ErrorMeaning(NamedTuple):
    """An error code: the usual Korean message, the tools that answer it (in the order of the tools), and when."""

    code: ErrorCode
    message: str
    tools: tuple[str, ...]
    when: str


_OF_A_CUSTOMER: Final = tuple(
    name for name in TOOL_NAMES if name not in ("search_restaurants", "get_restaurant_detail", "place_order")
)

_MEANINGS: Final[dict[ErrorCode, tuple[tuple[str, ...], str]]] = {
    "INVALID_ARGUMENT": (
        TOOL_NAMES,
        "The arguments break the tool's schema; the message names the argument. Also: an `at` that no calendar has, "
        f"more than {MAX_QUANTITY} of one item, an update that changes nothing, an item named twice for removal.",
    ),
    "FORBIDDEN": (
        _OF_A_CUSTOMER,
        "`user_id` is not the logged-in customer's, or the order is another customer's.",
    ),
    "RESTAURANT_NOT_FOUND": (
        ("get_restaurant_detail", "add_to_cart", "prepare_checkout"),
        "No restaurant with this id delivers to the customer, or it has stopped doing so.",
    ),
    "RESTAURANT_CLOSED": (
        ("add_to_cart", "prepare_checkout"),
        "The restaurant is outside its hours, or shut today.",
    ),
    "MENU_ITEM_NOT_FOUND": (("add_to_cart",), "The dish is not on this restaurant's menu, or has left it."),
    "MENU_ITEM_UNAVAILABLE": (("add_to_cart",), "The dish is sold out."),
    "CART_ITEM_NOT_FOUND": (
        ("update_cart_item", "remove_cart_items"),
        "There is no such item in the cart, or there is no cart. Of several items to remove then none is removed.",
    ),
    "CART_EMPTY": (("prepare_checkout",), "There is no cart, or nothing is left in it."),
    "ADDRESS_NOT_FOUND": (
        ("upsert_address", "prepare_checkout"),
        "No address with this id is saved, or it was deleted.",
    ),
    "BELOW_MINIMUM": (
        ("prepare_checkout",),
        "The subtotal is under the restaurant's `min_order_amount`; the message names both amounts.",
    ),
    "SNAPSHOT_INVALID": (
        ("place_order",),
        "The snapshot is not, to the last digit, what `prepare_checkout` returned last; or the cart or an address "
        "changed since; or the prepared checkout has expired.",
    ),
    "ORDER_NOT_FOUND": (("get_order_status",), "The customer has no order with this id."),
}


def list_error_meanings() -> list[ErrorMeaning]:
    """Return what each code means, in the order of `config.ERROR_CODES`."""
    return [ErrorMeaning(code, _read_message(code), *_MEANINGS[code]) for code in ERROR_CODES]


def render_error_codes() -> str:
    """Return the Markdown of `docs/error-codes.md`."""
    rows = [
        f"| `{meaning.code}` | {meaning.message} | {_list_tools(meaning.tools)} | {meaning.when} |"
        for meaning in list_error_meanings()
    ]
    return "\n".join([*_HEAD, *rows, ""])


_HEAD: Final = (
    "# Error codes of the backend",
    "",
    'A refused call is answered with `{"error": {"code", "message"}}` and changes nothing. What is looked at, in',
    "order: whether there is such a tool, whether the arguments fit its schema, whether the customer is the logged-in",
    "one, and then what the tool itself demands.",
    "",
    "Written by `datagen rules --errors --markdown`; a test provokes each pair of code and tool and no other.",
    "",
    "| code | message | tools | when |",
    "| --- | --- | --- | --- |",
)


def _list_tools(tools: tuple[str, ...]) -> str:
    if tools == TOOL_NAMES:
        return "all"
    if tools == _OF_A_CUSTOMER:
        return "all that take a `user_id`"
    return ", ".join(f"`{name}`" for name in tools)


def _read_message(code: ErrorCode) -> str:
    error = cast("dict[str, str]", refuse(code)["error"])
    return error["message"]
