"""Reads the case table: each JSON file under `cases` lists dialogues that keep or break one rule.

A dialogue is written short. `turns` are `{"customer": …}`, `{"counsellor": …}` and `{"call": tool, "arguments": …,
"response": …}`, or raw `messages` stand in their place. `@user`, `@shop1`, `@dish2` … stand for UUIDs, and the string
`@snapshot` for the last checkout. Where `meta` has an opening, calls without a response are answered by the backend,
handles (`R1`) in arguments are resolved, and `edit` changes fields of that answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from uuid import NAMESPACE_URL, uuid5

from datagen_core.checks import Case, case_from_record
from datagen_core.config import TOOLS
from datagen_core.dialogue.inline import render_calls, render_responses
from datagen_core.dialogue.models import ToolCall
from datagen_core.environment import Environment, Handles, Opening

Json = dict[str, object]

FOLDER = Path(__file__).parent / "cases"
USER = "@user"
_NAME = re.compile(r"@[a-z]+[0-9]*")
_USER_ID = str(uuid5(NAMESPACE_URL, USER))


@dataclass(frozen=True)
class Row:
    """One dialogue of the table. `also` are further rules that this damage breaks."""

    rule: str
    name: str
    breaks: bool
    record: Json
    also: frozenset[str] = field(default=frozenset())

    @property
    def case(self) -> Case:
        return case_from_record(self.record)


def iter_rows() -> Iterator[Row]:
    for path in sorted(FOLDER.glob("*.json")):
        for entry in cast("list[Json]", json.loads(path.read_text(encoding="utf-8"))):
            yield Row(
                rule=cast("str", entry["rule"]),
                name=cast("str", entry["case"]),
                breaks=cast("bool", entry["breaks"]),
                record=build_record(entry),
                also=frozenset(cast("list[str]", entry.get("also", []))),
            )


def build_record(entry: Mapping[str, object]) -> Json:
    """Return the row of `dataset.jsonl` that an entry of the table stands for."""
    meta = cast("Json", _name(entry.get("meta", {})))
    record: Json = {
        "tools": entry.get("tools", TOOLS),
        "uid": _USER_ID,
        "dates": "2026-02-14",
        "system_prompt": _name(entry.get("system_prompt", f"배달 앱의 AI 상담사입니다.\n고객 ID: {USER}")),
        "messages": entry["messages"] if "messages" in entry else _Writer(meta).write(entry["turns"]),
        "meta": meta,
    }
    left_out = cast("list[str]", entry.get("without", []))
    return {key: value for key, value in record.items() if key not in left_out}


class _Writer:
    def __init__(self, meta: Json) -> None:
        opening = meta.get("opening")
        self.environment = Environment(Opening.model_validate(opening)) if isinstance(opening, dict) else None
        self.handles = Handles(self.environment) if self.environment is not None else None
        self.snapshot: object = None

    def write(self, turns: object) -> list[Json]:
        return [message for turn in cast("list[Json]", turns) for message in self._write_turn(turn)]

    def _write_turn(self, turn: Json) -> Iterator[Json]:
        if "call" not in turn:
            role = "user" if "customer" in turn else "assistant"
            yield {"role": role, "content": _name(turn.get("customer", turn.get("counsellor")))}
            return
        call = ToolCall(cast("str", turn["call"]), cast("Json", self._resolve(_name(turn["arguments"]))))
        yield {"role": "assistant", "content": render_calls([call])}
        response = _name(turn["response"]) if "response" in turn else self._execute(call)
        if isinstance(response, dict) and "edit" in turn:
            response = {**cast("Json", response), **cast("Json", turn["edit"])}
        if call.name == "prepare_checkout":
            self.snapshot = response
        yield {"role": "user", "content": render_responses([response])}

    def _execute(self, call: ToolCall) -> object:
        assert self.environment is not None, "a call without a response needs an opening"
        return self.environment.execute(call.name, call.arguments)

    def _resolve(self, value: object) -> object:
        if isinstance(value, dict):
            return {key: self._resolve(inner) for key, inner in cast("Json", value).items()}
        if isinstance(value, list):
            return [self._resolve(inner) for inner in cast("list[object]", value)]
        if value == "@snapshot":
            return self.snapshot
        if isinstance(value, str) and self.handles is not None:
            return self.handles.resolve(value) or value
        return value


def _name(value: object) -> object:
    """Put UUIDs in the place of `@user`, `@shop1` … wherever they stand."""
    if isinstance(value, dict):
        return {key: _name(inner) for key, inner in cast("Json", value).items()}
    if isinstance(value, list):
        return [_name(inner) for inner in cast("list[object]", value)]
    if isinstance(value, str) and value != "@snapshot":
        return _NAME.sub(lambda match: str(uuid5(NAMESPACE_URL, match[0])), value)
    return value
