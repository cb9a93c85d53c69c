"""Decides how the customer's wishes, for a dish or for the delivery, are handed over wrongly, all responses true."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from benchmarks.mutations.base import (
    Mutation,
    Place,
    calls_of,
    perform_again,
    perform_with,
    read_turns,
    spoken_by,
    with_call,
    with_turns,
)
from datagen_core.dialogue.models import ToolCall, Turn
from datagen_core.files import JsonObject

_TAILS: Final = (" 부탁드립니다", " 감사합니다", "요", "!", " (필수)", " 꼭이요", "~", " 해 주세요")


def _find_wishes(turns: Sequence[Turn]) -> list[tuple[Place, str, str]]:
    return [
        (place, name, str(place.call.arguments[name]))
        for place in calls_of(turns)
        for name in ("special_request", "delivery_note")
        if name in place.call.arguments
    ]


def halve_wish(record: JsonObject, rng: Random) -> JsonObject | None:
    """Half of what the customer wished is dropped; what the counsellor repeats is the half."""
    turns = read_turns(record)
    wishes = [wish for wish in _find_wishes(turns) if len(wish[2].split()) > 1]
    if not wishes:
        return None
    place, name, text = rng.choice(wishes)
    words = text.split()
    middle = (len(words) + 1) // 2
    return perform_with(record, turns, place, name, " ".join(rng.choice((words[:middle], words[middle:], words[:-1]))))


def tidy_wish(record: JsonObject, rng: Random) -> JsonObject | None:
    """The customer's wish is made more polite, shorter or neater than it was said."""
    turns = read_turns(record)
    wishes = _find_wishes(turns)
    if not wishes:
        return None
    place, name, text = rng.choice(wishes)
    polite = text
    for plain, form in (
        ("줘", "주세요"),
        ("해 주세요", "요망"),
        ("주세요", "주시기 바랍니다"),
        ("말고", "제외하고"),
        ("넉넉히", "많이"),
    ):
        if plain in text:
            polite = text.replace(plain, form)
            break
    tidied = polite if polite != text else text + rng.choice(_TAILS)
    said = spoken_by(turns, "customer")
    return None if tidied in said else perform_with(record, turns, place, name, tidied)


def drop_wish(record: JsonObject, rng: Random) -> JsonObject | None:
    """What the customer wished is not handed over at all."""
    turns = read_turns(record)
    wishes = [
        (place, name)
        for place, name, _ in _find_wishes(turns)
        if place.call.name in ("add_to_cart", "prepare_checkout")
    ]
    if not wishes:
        return None
    place, name = rng.choice(wishes)
    given = {key: value for key, value in place.call.arguments.items() if key != name}
    return with_turns(record, perform_again(record, with_call(turns, place, ToolCall(place.call.name, given))))


def add_wish(record: JsonObject, rng: Random) -> JsonObject | None:
    """A wish that nobody had is handed over."""
    made_up = (
        "맛있게 해 주세요",
        "문 앞에 두고 벨 눌러 주세요",
        "일회용품 빼 주세요",
        "빨리 부탁드려요",
        "덜 맵게",
        "소스 많이",
        "안전 운전하세요",
        "국물 따로 포장",
    )
    names = {"add_to_cart": "special_request", "prepare_checkout": "delivery_note", "upsert_address": "delivery_note"}
    turns = read_turns(record)
    places = [p for p in calls_of(turns, *names) if names[p.call.name] not in p.call.arguments]
    said = spoken_by(turns, "customer")
    if not places:
        return None
    place = rng.choice(places)
    return perform_with(
        record, turns, place, names[place.call.name], rng.choice([wish for wish in made_up if wish not in said])
    )


MUTATIONS: Final = (
    Mutation("wish halved, performed", halve_wish),
    Mutation("wish tidied, performed", tidy_wish),
    Mutation("wish left out, performed", drop_wish),
    Mutation("wish invented, performed", add_wish),
)
