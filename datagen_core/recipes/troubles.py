"""Decides what a customer goes through whose wish the backend refuses: what goes wrong, and the way out they choose.

Some of it a look-up shows before the call is made; where the world changes at the last moment, the call is refused.
"""

from __future__ import annotations

from typing import Final

from datagen_core.config import Kind
from datagen_core.draft import Draft
from datagen_core.environment.state import MAX_QUANTITY
from datagen_core.recipes.base import Recipe, draw_address, have_order, take_payment, want_order


def _sold_out(draft: Draft, kind: Kind, number: int) -> None:
    shop = draft.pick_shop()
    (gone, _), (menu, _) = draft.pick_dishes(shop, 2)
    if number % 2:
        draft.let_happen("dish_sold_out", gone, before="add_to_cart")
    else:
        draft.sold_out.append(gone)
    draft.want("add", menu=gone, quantity=1, refused="MENU_ITEM_UNAVAILABLE", unforeseen=bool(number % 2))
    draft.want("add", menu=menu, quantity=draft.rng.choice((1, 2)))


def _closed_shop(draft: Draft, kind: Kind, number: int) -> None:
    if number % 2:
        shop, other = draft.rng.sample(draft.open_shops(), 2)
        draft.let_happen("restaurant_closes", f"R{shop + 1}", before="add_to_cart")
    else:
        shop = draft.pick_closed_shop()
        other = draft.pick_shop()
    wanted = draft.pick_dishes(shop, 1)[0][0]
    draft.want("add", menu=wanted, quantity=1, refused="RESTAURANT_CLOSED", unforeseen=bool(number % 2))
    draft.want("add", menu=draft.pick_dishes(other, 1)[0][0], quantity=draft.rng.choice((1, 2)))


def _closed_meanwhile(draft: Draft, kind: Kind, number: int) -> None:
    """Find the restaurant closed when about to pay, and order elsewhere."""
    draft.save_addresses(1)
    shop, other = draft.rng.sample(draft.open_shops(), 2)
    draft.fill_cart(lines=1, shop=shop)
    draft.let_happen("restaurant_closes", f"R{shop + 1}", before="prepare_checkout")
    draft.want("checkout", address="A1", refused="RESTAURANT_CLOSED")
    menu, dish = draft.pick_main_dish(other)
    draft.want("add", menu=menu, quantity=draft.need_for_minimum(other, dish.price))
    want_order(draft, kind, number)


def _shop_gone(draft: Draft, kind: Kind, number: int) -> None:
    """Find that a restaurant delivers here no longer, right before its menu is read or a dish of it is put in."""
    shop, other = draft.rng.sample(draft.open_shops(), 2)
    tool = "get_restaurant_detail" if number % 2 else "add_to_cart"
    draft.let_happen("restaurant_leaves", f"R{shop + 1}", before=tool)
    if number % 2:
        draft.want("menu", restaurant=f"R{shop + 1}", refused="RESTAURANT_NOT_FOUND")
        draft.want("menu", restaurant=f"R{other + 1}")
    else:
        wanted = draft.pick_dishes(shop, 1)[0][0]
        draft.want("add", menu=wanted, quantity=1, refused="RESTAURANT_NOT_FOUND")
    draft.want("add", menu=draft.pick_dishes(other, 1)[0][0], quantity=1)


def _dish_gone(draft: Draft, kind: Kind, number: int) -> None:
    (gone, _), (menu, _) = draft.pick_dishes(draft.pick_shop(), 2)
    draft.let_happen("dish_leaves", gone, before="add_to_cart")
    draft.want("add", menu=gone, quantity=1, refused="MENU_ITEM_NOT_FOUND")
    draft.want("add", menu=menu, quantity=draft.rng.choice((1, 2)))


def _line_gone(draft: Draft, kind: Kind, number: int) -> None:
    """Miss a cart line that vanished on another screen, and put it in again or look at the rest."""
    draft.fill_cart(lines=3)
    tool = "remove_cart_items" if number % 2 else "update_cart_item"
    draft.let_happen("cart_item_removed", "C2", before=tool)
    if number % 2:
        draft.want("remove", items=("C2",), refused="CART_ITEM_NOT_FOUND")
        draft.want("cart")
        return
    wanted = draft.cart[1].quantity + 1
    draft.want("update", items=("C2",), quantity=wanted, refused="CART_ITEM_NOT_FOUND")
    draft.want("add", menu=draft.cart[1].menu, quantity=wanted)


def _empty_cart(draft: Draft, kind: Kind, number: int) -> None:
    """Believe that there is something in the cart."""
    draft.save_addresses(1)
    draft.want("checkout", address="A1", refused="CART_EMPTY")
    shop = draft.pick_shop()
    menu, dish = draft.pick_main_dish(shop)
    draft.want("add", menu=menu, quantity=draft.need_for_minimum(shop, dish.price))
    want_order(draft, kind, number)


def _address_gone(draft: Draft, kind: Kind, number: int) -> None:
    """Name an address that was deleted on another screen, then take another one or save a new one."""
    draft.save_addresses(2)
    draft.fill_cart(lines=1)
    draft.let_happen("address_deleted", "A2", before="prepare_checkout")
    draft.want("checkout", address="A2", refused="ADDRESS_NOT_FOUND")
    if number % 2 == 0:
        want_order(draft, kind, number)
        return
    draft.want("save_address", fields=draw_address(draft, besides=tuple(a.line1 for a in draft.addresses)))
    want_order(draft, kind, number, address="A3")


def _below_minimum(draft: Draft, kind: Kind, number: int) -> None:
    """Stay under the minimum order, then take more of the dish or another one."""
    for shop in draft.rng.sample(draft.open_shops(), len(draft.open_shops())):
        dish = draft.fill_cart_below_minimum(shop)
        if dish is not None:
            break
    else:
        raise RuntimeError(f"Every dish of the open restaurants of {draft.category} reaches the minimum order.")
    draft.save_addresses(1)
    draft.want("checkout", address="A1", refused="BELOW_MINIMUM")
    other = draft.pick_filler(shop, dish.price) if number % 2 else None
    if other is not None:
        draft.want("add", menu=other[0], quantity=other[1])
    else:
        draft.want("update", items=("C1",), quantity=draft.need_for_minimum(shop, dish.price))
    draft.want("checkout", address="A1", together=True)
    draft.want("order", payment=take_payment(kind, number))


def _checkout_expired(draft: Draft, kind: Kind, number: int) -> None:
    """Agree when what was prepared no longer holds, and agree again when it was prepared again."""
    draft.save_addresses(draft.rng.choice((1, 2)))
    draft.fill_cart(lines=draft.rng.choice((1, 2)))
    draft.let_happen("checkout_expires", before="place_order")
    note = draft.pick_note() if number % 2 else None
    method = take_payment(kind, number)
    draft.want("checkout", address="A1", note=note)
    draft.want("order", payment=method, refused="SNAPSHOT_INVALID")
    draft.want("checkout", address="A1", note=note, together=True)
    draft.want("order", payment=method)


def _too_many(draft: Draft, kind: Kind, number: int) -> None:
    """Want more of a dish, for a company, than one line of the cart takes."""
    shop = draft.pick_shop()
    menu, _ = draft.pick_main_dish(shop)
    wanted = draft.rng.choice((1000, 1200, 1500, 2000))
    less = draft.rng.choice((300, 500, 800, MAX_QUANTITY))
    if number % 2:
        draft.want("add", menu=menu, quantity=draft.rng.choice((10, 20)))
        draft.want("update", items=("C1",), quantity=wanted, refused="INVALID_ARGUMENT")
        draft.want("update", items=("C1",), quantity=less)
    else:
        draft.want("add", menu=menu, quantity=wanted, refused="INVALID_ARGUMENT")
        draft.want("add", menu=menu, quantity=less)


def wrong_order_id(draft: Draft, kind: Kind, number: int) -> None:
    """Give a number that is no order's, then find the right one."""
    request = "결제가 되었는지" if number % 2 else None
    draft.want("status", order="X1", request=request, refused="ORDER_NOT_FOUND")
    draft.want("status", order=have_order(draft, kind, number), request=request)


def foreign_order(draft: Draft, kind: Kind, number: int) -> None:
    """Give the number of somebody else's order, then an own one."""
    draft.foreign_orders.append("X1")
    draft.want("status", order="X1", refused="FORBIDDEN")
    draft.want("status", order=have_order(draft, kind, number, skip=2))


TROUBLES: Final[dict[str, Recipe]] = {
    "sold_out": _sold_out,
    "dish_gone": _dish_gone,
    "closed_shop": _closed_shop,
    "closed_meanwhile": _closed_meanwhile,
    "shop_gone": _shop_gone,
    "line_gone": _line_gone,
    "empty_cart": _empty_cart,
    "address_gone": _address_gone,
    "below_minimum": _below_minimum,
    "checkout_expired": _checkout_expired,
    "too_many": _too_many,
    "wrong_order_id": wrong_order_id,
    "foreign_order": foreign_order,
}
