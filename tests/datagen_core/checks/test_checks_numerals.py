"""Numerals: each form reads back as the number it was written from, and words that only look like one are not read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.checks.numerals import (
    Numeral,
    find_counts,
    find_dates,
    find_durations,
    find_ordinals,
    find_ratings,
    find_times,
    find_won,
    parse_number,
)

FINDERS: tuple[Callable[[str], tuple[Numeral, ...]], ...] = (
    find_won,
    find_counts,
    find_ordinals,
    find_times,
    find_durations,
    find_ratings,
    find_dates,
)
_SINO = " 일이삼사오육칠팔구"
_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")


def write_sino(number: int) -> str:
    """Write 1 to 99,999,999 as it is read aloud: 23500 is 이만삼천오백, 10000 만, 110000 십일만."""
    high, low = divmod(number, 10_000)
    head = "" if not high else "만" if high == 1 else _write_group(high) + "만"
    return head + _write_group(low)


def _write_group(number: int) -> str:
    places = zip(f"{number:04d}", ("천", "백", "십", ""), strict=True)
    return "".join(
        ("" if digit == "1" and unit else _SINO[int(digit)]) + unit for digit, unit in places if digit != "0"
    )


def write_native(number: int) -> str:
    """Write 1 to 99 as it stands before a counter: 스무 개, 스물두 개."""
    return "스무" if number == 20 else _TENS[number // 10] + _ONES[number % 10]


def values(found: tuple[Numeral, ...]) -> list[float]:
    return [numeral.value for numeral in found]


@given(st.integers(10, 99_999_999))
def test_money_in_words_reads_back(won: int) -> None:
    word = write_sino(won)
    assert parse_number(word) == won
    assert values(find_won(f"합계는 {word}원입니다")) == [won]
    assert values(find_won(f"{word} 원이에요")) == [won]


@given(st.integers(10_000, 99_999_999))
def test_money_in_digits_and_words_reads_back(won: int) -> None:
    high, low = divmod(won, 10_000)
    digits = [f"{high}만{f'{low:,}' if low else ''}", f"{high}만 {low}" if low else f"{high}만"]
    thousands, rest = divmod(low, 1000)
    hundreds, last = divmod(rest, 100)
    parts = f"{thousands}천" * bool(thousands) + f"{hundreds}백" * bool(hundreds) + f"{last}" * bool(last)
    for text in (*digits, f"{high}만{parts}"):
        assert values(find_won(f"총 {text}원")) == [won], text


@given(st.integers(1, 99), st.sampled_from(["개", "그릇", "마리", "판", "곳", "가지", "군데", "인분", "세트"]))
def test_counts_read_back_in_every_form(count: int, counter: str) -> None:
    forms = [
        f"{count}{counter}",
        f"{count} {counter}",
        f"{write_native(count)} {counter}",
        f"{write_native(count)}{counter}",
    ]
    for form in forms:
        (found,) = find_counts(f"짜장면 {form}만요")
        assert (found.value, found.unit, found.is_sure) == (count, counter, True), form


@given(st.integers(1, 99))
def test_portions_take_either_row_of_numbers(count: int) -> None:
    for word in (write_sino(count), write_native(count), str(count)):
        assert values(find_counts(f"삼겹살 {word} 인분")) == [count]
        assert values(find_counts(f"삼겹살 {word}인분")) == [count]


@given(st.integers(0, 23), st.integers(0, 59))
def test_times_read_back(hour: int, minute: int) -> None:
    part, spoken = ("오전", hour) if hour < 12 else ("오후", hour - 12 or 12)
    want = hour * 60 + minute
    tail = f" {minute}분" if minute else ""
    assert values(find_times(f"{hour:02d}:{minute:02d}에")) == [want]
    assert values(find_times(f"{part} {spoken or 12}시{tail}에")) == [want]
    assert values(find_times(f"{part} {write_clock(spoken or 12)} 시{tail}까지")) == [want]
    (bare,) = find_times(f"{spoken or 12}시{tail}")
    assert want in bare.minutes


def write_clock(hour: int) -> str:
    return {11: "열한", 12: "열두"}.get(hour, write_native(hour))


@given(st.integers(0, 50))
def test_ratings_read_back(tenths: int) -> None:
    whole, tenth = divmod(tenths, 10)
    forms = [f"평점 {tenths / 10}", f"{tenths / 10}점", f"평점은 {tenths / 10}점이고", f"별점 {whole}점{tenth}"]
    forms += [f"{whole}점 반"] if tenth == 5 else []
    forms += [f"{'영일이삼사오'[whole]}점{_SINO[tenth]}"] if tenth else [f"평점 {'영일이삼사오'[whole]}점"]
    for form in forms:
        assert values(find_ratings(form)) == [tenths / 10], form


@pytest.mark.parametrize(
    ("find", "text", "expected"),
    [
        (find_counts, "반 마리만요", [0.5]),
        (find_counts, "한 마리 반이요", [1.5]),
        (find_counts, "두 판 반 주세요", [2.5]),
        (find_counts, "스무 개, 서른두 개, 이십오 명", [20, 32, 25]),
        (find_counts, "하나랑 둘", [1, 2]),
        (find_ordinals, "두 번째 집, 2번째, 세번째, 첫째", [2, 2, 3, 1]),
        (find_ordinals, "열두 번째 메뉴", [12]),
        (find_times, "저녁 7시 반, 낮 12시, 밤 12시, 밤 1시, 새벽 2시", [1170, 720, 0, 60, 120]),
        (find_times, "자정이나 정오, 오후 세 시 삼십분", [0, 720, 930]),
        (find_durations, "30분, 한 시간 반, 2시간 10분, 삼십 분 안에", [30, 90, 130, 30]),
        (find_dates, "2026-02-14, 2월 14일, 2026년 3월 1일", [20260214, 214, 20260301]),
        (find_ratings, "평점 5.0, 배달비 0원", [5.0]),
        (find_ratings, "5점 만점에 4.2점", [4.2]),
        (find_won, "배달비는삼천원, 물만 3천원, 이 만원은", [3000, 3000, 10000]),
    ],
)
def test_forms_are_read(find: Callable[[str], tuple[Numeral, ...]], text: str, expected: list[float]) -> None:
    assert values(find(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "이 치킨 두부 한국 사이다 오이 만두 일식 구이 세트 천천히 백반 육회 삼겹살 오징어 칠리 구운 팔도",
        "네 알겠습니다. 네 장바구니에 넣었습니다. 네, 가지볶음입니다. 네 번호는요",
        "다시 시켜 주세요. 혹시 역시 잠시 몇시 즉시 세시장",
        "병원 직원 공원 지원 일원동 몇천원 수만원 2만원대 만원 버스",
        "하나도 없어요. 둘러볼게요. 넷플릭스",
        "창동점 봉천점 이 점은 양해해 주세요. 4점대 초반",
        "분식집 충분히 부분 두 분식집",
        "한두 개 두세 개 서너 개",
        "이번 저번 한국 일번지 사번 1번 출구 세계 한번에",
        "8c7e7aa8-7496-5010-bc7d-03eca03da47b 010-0079-8487 2026",
        "반반치킨 양념반 후라이드반 절반 반찬 식사 이사 오사카 삼성 구구절절",
    ],
)
def test_words_that_look_like_numbers_are_not_read(text: str) -> None:
    found = [numeral for find in FINDERS for numeral in find(text) if numeral.is_sure and numeral.unit != "번"]
    assert found == []


@pytest.mark.parametrize("text", ["자두 개", "만두개", "짜장면두개", "짜장면이만원"])
def test_a_number_that_hangs_on_a_word_is_unsure(text: str) -> None:
    found = [numeral for find in FINDERS for numeral in find(text)]
    assert [numeral.is_sure for numeral in found] == [False]


@pytest.mark.parametrize("text", ["", "십천", "3백2천", "삼사", "2만3만", "원", "abc", "삼.오", "만 ㅋ"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert parse_number(text) is None


@given(st.text(alphabet="일이삼한두세열만천백십반원개시분점번째오전후:0123456789,. ㅋ가평"))
def test_any_chain_of_number_words_can_be_read(text: str) -> None:
    for find in FINDERS:
        for numeral in find(text):
            assert text[numeral.start : numeral.end] == numeral.text
            assert numeral.value >= 0
    parse_number(text)


def test_huge_texts_take_linear_work() -> None:
    for piece in ("이", "1", "만", "한", "두 ", "1,000", "반 ", "12:", "오전 "):
        text = piece * 40_000 + "원시점번분월개째"
        for find in FINDERS:
            find(text)
