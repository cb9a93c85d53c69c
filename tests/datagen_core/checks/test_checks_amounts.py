from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.checks.amounts import find_amounts, find_numbers, find_quantities


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("23,500원", [23500]),
        ("23500 원입니다", [23500]),
        ("2만3500원", [23500]),
        ("2만 3,500원", [23500]),
        ("2만 3천5백원이에요", [23500]),
        ("3만 원", [30000]),
        ("1.5만원", [15000]),
        ("2천만원", [20_000_000]),
        ("₩23,500", [23500]),
        ("배달비 0원", [0]),
        ("총 32,000원(짜장면 14,000원 + 탕수육 16,000원)", [32000, 14000, 16000]),
        ("2026년 1월 1만원", [10000]),
        ("물만두 2 만두 3천원", [3000]),
        ("만원, 오천원이고 이만 삼천오백 원", [10000, 5000, 23500]),
        ("2만원대, 5원소, 병원, 1.5원, 몇천원, 일원동, 만원 버스, 직원", []),
    ],
)
def test_amounts_are_read_as_they_are_written(text: str, expected: list[int]) -> None:
    assert [amount.won for amount in find_amounts(text)] == expected


@given(st.integers(0, 99_999_999))
def test_every_spelling_of_an_amount_is_the_same_amount(won: int) -> None:
    spellings = [f"{won}원", f"{won:,}원", f"{won:,} 원"]
    if won >= 10_000:
        high, low = divmod(won, 10_000)
        spellings += [f"{high}만{low}원" if low else f"{high}만원", f"{high:,}만 {low:,}원"]
        spellings.append(f"{high}만 {low // 1000}천{low % 1000}원")
    assert {amount.won for text in spellings for amount in find_amounts(text)} == {won}


def test_quantities_are_read_from_digits_and_from_words() -> None:
    assert find_quantities("짜장면 2개랑 탕수육 하나, 세 그릇, 두 판") == [2, 1, 3, 2]


@given(st.text())
def test_no_text_makes_reading_fail(text: str) -> None:
    find_amounts(text + "원")
    find_quantities(text)
    list(find_numbers(text))
