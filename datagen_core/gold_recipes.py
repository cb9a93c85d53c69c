"""Decides, for each gold category, which topics and recipes it takes in turn, so that it shows what it must show."""

from __future__ import annotations

from typing import Final

from datagen_core.config import GoldCategory, Kind
from datagen_core.draft import Draft
from datagen_core.recipes import RECIPES, Recipe


def _search_chain(draft: Draft, kind: Kind, number: int) -> None:
    RECIPES["search_narrow"](draft, kind, number)
    draft.want("search", filters={"query": draft.pick_dish_word()})


def _cart_mix(draft: Draft, kind: Kind, number: int) -> None:
    shop = draft.pick_shop()
    (first, _), (second, _) = draft.pick_dishes(shop, 2)
    draft.want("menu", restaurant=f"R{shop + 1}")
    draft.want("add", menu=first, quantity=1)
    draft.want("add", menu=second, quantity=2)
    draft.want("update", items=("C1",), quantity=draft.rng.choice((2, 3)))
    draft.want("remove", items=("C2",))


def _search_retracted(draft: Draft, kind: Kind, number: int) -> None:
    others = sorted({shop.category for shop in draft.shops} - {draft.category})
    draft.want("search", filters={"category": draft.category}, retracted=draft.rng.choice(others))


GOLD_RECIPES: Final[dict[GoldCategory, tuple[tuple[str, Kind, Recipe], ...]]] = {
    "단순/연속 검색": (
        ("search_narrow", "tool_use", _search_chain),
        ("search_narrow", "follow_up", RECIPES["search_narrow"]),
    ),
    "메뉴 조회": (("menu_ordinal", "follow_up", RECIPES["menu_ordinal"]),),
    "장바구니 조작": (("add_several", "tool_use", _cart_mix),),
    "주문 이력/상태": (
        ("order_status", "clarification", RECIPES["order_status"]),
        ("payment_status", "clarification", RECIPES["payment_status"]),
        ("wrong_order_id", "error_recovery", RECIPES["wrong_order_id"]),
    ),
    "주문 처리": (("payment", "tool_use", RECIPES["payment"]), ("checkout_note", "tool_use", RECIPES["checkout_note"])),
    "멀티턴 복합": (("full_cycle", "tool_use", RECIPES["full_cycle"]),),
    "비지원 시나리오": (
        ("cannot_do", "unsupported", RECIPES["cannot_do"]),
        ("look_alike", "near_miss", RECIPES["look_alike"]),
        ("elsewhere", "off_domain", RECIPES["elsewhere"]),
    ),
    "엣지 케이스": (
        ("search_category", "correction", _search_retracted),
        ("add_one", "correction", RECIPES["add_one"]),
        ("cheapest", "tool_use", RECIPES["cheapest"]),
        ("swap", "correction", RECIPES["swap"]),
    ),
}
"""For each gold category the topics, kinds and recipes it takes in turn."""
