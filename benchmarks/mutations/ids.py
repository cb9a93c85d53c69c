"""Decides how ids are damaged: a digit, another thing's id, an id of another kind, an id nobody showed."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final, cast

from benchmarks.mutations.base import (
    UUID,
    Mutation,
    Place,
    calls_of,
    perform_again,
    read_turns,
    responses_of,
    speak,
    spoken_by,
    text_of,
    walk_objects,
    with_argument,
    with_turns,
)
from datagen_core.dialogue.models import Turn
from datagen_core.files import JsonObject

_KINDS: Final = ("restaurant_id", "menu_item_id", "cart_item_id", "address_id", "order_id")
_NAMES: Final = {"restaurant_id": "name", "menu_item_id": "name", "cart_item_id": "menu_name", "address_id": "line1"}
"""What the customer calls the thing that an id stands for, by the field of the id."""


def change_digit(value: str, rng: Random) -> str:
    """Return an id with one digit of its last block changed."""
    place = rng.randrange(len(value) - 12, len(value))
    return (
        value[:place]
        + rng.choice([digit for digit in "0123456789abcdef" if digit != value[place]])
        + value[place + 1 :]
    )


def _find_ids(turns: Sequence[Turn]) -> list[tuple[Place, str, str]]:
    """Return (call, argument, id) of every single id that is handed to a tool, `user_id` aside."""
    return [
        (place, name, value)
        for place in calls_of(turns)
        for name, value in place.call.arguments.items()
        if name in _KINDS and isinstance(value, str)
    ]


def _things_before(turns: Sequence[Turn], end: int) -> Iterator[tuple[str, str, str]]:
    """Yield (field, id, name) of what responses before a turn showed."""
    for found in walk_objects(responses_of(turns[:end])):
        for field, named in _NAMES.items():
            if isinstance(found.get(field), str) and isinstance(found.get(named), str):
                yield field, str(found[field]), str(found[named])


def spoil_digit(record: JsonObject, rng: Random) -> JsonObject | None:
    """One digit of an id is wrong, wherever it is an argument."""
    turns = read_turns(record)
    found = _find_ids(turns)
    if not found:
        return None
    place, name, value = rng.choice(found)
    return with_turns(record, with_argument(turns, place, name, change_digit(value, rng)))


def spoil_list_digit(record: JsonObject, rng: Random) -> JsonObject | None:
    """One digit of an id in the list of what is taken out of the cart is wrong."""
    turns = read_turns(record)
    places = calls_of(turns, "remove_cart_items")
    if not places:
        return None
    place = rng.choice(places)
    ids = list(cast("list[str]", place.call.arguments["cart_item_ids"]))
    chosen = rng.randrange(len(ids))
    ids[chosen] = change_digit(ids[chosen], rng)
    return with_turns(record, with_argument(turns, place, "cart_item_ids", ids))


def _draw_swap(turns: Sequence[Turn], rng: Random) -> tuple[Place, str, str] | None:
    """Draw an id of the same kind for a thing that the customer called by its name, and the other one never."""
    said = spoken_by(turns, "customer").replace(" ", "")
    swaps: list[tuple[Place, str, str]] = []
    for place, name, value in _find_ids(turns):
        things = list(_things_before(turns, place.turn))
        called = {known for field, other, known in things if (field, other) == (name, value)}
        if not any(known.replace(" ", "") in said for known in called):
            continue
        others = {
            other for field, other, known in things if field == name and other != value and _is_unsaid(known, said)
        }
        swaps += [(place, name, other) for other in sorted(others)]
    return rng.choice(swaps) if swaps else None


def _is_unsaid(known: str, said: str) -> bool:
    return known.replace(" ", "") not in said


def swap_same_kind(record: JsonObject, rng: Random) -> JsonObject | None:
    """The call names another restaurant, dish, line or address than the response answers."""
    turns = read_turns(record)
    drawn = _draw_swap(turns, rng)
    return with_turns(record, with_argument(turns, *drawn)) if drawn else None


def swap_and_perform(record: JsonObject, rng: Random) -> JsonObject | None:
    """Another thing than the customer named is taken, and all that follows is consistent with it."""
    turns = read_turns(record)
    drawn = _draw_swap(turns, rng)
    if drawn is None:
        return None
    return with_turns(record, perform_again(record, with_argument(turns, *drawn)))


def swap_kinds(record: JsonObject, rng: Random) -> JsonObject | None:
    """An id of another kind stands where one belongs: a dish's for a restaurant, the customer's for an address."""
    turns = read_turns(record)
    found = _find_ids(turns)
    if not found:
        return None
    place, name, value = rng.choice(found)
    others = {other for field, other, _ in _things_before(turns, place.turn) if field != name} | {str(record["uid"])}
    chosen = rng.choice(sorted(others - {value}))
    return with_turns(record, with_argument(turns, place, name, chosen))


def exchange_arguments(record: JsonObject, rng: Random) -> JsonObject | None:
    """Two ids of one call stand in each other's place."""
    turns = read_turns(record)
    places = calls_of(turns, "add_to_cart")
    if not places:
        return None
    place = rng.choice(places)
    given = place.call.arguments
    turned = with_argument(turns, place, "restaurant_id", given["menu_item_id"])
    again = Place(place.turn, place.number, turned[place.turn].calls[place.number])
    return with_turns(record, with_argument(turned, again, "menu_item_id", given["restaurant_id"]))


def make_up_id(record: JsonObject, rng: Random) -> JsonObject | None:
    """An id that nobody showed is handed to a tool; what the backend really answers to it stands there."""
    turns = read_turns(record)
    found = _find_ids(turns)
    if not found:
        return None
    place, name, _ = rng.choice(found)
    made_up = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    return with_turns(record, perform_again(record, with_argument(turns, place, name, made_up)))


def guess_order_number(record: JsonObject, rng: Random) -> JsonObject | None:
    """The customer never says an order number, and the counsellor calls with one all the same."""
    turns = read_turns(record)
    if not calls_of(turns, "get_order_status") or not UUID.search(spoken_by(turns, "customer")):
        return None
    words = rng.choice(
        (
            "그 번호요",
            "지난번 그거요",
            "어제 시킨 거요",
            "아까 그 주문이요",
            "방금 한 거요",
            "제 주문이요",
            "그거 있잖아요",
            "저번 거",
        )
    )
    hidden = [Turn("customer", UUID.sub(words, turn.text)) if turn.role == "customer" else turn for turn in turns]
    return with_turns(record, hidden)


def take_other_customer(record: JsonObject, rng: Random) -> JsonObject | None:
    """The call is made for another customer."""
    turns = read_turns(record)
    places = [place for place in calls_of(turns) if "user_id" in place.call.arguments]
    if not places:
        return None
    place = rng.choice(places)
    other = change_digit(str(place.call.arguments["user_id"]), rng)
    return with_turns(record, with_argument(turns, place, "user_id", other))


def mistake_order_number(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor tells an order number with one digit wrong."""
    seen = text_of(record)

    def edit(text: str) -> str | None:
        found = UUID.search(text)
        if found is None:
            return None
        wrong = change_digit(found[0], rng)
        return None if wrong in seen else text.replace(found[0], wrong)

    return speak(record, rng, edit)


def invent_order_number(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor tells an order number that nothing showed, in full or as a short number."""
    number = rng.choice(
        (
            str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            f"{rng.randrange(10**7, 10**8)}",
            f"B{rng.randrange(10**5, 10**6)}",
        )
    )
    sentences = (
        f"주문 번호는 {number}입니다.",
        f"접수된 주문 번호는 {number}이니 참고해 주세요.",
        f"고객님 주문 {number} 건으로 확인됩니다.",
        f"조회된 번호는 {number}입니다.",
        f"주문 {number}의 내용을 확인했습니다.",
        f"번호 {number} 주문이 맞으신가요?",
        f"최근 주문은 {number}입니다.",
        f"{number} 번으로 접수되어 있습니다.",
    )
    return speak(record, rng, lambda text: f"{text} {rng.choice(sentences)}")


MUTATIONS: Final = (
    Mutation("id digit", spoil_digit),
    Mutation("id digit in a list", spoil_list_digit),
    Mutation("ids of one kind swapped", swap_same_kind),
    Mutation("another thing taken, performed", swap_and_perform),
    Mutation("id of another kind", swap_kinds),
    Mutation("two ids exchanged in a call", exchange_arguments),
    Mutation("made-up id, performed", make_up_id),
    Mutation("order number never said", guess_order_number),
    Mutation("another customer's id", take_other_customer),
    Mutation("order number in text, a digit", mistake_order_number),
    Mutation("order number in text, invented", invent_order_number),
)
