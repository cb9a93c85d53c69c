"""Reading what the LLM wrote: any text gives a script or a problem, never an exception."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.dialogue.script import MAX_NESTING, ScriptCall, parse_script

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_TURN = st.fixed_dictionaries(
    {}, optional={"role": st.sampled_from(["customer", "call", "calls", "counsellor", "system"]) | _JSON, "text": _JSON,
                  "tool": _JSON, "args": _JSON, "calls": _JSON}
)  # fmt: skip


@given(st.text() | _JSON.map(json.dumps) | st.lists(_TURN, max_size=5).map(lambda t: json.dumps({"turns": t})))
def test_any_text_gives_turns_or_a_problem(text: str) -> None:
    script = parse_script(text)
    assert bool(script.turns) != (script.problem is not None)


@given(st.integers(0, 1_100), st.lists(st.sampled_from("[{"), min_size=1, max_size=3), st.booleans())
def test_values_nested_deep_give_a_problem_wherever_they_stand(depth: int, shape: list[str], in_role: bool) -> None:
    opened = [shape[n % len(shape)] for n in range(depth)]
    value = "".join('{"x":' if one == "{" else "[" for one in opened) + "0"
    value += "".join("}" if one == "{" else "]" for one in reversed(opened))
    field = f'"role": {value}' if in_role else f'"role": "call", "tool": "get_cart", "args": {{"a": {value}}}'
    script = parse_script(f'{{"turns": [{{{field}}}]}}')
    assert bool(script.turns) != (script.problem is not None)
    if depth > MAX_NESTING:
        assert "nested" in str(script.problem) or "not valid JSON" in str(script.problem)


@pytest.mark.parametrize("depth", [0, 5])
def test_values_nested_a_little_are_read(depth: int) -> None:
    value = "[" * depth + "1" + "]" * depth
    script = parse_script(f'{{"turns": [{{"role": "call", "tool": "t", "args": {{"a": {value}}}}}]}}')
    assert script.problem is None


def test_null_arguments_are_left_out_and_texts_trimmed() -> None:
    script = parse_script(
        '{"turns": [{"role": "customer", "text": " 치킨 "}, {"role": "call", "tool": "search_restaurants", '
        '"args": {"query": "치킨", "category": null}}, {"role": "counsellor", "text": "네"}]}'
    )
    assert [turn.text for turn in script.turns] == ["치킨", "", "네"]
    assert script.turns[1].calls == (ScriptCall("search_restaurants", {"query": "치킨"}),)


def test_parallel_calls_are_one_turn() -> None:
    call = {"tool": "get_cart", "args": {}}
    script = parse_script(json.dumps({"turns": [{"role": "calls", "calls": [call, call]}]}))
    assert len(script.turns[0].calls) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not valid JSON"),
        ('{"turns": [', "not valid JSON"),
        ("\ud800", "not valid JSON"),
        ("[]", "no list 'turns'"),
        ('{"turns": []}', "0 turns"),
        (json.dumps({"turns": [{"role": "customer", "text": "a"}] * 201}), "201 turns"),
        ('{"turns": [{"role": "customer"}]}', "turn 0: expected a string 'text'"),
        ('{"turns": [{"role": "bot", "text": "a"}]}', "turn 0: unknown role 'bot'"),
        ('{"turns": [{"role": "call", "tool": 1, "args": {}}]}', "turn 0: expected a call"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, problem: str) -> None:
    assert problem in str(parse_script(text).problem)
