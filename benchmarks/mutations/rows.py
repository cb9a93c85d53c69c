"""Decides how a dataset is damaged from row to row: a dialogue that stands there already, in whole or nearly so."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

import unicodedata
import uuid
from dataclasses import replace
from random import Random
from typing import Final

from benchmarks.mutations.base import (
    HANGUL,
    UUID,
    Mutation,
    indexes_of,
    messages_of,
    meta_of,
    read_turns,
    spoken_by,
    with_turn,
)
from datagen_core.files import JsonObject

_CLOSINGS: Final = (
    "네, 언제든 다시 찾아 주세요.",
    "감사합니다. 좋은 하루 보내세요.",
    "더 필요하신 것이 있으면 말씀해 주세요.",
    "네, 고객님. 도움이 되었기를 바랍니다.",
)
_LONG: Final = 90
"""Characters from which one letter changes clearly less than a fifth of the 5-grams: shorter texts differ by more."""


def _rename(record: JsonObject) -> JsonObject:
    """Give the copy another scenario's name: with its own it would be the same scenario answered twice."""
    meta_of(record)["scenario_id"] = f"{meta_of(record)['scenario_id']}0"
    return record


def copy_row(record: JsonObject, rng: Random) -> JsonObject | None:
    """The same dialogue stands there under another scenario."""
    del rng
    return _rename(record)


def copy_with_other_ids(record: JsonObject, rng: Random) -> JsonObject | None:
    """The same dialogue stands there, with every id another one."""
    made_up: dict[str, str] = {}

    def other(text: str) -> str:
        return UUID.sub(
            lambda match: made_up.setdefault(match[0], str(uuid.UUID(int=rng.getrandbits(128), version=4))), text
        )

    for message in messages_of(record):
        message["content"] = other(str(message["content"]))
    return _rename(record)


def copy_with_spaces(record: JsonObject, rng: Random) -> JsonObject | None:
    """The same dialogue stands there, its letters decomposed or its spaces doubled."""
    decomposes = rng.random() < 0.5
    for message in messages_of(record):
        text = str(message["content"])
        message["content"] = unicodedata.normalize("NFD", text) if decomposes else text.replace(" ", "  ")
    return _rename(record)


def copy_with_other_answer(record: JsonObject, rng: Random) -> JsonObject | None:
    """The same customer says the same, and a line of the counsellor is another."""
    turns = read_turns(record)
    index = rng.choice(indexes_of(turns, "counsellor"))
    closing = rng.choice([line for line in _CLOSINGS if line != turns[index].text])
    return _rename(with_turn(record, turns, index, replace(turns[index], text=closing)))


def copy_with_typo(record: JsonObject, rng: Random) -> JsonObject | None:
    """The same customer says the same with one letter mistyped."""
    turns = read_turns(record)
    if len(UUID.sub("#", spoken_by(turns, "customer"))) < _LONG:
        return None
    index = max(indexes_of(turns, "customer"), key=lambda number: len(turns[number].text))
    text = turns[index].text
    places = [match.start() for match in HANGUL.finditer(UUID.sub("", text))]
    if not places or UUID.search(text):
        return None
    place = rng.choice(places)
    letter = chr(0xAC00 + (ord(text[place]) - 0xAC00 + 28) % 11172)
    return _rename(
        with_turn(record, turns, index, replace(turns[index], text=text[:place] + letter + text[place + 1 :]))
    )


ROW_MUTATIONS: Final = (
    Mutation("row copied", copy_row),
    Mutation("row copied, other ids", copy_with_other_ids),
    Mutation("row copied, spaces or NFD", copy_with_spaces),
    Mutation("row copied, another answer", copy_with_other_answer),
    Mutation("row copied, a typo", copy_with_typo),
)
"""Caught by comparing with the dataset that holds the undamaged row."""

GOLD_MUTATIONS: Final = (
    Mutation("gold row in training", copy_with_other_ids),
    Mutation("gold customer in training", copy_with_other_answer),
)
"""Caught by comparing with the benchmark that holds the undamaged row."""
