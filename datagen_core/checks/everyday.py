"""Decides which words of a counsellor are everyday ones, and so name no restaurant and no dish."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from datagen_core.checks.numerals import is_hangul
from datagen_core.config import CATEGORIES
from datagen_core.environment.catalogue_names import STYLES

_EVERYDAY: Final = frozenset(
    """
    메뉴 음식 요리 상품 항목 수량 총 합계 총액 금액 가격 값 음식값 소계 배달비 배달료 배달팁 비용 결제 잔액
    차액 할인 나머지 모두 전부 각각 현재 지금 이제 세트 하나 정가 약 대략 최소 최대 주문 기준 단품 개당
    하나당 하나씩 합 합산 기본 추가 부족 기존 원래 이번 고객 고객님 요청 장바구니 식당 가게 곳 집 매장 업체 음식점
    맛집 것 거 그중 중 가운데 순 순서 결과 목록 조건 말씀 아래 위 다음 먼저 우선 또 및 그리고 배달 배송지
    주소 배달지 평점 별점 크기 사이즈 앱 화면 저희 여기 거기 저기 이곳 그곳 저곳 이 그 저 시간 오늘 내일
    내용 안내 상태 주문서 내역 검색 조회 카드 카카오 네이버 토스 카카오페이 네이버페이 토스페이 요청사항 메모
    배달메모 단가 개 인분 마리 판 그릇 한식당 중식당 일식당 분식점 중국집 카페 커피숍 야식 두 세 네 다섯 첫
    번째 하나만 이상 이하 포함 별도 제외 무료 서비스 확인 확정 준비 완료 품절 영업 저장 변경 선택 추천 인기
    대표 사이드 음료 디저트 옵션 종류 가지 군데 대신 같은 새 다른 배송 최종 예상 상담 한국 중국 일본 전문
    해당 제휴 어느 어떤 여러 모든 이렇게 궁금하신 저렴해서 고르시고 담으실 식당들 설정 마이페이지 고객센터 페이지
    홈 집밥 동네 근처 주변 지역 회사 사무실 직장 학교 친구 가족 아이 후보 방금 아까 전화 문의 지점 금액대
    가격대 식사 점심 저녁 아침 밤 새벽 간식 할인가 판매가 원 님 분 선택지 중에 중에서 그중에 그중에서 이중
    메뉴판 접시 수저 젓가락 숟가락 포크 일회용 봉투 개수 인원 사람 리뷰 후기 쿠폰 포인트 사진 소스 반찬 그릇수 컵 병 캔
    조합 구성 한도 더해 드시는 말씀하신 번호로 번호
    """.split()  # noqa: SIM905 - a list of so many words cannot be read
)
_EVERYDAY_ENDS: Final = re.compile(r"(?:금액|가격|메뉴|수량|합계|비용|요금|번째|님|페이|카드|결제|주문|배송지)$")
_CATEGORY_ENDS: Final = ("", "집", "점", "식당", "음식", "메뉴", "요리", "가게")
_KINDS: Final = frozenset(category + end for category in CATEGORIES for end in _CATEGORY_ENDS)
SHOP_ENDS: Final = tuple(
    sorted(
        {end.strip() for styles in STYLES.values() for style in styles for end in style.endings if len(end.strip()) > 1}
        | set("반점 각 루 식당 치킨집 횟집 버거 국수 냉면 만두 도시락 백반 갈비 곰탕 점".split()),  # noqa: SIM905
        key=len,
        reverse=True,
    )
)
_PARTICLES: Final = tuple("에서 으로 이랑 까지 은 는 이 가 을 를 도 의 만 에 로 과 와".split())  # noqa: SIM905


def is_everyday(word: str) -> bool:
    """Tell whether a word, with or without a particle, names no restaurant and no dish."""
    return _is_everyday(word) or any(_is_everyday(stem) for stem in strip_particles(word))


@lru_cache(maxsize=1024)
def _is_everyday(word: str) -> bool:
    if len(word) < 2 or word in _EVERYDAY or word.isdecimal() or not any(map(is_hangul, word)):
        return True
    return word in _KINDS or word[0].isdecimal() or _EVERYDAY_ENDS.search(word) is not None


def strip_particles(word: str) -> list[str]:
    """Return what the word may be without its particle; nothing where it ends in none."""
    if not word.endswith(_PARTICLES):
        return []
    return [
        word.removesuffix(particle) for particle in _PARTICLES if word.endswith(particle) and len(word) > len(particle)
    ]


def ends_shops(word: str) -> bool:
    """Tell whether a word alone is how restaurants' names end: 마라탕, 커피, 밥상."""
    return word in SHOP_ENDS and word not in ("식당", "점", "각", "루")


def looks_like_shop(word: str) -> bool:
    """Tell whether a word is some name and an ending of restaurants' names: 홍길동분식, but not 동네분식."""
    ends = [end for end in SHOP_ENDS if word.endswith(end) and len(word) > len(end) + 1]
    return bool(ends) and not any(word.removesuffix(end) in _EVERYDAY for end in ends)
