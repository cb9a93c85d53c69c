"""Reads `tests/golden/qwen_cases.json` into records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from datagen_core.dialogue.inline import render_calls, render_responses
from datagen_core.dialogue.models import ToolCall

_FILE = Path(__file__).parents[2] / "golden" / "qwen_cases.json"


class QwenCase(NamedTuple):
    name: str
    record: dict[str, Any]
    has_golden: bool


def read_cases() -> list[QwenCase]:
    document = json.loads(_FILE.read_text(encoding="utf-8"))
    return [
        QwenCase(case["name"], _read_record(case, document["tools"]), case.get("golden", False))
        for case in document["cases"]
    ]


def _read_record(case: dict[str, Any], tool_sets: dict[str, Any]) -> dict[str, Any]:
    record = {
        "uid": "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed",
        "dates": "2026-02-14",
        "system_prompt": case["system"],
        "messages": [_read_turn(*turn.popitem()) for turn in case["turns"]],
        "meta": {"scenario_id": case["name"]},
    }
    return record if case["tools"] is None else {"tools": tool_sets[case["tools"]], **record}


def _read_turn(kind: str, value: Any) -> dict[str, str]:
    match kind:
        case "customer":
            return {"role": "user", "content": value}
        case "counsellor":
            return {"role": "assistant", "content": value}
        case "call":
            return {"role": "assistant", "content": render_calls([ToolCall(*call) for call in value])}
        case "response":
            return {"role": "user", "content": render_responses(value)}
        case _:
            return {"role": value[0], "content": value[1]}
