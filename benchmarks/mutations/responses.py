"""Decides how what a tool returned is damaged: sums, prices, names, states, times, shapes, and snapshots."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final, cast

from benchmarks.mutations.base import (
    Mutation,
    calls_of,
    copy_json,
    indexes_of,
    is_refusal,
    messages_of,
    read_turns,
    response_to,
    walk_objects,
    with_response,
    with_turns,
)
from benchmarks.mutations.ids import change_digit
from datagen_core.config import ORDER_STATUSES
from datagen_core.files import JsonObject

_NAMES: Final = (
    "한마루식당",
    "정든집",
    "오복반점",
    "새벽국수",
    "미소분식",
    "행복한 부엌",
    "골목집",
    "달인의 손맛",
    "황금잉어",
    "청춘밥상",
)


def _edit_field(
    record: JsonObject, rng: Random, fields: Sequence[str], change: Callable[[object], object]
) -> JsonObject | None:
    """Change one field of these names in one response, drawn among all that hold a value to change."""
    turns = read_turns(record)
    choices = [
        (place, number, field)
        for place in calls_of(turns)
        for number, found in enumerate(walk_objects(response_to(turns, place)))
        for field in fields
        if found.get(field) is not None
    ]
    if not choices:
        return None
    place, number, field = rng.choice(choices)
    response = copy_json(response_to(turns, place))
    found = list(walk_objects(response))[number]
    found[field] = change(found[field])
    return with_turns(record, with_response(turns, place, response))


def miscount_sum(record: JsonObject, rng: Random) -> JsonObject | None:
    """A sum is off by one, ten, a hundred or a thousand won."""
    off = rng.choice((1, -1, 10, 100, -100, 1000))
    return _edit_field(
        record, rng, ("line_total", "subtotal", "total"), lambda value: abs(cast("int", value) + off) or 1
    )


def change_price(record: JsonObject, rng: Random) -> JsonObject | None:
    """A price or fee is another one."""
    off = rng.choice((100, 500, -100, 1000, -500))
    fields = ("price", "unit_price_snapshot", "delivery_fee", "min_order_amount")
    return _edit_field(record, rng, fields, lambda value: abs(cast("int", value) + off) or 700)


def change_name(record: JsonObject, rng: Random) -> JsonObject | None:
    """A restaurant or dish is called something else, or one letter of its name is gone."""

    def change(value: object) -> object:
        text = str(value)
        return text[:-1] if len(text) > 2 and rng.random() < 0.5 else rng.choice(_NAMES)

    return _edit_field(record, rng, ("name", "menu_name"), change)


def change_person(record: JsonObject, rng: Random) -> JsonObject | None:
    """A recipient or a street is another one."""
    fields = ("recipient_name", "line1", "line2", "delivery_recipient_name", "delivery_line1", "delivery_line2")
    return _edit_field(record, rng, fields, lambda value: str(value)[:-1] + ("은" if str(value)[-1] != "은" else "영"))


def change_rating(record: JsonObject, rng: Random) -> JsonObject | None:
    """A rating is a tenth or more higher or lower."""
    off = rng.choice((0.1, -0.1, 0.2, -0.4))

    def change(value: object) -> object:
        rating = cast("float", value)
        return 4.2 if rating >= 4.8 else round(rating + off, 1)

    return _edit_field(record, rng, ("rating_avg",), change)


def change_status(record: JsonObject, rng: Random) -> JsonObject | None:
    """An order stands otherwise than the backend says."""
    return _edit_field(
        record, rng, ("status",), lambda value: rng.choice([status for status in ORDER_STATUSES if status != value])
    )


def change_payment_status(record: JsonObject, rng: Random) -> JsonObject | None:
    """A payment stands otherwise than the backend says."""
    states = ("pending", "paid", "failed", "cancelled", "refunded")
    return _edit_field(
        record, rng, ("payment_status",), lambda value: rng.choice([state for state in states if state != value])
    )


def flip_flag(record: JsonObject, rng: Random) -> JsonObject | None:
    """A closed restaurant is open, a sold-out dish is there, or the other way round."""
    return _edit_field(record, rng, ("is_open", "is_available", "is_default"), lambda value: not value)


def change_category(record: JsonObject, rng: Random) -> JsonObject | None:
    """A restaurant is of another cuisine."""
    return _edit_field(
        record,
        rng,
        ("category",),
        lambda value: rng.choice([c for c in ("한식", "중식", "일식", "카페") if c != value]),
    )


def change_quantity(record: JsonObject, rng: Random) -> JsonObject | None:
    """A line or a cart holds one more than was put in."""
    return _edit_field(record, rng, ("quantity", "item_count"), lambda value: cast("int", value) + rng.choice((1, 2)))


def change_time(record: JsonObject, rng: Random) -> JsonObject | None:
    """A time is some minutes, hours or days earlier or later."""
    off = timedelta(minutes=rng.choice((7, -11, 60, -180, 1440, -1440)))
    fields = ("checked_at", "created_at", "paid_at")
    return _edit_field(record, rng, fields, lambda value: (datetime.fromisoformat(str(value)) + off).isoformat())


def change_pagination(record: JsonObject, rng: Random) -> JsonObject | None:
    """A list says that it has another length or number of pages than it has."""
    return _edit_field(record, rng, ("total_items", "total_pages", "page"), lambda value: cast("int", value) + 1)


def change_id(record: JsonObject, rng: Random) -> JsonObject | None:
    """An id in a response has a digit that it never had."""
    fields = ("restaurant_id", "menu_item_id", "cart_item_id", "cart_id", "address_id", "order_id", "user_id")
    return _edit_field(record, rng, fields, lambda value: change_digit(str(value), rng))


def change_filters(record: JsonObject, rng: Random) -> JsonObject | None:
    """A search says that it applied something else than was asked."""
    turns = read_turns(record)
    places = calls_of(turns, "search_restaurants")
    if not places:
        return None
    place = rng.choice(places)
    response = cast("JsonObject", copy_json(response_to(turns, place)))
    applied = cast("JsonObject", response["applied_filters"])
    field = rng.choice(sorted(applied))
    other: dict[str, object] = {
        "query": "파스타",
        "category": "야식",
        "min_rating": 3.7,
        "only_open": True,
        "sort": "rating",
    }
    applied[field] = other[field] if applied[field] is None else None
    return with_turns(record, with_response(turns, place, response))


def _edit_list(record: JsonObject, rng: Random, edit: Callable[[list[object]], None]) -> JsonObject | None:
    turns = read_turns(record)
    choices = [
        (place, number, field)
        for place in calls_of(turns)
        for number, found in enumerate(walk_objects(response_to(turns, place)))
        for field in ("items", "menus")
        if found.get(field)
    ]
    if not choices:
        return None
    place, number, field = rng.choice(choices)
    response = copy_json(response_to(turns, place))
    edit(cast("list[object]", list(walk_objects(response))[number][field]))
    return with_turns(record, with_response(turns, place, response))


def drop_entry(record: JsonObject, rng: Random) -> JsonObject | None:
    """A restaurant, dish or line is missing from a list."""
    return _edit_list(record, rng, lambda entries: entries.__delitem__(rng.randrange(len(entries))))


def repeat_entry(record: JsonObject, rng: Random) -> JsonObject | None:
    """A restaurant, dish or line stands in a list twice."""
    return _edit_list(record, rng, lambda entries: entries.append(rng.choice(entries)))


def _edit_object(record: JsonObject, rng: Random, edit: Callable[[JsonObject], None]) -> JsonObject | None:
    turns = read_turns(record)
    choices = [
        (place, number)
        for place in calls_of(turns)
        for number, found in enumerate(walk_objects(response_to(turns, place)))
        if found
    ]
    if not choices:
        return None
    place, number = rng.choice(choices)
    response = copy_json(response_to(turns, place))
    edit(list(walk_objects(response))[number])
    return with_turns(record, with_response(turns, place, response))


def drop_field(record: JsonObject, rng: Random) -> JsonObject | None:
    """A field of a response is missing."""
    return _edit_object(record, rng, lambda found: found.__delitem__(rng.choice(sorted(found))))


def add_field(record: JsonObject, rng: Random) -> JsonObject | None:
    """A response has a field that the tool does not return."""
    extra = rng.choice(
        (("eta_minutes", 35), ("message", "성공"), ("success", True), ("coupon", None), ("discount", 1000))
    )
    return _edit_object(record, rng, lambda found: found.__setitem__(*extra))


def empty_field(record: JsonObject, rng: Random) -> JsonObject | None:
    """A value of a response is null, text or a list where it is none."""

    def edit(found: JsonObject) -> None:
        field = rng.choice([name for name, value in found.items() if value is not None] or sorted(found))
        found[field] = rng.choice((None, "없음", ["?"])) if found[field] is not None else "없음"

    return _edit_object(record, rng, edit)


def exchange_outcome(record: JsonObject, rng: Random) -> JsonObject | None:
    """A refusal stands where a call succeeded, or a success where it was refused."""
    turns = read_turns(record)
    places = calls_of(turns)
    if not places:
        return None
    place = rng.choice(places)
    refusals = (
        {"error": {"code": "INVALID_ARGUMENT", "message": "인자 값이 올바르지 않습니다."}},
        {"error": {"code": "FORBIDDEN", "message": "권한이 없습니다."}},
        {"error": {"code": "RESTAURANT_NOT_FOUND", "message": "식당을 찾을 수 없습니다."}},
    )
    succeeded: object = {"success": True} if is_refusal(response_to(turns, place)) else rng.choice(refusals)
    return with_turns(record, with_response(turns, place, succeeded))


def take_other_response(record: JsonObject, rng: Random) -> JsonObject | None:
    """Two responses stand in each other's place."""
    turns = read_turns(record)
    places = calls_of(turns)
    pairs = [
        (one, other)
        for number, one in enumerate(places)
        for other in places[number + 1 :]
        if response_to(turns, one) != response_to(turns, other)
    ]
    if not pairs:
        return None
    one, other = rng.choice(pairs)
    swapped = with_response(turns, one, response_to(turns, other))
    return with_turns(record, with_response(swapped, other, response_to(turns, one)))


def write_python_literal(record: JsonObject, rng: Random) -> JsonObject | None:
    """A response holds None, True, NaN, Infinity or single quotes: printed, not written as JSON."""
    turns = read_turns(record)
    ways = (("null", "None"), ("true", "True"), ("false", "False"), ("null", "NaN"), ("null", "undefined"), ('"', "'"))
    choices = [
        (index, before, after)
        for index in indexes_of(turns, "response")
        for before, after in ways
        if f" {before}" in str(messages_of(record)[index]["content"])
    ]
    if not choices:
        return None
    index, before, after = rng.choice(choices)
    message = messages_of(record)[index]
    message["content"] = str(message["content"]).replace(f" {before}", f" {after}", 1)
    return record


MUTATIONS: Final = (
    Mutation("sum off", miscount_sum),
    Mutation("response: price", change_price),
    Mutation("response: name", change_name),
    Mutation("response: person or street", change_person),
    Mutation("response: rating", change_rating),
    Mutation("response: order status", change_status),
    Mutation("response: payment status", change_payment_status),
    Mutation("response: open, available, default", flip_flag),
    Mutation("response: category", change_category),
    Mutation("response: quantity", change_quantity),
    Mutation("response: time", change_time),
    Mutation("response: pagination", change_pagination),
    Mutation("response: id digit", change_id),
    Mutation("response: applied filters", change_filters),
    Mutation("response: entry dropped", drop_entry),
    Mutation("response: entry repeated", repeat_entry),
    Mutation("response: field missing", drop_field),
    Mutation("response: field added", add_field),
    Mutation("response: field null or mistyped", empty_field),
    Mutation("response: refusal for success", exchange_outcome),
    Mutation("responses exchanged", take_other_response),
    Mutation("response: Python literal", write_python_literal),
)
