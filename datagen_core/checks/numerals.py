"""Decides how Korean writes numbers: 이만삼천오백원, 2만3천5백원, 두 개, 반 마리, 저녁 7시 반, 4점 반, 두 번째.

What looks like a number word and is none (만두, 이 치킨, 네 알겠습니다, 창동점) is not read: a Sino-Korean word counts
only in a chain with 십, 백, 천, 만 or before a unit that takes it, a native one only before a counter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal, NamedTuple

NumeralKind = Literal["won", "count", "ordinal", "time", "duration", "rating", "date"]

SMALL_UNITS: Final[dict[str, int]] = {"십": 10, "백": 100, "천": 1000}
LARGE_UNITS: Final[dict[str, int]] = {"만": 10**4, "억": 10**8}
SINO_DIGITS: Final[dict[str, int]] = {
    "영": 0, "공": 0, "일": 1, "이": 2, "삼": 3, "사": 4, "오": 5, "육": 6, "칠": 7, "팔": 8, "구": 9,
}  # fmt: skip
NATIVE_ONES: Final[dict[str, int]] = {
    "하나": 1, "한": 1, "둘": 2, "두": 2, "셋": 3, "세": 3, "석": 3, "넷": 4, "네": 4, "넉": 4,
    "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9,
}  # fmt: skip
NATIVE_TENS: Final[dict[str, int]] = {
    "열": 10, "스물": 20, "스무": 20, "서른": 30, "마흔": 40, "쉰": 50, "예순": 60, "일흔": 70, "여든": 80, "아흔": 90,
}  # fmt: skip

_DIGITS: Final = r"\d{1,12}(?:,\d{3}){0,4}(?:\.\d{1,4})?(?!\d)"
_SINO: Final = "일이삼사오육칠팔구"
_CHAIN: Final = "십백천만억"
_ONES_BEFORE: Final = "한|두|세|네|석|넉|다섯|여섯|일곱|여덟|아홉"
_TENS: Final = "열|스물|서른|마흔|쉰|예순|일흔|여든|아흔"
_NATIVE: Final = rf"(?:{_TENS})(?:{_ONES_BEFORE})|스무|{_TENS}|{_ONES_BEFORE}"

# `2만원대` is a range, 원 before 소, 색 another word, 만원 버스 a full one: none is an amount.
_WON: Final = re.compile(
    rf"(?=[\d₩{_SINO}{_CHAIN}])(?<![\d.,])(?P<run>(?:{_DIGITS}|[{_SINO}{_CHAIN}])(?:\s?(?:{_DIGITS}|[{_SINO}{_CHAIN}])){{0,23}})"
    rf"\s?원(?!대(?!신)|소|색|동|\s?버스|\s?지하철)|₩\s?(?P<signed>{_DIGITS})"
)
_LOOSE: Final = re.compile(r"\s|\d")
_AMOUNTING: Final = re.compile(rf"[\d{_CHAIN}]")
_TOKEN: Final = re.compile(rf"{_DIGITS}|[영공{_SINO}{_CHAIN}]|\s|(?P<bad>.)", re.DOTALL)

# What may not follow a counter, for then it begins another word: 병원, 번호, 개월, 장바구니, 잔액, 통화.
_COUNTERS: Final = (
    "개(?!월|인|봉)|그릇|인분|마리|잔(?!액|치|뜩)|판(?!매|단)|줄(?!여|일 수|이[고기는려])|병(?!원)|세트"
    "|명(?!세|확|단)|조각|접시|캔"
    "|컵|팩|봉지|봉(?!사|골)|박스|상자|통(?!화|닭|해|합|상)|모둠|묶음|가지(?!고)|군데|곳|집(?!에|으)|종류|종(?!일|료)"
    "|건(?!너|강)|장(?!바|소|난|어)|사람|분(?!식|류|명|위|실|리|께)|번(?!호|거|째|\\s째)"
)
_COUNT: Final = re.compile(
    rf"(?=[\d반하한둘두셋세석넷네넉다여일아열스서마쉰예{_SINO}십백])(?:(?P<half>반)\s?(?P<halved>마리|판|줄|그릇|인분|병|통|접시|조각)"
    rf"|(?:(?P<digits>(?<![\d.,:-])\d{{1,4}}(?:\.\d)?)|(?P<native>{_NATIVE})|(?P<sino>[{_SINO}십백]{{2,5}}))"
    rf"\s?(?P<counter>{_COUNTERS})(?P<more>\s?반(?=[은이을에만도]|[^가-힣]|$))?"
    rf"|(?P<people>[{_SINO}]|[{_SINO}]?십[{_SINO}]?)\s?(?P<portions>인분)"
    r"|(?P<alone>하나(?!도\s?(?:없|안|못)|하나)|둘(?!러|레)|셋|넷(?!플)|다섯|여섯|일곱|여덟|아홉)(?!째))"
)
_HINTS: Final = re.compile(r"[0-9하한둘두셋세석넷네넉다여일아열스서마쉰예반이삼사오육칠팔구십백]")
_ORDINAL: Final = re.compile(
    rf"(?:(?P<digits>(?<!\d)\d{{1,3}})|(?P<first>첫)|(?P<native>{_NATIVE}))\s?번\s?째"
    r"|(?P<short>첫째|둘째|셋째|넷째|다섯째)|(?P<place>첫)\s(?=집|가게|식당|메뉴|곳)"
    r"|(?<!\d)(?P<number>\d{1,2})번(?!\s?(?:더|만에|출구|길|째)|호|지)"
)
_SHORT_ORDINALS: Final = {"첫째": 1, "둘째": 2, "셋째": 3, "넷째": 4, "다섯째": 5}
_TIME: Final = re.compile(
    r"(?=[\d오새아점낮저밤자정열한두세네석넉다여일])(?:(?P<part>오전|오후|새벽|아침|점심|낮|저녁|밤)\s?)?"
    r"(?:(?<![\d:.T+-])(?P<h24>\d{1,2}):(?P<m24>[0-5]\d)(?![\d:])"
    r"|(?:(?<![\d.,])(?P<digits>\d{1,2})\s?시(?!간|작|장|즌|리)"
    rf"|(?P<native>열한|열두|열|{_ONES_BEFORE})\s?시"
    r"(?=[^가-힣]|$|에|쯤|까지|부터|반(?!찬)|정각|이[후전]|[전후경로가]|[이삼사오]?십))"
    rf"(?:\s?(?:(?P<minutes>[0-5]?\d|[{_SINO}십]{{1,3}})\s?분|(?P<half>반)(?!찬)))?)|(?P<named>자정|정오)"
)
_DURATION: Final = re.compile(
    rf"(?:(?P<hours>(?<![\d.,])\d{{1,3}}|(?:{_NATIVE}))\s?시간(?P<half>\s?반)?"
    rf"(?:\s?(?P<rest>\d{{1,3}})\s?분)?)"
    rf"|(?P<minutes>(?<![\d.,])\d{{1,3}}|[{_SINO}]?십[{_SINO}]?|오)\s?분(?=[^가-힣]|$|정도|쯤|이|안|내|후|뒤|만|만에|은|까지|에|가량|이면|간)"
)
_RATING: Final = re.compile(
    r"(?:평점|별점|점수)[은는이가도을를]?\s?(?:[:：]\s?)?(?P<said>\d(?:\.\d{1,2})?)(?!\d|,\d|\s?(?:개|명|곳|위|순|만|천|백))"
    r"(?:\s?점(?!대)(?:\s?(?P<saidtenth>\d)(?!\d))?)?(?P<saidhalf>\s?반(?!찬))?"
    r"|(?<![\d.,])(?P<plain>\d(?:\.\d{1,2})?)\s?점(?!대|심|포|\s?만점|수|검|원)(?:\s?(?P<tenth>\d)(?!\d))?(?P<half>\s?반(?!찬))?"
    rf"|(?P<word>[영{_SINO[:5]}])\s?(?:점\s?(?:(?P<wordtenth>[{_SINO}])(?![가-힣])|(?P<wordhalf>반)(?!찬))|점(?=\s?(?:이상|넘)))"
    rf"|(?:평점|별점|점수)\s?(?P<rated>[영{_SINO[:5]}])\s?점(?:\s?(?P<ratedtenth>[{_SINO}])(?![가-힣])|(?P<ratedhalf>\s?반)(?!찬))?"
)
_YEAR: Final = re.compile(r"\d{4}[-./]")
_DATE: Final = re.compile(
    r"(?<![\d-])(?P<year>\d{4})[-./](?P<month>\d{1,2})[-./](?P<day>\d{1,2})(?!\d)"
    r"|(?:(?<!\d)(?P<y>\d{4})년\s?)?(?<!\d)(?P<m>\d{1,2})월\s?(?P<d>\d{1,2})일"
)


class Numeral(NamedTuple):
    """A number as it stands in the text from `start` to `end`.

    `value` is in won, pieces, the place in a row, minutes after midnight, minutes, points, or YYYYMMDD (MMDD without a
    year). `unit` is the counter; of a time it is `day` where the half of the day is known, else empty. `is_sure` is
    off where another reading is possible: the word hangs on one before it (자두 개, 만두개), or `2번` is said.
    """

    value: float
    text: str
    start: int
    end: int
    kind: NumeralKind
    unit: str = ""
    is_sure: bool = True

    @property
    def minutes(self) -> frozenset[int]:
        """The minutes after midnight that a time may mean: 7시 is 7:00 or 19:00."""
        minute = int(self.value)
        return frozenset({minute} if self.unit else {minute, (minute + 720) % 1440})


def parse_number(text: str) -> Decimal | None:
    """Return the number that a whole text is: 23,500, 2만3500, 이만삼천오백, 스물두, 1.5만; None for anything else."""
    native = parse_native(text)
    return _add_up(text) if native is None else Decimal(native)


def parse_native(text: str) -> int | None:
    """Return 1 to 99 for a native word: 하나, 한, 스무, 서른두; None for anything else."""
    if text in NATIVE_ONES:
        return NATIVE_ONES[text]
    for tens, value in NATIVE_TENS.items():
        if text.startswith(tens):
            rest = text[len(tens) :]
            return value if not rest else value + NATIVE_ONES[rest] if rest in NATIVE_ONES and tens != "스무" else None
    return None


@lru_cache(maxsize=1024)
def find_won(text: str) -> tuple[Numeral, ...]:
    """Return the amounts of won, in digits, words or both, in order; 몇천원 and 2만원대 state none."""
    return tuple(_collect(text, _WON, _read_won)) if "원" in text or "₩" in text else ()


@lru_cache(maxsize=1024)
def find_counts(text: str) -> tuple[Numeral, ...]:
    """Return what is counted: 2개, 두 그릇, 삼인분, 반 마리, 한 판 반, 하나; 한두 개 is no number."""
    return tuple(_collect(text, _COUNT, _read_count)) if _HINTS.search(text) else ()


@lru_cache(maxsize=1024)
def find_ordinals(text: str) -> tuple[Numeral, ...]:
    """Return the places in a row: 두 번째, 3번째, 첫째, 첫 집; 2번 is unsure, it may mean twice."""
    return tuple(_collect(text, _ORDINAL, _read_ordinal)) if "번" in text or "째" in text or "첫" in text else ()


@lru_cache(maxsize=1024)
def find_times(text: str) -> tuple[Numeral, ...]:
    """Return the times of day: 저녁 7시 반, 오후 3시 20분, 19:30, 열두 시, 자정, 정오."""
    if "시" not in text and ":" not in text and "자정" not in text and "정오" not in text:
        return ()
    return tuple(_collect(text, _TIME, _read_time))


@lru_cache(maxsize=1024)
def find_durations(text: str) -> tuple[Numeral, ...]:
    """Return the lengths of time: 30분, 한 시간 반, 2시간 10분; not the minutes of a time of day."""
    if "분" not in text and "시간" not in text:
        return ()
    times = find_times(text)
    found = _collect(text, _DURATION, _read_duration)
    return tuple(span for span in found if not any(time.start < span.end and span.start < time.end for time in times))


@lru_cache(maxsize=1024)
def find_ratings(text: str) -> tuple[Numeral, ...]:
    """Return the ratings: 평점 4.8, 4.5점, 사점오, 4점 반; 5점 만점 and 4점대 are none."""
    return tuple(_collect(text, _RATING, _read_rating)) if "점" in text else ()


@lru_cache(maxsize=1024)
def find_dates(text: str) -> tuple[Numeral, ...]:
    """Return the dates written in digits: 2026-02-14, 2026년 2월 14일, 2월 14일."""
    return tuple(_collect(text, _DATE, _read_date)) if "월" in text or ("20" in text and _YEAR.search(text)) else ()


_Reading = tuple[float, NumeralKind, str, bool]


def _collect(
    text: str, pattern: re.Pattern[str], read: Callable[[re.Match[str]], _Reading | None]
) -> Iterator[Numeral]:
    for match in pattern.finditer(text):
        reading = read(match)
        if reading is not None:
            value, kind, unit, is_sure = reading
            yield Numeral(value, match[0], match.start(), match.end(), kind, unit, is_sure)


def _add_up(text: str) -> Decimal | None:
    """Add up digits and Sino-Korean words; units must fall (만, 천, 백, 십) and digits stand before a unit or last."""
    total = section = Decimal(0)
    number: Decimal | None = None
    last_small, last_large, is_empty = 10**4, 10**12, True
    for match in _TOKEN.finditer(text):
        token = match[0]
        if match["bad"] is not None:
            return None
        if token.isspace():
            continue
        is_empty = False
        if token in SMALL_UNITS:
            unit = SMALL_UNITS[token]
            if unit >= last_small:
                return None
            section, number, last_small = section + (1 if number is None else number) * unit, None, unit
        elif token in LARGE_UNITS:
            unit = LARGE_UNITS[token]
            if unit >= last_large:
                return None
            group = section + (number or 0)
            total += (group if group or number is not None else 1) * unit
            section, number, last_small, last_large = Decimal(0), None, 10**4, unit
        elif number is not None:
            return None
        else:
            number = Decimal(SINO_DIGITS[token]) if token in SINO_DIGITS else Decimal(token.replace(",", ""))
            if last_small < 10**4 and number >= last_small:
                return None
    return None if is_empty else total + section + (number or 0)


def _read_won(match: re.Match[str]) -> _Reading | None:
    run, before = match["run"] or match["signed"], match.string[match.start() - 1 : match.start()]
    plain = run.replace(",", "")
    if plain.isdecimal():
        return int(plain), "won", "원", True
    is_sure = True
    if match["run"] and not run[0].isdecimal() and is_hangul(before):
        # 물만 3천원: what hangs on a word belongs to it, up to a space or a digit; 면이만원 stays unsure.
        cut = _LOOSE.search(run)
        if cut is None and before in "몇수":
            return None
        run, is_sure = (run[cut.start() :], True) if cut else (run, run[0] not in "이만구사일천")
    # 이 만원은: the demonstrative.
    run = run.strip().removeprefix("이 ")
    value = _add_up(run)
    if value is None or value != value.to_integral_value() or not _AMOUNTING.search(run):
        return None
    return int(value), "won", "원", is_sure


def _read_count(match: re.Match[str]) -> _Reading | None:
    before = match.string[match.start() - 1 : match.start()]
    is_glued = is_hangul(before) and not match["digits"]
    if match["half"]:
        return None if is_glued or before == "반" else (0.5, "count", match["halved"], True)
    if match["alone"]:
        return NATIVE_ONES[match["alone"]], "count", "", not is_glued
    if match["people"]:
        value = _add_up(match["people"])
        return None if value is None else (int(value), "count", "인분", not is_glued)
    if match["native"] and before and before in "한두세네서너":
        return None  # 한두 개, 두세 개
    if match["digits"]:
        value = Decimal(match["digits"])
    elif match["native"]:
        value = Decimal(parse_native(match["native"]) or 0)
    else:
        value = _add_up(match["sino"])
    if value is None or (match["sino"] and is_glued):
        return None
    whole = float(value) + (0.5 if match["more"] else 0)
    return int(whole) if whole.is_integer() else whole, "count", match["counter"], not is_glued


def _read_ordinal(match: re.Match[str]) -> _Reading | None:
    if match["number"]:
        return int(match["number"]), "ordinal", "번", False
    if match["short"]:
        return _SHORT_ORDINALS[match["short"]], "ordinal", "째", True
    if match["digits"]:
        return int(match["digits"]), "ordinal", "번째", True
    return parse_native(match["native"]) or 1 if match["native"] else 1, "ordinal", "번째", True


def _read_time(match: re.Match[str]) -> _Reading | None:
    if match["named"]:
        is_glued = is_hangul(match.string[match.start() - 1 : match.start()])
        return None if is_glued else (0 if match["named"] == "자정" else 720, "time", "day", True)
    if match["native"]:
        place = match.start("native")
        if not match["part"] and is_hangul(match.string[place - 1 : place]):
            return None  # 다시, 혹시, 역시 and the like
        hour = parse_native(match["native"]) or 0
    else:
        hour = int(match["digits"] or match["h24"])
    spoken = _add_up(match["minutes"]) if match["minutes"] else None
    minute = 30 if match["half"] else int(match["m24"] or spoken or 0)
    if hour > 24 or minute > 59:
        return None
    part = match["part"]
    unit = "day" if part or hour > 12 or hour == 0 or (match["h24"] and len(match["h24"]) == 2) else ""
    return _to_day_hour(hour, part) * 60 + minute, "time", unit, True


def _to_day_hour(hour: int, part: str | None) -> int:
    """Return the hour of 24 that 오후 3시, 밤 12시, 밤 1시, 낮 11시 mean."""
    hour %= 24
    if part in ("오전", "새벽", "아침"):
        return 0 if hour == 12 else hour
    if part in ("오후", "저녁"):
        return hour + 12 if hour < 12 else 0 if part == "저녁" and hour == 12 else hour
    if part == "밤":
        return 0 if hour == 12 else hour + 12 if 5 < hour < 12 else hour
    if part in ("점심", "낮"):
        return hour + 12 if hour < 7 else hour
    return hour


def _read_duration(match: re.Match[str]) -> _Reading | None:
    place = match.start()
    if not match[0][0].isdecimal() and is_hangul(match.string[place - 1 : place]):
        return None
    if match["minutes"]:
        value = _add_up(match["minutes"])
        return None if value is None else (int(value), "duration", "분", True)
    hours = parse_native(match["hours"])
    whole = int(match["hours"]) if hours is None else hours
    return whole * 60 + (30 if match["half"] else 0) + int(match["rest"] or 0), "duration", "시간", True


def _read_rating(match: re.Match[str]) -> _Reading | None:
    number = match["said"] or match["plain"]
    if number is None:
        word = match["word"] or match["rated"]
        is_glued = is_hangul(match.string[match.start() - 1 : match.start()]) and not match["rated"]
        last = match["wordtenth"] or match["ratedtenth"]
        tenth = SINO_DIGITS[last] / 10 if last else 0.5 if match["wordhalf"] or match["ratedhalf"] else 0
        return None if is_glued else (SINO_DIGITS[word] + tenth, "rating", "점", True)
    value = float(number)
    if match["saidhalf"] or match["half"]:
        value += 0.5
    elif tenth := match["tenth"] or match["saidtenth"]:
        value += int(tenth) / 10
    return value, "rating", "점", True


def _read_date(match: re.Match[str]) -> _Reading | None:
    year = int(match["year"] or match["y"] or 0)
    month, day = int(match["month"] or match["m"]), int(match["day"] or match["d"])
    return year * 10_000 + month * 100 + day, "date", "", True


def is_hangul(character: str) -> bool:
    """Tell whether a character is a Hangul syllable."""
    return "가" <= character <= "힣"
