"""Decides whether a line says a value: spacing and case do not count, typing errors are forgiven, enums have words."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate
from typing import Final

from rapidfuzz import fuzz

_JAMO_PER_ERROR: Final = 12
"""A mistyped text has one wrong jamo, and one more for each so many: a whole word more is no typing error."""

_SHORTEST: Final = 5
"""Fewer jamo (토스 has four) are too little to tell a typing error from another word."""

_FEWEST_DIGITS: Final = 4
_DIGIT_NAMES: Final = str.maketrans("공영일이삼사오육륙칠팔구", "001234566789")
_FOREIGN: Final = 0x1100
"""Below the first Hangul jamo in Unicode: Latin and digits."""

SpokenValues = Mapping[str, tuple[str, ...]]
"""The values of an enum, each with the words that stand for it, folded; the first words count with errors too."""

PAYMENT_WORDS: Final[SpokenValues] = {
    "kakao": ("카카오", "kakao", "카톡", "카페이", "카카페"),
    "naver": ("네이버", "naver", "네페", "npay", "n페이", "엔페이"),
    "toss": ("토스", "toss"),
    "card": ("카드", "card"),
}
SORT_WORDS: Final[SpokenValues] = {
    "rating": ("평점", "별점", "평가", "점수", "평좋", "평이좋", "인기", "맛집", "잘하는", "높은", "좋은", "맛있는"),
    "delivery_fee": ("배달비", "배달료", "배송비", "배달팁", "배달요금", "배달값", "배달금액", "배송료"),
    "relevance": ("관련", "정확", "비슷한", "가까운순서"),
}
CATEGORY_WORDS: Final[SpokenValues] = {
    "한식": ("한식", "한국", "밥집", "백반"),
    "중식": ("중식", "중국", "중화요리", "짱깨"),
    "일식": ("일식", "일본", "초밥집", "스시집"),
    "분식": ("분식",),
    "치킨": ("치킨", "통닭", "닭집"),
    "피자": ("피자", "핏자"),
    "카페": ("카페", "까페", "커피", "디저트", "찻집"),
    "야식": ("야식", "밤참"),
}
OPEN_WORDS: Final = (
    "영업", "열린", "열려", "열었", "열고", "연곳", "연집", "연데", "문연", "여는", "닫", "지금", "당장", "장사",
    "오픈",
)  # fmt: skip
DEFAULT_WORDS: Final = ("기본", "메인", "대표", "디폴트", "default", "주로", "항상", "늘")


@lru_cache(maxsize=1024)
def fold_words(text: str) -> str:
    """Return the letters and digits of a text, in lower case and without anything between them."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def find_exact(value: str, line: str) -> str | None:
    """Return a free text where a line says its letters, whatever stands between them; else None."""
    if value in line:
        return value
    wanted = fold_words(value)
    return value if wanted and wanted in fold_words(line) else None


def find_text(value: str, line: str) -> str | None:
    """Return what a line says for a free text: its own letters, or letters like enough to be mistyped; else None."""
    return find_exact(value, line) or _find_mistyped(fold_words(value), fold_words(line))


def find_parts(value: str, line: str) -> str | None:
    """Return what a line says for each word of a text, in whatever order; None where one is missing."""
    found = [find_text(part, line) for part in value.split()]
    return " … ".join(filter(None, found)) if len(found) > 1 and all(found) else None


def read_enum(words: SpokenValues, line: str) -> dict[str, str]:
    """Return the values of an enum that a line says, with the word for each."""
    said = fold_words(line)
    return {value: word for value, spoken in words.items() for word in reversed(spoken) if word in said}


def read_mistyped_enum(words: SpokenValues, line: str) -> dict[str, str]:
    """Return the values whose first word a line says with typing errors; none where it says one without."""
    if read_enum(words, line):
        return {}
    near = {value: _find_mistyped(spoken[0], fold_words(line)) for value, spoken in words.items()}
    return {value: word for value, word in near.items() if word is not None}


def find_word(words: tuple[str, ...], line: str) -> str | None:
    """Return the first of some folded words that a line holds."""
    said = fold_words(line)
    return next((word for word in words if word in said), None)


def find_digits(value: str, line: str) -> str | None:
    """Return the value where its digits stand in a line in this order, also with other or no separators, or in words.

    `010-0079-8487`, `01000798487` and `공일공 공공칠구 팔사팔칠` are one number.
    """
    wanted = "".join(filter(str.isdecimal, value))
    if len(wanted) < _FEWEST_DIGITS:
        return None
    said = fold_words(line)
    return value if wanted in said or wanted in said.translate(_DIGIT_NAMES) else None


@lru_cache(maxsize=1024)
def _find_mistyped(wanted: str, said: str) -> str | None:
    """Return the part of a folded line that is like a folded text, compared by jamo; digits are never mistyped."""
    letters = _take_apart(wanted)
    if len(letters) < _SHORTEST or all(ord(letter) < _FOREIGN for letter in letters):
        return None
    line = _take_apart(said)
    if len(line) < len(letters) - 1:
        return None
    errors = 1 + len(letters) // _JAMO_PER_ERROR
    match = fuzz.partial_ratio_alignment(letters, line, score_cutoff=100 * (1 - errors / len(letters)) - 0.01)
    if match is None:
        return None
    ends = list(accumulate(len(_take_apart(syllable)) for syllable in said))
    found = said[bisect_right(ends, match.dest_start) : bisect_left(ends, match.dest_end) + 1]
    return found if _digits(wanted) == _digits(found) else None


def _take_apart(text: str) -> str:
    return unicodedata.normalize("NFKD", text)


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))
