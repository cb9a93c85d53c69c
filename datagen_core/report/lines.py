"""Decides how a turn is written in one line: what was said, a call as in code, a response as JSON cut short."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from datagen_core.batch.outcomes import shorten
from datagen_core.dialogue.inline import InlineError, render_json
from datagen_core.dialogue.models import Role, Turn
from datagen_core.dialogue.script import Script, parse_script
from datagen_core.dialogue.transcript import is_transcript, parse_transcript

LONGEST_VALUE: Final = 80
"""Characters of an argument; what people say to a tool is shorter."""

LONGEST_RESPONSE: Final = 160

_UUID: Final = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)


class Line(NamedTuple):
    """A turn in one line of plain text, not yet escaped; without text where nobody wrote it."""

    role: Role
    text: str


def write_call(name: str, arguments: Mapping[str, object], *, hidden: Iterable[object] = ()) -> str:
    """Return a call as in code; arguments with one of the `hidden` values are left out, long ids and values cut."""
    known = list(hidden)
    shown = [f"{key}={_write_value(value, LONGEST_VALUE)}" for key, value in arguments.items() if value not in known]
    return f"{name}({', '.join(shown)})"


def write_turn(turn: Turn, *, hidden: Iterable[object] = ()) -> Line:
    """Return a dialogue's turn; calls made together are joined by commas."""
    match turn.role:
        case "call":
            calls = [write_call(call.name, call.arguments, hidden=hidden) for call in turn.calls]
            return Line("call", ", ".join(calls) or turn.text)
        case "response":
            answers = [_write_value(response, LONGEST_RESPONSE) for response in turn.responses]
            return Line("response", ", ".join(answers) or turn.text)
        case _:
            return Line(turn.role, turn.text)


def read_lines_of(answer: str) -> list[Line]:
    """Return an LLM's answer turn by turn, as violations count them; nothing where it cannot be read."""
    script = parse_script(answer)
    if script.problem is None:
        return _write_script(script)
    return [write_turn(turn) for turn in parse_transcript(answer).turns] if is_transcript(answer) else []


def _write_script(script: Script) -> list[Line]:
    """Write two lines for a turn of calls, as performing makes it two; what the backend answers stands in no script."""
    lines: list[Line] = []
    for turn in script.turns:
        if turn.role == "call":
            calls = ", ".join(write_call(call.tool, call.arguments) for call in turn.calls)
            lines += [Line("call", calls), Line("response", "")]
        else:
            lines.append(Line(turn.role, turn.text))
    return lines


def _write_value(value: object, limit: int) -> str:
    try:
        text = render_json(value)
    except InlineError:
        return "a value that cannot be shown"
    # Cut first: a value of megabytes is not searched for ids.
    return shorten(_UUID.sub(r"\1…", text[: 4 * limit]), limit)
