"""Decides whether responses have the shape their tools declare (R01), and answer the call they stand after (R03)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Final

from datagen_core.checks.case import Case, Exchange
from datagen_core.checks.fields import (
    as_list,
    as_number,
    as_object,
    as_text,
    as_whole,
    is_as_executed,
    read_moment,
)
from datagen_core.checks.registry import Finding, rule
from datagen_core.config import TOOLS_RETURN_FORMAT
from datagen_core.environment import is_error, response_errors

_FILTERS: Final = ("query", "category", "min_rating", "only_open", "sort")
_ID_ARGUMENT: Final = re.compile(r"(?:^|_)id$|[a-z]Id$")
_READS: Final = re.compile(r"(?:^|_)(?:get|read|fetch|lookup|look_up|show|describe|check|track|view|find|retrieve)")
"""Tools that only look: those that make something (copy, reply, reissue) may well return the id of what they made."""

Fields = Mapping[str, object]


@rule(
    "R01",
    "A response matches the tool's declared return schema, or the error shape.",
    korean="응답은 도구가 돌려주는 꼴과 똑같아야 합니다.",
    families=("delivery",),
)
def check_return_format(case: Case) -> Iterator[Finding]:
    """Find responses that `TOOLS_RETURN_FORMAT` and `ERROR_FORMAT` do not allow.

    What the backend itself answers is not looked at again: its own tests hold that it keeps to its formats.
    """
    is_real = case.replay.is_same if case.replay is not None else [False] * len(case.exchanges)
    for exchange, is_known in zip(case.exchanges, is_real, strict=True):
        if not is_known and exchange.call.name in TOOLS_RETURN_FORMAT:
            for problem in response_errors(exchange.call.name, exchange.response):
                yield Finding(exchange.response_turn, f"{exchange.call.name}: {problem}")


@rule(
    "R03",
    "A response answers its call: the same ids, quantities and filters.",
    korean="응답은 그 호출에 대한 것이어야 합니다. 물은 식별자와 수량과 조건이 응답에도 그대로 있습니다.",
)
def check_answers(case: Case) -> Iterator[Finding]:
    """Find responses that speak of something else than was asked; refusals say nothing of that."""
    if is_as_executed(case):
        return
    for exchange in case.exchanges:
        if is_error(exchange.response):
            continue
        name = exchange.call.name
        if not case.is_delivery:
            yield from _find_other_ids(exchange)
        elif name in _ANSWERS:
            for problem in _ANSWERS[name](exchange.call.arguments, exchange.response):
                yield Finding(exchange.response_turn, f"{name}: {problem}")


def _find_other_ids(exchange: Exchange) -> Iterator[Finding]:
    """Compare ids under the same name, at the top of the response; only of a tool that looks it is surely wrong."""
    response = as_object(exchange.response)
    for name, asked in exchange.call.arguments.items():
        answered = response.get(name)
        if _ID_ARGUMENT.search(name) is None or not isinstance(asked, str | int) or not isinstance(answered, str | int):
            continue
        if str(asked).casefold() != str(answered).casefold():
            message = f"{exchange.call.name}: {name} is {answered!r}, {asked!r} was asked"
            severity = "E" if _READS.search(exchange.call.name.casefold()) else "W"
            yield Finding(exchange.response_turn, message, severity)


def _compare(response: Fields, arguments: Fields, *names: str) -> Iterator[str]:
    """Compare fields with the arguments of their names; an optional argument that was not given is null."""
    for name in names:
        if name in response and not _is_same(response[name], arguments.get(name)):
            yield f"{name} is {response[name]!r}, {arguments.get(name)!r} was asked"


def _is_same(one: object, other: object) -> bool:
    """Compare two values; 4 and 4.0 are one number, true is none."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _answer_search(arguments: Fields, response: object) -> Iterator[str]:
    found = as_object(response)
    yield from _compare(as_object(found.get("applied_filters")), arguments, *_FILTERS)
    restaurants = [as_object(element) for element in as_list(found.get("items"))]
    yield from _find_unfiltered(arguments, restaurants)
    yield from _find_unsorted(arguments.get("sort"), restaurants)
    ids = [restaurant["restaurant_id"] for restaurant in restaurants if "restaurant_id" in restaurant]
    if any(one in ids[:place] for place, one in enumerate(ids)):
        yield "a restaurant is listed twice"
    yield from _find_miscounted(as_object(found.get("pagination")), len(restaurants))


def _find_unfiltered(arguments: Fields, restaurants: list[dict[str, object]]) -> Iterator[str]:
    category, least = arguments.get("category"), as_number(arguments.get("min_rating"))
    for restaurant in restaurants:
        shown, rating = restaurant.get("category", category), as_number(restaurant.get("rating_avg"))
        if category is not None and shown != category:
            yield f"a restaurant of {shown!r} although {category!r} was asked"
        if least is not None and rating is not None and rating < least:
            yield f"a restaurant rated {rating} although at least {least} was asked"
        if arguments.get("only_open") is True and restaurant.get("is_open") is False:
            yield "a closed restaurant although only open ones were asked"


def _find_unsorted(sort: object, restaurants: list[dict[str, object]]) -> Iterator[str]:
    key, sign = {"rating": ("rating_avg", -1), "delivery_fee": ("delivery_fee", 1)}.get(str(sort), ("", 1))
    values = [as_number(restaurant.get(key)) for restaurant in restaurants] if key else []
    known = [sign * value for value in values if value is not None]
    if any(one > other for one, other in pairwise(known)):
        yield f"the restaurants are not in the order of {sort}"


def _find_miscounted(pagination: Fields, n_shown: int) -> Iterator[str]:
    """Compare the counts with the list; no tool asks for another page than the first. Nothing is one page or none."""
    page, size, total, pages = (
        as_whole(pagination.get(name)) for name in ("page", "page_size", "total_items", "total_pages")
    )
    if page is None or size is None or total is None or pages is None:
        return
    if page != 1:
        yield f"page {page}, although the first is asked"
    elif n_shown != min(size, total):
        yield f"{n_shown} restaurants are listed, of {total} with {size} a page"
    elif size > 0 and pages != -(-total // size) and (total, pages) != (0, 1):
        yield f"{total} restaurants with {size} a page are not {pages} pages"


def _answer_detail(arguments: Fields, response: object) -> Iterator[str]:
    shown = as_object(response)
    yield from _compare(shown, arguments, "restaurant_id")
    asked, checked = (
        read_moment(as_text(arguments.get("at")) or ""),
        read_moment(as_text(shown.get("checked_at")) or ""),
    )
    if asked is not None and checked is not None and asked.replace(microsecond=0) != checked.replace(microsecond=0):
        yield f"checked_at is {shown['checked_at']!r}, {arguments['at']!r} was asked"


def _answer_addresses(arguments: Fields, response: object) -> Iterator[str]:
    for address in as_list(response):
        yield from _compare(as_object(address), arguments, "user_id")


def _answer_upsert(arguments: Fields, response: object) -> Iterator[str]:
    known = arguments.get("address_id")
    if isinstance(known, str) and isinstance(response, str) and response != known:
        yield f"the id {response!r} is returned, {known!r} was changed"


def _answer_cart(arguments: Fields, response: object) -> Iterator[str]:
    yield from _compare(as_object(response), arguments, "user_id")


def _answer_add(arguments: Fields, response: object) -> Iterator[str]:
    """Look for the line: the dish with this request, at least as many portions as were added."""
    cart, wanted = as_object(response), arguments.get("quantity")
    yield from _compare(cart, arguments, "user_id", "restaurant_id")
    lines = [line for line in _lines(cart) if line.get("menu_item_id") == arguments.get("menu_item_id")]
    same = [line for line in lines if line.get("special_request") == arguments.get("special_request")]
    if not lines:
        yield "the dish is not in the cart"
    elif not same:
        yield f"no line of the dish has the request {arguments.get('special_request')!r}"
    elif isinstance(wanted, int) and all((as_whole(line.get("quantity")) or wanted) < wanted for line in same):
        yield f"the cart holds {same[0].get('quantity')} of the dish, {wanted} were added"


def _answer_update(arguments: Fields, response: object) -> Iterator[str]:
    cart = as_object(response)
    yield from _compare(cart, arguments, "user_id")
    line = next((line for line in _lines(cart) if line.get("cart_item_id") == arguments.get("cart_item_id")), None)
    if line is None:
        yield "the line that was changed is not in the cart"
    else:
        given = (name for name in ("quantity", "special_request") if name in arguments)
        yield from _compare(line, arguments, *given)


def _answer_remove(arguments: Fields, response: object) -> Iterator[str]:
    cart = as_object(response)
    yield from _compare(cart, arguments, "user_id")
    removed, asked = (as_list(value) for value in (cart.get("removed_cart_item_ids"), arguments.get("cart_item_ids")))
    if "removed_cart_item_ids" in cart and sorted(map(str, removed)) != sorted(map(str, asked)):
        yield "removed_cart_item_ids are not those that were to be removed"


def _answer_checkout(arguments: Fields, response: object) -> Iterator[str]:
    yield from _compare(as_object(response), arguments, "user_id", "address_id", "delivery_note")


def _answer_status(arguments: Fields, response: object) -> Iterator[str]:
    yield from _compare(as_object(response), arguments, "order_id")


def _lines(cart: Fields) -> list[dict[str, object]]:
    return [as_object(line) for line in as_list(cart.get("items"))]


_ANSWERS: Final[dict[str, Callable[[Fields, object], Iterator[str]]]] = {
    "search_restaurants": _answer_search,
    "get_restaurant_detail": _answer_detail,
    "list_addresses": _answer_addresses,
    "upsert_address": _answer_upsert,
    "get_cart": _answer_cart,
    "add_to_cart": _answer_add,
    "update_cart_item": _answer_update,
    "remove_cart_items": _answer_remove,
    "prepare_checkout": _answer_checkout,
    "get_order_status": _answer_status,
}
