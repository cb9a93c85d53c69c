"""Decides which amounts of won, whole numbers and quantities a text states, to be checked and summed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from datagen_core.checks.numerals import find_counts, find_won

_PLAIN: Final = re.compile(r"(?<![\d.,-])\d{1,12}(?:,\d{3}){0,4}(?![\d-])")


class Amount(NamedTuple):
    """An amount of won, as it stands in the text from `start` to `end`."""

    won: int
    text: str
    start: int
    end: int


@lru_cache(maxsize=1024)
def find_amounts(text: str) -> tuple[Amount, ...]:
    """Return the amounts of won that a text states, in digits or words, in order; what may be no amount is left out."""
    return tuple(
        Amount(int(numeral.value), numeral.text, numeral.start, numeral.end)
        for numeral in find_won(text)
        if numeral.is_sure
    )


def find_numbers(text: str) -> Iterator[int]:
    """Yield every whole number and every amount of won in a text, doubtful ones too."""
    yield from (int(match[0].replace(",", "")) for match in _PLAIN.finditer(text))
    yield from (int(numeral.value) for numeral in find_won(text))


def find_quantities(text: str) -> list[int]:
    """Return the whole quantities a text states: `2개`, `두 그릇`, `하나`; doubtful ones too (`짜장면두개`)."""
    return [int(count.value) for count in find_counts(text) if count.value == int(count.value)]
