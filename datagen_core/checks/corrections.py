"""Decides what a customer takes back within one line (X 말고 Y, X… 아니다 Y), and which calls do it all the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, cast

from datagen_core.checks.amounts import find_quantities
from datagen_core.checks.case import Case, Exchange
from datagen_core.checks.sums import fold
from datagen_core.config import CATEGORIES

_PAYMENTS: Final[Mapping[str, str]] = {
    "카카오페이": "kakao", "카카오": "kakao", "네이버페이": "naver", "네이버": "naver", "토스페이": "toss",
    "토스": "toss", "신용카드": "card", "카드": "card",
}  # fmt: skip
_CATEGORY: Final = re.compile(rf"({'|'.join(CATEGORIES)})(?=집|점|전문|식당|으로|로|을|를|이|가|은|는|\s|[….,]|$)")
# After X: 말고, 대신, 빼고 and 아니고 take back what stands right before; 아니(다) and 아 잠깐 take back what was said.
_INSTEAD: Final = re.compile(r"\s?(?:말고(?!도)|대신|빼고|아니고|아니라)(?![가-힣])")
_NO: Final = re.compile(
    r"(?<![가-힣])(?:아니(?:야|에요|예요|요|다|당|죠)?|아닙니다|아녀|아냐|아이다)(?=[\s,.….!~]|$)|아니[다당](?=[가-힣\s,.…])"
)
_SORRY: Final = re.compile(r"(?<![가-힣])(?:미안|죄송|잠깐|아차|앗)(?=.{0,40}로\s?(?:바꿔|바꾸|변경|해|할|부탁))")
_DROPPED: Final = re.compile(r"(?:[은는이가]|\S{0,3}[은는])?\s?(?:됐|필요\s?없|안\s?[먹할시]|취소)")
_MARK: Final = re.compile(r"말고|대신|빼고|아니|아닙|아녀|아냐|아이다|미안|죄송|잠깐|아차|앗")
_WORD: Final = re.compile(r"([가-힣A-Za-z0-9+()]{2,}?)(?:은|는|이|가|을|를|로|으로|랑|이랑)?$")
_ALSO: Final = re.compile(r"^\s?도(?:\s|$)")
_ADDING: Final = frozenset({"add_to_cart"})
_COUNTING: Final = frozenset({"add_to_cart", "update_cart_item"})


class Retraction(NamedTuple):
    """What was said first and taken back. `field` is what it is a value of: payment, category, dish, word or quantity.

    `kept` is what was said in its place; empty where that is no name.
    """

    field: str
    value: str
    kept: str


def find_ignored(case: Case) -> Iterator[tuple[int, str]]:
    """Yield (turn, message) of each call, before the customer speaks again, that does what they took back."""
    for turn, line in enumerate(case.turns):
        if line.role != "customer" or not _MARK.search(line.text):
            continue
        calls = list(_calls_until_next_line(case, turn))
        if not calls:
            continue
        names = _name_dishes(case)
        for retraction in find_retractions(line.text, tuple(sorted(set(names.values())))):
            for exchange in calls:
                if _does(exchange, retraction, names, calls):
                    said = f"{retraction.value!r}" + (f" for {retraction.kept!r}" if retraction.kept else "")
                    yield exchange.turn, f"the customer took back {said}; {exchange.call.name} was called with it"


@lru_cache(maxsize=1024)
def find_retractions(text: str, dishes: tuple[str, ...]) -> tuple[Retraction, ...]:
    """Return what the line takes back; `dishes` are the names known. A value said again after that is none."""
    found: list[Retraction] = []
    finders: dict[str, Callable[[str], list[tuple[int, int, str]]]] = {
        "payment": _find_payments,
        "category": _find_categories,
        "dish": lambda words: _find_dishes(words, dishes),
        "quantity": _find_counts,
    }
    for field, find in finders.items():
        for said, kept in _pair(text, find):
            found.append(Retraction(field, said, kept))
    if not any(retraction.field == "dish" for retraction in found):
        found += _find_partial(text, dishes)
    return tuple(found)


def _pair(text: str, find: Callable[[str], list[tuple[int, int, str]]]) -> Iterator[tuple[str, str]]:
    """Pair what stands before a mark with the other value of the same kind after it."""
    mentions = find(text)
    if len({value for _, _, value in mentions}) < 2:
        return
    marks = [(m.start(), m.end(), True) for m in _INSTEAD.finditer(text)]
    marks += [(m.start(), m.end(), False) for m in _NO.finditer(text)]
    marks += [(m.start(), m.end(), False) for m in _SORRY.finditer(text)]
    for start, end, is_close in marks:
        before = [mention for mention in mentions if mention[1] <= start + 1]
        after = [mention for mention in mentions if mention[0] >= end and not _DROPPED.match(text[mention[1] :])]
        if not before or not after or (is_close and start - before[-1][1] > 6):
            continue
        said, (_, kept_end, kept) = before[-1][2], after[0]
        if said not in {value for _, _, value in after} and not _ALSO.match(text[kept_end:]):
            yield said, kept


def _find_payments(text: str) -> list[tuple[int, int, str]]:
    found = re.finditer("|".join(_PAYMENTS), text)
    return [(match.start(), match.end(), _PAYMENTS[match[0]]) for match in found]


def _find_categories(text: str) -> list[tuple[int, int, str]]:
    return [(match.start(), match.end(), match[1]) for match in _CATEGORY.finditer(text)]


def _find_dishes(text: str, dishes: Iterable[str]) -> list[tuple[int, int, str]]:
    """Find dishes as names are compared; places are those in the text with its spaces."""
    places = [place for place, sign in enumerate(text) if fold(sign)]
    words = fold(text)
    found: list[tuple[int, int, str]] = []
    for name in sorted(dishes, key=len, reverse=True):
        folded = fold(name)
        start = words.find(folded) if len(folded) > 1 else -1
        while start >= 0:
            end = start + len(folded)
            if end <= len(places):
                found.append((places[start], places[end - 1] + 1, name))
            # Blank the name, so that 짜장면 is not found again inside 간짜장면.
            words = words[:start] + "\0" * len(folded) + words[end:]
            start = words.find(folded)
    return sorted(found)


def _find_counts(text: str) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    for match in re.finditer(r"\S+(?:\s?(?:개|그릇|인분|마리|잔|판|줄|병))?", text):
        counts = find_quantities(match[0])
        if len(counts) == 1:
            found.append((match.start(), match.end(), str(counts[0])))
    return found


def _find_partial(text: str, dishes: Iterable[str]) -> Iterator[Retraction]:
    """Find a part of dishes' names right before 말고: 파스타 말고 마르게리타."""
    for mark in _INSTEAD.finditer(text):
        word = _WORD.search(text[: mark.start()])
        after = _find_dishes(text[mark.end() :], dishes)
        if word and after and fold(word[1]) not in fold(after[0][2]) and any(fold(word[1]) in fold(n) for n in dishes):
            yield Retraction("word", word[1], after[0][2])


def _does(exchange: Exchange, retraction: Retraction, names: Mapping[str, str], calls: Sequence[Exchange]) -> bool:
    name, arguments = exchange.call.name, exchange.call.arguments
    dish = names.get(str(arguments.get("menu_item_id")), "")
    match retraction.field:
        case "payment":
            return name == "place_order" and arguments.get("payment_method") == retraction.value
        case "category":
            return name == "search_restaurants" and arguments.get("category") == retraction.value
        case "dish":
            return name in _ADDING and dish == retraction.value
        case "word":
            return name in _ADDING and fold(retraction.value) in fold(dish) and dish != retraction.kept
        case _:
            counted = [call for call in calls if call.call.name in _COUNTING]
            quantity = arguments.get("quantity")
            return len(counted) == 1 and exchange in counted and str(quantity) == retraction.value


def _calls_until_next_line(case: Case, turn: int) -> Iterator[Exchange]:
    for exchange in case.exchanges:
        if exchange.turn > turn:
            if any(line.role == "customer" for line in case.turns[turn + 1 : exchange.turn]):
                return
            yield exchange


def _name_dishes(case: Case) -> dict[str, str]:
    """Map the ids of all dishes that menus and carts showed to their names."""
    names: dict[str, str] = {}
    for exchange in case.exchanges:
        response = cast("dict[str, object]", exchange.response) if isinstance(exchange.response, dict) else {}
        for key, label in (("menus", "name"), ("items", "menu_name")):
            entries = response.get(key)
            for entry in cast("list[object]", entries) if isinstance(entries, list) else ():
                fields = cast("dict[str, object]", entry) if isinstance(entry, dict) else {}
                name, menu = fields.get(label), fields.get("menu_item_id")
                if isinstance(name, str) and isinstance(menu, str):
                    names[menu] = name
    return names
