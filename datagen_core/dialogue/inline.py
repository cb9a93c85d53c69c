"""Decides how calls and responses stand inside a message: strict JSON between tags, one block each, and back again."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NoReturn, cast

from datagen_core.dialogue.models import ToolCall

_Tag = Literal["tool_call", "tool_response"]

_PYTHON_LITERALS: Final = {"None": "null", "True": "true", "False": "false", "nan": "null", "'": '"'}
"""How Python writes what JSON writes otherwise: the usual slip of a model that prints a dict."""


class InlineError(ValueError):
    """A content is not a list of blocks as `render_calls` or `render_responses` writes it.

    `rule_id` is S09 where a response is no strict JSON, S08 for everything else.
    """

    def __init__(self, problem: str, *, rule_id: Literal["S08", "S09"] = "S08") -> None:
        super().__init__(problem)
        self.rule_id: Literal["S08", "S09"] = rule_id


def render_calls(calls: Sequence[ToolCall]) -> str:
    r"""Return one `<tool_call>\n{"name": …, "arguments": …}\n</tool_call>` block a call, joined by one newline.

    The JSON has default separators, insertion order and unescaped Unicode: what Qwen's templates write for a
    structured call.

    Raises:
        InlineError: an argument is no JSON value (NaN, a set, a cycle).
    """
    return _render_blocks(({"name": call.name, "arguments": call.arguments} for call in calls), "tool_call")


def render_responses(responses: Sequence[object]) -> str:
    r"""Return one `<tool_response>\n…\n</tool_response>` block a response, joined by one newline; bare strings quoted.

    Raises:
        InlineError: a response is no JSON value.
    """
    return _render_blocks(responses, "tool_response")


def render_json(value: object) -> str:
    """Return the JSON that stands inside a block.

    Raises:
        InlineError: the value is no JSON value (S09).
    """
    try:
        return _ENCODER.encode(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise InlineError(f"The value cannot be written as strict JSON: {error}.", rule_id="S09") from error


def parse_calls(content: str) -> list[ToolCall]:
    """Return the calls of an assistant content, the exact inverse of `render_calls`.

    Raises:
        InlineError: the content is anything `render_calls` would not have written; names the place.
    """
    return [_read_call(value, number) for number, value in enumerate(_parse_blocks(content, "tool_call"), start=1)]


def parse_responses(content: str) -> list[object]:
    """Return the responses of a user content, the exact inverse of `render_responses`.

    Raises:
        InlineError: the content is anything `render_responses` would not have written; names the place.
    """
    return _parse_blocks(content, "tool_response")


def is_call_content(content: str) -> bool:
    """Tell whether a content is meant as calls: a tag opens or closes it. Whether it is sound, `parse_calls` says."""
    return _is_meant_as(content, "tool_call")


def is_response_content(content: str) -> bool:
    """Tell whether a content is meant as responses: a tag opens or closes it."""
    return _is_meant_as(content, "tool_response")


def _is_meant_as(content: str, tag: _Tag) -> bool:
    text = content.strip()
    return text.startswith(f"<{tag}>") or text.endswith(f"</{tag}>")


def _render_blocks(values: Iterable[object], tag: _Tag) -> str:
    return "\n".join(f"<{tag}>\n{render_json(value)}\n</{tag}>" for value in values)


def _parse_blocks(content: str, tag: _Tag) -> list[object]:
    """Walk from block to block. The JSON decoder finds each end, so tags inside JSON strings are only text."""
    opening, closing = f"<{tag}>\n", f"\n</{tag}>"
    values: list[object] = []
    position = 0
    while True:
        if not content.startswith(opening, position):
            _refuse_opening(content, position, tag)
        value, end = _decode(content, position + len(opening), tag)
        values.append(value)
        if not content.startswith(closing, end):
            _refuse_closing(content, end, tag)
        position = end + len(closing)
        if position == len(content):
            break
        if not content.startswith("\n" + opening, position):
            _refuse_gap(content, position, tag)
        position += 1
    _require_same(content, _render_blocks(values, tag))
    return values


def _decode(content: str, start: int, tag: _Tag) -> tuple[object, int]:
    """Return the JSON value at `start` and where it ends."""
    if content.find(f"</{tag}>", start) < 0:
        raise InlineError(f"Unbalanced tag: <{tag}> at character {start - len(tag) - 3} is never closed.")
    try:
        return cast("tuple[object, int]", _DECODER.raw_decode(content, start))
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at character {error.pos}, {_excerpt(content, error.pos)}{_hint(content, error.pos)}"
    except RecursionError:
        problem = "nested too deeply"
    except ValueError as error:
        problem = str(error)
    raise InlineError(f"<{tag}> holds no strict JSON: {problem}.", rule_id="S09" if tag == "tool_response" else "S08")


def _read_call(value: object, number: int) -> ToolCall:
    if not isinstance(value, dict):
        raise InlineError(f"Call {number} is {_kind(value)}, expected an object with name and arguments.")
    fields = cast("dict[str, object]", value)
    if missing := [key for key in ("name", "arguments") if key not in fields]:
        raise InlineError(f"Call {number} has no {' and no '.join(missing)}.")
    if len(fields) > 2:
        unknown = sorted(fields.keys() - {"name", "arguments"})
        raise InlineError(f"Call {number} has unknown keys {unknown}; only name and arguments are allowed.")
    if next(iter(fields)) != "name":
        raise InlineError(f"Call {number} has its arguments before its name.")
    name, arguments = fields["name"], fields["arguments"]
    if not isinstance(name, str) or not name:
        raise InlineError(f"The name of call {number} is {_kind(name)}, expected a string that is not empty.")
    if not isinstance(arguments, dict):
        raise InlineError(f"The arguments of call {number} are {_kind(arguments)}, expected an object.")
    return ToolCall(name, cast("dict[str, object]", arguments))


def _refuse_opening(content: str, position: int, tag: _Tag) -> NoReturn:
    found = content.find(f"<{tag}>", position)
    if found < 0:
        raise InlineError(f"Unbalanced tag: <{tag}> never opens a block.")
    if found == position:
        raise InlineError(f"<{tag}> at character {position} must be followed by exactly one newline.")
    before = content[position:found]
    raise InlineError(f"{'White space' if before.isspace() else 'Text'} stands before the first <{tag}>: {before!r}.")


def _refuse_closing(content: str, end: int, tag: _Tag) -> NoReturn:
    found = content.find(f"</{tag}>", end)
    if found < 0:
        raise InlineError(f"Unbalanced tag: <{tag}> is never closed after character {end}.")
    if f"<{tag}>" in content[end:found]:
        raise InlineError(f"Unbalanced tag: a second <{tag}> opens after character {end} before the first is closed.")
    raise InlineError(
        f"Exactly one newline must stand between the JSON and </{tag}>, "
        f"found {content[end:found]!r} at character {end}."
    )


def _refuse_gap(content: str, position: int, tag: _Tag) -> NoReturn:
    rest = content[position:]
    if rest.isspace():
        raise InlineError(f"White space stands after the last </{tag}>: {rest!r}.")
    found = rest.find(f"<{tag}>")
    if found < 0:
        raise InlineError(f"Text stands after the last </{tag}>: {_excerpt(content, position)}.")
    raise InlineError(
        f"Blocks must be joined by exactly one newline, found {rest[:found]!r} at character {position}, and each "
        f"<{tag}> be followed by one."
    )


def _require_same(content: str, written: str) -> None:
    """Refuse other separators, escapes or number formats: the structured form would render to other bytes (Z02)."""
    if written == content:
        return
    pairs = zip(content, written, strict=False)
    place = next((index for index, (left, right) in enumerate(pairs) if left != right), min(len(content), len(written)))
    raise InlineError(
        f"The JSON does not parse back to itself: at character {place} stands {_excerpt(content, place)}, "
        f"and {_excerpt(written, place)} would be written."
    )


def _excerpt(content: str, position: int) -> str:
    return repr(content[position : position + 20])


def _hint(content: str, position: int) -> str:
    for literal, json_literal in _PYTHON_LITERALS.items():
        if content.startswith(literal, position):
            return f" (Python's {literal}; JSON writes {json_literal})"
    return ""


def _kind(value: object) -> str:
    return "null" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON value")


def _read_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large for a number")
    return number


def _read_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"duplicate key {next(key for key in keys if keys.count(key) > 1)!r}")
    return fields


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_read_object, parse_constant=_refuse_constant, parse_float=_read_float
)
