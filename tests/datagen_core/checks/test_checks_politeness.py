"""Register: polite endings, fragments and names pass, 반말 is found by its morphemes."""

from __future__ import annotations

import pytest

from datagen_core.checks.politeness import find_casual


@pytest.mark.parametrize(
    "text",
    [
        "네, 담았습니다. 더 필요하신 것이 있을까요?",
        "안녕하십니까! 무엇을 도와드릴까요~",
        "잠시만요. 금방 봐 드릴게요 ^^",
        "이쪽으로 오십시오. 그렇죠?",
        "1. 치즈피자\n2. 콜라(1.25L)\n3. 공기밥",
        "배달비 무료, 평점 4.3",
        "'문 앞에 놔줘'",
        "(기본 배송지야)",
        "추천 메뉴: 순두부찌개",
        "감사합니다 😊",
        "",
        "ㅎㅎ",
        "!!!",
    ],
)
def test_polite_text_and_fragments_pass(text: str) -> None:
    assert find_casual(text) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("담았어. 더 필요한 거 있으세요?", "담았어"),
        ("네. 주문할까?", "주문할까"),
        ("더 필요한 거 있니?", "더 필요한 거 있니"),
        ("취소는 못 해ㅠㅠ", "취소는 못 해ㅠㅠ"),
        ("그건 치즈피자야!", "그건 치즈피자야"),
        ("주문이 완료되었다.", "주문이 완료되었다"),
        ("내가 담아줄게~", "내가 담아줄게"),
        ("확인했음", "확인했음"),
        ("응", "응"),
    ],
)
def test_banmal_is_found_with_its_sentence(text: str, found: str) -> None:
    assert find_casual(text) == found


def test_a_very_long_text_ends() -> None:
    assert find_casual("말" * 100_000 + "했어.") is not None
