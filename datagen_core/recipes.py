"""Decides, for each topic, which steps a customer goes through and how the world stands before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from datagen_core.config import (
    NEAR_MISSES,
    ORDER_STATUSES,
    RECIPIENTS,
    SMALL_TALK,
    STREETS,
    UNITS,
    UNSUPPORTED_IN_DOMAIN,
    UNSUPPORTED_OFF_DOMAIN,
    Kind,
    PaymentMethod,
    Unsupported,
)
from datagen_core.draft import NOTES, REQUESTS, Draft
from datagen_core.environment.opening import PastOrder
from datagen_core.plans import SearchFilters

Recipe = Callable[[Draft, Kind, int], None]
"""Fills a draft. The number counts the scenarios of this kind and topic, so that lists are gone through evenly."""


def _search(filters_of: Callable[[Draft], SearchFilters]) -> Recipe:
    def recipe(draft: Draft, kind: Kind, number: int) -> None:
        draft.want("search", filters=filters_of(draft))

    return recipe


def _by_category(**filters: str) -> Recipe:
    return _search(lambda draft: {"category": draft.category, **filters})


def _search_min_rating(draft: Draft, kind: Kind, number: int) -> None:
    draft.want("search", filters={"category": draft.category, "min_rating": draft.rng.choice((4.0, 4.2, 4.5))})


def _search_shop(draft: Draft, kind: Kind, number: int) -> None:
    shop = draft.pick_shop()
    draft.want("search", filters={"query": draft.shops[shop].name})
    draft.want("menu", restaurant=f"R{shop + 1}")


def _search_open(draft: Draft, kind: Kind, number: int) -> None:
    draft.shut_one()
    draft.want("search", filters={"category": draft.category, "only_open": True})


def _search_narrow(draft: Draft, kind: Kind, number: int) -> None:
    draft.shut_one()
    filters: SearchFilters = {"category": draft.category}
    draft.want("search", filters=filters)
    order = "rating" if number % 2 else "delivery_fee"
    draft.want("narrow", filters={**filters, "sort": order})
    draft.want("narrow", filters={**filters, "sort": order, "only_open": True})


def _menu_prices(draft: Draft, kind: Kind, number: int) -> None:
    draft.want("menu", restaurant=f"R{draft.pick_shop() + 1}")


def _menu_ordinal(draft: Draft, kind: Kind, number: int) -> None:
    draft.want("search", filters={"category": draft.category})
    listed = [i for i, shop in enumerate(draft.shops) if shop.category == draft.category]
    first, second = draft.rng.sample(range(len(listed)), 2)
    draft.want("menu", restaurant=f"R{listed[first] + 1}", ordinal=first + 1)
    draft.want("menu", restaurant=f"R{listed[second] + 1}", ordinal=second + 1)


def _opening_hours(draft: Draft, kind: Kind, number: int) -> None:
    later = (draft.now + timedelta(days=draft.rng.choice((0, 1, 2)))).replace(
        hour=draft.rng.choice((9, 15, 21, 22, 23)), minute=0
    )
    draft.want("menu", restaurant=f"R{draft.pick_shop() + 1}", at=later.isoformat())


def _add_one(draft: Draft, kind: Kind, number: int) -> None:
    shop = draft.pick_shop()
    (menu, _), (other, _) = draft.pick_dishes(shop, 2)
    extra: dict[str, object] = {}
    if kind == "clarification":
        extra = {"withhold": "수량" if number % 2 else "메뉴"}
    elif kind == "correction":
        extra = {"retracted": other}
    draft.want("add", menu=menu, quantity=draft.rng.choice((1, 1, 2, 3)), **extra)


def _add_request(draft: Draft, kind: Kind, number: int) -> None:
    (menu, _) = draft.pick_dishes(draft.pick_shop(), 1)[0]
    request = draft.say(draft.rng.choice(REQUESTS))
    draft.want("add", menu=menu, quantity=draft.rng.choice((1, 2)), special_request=request)


def _add_several(draft: Draft, kind: Kind, number: int) -> None:
    shop = draft.pick_shop()
    (first, _), (second, _) = draft.pick_dishes(shop, 2)
    if kind == "follow_up":
        draft.want("menu", restaurant=f"R{shop + 1}")
        draft.want("add", menu=first, quantity=2)
        draft.want("add", menu=second, quantity=1)
        draft.want("update", items=("C1",), quantity=1)
        return
    draft.want("add", menu=first, quantity=draft.rng.choice((1, 2)))
    draft.want("add", menu=second, quantity=1, together=True)


def _cheapest(draft: Draft, kind: Kind, number: int) -> None:
    shop = draft.pick_shop()
    low, next_low = draft.pick_dishes(shop, 2, cheap=True)
    draft.want("menu", restaurant=f"R{shop + 1}")
    if low[1].price == next_low[1].price:
        draft.want("add", menu=low[0], quantity=1)
    else:
        draft.want("add", menu=low[0], quantity=1, request="제일 싼 메뉴")


def _cart_view(draft: Draft, kind: Kind, number: int) -> None:
    draft.fill_cart(lines=2)
    draft.want("cart")


def _quantity(draft: Draft, kind: Kind, number: int) -> None:
    if kind == "tool_use":
        draft.fill_cart(lines=2)
        draft.want("update", items=("C2",), quantity=draft.rng.choice((2, 3, 4)))
        return
    menu = draft.pick_dishes(draft.pick_shop(), 1)[0][0]
    draft.want("add", menu=menu, quantity=1)
    draft.want("update", items=("C1",), quantity=draft.rng.choice((2, 3)))


def _request_change(draft: Draft, kind: Kind, number: int) -> None:
    draft.fill_cart(lines=1)
    draft.want("update", items=("C1",), special_request=draft.say(draft.rng.choice(REQUESTS)))


def _remove(draft: Draft, kind: Kind, number: int) -> None:
    if kind == "tool_use":
        draft.fill_cart(lines=3)
        draft.want("remove", items=("C1", "C3") if number % 2 else ("C2",))
        return
    (first, _), (second, _) = draft.pick_dishes(draft.pick_shop(), 2)
    draft.want("add", menu=first, quantity=1)
    draft.want("add", menu=second, quantity=1)
    draft.want("remove", items=("C1",))


def _swap(draft: Draft, kind: Kind, number: int) -> None:
    if kind == "tool_use":
        shop = draft.fill_cart(lines=1)
        held = draft.cart[0].menu
        menu = next(menu for menu, _ in draft.pick_dishes(shop, 2) if menu != held)
    else:
        (first, _), (menu, _) = draft.pick_dishes(draft.pick_shop(), 2)
        draft.want("add", menu=first, quantity=1)
    draft.want("remove", items=("C1",))
    draft.want("add", menu=menu, quantity=1, together=True)


def _switch_shop(draft: Draft, kind: Kind, number: int) -> None:
    first, second = draft.rng.sample(draft.open_shops(), 2)
    if kind == "tool_use":
        draft.fill_cart(lines=1, shop=first)
    else:
        draft.want("add", menu=draft.pick_dishes(first, 1)[0][0], quantity=1)
    draft.want("add", menu=draft.pick_dishes(second, 1)[0][0], quantity=draft.rng.choice((1, 2)))


def _address_list(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(draft.rng.choice((1, 2, 3)))
    draft.want("addresses")


def _address_new(draft: Draft, kind: Kind, number: int) -> None:
    fields: dict[str, str | bool] = {
        "recipient_name": draft.rng.choice(RECIPIENTS),
        "phone": draft.pick_phone(),
        "line1": draft.rng.choice(STREETS),
        "line2": draft.rng.choice(UNITS),
    }
    draft.want("save_address", fields=fields, withhold="전화번호" if kind == "clarification" else None)


def _change_address(draft: Draft, position: int, **changes: str | bool) -> None:
    saved = draft.addresses[position]
    fields = {"recipient_name": saved.recipient_name, "phone": saved.phone, "line1": saved.line1, **changes}
    draft.want("save_address", address=f"A{position + 1}", fields=fields)


def _address_fix(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(2)
    unit = draft.rng.choice([unit for unit in UNITS if unit != draft.addresses[0].line2])
    _change_address(draft, 0, line2=unit)


def _address_default(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(2)
    _change_address(draft, 1, is_default=True)


def _gate_password(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(1)
    _change_address(draft, 0, gate_password=f"{draft.rng.randrange(1000, 10000)}#")


def _checkout_total(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(1)
    draft.fill_cart(lines=2)
    draft.want("checkout", address="A1")


def _checkout_note(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(draft.rng.choice((1, 2)))
    draft.fill_cart(lines=2)
    draft.want("checkout", address="A1", note=draft.say(draft.rng.choice(NOTES)))
    draft.want("order", payment=draft.pick_payment())


def _checkout_address(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(2)
    draft.fill_cart(lines=1)
    extra = {"withhold": "배송지"} if kind == "clarification" else {"retracted": "A1"}
    draft.want("checkout", address="A2", **extra)
    draft.want("order", payment=draft.pick_payment())


_RETRACTED_PAYMENT: Final[Mapping[PaymentMethod, PaymentMethod]] = {
    "card": "kakao", "kakao": "naver", "naver": "toss", "toss": "card",
}  # fmt: skip


def _payment(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(1)
    draft.fill_cart(lines=draft.rng.choice((1, 2)))
    payment = draft.pick_payment()
    extra: dict[str, object] = {}
    if kind == "clarification":
        extra = {"withhold": "결제 수단"}
    elif kind == "correction":
        extra = {"retracted": _RETRACTED_PAYMENT[payment]}
    draft.want("checkout", address="A1")
    draft.want("order", payment=payment, **extra)


def _full_cycle(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(draft.rng.choice((1, 2)))
    shop = draft.pick_shop()
    menu, dish = draft.pick_main_dish(shop)
    draft.want("search", filters={"category": draft.category})
    listed = [i for i, candidate in enumerate(draft.shops) if candidate.category == draft.category]
    draft.want("menu", restaurant=f"R{shop + 1}", ordinal=listed.index(shop) + 1)
    quantity = max(1, -(-draft.shops[shop].min_order_amount // dish.price))
    draft.want("add", menu=menu, quantity=quantity)
    note = draft.say(draft.rng.choice(NOTES)) if number % 2 else None
    draft.want("checkout", address="A1", note=note)
    draft.want("order", payment=draft.pick_payment())


def _have_order(draft: Draft, number: int) -> None:
    draft.orders.append(PastOrder(status=ORDER_STATUSES[number % len(ORDER_STATUSES)]))


def _order_status(draft: Draft, kind: Kind, number: int) -> None:
    _have_order(draft, number)
    draft.want("status", order="O1", withhold="주문 번호" if kind == "clarification" else None)


def _payment_status(draft: Draft, kind: Kind, number: int) -> None:
    _have_order(draft, number)
    withhold = "주문 번호" if kind == "clarification" else None
    draft.want("status", order="O1", request="결제가 되었는지", withhold=withhold)


def _after_order(draft: Draft, kind: Kind, number: int) -> None:
    _payment(draft, "tool_use", number)
    draft.want("status", order="O1")


def _sold_out(draft: Draft, kind: Kind, number: int) -> None:
    shop = draft.pick_shop()
    (gone, _), (menu, _) = draft.pick_dishes(shop, 2)
    draft.sold_out.append(gone)
    draft.want("add", menu=gone, quantity=1, refused="MENU_ITEM_UNAVAILABLE")
    draft.want("add", menu=menu, quantity=1)


def _closed_shop(draft: Draft, kind: Kind, number: int) -> None:
    closed = [i for i, shop in enumerate(draft.shops) if not shop.is_open_at(draft.now)]
    if not closed:
        _sold_out(draft, kind, number)
        return
    draft.want("add", menu=draft.pick_dishes(closed[0], 1)[0][0], quantity=1, refused="RESTAURANT_CLOSED")
    draft.want("add", menu=draft.pick_dishes(draft.pick_shop(), 1)[0][0], quantity=draft.rng.choice((1, 2)))


def _below_minimum(draft: Draft, kind: Kind, number: int) -> None:
    shop = draft.pick_shop()
    minimum = draft.shops[shop].min_order_amount
    dish = draft.fill_cart_below_minimum(shop)
    if dish is None:
        _sold_out(draft, kind, number)
        return
    draft.save_addresses(1)
    draft.want("checkout", address="A1", refused="BELOW_MINIMUM")
    draft.want("update", items=("C1",), quantity=-(-minimum // dish.price))
    draft.want("checkout", address="A1", together=True)
    draft.want("order", payment=draft.pick_payment())


def _wrong_order_id(draft: Draft, kind: Kind, number: int) -> None:
    _have_order(draft, number)
    draft.want("status", order="X1", refused="ORDER_NOT_FOUND")
    draft.want("status", order="O1")


def _status_and_cancel(draft: Draft, kind: Kind, number: int) -> None:
    draft.orders.append(PastOrder(status=("preparing", "delivering", "paid")[number % 3]))
    draft.want("status", order="O1")
    draft.want("decline", request="그 주문의 취소", offer="다음에 드실 식당과 메뉴 찾기", together=True)


def _order_and_coupon(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(1)
    draft.fill_cart(lines=2)
    draft.want("checkout", address="A1")
    draft.want("decline", request="쿠폰 적용", offer="쿠폰 없이 주문하기", together=True)
    draft.want("order", payment=draft.pick_payment())


def _search_and_reserve(draft: Draft, kind: Kind, number: int) -> None:
    draft.want("search", filters={"category": draft.category})
    draft.want("decline", request="식당 자리 예약", offer="찾은 식당에서 배달 주문", together=True)


def _address_and_move(draft: Draft, kind: Kind, number: int) -> None:
    _address_new(draft, "tool_use", number)
    draft.want("decline", request="이미 한 주문의 배송지 변경", offer="다음 주문부터 새 배송지 쓰기", together=True)


def _talk(entries: tuple[Unsupported, ...], *, with_order: bool = False) -> Recipe:
    def recipe(draft: Draft, kind: Kind, number: int) -> None:
        entry = entries[number % len(entries)]
        order = None
        if with_order and "주문 번호" in entry.request:
            draft.orders.append(PastOrder(status=("delivering", "paid", "delivered")[number % 3]))
            order = "O1"
        intent = "answer" if kind == "direct_answer" else "decline"
        draft.want(intent, request=entry.request, offer=entry.offer or None, order=order)

    return recipe


RECIPES: Final[dict[str, Recipe]] = {
    "search_category": _by_category(),
    "search_dish": _search(lambda draft: {"query": draft.pick_dish_word()}),
    "search_shop": _search_shop,
    "search_open": _search_open,
    "search_rating": _by_category(sort="rating"),
    "search_fee": _by_category(sort="delivery_fee"),
    "search_min_rating": _search_min_rating,
    "search_narrow": _search_narrow,
    "menu_prices": _menu_prices,
    "menu_ordinal": _menu_ordinal,
    "opening_hours": _opening_hours,
    "add_one": _add_one,
    "add_request": _add_request,
    "add_several": _add_several,
    "cheapest": _cheapest,
    "cart_view": _cart_view,
    "quantity": _quantity,
    "request_change": _request_change,
    "remove": _remove,
    "swap": _swap,
    "switch_shop": _switch_shop,
    "address_list": _address_list,
    "address_new": _address_new,
    "address_fix": _address_fix,
    "address_default": _address_default,
    "gate_password": _gate_password,
    "checkout_total": _checkout_total,
    "checkout_note": _checkout_note,
    "checkout_address": _checkout_address,
    "payment": _payment,
    "full_cycle": _full_cycle,
    "order_status": _order_status,
    "payment_status": _payment_status,
    "after_order": _after_order,
    "sold_out": _sold_out,
    "closed_shop": _closed_shop,
    "below_minimum": _below_minimum,
    "wrong_order_id": _wrong_order_id,
    "status_and_cancel": _status_and_cancel,
    "order_and_coupon": _order_and_coupon,
    "search_and_reserve": _search_and_reserve,
    "address_and_move": _address_and_move,
    "about_service": _talk(SMALL_TALK[:4]),
    "small_talk": _talk(SMALL_TALK[4:]),
    "cannot_do": _talk(UNSUPPORTED_IN_DOMAIN),
    "look_alike": _talk(NEAR_MISSES, with_order=True),
    "elsewhere": _talk(UNSUPPORTED_OFF_DOMAIN),
}
"""The recipe of each key of `config.QUESTION_TOPICS`."""
