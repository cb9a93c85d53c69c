"""Decides whether a record renders equal through its inline and its structured form (Z02)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache

from datagen_core.checks.case import Case
from datagen_core.checks.registry import Finding, rule
from datagen_core.dialogue.inline import is_call_content, is_response_content


@rule(
    "Z02",
    "The record renders equal through its inline and its structured form.",
    korean="도구 이름과 말에 따옴표, 역슬래시, 태그를 섞지 않습니다.",
)
def check_rendering(case: Case) -> Iterator[Finding]:
    """Find what the chat templates write otherwise when calls and responses are fields instead of text.

    Of a record whose blocks parse back to themselves (S08) that is only a tool's name that JSON escapes, which the
    templates do not; `</think>` inside a call, where Qwen3 cuts a content but not a call; and a text that reads back
    as a block. A test compares this with both renderings, byte for byte.
    """
    for index, turn in enumerate(case.turns):
        for call in turn.calls:
            if _is_escaped(call.name):
                yield Finding(index, f"JSON escapes the tool's name {call.name!r}, chat templates do not")
        if turn.calls and "</think>" in case.texts[index + 1][1]:
            yield Finding(index, "a call holds </think>, at which Qwen3 cuts a content")
        if turn.text and "tool_" in turn.text and (is_call_content(turn.text) or is_response_content(turn.text)):
            yield Finding(index, "the text reads back as a call or a response")


@lru_cache(maxsize=1024)
def _is_escaped(name: str) -> bool:
    return json.dumps(name, ensure_ascii=False) != f'"{name}"'
