"""Decides, for each gold category, which topics and recipes it takes in turn, so that it shows what it must show."""

from __future__ import annotations

from typing import Final

from datagen_core.config import CATEGORIES, GoldCategory, Kind
from datagen_core.draft import Draft
from datagen_core.recipes import RECIPES, Recipe
from datagen_core.recipes.base import draw_address, take_payment, want_order
from datagen_core.recipes.searching import narrow, pick_later, pick_rating, want_menu


def _search_reset(draft: Draft, kind: Kind, number: int) -> None:
    """Narrow twice, then look for something else altogether."""
    draft.shut_one()
    narrow(draft, {"category": draft.category}, {"sort": "delivery_fee"}, {"only_open": True})
    draft.want("search", filters={"query": draft.pick_dish_word()})


def _search_rating_then_fee(draft: Draft, kind: Kind, number: int) -> None:
    """Keep the dish and change how the results are sorted."""
    narrow(draft, {"query": draft.pick_common_word()}, {"sort": "rating"}, {"sort": "delivery_fee"})


def _search_min_rating_up(draft: Draft, kind: Kind, number: int) -> None:
    """Raise the lowest rating asked for, then keep only what is open."""
    draft.shut_one()
    narrow(draft, {"category": draft.category, "min_rating": 4.0}, {"min_rating": 4.3}, {"only_open": True})


def _search_dishes(draft: Draft, kind: Kind, number: int) -> None:
    """Two dishes one after the other, then a category: nothing carries over."""
    for word in draft.pick_words(2):
        draft.want("search", filters={"query": word})
    draft.want("search", filters={"category": draft.category})


def _search_other_category(draft: Draft, kind: Kind, number: int) -> None:
    """Narrow a category, then turn to another one."""
    narrow(draft, {"category": draft.category}, {"min_rating": pick_rating(draft)})
    other = next(shop.category for shop in draft.shops if shop.category != draft.category)
    narrow(draft, {"category": other}, {"sort": "rating"})


def _search_open_first(draft: Draft, kind: Kind, number: int) -> None:
    """Begin with what is open, sort it, then look for a dish with one condition of its own."""
    draft.shut_one()
    narrow(draft, {"category": draft.category, "only_open": True}, {"sort": "rating"})
    draft.want("search", filters={"query": draft.pick_dish_word(), "sort": "delivery_fee"})


def _menu_best(draft: Draft, kind: Kind, number: int) -> None:
    """Sort, and read the menu of the one that came out first."""
    key, name = (("rating", "평점이 제일 높은 집"), ("delivery_fee", "배달비가 제일 싼 집"))[number % 2]
    draft.want("search", filters={"category": draft.category, "sort": key})
    shops = [draft.shops[position] for position in draft.listed()]
    ranked = [-shop.rating_avg if key == "rating" else shop.delivery_fee for shop in shops]
    want_menu(draft, ranked.index(min(ranked)), request=name)


def _menu_last(draft: Draft, kind: Kind, number: int) -> None:
    """Read the last of the list, then the first after all."""
    draft.want("search", filters={"category": draft.category})
    want_menu(draft, len(draft.listed()) - 1, request="마지막 집")
    want_menu(draft, 0)


def _menu_and_hours(draft: Draft, kind: Kind, number: int) -> None:
    """One of the list, and when that one is open."""
    draft.want("search", filters={"category": draft.category})
    restaurant = want_menu(draft, draft.rng.randrange(len(draft.listed())))
    draft.want("menu", restaurant=restaurant, at=pick_later(draft).isoformat(), request="그 집")


def _menu_of_dish(draft: Draft, kind: Kind, number: int) -> None:
    """Read the menu of a restaurant that cooks what was looked for."""
    shop = draft.pick_shop()
    word = draft.pick_main_dish(shop)[1].name.partition("(")[0].partition("+")[0].strip()
    draft.want("search", filters={"query": word})
    draft.want("menu", restaurant=f"R{shop + 1}", ordinal=draft.find_shops(word).index(shop) + 1)


def _cart_mix(draft: Draft, kind: Kind, number: int) -> None:
    shop = draft.pick_shop()
    (first, _), (second, _) = draft.pick_dishes(shop, 2)
    draft.want("menu", restaurant=f"R{shop + 1}")
    draft.want("add", menu=first, quantity=1)
    draft.want("add", menu=second, quantity=2)
    draft.want("update", items=("C1",), quantity=draft.rng.choice((2, 3)))
    draft.want("remove", items=("C2",))


def _cart_of_yesterday(draft: Draft, kind: Kind, number: int) -> None:
    """Look at a cart that stands, add to it, change it and thin it out."""
    shop = draft.fill_cart(lines=2)
    menu, _ = draft.other_dishes(shop, 1, besides={line.menu for line in draft.cart})[0]
    draft.want("cart")
    draft.want("add", menu=menu, quantity=1)
    draft.want("update", items=("C3",), quantity=2, request="그거 하나 더")
    draft.want("remove", items=("C2",))


def _cart_requests(draft: Draft, kind: Kind, number: int) -> None:
    """Wishes for the kitchen are said, changed, and dropped with the dish."""
    shop = draft.pick_shop()
    (first, _), (second, _) = draft.pick_dishes(shop, 2)
    words = draft.pick_request(shop)
    draft.want("add", menu=first, quantity=1, special_request=words)
    draft.want("add", menu=second, quantity=1)
    draft.want("update", items=("C1",), special_request=draft.pick_request(shop, besides=words))
    draft.want("remove", items=("C2",))


def _cart_swap_and_more(draft: Draft, kind: Kind, number: int) -> None:
    """One dish gives way to another, of which two are wanted in the end."""
    (first, _), (second, _) = draft.pick_dishes(draft.pick_shop(), 2)
    draft.want("add", menu=first, quantity=draft.rng.choice((1, 2)))
    draft.want("remove", items=("C1",))
    draft.want("add", menu=second, quantity=1, together=True)
    draft.want("update", items=("C2",), quantity=2, request="하나 더")


def _order_two_addresses(draft: Draft, kind: Kind, number: int) -> None:
    """Order to the address that is not the default, with a wish for the delivery."""
    draft.save_addresses(2)
    draft.fill_cart(lines=draft.rng.choice((1, 2)))
    want_order(draft, kind, number, address="A2", note=draft.pick_note())


def _begin_cycle(draft: Draft, *, filters: dict[str, str | float | bool] | None = None) -> tuple[int, str, int]:
    """Search and read a menu; return the restaurant's position, a dish, and how many reach the minimum order."""
    if not draft.addresses:
        draft.save_addresses(draft.rng.choice((1, 2)))
    shop = draft.pick_shop()
    menu, dish = draft.pick_main_dish(shop)
    draft.want("search", filters={"category": draft.category})
    if filters:
        draft.want("narrow", filters={"category": draft.category, **filters})
    draft.want("menu", restaurant=f"R{shop + 1}")
    return shop, menu, draft.need_for_minimum(shop, dish.price)


def _cycle_two_dishes(draft: Draft, kind: Kind, number: int) -> None:
    shop, menu, quantity = _begin_cycle(draft)
    other = draft.other_dishes(shop, 1, besides={menu})[0][0]
    draft.want("add", menu=menu, quantity=quantity)
    draft.want("add", menu=other, quantity=1, together=draft.at_once)
    want_order(draft, kind, number)


def _cycle_narrowed(draft: Draft, kind: Kind, number: int) -> None:
    _, menu, quantity = _begin_cycle(draft, filters={"only_open": True, "sort": "rating"})
    draft.want("add", menu=menu, quantity=quantity)
    want_order(draft, kind, number, note=draft.pick_note())


def _cycle_changed(draft: Draft, kind: Kind, number: int) -> None:
    """With one more of the dish before the checkout."""
    _, menu, quantity = _begin_cycle(draft)
    draft.want("add", menu=menu, quantity=quantity)
    draft.want("update", items=("C1",), quantity=quantity + 1, request="하나 더")
    want_order(draft, kind, number)


def _cycle_new_address(draft: Draft, kind: Kind, number: int) -> None:
    """To an address that is saved on the way."""
    draft.save_addresses(1)
    _, menu, quantity = _begin_cycle(draft)
    draft.want("add", menu=menu, quantity=quantity)
    draft.want("save_address", fields=draw_address(draft, besides=(draft.addresses[0].line1,)))
    want_order(draft, kind, number, address="A2")


def _cycle_request(draft: Draft, kind: Kind, number: int) -> None:
    """With a wish for the kitchen, and the way to pay only when asked for."""
    shop, menu, quantity = _begin_cycle(draft)
    draft.want("add", menu=menu, quantity=quantity, special_request=draft.pick_request(shop))
    draft.want("checkout", address="A1")
    draft.want("order", payment=take_payment(kind, number), withhold="결제 수단")


def _cycle_second_thought(draft: Draft, kind: Kind, number: int) -> None:
    """With a dish that goes out again before the checkout."""
    shop, menu, quantity = _begin_cycle(draft)
    other = draft.other_dishes(shop, 1, besides={menu})[0][0]
    draft.want("add", menu=menu, quantity=quantity)
    draft.want("add", menu=other, quantity=1)
    draft.want("remove", items=("C2",))
    want_order(draft, kind, number)


def _anything_cheap(draft: Draft, kind: Kind, number: int) -> None:
    """Look for what is open, and take the cheapest dish of a restaurant."""
    draft.want("search", filters={"category": draft.category, "only_open": True})
    RECIPES["cheapest"](draft, kind, number)


def _search_retracted(draft: Draft, kind: Kind, number: int) -> None:
    others = [category for category in CATEGORIES if category != draft.category]
    draft.want("search", filters={"category": draft.category}, retracted=draft.rng.choice(others))


GOLD_RECIPES: Final[dict[GoldCategory, tuple[tuple[str, Kind, Recipe], ...]]] = {
    "단순/연속 검색": (
        ("search_narrow", "tool_use", _search_reset),
        ("search_narrow", "follow_up", RECIPES["search_narrow"]),
        ("search_narrow", "tool_use", _search_rating_then_fee),
        ("search_dish", "tool_use", _search_dishes),
        ("search_narrow", "follow_up", _search_min_rating_up),
        ("search_narrow", "tool_use", _search_other_category),
        ("search_narrow", "follow_up", _search_open_first),
    ),
    "메뉴 조회": (
        ("menu_ordinal", "follow_up", RECIPES["menu_ordinal"]),
        ("menu_ordinal", "follow_up", _menu_best),
        ("hours_there", "follow_up", _menu_and_hours),
        ("menu_ordinal", "follow_up", _menu_last),
        ("menu_ordinal", "follow_up", _menu_of_dish),
    ),
    "장바구니 조작": (
        ("add_several", "tool_use", _cart_mix),
        ("remove", "follow_up", _cart_of_yesterday),
        ("request_change", "tool_use", _cart_requests),
        ("swap", "follow_up", _cart_swap_and_more),
    ),
    "주문 이력/상태": (
        ("order_status", "clarification", RECIPES["order_status"]),
        ("payment_status", "clarification", RECIPES["payment_status"]),
        ("order_number_wrong", "clarification", RECIPES["order_number_wrong"]),
        ("wrong_order_id", "error_recovery", RECIPES["wrong_order_id"]),
        ("foreign_order", "error_recovery", RECIPES["foreign_order"]),
    ),
    "주문 처리": (
        ("payment", "tool_use", RECIPES["payment"]),
        ("checkout_note", "tool_use", RECIPES["checkout_note"]),
        ("checkout_address", "tool_use", _order_two_addresses),
        ("checkout_address", "clarification", RECIPES["checkout_address"]),
        ("payment", "correction", RECIPES["payment"]),
        ("company_payment", "tool_use", RECIPES["company_payment"]),
    ),
    "멀티턴 복합": (
        ("full_cycle", "tool_use", RECIPES["full_cycle"]),
        ("full_cycle", "tool_use", _cycle_two_dishes),
        ("full_cycle", "tool_use", _cycle_narrowed),
        ("full_cycle", "follow_up", _cycle_changed),
        ("full_cycle", "tool_use", _cycle_new_address),
        ("full_cycle", "clarification", _cycle_request),
        ("full_cycle", "follow_up", _cycle_second_thought),
    ),
    "비지원 시나리오": (
        ("cannot_do", "unsupported", RECIPES["cannot_do"]),
        ("look_alike", "near_miss", RECIPES["look_alike"]),
        ("elsewhere", "off_domain", RECIPES["elsewhere"]),
    ),
    "엣지 케이스": (
        ("search_category", "correction", _search_retracted),
        ("add_one", "correction", RECIPES["add_one"]),
        ("cheapest", "tool_use", _anything_cheap),
        ("swap", "correction", RECIPES["swap"]),
        ("quantity_at_once", "correction", RECIPES["quantity_at_once"]),
        ("search_what", "clarification", RECIPES["search_what"]),
        ("switch_shop", "correction", RECIPES["switch_shop"]),
        ("cheapest", "follow_up", RECIPES["cheapest"]),
    ),
}
"""For each gold category the topics, kinds and recipes it takes in turn."""
