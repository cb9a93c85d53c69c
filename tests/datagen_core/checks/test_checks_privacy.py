"""Privacy: every spelling of a number is found, and numbers that are nobody's are left alone."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.ean import calc_check_digit

from datagen_core.checks.privacy import find_identifiers, find_strange_phones
from datagen_core.checks.written import blank_ids

_SEPARATORS = st.sampled_from(["", "-", " ", ".", " - ", "–"])
_FOUR = st.integers(0, 9999).map("{:04d}".format)


@given(
    prefix=st.sampled_from(["010", "011", "016", "017", "018", "019"]),
    left=_FOUR,
    right=_FOUR,
    between=_SEPARATORS,
    before=st.sampled_from(["", "번호는 ", "전화", "(", "+82 "]),
    after=st.sampled_from(["", "이요", ")", ". 네"]),
)
def test_a_mobile_number_is_strange_unless_it_is_of_the_pool(
    prefix: str, left: str, right: str, between: str, before: str, after: str
) -> None:
    number = between.join([prefix.removeprefix("0") if "82" in before else prefix, left, right])
    found = find_strange_phones(f"{before}{number}{after}")
    assert bool(found) != (prefix == "010" and left.startswith("0"))


@given(st.integers(0, 2**128 - 1))
def test_no_order_number_is_anybody(number: int) -> None:
    text = blank_ids(f"주문 번호 {uuid.UUID(int=number)}이요, 계좌는 아니고요")
    assert find_strange_phones(text) == ()
    assert find_identifiers(text) == ()


@given(
    day=st.dates(date(1950, 1, 1), date(2049, 12, 31)),
    foreigner=st.sampled_from([0, 4]),
    rest=st.integers(0, 999_999),
    between=st.sampled_from(["", "-", " ", " - "]),
)
def test_a_day_and_a_digit_of_gender_make_a_residents_number(
    day: date, foreigner: int, rest: int, between: str
) -> None:
    gender = (1 if day.year < 2000 else 3) + foreigner
    found = find_identifiers(f"제 번호는 {day:%y%m%d}{between}{gender}{rest:06d}입니다")
    assert "resident registration number" in {identifier.kind for identifier in found}


@given(day=st.dates(date(2050, 1, 1), date(2099, 12, 31)), rest=st.integers(0, 999_999))
def test_only_a_barcode_has_a_birthday_to_come(day: date, rest: int) -> None:
    digits = f"{day:%y%m%d}3{rest:06d}"
    is_barcode = digits.startswith("880") or calc_check_digit(digits[:-1]) == digits[-1]
    assert bool(find_identifiers(f"제 번호는 {digits}입니다")) is not is_barcode


@pytest.mark.parametrize(
    "text",
    [
        "총 1,234,567,890,123원입니다",
        "2026-02-14T19:00:00+09:00",
        "20260214190000",
        "지금 시각은 2026.02.14 19:00:00이고 900101 이 비밀번호예요",
        "상품 8801234567893 하나요",
        "9000 9000 9000 9000",
        "1588-1234, 1544 0000",
        "문의@가게",
        "은행 앞 2026-02-14에 만나요",
    ],
)
def test_numbers_that_are_nobodys_pass(text: str) -> None:
    assert find_strange_phones(text) == ()
    assert find_identifiers(text) == ()


def test_a_huge_text_of_digits_ends() -> None:
    find_identifiers("1234567890" * 20_000)
    find_identifiers("1-2 3." * 20_000)
    find_strange_phones("0 1 0 " * 20_000)
