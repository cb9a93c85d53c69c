"""Decides how a snapshot is ordered that is not the one prepared, and how an order moves against the clock."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

from random import Random
from typing import Final, cast

from benchmarks.mutations.base import (
    Mutation,
    calls_of,
    copy_json,
    perform_again,
    read_turns,
    response_to,
    walk_objects,
    with_argument,
    with_turns,
)
from benchmarks.mutations.ids import change_digit
from datagen_core.dialogue.models import ToolCall, Turn
from datagen_core.files import JsonObject

_ADVANCING: Final = ("pending", "paid", "preparing", "delivering", "delivered")


def spoil_snapshot(record: JsonObject, rng: Random) -> JsonObject | None:
    """The snapshot that is ordered differs in one value from the one prepared."""
    turns = read_turns(record)
    places = calls_of(turns, "place_order")
    if not places:
        return None
    place = rng.choice(places)
    snapshot = copy_json(place.call.arguments["snapshot"])
    found = rng.choice([inner for inner in walk_objects(snapshot) if inner])
    field = rng.choice([name for name, value in found.items() if isinstance(value, (int, str))])
    value = found[field]
    if isinstance(value, int):
        found[field] = value + rng.choice((1, 100))
    else:
        found[field] = change_digit(str(value), rng) if len(str(value)) == 36 else str(value)[:-1]
    return with_turns(record, with_argument(turns, place, "snapshot", snapshot))


def trim_snapshot(record: JsonObject, rng: Random) -> JsonObject | None:
    """The snapshot that is ordered has only some of its fields, or one that was added."""
    turns = read_turns(record)
    places = calls_of(turns, "place_order")
    if not places:
        return None
    place = rng.choice(places)
    snapshot = dict(cast("JsonObject", place.call.arguments["snapshot"]))
    if rng.random() < 0.3:
        snapshot["discount"] = 0
    else:
        for field in rng.sample(sorted(snapshot), rng.choice((1, 2, 6))):
            del snapshot[field]
    return with_turns(record, with_argument(turns, place, "snapshot", snapshot))


def take_stale_snapshot(record: JsonObject, rng: Random) -> JsonObject | None:
    """The cart changes after the checkout was prepared, and the old snapshot is ordered; all of it performed."""
    turns = read_turns(record)
    for place in calls_of(turns, "place_order"):
        snapshot = cast("JsonObject", place.call.arguments["snapshot"])
        line = cast("list[JsonObject]", snapshot["items"])[0]
        arguments: JsonObject = {
            "user_id": record["uid"],
            "cart_item_id": line["cart_item_id"],
            "quantity": cast("int", line["quantity"]) + rng.choice((1, 2)),
        }
        between = (Turn("call", calls=(ToolCall("update_cart_item", arguments),)), Turn("response", responses=(None,)))
        return with_turns(record, perform_again(record, [*turns[: place.turn], *between, *turns[place.turn :]]))
    return None


def move_order_back(record: JsonObject, rng: Random) -> JsonObject | None:
    """The customer asks for the status once more, and the order stands earlier on its way than before."""
    turns = read_turns(record)
    for place in reversed(calls_of(turns, "get_order_status")):
        told = response_to(turns, place)
        status = cast("JsonObject", told).get("status") if isinstance(told, dict) else None
        if status not in _ADVANCING[1:]:
            continue
        earlier = rng.choice(_ADVANCING[: _ADVANCING.index(str(status))])
        response = {**cast("JsonObject", told), "status": earlier}
        if earlier == "pending":
            response |= {"payment_status": "pending", "paid_at": None}
        asks = rng.choice(("지금은요?", "다시 한번 봐 주세요.", "한 번만 더 확인해 줘.", "그새 바뀌었나요?"))
        more = (
            Turn("customer", asks),
            Turn("call", calls=(place.call,)),
            Turn("response", responses=(response,)),
            Turn("counsellor", "다시 확인해 드렸습니다. 더 필요하신 것이 있으면 말씀해 주세요."),
        )
        return with_turns(record, [*turns, *more])
    return None


MUTATIONS: Final = (
    Mutation("snapshot: one value", spoil_snapshot),
    Mutation("snapshot: fields missing", trim_snapshot),
    Mutation("snapshot: stale, performed", take_stale_snapshot),
    Mutation("order moves backwards", move_order_back),
)
