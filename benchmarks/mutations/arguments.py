"""Decides how the form of a call is damaged: types, enums, nulls, undeclared, missing and misspelt names."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, cast

import orjson

from benchmarks.mutations.base import (
    Mutation,
    Place,
    calls_of,
    messages_of,
    read_turns,
    with_argument,
    with_call,
    with_turns,
)
from datagen_core.dialogue.models import ToolCall, Turn
from datagen_core.files import JsonObject

_OPTIONAL: Final = {
    "search_restaurants": ("query", "category", "min_rating", "only_open", "sort"),
    "get_restaurant_detail": ("at",),
    "upsert_address": ("address_id", "line2", "is_default", "gate_password", "delivery_note"),
    "add_to_cart": ("special_request",),
    "update_cart_item": ("quantity", "special_request"),
    "prepare_checkout": ("delivery_note",),
    "place_order": ("pg_id",),
}
_UNDECLARED: Final[tuple[tuple[str, object], ...]] = (
    ("memo", "빨리 부탁드립니다"),
    ("page", 1),
    ("limit", 5),
    ("note", ""),
    ("coupon_code", "WELCOME"),
    ("location", "강남"),
    ("tip", 1000),
    ("userId", "me"),
    ("options", []),
    ("max_delivery_fee", 3000),
    ("reason", "고객 요청"),
    ("debug", True),
)
_MISSPELT: Final = (
    "search_restaurant",
    "getCart",
    "get_menu",
    "place-order",
    "cancel_order",
    "list_orders",
    "refund_order",
    "addToCart",
    "update_cart",
    "remove_cart_item",
    "checkout",
    "track_rider",
    "SEARCH_RESTAURANTS",
    "functions.get_cart",
)

_Choice = tuple[Place, str, object]


def _apply(record: JsonObject, rng: Random, choose: Callable[[Sequence[Place]], list[_Choice]]) -> JsonObject | None:
    """Set one argument of one call, drawn among what `choose` offers; the response stays as it was."""
    turns = read_turns(record)
    choices = choose(calls_of(turns))
    return with_turns(record, with_argument(turns, *rng.choice(choices))) if choices else None


def _mistype(value: object) -> list[object]:
    """Return what a careless writer would put for a value: right to the eye, wrong by type."""
    if isinstance(value, bool):
        return [str(value).lower(), int(value), "예"]
    if isinstance(value, int):
        return [str(value), float(value), [value], f"{value}개"]
    if isinstance(value, float):
        return [str(value), f"{value}점", [value]]
    if isinstance(value, str):
        return [[value], {"value": value}]
    if isinstance(value, list):
        return [",".join(map(str, cast("list[object]", value))), {"ids": value}]
    return [orjson.dumps(value).decode()]


def mistype(record: JsonObject, rng: Random) -> JsonObject | None:
    """An argument is of the wrong type."""
    return _apply(
        record,
        rng,
        lambda places: [
            (p, name, wrong) for p in places for name, value in p.call.arguments.items() for wrong in _mistype(value)
        ],
    )


def turn_quantity_into_float(record: JsonObject, rng: Random) -> JsonObject | None:
    """A quantity is written 2.0, `true` or a Korean word."""
    return _apply(
        record,
        rng,
        lambda places: [
            (p, "quantity", wrong)
            for p in places
            if isinstance(quantity := p.call.arguments.get("quantity"), int)
            for wrong in (float(quantity), "한 개", True, None)
        ],
    )


def leave_range(record: JsonObject, rng: Random) -> JsonObject | None:
    """A number is outside of what the tool takes."""
    outside = {"quantity": (0, -1, -3), "min_rating": (5.5, 45, -1, 10)}
    return _apply(
        record,
        rng,
        lambda places: [
            (p, name, wrong) for p in places for name in p.call.arguments for wrong in outside.get(name, ())
        ],
    )


def leave_enum(record: JsonObject, rng: Random) -> JsonObject | None:
    """A value is not of the fixed list."""
    foreign = {
        "sort": ("가까운순", "distance", "평점순", "Rating", "price", "delivery_fee_asc"),
        "category": ("양식", "korean", "디저트", "한식 ", "족발", "치킨/피자"),
        "payment_method": ("cash", "카드", "kakaopay", "credit_card", "만나서 결제", "Toss"),
    }
    return _apply(
        record,
        rng,
        lambda places: [
            (p, name, wrong) for p in places for name in p.call.arguments for wrong in foreign.get(name, ())
        ],
    )


def leave_pattern(record: JsonObject, rng: Random) -> JsonObject | None:
    """A phone number, time or id is not in the form that the tool takes."""

    def choose(places: Sequence[Place]) -> list[_Choice]:
        choices: list[_Choice] = []
        for place in places:
            for name, value in place.call.arguments.items():
                if name == "phone":
                    choices += [(place, name, str(value).replace("-", "")), (place, name, str(value).replace("-", " "))]
                elif name == "at":
                    choices += [
                        (place, name, "오늘 저녁"),
                        (place, name, str(value)[:10]),
                        (place, name, str(value)[11:16]),
                    ]
                elif name.endswith("_id") and isinstance(value, str) and name != "pg_id":
                    choices += [(place, name, value.upper()), (place, name, value.replace("-", "")), (place, name, "1")]
        return choices

    return _apply(record, rng, choose)


def _add_optional(record: JsonObject, rng: Random, value: object) -> JsonObject | None:
    return _apply(
        record,
        rng,
        lambda places: [
            (p, name, value) for p in places for name in _OPTIONAL.get(p.call.name, ()) if name not in p.call.arguments
        ],
    )


def add_null(record: JsonObject, rng: Random) -> JsonObject | None:
    """An optional argument that nobody gave a value stands there as null."""
    return _add_optional(record, rng, None)


def add_empty(record: JsonObject, rng: Random) -> JsonObject | None:
    """An optional argument that nobody gave a value stands there as an empty string, list or blank."""
    return _add_optional(record, rng, rng.choice(("", " ", [], "")))


def add_undeclared(record: JsonObject, rng: Random) -> JsonObject | None:
    """A call has an argument that the tool does not declare."""
    return _apply(record, rng, lambda places: [(p, name, value) for p in places for name, value in _UNDECLARED])


def drop_required(record: JsonObject, rng: Random) -> JsonObject | None:
    """A required argument is missing."""
    turns = read_turns(record)
    choices = [
        (place, name)
        for place in calls_of(turns)
        for name in place.call.arguments
        if name not in _OPTIONAL.get(place.call.name, ())
    ]
    if not choices:
        return None
    place, name = rng.choice(choices)
    kept = {key: value for key, value in place.call.arguments.items() if key != name}
    return with_turns(record, with_call(turns, place, ToolCall(place.call.name, kept)))


def misspell_argument(record: JsonObject, rng: Random) -> JsonObject | None:
    """An argument's name is written another way."""
    ways: tuple[Callable[[str], str], ...] = (
        str.upper,
        lambda name: name.replace("_", ""),
        lambda name: name + "s",
        lambda name: name.replace("_", "-") + "_",
    )
    turns = read_turns(record)
    choices = [(place, name) for place in calls_of(turns) for name in place.call.arguments]
    if not choices:
        return None
    place, name = rng.choice(choices)
    way = rng.choice([way for way in ways if way(name) != name])
    given = {way(key) if key == name else key: value for key, value in place.call.arguments.items()}
    return with_turns(record, with_call(turns, place, ToolCall(place.call.name, given)))


def misspell_tool(record: JsonObject, rng: Random) -> JsonObject | None:
    """A tool is called that is not declared."""
    turns = read_turns(record)
    places = calls_of(turns)
    if not places:
        return None
    place = rng.choice(places)
    return with_turns(record, with_call(turns, place, ToolCall(rng.choice(_MISSPELT), place.call.arguments)))


def _rewrite_call(record: JsonObject, rng: Random, write: Callable[[ToolCall], str]) -> JsonObject | None:
    """Write a call's block by hand, as no pipeline of ours would."""
    turns = read_turns(record)
    indexes = [index for index, turn in enumerate(turns) if turn.role == "call"]
    if not indexes:
        return None
    index = rng.choice(indexes)
    messages_of(record)[index]["content"] = f"<tool_call>\n{write(_only(turns[index]))}\n</tool_call>"
    return record


def _only(turn: Turn) -> ToolCall:
    return turn.calls[0]


def write_arguments_as_text(record: JsonObject, rng: Random) -> JsonObject | None:
    """The arguments are a string of JSON, as the provider's interface has them, or stand under another key."""
    writers: tuple[Callable[[ToolCall], object], ...] = (
        lambda call: {"name": call.name, "arguments": orjson.dumps(call.arguments).decode()},
        lambda call: {"name": call.name, "parameters": call.arguments},
        lambda call: {"function": {"name": call.name, "arguments": call.arguments}},
        lambda call: {"tool": call.name, **call.arguments},
        lambda call: [{"name": call.name, "arguments": call.arguments}],
        lambda call: {"name": call.name, "arguments": call.arguments, "id": "call_1"},
        lambda call: {"arguments": call.arguments, "name": call.name},
        lambda call: {"name": call.name},
    )
    writer = rng.choice(writers)
    return _rewrite_call(record, rng, lambda call: orjson.dumps(writer(call)).decode())


def break_json(record: JsonObject, rng: Random) -> JsonObject | None:
    """A call is no JSON: single quotes, a comma too many, a brace too few, a comment, cut in the middle."""
    ways: tuple[Callable[[str], str], ...] = (
        lambda text: text.replace('"', "'"),
        lambda text: text[:-1] + ",}",
        lambda text: text[:-1],
        lambda text: text + " // 호출",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace(": ", " = ", 1),
        lambda text: text.replace('"', "“", 1),
        lambda text: text + "}",
    )
    way = rng.choice(ways)
    return _rewrite_call(
        record, rng, lambda call: way(orjson.dumps({"name": call.name, "arguments": call.arguments}).decode())
    )


MUTATIONS: Final = (
    Mutation("argument type", mistype),
    Mutation("quantity as float, bool or word", turn_quantity_into_float),
    Mutation("number out of range", leave_range),
    Mutation("enum value", leave_enum),
    Mutation("pattern of id, phone or time", leave_pattern),
    Mutation("null optional", add_null),
    Mutation("empty optional", add_empty),
    Mutation("undeclared argument", add_undeclared),
    Mutation("required argument missing", drop_required),
    Mutation("argument misspelt", misspell_argument),
    Mutation("tool not declared", misspell_tool),
    Mutation("call in another shape", write_arguments_as_text),
    Mutation("call is no JSON", break_json),
)
