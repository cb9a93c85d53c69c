"""Decides how a dialogue becomes a row of `dataset.jsonl`, and how a row, sound or damaged, is read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

import orjson

from datagen_core.dialogue.inline import (
    InlineError,
    is_call_content,
    is_response_content,
    parse_calls,
    parse_responses,
    render_calls,
    render_responses,
)
from datagen_core.dialogue.models import Dialogue, Message, Record, Turn

RECORD_KEYS: Final = ("tools", "uid", "dates", "system_prompt", "messages", "meta")
"""The keys of a row, in the order of the format."""

MessageRule = Literal["S01", "S02", "S07", "S08", "S09"]


class RecordError(ValueError):
    """A record is not what the format says; `field`, and `index` (from 0) for a message, name the place."""

    def __init__(self, problem: str, *, field: str, index: int | None = None) -> None:
        place = f"field {field!r}" if index is None else f"field {field!r}, message {index}"
        super().__init__(f"Record, {place}: {problem}")
        self.field, self.index = field, index


@dataclass(frozen=True, slots=True)
class MessageProblem:
    """What is wrong with one message. `index` counts from 0, and is 0 where the list itself is at fault."""

    index: int
    rule_id: MessageRule
    message: str


def to_record(dialogue: Dialogue, meta: dict[str, object]) -> Record:
    """Return the row of a dialogue, keys in the order of the format.

    `from_record` gives the dialogue back where it has turns, none is empty, and no text looks like a block (S07, T02).

    Raises:
        InlineError: an argument or a response is no JSON value.
    """
    return {
        "tools": list(dialogue.tools),
        "uid": dialogue.uid,
        "dates": dialogue.date,
        "system_prompt": dialogue.system_prompt,
        "messages": [_to_message(turn) for turn in dialogue.turns],
        "meta": meta,
    }


def from_record(record: Mapping[str, object]) -> Dialogue:
    """Return the dialogue of a row; `meta` and unknown keys are passed over.

    Raises:
        RecordError: a field is missing or of the wrong type, or a message breaks S01, S02, S07, S08 or S09.
    """
    turns, problems = read_messages(_require(record, "messages"))
    for problem in problems:
        raise RecordError(f"{problem.message} ({problem.rule_id})", field="messages", index=problem.index)
    return Dialogue(
        uid=read_text(record, "uid"),
        date=read_text(record, "dates"),
        system_prompt=read_text(record, "system_prompt"),
        turns=tuple(turns),
        tools=tuple(read_tools(record)),
    )


def read_messages(messages: object) -> tuple[list[Turn], list[MessageProblem]]:
    """Return a turn for each message, and every problem that the messages have on their own.

    A message that cannot be read as calls or responses still gives a turn of that role, with its content as text and
    no calls or responses, so that turns and messages stay side by side. Only what has no usable role and content
    gives none. What concerns the sequence (S03 to S06) is left to the checks.
    """
    if not isinstance(messages, list) or not messages:
        return [], [MessageProblem(0, "S01", "messages must be a list that is not empty.")]
    turns: list[Turn] = []
    problems: list[MessageProblem] = []
    for index, message in enumerate(cast("list[object]", messages)):
        turn, found = _read_message(message, follows_call=bool(turns) and turns[-1].role == "call")
        if turn is not None:
            turns.append(turn)
        problems.extend(MessageProblem(index, rule_id, text) for rule_id, text in found)
    return turns, problems


def record_line(record: Record) -> bytes:
    """Return the row as it stands in `dataset.jsonl`, without the newline; unescaped UTF-8, keys in fixed order.

    Raises:
        RecordError: a key is missing, or JSON in UTF-8 cannot hold a value (a lone surrogate, an integer of 65 bits).
    """
    for key in RECORD_KEYS:
        _require(record, key)
    try:
        return orjson.dumps({key: record[key] for key in RECORD_KEYS})
    except TypeError as error:
        raise RecordError(f"cannot be written: {error}.", field=_find_unwritable(record)) from error


def read_text(record: Mapping[str, object], field: str) -> str:
    """Return a field that is text.

    Raises:
        RecordError: it is missing or something else.
    """
    value = _require(record, field)
    if not isinstance(value, str):
        raise RecordError(f"expected a string, found {type(value).__name__}.", field=field)
    return value


def read_tools(record: Mapping[str, object]) -> list[dict[str, object]]:
    """Return the tool specifications; a record without the field, or with null there, has none.

    Raises:
        RecordError: it is no list of objects.
    """
    value = record.get("tools")
    if value is None:
        return []
    if not isinstance(value, list):
        raise RecordError(f"expected a list, found {type(value).__name__}.", field="tools")
    tools = cast("list[object]", value)
    for number, tool in enumerate(tools):
        if not isinstance(tool, dict):
            raise RecordError(f"tool {number} is {type(tool).__name__}, expected an object.", field="tools")
    return cast("list[dict[str, object]]", tools)


def read_contents(record: Mapping[str, object]) -> list[Message]:
    """Return the messages with their types checked and their contents unread: enough for rendering.

    Raises:
        RecordError: a message is no `{"role": "user" | "assistant", "content": str}`.
    """
    messages = _require(record, "messages")
    if not isinstance(messages, list):
        raise RecordError(f"expected a list, found {type(messages).__name__}.", field="messages")
    for index, message in enumerate(cast("list[object]", messages)):
        for rule_id, text in _check_shape(message):
            raise RecordError(f"{text} ({rule_id})", field="messages", index=index)
    return cast("list[Message]", messages)


def _to_message(turn: Turn) -> Message:
    match turn.role:
        case "customer":
            return {"role": "user", "content": turn.text}
        case "counsellor":
            return {"role": "assistant", "content": turn.text}
        case "call":
            return {"role": "assistant", "content": render_calls(turn.calls)}
        case "response":
            return {"role": "user", "content": render_responses(turn.responses)}


_Found = tuple[MessageRule, str]


def _check_shape(message: object) -> list[_Found]:
    if not isinstance(message, Mapping):
        return [("S01", f"expected an object with role and content, found {type(message).__name__}.")]
    fields = cast("Mapping[str, object]", message)
    if unknown := sorted(str(key) for key in fields if key not in ("role", "content")):
        return [("S01", f"only role and content are allowed, found {', '.join(unknown)} too.")]
    for key in ("role", "content"):
        if not isinstance(fields.get(key), str):
            problem = "is missing" if key not in fields else f"is {type(fields[key]).__name__}, expected a string"
            return [("S01", f"{key} {problem}.")]
    if fields["role"] not in ("user", "assistant"):
        return [("S02", f"the role is {fields['role']!r}, expected user or assistant.")]
    return []


def _read_message(message: object, *, follows_call: bool) -> tuple[Turn | None, list[_Found]]:
    if found := _check_shape(message):
        return None, found
    fields = cast("Message", message)
    content = fields["content"]
    if fields["role"] == "user":
        return _read_user(content, follows_call=follows_call)
    return _read_assistant(content)


def _read_user(content: str, *, follows_call: bool) -> tuple[Turn, list[_Found]]:
    if is_response_content(content):
        found: list[_Found] = [] if follows_call else [("S02", "a response stands without a call before it.")]
        try:
            return Turn("response", responses=tuple(parse_responses(content))), found
        except InlineError as error:
            found.append((error.rule_id, str(error)))
            return Turn("response", text=content), found
    turn = Turn("customer", text=content)
    if is_call_content(content):
        return turn, [("S02", "a call stands in a message of the user.")]
    return turn, _check_empty(content)


def _read_assistant(content: str) -> tuple[Turn, list[_Found]]:
    if is_call_content(content):
        try:
            return Turn("call", calls=tuple(parse_calls(content))), []
        except InlineError as error:
            return Turn("call", text=content), [(error.rule_id, str(error))]
    turn = Turn("counsellor", text=content)
    if is_response_content(content):
        return turn, [("S02", "a response stands in a message of the assistant.")]
    return turn, _check_empty(content)


def _check_empty(content: str) -> list[_Found]:
    return [] if content.strip() else [("S07", "the content is empty.")]


def _require(record: Mapping[str, object], field: str) -> object:
    if field not in record:
        raise RecordError("is missing.", field=field)
    return record[field]


def _find_unwritable(record: Record) -> str:
    for key in RECORD_KEYS:
        try:
            orjson.dumps(record[key])
        except TypeError:
            return key
    return RECORD_KEYS[-1]
