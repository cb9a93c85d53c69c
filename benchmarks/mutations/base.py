"""Decides what a damage is: a function that spoils one record, and how records are taken apart and put together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Final, Literal, NamedTuple, cast

import orjson

from datagen_core.dialogue.models import Role, ToolCall, Turn
from datagen_core.dialogue.record import from_record, to_record
from datagen_core.environment import Environment
from datagen_core.environment.opening import Opening
from datagen_core.files import JsonObject

Damage = Callable[[JsonObject, Random], "JsonObject | None"]
"""Returns the record damaged, or None where it cannot be damaged so. It may change the record that it is given."""


class Mutation(NamedTuple):
    """A kind of damage.

    `severity` W: nothing but a warning is promised for it, so that any new violation catches it.
    """

    name: str
    damage: Damage
    severity: Literal["E", "W"] = "E"


class Place(NamedTuple):
    """A call of a dialogue: the index of its turn, its number in the turn, and the call."""

    turn: int
    number: int
    call: ToolCall


UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
WON: Final = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)원")
HANGUL: Final = re.compile(r"[가-힣]")
_COUNT: Final = re.compile(r"(?<![\d,.])\d+(?=개)")

NUMERALS: Final = {
    "한": 1,
    "하나": 1,
    "두": 2,
    "둘": 2,
    "세": 3,
    "셋": 3,
    "네": 4,
    "넷": 4,
    "다섯": 5,
    "여섯": 6,
}
PAYMENTS: Final = {"card": "카드", "kakao": "카카오", "naver": "네이버", "toss": "토스"}
"""How the customer calls what the tools call card, kakao, naver and toss."""


def read_turns(record: Mapping[str, object]) -> list[Turn]:
    """Return the turns of a sound record."""
    return list(from_record(record).turns)


def with_turns(record: JsonObject, turns: Sequence[Turn]) -> JsonObject:
    """Return the record with other turns."""
    dialogue = replace(from_record(record), turns=tuple(turns))
    return cast("JsonObject", to_record(dialogue, meta_of(record)))


def with_turn(record: JsonObject, turns: Sequence[Turn], index: int, turn: Turn) -> JsonObject:
    """Return the record with one turn changed."""
    return with_turns(record, [*turns[:index], turn, *turns[index + 1 :]])


def meta_of(record: Mapping[str, object]) -> JsonObject:
    """Return the record's `meta`."""
    return cast("JsonObject", record["meta"])


def opening_of(record: Mapping[str, object]) -> Opening:
    """Return how the backend stands when the dialogue begins."""
    return Opening.model_validate(meta_of(record)["opening"])


def messages_of(record: Mapping[str, object]) -> list[dict[str, object]]:
    """Return the messages as they stand, to be spoilt in place."""
    return cast("list[dict[str, object]]", record["messages"])


def indexes_of(turns: Sequence[Turn], *roles: Role) -> list[int]:
    """Return where turns of these roles stand."""
    return [index for index, turn in enumerate(turns) if turn.role in roles]


def calls_of(turns: Sequence[Turn], *names: str) -> list[Place]:
    """Return the calls in order, all of them or those of the named tools."""
    return [
        Place(index, number, call)
        for index, turn in enumerate(turns)
        for number, call in enumerate(turn.calls)
        if not names or call.name in names
    ]


def response_to(turns: Sequence[Turn], place: Place) -> object:
    """Return what a call of a sound dialogue was answered."""
    return turns[place.turn + 1].responses[place.number]


def with_call(turns: Sequence[Turn], place: Place, call: ToolCall) -> list[Turn]:
    """Return the turns with one call changed and its response as it was."""
    calls = list(turns[place.turn].calls)
    calls[place.number] = call
    return [*turns[: place.turn], replace(turns[place.turn], calls=tuple(calls)), *turns[place.turn + 1 :]]


def with_argument(turns: Sequence[Turn], place: Place, name: str, value: object) -> list[Turn]:
    """Return the turns with one argument of one call set."""
    return with_call(turns, place, ToolCall(place.call.name, {**place.call.arguments, name: value}))


def with_response(turns: Sequence[Turn], place: Place, response: object) -> list[Turn]:
    """Return the turns with the response to one call changed."""
    index = place.turn + 1
    responses = list(turns[index].responses)
    responses[place.number] = response
    return [*turns[:index], replace(turns[index], responses=tuple(responses)), *turns[index + 1 :]]


def copy_json(value: object) -> object:
    """Return a copy that may be changed."""
    return cast("object", orjson.loads(orjson.dumps(value)))


def walk_objects(value: object) -> Iterator[JsonObject]:
    """Yield every JSON object inside a value, the outermost first."""
    if isinstance(value, dict):
        found = cast("JsonObject", value)
        yield found
        for inner in found.values():
            yield from walk_objects(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from walk_objects(inner)


def walk_leaves(value: object) -> Iterator[object]:
    """Yield every value inside that is neither list nor object."""
    if isinstance(value, dict):
        for inner in cast("JsonObject", value).values():
            yield from walk_leaves(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from walk_leaves(inner)
    else:
        yield value


def responses_of(turns: Sequence[Turn]) -> list[object]:
    """Return all responses in order."""
    return [response for turn in turns for response in turn.responses]


def is_refusal(response: object) -> bool:
    """Tell whether the backend refused a call."""
    return isinstance(response, dict) and "error" in response


def spoken_by(turns: Sequence[Turn], role: Role) -> str:
    """Return all lines of the customer or of the counsellor, one a line."""
    return "\n".join(turn.text for turn in turns if turn.role == role)


def text_of(record: JsonObject) -> str:
    """Return everything that stands in a record's messages and system prompt."""
    return "\n".join([str(record["system_prompt"]), *(str(message["content"]) for message in messages_of(record))])


def numbers_in(record: JsonObject) -> set[int]:
    """Return every whole number shown anywhere, thousands with or without their commas."""
    return {int(digits.replace(",", "")) for digits in re.findall(r"\d[\d,]*", text_of(record))}


def speak(
    record: JsonObject, rng: Random, edit: Callable[[str], str | None], *, role: Role = "counsellor", last: bool = False
) -> JsonObject | None:
    """Return the record with one line edited, drawn among those where `edit` changes something; None where none is.

    `last` takes the last such line instead.
    """
    turns = read_turns(record)
    edited = [(index, edit(turns[index].text)) for index in indexes_of(turns, role)]
    fitting = [(index, text) for index, text in edited if text is not None and text != turns[index].text]
    if not fitting:
        return None
    index, text = fitting[-1] if last else rng.choice(fitting)
    return with_turn(record, turns, index, replace(turns[index], text=text))


def place_sentence(text: str, sentence: str, rng: Random) -> str:
    """Return a line with a sentence added before or after it."""
    return f"{sentence} {text}" if rng.random() < 0.3 else f"{text} {sentence}"


def add_sentence(record: JsonObject, rng: Random, sentences: Sequence[str]) -> JsonObject | None:
    """Return the record with one of these sentences added to a line of the counsellor."""
    sentence = rng.choice(sentences)
    return speak(record, rng, lambda text: place_sentence(text, sentence, rng))


def perform_again(record: JsonObject, turns: Sequence[Turn], *, retells: bool = True) -> list[Turn]:
    """Return the turns with every call carried out on a fresh backend, in order, so that no response is untrue.

    An argument that was an earlier response (a snapshot, an address's id) is that call's response again. With
    `retells`, amounts, quantities and names in what the counsellor says afterwards follow the responses.
    """
    environment = Environment(opening_of(record))
    swaps: list[tuple[object, object]] = []
    performed: list[Turn] = []
    for index, turn in enumerate(turns):
        if turn.role == "call":
            calls = tuple(ToolCall(call.name, _substitute(call.arguments, swaps)) for call in turn.calls)
            fresh = tuple(environment.execute(call.name, call.arguments) for call in calls)
            old = turns[index + 1].responses if index + 1 < len(turns) else ()
            swaps += zip(old, fresh, strict=False)
            performed.append(replace(turn, calls=calls))
            if index + 1 < len(turns) and turns[index + 1].role == "response":
                performed.append(Turn("response", responses=fresh))
        elif turn.role == "counsellor" and retells:
            performed.append(replace(turn, text=_retell(turn.text, swaps)))
        elif turn.role != "response":
            performed.append(turn)
    return performed


def perform_with(record: JsonObject, turns: Sequence[Turn], place: Place, name: str, value: object) -> JsonObject:
    """Return the record with one argument of one call set, and every call performed again."""
    return with_turns(record, perform_again(record, with_argument(turns, place, name, value)))


def _substitute(arguments: Mapping[str, object], swaps: Sequence[tuple[object, object]]) -> JsonObject:
    """Return the arguments; one that equals an earlier response, and is worth the name of one, follows it."""
    known = [swap for swap in reversed(swaps) if _is_handed_on(swap[0]) and not is_refusal(swap[1])]
    return {name: next((new for old, new in known if old == value), value) for name, value in arguments.items()}


def _is_handed_on(response: object) -> bool:
    return isinstance(response, (dict, str))


def _retell(text: str, swaps: Sequence[tuple[object, object]]) -> str:
    """Replace what changed in the latest response: amounts of won, quantities before a counter, names and notes."""
    if not swaps:
        return text
    changed = dict(_changed_leaves(*swaps[-1]))
    amounts = {f"{old:,}원": f"{new:,}원" for old, new in changed.items() if _is_amount(old) and _is_amount(new)}
    counts = {str(old): str(new) for old, new in changed.items() if _is_count(old) and _is_count(new)}
    text = WON.sub(lambda match: amounts.get(match[0], match[0]), text)
    text = _COUNT.sub(lambda match: counts.get(match[0], match[0]), text)
    for before, after in changed.items():
        if isinstance(before, str) and isinstance(after, str) and HANGUL.search(before):
            text = text.replace(before, after)
    return text


def _changed_leaves(old: object, new: object) -> Iterator[tuple[object, object]]:
    """Yield (before, after) of leaves at the same place; nothing where the shapes differ."""
    before, after = list(walk_leaves(old)), list(walk_leaves(new))
    if len(before) == len(after):
        yield from ((o, n) for o, n in zip(before, after, strict=True) if o != n)


def _is_amount(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 100


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value < 100
