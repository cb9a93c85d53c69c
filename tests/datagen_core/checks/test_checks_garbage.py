from __future__ import annotations

import json
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from datagen_core.checks import Case, Violation, case_from_record, check_dialogue
from datagen_core.config import TOOL_NAMES, TOOLS
from datagen_core.dialogue.inline import render_calls, render_responses
from datagen_core.dialogue.models import Dialogue, ToolCall, Turn

USER = "3f0c9d0e-8a15-4a0e-9d7b-2a5a6a1c7e01"

ODD_TEXTS = (
    USER, USER.upper(), "23,500원", "9억9만9천9백9십9원", "1.5원", "{O1}", "R1", "M12.", "<|im_end|>", "place_order",
    "<tool_call>\n", "\n</tool_call>", '<tool_call>\n{"name": "get_cart", "arguments": {}}\n</tool_call>', "\ud800",
    "<tool_response>\nnull\n</tool_response>", "하나 둘 3개", "٣٣원", "²원", "1" * 400, "9" * 40 + "원", "",
)  # fmt: skip
ODD_KEYS = (
    "items", "subtotal", "total", "line_total", "quantity", "unit_price_snapshot", "error", "name", "price", "type",
    "restaurant_id", "delivery_fee", "function", "parameters", "properties", "required", "pattern", "$ref", "enum",
    "snapshot", "user_id", "order_id",
)  # fmt: skip

odd_text = st.one_of(st.text(max_size=12), st.sampled_from(ODD_TEXTS))
odd_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), odd_text),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(odd_text, st.sampled_from(ODD_KEYS)), inner, max_size=4),
    ),
    max_leaves=8,
)
names = st.one_of(st.sampled_from(TOOL_NAMES), odd_text)
arguments = st.dictionaries(
    st.one_of(st.sampled_from(["user_id", "order_id", "snapshot"]), odd_text), odd_json, max_size=4
)
calls = st.builds(ToolCall, names, arguments)


parameters = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(odd_text, odd_json, max_size=3)},
    optional={"required": st.lists(odd_json, max_size=2), "additionalProperties": odd_json, "$ref": odd_text},
)
declared_tools = st.fixed_dictionaries(
    {
        "type": st.just("function"),
        "function": st.fixed_dictionaries({"name": names, "parameters": st.one_of(parameters, odd_json)}),
    }
)
tool_lists = st.one_of(st.just(TOOLS), st.lists(st.one_of(declared_tools, odd_json), max_size=3), odd_json)
menu_handles = st.sampled_from(["M1", "M2", "M99", "x"])
openings = st.fixed_dictionaries(
    {
        "catalogue_seed": st.sampled_from([1, 2, -1]),
        "seed": st.integers(),
        "user_id": st.one_of(st.just(USER), odd_text),
        "now": st.one_of(st.just("2026-02-14T19:10:00+09:00"), odd_text),
        "restaurants": st.lists(st.integers(0, 90), max_size=3),
        "addresses": st.just([{"recipient_name": "김민지", "phone": "010-0123-4567", "line1": "새솔로 21"}]),
    },
    optional={
        "cart": st.lists(
            st.fixed_dictionaries({"menu": st.sampled_from(["M1", "M2", "M99", "x"]), "quantity": st.just(1)})
        ),
        "closed": st.lists(odd_text, max_size=1),
        "orders": odd_json,
    },
)
predicates = st.one_of(
    st.fixed_dictionaries({"type": st.just("cart_holds"), "lines": st.just([{"menu": "M1", "quantity": 2}])}),
    st.fixed_dictionaries({"type": st.just("calls_in_order"), "calls": st.lists(
        st.fixed_dictionaries({"tool": names, "arguments": arguments}), max_size=2)}),
    st.fixed_dictionaries({"type": st.just("address_saved"), "address": st.sampled_from(["A1", "S1", "?"]),
                           "fields": st.dictionaries(odd_text, odd_text, max_size=2)}),
    odd_json,
)  # fmt: skip
metas = st.one_of(
    odd_json,
    st.fixed_dictionaries(
        {},
        optional={
            "opening": st.one_of(openings, odd_json),
            "goal": st.one_of(st.lists(predicates, max_size=3), odd_json),
            "forbidden_tools": st.one_of(st.lists(names, max_size=2), odd_json),
            "kind": odd_json,
            "category": odd_json,
            "max_customer_turns": odd_json,
        },
    ),
)


def _write(turn: Turn) -> object:
    """Write a turn as a message where that is possible, as a damaged one where it is not."""
    role = "user" if turn.role in ("customer", "response") else "assistant"
    try:
        content: object = render_calls(turn.calls) or render_responses(turn.responses) or turn.text
    except ValueError:
        content = str(turn.calls or turn.responses)
    return {"role": role, "content": content}


speech = st.builds(lambda role, text: Turn(role, text=text), st.sampled_from(["customer", "counsellor"]), odd_text)
call_turns = st.builds(lambda made: Turn("call", calls=tuple(made)), st.lists(calls, max_size=2))
response_turns = st.builds(lambda given: Turn("response", responses=tuple(given)), st.lists(odd_json, max_size=2))
any_turns = st.lists(st.one_of(speech, call_turns, response_turns), max_size=5)


@st.composite
def sound_turns(draw: st.DrawFn) -> list[Turn]:
    """Draw turns whose structure is right, so that every other rule gets to see what is in them."""
    turns = [Turn("customer", text=draw(odd_text))]
    for made in draw(st.lists(st.lists(calls, min_size=1, max_size=2), max_size=3)):
        turns += [Turn("call", calls=tuple(made)), Turn("response", responses=tuple(draw(odd_json) for _ in made))]
    return [*turns, Turn("counsellor", text=draw(odd_text))]


turn_lists = st.one_of(sound_turns(), any_turns)
messages = st.one_of(turn_lists.map(lambda turns: [_write(turn) for turn in turns]), odd_json, st.lists(odd_json))
records = st.one_of(
    st.fixed_dictionaries(
        {"messages": messages},
        optional={
            "tools": tool_lists,
            "uid": st.one_of(st.just(USER), odd_json),
            "dates": odd_json,
            "system_prompt": st.one_of(st.just(f"고객 ID: {USER}"), odd_json),
            "meta": metas,
        },
    ),
    st.fixed_dictionaries(
        {
            "messages": sound_turns().map(lambda turns: [_write(turn) for turn in turns]),
            "tools": st.one_of(st.just(TOOLS), st.lists(declared_tools, max_size=2)),
            "uid": st.just(USER),
            "dates": st.just("2026-02-14"),
            "system_prompt": st.just(f"고객 ID: {USER}"),
        },
        optional={
            "meta": st.fixed_dictionaries({}, optional={"opening": openings, "goal": st.lists(predicates, max_size=3)})
        },
    ),
    st.dictionaries(odd_text, odd_json, max_size=3),
)


def assert_told(found: list[Violation]) -> None:
    for violation in found:
        assert violation.message
        assert violation.severity in ("E", "W")
        json.dumps(violation._asdict())


@settings(max_examples=250)
@given(records)
def test_no_record_makes_the_checks_raise(record: dict[str, object]) -> None:
    assert_told(check_dialogue(case_from_record(record)))


@settings(max_examples=150)
@given(turn_lists, tool_lists)
def test_no_dialogue_makes_the_checks_raise(turns: list[Turn], tools: object) -> None:
    declared = tuple(cast("list[dict[str, object]]", tools if isinstance(tools, list) else [tools]))
    assert_told(check_dialogue(Case(Dialogue(USER, "2026-02-14", f"고객 ID: {USER}", tuple(turns), declared))))


def test_a_value_nested_beyond_all_reason_is_a_violation() -> None:
    deep: object = None
    for _ in range(500):
        deep = [deep]
    turns = (
        Turn("customer", text="안녕"),
        Turn("call", calls=(ToolCall("place_order", {"snapshot": deep}),)),
        Turn("response", responses=(deep,)),
        Turn("counsellor", text="안녕하세요."),
    )
    found = check_dialogue(Case(Dialogue(USER, "2026-02-14", f"고객 ID: {USER}", turns, tuple(TOOLS))))
    assert {violation.rule for violation in found} == {"S08", "S09"}
