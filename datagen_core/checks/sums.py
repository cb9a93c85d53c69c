"""Decides which amounts follow in one step from what was shown: line sums, the total, what the minimum order lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Final, cast

from datagen_core.checks.amounts import find_quantities
from datagen_core.checks.evidence import Evidence, Shown

_MOST_PARTS: Final = 4
"""A sum said aloud has at most so many parts."""

_MOST_LINES: Final = 8
_FOLDED: Final = str.maketrans("", "", " ()\t\n")
_REACH: Final = 10
"""A quantity belongs to the dish named at most so many characters before it."""


@dataclass(frozen=True, slots=True)
class Talk:
    """What is talked about at a turn: the counsellor's text, the customer's last line, the restaurants in play."""

    turn: int
    text: str
    customer: str
    restaurants: tuple[str, ...]


def derive_amounts(evidence: Evidence, talk: Talk) -> set[int]:
    """Return the amounts that follow from the prices of the dishes in play, the cart, fees and minimums.

    In play are dishes that the text or the customer's last line names, and the cart as it stood last: sums over whole
    menus would allow nearly any amount.
    """
    cart = next((cart for turn, cart in reversed(evidence.carts) if turn < talk.turn), None)
    lines = _read_lines(cart)
    prices = _prices_named(evidence, talk)
    quantities = {*find_quantities(talk.text), *find_quantities(talk.customer), *(count for count, _ in lines)}
    products = {price * count for price in {*prices, *(price for _, price in lines)} for count in quantities}
    subtotal = sum(count * price for count, price in lines)
    line_sums = set(sum_parts([count * price for count, price in lines[:_MOST_LINES]]))
    bases = {*prices, *products, *line_sums, subtotal, *_sum_baskets(evidence, talk)}
    restaurants = {*talk.restaurants, str(cart.get("restaurant_id"))} if cart else set(talk.restaurants)
    fees = {*_last_shown(evidence.fees, restaurants, talk.turn), *_charged(cart)}
    minimums = set(_last_shown(evidence.minimums, restaurants, talk.turn))
    changed = {subtotal + product for product in products | prices} | {subtotal - product for product in products}
    found = bases | changed | set(_charged(cart))
    found |= {base + fee for base in found for fee in fees}
    return found | {minimum - base for minimum in minimums for base in bases if base < minimum}


def _charged(cart: dict[str, object] | None) -> Iterator[int]:
    """Yield the fee that a prepared checkout's total contains."""
    total, subtotal = (cart.get("total"), cart.get("subtotal")) if cart is not None else (None, None)
    if isinstance(total, int) and isinstance(subtotal, int):
        yield total - subtotal


def sum_parts(parts: Sequence[int]) -> Iterator[int]:
    """Yield the sums of two to `_MOST_PARTS` of the parts."""
    for size in range(2, min(len(parts), _MOST_PARTS) + 1):
        yield from (sum(chosen) for chosen in combinations(parts, size))


def sum_neighbours(stated: Sequence[int], place: int) -> set[int]:
    """Return the sums of the two to `_MOST_PARTS` amounts stated right before, or right after, the one at `place`.

    A sum said aloud stands next to its parts; any parts of a long list would add up to nearly any amount.
    """
    before, after = stated[:place][::-1], stated[place + 1 :]
    return {sum(run[:size]) for run in (before, after) for size in range(2, min(len(run), _MOST_PARTS) + 1)}


def differences(amounts: Iterable[int]) -> set[int]:
    """Return what any two of the amounts differ by."""
    return {abs(one - other) for one, other in combinations(set(amounts), 2)}


def _read_lines(cart: dict[str, object] | None) -> list[tuple[int, int]]:
    """Return (quantity, unit price) of each line; what is no integer is left to R01."""
    lines: list[tuple[int, int]] = []
    for line in cast("list[object]", cart["items"]) if cart else ():
        fields = cast("dict[str, object]", line) if isinstance(line, dict) else {}
        quantity, price = fields.get("quantity"), fields.get("unit_price_snapshot")
        if isinstance(quantity, int) and isinstance(price, int):
            lines.append((quantity, price))
    return lines


def _prices_named(evidence: Evidence, talk: Talk) -> set[int]:
    texts = fold(talk.text), fold(talk.customer)
    return {
        shown.amount
        for name, prices in evidence.prices.items()
        if any(fold(name) in text for text in texts)
        for shown in prices
        if shown.turn < talk.turn
    }


def _sum_baskets(evidence: Evidence, talk: Talk) -> Iterator[int]:
    """Yield what the dishes named in a text come to, each as often as the quantity said right after it, else once."""
    for text in (fold(talk.text), fold(talk.customer)):
        total, named = 0, 0
        rest = text
        for name in sorted(map(fold, evidence.prices), key=len, reverse=True):
            place = rest.find(name) if name else -1
            price = _price_before(evidence, name, talk.turn) if place >= 0 else None
            if price is None:
                continue
            after = rest[place + len(name) : place + len(name) + _REACH]
            total += price * next(iter(find_quantities(after)), 1)
            named += 1
            # Blank the name, so that 짜장면 is not found again inside 간짜장면.
            rest = rest.replace(name, "\0" * len(name))
        if named > 1:
            yield total


def _price_before(evidence: Evidence, folded: str, turn: int) -> int | None:
    shown = (s for name, prices in evidence.prices.items() if fold(name) == folded for s in prices if s.turn < turn)
    return max(shown, key=lambda price: price.turn, default=Shown(0, 0)).amount or None


def _last_shown(table: dict[str, list[Shown]], restaurants: Iterable[str], turn: int) -> Iterator[int]:
    for restaurant in restaurants:
        before = [shown.amount for shown in table.get(restaurant, ()) if shown.turn < turn]
        yield from before[-1:]


@lru_cache(maxsize=1024)
def fold(text: str) -> str:
    """Return the text as names are compared: without spaces and brackets."""
    return text.translate(_FOLDED)
