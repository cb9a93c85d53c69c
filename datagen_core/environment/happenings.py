"""Decides what changes in the world by itself while a dialogue lasts, so that a call meets a refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from datagen_core.config import TOOL_NAMES
from datagen_core.environment.catalogue import Restaurant
from datagen_core.environment.opening import Change, Happening
from datagen_core.environment.positions import find_dish, find_restaurant, read_handle, wrong_opening
from datagen_core.environment.state import State

LETTERS: Final[dict[Change, str | None]] = {
    "restaurant_closes": "R",
    "restaurant_leaves": "R",
    "dish_sold_out": "M",
    "dish_leaves": "M",
    "cart_item_removed": "C",
    "address_deleted": "A",
    "checkout_expires": None,
}
"""Of what each change needs a handle as its target."""

_MOST_CREATED: Final = 999


def check_happening(happening: Happening, restaurants: tuple[Restaurant, ...]) -> None:
    """Refuse a happening that names no tool, or no target of its kind; cart lines and addresses may come later.

    Raises:
        ConfigError: the opening cannot be performed.
    """
    if happening.before not in TOOL_NAMES:
        raise wrong_opening(f"a happening is before {happening.before!r}", "Name one of the eleven tools.")
    letter, target = LETTERS[happening.what], happening.target
    if (letter is None) != (target is None):
        expected = "no target" if letter is None else f"a target such as {letter}1"
        raise wrong_opening(f"{happening.what} has the target {target!r}", f"Give {expected}.")
    if target is not None and letter == "R":
        find_restaurant(restaurants, target)
    elif target is not None and letter == "M":
        find_dish(restaurants, target)
    elif target is not None and letter is not None:
        read_handle(target, letter, _MOST_CREATED)


def let_happen(state: State, tool: str) -> None:
    """Count a call of the tool and let happen what is due right before it is answered."""
    state.calls[tool] += 1
    for happening in state.happenings:
        if happening.before == tool and happening.nth == state.calls[tool]:
            _change(state, happening)


def _change(state: State, happening: Happening) -> None:
    target = happening.target or ""
    match happening.what:
        case "restaurant_closes":
            state.shut.add(find_restaurant(state.restaurants, target).id)
        case "restaurant_leaves":
            state.gone.add(find_restaurant(state.restaurants, target).id)
        case "dish_sold_out":
            state.sold_out.add(find_dish(state.restaurants, target)[1].id)
        case "dish_leaves":
            state.gone.add(find_dish(state.restaurants, target)[1].id)
        case "cart_item_removed":
            _remove_line(state, int(target[1:]))
        case "address_deleted":
            _delete_address(state, int(target[1:]))
        case "checkout_expires":
            state.snapshot = None


def _remove_line(state: State, number: int) -> None:
    """Take the line out if it is in the cart; one that never was, or is gone already, changes nothing."""
    cart = state.cart
    wanted = state.cart_item_ids[number - 1] if number <= len(state.cart_item_ids) else None
    if cart is not None and any(line.cart_item_id == wanted for line in cart.lines):
        kept = tuple(line for line in cart.lines if line.cart_item_id != wanted)
        state.change_cart(replace(cart, lines=kept))


def _delete_address(state: State, number: int) -> None:
    """Delete the address if it is there; where it was the default, the oldest that is left takes its place."""
    wanted = state.address_ids[number - 1] if number <= len(state.address_ids) else None
    address = state.addresses.pop(wanted, None) if wanted is not None else None
    if address is None:
        return
    state.snapshot = None
    heir = next(iter(state.addresses.values()), None)
    if address.is_default and heir is not None:
        state.addresses[heir.address_id] = replace(heir, is_default=True)
