"""Decides whether times, dates, durations, ratings, ids and other numbers that the counsellor states were shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from itertools import combinations
from typing import Final

from datagen_core.checks.case import Case, hear_before
from datagen_core.checks.evidence import find_uuids
from datagen_core.checks.numerals import find_dates, find_durations, find_ratings, find_times, find_won

_KOREA: Final = timezone(timedelta(hours=9))
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?")
_UUID: Final = re.compile(r"[0-9A-Fa-f][0-9A-Fa-f]{7}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_EXAMPLE: Final = re.compile(r"\s?(?:처럼|같은|같이|등의|형식|이런 식)|[^.!?]{0,12}(?:예를 들|예:|예시)")
_APPROXIMATE: Final = re.compile(r"\s?(?:쯤|경|정도|무렵|께)")
_LIMIT: Final = re.compile(r"\s?(?:점)?\s?(?:이상|이하|넘|초과|미만|만점|높|낮|차이|더|덜)")
_WAITS: Final = re.compile(
    r"도착|걸[리려립릴린렸]|거리|라이더|기사|가는|가고|출발|오실|오십|받으|받아|완성|나올|나옵|대기|기다|소요|배달|조리|예상|안에|이내|뒤|후|환불|처리|영업|남았|남은|연장|전에|지연|늦"
)
_ARRIVES: Final = re.compile(
    r"[^.!?\n]{0,24}(?:도착|오실|오십|받으실|받아\s?보실|갖다|가져다|배달(?:될|됩|해\s?드릴|되겠|예정|\s?예정)|올\s?(?:것|거|예정))"
)
_OF_PAST: Final = re.compile(r"도착(?:했|하셨|한|하였|됐|되었|이 완료)")
_SCALE: Final = re.compile(r"\s?점?\s?(?:까지|만점|이내|범위)")
_SMALL: Final = re.compile(r"(?<![\d.])[0-5](?:\.\d)?")
_PHONE: Final = re.compile(r"(?<![\d-])(?:0\d{1,2}[- ]?\d{3,4}[- ]?\d{4}|1\d{3}-\d{4})(?![\d-])")
_CODE: Final = re.compile(r"(?<![\d,.])\d{4,}(?![\d,.]*\s?(?:원|점|개월))")
_UNIT: Final = re.compile(r"(?<![\d.,-])\d{1,4}\s?(?:호(?!점|선|차|환)|층|번지|번길)")
_STREET: Final = re.compile(
    r"[가-힣]{1,8}[로길]\s?\d{1,4}(?:-\d{1,4})?(?![\d,.]|\s?[개그인마잔판줄병세명조접캔컵팩봉박상통모묶가군곳종건장분번시원점만천백월일년호층])"
)
_HEX: Final = re.compile(r"(?<![0-9A-Za-z-])(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{6,12}(?![0-9A-Za-z])")
_DIGIT: Final = re.compile(r"\d")
_RARE: Final = re.compile(r"(?=[\da-f로길])(?:\d{4}|[0-9a-f]{6}|\d\s?(?:호|층|번)|[로길]\s?\d)")


def find_unshown(case: Case, turn: int, text: str) -> Iterator[str]:
    """Yield a message for each time, date, duration, rating, id or long number of a text that came from nowhere."""
    yield from _find_times(case, turn, text)
    yield from _find_dates(case, turn, text)
    yield from _find_durations(case, turn, text)
    yield from _find_ratings(case, turn, text)
    if _may_hold_codes(text):
        yield from _find_codes(case, turn, text)


@lru_cache(maxsize=1024)
def _may_hold_codes(text: str) -> bool:
    return _DIGIT.search(text) is not None and _RARE.search(text) is not None


def _find_times(case: Case, turn: int, text: str) -> Iterator[str]:
    times = [time for time in find_times(text) if not _EXAMPLE.match(text, time.end)]
    if not times:
        return
    moments = [moment.hour * 60 + moment.minute for moment in _moments_before(case, turn)]
    spoken = {minute for line in _heard_before(case, turn) for time in find_times(line) for minute in time.minutes}
    for time in times:
        reach = 30 if _APPROXIMATE.match(text, time.end) and not _tells_arrival(text, time.end) else 0
        if not any(_is_near(minute, known, reach) for minute in time.minutes for known in (*moments, *spoken)):
            yield f"the time {time.text!r} was never shown"


def _tells_arrival(text: str, place: int) -> bool:
    """Tell whether a time is one of arriving: no tool knows one, so that it is near no time shown."""
    return _ARRIVES.match(text, place) is not None and _OF_PAST.search(text, place) is None


def _is_near(minute: int, known: int, reach: int) -> bool:
    """Compare around midnight."""
    return min((minute - known) % 1440, (known - minute) % 1440) <= reach


def _find_dates(case: Case, turn: int, text: str) -> Iterator[str]:
    dates = find_dates(text)
    if not dates:
        return
    known = {int(found.value) % 10_000 for line in _heard_before(case, turn) for found in find_dates(line)}
    days = [moment.date() for moment in _moments_before(case, turn)]
    try:
        today = date.fromisoformat(case.dialogue.date)
        days += [today + timedelta(days=shift) for shift in (-1, 0, 1)]
    except (ValueError, OverflowError):
        pass
    known |= {day.month * 100 + day.day for day in days}
    for found in dates:
        if int(found.value) % 10_000 not in known and not _EXAMPLE.match(text, found.end):
            yield f"the date {found.text!r} was never shown"


def _find_durations(case: Case, turn: int, text: str) -> Iterator[str]:
    durations = find_durations(text)
    if not durations or not _WAITS.search(text):
        return
    known = {found.value for line in _heard_before(case, turn) for found in find_durations(line)}
    for found in durations:
        sentence = _sentence_around(text, found.start)
        if found.value not in known and _WAITS.search(sentence):
            yield f"the length of time {found.text!r} was never shown"


def _find_ratings(case: Case, turn: int, text: str) -> Iterator[str]:
    ratings = [found for found in find_ratings(text) if not _SCALE.match(text, found.end)]
    if not ratings:
        return
    shown = {value for rated in case.evidence.ratings.values() for first, value in rated if first < turn}
    known = shown | {round(value, 1) for value in shown}
    ratings = [found for found in ratings if found.value not in known]
    if not ratings:
        return
    heard = _heard_before(case, turn)
    said = {found.value for line in heard for found in find_ratings(line)}
    said |= {float(number) for line in heard for number in _SMALL.findall(line)}
    said |= {round(abs(one - other), 1) for one, other in combinations(known, 2)}
    for found in ratings:
        if found.value not in said or (known and not _LIMIT.match(text, found.end)):
            yield f"the rating {found.text!r} was never shown"


def _find_codes(case: Case, turn: int, text: str) -> Iterator[str]:
    """Find ids, phone numbers, codes and parts of addresses that stand nowhere before."""
    ids, tokens = _list_codes(text)
    for value in ids:
        if not case.evidence.kinds_before(value, turn) and value not in case.dialogue.system_prompt:
            yield f"the id {value} was never shown"
    if not tokens:
        return
    sources = [case.dialogue.system_prompt]
    sources += [
        text
        for (index, text), spoken in zip(case.texts[1:], case.turns[:turn], strict=False)
        if index is not None and spoken.role != "counsellor"
    ]
    shown = " | ".join(sources)
    for token in tokens:
        if not _stands_in(token, shown) and not re.search(_spell(token), shown):
            yield f"the number {token!r} was never shown"


@lru_cache(maxsize=1024)
def _list_codes(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the UUIDs of a text, and its phone numbers, codes and parts of addresses, each of these once."""
    bare = _UUID.sub(" ", text)
    for span in (*find_won(bare), *find_dates(bare), *find_times(bare)):
        bare = bare.replace(span.text, " ")
    phones = [match[0] for match in _PHONE.finditer(bare)]
    for phone in phones:
        bare = bare.replace(phone, " ")
    tokens = [*phones, *_CODE.findall(bare), *_HEX.findall(bare), *_UNIT.findall(bare), *_STREET.findall(bare)]
    return tuple(find_uuids(text)), tuple(dict.fromkeys(tokens))


def _stands_in(token: str, shown: str) -> bool:
    """Tell whether the token stands there as it is, which is faster seen than by a pattern made for it."""
    place = shown.find(token)
    if place < 0:
        return False
    return not (shown[place - 1 : place].isdecimal() or shown[place + len(token) : place + len(token) + 1].isdecimal())


def _spell(token: str) -> str:
    """Return a pattern of a token in which spaces and hyphens do not count; digits are not part of longer numbers."""
    spelled = r"[\s-]{0,3}".join(map(re.escape, re.sub(r"[\s-]", "", token)))
    return rf"(?<!\d){spelled}" + (r"(?!\d)" if token[-1].isdecimal() else "")


def _heard_before(case: Case, turn: int) -> list[str]:
    """Return the customer's lines before a turn, and the strings of responses that speak of won."""
    return hear_before(case, turn) + [text for index, text in case.evidence.strings if index < turn]


def _moments_before(case: Case, turn: int) -> list[datetime]:
    """Return the moments, in Korean time, that calls and responses before a turn name."""
    turns = case.turns[:turn]
    return [
        moment
        for (index, text), spoken in zip(case.texts[1:], turns, strict=False)
        if index is not None and spoken.role in ("call", "response")
        for moment in _read_moments(text)
    ]


@lru_cache(maxsize=1024)
def _read_moments(text: str) -> tuple[datetime, ...]:
    found: list[datetime] = []
    for match in _MOMENT.findall(text):
        try:
            moment = datetime.fromisoformat(match)
            found.append(moment if moment.tzinfo is None else moment.astimezone(_KOREA))
        except (ValueError, OverflowError):
            continue
    return tuple(found)


def _sentence_around(text: str, place: int) -> str:
    start = max(text.rfind(mark, 0, place) for mark in ".!?\n")
    ends = [end for mark in ".!?\n" if (end := text.find(mark, place)) >= 0]
    return text[start + 1 : min(ends, default=len(text))]
