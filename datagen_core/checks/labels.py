"""Decides what an amount is said to be: the price of the dish named before it, a delivery fee, a minimum order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from datagen_core.checks.amounts import Amount, find_amounts, find_quantities
from datagen_core.checks.evidence import Evidence, Shown
from datagen_core.checks.sums import fold

_SENTENCE_END: Final = re.compile(r"[.!?\n](?!\d)")
_FEE: Final = re.compile(r"(?:배달비|배달료|배달팁)(?:은|는|이|가|을|를|도|만)?[:]?$")
_MINIMUM: Final = re.compile(r"최소주문(?:금액|액)?(?:은|는|이|가|을|를)?[:]?$")
# After a dish: a particle, a quantity, another particle, then the amount; anything else may make it a sum.
_AFTER_DISH: Final = re.compile(
    r"(?:은|는|이|가|도|의)?(?:가격[은이])?(?:(?:\d{1,3}|[가-힣]{1,3})[가-힣]{1,3}?)?(?:은|는|이|가|에)?:?"
)
_COMPARES: Final = re.compile(
    r"^\s?(?:이|가|은|는|을|를|만|만큼|정도)?\s?(?:차이|더|덜|저렴|싸|싼|비싸|비싼|이상|이하|미만|넘|아래)"
)


def find_allowed(evidence: Evidence, text: str, amounts: Sequence[Amount], place: int, turn: int) -> set[int] | None:
    """Return what the amount at `place` may be by its label; None where it has none, or nothing was shown of it.

    Only an amount that directly follows one dish or one of the words for fee and minimum has a label.
    """
    amount = amounts[place]
    if _COMPARES.match(text[amount.end : amount.end + 8]):
        return None
    words = fold(_words_before(text, amounts, place))
    if _FEE.search(words):
        return _shown_before(evidence.fees.values(), turn) | _charged_before(evidence, turn) or None
    if _MINIMUM.search(words):
        refused = {found.won for index, said in evidence.strings if index < turn for found in find_amounts(said)}
        return _shown_before(evidence.minimums.values(), turn) | refused or None
    return _find_prices(evidence, words, turn)


def _words_before(text: str, amounts: Sequence[Amount], place: int) -> str:
    """Return the words between the amount before, or the sentence's beginning, and this amount."""
    start = amounts[place - 1].end if place > 0 else 0
    words = text[start : amounts[place].start]
    ends = [match.end() for match in _SENTENCE_END.finditer(words)]
    return words[ends[-1] :] if ends else words


def _find_prices(evidence: Evidence, words: str, turn: int) -> set[int] | None:
    """Return the prices, and those times the quantity, of the dish where the words name exactly one and end with it."""
    named = sorted((name for name in evidence.prices if fold(name) in words), key=len, reverse=True)
    if not named:
        return None
    dish = fold(named[0])
    head, _, tail = words.rpartition(dish)
    if any(fold(name) in head + "\0" + tail for name in named) or not _AFTER_DISH.fullmatch(tail):
        return None
    shown = {
        s.amount for name, prices in evidence.prices.items() if fold(name) == dish for s in prices if s.turn < turn
    }
    counts = {1, *(find_quantities(tail) or _counts_in_carts(evidence, dish, turn))}
    return {price * count for price in shown for count in counts} or None


def _counts_in_carts(evidence: Evidence, dish: str, turn: int) -> set[int]:
    return {count for index, name, count in evidence.counts if index < turn and fold(name) == dish}


def _shown_before(tables: Iterable[Sequence[Shown]], turn: int) -> set[int]:
    return {shown.amount for table in tables for shown in table if shown.turn < turn}


def _charged_before(evidence: Evidence, turn: int) -> set[int]:
    """Return the fees that totals contain."""
    pairs = ((cart.get("total"), cart.get("subtotal")) for index, cart in evidence.carts if index < turn)
    return {total - subtotal for total, subtotal in pairs if isinstance(total, int) and isinstance(subtotal, int)}
