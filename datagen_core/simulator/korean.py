"""Decides Korean spelling that depends on the word before it: particles, counted dishes, money, days and hours."""

from __future__ import annotations

from datetime import datetime
from typing import Final

_ENDS_IN_CONSONANT: Final = "013678LMNRlmnr"
_ENDS_IN_RIEUL: Final = "178LRlr"
_RIEUL: Final = 8

_NATIVE: Final = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉", "열")
_ALONE: Final = ("", "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉", "열")
ORDINALS: Final = ("", "첫 번째", "두 번째", "세 번째", "네 번째", "다섯 번째")

_COUNTERS: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (("세트", "추가", "사리", "소스", "무", "피클", "마카롱", "휘낭시에"), "개"),
    (("피자", "마르게리타", "고르곤졸라", "포르마지"), "판"),
    (("통닭", "후라이드치킨", "양념치킨", "반반치킨", "간장치킨", "마늘치킨", "가루치킨"), "마리"),
    (("김밥",), "줄"),
    (("라떼", "아메리카노", "카푸치노", "마키아토", "콜드브루", "에이드", "티", "유자차", "대추차"), "잔"),
    (("콜라",), "병"),
    (("케이크", "티라미수", "브라우니"), "조각"),
    (("족발", "보쌈", "곱창", "막창", "떡볶이", "갈비찜", "찜닭", "순대", "닭발"), "인분"),
    (("찌개", "국밥", "면", "국수", "짬뽕", "짜장", "라멘", "우동", "탕", "밥", "덮밥", "동", "국", "해장국"), "그릇"),
)  # fmt: skip
"""What a dish is counted in, by how its name (without size) ends; the first match counts, else 개."""


class Name(str):
    """A word into whose place in a format string a particle may be asked: `f"{dish:을}"` gives 짬뽕을, 국수를."""

    __slots__ = ()

    def __format__(self, particle: str) -> str:
        """Return the word with the particle in the form that fits its last sound."""
        return f"{self}{choose_particle(self, particle)}" if particle else str(self)


def choose_particle(word: str, particle: str) -> str:
    """Return the particle as the word needs it; it is named by its form after a consonant: 을, 이, 은, 과, 으로.

    What stands in brackets at the end is not read, by the rule of the National Institute of Korean Language; a number
    is read by its last digit.
    """
    end = _final(word)
    if particle == "으로":
        return "로" if end in (0, _RIEUL) else "으로"
    if particle == "이에요":
        return "이에요" if end else "예요"
    if end:
        return particle
    plain = {"을": "를", "이": "가", "은": "는", "과": "와"}
    return plain.get(particle) or particle.removeprefix("이")


def _final(word: str) -> int:
    """Return the number of the last syllable's final consonant as Unicode counts them; 0 for none."""
    spoken = word.rstrip()
    while spoken and not spoken[-1].isalnum():
        is_aside = spoken[-1] == ")" and "(" in spoken[1:]
        spoken = spoken[: spoken.rindex("(")].rstrip() if is_aside else spoken[:-1]
    last = spoken[-1:]
    if "가" <= last <= "힣":
        return (ord(last) - 0xAC00) % 28
    if last and last in _ENDS_IN_CONSONANT:
        return _RIEUL if last in _ENDS_IN_RIEUL else 1
    return 0


def count_dish(quantity: int, dish: str) -> str:
    """Return a quantity as it is said of a dish: 두 그릇, 3인분, 12개."""
    name = dish if dish.endswith("세트") else dish.partition("(")[0]
    counter = next((counter for ends, counter in _COUNTERS if name.endswith(ends)), "개")
    if counter == "인분":
        return f"{quantity}인분"
    return f"{_NATIVE[quantity]} {counter}" if quantity < len(_NATIVE) else f"{quantity}{counter}"


def count_alone(quantity: int) -> str:
    """Return a quantity without a counter: 하나, 둘, 12개."""
    return _ALONE[quantity] if quantity < len(_ALONE) else f"{quantity}개"


def write_money(won: int) -> str:
    """Return a sum as it is written to customers: 12,500원."""
    return f"{won:,}원"


def tell_moment(moment: datetime, now: datetime) -> str:
    """Return a moment on the hour as it is said within a few days of now: 내일 밤 10시."""
    days = (moment.date() - now.date()).days
    day = {0: "오늘", 1: "내일", 2: "모레"}.get(days) or f"{moment.month}월 {moment.day}일"
    hour = moment.hour
    part = "오전" if hour < 12 else "오후" if hour < 18 else "저녁" if hour < 21 else "밤"
    return f"{day} {part} {hour if hour <= 12 else hour - 12}시"
