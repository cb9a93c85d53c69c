"""Sources of arguments: what the customer may say for a value, what is none of it, and that nothing ever raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.checks import Case
from datagen_core.checks.sources import ArgumentSource, check_sources, trace_arguments
from datagen_core.checks.spoken import read_moment, read_number, read_rating
from datagen_core.checks.wording import PAYMENT_WORDS, find_digits, find_parts, find_text, read_enum, read_mistyped_enum
from datagen_core.config import TOOL_NAMES, TOOLS, USER_IDS
from datagen_core.dialogue.models import Dialogue, ToolCall, Turn

USER = USER_IDS[0]


def make_case(said: str, tool: str, arguments: dict[str, object], response: object = None) -> Case:
    turns = (
        Turn("customer", text=said),
        Turn("call", calls=(ToolCall("get_cart", {"user_id": USER}),)),
        Turn("response", responses=(response,)),
        Turn("call", calls=(ToolCall(tool, arguments),)),
        Turn("response", responses=(response,)),
        Turn("counsellor", text="확인했습니다."),
    )
    return Case(Dialogue(USER, "2026-02-14", f"고객 ID: {USER}", turns, tuple(TOOLS)))


def trace(said: str, tool: str, **arguments: object) -> ArgumentSource:
    return trace_arguments(make_case(said, tool, arguments))[-1]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("해찬솔 떡볶이", "해찬솔떢볶이 있어?"),
        ("토마토파스타", "토마토파수타 하나 담아죠"),
        ("서울 누리구 달빛로 135", "서울누리구 달삧로 135요"),
        ("2212#", "비밀번호는 2212# 이에요"),
        ("1.25L 콜라", "１.25l콜라"),
    ],
)
def test_texts_are_found_whatever_their_spacing_and_typing_errors(value: str, said: str) -> None:
    assert find_text(value, said)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("해찬솔 떡볶이", "햇살 김밥 있어?"),
        ("서울 누리구 달빛로 135", "서울 누리구 달빛로 136"),
        ("오는 길에 조용히 와 주세요 그리고 전화", "오는 길에 조용히 와 주세요"),
        ("국수", "국밥 주세요"),
        ("", "아무거나"),
        ("##", "국밥 # 하나"),
        ("sushi", "susih"),
    ],
)
def test_other_texts_are_not_taken_for_typing_errors(value: str, said: str) -> None:
    assert find_text(value, said) is None


def test_parts_may_stand_in_another_order() -> None:
    assert find_parts("매운 떡볶이", "떡볶이 매운 걸로")
    assert find_parts("매운 떡볶이", "떡볶이 순한 걸로") is None


@pytest.mark.parametrize("said", ["01000798487", "010 0079 8487", "공일공 공공칠구 팔사팔칠", "010-0079-8487번"])
def test_phone_numbers_are_their_digits(said: str) -> None:
    assert find_digits("010-0079-8487", said)
    assert find_digits("010-0079-8486", said) is None


def test_payment_methods_are_read_by_their_words_and_mistyped_only_where_no_other_is_said() -> None:
    assert read_enum(PAYMENT_WORDS, "토스 말고 네이버페이로") == {"naver": "네이버", "toss": "토스"}
    assert read_mistyped_enum(PAYMENT_WORDS, "카카우페이로요") == {"kakao": "카카우"}
    assert read_mistyped_enum(PAYMENT_WORDS, "카드로 할게 카카우는 말고") == {}
    assert read_mistyped_enum(PAYMENT_WORDS, "네 주문해 주세요") == {}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2026-02-14T19:30:00+09:00", "오늘 저녁 7시 반에"),
        ("2026-02-14T19:30:00+09:00", "7시 30분에 열어?"),
        ("2026-02-15T15:00:00+09:00", "내일 오후 3시"),
        ("2026-02-16T12:00:00+09:00", "모레 정오에"),
        ("2026-02-15T01:00:00+09:00", "오늘 새벽 1시까지 해?"),
        ("2026-02-17T18:00:00+09:00", "화요일 저녁 6시"),
        ("2026-02-20T09:00:00+09:00", "20일 아침 9시"),
        ("2026-03-01T09:00:00+09:00", "3월 1일 9시"),
        ("2026-02-14T20:10:00+09:00", "한 시간 뒤에 열어요?"),
    ],
)
def test_moments_are_read_in_words(value: str, said: str) -> None:
    assert read_moment(value, "2026-02-14", said)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2026-02-14T19:30:00+09:00", "저녁 7시에"),
        ("2026-02-15T19:30:00+09:00", "저녁 7시 반에"),
        ("2026-02-16T15:00:00+09:00", "내일 오후 3시"),
        ("2026-02-14T07:30:00+09:00", "저녁 7시 반에"),
        ("저녁", "저녁 7시 반에"),
        ("2026-02-14T19:30:00+09:00", "7개 담아줘"),
    ],
)
def test_other_moments_are_not_read(value: str, said: str) -> None:
    assert read_moment(value, "2026-02-14", said) is None


def test_numbers_are_read_in_any_form_and_never_out_of_another() -> None:
    assert [read_number(12, said) for said in ("열두 개", "12개", "12", "1,200")] == ["열두 개", "12개", "12", None]
    assert read_number(1200, "단체라 1,200개요") is not None
    assert all(read_number(3, said) is None for said in ("010-3-4567", "3시", "3.5점", "3,000원", "3층", "3번째"))
    assert [read_rating(4.5, said) for said in ("4점 반", "4.5점 이상", "평점 4.5", "4점")][-1] is None
    assert all(read_rating(4.5, said) for said in ("4점 반", "4.5점 이상", "평점 4.5", "사점오 넘는 데"))


@pytest.mark.parametrize(
    ("said", "tool", "argument", "value", "origin"),
    [
        ("육개장 주세요", "add_to_cart", "quantity", 1, "default"),
        ("육개장 두 그릇", "add_to_cart", "quantity", 1, "unknown"),
        ("세 번째 집 육개장 주세요", "add_to_cart", "quantity", 3, "unknown"),
        ("7시에 육개장 주세요", "add_to_cart", "quantity", 7, "unknown"),
        ("3곳 중에 육개장 주세요", "add_to_cart", "quantity", 3, "unknown"),
        ("문 연 데만", "search_restaurants", "only_open", True, "customer"),
        ("문 연 데만", "search_restaurants", "only_open", False, "unknown"),
        ("배달비 싼 데", "search_restaurants", "sort", "delivery_fee", "customer"),
        ("별점 높은 순", "search_restaurants", "sort", "rating", "customer"),
        ("통닭 시키자", "search_restaurants", "category", "치킨", "customer"),
        ("기본 배송지로 해줘", "upsert_address", "is_default", True, "customer"),
        ("배송지 저장", "upsert_address", "is_default", True, "unknown"),
    ],
)
def test_where_an_argument_comes_from(said: str, tool: str, argument: str, value: object, origin: str) -> None:
    assert trace(said, tool, **{argument: value}).origin == origin


def test_ids_come_from_the_latest_field_of_their_kind() -> None:
    cart = {"restaurant_id": USER_IDS[1], "items": [{"cart_item_id": USER_IDS[2], "menu_item_id": USER_IDS[3]}]}
    case = make_case(USER_IDS[4], "update_cart_item", {"cart_item_id": USER_IDS[2], "order_id": USER_IDS[4]}, cart)
    found = {source.argument: source for source in trace_arguments(case)}
    assert found["cart_item_id"][4:] == ("response", 2, "items[0].cart_item_id")
    assert found["order_id"][4:] == ("customer", 0, USER_IDS[4])
    assert trace("안녕", "get_order_status", order_id=USER_IDS[5]).origin == "unknown"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.sampled_from(USER_IDS[:3]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
ARGUMENTS = (
    "user_id", "query", "category", "min_rating", "only_open", "sort", "at", "recipient_name", "phone", "line1",
    "address_id", "is_default", "quantity", "cart_item_id", "cart_item_ids", "menu_item_id", "snapshot",
    "payment_method", "pg_id", "order_id", "memo",
)  # fmt: skip


@given(
    st.text(max_size=60),
    st.sampled_from([*TOOL_NAMES, "no_tool"]),
    st.dictionaries(st.sampled_from(ARGUMENTS), json_values, max_size=8),
    json_values,
)
def test_nothing_raises_and_every_argument_has_a_source(
    said: str, tool: str, arguments: dict[str, object], response: object
) -> None:
    case = make_case(said, tool, arguments, response)
    traced = {source.argument for source in trace_arguments(case)[1:]}
    # A list of ids has a source for each, an empty one has none.
    assert {name for name, value in arguments.items() if value != []} <= traced | {"user_id"}
    assert all(violation.severity == "W" for violation in check_sources(case))
