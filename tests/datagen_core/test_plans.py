"""Plans: which calls a flawless counsellor makes, and which of them may be made at once."""

from __future__ import annotations

import pytest

from datagen_core.environment import Environment
from datagen_core.environment.opening import CartLine, Happening, Opening, SavedAddress
from datagen_core.plans import Step, part_calls
from datagen_core.reference import Rehearsal, derive_goal

HOME = SavedAddress(recipient_name="한지우", phone="010-0123-4567", line1="서울 한빛구 새솔로 21", is_default=True)
WORLD = Opening(
    catalogue_seed=20260214,
    seed=7,
    user_id="5a6f2f0e-6f0f-4c53-9f6b-0a5d6f1f7c11",
    now="2026-03-04T18:10:00+09:00",
    restaurants=(0, 10),
    addresses=(HOME,),
)
CART = (CartLine(menu="M1", quantity=1), CartLine(menu="M2", quantity=1))


def tools_of(opening: Opening, *steps: Step) -> list[str]:
    rehearsal = Rehearsal(Environment(opening))
    for step in steps:
        for call in rehearsal.plan(step):
            rehearsal.execute(call)
    return [call.tool for call in rehearsal.calls]


def test_the_restaurant_of_the_cart_is_read_from_the_cart() -> None:
    opening = WORLD.model_copy(update={"cart": CART})
    assert tools_of(opening, Step(intent="add", menu="M3", quantity=1)) == [
        "get_cart", "get_restaurant_detail", "add_to_cart",
    ]  # fmt: skip


def test_a_dish_that_the_cart_showed_is_put_in_again_without_a_look() -> None:
    gone = Happening(before="update_cart_item", what="cart_item_removed", target="C2")
    opening = WORLD.model_copy(update={"cart": CART, "happenings": (gone,)})
    refused = Step(intent="update", items=("C2",), quantity=2, refused="CART_ITEM_NOT_FOUND")
    tools = tools_of(opening, refused, Step(intent="add", menu="M2", quantity=2))
    assert tools == ["get_cart", "update_cart_item", "add_to_cart"]


def test_an_address_saved_in_the_dialogue_needs_no_look() -> None:
    opening = WORLD.model_copy(update={"cart": CART})
    fields: dict[str, str | bool] = {
        "recipient_name": "한지우",
        "phone": "010-0123-4567",
        "line1": "서울 누리구 달빛로 8",
    }
    save, checkout = Step(intent="save_address", fields=fields), Step(intent="checkout", address="A2")
    assert tools_of(opening, save, checkout) == ["upsert_address", "prepare_checkout"]
    assert tools_of(opening, Step(intent="checkout", address="A1")) == ["list_addresses", "prepare_checkout"]


@pytest.mark.parametrize(("unforeseen", "last"), [(False, "get_restaurant_detail"), (True, "add_to_cart")])
def test_a_sold_out_dish_is_seen_ahead_unless_it_sells_out_at_the_last_moment(unforeseen: bool, last: str) -> None:
    step = Step(intent="add", menu="M1", quantity=1, refused="MENU_ITEM_UNAVAILABLE", unforeseen=unforeseen)
    happens = (Happening(before="add_to_cart", what="dish_sold_out", target="M1"),) if unforeseen else ()
    opening = WORLD.model_copy(update={"sold_out": () if unforeseen else ("M1",), "happenings": happens})
    assert tools_of(opening, step)[-1] == last
    assert derive_goal(opening, (step,))


def test_a_recipe_that_plans_a_refusal_which_never_comes_is_a_bug() -> None:
    step = Step(intent="add", menu="M1", quantity=1, refused="MENU_ITEM_NOT_FOUND")
    with pytest.raises(RuntimeError, match="answered with"):
        derive_goal(WORLD, (step,))


@pytest.mark.parametrize(
    ("tools", "rounds"),
    [
        ((), []),
        (("get_cart", "list_addresses"), [[0, 1]]),
        (("search_restaurants", "get_restaurant_detail", "add_to_cart"), [[0], [1], [2]]),
        (
            ("search_restaurants", "get_restaurant_detail", "search_restaurants", "get_restaurant_detail"),
            [[0, 2], [1, 3]],
        ),
        (("add_to_cart", "add_to_cart"), [[0, 1]]),
        (("get_cart", "remove_cart_items", "add_to_cart"), [[0], [1], [2]]),
        (("place_order", "prepare_checkout"), [[0], [1]]),
        (("upsert_address", "prepare_checkout"), [[0], [1]]),
        (("get_order_status", "get_order_status"), [[0, 1]]),
    ],
)
def test_calls_that_need_nothing_of_each_other_go_together(tools: tuple[str, ...], rounds: list[list[int]]) -> None:
    assert part_calls(tools) == rounds
