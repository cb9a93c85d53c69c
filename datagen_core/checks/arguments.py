"""Decides whether optional arguments were asked for, and whether requests keep the customer's words (P07, P08)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from datagen_core.checks.case import Case, Exchange
from datagen_core.checks.registry import Finding, rule
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


@rule(
    "P07",
    "Optional search arguments are asked for: no only_open false, no invented min_rating or sort, no word twice.",
    korean="고객이 말하지 않은 검색 조건(sort, min_rating, only_open)을 넣지 않고, 음식 종류는 query에 넣지 않습니다.",
    families=("delivery",),
)
def check_search_arguments(case: Case) -> Iterator[Finding]:
    """Find search conditions that no customer line up to the call asks for; source: DOMAIN, rules learnt."""
    for exchange in case.exchanges:
        if exchange.call.name == "search_restaurants":
            said = _fold(" ".join(_lines_before(case, exchange)))
            for message in _find_unasked(exchange.call.arguments, said):
                yield Finding(exchange.turn, message)


@rule(
    "P08",
    "special_request and delivery_note keep the customer's words.",
    korean="special_request와 delivery_note에는 고객이 대화에서 한 말을 글자 그대로 넣습니다.",
    families=("delivery",),
)
def check_requests(case: Case) -> Iterator[Finding]:
    """Find requests that stand in no customer line before the call; white space does not count."""
    for exchange in case.exchanges:
        for name in _WORDED_ARGUMENTS:
            value = exchange.call.arguments.get(name)
            if isinstance(value, str) and not any(
                _fold(value) in _fold(line) for line in _lines_before(case, exchange)
            ):
                yield Finding(exchange.turn, f"{name} {value!r} is not what the customer said")


def _find_unasked(arguments: dict[str, object], said: str) -> Iterator[str]:
    sort, rating, only_open = (arguments.get(name) for name in ("sort", "min_rating", "only_open"))
    query, category = arguments.get("query"), arguments.get("category")
    if isinstance(sort, str) and sort in _SORT_WORDS and not _has_word(said, _SORT_WORDS[sort]):
        yield f"sort {sort!r} was not asked for"
    if isinstance(rating, int | float) and 0 <= rating <= 5 and not _is_spoken(rating, said):
        yield f"min_rating {rating} was not said as a number"
    if only_open is False:
        yield "only_open false is left out, not given"
    elif only_open is True and not _has_word(said, _OPEN_WORDS):
        yield "only_open was not asked for"
    if isinstance(query, str) and (query in CATEGORIES or query == category):
        yield f"query {query!r} is a category"


def _lines_before(case: Case, exchange: Exchange) -> list[str]:
    return [turn.text for turn in case.turns[: exchange.turn] if turn.role == "customer"]


def _is_spoken(rating: float, said: str) -> bool:
    """Tell whether the number was said, as 4.5, 4점5, or 4 for 4.0; Korean numerals count by their first syllable."""
    whole, half = int(rating), round(rating % 1 * 10)
    spellings = [f"{rating:g}", f"{whole}점{half}", f"{whole},{half}"]
    if half == 0:
        spellings += [f"{whole}점", "영일이삼사오"[whole] + "점"]
    elif half == 5:
        spellings += [f"{whole}점반", "영일이삼사오"[whole] + "점오"]
    return any(spelling in said for spelling in spellings)


def _has_word(said: str, words: tuple[str, ...]) -> bool:
    return any(_fold(word) in said for word in words)


def _fold(text: str) -> str:
    return _BLANKS.sub("", unicodedata.normalize("NFC", text))
