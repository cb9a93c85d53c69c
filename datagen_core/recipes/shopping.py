"""Decides what a customer goes through who fills the cart and changes what is in it."""

from __future__ import annotations

from typing import Final

from datagen_core.config import Kind
from datagen_core.draft import Draft
from datagen_core.recipes.base import Recipe, want_order


def add_one(draft: Draft, kind: Kind, number: int) -> None:
    """Put in one dish; the quantity or the dish may come only when asked for, or another dish be taken back."""
    (menu, _), (other, _) = draft.pick_dishes(draft.pick_shop(), 2)
    extra: dict[str, object] = {}
    if kind == "clarification":
        extra = {"withhold": "수량" if number % 2 else "메뉴"}
    elif kind == "correction":
        extra = {"retracted": other}
    draft.want("add", menu=menu, quantity=draft.rng.choice((1, 1, 2, 3)), **extra)


def _add_size(draft: Draft, kind: Kind, number: int) -> None:
    sized = draft.pick_sized_dish()
    if sized is None:
        raise RuntimeError(f"No open restaurant of {draft.category} has a dish in sizes.")
    draft.want("add", menu=sized[0], quantity=1, withhold="옵션")


def _add_where(draft: Draft, kind: Kind, number: int) -> None:
    menu, _ = draft.pick_main_dish(draft.pick_shop())
    draft.want("add", menu=menu, quantity=draft.rng.choice((1, 2)), withhold="식당")


def _add_request(draft: Draft, kind: Kind, number: int) -> None:
    shop = draft.pick_shop()
    menu, _ = draft.pick_main_dish(shop)
    draft.want("add", menu=menu, quantity=draft.rng.choice((1, 2)), special_request=draft.pick_request(shop))


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
    draft.want("add", menu=second, quantity=1, together=draft.at_once)


def add_extreme(draft: Draft, kind: Kind, number: int, *, cheapest: bool = True) -> None:
    """Read a menu and take the cheapest (or dearest) dish of it, whatever it is; plainly one where two cost alike."""
    shop, (menu, _), is_alone = draft.pick_extreme(cheapest=cheapest)
    name = "제일 싼 메뉴" if cheapest else "제일 비싼 메뉴"
    draft.want("menu", restaurant=f"R{shop + 1}")
    draft.want("add", menu=menu, quantity=1, request=name if is_alone else None)


def _dearest(draft: Draft, kind: Kind, number: int) -> None:
    add_extreme(draft, kind, number, cheapest=False)


def _cart_view(draft: Draft, kind: Kind, number: int) -> None:
    draft.fill_cart(lines=draft.rng.choice((1, 2, 3)))
    draft.want("cart")


def _cart_and_addresses(draft: Draft, kind: Kind, number: int) -> None:
    draft.fill_cart(lines=2)
    draft.save_addresses(draft.rng.choice((1, 2)))
    draft.want("cart")
    draft.want("addresses", together=True)


def quantity(draft: Draft, kind: Kind, number: int) -> None:
    """Change how many of a dish are wanted."""
    if kind in ("tool_use", "clarification"):
        draft.fill_cart(lines=2)
        wanted = draft.rng.choice([n for n in (2, 3, 4) if n != draft.cart[1].quantity])
        withhold = ("수량" if number % 2 else "항목") if kind == "clarification" else None
        draft.want("update", items=("C2",), quantity=wanted, withhold=withhold)
        return
    menu = draft.pick_dishes(draft.pick_shop(), 1)[0][0]
    draft.want("add", menu=menu, quantity=1)
    draft.want("update", items=("C1",), quantity=draft.rng.choice((2, 3)))


def quantity_at_once(draft: Draft, kind: Kind, number: int) -> None:
    """Say one number and, in the same breath, another."""
    menu = draft.pick_dishes(draft.pick_shop(), 1)[0][0]
    old, new = draft.rng.sample((1, 2, 3, 4), 2)
    draft.want("add", menu=menu, quantity=new, retracted=str(old))


def _one_more(draft: Draft, kind: Kind, number: int) -> None:
    menu = draft.pick_dishes(draft.pick_shop(), 1)[0][0]
    before = draft.rng.choice((1, 2))
    draft.want("add", menu=menu, quantity=before)
    draft.want("update", items=("C1",), quantity=before + 1, request="하나 더")


def _one_less(draft: Draft, kind: Kind, number: int) -> None:
    menu = draft.pick_dishes(draft.pick_shop(), 1)[0][0]
    before = draft.rng.choice((2, 3))
    draft.want("add", menu=menu, quantity=before)
    draft.want("update", items=("C1",), quantity=before - 1, request="하나 빼고")


def _request_change(draft: Draft, kind: Kind, number: int) -> None:
    shop = draft.fill_cart(lines=2 if kind == "clarification" else 1)
    words = draft.pick_request(shop)
    extra: dict[str, object] = {}
    if kind == "clarification":
        extra = {"withhold": "요청 사항"}
    elif kind == "correction":
        extra = {"retracted": draft.pick_request(shop, besides=words)}
    draft.want("update", items=("C1",), special_request=words, **extra)


def _request_that(draft: Draft, kind: Kind, number: int) -> None:
    shop = draft.pick_shop()
    draft.want("add", menu=draft.pick_main_dish(shop)[0], quantity=draft.rng.choice((1, 2)))
    draft.want("update", items=("C1",), special_request=draft.pick_request(shop))


def _remove(draft: Draft, kind: Kind, number: int) -> None:
    if kind in ("tool_use", "clarification"):
        draft.fill_cart(lines=3)
        withhold = "항목" if kind == "clarification" else None
        draft.want("remove", items=("C2",) if withhold or number % 2 else ("C1", "C3"), withhold=withhold)
        return
    (first, _), (second, _) = draft.pick_dishes(draft.pick_shop(), 2)
    draft.want("add", menu=first, quantity=1)
    draft.want("add", menu=second, quantity=1)
    draft.want("remove", items=("C1",))


def _remove_ordinal(draft: Draft, kind: Kind, number: int) -> None:
    draft.fill_cart(lines=3)
    draft.want("cart")
    place, name = draft.rng.choice(((1, "맨 처음 거"), (2, "두 번째 거"), (3, "마지막 거")))
    draft.want("remove", items=(f"C{place}",), request=name)


def _clear_cart(draft: Draft, kind: Kind, number: int) -> None:
    draft.fill_cart(lines=2)
    draft.want("remove", items=("C1", "C2"), request="전부")


def swap(draft: Draft, kind: Kind, number: int) -> None:
    """Take a dish out and put another in."""
    if kind == "tool_use":
        shop = draft.fill_cart(lines=1)
        menu = draft.other_dishes(shop, 1, besides={draft.cart[0].menu})[0][0]
    else:
        (first, _), (menu, _) = draft.pick_dishes(draft.pick_shop(), 2)
        draft.want("add", menu=first, quantity=1)
    draft.want("remove", items=("C1",))
    draft.want("add", menu=menu, quantity=1, together=True)


def switch_shop(draft: Draft, kind: Kind, number: int) -> None:
    """Leave what is in the cart for a dish of another restaurant."""
    first, second = draft.rng.sample(draft.open_shops(), 2)
    if kind == "tool_use":
        draft.fill_cart(lines=1, shop=first)
    else:
        draft.want("add", menu=draft.pick_dishes(first, 1)[0][0], quantity=1)
    draft.want("add", menu=draft.pick_dishes(second, 1)[0][0], quantity=draft.rng.choice((1, 2)))


def _top_up(draft: Draft, kind: Kind, number: int) -> None:
    """Add something to a cart that stands, and order."""
    draft.save_addresses(draft.rng.choice((1, 2)))
    shop = draft.fill_cart(lines=1)
    menu = draft.other_dishes(shop, 1, besides={draft.cart[0].menu})[0][0]
    draft.want("add", menu=menu, quantity=1)
    want_order(draft, kind, number)


SHOPPING: Final[dict[str, Recipe]] = {
    "add_one": add_one,
    "add_size": _add_size,
    "add_where": _add_where,
    "add_request": _add_request,
    "add_several": _add_several,
    "cheapest": add_extreme,
    "dearest": _dearest,
    "cart_view": _cart_view,
    "cart_and_addresses": _cart_and_addresses,
    "quantity": quantity,
    "quantity_at_once": quantity_at_once,
    "one_more": _one_more,
    "one_less": _one_less,
    "request_change": _request_change,
    "request_that": _request_that,
    "remove": _remove,
    "remove_ordinal": _remove_ordinal,
    "clear_cart": _clear_cart,
    "swap": swap,
    "switch_shop": switch_shop,
    "top_up": _top_up,
}
