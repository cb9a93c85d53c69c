"""Decides how OpenAI's messages stand in our form: calls and responses inline, responses paired with calls by id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, cast

import orjson

from datagen_core.checks import Violation
from datagen_core.dialogue.inline import InlineError, render_calls, render_json, render_responses
from datagen_core.dialogue.models import ToolCall
from datagen_core.files import JsonObject

SYSTEM_ROLES: Final = frozenset({"system", "developer"})
RESPONSE_ROLES: Final = frozenset({"tool", "function"})


class _Call(NamedTuple):
    call_id: str | None
    call: ToolCall


class _Response(NamedTuple):
    place: int
    call_id: str | None
    value: object


@dataclass
class Conversion:
    """Puts OpenAI's messages into ours, one by one; a call's responses are held until the next other message.

    `faults` could not be said in our form; their turns, and `places` for each message put, count the messages taken.
    """

    system_prompt: str
    messages: list[object] = field(default_factory=list[object])
    places: list[int] = field(default_factory=list[int])
    faults: list[Violation] = field(default_factory=list[Violation])
    _open_calls: list[_Call] = field(default_factory=list[_Call])
    _responses: list[_Response] = field(default_factory=list[_Response])

    def take(self, place: int, message: object) -> None:
        """Take the next message."""
        fields = as_object(message)
        role = fields.get("role")
        if isinstance(role, str) and role in RESPONSE_ROLES:
            self._take_response(place, fields)
            return
        self.flush()
        self._open_calls = []
        if isinstance(role, str) and role in SYSTEM_ROLES:
            self._take_prompt(place, fields)
        elif role == "assistant":
            self._take_answer(place, fields)
        else:
            self._put(place, {**fields, "content": self._read_content(place, fields)} if fields else message, role)

    def flush(self) -> None:
        """Put the responses held into one message, paired with the calls before them."""
        if not self._responses:
            return
        place = self._responses[0].place
        values = [response.value for response in self._pair()]
        self._responses = []
        self._render(place, "user", lambda: render_responses(values))

    def _take_prompt(self, place: int, fields: JsonObject) -> None:
        if place > 0:
            self._blame("S02", place, f"a message of the {fields.get('role')} stands after the first")
        text = self._read_content(place, fields)
        self.system_prompt = f"{self.system_prompt}\n{text}" if self.system_prompt else text

    def _take_answer(self, place: int, fields: JsonObject) -> None:
        """Take an assistant's text, calls, or both: then the text is a turn of its own, which S03 finds."""
        calls = self._read_calls(place, fields)
        content = self._read_content(place, fields)
        if content.strip() or not calls:
            self._put(place, {"role": "assistant", "content": content}, "assistant")
        if calls:
            self._open_calls = calls
            self._render(place, "assistant", lambda: render_calls([call.call for call in calls]))

    def _read_calls(self, place: int, fields: JsonObject) -> list[_Call]:
        raw = load_json(fields.get("tool_calls"))
        single = fields.get("function_call")
        entries = cast("list[object]", raw) if isinstance(raw, list) else [raw] if raw else []
        entries = [*entries, {"function": single}] if single else entries
        return [self._read_call(place, number, entry) for number, entry in enumerate(entries, start=1)]

    def _read_call(self, place: int, number: int, entry: object) -> _Call:
        outer = as_object(load_json(entry))
        inner = as_object(load_json(outer.get("function"))) or outer
        name, call_id = inner.get("name"), outer.get("id")
        arguments = inner.get("arguments", {})
        if isinstance(arguments, str):
            arguments = self._parse_arguments(place, number, arguments)
        if not isinstance(arguments, dict):
            self._blame("S08", place, f"the arguments of call {number} are {type(arguments).__name__}, no object")
        if not isinstance(name, str) or not name:
            self._blame("S08", place, f"call {number} has no name")
        known = cast("dict[str, object]", arguments) if isinstance(arguments, dict) else {}
        return _Call(call_id if isinstance(call_id, str) else None, ToolCall(text_of(name) or "-", known))

    def _parse_arguments(self, place: int, number: int, text: str) -> object:
        """Return what the text stands for; a call without arguments may have an empty text."""
        try:
            return cast("object", orjson.loads(text or "{}"))
        except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
            self._blame("S08", place, f"the arguments of call {number} are no strict JSON: {error}")
            return cast("JsonObject", {})

    def _take_response(self, place: int, fields: JsonObject) -> None:
        if not self._open_calls and not self._responses:
            self._blame("S02", place, "a response stands without a call before it")
        call_id = fields.get("tool_call_id")
        value = self._read_value(place, fields)
        self._responses.append(_Response(place, call_id if isinstance(call_id, str) else None, value))

    def _read_value(self, place: int, fields: JsonObject) -> object:
        """Return a response's value: JSON text is what it stands for, any other text a bare string."""
        if not isinstance(fields.get("content"), str | list):
            return fields.get("content")
        text = self._read_content(place, fields)
        try:
            return orjson.loads(text)
        except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
            if text.lstrip()[:1] in ("{", "["):
                self._blame("S09", place, f"the response is no strict JSON: {error}")
            return text

    def _pair(self) -> list[_Response]:
        """Return the responses in their calls' order, by id; where ids are wrong they stay as they stand (S05)."""
        wanted = [call.call_id for call in self._open_calls]
        given = [response.call_id for response in self._responses]
        known = [call_id for call_id in wanted if call_id is not None]
        if not known or not any(given):
            return self._responses
        if len(set(known)) < len(wanted):
            self._blame("S05", self._responses[0].place, "two calls have the same id, or one has none")
            return self._responses
        is_paired = True
        for position, response in enumerate(self._responses):
            problem = _find_mismatch(response.call_id, known, given[:position])
            if problem is not None:
                self._blame("S05", response.place, problem)
                is_paired = False
        return sorted(self._responses, key=lambda one: known.index(one.call_id or "")) if is_paired else self._responses

    def _read_content(self, place: int, fields: JsonObject) -> str:
        content = fields.get("content")
        if content is None or isinstance(content, str):
            return content or ""
        texts = (
            [as_object(part).get("text") for part in cast("list[object]", content)]
            if isinstance(content, list)
            else [None]
        )
        if not all(isinstance(text, str) for text in texts):
            self._blame("S01", place, "the content is neither text nor parts of text")
        return "".join(text for text in texts if isinstance(text, str))

    def _render(self, place: int, role: str, render: Callable[[], str]) -> None:
        try:
            content = render()
        except InlineError as error:
            self._blame(error.rule_id, place, str(error))
            content = render_json(str(error))
        self._put(place, {"role": role, "content": content}, role)

    def _put(self, place: int, message: object, role: object) -> None:
        fields = as_object(message)
        # What another form says of a message beside these (a name, a weight) is no fault.
        self.messages.append({"role": role, "content": fields["content"]} if "content" in fields else message)
        self.places.append(place)

    def _blame(self, rule_id: Literal["S01", "S02", "S05", "S08", "S09"], place: int, message: str) -> None:
        self.faults.append(Violation(rule_id, place, message, "E"))


def _find_mismatch(call_id: str | None, known: list[str], before: list[str | None]) -> str | None:
    if call_id is None:
        return "the response names no call"
    if call_id not in known:
        return f"tool_call_id {call_id!r} is of no call before it"
    return f"tool_call_id {call_id!r} is answered twice" if call_id in before else None


def load_json(value: object) -> object:
    """Return what a string that holds a JSON array or object stands for; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return cast("object", orjson.loads(value))
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            return value
    return value


def as_object(value: object) -> JsonObject:
    """Return an object, or an empty one for anything else."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def text_of(value: object) -> str:
    """Return a text, or an empty one for anything else."""
    return value if isinstance(value, str) else ""
