"""Decides whether stated quantities of dishes are those of the cart, of the calls or of the customer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final, NamedTuple, cast

from datagen_core.checks.case import Case, find_last_line, hear_before
from datagen_core.checks.numerals import Numeral, find_counts

_COUNTERS: Final = frozenset(
    ("개", "그릇", "인분", "마리", "판", "줄", "잔", "병", "세트", "접시", "통", "조각", "캔", "컵", "팩", "봉지", "")
)
# After a dish, before its quantity: a particle, 수량을, what stands in brackets.
_AFTER_DISH: Final = re.compile(
    r"(?:을|를|은|는|이|가|도|만)?\s?(?:\([^()]{1,12}\)\s?)?(?:수량[을은이]?\s?)?(?:총\s|모두\s|이제\s)?"
)
_DONE: Final = re.compile(
    r"담았|담아\s?(?:드렸|뒀|두었|놓았)|담겼|담겨|담긴|추가했|추가해\s?드렸|추가되|추가하였|바꿨|바꾸었|바꿔\s?드렸|바뀌었|변경했|변경해\s?드렸"
    r"|변경되|뺐|빼\s?드렸|줄였|늘렸|늘려\s?드렸|수정했|수정해\s?드렸|수정되|들어\s?있|넣었|넣어\s?드렸|남았|남아|삭제했|삭제해\s?드렸"
)
_OPEN: Final = re.compile(r"려면|[시으다라이]면|할까|드릴까|겠어요|실래|을까|ㄹ까|더\s(?:담으|주문하|추가하)")
_END: Final = re.compile(r"[.!?\n](?!\d)")
# 네 개면, 2개 정도, 3줄은 11,400원: a proposal, or a price that the rule for money judges.
_PROPOSED: Final = re.compile(r"(?:이|라)?면|라고|씩|\s?(?:정도|쯤)|[은는이가에]?\s?(?:총|모두)?\s?[\d₩]")
_NOW: Final = re.compile(r"으?로\s?(?:바|변경|수정|늘|줄|고쳤)|[가이]?\s?(?:담겨|들어\s?있|남아)")
_EACH: Final = re.compile(r"\s?(?:에\s|당|가격|기준|씩|부터|까지)")
_WRITES: Final = frozenset(("add_to_cart", "update_cart_item"))


class _Scene(NamedTuple):
    """The carts at hand: those of this round after the one before it, and what was said and asked for."""

    carts: list[dict[str, object]]
    written: set[int]
    last_line: set[int]

    def stand(self, dish: str) -> set[int] | None:
        """Return how many of the dish are in the cart as it stands, in all and line by line; None without a cart."""
        counts = [count for name, count in _read_lines(self.carts[-1]) if name == dish] if self.carts else []
        return {sum(counts), *counts} if self.carts else None

    def holds(self, dish: str) -> bool:
        """Tell whether the dish is in the cart as it stands."""
        return any(name == dish for name, _ in _read_lines(self.carts[-1])) if self.carts else False


def find_miscounted(case: Case, turn: int, text: str) -> Iterator[str]:
    """Yield a message for each quantity of a dish that neither cart, call nor customer has.

    What is said to be done or to stand in the cart must be so; what is only spoken of may be any quantity so far.
    Questions and conditions (`2개로 늘리시면`) are proposals, and are not judged.
    """
    counts = [c for c in find_counts(text) if c.is_sure and c.unit in _COUNTERS and c.value == int(c.value)]
    if not counts:
        return
    scene = _set_scene(case, turn)
    dishes = _find_dishes(case, text, turn)
    for count in counts:
        start, end = _find_sentence(text, count.start)
        sentence = text[start:end]
        if text[end : end + 1] == "?" or _OPEN.search(sentence) or _PROPOSED.match(text, count.end):
            continue
        dish = _dish_before(text, dishes, count)
        if dish is not None and _EACH.match(text, count.end):
            continue
        is_done = _DONE.search(text[count.end : end]) is not None or (dish is not None and scene.holds(dish))
        if dish is not None and (_NOW.match(text, count.end) or text[: count.start].endswith("이제 ")):
            allowed = scene.stand(dish)
        else:
            allowed = _allow(case, turn, scene, dish, is_done=is_done)
        if allowed is not None and count.value not in allowed:
            yield f"the quantity {count.text!r} is not that of {dish or 'anything in the cart'}"


def _set_scene(case: Case, turn: int) -> _Scene:
    began = find_last_line(case, turn)
    heard = hear_before(case, turn)
    before = [cart for index, cart in case.evidence.carts if index < began]
    carts = before[-1:] + [cart for index, cart in case.evidence.carts if began < index < turn]
    quantities = (
        exchange.call.arguments.get("quantity")
        for exchange in case.exchanges
        if began < exchange.turn < turn and exchange.call.name in _WRITES
    )
    written = {value for value in quantities if type(value) is int}
    last_line = {int(c.value) for c in find_counts(heard[-1])} if heard else set[int]()
    return _Scene(carts, written, last_line)


def _list_ever(case: Case, turn: int) -> set[int]:
    """Return every quantity so far: said by the customer, written by a call, or in a cart; and one."""
    ever = {1}.union(*({int(c.value) for c in find_counts(text)} for text in hear_before(case, turn)))
    quantities = (exchange.call.arguments.get("quantity") for exchange in case.exchanges if exchange.turn < turn)
    ever |= {value for value in quantities if type(value) is int}
    return ever | {count for index, _, count in case.evidence.counts if index < turn}


def _allow(case: Case, turn: int, scene: _Scene, dish: str | None, *, is_done: bool) -> set[int] | None:
    """Return the quantities that may be stated; None where nothing is known, or nothing is claimed of any dish."""
    if not is_done:
        return _list_ever(case, turn) if dish is not None else None
    if not scene.carts:
        ever = _list_ever(case, turn)
        return ever if ever != {1} else None
    states = [_read_lines(cart) for cart in scene.carts]
    names = {dish} if dish is not None else {name for lines in states for name, _ in lines}
    allowed: set[int] = set()
    for name in names:
        totals = [sum(count for line, count in lines if line == name) for lines in states]
        allowed |= {*totals, *(abs(one - other) for one, other in combinations(totals, 2))}
        allowed |= {count for lines in states for line, count in lines if line == name}
    if dish is None:
        allowed |= scene.last_line | scene.written
        for lines in states:
            allowed |= {len(lines), sum(count for _, count in lines)}
        sizes = [sum(count for _, count in lines) for lines in states]
        allowed |= {abs(one - other) for one, other in combinations(sizes, 2)}
    return allowed


def _read_lines(cart: dict[str, object]) -> list[tuple[str, int]]:
    lines: list[tuple[str, int]] = []
    for line in cast("list[object]", cart["items"]):
        fields = cast("dict[str, object]", line) if isinstance(line, dict) else {}
        name, count = fields.get("menu_name"), fields.get("quantity")
        if isinstance(name, str) and type(count) is int:
            lines.append((name, count))
    return lines


def _find_dishes(case: Case, text: str, turn: int) -> list[tuple[int, str]]:
    """Return (end, name) of each dish named, the longest name where several end at one place."""
    ends: dict[int, str] = {}
    for name, first in case.evidence.dishes.items():
        place = text.find(name) if name and first < turn else -1
        while place >= 0:
            end = place + len(name)
            if len(name) > len(ends.get(end, "")):
                ends[end] = name
            place = text.find(name, end)
    return sorted(ends.items())


def _dish_before(text: str, dishes: Sequence[tuple[int, str]], count: Numeral) -> str | None:
    for end, name in reversed(dishes):
        if end <= count.start:
            return name if _AFTER_DISH.fullmatch(text, end, count.start) else None
    return None


def _find_sentence(text: str, place: int) -> tuple[int, int]:
    start = max((match.end() for match in _END.finditer(text, 0, place)), default=0)
    end = _END.search(text, place)
    return start, end.start() if end else len(text)
