"""Decides how a counsellor fails to ask or to listen: questions left out, corrections ignored."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Final, cast

from benchmarks.mutations.base import (
    NUMERALS,
    PAYMENTS,
    Mutation,
    Place,
    calls_of,
    indexes_of,
    meta_of,
    perform_with,
    read_turns,
    spoken_by,
    walk_objects,
    with_turns,
)
from datagen_core.config import CATEGORIES
from datagen_core.dialogue.models import Turn
from datagen_core.files import JsonObject

_COUNTED: Final = re.compile(
    r"(한|하나|두|둘|세|셋|네|넷|다섯|여섯|\d+) ?(?:개|그릇|판|잔|병|마리|줄|세트|인분|조각|접시)"
)


def _find_question(record: JsonObject, turns: Sequence[Turn]) -> int | None:
    """Return the first question of a clarification that is answered before a call."""
    if meta_of(record)["kind"] != "clarification":
        return None
    goal = cast("list[JsonObject]", meta_of(record)["goal"])
    asks = [predicate for predicate in goal if predicate.get("type") == "asks_before"]
    tools = [str(predicate["tool"]) for predicate in asks]
    places = calls_of(turns, *tools) if tools else []
    end = places[0].turn if places else 0
    found = [
        i for i in indexes_of(turns[:end], "counsellor") if "?" in turns[i].text and turns[i + 1].role == "customer"
    ]
    return found[-1] if found else None


def skip_question(record: JsonObject, rng: Random) -> JsonObject | None:
    """What is missing is not asked for: question and answer are gone, the call is made as if it were known."""
    del rng
    turns = read_turns(record)
    index = _find_question(record, turns)
    return None if index is None else with_turns(record, [*turns[:index], *turns[index + 2 :]])


def forget_to_ask(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor says something else instead of asking; the customer happens to say what is missing."""
    turns = read_turns(record)
    index = _find_question(record, turns)
    if index is None:
        return None
    said = (
        "네, 알겠습니다.",
        "네, 고객님.",
        "좋은 하루입니다.",
        "확인했습니다.",
        "네, 도와드리겠습니다.",
        "네, 잠시만 기다려 주시기 바랍니다.",
        "반갑습니다.",
        "네, 감사합니다.",
    )
    return with_turns(record, [*turns[:index], replace(turns[index], text=rng.choice(said)), *turns[index + 1 :]])


def _retracted_values(turns: Sequence[Turn], place: Place, name: str, value: object) -> list[object]:
    """Return what the customer said and took back: other values for an argument, named before the one executed."""
    said = spoken_by(turns[: place.turn], "customer")
    if name == "quantity":
        numbers = [NUMERALS.get(word) or int(word) for word in _COUNTED.findall(said)]
        return [number for number in numbers if number != value]
    if name == "category":
        return [category for category in CATEGORIES if category in said and category != value]
    if name == "payment_method":
        return [method for method, word in PAYMENTS.items() if word in said and method != value]
    if name in ("special_request", "delivery_note"):
        return [quoted for quoted in re.findall(r"'([^']+)'", said) if quoted != value]
    return [found[name] for found in _named_things(turns[: place.turn], said, name) if found[name] != value]


def _named_things(turns: Sequence[Turn], said: str, name: str) -> list[Mapping[str, object]]:
    """Return what responses showed and the customer called by name, whose id could stand for `name`."""
    known = {"menu_item_id": "name", "address_id": "line1"}.get(name)
    squeezed = said.replace(" ", "")
    if known is None:
        return []
    return [
        found
        for found in walk_objects([response for turn in turns for response in turn.responses])
        if name in found
        and isinstance(found.get(known), str)
        and _short(str(found[known])).replace(" ", "") in squeezed
    ]


def _short(place: str) -> str:
    """Return an address without city and district, as customers call it."""
    parts = place.split(" ")
    return " ".join(parts[2:]) if len(parts) > 3 else place


def ignore_correction(record: JsonObject, rng: Random) -> JsonObject | None:
    """What the customer said first and took back in the same breath is executed."""
    if meta_of(record)["kind"] != "correction":
        return None
    turns = read_turns(record)
    names = ("quantity", "category", "payment_method", "special_request", "delivery_note", "menu_item_id", "address_id")
    choices = [
        (place, name, other)
        for place in calls_of(turns)[-3:]
        if place.call.name != "remove_cart_items"
        for name, value in place.call.arguments.items()
        if name in names
        for other in _retracted_values(turns, place, name, value)
    ]
    return perform_with(record, turns, *rng.choice(choices)) if choices else None


def refuse_correction(record: JsonObject, rng: Random) -> JsonObject | None:
    """The customer corrects what was done, and the counsellor nods and does nothing."""
    if meta_of(record)["kind"] not in ("correction", "follow_up"):
        return None
    turns = read_turns(record)
    changing = calls_of(turns, "add_to_cart", "update_cart_item", "remove_cart_items")
    lines = [i for i in indexes_of(turns, "customer") if changing and i < changing[-1].turn]
    if not lines or not any(place.turn < lines[-1] for place in changing):
        return None
    nod = rng.choice(("네, 알겠습니다.", "네, 참고하겠습니다.", "네, 그렇게 하겠습니다.", "알겠습니다, 고객님."))
    return with_turns(record, [*turns[: lines[-1] + 1], Turn("counsellor", nod)])


MUTATIONS: Final = (
    Mutation("question left out", skip_question),
    Mutation("question not asked", forget_to_ask),
    Mutation("correction ignored, performed", ignore_correction),
    Mutation("correction nodded at", refuse_correction),
)
