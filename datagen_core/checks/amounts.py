"""Decides how Korean writes money and quantities: 23,500원, 2만3500원 and 2만 3천5백원 are one amount."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

_UNITS: Final[dict[str, int]] = {"억": 10**8, "만": 10**4, "천": 1000, "백": 100, "십": 10}
_NUMBER: Final = r"\d{1,12}(?:,\d{3}){0,4}(?:\.\d{1,4})?"
_UNIT: Final = "[십백천]?[만억]|[십백천]"
_UNITED: Final = rf"{_NUMBER}\s?(?:{_UNIT})"
# `2만원대` is a range, `원` before Hangul such as 원소 another word; both state no amount.
_AMOUNT: Final = re.compile(
    rf"(?<![\d.,])(?:(?P<units>{_UNITED}(?:\s?{_UNITED}){{0,5}})\s?(?P<rest>{_NUMBER})?|(?P<plain>{_NUMBER}))"
    rf"\s?원(?!대(?!신)|소|색)|₩\s?(?P<signed>{_NUMBER})"
)
_PART: Final = re.compile(rf"({_NUMBER})\s?({_UNIT})")
_PLAIN: Final = re.compile(r"(?<![\d.,-])\d{1,12}(?:,\d{3}){0,4}(?![\d-])")

_WORDS: Final[dict[str, int]] = {
    "하나": 1, "한": 1, "둘": 2, "두": 2, "셋": 3, "세": 3, "넷": 4, "네": 4, "다섯": 5,
    "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9, "열": 10,
}  # fmt: skip
_COUNTER: Final = "개|그릇|인분|마리|잔|판|줄|병|세트|명|조각|접시|캔|컵|팩|봉지|봉|박스|상자|통|모둠|번|묶음|가지"
_QUANTITY: Final = re.compile(
    rf"(?<!\d)(?P<digits>\d{{1,3}})\s?(?:{_COUNTER})|(?P<word>{'|'.join(_WORDS)})\s?(?:{_COUNTER})"
    r"|(?P<alone>하나|둘|셋|넷|다섯|여섯|일곱|여덟|아홉)"
)


class Amount(NamedTuple):
    """An amount of won, as it stands in the text from `start` to `end`."""

    won: int
    text: str
    start: int
    end: int


def find_amounts(text: str) -> list[Amount]:
    """Return the amounts of won that a text states in digits, in order; 오천원 and 만원, all in words, are not read."""
    if "원" not in text and "₩" not in text:
        return []
    return [
        Amount(won, match[0], match.start(), match.end())
        for match in _AMOUNT.finditer(text)
        if (won := _read_amount(match)) is not None
    ]


def find_numbers(text: str) -> Iterator[int]:
    """Yield every whole number and every amount of won in a text."""
    yield from (int(match[0].replace(",", "")) for match in _PLAIN.finditer(text))
    yield from (amount.won for amount in find_amounts(text))


def find_quantities(text: str) -> list[int]:
    """Return the quantities a text states: `2개`, `두 그릇`, `하나`."""
    return [
        int(match["digits"]) if match["digits"] else _WORDS[match["word"] or match["alone"]]
        for match in _QUANTITY.finditer(text)
    ]


def _read_amount(match: re.Match[str]) -> int | None:
    """Add up the parts; an amount that is no whole won (1.5원) is none."""
    single = match["rest"] or match["plain"] or match["signed"]
    total = _read_number(single) if single else Decimal(0)
    for number, units in _PART.findall(match["units"] or ""):
        total += _read_number(number) * math.prod(_UNITS[unit] for unit in units)
    return int(total) if total == total.to_integral_value() else None


def _read_number(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))
