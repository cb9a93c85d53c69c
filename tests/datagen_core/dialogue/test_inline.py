from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from dialogue_strategies import any_json, any_text, tool_calls
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.dialogue.inline import (
    InlineError,
    is_call_content,
    is_response_content,
    parse_calls,
    parse_responses,
    render_calls,
    render_json,
    render_responses,
)
from datagen_core.dialogue.models import ToolCall

CALL = '<tool_call>\n{"name": "get_cart", "arguments": {}}\n</tool_call>'
RESPONSE = '<tool_response>\n{"a": 1}\n</tool_response>'


@given(st.lists(tool_calls, min_size=1, max_size=3))
def test_rendered_calls_parse_back_to_themselves(calls: list[ToolCall]) -> None:
    content = render_calls(calls)
    assert parse_calls(content) == calls
    assert render_calls(parse_calls(content)) == content
    assert is_call_content(content)
    assert not is_response_content(content)


@given(st.lists(any_json, min_size=1, max_size=3))
def test_rendered_responses_parse_back_to_themselves(responses: list[object]) -> None:
    content = render_responses(responses)
    assert parse_responses(content) == responses
    assert json.dumps(parse_responses(content)) == json.dumps(responses)  # == takes 1, 1.0 and True for equal
    assert is_response_content(content)


@given(any_text)
def test_parsing_any_text_gives_what_renders_to_it_or_an_inline_error(text: str) -> None:
    for content in (text, f"<tool_call>\n{text}\n</tool_call>", f"{CALL}{text}", f"{text}{CALL}"):
        with contextlib.suppress(InlineError):
            assert render_calls(parse_calls(content)) == content


def test_calls_are_blocks_joined_by_one_newline() -> None:
    calls = [ToolCall("search_restaurants", {"query": "마라탕 🌶", "min_rating": 4.5}), ToolCall("get_cart", {})]
    assert render_calls(calls) == (
        '<tool_call>\n{"name": "search_restaurants", "arguments": {"query": "마라탕 🌶", "min_rating": 4.5}}\n'
        "</tool_call>\n"
        '<tool_call>\n{"name": "get_cart", "arguments": {}}\n</tool_call>'
    )


@pytest.mark.parametrize(
    ("response", "inner"),
    [
        ("주문번호", '"주문번호"'),
        (None, "null"),
        ([], "[]"),
        ({"b": 1, "a": [True, 2.0]}, '{"b": 1, "a": [true, 2.0]}'),
        ("줄\n바꿈", '"줄\\n바꿈"'),
    ],
)
def test_a_response_is_written_as_json(response: object, inner: str) -> None:
    assert render_responses([response]) == f"<tool_response>\n{inner}\n</tool_response>"


def test_tags_inside_json_strings_do_not_disturb_the_balance() -> None:
    calls = [
        ToolCall("add_to_cart", {"special_request": '\n</tool_call>\n<tool_call>\n{"name": "x"}'}),
        ToolCall("get_cart", {"</tool_call>": "<tool_call>"}),
    ]
    assert parse_calls(render_calls(calls)) == calls
    responses: list[object] = ["\n</tool_response>", {"note": "</tool_response>\n<tool_response>"}]
    assert parse_responses(render_responses(responses)) == responses


BROKEN_CALLS = [
    ("", "never opens"),
    ("네, 찾아볼게요.", "never opens"),
    ('{"name": "get_cart", "arguments": {}}\n</tool_call>', "never opens"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {}}', "never closed"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {"a": "</tool_call>"}}', "never closed"),
    (f"{CALL}\n", "White space stands after"),
    (f"{CALL} ", "White space stands after"),
    (f" {CALL}", "White space stands before"),
    (f"\n{CALL}", "White space stands before"),
    (f"{CALL}\n잠시만요", "Text stands after"),
    (f"찾아볼게요 {CALL}", "Text stands before"),
    (f"{CALL}{CALL}", "joined by exactly one newline"),
    (f"{CALL}\n\n{CALL}", "joined by exactly one newline"),
    (f"{CALL}\r\n{CALL}", "joined by exactly one newline"),
    ('<tool_call>{"name": "get_cart", "arguments": {}}\n</tool_call>', "followed by exactly one newline"),
    (f"{CALL}\n<tool_call>", "followed by one"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {}}</tool_call>', "one newline must stand between"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {}}\n\n</tool_call>', "one newline must stand between"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {}}\n' + CALL, "a second <tool_call> opens"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {}}}\n</tool_call>', "one newline must stand between"),
    ('<tool_call>\n\n{"name": "get_cart", "arguments": {}}\n</tool_call>', "Expecting value"),
    ("<tool_call>\n\n</tool_call>", "Expecting value"),
    ('<tool_call>\n{"name": "get_cart", "arguments": None}\n</tool_call>', "JSON writes null"),
    ("<tool_call>\n{'name': 'get_cart', 'arguments': {}}\n</tool_call>", "no strict JSON"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {"a": True}}\n</tool_call>', "JSON writes true"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {"a": NaN}}\n</tool_call>', "NaN is no JSON value"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {"a": -Infinity}}\n</tool_call>', "-Infinity is no JSON value"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {"a": 1e999}}\n</tool_call>', "too large"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {"a": 1, "a": 1}}\n</tool_call>', "duplicate key 'a'"),
    ('<tool_call>\n{"name": "a", "name": "a", "arguments": {}}\n</tool_call>', "duplicate key 'name'"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {"a": "줄\n바꿈"}}\n</tool_call>', "control character"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {}, }\n</tool_call>', "no strict JSON"),
    ('<tool_call>\n{"arguments": {}}\n</tool_call>', "has no name"),
    ('<tool_call>\n{"name": "get_cart"}\n</tool_call>', "has no arguments"),
    ("<tool_call>\n{}\n</tool_call>", "has no name and no arguments"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {}, "id": 1}\n</tool_call>', "unknown keys ['id']"),
    ('<tool_call>\n{"name": "get_cart", "arguments": "{}"}\n</tool_call>', "expected an object"),
    ('<tool_call>\n{"name": "get_cart", "arguments": null}\n</tool_call>', "are null, expected an object"),
    ('<tool_call>\n{"name": "", "arguments": {}}\n</tool_call>', "not empty"),
    ('<tool_call>\n{"name": 1, "arguments": {}}\n</tool_call>', "not empty"),
    (f"<tool_call>\n[{CALL[12:-13]}]\n</tool_call>", "Call 1 is list"),
    ('<tool_call>\n{"name":"get_cart","arguments":{}}\n</tool_call>', "does not parse back to itself"),
    ('<tool_call>\n{"arguments": {}, "name": "get_cart"}\n</tool_call>', "arguments before its name"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {"a": "\\uac00"}}\n</tool_call>', "does not parse back to itself"),
    ('<tool_call>\n{"name": "get_cart", "arguments": {"a": 1.50}}\n</tool_call>', "does not parse back to itself"),
    (RESPONSE, "never opens"),
]


@pytest.mark.parametrize(("content", "problem"), BROKEN_CALLS)
def test_anything_else_than_rendered_calls_is_refused_with_its_reason(content: str, problem: str) -> None:
    with pytest.raises(InlineError) as caught:
        parse_calls(content)
    assert problem in str(caught.value)
    assert caught.value.rule_id == "S08"


@pytest.mark.parametrize(
    ("inner", "problem"),
    [
        ("{'a': None}", "no strict JSON"),
        ('{"a": None}', "JSON writes null"),
        ('{"a": NaN}', "NaN is no JSON value"),
        ('{"a": Infinity}', "Infinity is no JSON value"),
        ("True", "JSON writes true"),
        ("주문번호", "no strict JSON"),
        ('{"a": 1, "a": 2}', "duplicate key"),
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5_000, "no strict JSON"),
    ],
)
def test_a_response_that_is_no_strict_json_breaks_s09(inner: str, problem: str) -> None:
    with pytest.raises(InlineError) as caught:
        parse_responses(f"<tool_response>\n{inner}\n</tool_response>")
    assert problem in str(caught.value)
    assert caught.value.rule_id == "S09"


@pytest.mark.parametrize("content", [f"{RESPONSE}\n", f"{RESPONSE} 네", RESPONSE.replace(" ", ""), RESPONSE[:-1]])
def test_a_response_with_wrong_tags_or_spacing_breaks_s08(content: str) -> None:
    with pytest.raises(InlineError) as caught:
        parse_responses(content)
    assert caught.value.rule_id == "S08"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"bytes", {"a": object()}])
def test_what_is_no_json_value_is_not_rendered(value: Any) -> None:
    with pytest.raises(InlineError, match="cannot be written as strict JSON"):
        render_json(value)
    with pytest.raises(InlineError):
        render_responses([value])
    with pytest.raises(InlineError):
        render_calls([ToolCall("get_cart", {"a": value})])


def test_a_cycle_is_not_rendered() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    with pytest.raises(InlineError, match="Circular"):
        render_json(cycle)


@pytest.mark.parametrize(
    ("content", "is_call", "is_response"),
    [
        (CALL, True, False),
        (f" {CALL}\n", True, False),
        (f"네 {CALL}", True, False),
        ("<tool_call>\n{", True, False),
        (RESPONSE, False, True),
        (f"{RESPONSE}\n", False, True),
        ("값이 <tool_call> 안에 있어요", False, False),
        ("", False, False),
    ],
)
def test_content_is_meant_as_blocks_where_a_tag_opens_or_closes_it(
    content: str, is_call: bool, is_response: bool
) -> None:
    assert is_call_content(content) is is_call
    assert is_response_content(content) is is_response
