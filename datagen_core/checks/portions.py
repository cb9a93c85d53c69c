"""Decides where the quantity of a dish came from: the number said of it, what was in the cart, or nobody's word (1)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from datagen_core.checks.case import Case, Exchange
from datagen_core.checks.fields import as_list, as_object
from datagen_core.checks.numerals import find_counts
from datagen_core.checks.spoken import read_number
from datagen_core.checks.sums import fold
from datagen_core.environment import is_error

_NO_PORTIONS: Final = frozenset({"곳", "군데", "집", "종류", "종", "가지", "건", "사람", "분", "번", "명"})
"""Counters of what is not ordered by the piece."""

_MORE_OR_LESS: Final = ("더", "추가", "늘", "빼", "줄", "덜", "빼고", "취소")
_AS_BEFORE: Final = ("원래", "처음", "그대로", "전처럼", "아까", "똑같이", "같은", "마찬가지")
_ASKS: Final = ("?", "까요")


class Origin(NamedTuple):
    """Where a quantity came from; as `sources.ArgumentSource` has it."""

    origin: Literal["customer", "response", "default"]
    turn: int | None
    place: str


def trace_quantity(case: Case, exchange: Exchange, value: int) -> Origin | None:
    """Return the source of a quantity that is added or set; None where it has none.

    The line that names the dish last decides, with what was said after it: the number that stands between the dish's
    name and the next dish's, else any number of the line. A new quantity of a line in the cart must be said after the
    one before it was set, as itself or as so many more or fewer. One portion needs no word where no number was said.
    """
    names = _gather_names(case, exchange.turn)
    arguments = exchange.call.arguments
    key = arguments.get("cart_item_id") or arguments.get("menu_item_id")
    name = names.get(key) if isinstance(key, str) else None
    since = _last_set(case, exchange)
    spoken = list(_customer_lines(case, exchange.turn))
    lines = [(turn, text) for turn, text in spoken if turn > since] or spoken
    said, is_counted = _find_said(lines, value, name, set(names.values()))
    if said is not None:
        return said
    changed = _find_change(case, exchange, value, lines) if exchange.call.name != "add_to_cart" else None
    if changed is not None:
        return changed
    proposed = None if is_counted else _find_proposal(case, lines, value)
    if proposed is not None:
        return proposed
    if value == 1 and not is_counted and exchange.call.name == "add_to_cart":
        return Origin("default", None, "one, where no number was said")
    return None


def _find_said(
    lines: list[tuple[int, str]], value: int, name: str | None, names: set[str]
) -> tuple[Origin | None, bool]:
    """Return the words that say the value, the latest line first, and whether another number was said of the dish."""
    is_counted = False
    for turn, text in lines:
        place = _locate(name, text) if name is not None else None
        part = text if place is None else _cut_part(text, place, names)
        words = read_number(value, part, without=_NO_PORTIONS)
        if words is None and place is not None and not _counts(part):
            words = read_number(value, text, without=_NO_PORTIONS)
        is_others = place is None and any(_locate(other, text) for other in names)
        if words is not None and not is_others:
            return Origin("customer", turn, words), True
        is_counted = is_counted or (not is_others and bool(_counts(part)))
        if place is not None and is_counted:
            return None, True
    return None, is_counted


def _cut_part(text: str, place: tuple[int, int], names: set[str]) -> str:
    """Return what stands between a dish's name and the next dish's; all of a line that says 하나씩."""
    rest = text[place[1] :]
    if "씩" in text:
        return text[: place[0]] + " " + rest
    letters, places = _place_letters(rest)
    starts = [letters.find(wanted) for name in names if (wanted := fold(name))]
    return rest[: min((places[start] for start in starts if start >= 0 and places[start] > 0), default=len(rest))]


def _counts(text: str) -> list[float]:
    return [found.value for found in find_counts(text) if found.unit not in _NO_PORTIONS]


def _find_change(case: Case, exchange: Exchange, value: int, lines: list[tuple[int, str]]) -> Origin | None:
    """Return where a new quantity comes from that is so many more or fewer than the cart's, or what it was before."""
    held = list(_held_quantities(case, exchange))
    for turn, text in lines:
        if held and any(word in text for word in _MORE_OR_LESS):
            counts = [*_counts(text), *([1.0] if not _counts(text) else [])]
            if any(value in (held[0] + count, held[0] - count) for count in counts):
                return Origin("customer", turn, text)
        if held and "배" in text and value == 2 * held[0]:
            return Origin("customer", turn, text)
        if value in held and not _counts(text) and any(word in text for word in _AS_BEFORE):
            return Origin("response", turn, text)
        if _counts(text):
            break
    return None


def _find_proposal(case: Case, lines: list[tuple[int, str]], value: int) -> Origin | None:
    """Return the customer's answer to a question of the counsellor that names this quantity and no other."""
    for turn, text in lines:
        before = case.turns[turn - 1] if turn else None
        if before is not None and before.role == "counsellor" and any(sign in before.text for sign in _ASKS):
            counts = set(_counts(before.text))
            if counts == {value} and not _counts(text):
                return Origin("customer", turn, f"{text} (to {value})")
    return None


def _held_quantities(case: Case, exchange: Exchange) -> Iterator[int]:
    """Yield the quantities of the line that the call sets, as responses showed them, the latest first."""
    key = exchange.call.arguments.get("cart_item_id")
    for shown in reversed(case.exchanges):
        if shown.response_turn < exchange.turn:
            for line in _list_objects(shown.response, "items"):
                quantity = line.get("quantity")
                if line.get("cart_item_id") == key and isinstance(quantity, int):
                    yield quantity


def _last_set(case: Case, exchange: Exchange) -> int:
    """Return the turn of the call that set this cart line's quantity before, -1 where there was none."""
    key, dish = exchange.call.arguments.get("cart_item_id"), None
    if exchange.call.name != "update_cart_item":
        return -1
    for earlier in reversed(case.exchanges):
        if earlier.turn >= exchange.turn or is_error(earlier.response):
            continue
        for line in _list_objects(earlier.response, "items"):
            dish = line.get("menu_item_id") if line.get("cart_item_id") == key else dish
        arguments = earlier.call.arguments
        is_added = earlier.call.name == "add_to_cart" and arguments.get("menu_item_id") == dish
        if is_added or (arguments.get("cart_item_id") == key and "quantity" in arguments):
            return earlier.turn
    return -1


def _gather_names(case: Case, before: int) -> dict[str, str]:
    """Return the names of dishes and cart lines by id, as responses before a turn showed them."""
    names: dict[str, str] = {}
    for turn, shown in case.named_ids:
        if turn >= before:
            break
        names.update(shown)
    return names


def _locate(name: str, text: str) -> tuple[int, int] | None:
    """Return where a name stands in a text, spaces and brackets aside."""
    letters, places = _place_letters(text)
    wanted = fold(name)
    start = letters.find(wanted) if wanted else -1
    return None if start < 0 else (places[start], places[start + len(wanted) - 1] + 1)


@lru_cache(maxsize=1024)
def _place_letters(text: str) -> tuple[str, list[int]]:
    """Return the folded text, and where each of its letters stands in the text."""
    places = [place for place, letter in enumerate(text) if fold(letter)]
    return "".join(text[place] for place in places), places


def _customer_lines(case: Case, turn: int) -> Iterator[tuple[int, str]]:
    for index, text in reversed(case.lines["customer"]):
        if index < turn:
            yield index, text


def _list_objects(response: object, field: str) -> list[dict[str, object]]:
    return [as_object(element) for element in as_list(as_object(response).get(field))]
