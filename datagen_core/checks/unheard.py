"""Decides which words anywhere in a sentence name a dish or a restaurant, whatever stands beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from datagen_core.checks.everyday import SHOP_ENDS, is_everyday, strip_particles
from datagen_core.checks.morphology import analyse, is_in_dictionary
from datagen_core.config import CATEGORIES
from datagen_core.environment.catalogue_names import STYLES

_WORD: Final = re.compile(r"[가-힣](?<![가-힣A-Za-z0-9\ue000\ue001].)[가-힣]+")
_SENTENCE: Final = re.compile(r"[^.!?\n]+(?:[.!?](?=\d)[^.!?\n]+)*")
# What is offered as a kind, to be looked for, is no claim that it is there: 족발이나 치킨 같은 야식을 찾아 드릴까요?
_KIND: Final = re.compile(
    r"예를 들|예:|예시|처럼|(?<![도은는이가서과와] )같은\s(?:식당|음식|야식|메뉴|곳|가게|집|요리|것|데)"
    r"|종류|찾아 드|찾으|찾는|검색"
)
_BRANCH: Final = re.compile(r"\ue001\s?([가-힣]{1,5}점)(?=[은는이가의에도을를로과와(,]|\s|$)")
_AFTER_KIND: Final = re.compile(
    r"카페\s([가-힣]{2,}?)(?=(?:에는?|의|[은는이가도])?\s?[\ue000(]|(?:도|에서도?|에는|쪽이|[을를]\s추천|의)\s|\s(?:쪽이|메뉴))"
)
_NO_BRANCHES: Final = frozenset("평점 별점 장점 단점 지점 매점 음식점 전문점 분식점".split())  # noqa: SIM905
_SHOP_WORDS: Final = re.compile(
    r"(?:부엌|키친|주방|옛집|하우스|다이닝|상회|천하|가든|식당|분식|반점|포차|다방|밥상|본점|직영점"
    r"|치킨집|횟집|회관|면옥|객잔|주막|카츠야)$"
)
_SOUP: Final = re.compile(r"[가-힣]{2,}(?<!사)(?<!목욕)(?<!찜질)(?<!온)탕$")
_DISHES: Final = frozenset(
    dish for styles in STYLES.values() for style in styles for dish in style.always + style.sometimes
)
_FOOD_ENDS: Final = tuple(
    """
    김밥 덮밥 볶음밥 비빔밥 국밥 쌈밥 솥밥 초밥 주먹밥 찌개 전골 볶음 조림 구이 튀김 무침 갈비 갈비찜 찜닭
    국수 냉면 라면 쫄면 우동 소바 라멘 짬뽕 짜장 짜장면 탕수육 마라탕 샹궈 떡볶이 순대 어묵 만두 교자 딤섬
    족발 보쌈 곱창 막창 대창 닭발 닭강정 통닭 치킨 피자 파스타 스파게티 리조또 그라탕 스테이크 돈카츠 돈까스
    규카츠 카츠 카레 샐러드 샌드위치 버거 토스트 파니니 케이크 쿠키 마카롱 브라우니 와플 크로플 스콘 빙수 라떼
    에이드 스무디 쉐이크 아메리카노 절편 인절미 송편 식혜 수정과 해장국 감자탕 설렁탕 곰탕 삼계탕 갈비탕 매운탕
    육회 불고기 제육 수육 잡채 파전 김치전 부침개 빈대떡 계란찜 순두부 청국장 감바스 타코 부리또 브리또 케밥
    쌀국수 분짜 월남쌈 팟타이 나시고랭 똠얌꿍 커리 텐동 타코야키 오코노미야키 나베 샤브샤브 훠궈 꿔바로우 깐풍기
    유린기 양장피 팔보채 동파육 칠리새우 칼국수 수제비 떡국 오므라이스 스시 사시미 물회 핫도그 도시락 백반 누룽지
    호떡 붕어빵 크루아상 크로와상 베이글 도넛 푸딩 젤라또 타르트
    """.split()  # noqa: SIM905 - a list of so many words cannot be read
)
_KINDS: Final = frozenset(category + end for category in CATEGORIES for end in ("", "집", "점", "류")) | {
    "튀김",
    "볶음",
}
_NOUNS: Final = ("NN", "XSN", "XR", "XPN", "SL")


@lru_cache(maxsize=1024)
def find_unheard(masked: str) -> tuple[str, ...]:
    """Return what seems to be a name, in order; who asks must find out whether it was heard before."""
    return tuple(_iter_unheard(masked))


def _iter_unheard(masked: str) -> Iterator[str]:
    for match in _BRANCH.finditer(masked) if "점" in masked else ():
        if match[1] not in _NO_BRANCHES:
            yield match[1]
    for match in _AFTER_KIND.finditer(masked) if "카페 " in masked else ():
        if not is_everyday(match[1]):
            yield match[1]
    for sentence in _SENTENCE.findall(masked):
        names = [name for word in _WORD.findall(sentence) if (name := find_name(word)) is not None]
        if names and not _KIND.search(sentence):
            yield from names


@lru_cache(maxsize=4096)
def find_name(word: str) -> str | None:
    """Return the name of a dish or a restaurant that a word seems to be, without its particles; None for others."""
    if is_everyday(word):
        return None
    for stem in (word, *strip_particles(word)):
        if (
            stem in _DISHES
            or _SOUP.search(stem)
            or (stem.endswith(_FOOD_ENDS) and stem not in _KINDS and not stem.endswith("라면"))
        ):
            return stem
    return _find_noun(word)


def _find_noun(word: str) -> str | None:
    """Return the noun a word begins with if it ends, begins or is made as names are; a name is rarely a known noun."""
    nouns = 0
    morphemes = analyse(word)
    while nouns < len(morphemes) and morphemes[nouns].tag.startswith(_NOUNS):
        nouns += 1
    if not nouns or any(morpheme.tag[0] not in "JVE" for morpheme in morphemes[nouns:]):
        return None
    stem = word[: morphemes[nouns - 1].end]
    if len(stem) < 2 or is_everyday(stem) or stem in _KINDS:
        return None
    if stem in _DISHES or stem.endswith(_FOOD_ENDS) or (nouns > 1 and stem.startswith(_FOOD_ENDS)):
        return stem
    if _SHOP_WORDS.search(stem) or (len(stem) > 3 and stem.endswith(_LONG_SHOP_ENDS)):
        return stem
    is_proper = nouns > 1 and any(morpheme.tag == "NNP" for morpheme in morphemes[:nouns])
    return stem if is_proper or (len(stem) > 2 and not is_in_dictionary(stem)) else None


_LONG_SHOP_ENDS: Final = tuple(end for end in SHOP_ENDS if len(end) > 1)
