"""Records for the tests of this folder: everything that a library has been seen to change on the way."""

from __future__ import annotations

from pathlib import Path

from datagen_core.dataset import CardFacts
from datagen_core.files import JsonObject, write_jsonl

FACTS = CardFacts(
    title="Delivery dialogues",
    n_rows=3,
    kinds={"tool_use": 3},
    provider="openai",
    model="gpt-6-luna",
    simulated=False,
    versions={"rules": "3", "prompt": "7"},
    seed=11,
    funnel={"requested": 5, "accepted": 3, "rejected": 2},
)

_TEXTS = (
    "안녕하세요, 짜장면 두 개요 🍜👨‍👩‍👧",
    "2026-02-14T19:10:00+09:00",
    "2026-02-14",
    '{"name": "get_cart", "arguments": {}}',
    "null",
    "12345678901234567890",
    ' "따옴표"\n줄바꿈\t탭 \u2028 \\n  ',
)


def make_record(number: int) -> JsonObject:
    """Return a record whose values are easily mistaken for others; tools and meta differ from row to row."""
    messages = [
        {"role": "user" if index % 2 == 0 else "assistant", "content": f"{text}{number if index == 0 else ''}"}
        for index, text in enumerate(_TEXTS)
    ]
    tool: JsonObject = {"name": f"tool_{number % 3}", "description": "식당 찾기", "parameters": {"type": "object"}}
    if number % 2:
        tool["parameters"] = {"type": "object", "properties": {"at": {"type": "string", "enum": ["a", None, 1.0]}}}
    return {
        "tools": [{"type": "function", "function": tool}] * (number % 3),
        "uid": "0b3c1a52-5d51-5c6a-9d39-3f1f6b7d2a10",
        "dates": "2026-02-14",
        "system_prompt": f"당신은 상담사입니다. 고객 {number}",
        "messages": messages,
        "meta": {
            "scenario_id": f"s-{number:06d}",
            "kind": "tool_use" if number % 2 else "clarification",
            "category": "메뉴 조회" if number % 2 else None,
            "goal": [{"cart": {"M3": number}}, {"paid": True, "at": "2026-02-14T19:10:00+09:00"}],
            "usage": {"rate": 1.0, "n": 1, "none": None, "text": "1"},
        },
    }


def write_records(path: Path, *numbers: int) -> Path:
    """Write the records of these numbers to `path`."""
    write_jsonl(path, (make_record(number) for number in numbers))
    return path
