"""Decides whether optional arguments were asked for, and whether requests keep the customer's words (P07, P08)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from datagen_core.checks.case import Case, Exchange, hear_before
from datagen_core.checks.numerals import find_ratings
from datagen_core.checks.registry import Finding, rule
from datagen_core.checks.wording import CATEGORY_WORDS, fold_words, read_enum, read_mistyped_enum
from datagen_core.config import CATEGORIES

_BLANKS: Final = re.compile(r"\s+")

# Words by which customers ask for an order of results; whoever asks for none of them gets none.
_SORT_WORDS: Final = {
    "rating": ("평점", "별점", "평가", "점수", "평 좋", "인기", "맛집", "잘하는", "잘 하는", "높은", "좋은"),
    "delivery_fee": ("배달비", "배달료", "배송비", "배달팁", "배달 팁", "배달 요금"),
    "relevance": ("관련", "정확"),
}
_OPEN_WORDS: Final = (
    "영업",
    "열린",
    "열려",
    "열었",
    "연 곳",
    "연 집",
    "연 데",
    "문 연",
    "여는",
    "닫",
    "지금",
    "당장",
    "장사",
)
_WORDED_ARGUMENTS: Final = ("special_request", "delivery_note")


_RATED: Final = re.compile(r"평점|별점|평가|점수|점")
_LEAST: Final = re.compile(r"(?<![\d.,])(\d(?:\.\d)?)\s?점?\s?(?:대\s)?(?:이상|넘|초과|부터|위|↑|\+|보다|짜리)")
_DECIMAL: Final = re.compile(r"(?<![\d.,])([0-5][.,]\d)(?![\d.])(?!\s?(?:만|천|원|[lL]|리터|k|인치))")
_NARROWS: Final = re.compile(
    r"그\s?중|거기서|거기에서|방금\s?(?:나온|찾은|본)|그\s?결과|이\s?중|여기서|나온\s?데\s?중|나온\s?곳\s?중"
)
_RESETS: Final = re.compile(r"새로|이번엔|이번에는|다른\s?(?:거|것|음식|메뉴|종류)|마음이\s?바뀌|됐고")
_TAKES_BACK: Final = re.compile(r"말고|빼고|상관\s?없|아니|없어도|필요\s?없|신경\s?안|대신|풀어|취소|무관")
_FILTERS: Final = ("min_rating", "only_open", "sort")
_PLACES: Final = ("집", "점", "식당", "가게", "음식", "요리", "맛집", "음식점", "전문점")
_CATEGORY_NAMES: Final = frozenset(category + place for category in CATEGORIES for place in ("", *_PLACES))

# 파는 빼고 | 덜 맵게 해줘: what ends like the first half of a request, and what a second half looks like.
_JOINS: Final = re.compile(
    r"(?:빼|넣|말|하|주|놓|두|올리|뿌리|자르|굽|익히|싸|담)(?:아|어|어서)?(?:주)?(?:시)?고$|(?:없이|많이|적게|따로)\s?(?:하고|주고|주시고)$"
)
_SECOND_HALF: Final = re.compile(
    r"\s*(?:[가-힣]+\s)?(?:덜|안|더|좀|조금|많이|적게|따로|바싹|푹|잘|맵게|짜게|싱겁게|[가-힣]+(?:은|는|도|을|를)?\s?(?:빼|넣|말아|따로|많이|적게|누르|울리|두드리))"
    r"[^.!?\n,]{0,14}(?:해|하|주|줘|빼|넣|말|세요|게|부탁|요)"
)
_ORDERS: Final = re.compile(r"담아|추가|주문|시켜|장바구니|넣어\s?(?:줘|주세요)$|배달")


@rule(
    "P07",
    "Optional search arguments are asked for, carried over when the customer narrows, and reset with a new search.",
    korean="고객이 말한 검색 조건만 넣습니다. 음식 종류는 query에 넣지 않고, 좁힐 때는 앞의 조건을 이어받습니다.",
    families=("delivery",),
)
def check_search_arguments(case: Case) -> Iterator[Finding]:
    """Find search conditions that no customer line asks for, or that got lost; source: rules learnt.

    A search narrows where the customer's last line says so (그중에서), and is a new one where it says that (이번엔);
    of lines that say neither or both nothing is judged.
    """
    previous: Exchange | None = None
    for exchange in case.exchanges:
        if exchange.call.name == "search_restaurants":
            lines = _lines_before(case, exchange)
            for message in _find_unasked(exchange.call.arguments, lines):
                yield Finding(exchange.turn, message)
            if previous is not None and lines and previous.customer_turns < exchange.customer_turns:
                for message in _find_uncarried(previous.call.arguments, exchange.call.arguments, lines[-1]):
                    yield Finding(exchange.turn, message)
            previous = exchange


@rule(
    "P08",
    "special_request and delivery_note keep the customer's words, and all of them.",
    korean="special_request와 delivery_note에는 고객이 대화에서 한 말을 글자 그대로, 빠짐없이 넣습니다.",
    families=("delivery",),
)
def check_requests(case: Case) -> Iterator[Finding]:
    """Find requests that stand in no customer line before the call, or are half of what one asks in one breath.

    White space does not count.
    """
    for exchange in case.exchanges:
        for name in _WORDED_ARGUMENTS:
            value = exchange.call.arguments.get(name)
            if not isinstance(value, str):
                continue
            lines = [line for line in _lines_before(case, exchange) if _fold(value) in _fold(line)]
            if not lines:
                yield Finding(exchange.turn, f"{name} {value!r} is not what the customer said")
            elif all(_is_half(value.strip(), line, case, exchange.turn) for line in lines):
                yield Finding(exchange.turn, f"{name} {value!r} is only a part of what the customer asked")


def _is_half(value: str, line: str, case: Case, turn: int) -> bool:
    """Tell whether the request goes on after, or begins before, the value within one clause: 파는 빼고 덜 맵게."""
    place = line.find(value)
    if place < 0 or not value:
        return False
    before, after = line[:place].rstrip(), line[place + len(value) :]
    if _JOINS.search(value) and (match := _SECOND_HALF.match(after)) and not _ORDERS.search(match[0]):
        return True
    clause = re.split(r"[.!?\n,]", before)[-1]
    if not clause or not _JOINS.search(clause) or line[place - 1] not in " ":
        return False
    # 짜장면 빼고 짬뽕 덜 맵게: what is left out is a dish, not a part of one.
    return not any(name in clause for name, first in case.evidence.dishes.items() if first < turn)


def _find_unasked(arguments: dict[str, object], lines: list[str]) -> Iterator[str]:
    said = _fold(" ".join(lines))
    sort, rating, only_open = (arguments.get(name) for name in ("sort", "min_rating", "only_open"))
    query, category = arguments.get("query"), arguments.get("category")
    if isinstance(sort, str) and sort in _SORT_WORDS and not _has_word(said, _SORT_WORDS[sort]):
        yield f"sort {sort!r} was not asked for"
    if isinstance(rating, int | float) and 0 <= rating <= 5 and not any(rating in _ratings_in(line) for line in lines):
        yield f"min_rating {rating} was not said as a number"
    if only_open is False:
        yield "only_open false is left out, not given"
    elif only_open is True and not _has_word(said, _OPEN_WORDS):
        yield "only_open was not asked for"
    if isinstance(query, str) and (_is_category(query) or query == category):
        yield f"query {query!r} is a category"
    elif (
        isinstance(query, str)
        and isinstance(category, str)
        and category in CATEGORY_WORDS
        and not _is_category_said(category, query, lines)
    ):
        yield f"category {category!r} beside the query {query!r} was not asked for"


def _is_category_said(category: str, query: str, lines: list[str]) -> bool:
    """Tell whether a line says the kind of food, typing errors forgiven, elsewhere than in what is searched for."""
    searched = fold_words(query)
    for line in lines:
        words = [line] if " " not in line.strip() else line.split()
        rest = fold_words(line).replace(searched, " ") if searched else line
        # 양념통닭 is a dish: a kind of food begins a word, where the customer sets words apart at all.
        begins = len(words) == 1 or any(fold_words(word).startswith(CATEGORY_WORDS[category]) for word in words)
        if begins and category in read_enum(CATEGORY_WORDS, rest):
            return True
        if category in read_mistyped_enum(CATEGORY_WORDS, rest):
            return True
    return False


def _find_uncarried(before: dict[str, object], now: dict[str, object], line: str) -> Iterator[str]:
    """Yield what got lost when the customer narrowed, and what stayed when they began anew."""
    narrows, resets = _NARROWS.search(line) is not None, _RESETS.search(line) is not None
    if narrows and not resets and not _TAKES_BACK.search(line):
        for name in ("category", "query"):
            if name in before and "category" not in now and "query" not in now:
                yield f"the customer narrows, but {name} {before[name]!r} was dropped"
        for name in _FILTERS:
            if name in before and name not in now:
                yield f"the customer narrows, but {name} {before[name]!r} was dropped"
    elif resets and not narrows:
        for name in _FILTERS:
            if name in now and now[name] == before.get(name) and not _asks(name, now[name], line):
                yield f"the customer searches anew, but {name} {now[name]!r} of the last search was kept"


def _asks(name: str, value: object, line: str) -> bool:
    said = _fold(line)
    if name == "sort":
        return isinstance(value, str) and _has_word(said, _SORT_WORDS.get(value, ()))
    return _has_word(said, _OPEN_WORDS) if name == "only_open" else value in _ratings_in(line)


def _is_category(query: str) -> bool:
    """Tell whether a query is a category's name, alone or as what a place of it is called."""
    return _fold(query) in _CATEGORY_NAMES


def _lines_before(case: Case, exchange: Exchange) -> list[str]:
    return hear_before(case, exchange.turn)


@lru_cache(maxsize=1024)
def _ratings_in(line: str) -> frozenset[float]:
    """Return the ratings that a line states: 4.5, 4점5, 사점오, 4점 반, 평점 4 이상."""
    found = {rating.value for rating in find_ratings(line)}
    found |= {float(number.replace(",", ".")) for number in _DECIMAL.findall(line)}
    if _RATED.search(line):
        found |= {float(number) for number in _LEAST.findall(line)}
        found |= {float(count) for count in re.findall(r"(?:평점|별점|점수)[^\d.!?]{0,8}?([0-5])(?![\d.])", line)}
    return frozenset(found)


def _has_word(said: str, words: tuple[str, ...]) -> bool:
    return any(_fold(word) in said for word in words)


@lru_cache(maxsize=1024)
def _fold(text: str) -> str:
    return _BLANKS.sub("", unicodedata.normalize("NFC", text))
