"""Decides what a customer goes through who wants, alone or beside something else, what no tool can do."""

from __future__ import annotations

from typing import Final

from datagen_core.config import (
    NEAR_MISSES,
    SMALL_TALK,
    UNSUPPORTED_IN_DOMAIN,
    UNSUPPORTED_OFF_DOMAIN,
    Kind,
    OrderStatus,
    Unsupported,
)
from datagen_core.draft import Draft
from datagen_core.recipes.base import Recipe, draw_address, take_payment

_ON_ITS_WAY: Final[tuple[OrderStatus, ...]] = ("preparing", "delivering", "paid")


def _want_besides(draft: Draft, request: str, offer: str) -> None:
    draft.want("decline", request=request, offer=offer, together=True)


def _status_and(request: str, offer: str, *, statuses: tuple[OrderStatus, ...] = _ON_ITS_WAY) -> Recipe:
    def recipe(draft: Draft, kind: Kind, number: int) -> None:
        draft.want("status", order=draft.have_order(statuses[number % len(statuses)]))
        _want_besides(draft, request, offer)

    return recipe


def _payment_and_refund(draft: Draft, kind: Kind, number: int) -> None:
    order = draft.have_order(("delivered", "delivering", "paid")[number % 3])
    draft.want("status", order=order, request="결제가 되었는지")
    _want_besides(draft, "그 결제의 환불", "주문 상태를 다시 조회하기")


def _order_and_coupon(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(1)
    draft.fill_cart(lines=2)
    draft.want("checkout", address="A1")
    _want_besides(draft, "쿠폰 적용", "쿠폰 없이 주문하기")
    draft.want("order", payment=take_payment(kind, number))


def _checkout_and_eta(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(1)
    draft.fill_cart(lines=1)
    draft.want("checkout", address="A1")
    _want_besides(draft, "도착 시각 안내", "주문한 뒤 주문 번호로 진행 상태 조회")
    draft.want("order", payment=take_payment(kind, number))


def _order_and_receipt(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(1)
    draft.fill_cart(lines=2)
    draft.want("checkout", address="A1")
    draft.want("order", payment=take_payment(kind, number))
    _want_besides(draft, "영수증 발급", "주문 번호로 결제 상태 조회")


def _search_and(request: str, offer: str, **filters: str) -> Recipe:
    def recipe(draft: Draft, kind: Kind, number: int) -> None:
        draft.want("search", filters={"category": draft.category, **filters})
        _want_besides(draft, request, offer)

    return recipe


def _menu_and_calories(draft: Draft, kind: Kind, number: int) -> None:
    draft.want("menu", restaurant=f"R{draft.pick_shop() + 1}")
    _want_besides(draft, "칼로리 안내", "메뉴와 가격 안내")


def _add_and_allergy(draft: Draft, kind: Kind, number: int) -> None:
    menu, _ = draft.pick_main_dish(draft.pick_shop())
    draft.want("add", menu=menu, quantity=draft.rng.choice((1, 2)))
    _want_besides(draft, "알레르기 성분 확인", "그 메뉴에 요청 사항 남기기")


def _cart_and_points(draft: Draft, kind: Kind, number: int) -> None:
    draft.fill_cart(lines=2)
    draft.want("cart")
    _want_besides(draft, "포인트 사용", "포인트 없이 결제하기")


def _address_and_move(draft: Draft, kind: Kind, number: int) -> None:
    draft.want("save_address", fields=draw_address(draft))
    _want_besides(draft, "이미 한 주문의 배송지 변경", "다음 주문부터 새 배송지 쓰기")


def _talk(entries: tuple[Unsupported, ...]) -> Recipe:
    def recipe(draft: Draft, kind: Kind, number: int) -> None:
        entry = entries[number % len(entries)]
        order = None
        if kind == "near_miss" and "주문 번호" in entry.request:
            order = draft.have_order(("delivering", "paid", "delivered")[number % 3])
        intent = "answer" if kind == "direct_answer" else "decline"
        draft.want(intent, request=entry.request, offer=entry.offer or None, order=order)

    return recipe


_THIRD: Final = len(SMALL_TALK) // 3

TALKING: Final[dict[str, Recipe]] = {
    "status_and_cancel": _status_and("그 주문의 취소", "다음에 드실 식당과 메뉴 찾기"),
    "status_and_rider": _status_and("라이더와의 통화", "진행 상태 다시 조회", statuses=("delivering", "preparing")),
    "payment_and_refund": _payment_and_refund,
    "order_and_coupon": _order_and_coupon,
    "checkout_and_eta": _checkout_and_eta,
    "order_and_receipt": _order_and_receipt,
    "search_and_reserve": _search_and("식당 자리 예약", "찾은 식당에서 배달 주문"),
    "search_and_review": _search_and("리뷰 읽기", "찾은 식당의 메뉴와 가격 안내", sort="rating"),
    "menu_and_calories": _menu_and_calories,
    "add_and_allergy": _add_and_allergy,
    "cart_and_points": _cart_and_points,
    "address_and_move": _address_and_move,
    "about_service": _talk(SMALL_TALK[:_THIRD]),
    "how_it_works": _talk(SMALL_TALK[_THIRD : 2 * _THIRD]),
    "small_talk": _talk(SMALL_TALK[2 * _THIRD :]),
    "cannot_do": _talk(UNSUPPORTED_IN_DOMAIN),
    "look_alike": _talk(NEAR_MISSES),
    "elsewhere": _talk(UNSUPPORTED_OFF_DOMAIN),
}
