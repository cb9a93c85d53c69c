"""Decides how a cart must have changed from one response to the next, by nothing but calls and what was shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from datagen_core.checks.amounts import find_amounts
from datagen_core.checks.fields import as_list, as_object, as_text, as_whole, read_code
from datagen_core.environment import is_error

SHOWS_CART: Final = frozenset({"get_cart", "add_to_cart", "update_cart_item", "remove_cart_items", "prepare_checkout"})


class ShownLine(NamedTuple):
    """What a line asks for; its price is left to K01 and K03."""

    menu_item_id: object
    quantity: int
    special_request: object


@dataclass(slots=True)
class CartBook:
    """The cart as the dialogue knows it.

    `lines` is None as long as nobody has seen the cart. `gone` are lines that were removed or that a refusal said are
    not there, `doubtful` those of which a refusal said that one of them is not. `subtotal` is what was shown last, in
    won. `may_shrink`: the opening lets the customer take a line out on another screen, which no response needs to tell.
    """

    may_shrink: bool = False
    lines: dict[str, ShownLine] | None = None
    cart_id: object = None
    restaurant_id: object = None
    subtotal: int | None = None
    gone: set[str] = field(default_factory=set[str])
    doubtful: set[str] = field(default_factory=set[str])

    def follow(self, tool: str, arguments: Mapping[str, object], response: object) -> Iterator[str]:
        """Yield what a response shows otherwise than it must be after the call, and take over what it shows."""
        if is_error(response):
            self._learn(arguments, read_code(response))
        elif tool == "place_order":
            self._leave(dict[str, ShownLine]() if isinstance(response, str) else None)
        elif tool == "get_cart" and response is None:
            left = [] if self.may_shrink else [line for line in self.lines or () if line not in self.doubtful]
            if left:
                yield f"no cart is shown, although {len(left)} lines were in it"
            self._leave({})
        elif tool in SHOWS_CART:
            cart = as_object(response)
            shown = _read_lines(cart)
            if shown is not None:
                yield from self._compare(tool, arguments, cart, shown)
            yield from (f"the line {line} stands twice" for line in _find_twice(cart))
            self._leave(shown)
            self.cart_id, self.restaurant_id = cart.get("cart_id"), cart.get("restaurant_id")
            self.subtotal = as_whole(cart.get("subtotal"))

    def _learn(self, arguments: Mapping[str, object], code: str | None) -> None:
        """Take over what a refusal tells: the customer may have emptied the cart on another screen."""
        if code in ("CART_EMPTY", "CART_ITEM_NOT_FOUND"):
            self.subtotal = None
        if code == "CART_EMPTY" and self.lines is not None:
            self.gone |= self.lines.keys()
            self.lines = {}
        if code != "CART_ITEM_NOT_FOUND":
            return
        named = {line for line in (arguments.get("cart_item_id"), *as_list(arguments.get("cart_item_ids"))) if line}
        ids = {line for line in named if isinstance(line, str)}
        missing = ids if len(ids) == 1 else ids - (self.lines or {}).keys()
        self.gone |= missing
        self.doubtful |= ids - missing
        for line in missing:
            (self.lines or {}).pop(line, None)

    def _leave(self, lines: dict[str, ShownLine] | None) -> None:
        """Take over a cart; what was in the one before and is not in this one is gone for good."""
        self.gone |= (self.lines or {}).keys() - (lines or {}).keys()
        self.lines, self.doubtful = lines, set()
        self.cart_id = self.restaurant_id = self.subtotal = None

    def _compare(
        self, tool: str, arguments: Mapping[str, object], cart: Mapping[str, object], shown: dict[str, ShownLine]
    ) -> Iterator[str]:
        removed = dict.fromkeys(line for line in as_list(arguments.get("cart_item_ids")) if isinstance(line, str))
        if tool == "remove_cart_items":
            yield from (f"the line {line} was removed and is still there" for line in shown if line in removed)
            self.gone.update(removed)
        yield from (
            f"the line {line} was gone and is back" for line in shown if line in self.gone and line not in removed
        )
        is_new = tool == "add_to_cart" and arguments.get("restaurant_id") != self.restaurant_id
        if self.cart_id is not None and not is_new:
            for name, before in (("cart_id", self.cart_id), ("restaurant_id", self.restaurant_id)):
                if name in cart and cart[name] != before:
                    yield f"{name} is {cart[name]!r}, it was {before!r}"
        if self.lines is None:
            return
        before = dict[str, ShownLine]() if is_new else dict(self.lines)
        expected = before if tool != "add_to_cart" else _add(before, arguments, shown)
        if tool == "update_cart_item":
            yield from _update(expected, arguments)
        for line in removed if tool == "remove_cart_items" else ():
            if expected.pop(line, None) is None and line not in self.doubtful:
                yield f"the line {line} was not in the cart, and yet it was removed"
        yield from self._find_differences(expected, shown, set(removed))

    def _find_differences(
        self, expected: dict[str, ShownLine], shown: dict[str, ShownLine], removed: set[str]
    ) -> Iterator[str]:
        for line, before in expected.items():
            now = shown.get(line)
            if now is None:
                if line not in self.doubtful and not self.may_shrink:
                    yield f"the line {line} is missing, although nobody removed it"
            elif now != before:
                names = (
                    name for name, is_kept in zip(now._fields, map(_is_same, now, before), strict=True) if not is_kept
                )
                for name in names:
                    yield f"{name} of the line {line} is {getattr(now, name)!r}, it must be {getattr(before, name)!r}"
        known = self.gone | removed
        yield from (f"the line {line} was never added" for line in shown if line not in expected and line not in known)


def _is_same(one: object, other: object) -> bool:
    return one == other


def _add(
    before: dict[str, ShownLine], arguments: Mapping[str, object], shown: dict[str, ShownLine]
) -> dict[str, ShownLine]:
    """Return the cart after a dish was added: to the line of the same dish and request, else as one new line."""
    dish, request = arguments.get("menu_item_id"), arguments.get("special_request")
    added = as_whole(arguments.get("quantity")) or 0
    same = next(
        (key for key, line in before.items() if line.menu_item_id == dish and line.special_request == request), None
    )
    if same is not None:
        return {**before, same: before[same]._replace(quantity=before[same].quantity + added)}
    new = next((line for line in shown if line not in before), "of the dish that was added")
    return {**before, new: ShownLine(dish, added, request)}


def _update(expected: dict[str, ShownLine], arguments: Mapping[str, object]) -> Iterator[str]:
    """Change the line that the call names; one that was not there cannot have been changed."""
    line = arguments.get("cart_item_id")
    before = expected.get(line) if isinstance(line, str) else None
    if before is None or not isinstance(line, str):
        yield f"the line {line!r} was not in the cart, and yet it was changed"
        return
    quantity = as_whole(arguments.get("quantity"))
    request = arguments.get("special_request", before.special_request)
    expected[line] = ShownLine(before.menu_item_id, before.quantity if quantity is None else quantity, request)


def _read_lines(cart: Mapping[str, object]) -> dict[str, ShownLine] | None:
    """Return the lines by id; None where the cart cannot be understood."""
    lines: dict[str, ShownLine] = {}
    if not isinstance(cart.get("items"), list):
        return None
    for line in map(as_object, as_list(cart.get("items"))):
        cart_item_id, quantity = as_text(line.get("cart_item_id")), as_whole(line.get("quantity"))
        if cart_item_id is None or quantity is None or cart_item_id in lines:
            return None
        lines[cart_item_id] = ShownLine(line.get("menu_item_id"), quantity, line.get("special_request"))
    return lines


def _find_twice(cart: Mapping[str, object]) -> list[str]:
    ids = [as_text(as_object(line).get("cart_item_id")) for line in as_list(cart.get("items"))]
    return [line for line, count in Counter(ids).items() if line is not None and count > 1]


def find_minimum_faults(subtotal: int | None, minimum: int | None, response: object) -> Iterator[str]:
    """Yield what a checkout, or its refusal as BELOW_MINIMUM, says against subtotal and minimum order (both in won)."""
    if subtotal is None or minimum is None:
        return
    if not is_error(response):
        if subtotal < minimum:
            yield f"a checkout of {subtotal} was prepared, below the minimum order of {minimum}"
    elif read_code(response) == "BELOW_MINIMUM":
        stated = {
            amount.won for amount in find_amounts(str(as_object(as_object(response).get("error")).get("message")))
        }
        if subtotal >= minimum:
            yield f"{subtotal} is refused as below the minimum order of {minimum}"
        elif not stated <= {subtotal, minimum, minimum - subtotal}:
            yield f"the refusal states {sorted(stated)}, the cart comes to {subtotal} and the minimum to {minimum}"
