"""Decides which restaurant a delivery fee, a minimum order or a rating is said of, and whether it is that one's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from datagen_core.checks.amounts import Amount
from datagen_core.checks.evidence import Evidence
from datagen_core.checks.numerals import find_ratings

_What = Literal["delivery fee", "minimum order", "rating", "price"]

_FEE: Final = re.compile(r"(?:배달비|배달료|배달팁)(?:은|는|이|가|도|만|을|를)?\s?(?::\s?)?$")
_MINIMUM: Final = re.compile(r"최소\s?주문\s?(?:금액|액)?(?:은|는|이|가|도|을|를)?\s?(?::\s?)?$")
_FREE: Final = re.compile(r"(?:배달비|배달료|배달팁)(?:은|는|이|가|도)?\s?(?:무료|없(?!는 곳))")
_LABEL_REACH: Final = 14
_COMPARES: Final = re.compile(
    r"\s?(?:점|대)?\s?(?:이상|이하|미만|초과|넘|차이|더|덜|높|낮|만점|아래|위|안팎|정도|까지|부터)"
)
_OF_NEXT: Final = re.compile(r"\s?(?:점)?(?:인|의|짜리|짜리인|로 나온|이신)\s$")
_BREAK: Final = re.compile(r"[.!?\n](?!\d)")
_NEAR: Final = 12
"""Facts at most so many characters apart speak of one restaurant, where none is named between them."""


class Mention(NamedTuple):
    """A restaurant as it is named in a text, by every id that bore the name."""

    start: int
    end: int
    ids: frozenset[str]


class _Fact(NamedTuple):
    start: int
    end: int
    what: _What
    value: float
    text: str


def find_mentions(evidence: Evidence, text: str, turn: int) -> list[Mention]:
    """Return the restaurants that a text names in full and that were shown before the turn, in order."""
    found: list[Mention] = []
    for name in sorted(evidence.shops, key=len, reverse=True):
        place = text.find(name) if name else -1
        while place >= 0:
            ids = frozenset(shop for shop, first in evidence.shops[name].items() if first < turn)
            if ids and not any(mention.start < place + len(name) and place < mention.end for mention in found):
                found.append(Mention(place, place + len(name), ids))
            place = text.find(name, place + len(name))
    return sorted(found)


def find_misattributed(evidence: Evidence, text: str, amounts: Sequence[Amount], turn: int) -> Iterator[str]:
    """Yield a message for each fee, minimum or rating that is not the one of the restaurant it is said of.

    A fact belongs to the restaurants named since the fact before it, else to those of that fact, within one sentence;
    `배달비 1,000원인 가온재` belongs to the one that follows. Where no restaurant is named, nothing is judged.
    """
    may_hold_fact = amounts or "배달" in text or find_ratings(text)
    mentions = find_mentions(evidence, text, turn) if may_hold_fact else []
    if not mentions:
        return
    facts = [
        fact for fact in _find_facts(text, amounts, mentions) if not _COMPARES.match(text[fact.end : fact.end + 8])
    ]
    for fact, owners in zip(facts, _find_owners(text, facts, mentions), strict=True):
        shown = _shown_of(evidence, fact.what, owners, turn)
        if shown and fact.value not in shown:
            yield f"the {fact.what} {fact.text!r} is not that of the restaurant named"


def _find_facts(text: str, amounts: Sequence[Amount], mentions: Sequence[Mention]) -> list[_Fact]:
    facts = [_Fact(match.start(), match.end(), "delivery fee", 0, match[0]) for match in _FREE.finditer(text)]
    ends = {mention.end for mention in mentions}
    for amount in amounts:
        label = text[max(0, amount.start - _LABEL_REACH) : amount.start]
        what: _What | None = (
            "delivery fee" if _FEE.search(label) else "minimum order" if _MINIMUM.search(label) else None
        )
        if what is None and ends & {amount.start - 1, amount.start - 2}:
            what = "price"
        if what is not None:
            facts.append(_Fact(amount.start, amount.end, what, amount.won, amount.text))
    facts += [_Fact(found.start, found.end, "rating", found.value, found.text) for found in find_ratings(text)]
    return sorted(facts)


def _find_owners(text: str, facts: Sequence[_Fact], mentions: Sequence[Mention]) -> list[frozenset[str]]:
    owners: list[frozenset[str]] = []
    last: frozenset[str] = frozenset()
    past = 0
    for fact in facts:
        cuts = [match.end() for match in _BREAK.finditer(text, past, fact.start)]
        if cuts:
            last = frozenset()
        start = cuts[-1] if cuts else past
        named = [mention.ids for mention in mentions if start <= mention.start and mention.end <= fact.start]
        last = frozenset[str]().union(*named) if named else last
        owners.append(last)
        past = fact.end
    # 평점 4.6, 배달비 3,500원인 초롱골짬뽕: what stands right before a name is said of it.
    for place in range(len(facts) - 1, -1, -1):
        following = next((mention for mention in mentions if mention.start >= facts[place].end), None)
        if following is not None and _OF_NEXT.fullmatch(text[facts[place].end : following.start]):
            owners[place] = following.ids
            for earlier in range(place - 1, -1, -1):
                gap = text[facts[earlier].end : facts[earlier + 1].start]
                if len(gap) > _NEAR or _BREAK.search(gap) or _names_any(facts, earlier, mentions):
                    break
                owners[earlier] = following.ids
    return owners


def _names_any(facts: Sequence[_Fact], place: int, mentions: Sequence[Mention]) -> bool:
    return any(facts[place].end <= mention.start < facts[place + 1].start for mention in mentions)


def _shown_of(evidence: Evidence, what: _What, owners: frozenset[str], turn: int) -> set[float]:
    """Return what was shown of any of the restaurants; of an amount right after a name, whatever belongs to it."""
    shown: set[float] = set()
    for shop in owners:
        if what == "rating":
            rated = {value for first, value in evidence.ratings.get(shop, ()) if first < turn}
            shown |= rated | {round(value, 1) for value in rated}
        if what in ("delivery fee", "price"):
            shown |= {fee.amount for fee in evidence.fees.get(shop, ()) if fee.turn < turn}
        if what in ("minimum order", "price"):
            shown |= {minimum.amount for minimum in evidence.minimums.get(shop, ()) if minimum.turn < turn}
    return shown | _paid_there(evidence, owners, turn) if what == "price" and shown else shown


def _paid_there(evidence: Evidence, owners: frozenset[str], turn: int) -> set[float]:
    """Return prices and sums: `샛별분식 12,000원` may be a dish, a cart or a total, which the rule for money judges."""
    paid = {price.amount for prices in evidence.prices.values() for price in prices if price.turn < turn}
    sums = {cart.get(key) for first, cart in evidence.carts if first < turn for key in ("subtotal", "total")}
    return {*map(float, paid), *(float(value) for value in sums if type(value) is int)}
