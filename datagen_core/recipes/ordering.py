"""Decides what a customer goes through who keeps addresses, checks out, orders, and asks after orders."""

from __future__ import annotations

from typing import Final

from datagen_core.config import PAYMENT_METHODS, RECIPIENTS, UNITS, Kind, Withheld
from datagen_core.draft import Draft
from datagen_core.recipes.base import Recipe, draw_address, have_order, take_payment, want_order


def _address_list(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(number % 3 + 1)
    draft.want("addresses")


def address_new(draft: Draft, kind: Kind, number: int) -> None:
    """Save a new address; the name or the number may come only when asked for, or another unit be taken back."""
    fields = draw_address(draft)
    extra: dict[str, object] = {}
    if kind == "clarification":
        extra = {"withhold": "받는 사람" if number % 2 else "전화번호"}
    elif kind == "correction":
        extra = {"retracted": draft.rng.choice([unit for unit in UNITS if unit != fields["line2"]])}
    draft.want("save_address", fields=fields, **extra)


def _address_street(draft: Draft, kind: Kind, number: int) -> None:
    withhold: Withheld = "상세 주소" if number % 2 else "주소"
    draft.want("save_address", fields=draw_address(draft), withhold=withhold)


def _change_address(draft: Draft, position: int, *, withhold: Withheld | None = None, **changes: str | bool) -> None:
    saved = draft.addresses[position]
    fields = {"recipient_name": saved.recipient_name, "phone": saved.phone, "line1": saved.line1, **changes}
    draft.want("save_address", address=f"A{position + 1}", fields=fields, withhold=withhold)


def _address_fix(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(2)
    position = 0 if kind == "tool_use" else 1
    saved = draft.addresses[position]
    if kind == "clarification":
        unit = draft.rng.choice([unit for unit in UNITS if unit not in {a.line2 for a in draft.addresses}])
        _change_address(draft, position, withhold="배송지", line2=unit)
    elif number % 3 == 1:
        _change_address(draft, position, phone=draft.pick_phone())
    elif number % 3 == 2:
        others = [name for name in RECIPIENTS if name != saved.recipient_name]
        _change_address(draft, position, recipient_name=draft.rng.choice(others))
    else:
        _change_address(draft, position, line2=draft.rng.choice([unit for unit in UNITS if unit != saved.line2]))


def _address_default(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(2)
    _change_address(draft, 1, is_default=True)


def _gate_password(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(1)
    withhold: Withheld | None = "비밀번호" if kind == "clarification" else None
    _change_address(draft, 0, withhold=withhold, gate_password=f"{draft.rng.randrange(1000, 10000)}#")


def _address_note(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(draft.rng.choice((1, 2)))
    _change_address(draft, 0, delivery_note=draft.pick_note())


def _first_address(draft: Draft, kind: Kind, number: int) -> None:
    """See that no address is saved, save one, and order to it."""
    draft.fill_cart(lines=2)
    draft.want("addresses")
    draft.want("save_address", fields=draw_address(draft))
    draft.want("checkout", address="A1", together=draft.at_once)
    draft.want("order", payment=take_payment(kind, number))


def _same_address(draft: Draft, kind: Kind, number: int) -> None:
    draft.fill_cart(lines=1)
    draft.save_addresses(1)
    draft.want("save_address", fields=draw_address(draft, besides=(draft.addresses[0].line1,)))
    draft.want("checkout", address="A2", request="방금 저장한 주소")
    draft.want("order", payment=take_payment(kind, number))


def _checkout_total(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(1)
    draft.fill_cart(lines=2)
    draft.want("checkout", address="A1")


def checkout_note(draft: Draft, kind: Kind, number: int) -> None:
    """Order with a wish for the delivery; another wish may be taken back."""
    draft.save_addresses(draft.rng.choice((1, 2)))
    draft.fill_cart(lines=2)
    note = draft.pick_note()
    retracted = draft.pick_note(besides=note) if kind == "correction" else None
    draft.want("checkout", address="A1", note=note, retracted=retracted)
    draft.want("order", payment=take_payment(kind, number))


def checkout_address(draft: Draft, kind: Kind, number: int) -> None:
    """Order to the address that is not the default; it may come only when asked for, or the default be taken back."""
    draft.save_addresses(2 + number % 2)
    draft.fill_cart(lines=1)
    extra: dict[str, object] = {}
    if kind == "clarification":
        extra = {"withhold": "배송지"}
    elif kind == "correction":
        extra = {"retracted": "A1"}
    draft.want("checkout", address="A2", **extra)
    draft.want("order", payment=take_payment(kind, number))


def payment(draft: Draft, kind: Kind, number: int) -> None:
    """Order what is in the cart; how to pay may come only when asked for, or another way be taken back."""
    draft.save_addresses(1)
    draft.fill_cart(lines=draft.rng.choice((1, 2)))
    method = take_payment(kind, number)
    extra: dict[str, object] = {}
    if kind == "clarification":
        extra = {"withhold": "결제 수단"}
    elif kind == "correction":
        extra = {"retracted": draft.rng.choice([other for other in PAYMENT_METHODS if other != method])}
    draft.want("checkout", address="A1", withhold="배송지" if kind == "clarification" and number % 2 else None)
    draft.want("order", payment=method, **extra)


def company_payment(draft: Draft, kind: Kind, number: int) -> None:
    """Order for a company that states its payment gateway's code."""
    draft.save_addresses(1)
    draft.fill_cart(lines=2)
    draft.want("checkout", address="A1")
    code = f"{draft.rng.choice(('KCP', 'NICE', 'INI', 'DANAL'))}-{draft.rng.randrange(1000, 10000)}"
    draft.want("order", payment=take_payment(kind, number), pg_id=code)


def _full_cycle(draft: Draft, kind: Kind, number: int) -> None:
    draft.save_addresses(draft.rng.choice((1, 2)))
    shop = draft.pick_shop()
    menu, dish = draft.pick_main_dish(shop)
    draft.want("search", filters={"category": draft.category})
    draft.want("menu", restaurant=f"R{shop + 1}", ordinal=draft.listed().index(shop) + 1)
    draft.want("add", menu=menu, quantity=draft.need_for_minimum(shop, dish.price))
    want_order(draft, kind, number, note=draft.pick_note() if number % 2 else None)


def order_status(draft: Draft, kind: Kind, number: int) -> None:
    """Ask how an order stands; its number may come only when asked for."""
    withhold: Withheld | None = "주문 번호" if kind == "clarification" else None
    draft.want("status", order=have_order(draft, kind, number), withhold=withhold)


def payment_status(draft: Draft, kind: Kind, number: int) -> None:
    """Ask whether an order is paid; its number may come only when asked for."""
    order = have_order(draft, kind, number, skip=3)
    withhold: Withheld | None = "주문 번호" if kind == "clarification" else None
    draft.want("status", order=order, request="결제가 되었는지", withhold=withhold)


def order_number_wrong(draft: Draft, kind: Kind, number: int) -> None:
    """Ask how an order stands and give a number that is no order number."""
    mistaken = draft.pick_phone() if number % 2 else f"{draft.rng.randrange(100, 10000)}"
    order = have_order(draft, kind, number, skip=1)
    draft.want("status", order=order, withhold="주문 번호", mistaken=mistaken)


def _two_orders(draft: Draft, kind: Kind, number: int) -> None:
    have_order(draft, kind, number, skip=2)
    have_order(draft, kind, number, skip=4)
    draft.want("status", order="O1")
    draft.want("status", order="O2", together=draft.at_once)


def _after_order(draft: Draft, kind: Kind, number: int) -> None:
    payment(draft, kind, number)
    draft.want("status", order="O1")


ORDERING: Final[dict[str, Recipe]] = {
    "address_list": _address_list,
    "address_new": address_new,
    "address_street": _address_street,
    "address_fix": _address_fix,
    "address_default": _address_default,
    "gate_password": _gate_password,
    "address_note": _address_note,
    "first_address": _first_address,
    "same_address": _same_address,
    "checkout_total": _checkout_total,
    "checkout_note": checkout_note,
    "checkout_address": checkout_address,
    "payment": payment,
    "company_payment": company_payment,
    "full_cycle": _full_cycle,
    "order_status": order_status,
    "payment_status": payment_status,
    "order_number_wrong": order_number_wrong,
    "two_orders": _two_orders,
    "after_order": _after_order,
}
