from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest
from dialogue_strategies import any_json, dialogues
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen_core.dialogue.models import Dialogue, ToolCall, Turn
from datagen_core.dialogue.record import (
    RECORD_KEYS,
    MessageProblem,
    RecordError,
    from_record,
    read_messages,
    record_line,
    to_record,
)

CALL = '<tool_call>\n{"name": "get_cart", "arguments": {}}\n</tool_call>'
RESPONSE = "<tool_response>\nnull\n</tool_response>"
DIALOGUE = Dialogue(
    uid="1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed",
    date="2026-02-14",
    system_prompt="상담사입니다.",
    turns=(
        Turn("customer", text="장바구니 보여줘 🛒"),
        Turn("call", calls=(ToolCall("get_cart", {}),)),
        Turn("response", responses=(None,)),
        Turn("counsellor", text="비어 있습니다."),
    ),
    tools=({"type": "function", "function": {"name": "get_cart"}},),
)


def user(content: object) -> dict[str, object]:
    return {"role": "user", "content": content}


def assistant(content: object) -> dict[str, object]:
    return {"role": "assistant", "content": content}


@settings(max_examples=40)
@given(dialogues)
def test_a_dialogue_comes_back_from_its_record_and_from_its_line(dialogue: Dialogue) -> None:
    record = to_record(replace(dialogue, tools=DIALOGUE.tools), {})
    line = record_line(record)
    assert b"\n" not in line
    assert from_record(record) == from_record(orjson.loads(line)) == replace(dialogue, tools=DIALOGUE.tools)


messages_of_any_kind = st.lists(st.one_of(any_json, st.fixed_dictionaries({"role": any_json, "content": any_json})))


@settings(max_examples=50)
@given(st.one_of(any_json, messages_of_any_kind))
def test_reading_anything_gives_problems_and_never_raises(messages: object) -> None:
    turns, problems = read_messages(messages)
    assert turns or problems


def test_the_record_has_its_keys_in_order_and_its_contents_inline() -> None:
    record = to_record(DIALOGUE, {"kind": "tool_use"})
    assert tuple(record) == RECORD_KEYS
    assert record["messages"] == [
        user("장바구니 보여줘 🛒"),
        assistant(CALL),
        user(RESPONSE),
        assistant("비어 있습니다."),
    ]
    assert (record["uid"], record["dates"], record["meta"]) == (DIALOGUE.uid, "2026-02-14", {"kind": "tool_use"})


def test_a_line_is_unescaped_utf8_with_keys_in_order_whatever_the_dicts_order() -> None:
    record = to_record(DIALOGUE, {})
    shuffled: Any = dict(reversed(record.items()))
    line = record_line(shuffled)
    assert line == record_line(record)
    assert "장바구니 보여줘 🛒".encode() in line
    assert tuple(json.loads(line)) == RECORD_KEYS


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"system_prompt": "\ud800"}, "system_prompt"),
        ({"meta": {"seed": 2**64}}, "meta"),
        ({"tools": [{"a": object()}]}, "tools"),
    ],
)
def test_what_json_cannot_hold_is_named(change: dict[str, Any], field: str) -> None:
    record: Any = {**to_record(DIALOGUE, {}), **change}
    with pytest.raises(RecordError) as caught:
        record_line(record)
    assert caught.value.field == field


def test_a_line_needs_every_key() -> None:
    record: Any = dict(to_record(DIALOGUE, {}))
    del record["meta"]
    with pytest.raises(RecordError, match="field 'meta': is missing"):
        record_line(record)


PROBLEMS: list[tuple[Any, list[tuple[int, str]]]] = [
    (None, [(0, "S01")]),
    ([], [(0, "S01")]),
    ({"role": "user"}, [(0, "S01")]),
    ([user("안녕"), "text"], [(1, "S01")]),
    ([{"content": "안녕"}], [(0, "S01")]),
    ([{"role": "user"}], [(0, "S01")]),
    ([user(None)], [(0, "S01")]),
    ([user([{"type": "text"}])], [(0, "S01")]),
    ([{"role": 3, "content": "안녕"}], [(0, "S01")]),
    ([{"role": ["user"], "content": "안녕"}], [(0, "S01")]),
    ([{**user("안녕"), "tool_calls": []}], [(0, "S01")]),
    ([user("안녕"), {"role": "tool", "content": "{}"}], [(1, "S02")]),
    ([user(RESPONSE)], [(0, "S02")]),
    ([user("안녕"), assistant("네"), user(RESPONSE)], [(2, "S02")]),
    ([user("안녕"), assistant(CALL), user(RESPONSE), user(RESPONSE)], [(3, "S02")]),
    ([user("안녕"), assistant(RESPONSE)], [(1, "S02")]),
    ([user(CALL)], [(0, "S02")]),
    ([user(""), assistant(" \n")], [(0, "S07"), (1, "S07")]),
    ([user("안녕"), assistant(CALL + "\n")], [(1, "S08")]),
    ([user("안녕"), assistant("잠시만요. " + CALL)], [(1, "S08")]),
    ([user("안녕"), assistant(CALL), user(RESPONSE + "\n")], [(2, "S08")]),
    ([user("안녕"), assistant(CALL), user(RESPONSE.replace("null", "None"))], [(2, "S09")]),
    ([user("안녕"), assistant(CALL), user(RESPONSE.replace("null", "NaN"))], [(2, "S09")]),
    ([user(RESPONSE.replace("null", "True"))], [(0, "S02"), (0, "S09")]),
    ([user("안녕"), assistant(CALL[:-1]), user(RESPONSE), assistant("")], [(1, "S08"), (3, "S07")]),
]


@pytest.mark.parametrize(("messages", "expected"), PROBLEMS)
def test_each_problem_is_reported_with_its_message_and_rule(messages: Any, expected: list[tuple[int, str]]) -> None:
    _, problems = read_messages(messages)
    assert [(problem.index, problem.rule_id) for problem in problems] == expected
    assert all(problem.message for problem in problems)


def test_sound_messages_have_no_problems() -> None:
    turns, problems = read_messages(to_record(DIALOGUE, {})["messages"])
    assert tuple(turns) == DIALOGUE.turns
    assert problems == []


def test_an_unreadable_call_still_gives_a_call_turn_and_takes_a_response() -> None:
    broken = CALL.replace("{}", "{")
    turns, problems = read_messages([user("안녕"), assistant(broken), user(RESPONSE)])
    assert turns[1:] == [Turn("call", text=broken), Turn("response", responses=(None,))]
    assert [type(problem) for problem in problems] == [MessageProblem]


def test_a_tag_inside_a_sentence_is_left_to_rule_t02() -> None:
    turns, problems = read_messages([user("저 <tool_call> 가 뭐예요?"), assistant("값은 <tool_response> 안에 있어요")])
    assert [turn.role for turn in turns] == ["customer", "counsellor"]
    assert problems == []


@pytest.mark.parametrize(
    ("change", "field", "index"),
    [
        ({"uid": 3}, "uid", None),
        ({"dates": None}, "dates", None),
        ({"system_prompt": []}, "system_prompt", None),
        ({"tools": {}}, "tools", None),
        ({"tools": [1]}, "tools", None),
        ({"messages": []}, "messages", 0),
        ({"messages": [user("안녕"), assistant("")]}, "messages", 1),
    ],
)
def test_a_bad_record_names_field_and_message(change: dict[str, Any], field: str, index: int | None) -> None:
    record: Mapping[str, object] = {**to_record(DIALOGUE, {}), **change}
    with pytest.raises(RecordError) as caught:
        from_record(record)
    assert (caught.value.field, caught.value.index) == (field, index)
    assert field in str(caught.value)


@pytest.mark.parametrize("field", ["uid", "dates", "system_prompt", "messages"])
def test_a_record_without_a_field_is_refused(field: str) -> None:
    record = {key: value for key, value in to_record(DIALOGUE, {}).items() if key != field}
    with pytest.raises(RecordError, match=f"field '{field}': is missing"):
        from_record(record)


def test_unknown_fields_of_a_record_are_passed_over() -> None:
    assert from_record({**to_record(DIALOGUE, {}), "source": "hub"}) == DIALOGUE
