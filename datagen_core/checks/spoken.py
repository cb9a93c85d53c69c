"""Decides whether a line says a number, a rating or a moment that a call was given."""

from __future__ import annotations

import re
from collections.abc import Container
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from datagen_core.checks.numerals import find_counts, find_dates, find_durations, find_ratings, find_times

_BARE: Final = re.compile(
    r"(?<![\d.,:-])(?:\d{1,3}(?:,\d{3})+|\d{1,7})(?:\.\d{1,2})?(?![\d,:-]|\.\d)"
    r"(?!\s?(?:시|분|점|원|년|월|일|호|동|층|번|위|째|곳|군데|집|만|천|%|[A-Za-z]))"
)
"""A number without a unit, or with one of things; not a time, a price, a place in a row or part of an address."""
_LATER: Final = ("뒤", "후", "있다", "이따")
_DAYS: Final = {"오늘": 0, "이따": 0, "내일모레": 2, "내일": 1, "낼": 1, "모레": 2, "글피": 3}
_WEEKDAYS: Final = "월화수목금토일"
_WEEKDAY: Final = re.compile(rf"([{_WEEKDAYS}])요일")
_DAY_OF_MONTH: Final = re.compile(r"(?<!\d)(\d{1,2})일(?!\s?(?:동안|간|뒤|후|전))")
_EARLY: Final = 6
"""Before this hour a moment may be meant to be of the night before: 오늘 새벽 1시."""


def read_number(value: float, line: str, *, without: Container[str] = ()) -> str | None:
    """Return the words in which a line says a number: in digits, or counted in any form; None where it does not.

    What is counted by a counter of `without` does not count.
    """
    counts = (found for found in find_counts(line) if found.unit not in without)
    counted = next((found.text for found in counts if found.value == value), None)
    return counted or next((match[0] for match in _BARE.finditer(line) if _to_number(match[0]) == value), None)


def read_rating(value: float, line: str) -> str | None:
    """Return the words in which a line says a rating: 4.5점, 4점 반, 사점오, or a bare 4.5."""
    rated = next((found.text for found in find_ratings(line) if abs(found.value - value) < 1e-6), None)
    return rated or read_number(value, line)


@lru_cache(maxsize=1024)
def read_moment(value: str, today: str, line: str) -> str | None:
    """Return the words in which a line says a moment (ISO 8601): 내일 저녁 7시 반, or a length of time from now.

    The hour must be said; the day, where none is said, is `today` (`YYYY-MM-DD`) or the night that follows.
    """
    try:
        moment = datetime.fromisoformat(value)
        base = date.fromisoformat(today)
    except ValueError:
        return None
    later = next((found.text for found in find_durations(line) if any(word in line for word in _LATER)), None)
    if later is not None:
        return later
    minutes = moment.hour * 60 + moment.minute
    said = next((found.text for found in find_times(line) if minutes in found.minutes), None)
    return said if said is not None and _is_day_said(moment.date(), base, line, moment.hour) else None


def _is_day_said(day: date, base: date, line: str, hour: int) -> bool:
    """Tell whether the day is one that the line allows; the small hours count to the day before, too."""
    named = {base + timedelta(days=_DAYS[word]) for word in _DAYS if word in line}
    dates = [int(found.value) for found in find_dates(line)]
    weekdays = {_WEEKDAYS.index(match[1]) for match in _WEEKDAY.finditer(line)}
    days = {int(match[1]) for match in _DAY_OF_MONTH.finditer(line)}
    meant = (day, day - timedelta(days=1)) if hour < _EARLY else (day,)
    if not (named or dates or weekdays or days):
        return base in meant
    return any(one in named or one.weekday() in weekdays or one.day in days or _is_dated(one, dates) for one in meant)


def _is_dated(day: date, dates: list[int]) -> bool:
    month_and_day = day.month * 100 + day.day
    return any(found in (month_and_day, day.year * 10_000 + month_and_day) for found in dates)


def _to_number(text: str) -> float:
    return float(text.replace(",", ""))
