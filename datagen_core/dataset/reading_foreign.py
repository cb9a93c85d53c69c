"""Decides how a row becomes one of our form: ours as it stands, OpenAI's with its calls and responses put inline."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple, cast

from datagen_core.checks import RULES, Case, Violation, case_from_record, check_dialogue
from datagen_core.dataset.converting import RESPONSE_ROLES, SYSTEM_ROLES, Conversion, as_object, load_json, text_of
from datagen_core.files import JsonObject

_OURS: Final = frozenset({"uid", "dates", "system_prompt"})
_NO_PROMPT: Final = "-"
"""Stands where OpenAI's form has no system message, which is no fault there."""
_UUID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_DATE: Final = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b")
_JSON_COLUMNS: Final = ("tools", "meta", "functions", "messages")
"""Columns that are often JSON in a string, as in our own Parquet shards."""


class Reading(NamedTuple):
    """A row in our form; `faults` could not be said in it, and `places` are its messages' places in the row, from 0."""

    record: JsonObject
    is_ours: bool
    faults: tuple[Violation, ...] = ()
    places: tuple[int, ...] = ()

    def judge(self) -> tuple[Case, list[Violation]]:
        """Return the row as a case, and every violation; turns are counted as in the row.

        Where a message could not be put into our form, rules that need the structure have nothing to judge.
        """
        case = case_from_record(self.record)
        found = [violation._replace(turn=self._place(violation.turn)) for violation in check_dialogue(case)]
        told = {(fault.rule, fault.turn) for fault in self.faults}
        is_whole = told <= {("S05", fault.turn) for fault in self.faults}
        kept = (one for one in found if is_whole or not RULES[one.rule].needs_structure)
        return case, [*self.faults, *(one for one in kept if (one.rule, one.turn) not in told)]

    def _place(self, turn: int | None) -> int | None:
        is_moved = turn is not None and not self.is_ours and turn < len(self.places)
        return self.places[turn] if is_moved and turn is not None else turn


def read_row(row: Mapping[str, object], *, is_columnar: bool = False) -> Reading:
    """Return a row of any dataset in our form. Never raises: what cannot be read breaks S01, S02, S05, S08 or S09.

    A row with `uid`, `dates` or `system_prompt` and nothing of OpenAI's in its messages is ours. Of any other,
    `messages` may hold system, developer, tool and function messages, `tool_calls` or `function_call`, arguments as
    JSON text or as an object, contents as text or as parts of text; tools may stand under `tools` or `functions`,
    with or without their wrapping. These may be JSON in a string; in ours only where it `is_columnar` (Parquet).
    """
    plain = {key: load_json(value) if key in _JSON_COLUMNS else value for key, value in row.items()}
    messages = plain.get("messages")
    entries = cast("list[object]", messages) if isinstance(messages, list) else []
    if is_columnar and isinstance(messages, list):  # `datasets` writes messages of unequal keys as JSON, one by one
        plain["messages"] = entries = [load_json(entry) for entry in entries]
    if not isinstance(messages, list) or (_OURS & plain.keys() and not any(map(_is_structured, entries))):
        return Reading(plain if is_columnar else dict(row), is_ours=True)
    return _convert(plain, entries)


def _is_structured(message: object) -> bool:
    fields = as_object(message)
    has_calls = any(fields.get(key) for key in ("tool_calls", "function_call"))
    role = fields.get("role")
    return has_calls or (isinstance(role, str) and role in SYSTEM_ROLES | RESPONSE_ROLES)


def _convert(row: JsonObject, messages: list[object]) -> Reading:
    conversion = Conversion(_read_prompt(row))
    for place, message in enumerate(messages):
        conversion.take(place, message)
    conversion.flush()
    meta = as_object(row.get("meta"))
    record: JsonObject = {
        "tools": _read_tools(row),
        "uid": text_of(row.get("uid")) or _find_only(_UUID, conversion.system_prompt),
        "dates": text_of(row.get("dates")) or _find_only(_DATE, conversion.system_prompt),
        "system_prompt": conversion.system_prompt or _NO_PROMPT,
        "messages": conversion.messages,
        # Of another's meta nothing is known.
        "meta": meta if "scenario_id" in meta else {},
    }
    return Reading(record, is_ours=False, faults=tuple(conversion.faults), places=tuple(conversion.places))


def _find_only(pattern: re.Pattern[str], prompt: str) -> str:
    """Return what the system prompt has exactly one of: in our own export, customer and date stand nowhere else."""
    found = set(pattern.findall(prompt))
    return found.pop() if len(found) == 1 else ""


def _read_prompt(row: Mapping[str, object]) -> str:
    return text_of(row.get("system_prompt")) or text_of(row.get("system"))


def _read_tools(row: Mapping[str, object]) -> object:
    """Return the tools, each wrapped as OpenAI does; what is no list stays for C07 or S01 to find."""
    tools = row.get("tools")
    tools = row.get("functions") if tools is None else tools
    if not isinstance(tools, list):
        return tools
    return [_wrap_tool(load_json(tool)) for tool in cast("list[object]", tools)]


def _wrap_tool(tool: object) -> object:
    fields = as_object(tool)
    wrapped: JsonObject = {"type": "function", "function": fields}
    return wrapped if "name" in fields and "function" not in fields else tool
