"""Decides how a flawless script is spoilt: the mistakes that LLMs and providers make, one at a time and labelled."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Final

import orjson

from datagen_core.config import NO_CALL_KINDS
from datagen_core.environment.goals import refusal_code
from datagen_core.plans import PlannedCall
from datagen_core.simulator.acting import Beat, render_script
from datagen_core.simulator.answers import Answer
from datagen_core.simulator.reading import Brief

_WON: Final = re.compile(r"(\d[\d,]*)원")
_OFF_BY: Final = (30, 70, 130, 170, 230, 970)
"""Every price of the catalogue is in hundreds of won, so that no sum of prices meets one of these."""

_STRAY: Final[Mapping[str, str | list[str]]] = {
    "restaurant_id": "R9",
    "menu_item_id": "M99",
    "cart_item_id": "C9",
    "cart_item_ids": ["C9"],
    "address_id": "A9",
    "order_id": "O9",
    "snapshot": "S9",
}
"""Handles that no world of ours has, by argument."""

_UNASKED: Final[Mapping[str, Mapping[str, object]]] = {
    "search_restaurants": {"only_open": False, "min_rating": 4.0, "sort": "relevance"},
    "add_to_cart": {"special_request": "맛있게 해 주세요"},
    "prepare_checkout": {"delivery_note": "조심히 와 주세요"},
}
"""What writers like to add although nobody said so."""

_REFUSALS: Final = (
    "죄송하지만 이 요청은 도와드릴 수 없습니다.",
    "I'm sorry, but I can't help with that.",
    "요청하신 내용은 작성할 수 없습니다.",
)

Beats = Sequence[Beat]
_Spoiler = Callable[[Beats, Brief, Random], "Answer | None"]


def write_answer(beats: Beats) -> Answer:
    """Return the script as the model's text."""
    return Answer(orjson.dumps(render_script(beats)).decode())


def spoil(beats: Beats, brief: Brief, rng: Random) -> Answer:
    """Return the script with one mistake, named in `planted`; every mistake that can be made is as likely as another.

    One that this script has no room for gives way to the next drawn.
    """
    for name in rng.sample(MISTAKES, len(MISTAKES)):
        answer = _SPOILERS[name](beats, brief, rng)
        if answer is not None:
            return replace(answer, planted=name)
    return write_answer(beats)


def _break_json(beats: Beats, brief: Brief, rng: Random) -> Answer:
    text = write_answer(beats).text
    if rng.random() < 0.5:
        return Answer(text.replace("},{", "},,{", 1))
    return Answer(_cut(text, rng))


def _truncate(beats: Beats, brief: Brief, rng: Random) -> Answer:
    return Answer(_cut(write_answer(beats).text, rng), finish_reason="length")


def _refuse(beats: Beats, brief: Brief, rng: Random) -> Answer:
    return Answer("", refusal=rng.choice(_REFUSALS))


def _filter(beats: Beats, brief: Brief, rng: Random) -> Answer:
    return Answer("", finish_reason="content_filter")


def _cut(text: str, rng: Random) -> str:
    return text[: int(len(text) * (0.3 + 0.6 * rng.random()))]


def _name_unknown_handle(beats: Beats, brief: Brief, rng: Random) -> Answer | None:
    places = [
        (index, name)
        for index, call in _calls(beats)
        for name in call.arguments
        if name in _STRAY and refusal_code(beats[index].response) is None
    ]
    if not places:
        return None
    index, name = rng.choice(places)
    return write_answer(_with_arguments(beats, index, {name: _STRAY[name]}))


def _misstate_price(beats: Beats, brief: Brief, rng: Random) -> Answer | None:
    places = [
        (index, match)
        for index, beat in enumerate(beats)
        if beat.role == "counsellor"
        for match in _WON.finditer(beat.text)
    ]
    if not places:
        return None
    index, match = rng.choice(places)
    wrong = int(match[1].replace(",", "")) + rng.choice(_OFF_BY)
    text = beats[index].text
    return write_answer(_with_text(beats, index, f"{text[: match.start()]}{wrong:,}원{text[match.end() :]}"))


def _add_unasked(beats: Beats, brief: Brief, rng: Random) -> Answer | None:
    places = [
        (index, name, value)
        for index, call in _calls(beats)
        for name, value in _UNASKED.get(call.tool, {}).items()
        if name not in call.arguments
    ]
    if not places:
        return None
    index, name, value = rng.choice(places)
    return write_answer(_with_arguments(beats, index, {name: value}))


def _miss_goal(beats: Beats, brief: Brief, rng: Random) -> Answer | None:
    if brief.kind in NO_CALL_KINDS:
        tool = rng.choice(("get_cart", "list_addresses"))
        return write_answer([beats[0], Beat("call", call=PlannedCall(tool, {}, True)), *beats[1:]])
    ways = (_change_quantity, _change_dish, _drop_last_call)
    spoilt = (way(beats, brief, rng) for way in rng.sample(ways, len(ways)))
    found = next((other for other in spoilt if other is not None), None)
    return None if found is None else write_answer(found)


def _change_quantity(beats: Beats, brief: Brief, rng: Random) -> list[Beat] | None:
    index, quantity = next(
        ((i, call.arguments["quantity"]) for i, call in reversed(_calls(beats)) if "quantity" in call.arguments),
        (0, None),
    )
    return _with_arguments(beats, index, {"quantity": quantity + 1}) if isinstance(quantity, int) else None


def _change_dish(beats: Beats, brief: Brief, rng: Random) -> list[Beat] | None:
    index, menu = next(
        ((i, call.arguments["menu_item_id"]) for i, call in reversed(_calls(beats)) if call.tool == "add_to_cart"),
        (0, None),
    )
    named = {step.menu for step in brief.steps} | {line.menu for line in brief.opening.cart}
    others = [
        handle
        for handle in _dishes_beside(str(menu), brief)
        if handle not in named and handle not in brief.opening.sold_out
    ]
    return _with_arguments(beats, index, {"menu_item_id": rng.choice(others)}) if menu and others else None


def _drop_last_call(beats: Beats, brief: Brief, rng: Random) -> list[Beat] | None:
    index, call = next(reversed(_calls(beats)), (0, None))
    if call is None or not call.is_asked or refusal_code(beats[index].response) is not None:
        return None
    return [*beats[:index], *beats[index + 1 :]]


def _dishes_beside(menu: str, brief: Brief) -> list[str]:
    """Return the handles of the dishes of the same restaurant."""
    first = 1
    for shop in brief.shops.values():
        handles = [f"M{first + position}" for position in range(len(shop.dishes))]
        if menu in handles:
            return handles
        first += len(shop.dishes)
    return []


def _leak_handle(beats: Beats, brief: Brief, rng: Random) -> Answer | None:
    names = {entry.name: handle for handle, entry in (*brief.dishes.items(), *brief.shops.items())}
    places = [
        (index, name)
        for index, beat in enumerate(beats)
        if beat.role == "counsellor"
        for name in names
        if name in beat.text
    ]
    if not places:
        return None
    index, name = rng.choice(places)
    spoken = rng.choice((f"{name}({names[name]})", names[name]))
    return write_answer(_with_text(beats, index, beats[index].text.replace(name, spoken, 1)))


def _skip_lookup(beats: Beats, brief: Brief, rng: Random) -> Answer | None:
    """Leave out a look-up that the very next call needs."""
    places = [
        index
        for index, (beat, following) in enumerate(pairwise(beats))
        if beat.call is not None and not beat.call.is_asked and following.call is not None
    ]
    if not places:
        return None
    index = rng.choice(places)
    return write_answer([*beats[:index], *beats[index + 1 :]])


def _calls(beats: Beats) -> list[tuple[int, PlannedCall]]:
    return [(index, beat.call) for index, beat in enumerate(beats) if beat.call is not None]


def _with_text(beats: Beats, index: int, text: str) -> list[Beat]:
    return [*beats[:index], beats[index]._replace(text=text), *beats[index + 1 :]]


def _with_arguments(beats: Beats, index: int, changes: Mapping[str, object]) -> list[Beat]:
    call = beats[index].call
    if call is None:
        return list(beats)
    changed = call._replace(arguments={**call.arguments, **changes})
    return [*beats[:index], beats[index]._replace(call=changed), *beats[index + 1 :]]


_SPOILERS: Final[Mapping[str, _Spoiler]] = {
    "broken_json": _break_json,
    "truncated": _truncate,
    "refusal": _refuse,
    "content_filter": _filter,
    "unknown_handle": _name_unknown_handle,
    "wrong_price": _misstate_price,
    "unasked_argument": _add_unasked,
    "goal_missed": _miss_goal,
    "handle_leak": _leak_handle,
    "missing_lookup": _skip_lookup,
}
MISTAKES: Final = tuple(_SPOILERS)
