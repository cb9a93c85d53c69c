from __future__ import annotations

from typing import Any

import pytest
from dialogue_strategies import dialogues
from hypothesis import given, settings
from qwen_cases import QwenCase, read_cases
from qwen_reference import needs_reference, render_reference, render_reference_record

from datagen_core.dialogue.models import Dialogue, ToolCall, Turn
from datagen_core.dialogue.qwen import QWEN_TEMPLATES, QwenTemplate, render_qwen, render_structured
from datagen_core.dialogue.record import RecordError, from_record, to_record
from datagen_core.dialogue.structured import to_structured

templates = pytest.mark.parametrize("template", QWEN_TEMPLATES)


def is_sound(record: dict[str, Any]) -> bool:
    try:
        from_record(record)
    except RecordError:
        return False
    return True


CASES = [case for case in read_cases() if is_sound(case.record)]


@needs_reference
@templates
@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_structured_and_inline_forms_render_alike(case: QwenCase, template: QwenTemplate) -> None:
    structured: Any = to_structured(case.record)
    expected = render_reference_record(case.record, template)
    assert render_reference(structured["messages"], structured["tools"], template) == expected
    assert render_structured(structured, template) == expected


@needs_reference
@settings(max_examples=30)
@given(dialogues)
def test_any_dialogue_renders_alike_in_both_forms(dialogue: Dialogue) -> None:
    record: Any = to_record(dialogue, {})
    structured: Any = to_structured(record)
    has_thought_in_call = any("</think>" in str(turn.calls) for turn in dialogue.turns)
    for template in QWEN_TEMPLATES:
        text = render_structured(structured, template)
        assert text == render_reference(structured["messages"], structured["tools"], template)
        if template != "qwen3" or not has_thought_in_call:
            assert text == render_qwen(record, template)


def test_most_cases_are_sound() -> None:
    assert len(CASES) >= 24


def test_calls_and_responses_become_tool_messages() -> None:
    dialogue = Dialogue(
        "uid",
        "2026-02-14",
        "상담사",
        (
            Turn("customer", text="장바구니랑 주소"),
            Turn("call", calls=(ToolCall("get_cart", {"user_id": "u"}), ToolCall("list_addresses", {}))),
            Turn("response", responses=(None, "문자열")),
            Turn("counsellor", text="비어 있습니다."),
        ),
        ({"type": "function", "function": {"name": "get_cart"}},),
    )
    assert to_structured(to_record(dialogue, {"model": "m"})) == {
        "messages": [
            {"role": "system", "content": "상담사"},
            {"role": "user", "content": "장바구니랑 주소"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {"type": "function", "function": {"name": "get_cart", "arguments": {"user_id": "u"}}},
                    {"type": "function", "function": {"name": "list_addresses", "arguments": {}}},
                ],
            },
            {"role": "tool", "content": "null"},
            {"role": "tool", "content": '"문자열"'},
            {"role": "assistant", "content": "비어 있습니다."},
        ],
        "tools": [{"type": "function", "function": {"name": "get_cart"}}],
    }


@pytest.mark.parametrize("content", ["</think>", "a</think>b"])
def test_a_closing_thought_inside_an_argument_is_seen_as_a_difference(content: str) -> None:
    call = Turn("call", calls=(ToolCall("add_to_cart", {"special_request": content}),))
    record = to_record(Dialogue("u", "d", "p", (Turn("customer", text="네"), call)), {})
    structured = to_structured(record)
    assert render_structured(structured, "qwen3-2507") == render_qwen(record, "qwen3-2507")
    assert render_structured(structured, "qwen3") != render_qwen(record, "qwen3")


def test_a_name_that_json_escapes_is_seen_as_a_difference() -> None:
    call = Turn("call", calls=(ToolCall('get"cart', {}),))
    record = to_record(Dialogue("u", "d", "p", (Turn("customer", text="네"), call)), {})
    assert render_structured(to_structured(record), "qwen3") != render_qwen(record, "qwen3")


def test_a_record_that_does_not_parse_names_the_message() -> None:
    record = to_record(Dialogue("u", "2026-02-14", "p", (Turn("customer", text="네"),)), {})
    record["messages"].append({"role": "assistant", "content": "<tool_call>\n{}\n</tool_call>"})
    with pytest.raises(RecordError, match="message 1: Call 1 has no name"):
        to_structured(record)
