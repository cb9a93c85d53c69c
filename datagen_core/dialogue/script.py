"""Decides what the LLM writes: a script's strict schema, derived from the tools, and how an answer is read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Final, Literal, cast

import orjson

from datagen_core.config import TOOLS

ScriptRole = Literal["customer", "call", "counsellor"]

MAX_TURNS: Final = 200
"""A script longer than this is no dialogue; guards against runaway answers."""

MAX_NESTING: Final = 20
"""No script has values nested deeper: the schema's have seven levels. orjson reads 1,024, where recursion fails."""


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """A call with handles for ids; optional arguments that were null are left out."""

    tool: str
    arguments: dict[str, object]


@dataclass(frozen=True, slots=True)
class ScriptTurn:
    """One turn of a script; `calls` has more than one element only where parallel calls are allowed."""

    role: ScriptRole
    text: str = ""
    calls: tuple[ScriptCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """What the LLM wrote, or why it cannot be read (`problem`)."""

    turns: tuple[ScriptTurn, ...] = field(default=())
    problem: str | None = None


@lru_cache(maxsize=2)
def build_script_schema(*, parallel_calls: bool = False) -> dict[str, object]:
    """Return the JSON Schema of a script in OpenAI's strict subset: closed objects, every property required."""
    calls = [_call_schema(cast("dict[str, object]", tool["function"])) for tool in TOOLS]
    turns: list[dict[str, object]] = [
        _closed({"role": _const("customer"), "text": {"type": "string"}}),
        *(_closed({"role": _const("call"), **call}) for call in calls),
        _closed({"role": _const("counsellor"), "text": {"type": "string"}}),
    ]
    if parallel_calls:
        together = {"type": "array", "items": {"anyOf": [_closed(call) for call in calls]}}
        turns.append(_closed({"role": _const("calls"), "calls": together}))
    return _closed({"turns": {"type": "array", "items": {"anyOf": turns}}})


def parse_script(text: str) -> Script:
    """Read an answer. Never raises: what cannot be read is a script with a `problem`."""
    try:
        document = cast("object", orjson.loads(text))
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        return Script(problem=f"the answer is not valid JSON: {error}")
    if _is_nested_too_deep(document):
        return Script(problem=f"the answer has values nested more than {MAX_NESTING} deep")
    turns = cast("dict[str, object]", document).get("turns") if isinstance(document, dict) else None
    if not isinstance(turns, list):
        return Script(problem="the answer has no list 'turns'")
    entries = cast("list[object]", turns)
    if not 0 < len(entries) <= MAX_TURNS:
        return Script(problem=f"the script has {len(entries)} turns, expected 1 to {MAX_TURNS}")
    parsed: list[ScriptTurn] = []
    for position, entry in enumerate(entries):
        turn = _parse_turn(entry)
        if isinstance(turn, str):
            return Script(problem=f"turn {position}: {turn}")
        parsed.append(turn)
    return Script(turns=tuple(parsed))


_Container = dict[str, object] | list[object]
_CONTAINERS: Final = (dict, list)


def _is_nested_too_deep(document: object) -> bool:
    """Look level by level, without recursion."""
    level: list[_Container] = [document] if isinstance(document, _CONTAINERS) else []
    for _ in range(MAX_NESTING):
        inner = chain.from_iterable([value.values() if isinstance(value, dict) else value for value in level])
        level = [value for value in inner if isinstance(value, _CONTAINERS)]
        if not level:
            return False
    return True


def _parse_turn(entry: object) -> ScriptTurn | str:
    if not isinstance(entry, dict):
        return "expected an object"
    turn = cast("dict[str, object]", entry)
    role = turn.get("role")
    if role in ("customer", "counsellor"):
        text = turn.get("text")
        return ScriptTurn(role=role, text=text.strip()) if isinstance(text, str) else "expected a string 'text'"
    if role == "call":
        call = _parse_call(turn)
        return call if isinstance(call, str) else ScriptTurn(role="call", calls=(call,))
    if role == "calls" and isinstance(turn.get("calls"), list):
        calls = [_parse_call(call) for call in cast("list[object]", turn["calls"])]
        bad = next((call for call in calls if isinstance(call, str)), None)
        good = tuple(call for call in calls if isinstance(call, ScriptCall))
        return bad or (ScriptTurn(role="call", calls=good) if good else "expected at least one call")
    return f"unknown role {role!r}"


def _parse_call(entry: object) -> ScriptCall | str:
    call = cast("dict[str, object]", entry) if isinstance(entry, dict) else {}
    tool, arguments = call.get("tool"), call.get("args")
    if not isinstance(tool, str) or not isinstance(arguments, dict):
        return "expected a call with a string 'tool' and an object 'args'"
    given = {name: value for name, value in cast("dict[str, object]", arguments).items() if value is not None}
    return ScriptCall(tool, given)


def _call_schema(function: Mapping[str, object]) -> dict[str, object]:
    parameters = cast("dict[str, object]", function["parameters"])
    required = cast("Sequence[str]", parameters["required"])
    properties = cast("dict[str, dict[str, object]]", parameters["properties"])
    arguments = {
        name: _argument_schema(spec, is_required=name in required)
        for name, spec in properties.items()
        if name != "user_id"
    }
    return {"tool": _const(cast("str", function["name"])), "args": _closed(arguments)}


def _argument_schema(spec: Mapping[str, object], *, is_required: bool) -> dict[str, object]:
    """Keep type and enum; what strict mode cannot say is checked after performing."""
    kind = "string" if spec["type"] == "object" else cast("str", spec["type"])
    schema: dict[str, object] = {"type": kind if is_required else [kind, "null"]}
    if "enum" in spec:
        values = cast("list[object]", spec["enum"])
        schema["enum"] = values if is_required else [*values, None]
    if kind == "array":
        schema["items"] = {"type": "string"}
    return schema


def _const(value: str) -> dict[str, object]:
    return {"type": "string", "enum": [value]}


def _closed(properties: Mapping[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
