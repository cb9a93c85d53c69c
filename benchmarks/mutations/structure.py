"""Decides how the order of messages is damaged: turns dropped, repeated, swapped, cut, emptied, tags broken."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from benchmarks.mutations.base import (
    Mutation,
    Place,
    calls_of,
    indexes_of,
    messages_of,
    perform_again,
    read_turns,
    response_to,
    walk_leaves,
    with_turns,
)
from datagen_core.dialogue.models import Role, Turn
from datagen_core.files import JsonObject

_CHANGING: Final = frozenset(
    {"upsert_address", "add_to_cart", "update_cart_item", "remove_cart_items", "prepare_checkout", "place_order"}
)


def _drop(record: JsonObject, rng: Random, role: Role) -> JsonObject | None:
    indexes = indexes_of(read_turns(record), role)
    if not indexes:
        return None
    del messages_of(record)[rng.choice(indexes)]
    return record


def drop_call(record: JsonObject, rng: Random) -> JsonObject | None:
    """A call is missing, its response stands."""
    return _drop(record, rng, "call")


def drop_response(record: JsonObject, rng: Random) -> JsonObject | None:
    """A response is missing, its call stands."""
    return _drop(record, rng, "response")


def drop_customer(record: JsonObject, rng: Random) -> JsonObject | None:
    """A line of the customer is missing."""
    return _drop(record, rng, "customer")


def drop_counsellor(record: JsonObject, rng: Random) -> JsonObject | None:
    """A line of the counsellor is missing."""
    return _drop(record, rng, "counsellor")


def _is_needed(turns: Sequence[Turn], place: Place) -> bool:
    """Tell whether the dialogue is untrue without the call: it changes something, or an id it showed first is used.

    Or nothing else is asked of a tool: what the counsellor then says comes from nowhere.
    """
    if place.call.name in _CHANGING or len(calls_of(turns)) == 1:
        return True
    shown = {leaf for leaf in walk_leaves(response_to(turns, place)) if isinstance(leaf, str) and len(leaf) == 36}
    before = {leaf for turn in turns[: place.turn] for leaf in walk_leaves(list(turn.responses))}
    spoken = " ".join(turn.text for turn in turns)
    used = {leaf for later in calls_of(turns) if later.turn > place.turn for leaf in walk_leaves(later.call.arguments)}
    return bool({known for known in shown - before if known not in spoken} & used)


def _drop_exchange(record: JsonObject, rng: Random, *, performs: bool) -> JsonObject | None:
    turns = read_turns(record)
    places = [place for place in calls_of(turns) if len(turns[place.turn].calls) == 1 and _is_needed(turns, place)]
    if not places:
        return None
    place = rng.choice(places)
    rest = [*turns[: place.turn], *turns[place.turn + 2 :]]
    return with_turns(record, perform_again(record, rest) if performs else rest)


def drop_exchange(record: JsonObject, rng: Random) -> JsonObject | None:
    """A call and its response are missing, one that something else rests on."""
    return _drop_exchange(record, rng, performs=False)


def drop_exchange_and_perform(record: JsonObject, rng: Random) -> JsonObject | None:
    """A call and its response are missing, and the others are performed without it."""
    return _drop_exchange(record, rng, performs=True)


def repeat_turn(record: JsonObject, rng: Random) -> JsonObject | None:
    """A message stands twice in a row."""
    messages = messages_of(record)
    index = rng.randrange(len(messages))
    messages.insert(index, dict(messages[index]))
    return record


def swap_turns(record: JsonObject, rng: Random) -> JsonObject | None:
    """Two messages that follow each other have changed places."""
    messages = messages_of(record)
    if len(messages) < 2:
        return None
    index = rng.randrange(len(messages) - 1)
    messages[index], messages[index + 1] = messages[index + 1], messages[index]
    return record


def swap_lines(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor answers first with what belongs to a later question that a tool had to answer, and back.

    The later line has a figure that stands nowhere before the earlier one's place. Others are left alone: what was
    shown by then (the same restaurants in another order, an order that is paid) is true at either place.
    """
    turns = read_turns(record)
    lines = indexes_of(turns, "counsellor")
    tools = indexes_of(turns, "response")
    pairs = [
        (one, other)
        for one in lines
        for other in lines
        if any(one < index < other for index in tools)
        and turns[other - 1].role == "response"
        and _numbers(turns[other].text) - _numbers(*(_text_of(turn) for turn in turns[:one]))
    ]
    if not pairs:
        return None
    one, other = rng.choice(pairs)
    turns[one], turns[other] = turns[other], turns[one]
    return with_turns(record, turns)


def _numbers(*texts: str) -> set[str]:
    found = (number for text in texts for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text))
    return {number.replace(",", "") for number in found}


def _text_of(turn: Turn) -> str:
    return turn.text or json.dumps([*turn.responses, *(call.arguments for call in turn.calls)], ensure_ascii=False)


def cut_anywhere(record: JsonObject, rng: Random) -> JsonObject | None:
    """The dialogue stops within a call, after a response or with the customer waiting."""
    turns = read_turns(record)
    ends = indexes_of(turns, "call", "response", "customer")
    del messages_of(record)[rng.choice(ends) + 1 :]
    return record


def cut_before_last_request(record: JsonObject, rng: Random) -> JsonObject | None:
    """The dialogue ends politely before the last thing asked for is done."""
    del rng
    turns = read_turns(record)
    places = calls_of(turns)
    lines = [index for index in indexes_of(turns, "counsellor") if places and index < places[-1].turn]
    return with_turns(record, turns[: lines[-1] + 1]) if lines else None


def empty_turn(record: JsonObject, rng: Random) -> JsonObject | None:
    """A message is empty, or blank."""
    message = rng.choice(messages_of(record))
    message["content"] = rng.choice(("", " ", "\n", "\u3000", "\t\n"))
    return record


def mistake_role(record: JsonObject, rng: Random) -> JsonObject | None:
    """A message is of the other role, or of one that the format does not have."""
    message = rng.choice(messages_of(record))
    other = "assistant" if message["role"] == "user" else "user"
    message["role"] = rng.choice((other, "system", "tool", "function", "User", "ai", "고객", ""))
    return record


def break_message(record: JsonObject, rng: Random) -> JsonObject | None:
    """A message is no message: its content null, a list or gone, a key too many, no object at all."""
    messages = messages_of(record)
    index = rng.randrange(len(messages))
    content = messages[index]["content"]
    broken: tuple[object, ...] = (
        {**messages[index], "content": None},
        {**messages[index], "content": [{"type": "text", "text": content}]},
        {"role": messages[index]["role"]},
        {"content": content},
        {**messages[index], "name": "counsellor"},
        content,
        None,
        {"from": messages[index]["role"], "value": content},
    )
    record["messages"] = [*messages[:index], rng.choice(broken), *messages[index + 1 :]]
    return record


def _edit_block(record: JsonObject, rng: Random, edit: Callable[[str, str], str]) -> JsonObject | None:
    """Edit a message that holds a block; `edit` takes its content and the tag's name."""
    turns = read_turns(record)
    indexes = indexes_of(turns, "call", "response")
    if not indexes:
        return None
    index = rng.choice(indexes)
    message = messages_of(record)[index]
    message["content"] = edit(str(message["content"]), f"tool_{turns[index].role}")
    return record


def break_tag(record: JsonObject, rng: Random) -> JsonObject | None:
    """A tag is missing, doubled, misspelt or another one."""
    ways: tuple[Callable[[str, str], str], ...] = (
        lambda content, tag: content.removesuffix(f"\n</{tag}>"),
        lambda content, tag: content.removeprefix(f"<{tag}>\n"),
        lambda content, tag: f"{content}\n</{tag}>",
        lambda content, tag: f"<{tag}>\n{content}",
        lambda content, tag: content.replace(f"</{tag}>", f"<{tag}>"),
        lambda content, tag: content.replace(tag, "function_call"),
        lambda content, tag: content.replace(f"</{tag}>", f"</{tag.upper()}>"),
        lambda content, tag: content.replace(f"<{tag}>", "```json").replace(f"</{tag}>", "```"),
    )
    return _edit_block(record, rng, rng.choice(ways))


def add_space(record: JsonObject, rng: Random) -> JsonObject | None:
    """White space stands where none belongs: around a tag, or within it."""
    ways: tuple[Callable[[str, str], str], ...] = (
        lambda content, _: content + "\n",
        lambda content, _: " " + content,
        lambda content, _: content + " ",
        lambda content, tag: content.replace(f"<{tag}>\n", f"<{tag}>", 1),
        lambda content, tag: content.replace(f"\n</{tag}>", f"\n\n</{tag}>", 1),
        lambda content, _: content.replace("\n", "\r\n"),
        lambda content, tag: content.replace(f"<{tag}>\n", f"<{tag}>\n  ", 1),
        lambda content, _: content + "\u200b",
    )
    return _edit_block(record, rng, rng.choice(ways))


def put_text_before_call(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor speaks and calls in one message."""
    lines = ("네, 확인해 보겠습니다.", "잠시만 기다려 주세요.", "조회 중입니다…", "바로 찾아 드릴게요.")
    before = rng.random() < 0.5
    line = rng.choice(lines)
    return _edit_block(record, rng, lambda content, _: f"{line}\n{content}" if before else f"{content}\n{line}")


def double_call(record: JsonObject, rng: Random) -> JsonObject | None:
    """A message has two calls, and one response follows; or one call, and two responses."""
    turns = read_turns(record)
    indexes = indexes_of(turns, "call", "response")
    if not indexes:
        return None
    index = rng.choice(indexes)
    turn = turns[index]
    turns[index] = replace(turn, calls=turn.calls * 2, responses=turn.responses * 2)
    return with_turns(record, turns)


def start_with_counsellor(record: JsonObject, rng: Random) -> JsonObject | None:
    """The counsellor speaks first."""
    line = rng.choice(
        ("안녕하세요, 무엇을 도와드릴까요?", "반갑습니다. 말씀해 주세요.", "네, 고객님.", "배달 앱 상담사입니다.")
    )
    messages_of(record).insert(0, {"role": "assistant", "content": line})
    return record


MUTATIONS: Final = (
    Mutation("call dropped", drop_call),
    Mutation("response dropped", drop_response),
    Mutation("call and response dropped", drop_exchange),
    Mutation("call and response dropped, performed", drop_exchange_and_perform),
    Mutation("customer turn dropped", drop_customer),
    Mutation("counsellor turn dropped", drop_counsellor),
    Mutation("turn repeated", repeat_turn),
    Mutation("two turns swapped", swap_turns),
    Mutation("two counsellor lines swapped", swap_lines, "W"),
    Mutation("cut in the middle", cut_anywhere),
    Mutation("ends before the last request", cut_before_last_request),
    Mutation("turn emptied", empty_turn),
    Mutation("role of a message", mistake_role),
    Mutation("message of another shape", break_message),
    Mutation("tag unbalanced", break_tag),
    Mutation("white space around a tag", add_space),
    Mutation("text beside a call", put_text_before_call),
    Mutation("two calls, one response", double_call),
    Mutation("counsellor speaks first", start_with_counsellor),
)
