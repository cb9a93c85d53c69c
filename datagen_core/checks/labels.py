"""Decides what an amount is said to be: the price of the dish before it, a fee, a minimum, what the cart costs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from datagen_core.checks.amounts import Amount, find_amounts, find_quantities
from datagen_core.checks.evidence import Evidence, Shown
from datagen_core.checks.sums import fold, sum_neighbours

_SENTENCE_END: Final = re.compile(r"[.!?\n](?!\d)")
_FEE: Final = re.compile(r"(?:배달비|배달료|배달팁)(?:은|는|이|가|을|를|도|만)?[:]?$")
_MINIMUM: Final = re.compile(r"최소주문(?:금액|액)?(?:은|는|이|가|을|를)?[:]?$")
_STANDING: Final = re.compile(
    r"(?:장바구니(?:의|에)?(?:합계|금액|총액)|현재(?:장바구니)?(?:금액|합계|총액)|담긴(?:메뉴)?금액|담으신금액|상품금액|음식값|음식금액|메뉴금액|소계)"
    r"(?:은|는|이|가)?(?:모두|총|이제)?[:]?$"
)
_GOODS: Final = re.compile(r"(?:상품금액|음식값|음식금액|메뉴금액|소계)(?:은|는|이|가)?(?:모두|총)?:?$")
_WITH_FEE: Final = re.compile(r"배달(?:비|료|팁).{0,14}(?:더해|더하|더한|포함|합)")
_SUMS: Final = ("subtotal", "total")
_TOTAL: Final = re.compile(
    r"(?:총|총액|합계|모두|전부|결제(?:하실)?금액|총금액|총결제금액)(?:은|는|이|가|해서)?(?:모두|총)?[:]?$"
)
_SUPPOSES: Final = re.compile(r"(?:[시으다라이]|하|되)면|려면|경우|예상|한다면|드릴까|을까|할까")
# After a dish: a particle, a quantity, another particle, then the amount; anything else may make it a sum.
_AFTER_DISH: Final = re.compile(
    r"(?:은|는|이|가|도|의)?(?:가격[은이])?(?:(?:\d{1,3}|[가-힣]{1,3})[가-힣]{1,3}?)?(?:은|는|이|가|에)?:?"
)
_COMPARES: Final = re.compile(
    r"^\s?(?:이|가|은|는|을|를|만|만큼|정도)?\s?(?:차이|더(?!해|하)|덜|저렴|싸|싼|비싸|비싼|이상|이하|미만|넘|아래)"
)


def find_allowed(
    evidence: Evidence, text: str, amounts: Sequence[Amount], place: int, turn: int, since: int = -1
) -> set[int] | None:
    """Return what the amount at `place` may be by its label; None where it has none, or nothing was shown of it.

    `since` is the turn of the customer's last line: what the cart comes to is what calls after it showed.

    Only an amount that directly follows one dish or one of the words for fee, minimum and sum has a label.
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
    is_standing = _STANDING.search(words) is not None
    if not is_standing and not _TOTAL.search(words):
        return _find_prices(evidence, words, turn)
    if _SUPPOSES.search(_sentence_from(text, amounts, place)):
        return None
    if is_standing:
        return _standing(evidence, since, turn, ("subtotal",) if _GOODS.search(words) else _SUMS) or None
    if not any(since < index < turn for index, _ in evidence.carts):
        return None
    keys = ("total",) if _WITH_FEE.search(text[: amount.start].rpartition(". ")[2]) else _SUMS
    return _standing(evidence, since, turn, keys) | sum_neighbours([stated.won for stated in amounts], place) or None


def _standing(evidence: Evidence, since: int, turn: int, keys: Sequence[str]) -> set[int]:
    """Return what the carts and checkouts of this round come to, else the latest one before it."""
    before = [cart for index, cart in evidence.carts if index < turn]
    recent = [cart for index, cart in evidence.carts if since < index < turn] or before[-1:]
    found = [cart.get(key) for cart in recent for key in keys]
    return {value for value in found if type(value) is int}


def _sentence_from(text: str, amounts: Sequence[Amount], place: int) -> str:
    """Return the sentence that the amount stands in."""
    start = max((match.end() for match in _SENTENCE_END.finditer(text, 0, amounts[place].start)), default=0)
    end = _SENTENCE_END.search(text, amounts[place].end)
    return text[start : end.start() if end else len(text)]


def _words_before(text: str, amounts: Sequence[Amount], place: int) -> str:
    """Return the words between the amount before, or the sentence's beginning, and this amount."""
    start = amounts[place - 1].end if place > 0 else 0
    words = text[start : amounts[place].start]
    ends = [match.end() for match in _SENTENCE_END.finditer(words)]
    return words[ends[-1] :] if ends else words


def _find_prices(evidence: Evidence, words: str, turn: int) -> set[int] | None:
    """Return the prices, and those times the quantity, of the dish where the words name exactly one and end with it."""
    dishes = [name for name in evidence.prices if fold(name) and fold(name) in words] if words else []
    named = sorted(dishes, key=len, reverse=True)
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
