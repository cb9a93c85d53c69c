"""Particles, counters and typing habits of the scripted writer."""

from __future__ import annotations

from datetime import datetime
from random import Random

import pytest

from datagen_core.config import PERSONAS, Persona
from datagen_core.simulator.korean import Name, count_alone, count_dish, tell_moment, write_money
from datagen_core.simulator.voices import Voice, keep


@pytest.mark.parametrize(
    ("word", "particle", "expected"),
    [
        ("짬뽕", "을", "짬뽕을"),
        ("국수", "을", "국수를"),
        ("탕수육(소)", "은", "탕수육(소)은"),
        ("콜라(1.25L)", "이", "콜라(1.25L)가"),
        ("콤비네이션피자(L)+콜라 세트", "을", "콤비네이션피자(L)+콜라 세트를"),
        ("새솔로 21", "으로", "새솔로 21로"),
        ("가온길 8", "으로", "가온길 8로"),
        ("별내길 44", "으로", "별내길 44로"),
        ("은하로 302", "을", "은하로 302를"),
        ("한밭길 60", "으로", "한밭길 60으로"),
        ("101동 1203호", "으로", "101동 1203호로"),
        ("7층", "으로", "7층으로"),
        ("두 줄", "으로", "두 줄로"),
        ("토스", "이에요", "토스예요"),
        ("카드", "이랑", "카드랑"),
        ("네이버페이", "과", "네이버페이와"),
        ("하나", "이면", "하나면"),
        ("두 판", "이면", "두 판이면"),
        ("초밥", "이라고", "초밥이라고"),
        ("VIP ROOM", "을", "VIP ROOM을"),
        ("'문 앞에'", "을", "'문 앞에'를"),
        ("", "을", "를"),
        ("(소)", "은", "(소)는"),
    ],
)
def test_a_particle_fits_the_last_sound(word: str, particle: str, expected: str) -> None:
    assert f"{Name(word):{particle}}" == expected


@pytest.mark.parametrize(
    ("quantity", "dish", "expected"),
    [
        (2, "짬뽕", "두 그릇"),
        (1, "불고기피자(L)", "한 판"),
        (3, "족발(대)", "3인분"),
        (1, "참치김밥", "한 줄"),
        (2, "짜장면+탕수육(소) 세트", "두 개"),
        (1, "바닐라라떼", "한 잔"),
        (11, "공기밥", "11그릇"),
        (1, "치킨무", "한 개"),
    ],
)
def test_dishes_are_counted_as_people_count_them(quantity: int, dish: str, expected: str) -> None:
    assert count_dish(quantity, dish) == expected


def test_numbers_money_and_moments_are_said_as_people_say_them() -> None:
    now = datetime.fromisoformat("2026-02-14T19:10:00+09:00")
    assert (count_alone(1), count_alone(12)) == ("하나", "12개")
    assert write_money(12500) == "12,500원"
    assert tell_moment(datetime.fromisoformat("2026-02-15T22:00:00+09:00"), now) == "내일 밤 10시"
    assert tell_moment(datetime.fromisoformat("2026-02-14T09:00:00+09:00"), now) == "오늘 오전 9시"
    assert tell_moment(datetime.fromisoformat("2026-02-20T15:00:00+09:00"), now) == "2월 20일 오후 3시"


@pytest.mark.parametrize("persona", PERSONAS)
def test_no_habit_of_typing_touches_what_arguments_depend_on(persona: Persona) -> None:
    kept = ("국물 넉넉히 담아줘", "김치찌개+계란말이 세트", "{O1}", "뭐 있어? 그냥. 빨리 좀 해줘", "2752#")
    for seed in range(60):
        voice = Voice(persona, Random(seed))
        slots = {f"s{number}": keep(value) for number, value in enumerate(kept)}
        line = voice.fill("그냥 {s0} 담아줘~. 아니 {s1:은} {s2} {s3}, {s4} 있어~?", **slots)
        spelled = voice.spell(line, is_first=True)
        assert all(value in spelled for value in kept), spelled
        assert not any("\ue000" <= letter <= "\uf8ff" for letter in spelled)


def test_each_persona_types_in_its_own_way() -> None:
    spelled = {
        persona: [
            Voice(persona, Random(seed)).spell(Voice(persona, Random(seed)).fill("장바구니 좀 보여줘~.", x=""))
            for seed in range(30)
        ]
        for persona in PERSONAS
    }
    by_typing = {(p.typing, p.mood): " ".join(lines) for p, lines in spelled.items()}
    by_dialect = {(p.dialect, p.register): " ".join(lines) for p, lines in spelled.items()}
    assert "ㅋㅋ" in by_typing["ㅋㅋ", "들뜸"]
    assert "장바구니좀" in by_typing["띄어쓰기 없음", "무덤덤함"]
    assert "…" in by_typing["말줄임", "피곤함"]
    assert "보여 주게" in by_typing["또박또박", "느긋함"]
    assert "보여조" in by_typing["오타", "무덤덤함"]
    assert "!" in by_typing["느낌표", "화남"]
    assert not set(".,!") & set(by_typing["문장부호 없음", "피곤함"])
    assert "보여도" in by_dialect["경상도", "반말"]
    assert "주이소" in by_dialect["경상도", "존댓말"]
    assert "줘잉" in by_dialect["전라도", "반말"]
    assert "주세유" in by_dialect["충청도", "존댓말"]
    polite = ("주세", "줘요", "주시", "주실", "주이소", "주셔유")
    for persona, lines in spelled.items():
        is_polite = all(any(ending in line for ending in polite) for line in lines)
        assert is_polite == (persona.register == "존댓말"), persona


def test_two_values_typed_without_spaces_stay_two() -> None:
    persona = next(persona for persona in PERSONAS if persona.typing == "띄어쓰기 없음")
    for seed in range(20):
        voice = Voice(persona, Random(seed))
        line = voice.fill("{street} {unit} 저장해줘~.", street=keep("달빛로 135"), unit=keep("1105호"))
        assert "달빛로 135 1105호" in voice.spell(line)


@pytest.mark.parametrize("word", ["필요", "월요일", "수요", "주요"])
def test_a_dialect_leaves_words_that_only_end_alike(word: str) -> None:
    for persona in PERSONAS:
        if persona.dialect != "표준어":
            assert word in Voice(persona, Random(1)).spell(f"{word} 없나")
