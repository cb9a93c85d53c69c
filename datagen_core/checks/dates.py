"""Decides whether dates are valid and agree with today (M01)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from datagen_core.checks.case import Case
from datagen_core.checks.registry import Finding, rule
from datagen_core.checks.written import WrittenTurn, read_written
from datagen_core.prompts import WEEKDAYS

_TODAY: Final = re.compile(
    r"날짜\]?(?:는|은)?\s*[:：]?\s*(\d{4}-\d{1,2}-\d{1,2})(?:\s*\(?([월화수목금토일])(?:요일|\)))?"
)

_NAMED: Final = {"그저께": -2, "그제": -2, "어제": -1, "오늘": 0, "내일": 1, "모레": 2, "글피": 3}
_DAY: Final = (
    r"(?:(?P<y>(?:19|20)\d{2})\s?(?:년|[-./])\s?)?(?P<m>\d{1,2})(?P<s>\s?월\s?|[-./])\s?(?P<d>\d{1,2})(?:\s?일)?"
)
_WEEKDAY: Final = r"[월화수목금토일]"
_AFTER: Final = r"(?!\d|[-./:][0-9A-Za-z]|개|시간|[ ]?원)"
_DATE: Final = re.compile(
    rf"(?:(?P<named>{'|'.join(_NAMED)})(?:은|는|이|인)?\s?(?:날짜(?:는|가)?\s?)?[(,]?\s?)?"
    rf"(?:(?P<before>{_WEEKDAY})요일(?:인)?[(,]?\s?)?"
    rf"(?<![\d.:/-]){_DAY}{_AFTER}"
    rf"(?:[ ]?[(,]?[ ]?(?P<after>{_WEEKDAY})(?:요일|(?=\))))?"
)
_NAMED_WEEKDAY: Final = re.compile(
    rf"(?<![가-힣])(?P<named>{'|'.join(_NAMED)})(?:은|는|이|인)?\s?(?:\((?P<short>{_WEEKDAY})\)|(?P<long>{_WEEKDAY})요일)(?!\s?말고)"
)
_IS_DAY: Final = (
    r"(?=\s?(?:이[라고네니거었에며지어여]|입|인데|라[서고]|여서|예요|일\s?텐|죠|네요|맞"
    r"|저녁|아침|점심|오전|오후|밤|새벽|낮|[,.!]|$))"
)
_ASKED: Final = re.compile(r"(?:요일)?[^.!?\n]{0,8}(?:[?？]|인가|맞[죠지나]|이?[죠지](?![가-힣]))")
"""What follows a day that is asked for, not claimed: 오늘이 토요일인가요, 오늘 토요일 맞죠."""

_CALLED_NOW: Final = re.compile(
    r"(?<![가-힣])(?:지금|현재|이제|오늘)(?:은|이|도|이\s?바로|\s?날짜[는가]|\s?시[각간][은이]?)?[,\s]{0,2}"
    rf"(?:(?:벌써|마침|바로|딱|또|한창|아직|역시|즐거운|바쁜)\s?)?(?:(?P<day>{_WEEKDAY})요일|(?P<part>주말|평일)){_IS_DAY}"
    rf"|(?P<ahead>{_WEEKDAY})요일(?:인|이고|입니다만)\s?(?:오늘|지금)"
)
"""What the day of the dialogue is called without a date: `지금은 토요일이어서`, `오늘은 주말이라`."""

_WEEKEND: Final = "토일"
_MONTH: Final = re.compile(
    r"(?<![\d.,])(?:0|1[3-9]|[2-9]\d)\s?월(?!의\s?(?:월급|보너스)|드|[가-힣]?요일)(?=\s|\d|[에의은부까달]|[.,?!]|$)"
)
_OTHER_YEAR: Final = re.compile(r"(?:작년|재작년|지난해|내년|후년|올해)\S{0,2}\s?$")
_ISO: Final = re.compile(r"\"((?:19|20)\d{2}-\d{2}-\d{2}(?:[T ][0-9:.]+(?:Z|[+-]\d{2}:?\d{2})?)?)\"")
_MAY_HOLD_DATE: Final = re.compile(
    r"\d\s?월|\d{4}[-./]|오늘|내일|모레|어제|그제|글피|\([월화수목금토일]\)|요일|주말|평일"
).search
_YEARS: Final = ("20", "19")
_SIGNS: Final = ("월", "요일", "오늘", "내일", "모레", "어제", "그제", "글피", "(", "주말", "평일", *_YEARS)
_LEAP_YEAR: Final = 2028
_NEAR: Final = timedelta(days=183)


class _Spoken(NamedTuple):
    """A date as it was said: parts of it, and what was claimed of it."""

    text: str
    year: int | None
    month: int
    day: int
    weekday: int | None
    shift: int | None
    is_elsewhen: bool


@rule(
    "M01",
    "Dates are valid, and agree with the system prompt's today.",
    korean="날짜와 요일은 [지금]에 적힌 날에 맞는, 달력에 있는 날이어야 합니다.",
)
def check_dates(case: Case) -> Iterator[Finding]:
    """Find days that no calendar has, weekdays that are another day's, and days called today that are not.

    Today is what the system prompt says, else the record's `dates`. What our backend gave again needs no look, and
    whether the times of orders agree with today is K04's.
    """
    yield from _check_frame(case)
    today = _find_today(case)
    everything = read_written(case)
    is_said = any(sign in everything.said for sign in _SIGNS)
    if is_said or any(sign in everything.whole for sign in _YEARS):
        for written in everything.turns:
            if written.role not in ("customer", "counsellor"):
                yield from _check_iso(written)
            elif is_said and _MAY_HOLD_DATE(written.text):
                yield from (Finding(written.turn, problem) for problem in find_problems(written.text, today))


def _check_frame(case: Case) -> Iterator[Finding]:
    """Find disagreement between the record's `dates`, the system prompt and the opening."""
    day, prompt = case.dialogue.date, _read_prompt(case.dialogue.system_prompt)
    if case.is_delivery and day and _read_day(day) is None:
        yield Finding(None, f"the record's date {day!r} is no day")
    if prompt is not None:
        stated = _read_day(prompt[0])
        if stated is None:
            yield Finding(None, f"the system prompt's date {prompt[0]!r} is no day")
        elif prompt[1] and WEEKDAYS[stated.weekday()] != prompt[1]:
            yield Finding(None, f"the system prompt calls {prompt[0]} a {prompt[1]}요일, it is a {_name(stated)}")
        if day and stated is not None and _read_day(day) not in (None, stated):
            yield Finding(None, f"the system prompt's date {prompt[0]} is not the record's {day}")
    if case.opening is not None and case.is_delivery and day and not case.opening.now.startswith(day):
        yield Finding(None, f"the record's date {day!r} is not the opening's {case.opening.now[:10]}")


@lru_cache(maxsize=1024)
def _read_prompt(system_prompt: str) -> tuple[str, str] | None:
    """Return the day and the weekday, if it is told, that the system prompt calls today."""
    start = system_prompt.find("날짜")
    match = None if start < 0 else _TODAY.search(system_prompt, start)
    return None if match is None else (match[1], match[2] or "")


def _find_today(case: Case) -> date | None:
    prompt = _read_prompt(case.dialogue.system_prompt)
    return _read_day(prompt[0] if prompt is not None else case.dialogue.date)


@lru_cache(maxsize=1024)
def _read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == len("2026-02-14") else None
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def find_problems(text: str, today: date | None) -> tuple[str, ...]:
    """Return what is wrong with the dates in a text; without a today only whether there are such days."""
    problems: list[str] = []
    for match in _DATE.finditer(text):
        spoken = _read_spoken(match, text)
        if spoken is not None:
            problems += _judge(spoken, today)
    problems += [f"there is no month {match[0].strip()!r}" for match in _MONTH.finditer(text)]
    if today is not None:
        for match in _NAMED_WEEKDAY.finditer(text):
            claimed = match["short"] or match["long"]
            meant = today + timedelta(days=_NAMED[match["named"]])
            if WEEKDAYS[meant.weekday()] != claimed and _ASKED.match(text, match.end()) is None:
                problems.append(f"{match[0]!r}: that day is a {_name(meant)}")
        problems += [] if problems else _find_misnamed(text, today)
    return tuple(dict.fromkeys(problems))


def _find_misnamed(text: str, today: date) -> Iterator[str]:
    if not ("요일" in text or "주말" in text or "평일" in text):
        return
    name = WEEKDAYS[today.weekday()]
    for match in _CALLED_NOW.finditer(text):
        claimed = match["day"] or match["ahead"]
        is_wrong = claimed != name if claimed else (match["part"] == "주말") != (name in _WEEKEND)
        # A Friday evening may pass for the weekend.
        if is_wrong and not (match["part"] and name == "금") and _ASKED.match(text, match.end()) is None:
            yield f"{match[0]!r}: today is a {_name(today)}"


def _read_spoken(match: re.Match[str], text: str) -> _Spoken | None:
    """Return the date; None for what only looks like one (a rating 4.5, a share 1/2)."""
    is_korean = "월" in match["s"]
    weekday = match["before"] or match["after"]
    if not is_korean and match["y"] is None:
        # 3/5 alone may be a share, 4.5 a rating: with a weekday it is a day.
        if weekday is None or match["s"] == "-":
            return None
    elif is_korean and "일" not in match[0].split("월", 1)[1][:5] and match["y"] is None:
        return None
    elsewhen = _OTHER_YEAR.search(text[: match.start()]) is not None
    return _Spoken(
        match[0].strip(),
        int(match["y"]) if match["y"] else None,
        int(match["m"]),
        int(match["d"]),
        WEEKDAYS.index(weekday) if weekday else None,
        _NAMED[match["named"]] if match["named"] else None,
        elsewhen,
    )


def _judge(spoken: _Spoken, today: date | None) -> Iterator[str]:
    if _make_day(spoken.year or _LEAP_YEAR, spoken) is None:
        yield f"there is no day {spoken.text!r}"
        return
    if today is None and spoken.year is None:
        return
    days = _list_meant(spoken, today)
    if spoken.weekday is not None and days and not any(day.weekday() == spoken.weekday for day in days):
        yield f"{spoken.text!r} is a {_name(days[0])}"
    if spoken.shift is not None and today is not None:
        meant = today + timedelta(days=spoken.shift)
        if meant not in days:
            yield f"{spoken.text!r}: that day is {meant.isoformat()}"


def _list_meant(spoken: _Spoken, today: date | None) -> list[date]:
    """Return the day said; without a year the nearest such day, or, after 작년 or 내년, none that can be judged."""
    if spoken.year is not None:
        day = _make_day(spoken.year, spoken)
        return [] if day is None else [day]
    if today is None or spoken.is_elsewhen:
        return []
    found = (_make_day(year, spoken) for year in (today.year, today.year + 1, today.year - 1) if 1 <= year <= 9999)
    return [day for day in found if day is not None and abs(day - today) <= _NEAR]


def _make_day(year: int, spoken: _Spoken) -> date | None:
    try:
        return date(year, spoken.month, spoken.day)
    except ValueError:
        return None


def _check_iso(written: WrittenTurn) -> Iterator[Finding]:
    """Find values of arguments and responses that have the form of a date and are none."""
    if '"20' not in written.text and '"19' not in written.text:
        return
    for match in _ISO.finditer(written.text):
        if not _is_moment(match[1]):
            yield Finding(written.turn, f"there is no such date or time: {match[1]!r}")


@lru_cache(maxsize=1024)
def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _name(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()]}요일"
