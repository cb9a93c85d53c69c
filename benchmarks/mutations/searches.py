"""Decides how a search is made wrong, all responses true: conditions unasked, left out, or in the wrong place."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

from random import Random
from typing import Final

from benchmarks.mutations.base import (
    Mutation,
    Place,
    calls_of,
    perform_again,
    perform_with,
    read_turns,
    response_to,
    spoken_by,
    walk_objects,
    with_call,
    with_turns,
)
from datagen_core.config import CATEGORIES
from datagen_core.dialogue.models import ToolCall
from datagen_core.files import JsonObject


def add_filter(record: JsonObject, rng: Random) -> JsonObject | None:
    """A search has a condition that nobody asked for."""
    turns = read_turns(record)
    extras: tuple[tuple[str, object], ...] = (
        ("sort", "rating"),
        ("sort", "relevance"),
        ("sort", "delivery_fee"),
        ("min_rating", 4.0),
        ("min_rating", 4.5),
        ("min_rating", 0),
        ("only_open", False),
        ("only_open", True),
    )
    choices = [
        (place, name, value)
        for place in calls_of(turns, "search_restaurants")
        for name, value in extras
        if name not in place.call.arguments
    ]
    return perform_with(record, turns, *rng.choice(choices)) if choices else None


def _add_category(record: JsonObject, rng: Random, *, fitting: bool) -> JsonObject | None:
    """Add a cuisine to a search by words: with `fitting` that of a restaurant found, else one that none of them is."""
    turns = read_turns(record)
    said = spoken_by(turns, "customer")
    choices: list[tuple[Place, str]] = []
    for place in calls_of(turns, "search_restaurants"):
        found = {str(shop["category"]) for shop in walk_objects(response_to(turns, place)) if "rating_avg" in shop}
        if "query" in place.call.arguments and "category" not in place.call.arguments:
            choices += [(place, name) for name in CATEGORIES if name not in said and (name in found) == fitting]
    if not choices:
        return None
    place, category = rng.choice(choices)
    return perform_with(record, turns, place, "category", category)


def add_wrong_category(record: JsonObject, rng: Random) -> JsonObject | None:
    """A search for a dish or a restaurant also names a cuisine that it is none of."""
    return _add_category(record, rng, fitting=False)


def add_fitting_category(record: JsonObject, rng: Random) -> JsonObject | None:
    """A search for a dish or a restaurant also names its cuisine, a word that the customer never said."""
    return _add_category(record, rng, fitting=True)


def search_for_category(record: JsonObject, rng: Random) -> JsonObject | None:
    """A cuisine of the fixed list is handed over as free text, alone or beside itself."""
    turns = read_turns(record)
    places = [place for place in calls_of(turns, "search_restaurants") if place.call.arguments.get("category")]
    places = [place for place in places if "query" not in place.call.arguments]
    if not places:
        return None
    place = rng.choice(places)
    category = str(place.call.arguments["category"])
    rest = {name: value for name, value in place.call.arguments.items() if name != "category"}
    query = rng.choice((category, category, f"{category} 맛집", f"{category}집"))
    given = {"query": query, **(place.call.arguments if rng.random() < 0.3 else rest)}
    return with_turns(record, perform_again(record, with_call(turns, place, ToolCall(place.call.name, given))))


def set_rating_for_good(record: JsonObject, rng: Random) -> JsonObject | None:
    """A wish for good ratings, 평점 높은 곳, becomes a minimum nobody named."""
    turns = read_turns(record)
    places = [place for place in calls_of(turns, "search_restaurants") if place.call.arguments.get("sort") == "rating"]
    places = [place for place in places if "min_rating" not in place.call.arguments]
    if not places:
        return None
    place = rng.choice(places)
    given = {**place.call.arguments, "min_rating": rng.choice((4.0, 4.2, 4.5))}
    if rng.random() < 0.5:
        del given["sort"]
    return with_turns(record, perform_again(record, with_call(turns, place, ToolCall(place.call.name, given))))


def drop_filter(record: JsonObject, rng: Random) -> JsonObject | None:
    """A condition that the customer asked for is left out of a search whose result is what he is then told.

    A search on the way to something else may be wider than it need be: that is no untruth, and left alone.
    """
    turns = read_turns(record)
    choices = [
        (place, name)
        for place in calls_of(turns, "search_restaurants")
        for name in place.call.arguments
        if turns[place.turn + 2].role == "counsellor"
    ]
    if not choices:
        return None
    place, name = rng.choice(choices)
    given = {key: value for key, value in place.call.arguments.items() if key != name}
    return with_turns(record, perform_again(record, with_call(turns, place, ToolCall(place.call.name, given))))


MUTATIONS: Final = (
    Mutation("filter unasked, performed", add_filter),
    Mutation("category unasked, wrong, performed", add_wrong_category),
    Mutation("category unasked, fitting, performed", add_fitting_category),
    Mutation("category as query, performed", search_for_category),
    Mutation("minimum for 평점 높은, performed", set_rating_for_good),
    Mutation("filter left out, performed", drop_filter),
)
