"""What is told of a row: every argument has its source, the states are those of the backend, garbage is told too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen_core.config import TOOLS, USER_IDS
from datagen_core.dataset.explaining import Explanation, explain_row, find_row
from datagen_core.dialogue.models import ToolCall, Turn
from datagen_core.dialogue.performing import perform
from datagen_core.dialogue.record import to_record
from datagen_core.dialogue.script import parse_script
from datagen_core.environment import CartLine, Opening, SavedAddress
from datagen_core.errors import InputFileError
from datagen_core.files import JsonObject

OPENING = Opening(
    catalogue_seed=20260214,
    seed=5,
    user_id=USER_IDS[0],
    now="2026-02-14T19:10:00+09:00",
    restaurants=(0, 1),
    addresses=(
        SavedAddress(recipient_name="김민지", phone="010-0123-4567", line1="서울 한빛구 가온길 8"),
        SavedAddress(recipient_name="오현서", phone="010-0765-4321", line1="서울 누리구 달빛로 135"),
    ),
    cart=(CartLine(menu="M1", quantity=1), CartLine(menu="M6", quantity=1)),
)
TURNS: list[JsonObject] = [
    {"role": "customer", "text": "김치찌개 두 개로 하고 달빛로로 카카오 결제할게요"},
    {"role": "call", "tool": "get_cart", "args": {}},
    {
        "role": "call",
        "tool": "update_cart_item",
        "args": {"cart_item_id": "C1", "quantity": 2, "special_request": None},
    },
    {"role": "call", "tool": "list_addresses", "args": {}},
    {"role": "call", "tool": "prepare_checkout", "args": {"address_id": "A2", "delivery_note": None}},
    {"role": "counsellor", "text": "이대로 주문할까요?"},
    {"role": "customer", "text": "네"},
    {"role": "call", "tool": "place_order", "args": {"snapshot": "S1", "payment_method": "kakao", "pg_id": None}},
    {"role": "counsellor", "text": "주문이 완료되었습니다."},
]
GOAL: list[JsonObject] = [
    {
        "type": "calls_in_order",
        "calls": [{"tool": "update_cart_item", "arguments": {"cart_item_id": "C1", "quantity": 2}}],
    },
    {"type": "cart_holds", "lines": []},
    {"type": "refusals"},
]


def make_record(**meta: object) -> JsonObject:
    dialogue = perform(parse_script(json.dumps({"turns": TURNS})), OPENING)
    told = {"scenario_id": "training-7-000003", "round": 2, "kind": "tool_use", "batch_id": "batch_1", "model": "m"}
    record = to_record(dialogue, {**told, "opening": OPENING.model_dump(mode="json"), "goal": GOAL, **meta})
    return cast("JsonObject", json.loads(json.dumps(record)))


def explain(folder: Path, *records: object, number: int = 1) -> Explanation:
    path = folder / "dataset.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    return explain_row(find_row(path, number=number))


def test_every_argument_is_told_with_its_source(tmp_path: Path) -> None:
    calls = [call for turn in explain(tmp_path, make_record()).turns for call in turn.calls]
    told = {
        (call.tool, one.argument): (one.origin, one.source_turn, one.place) for call in calls for one in call.arguments
    }
    assert told == {
        ("get_cart", "user_id"): ("system", None, "the customer's id"),
        ("update_cart_item", "user_id"): ("system", None, "the customer's id"),
        ("update_cart_item", "cart_item_id"): ("response", 2, "items[0].cart_item_id"),
        ("update_cart_item", "quantity"): ("customer", 0, "두 개"),
        ("list_addresses", "user_id"): ("system", None, "the customer's id"),
        ("prepare_checkout", "user_id"): ("system", None, "the customer's id"),
        ("prepare_checkout", "address_id"): ("response", 6, "[1].address_id"),
        ("place_order", "snapshot"): ("response", 8, "all that prepare_checkout returned"),
        ("place_order", "payment_method"): ("customer", 0, "카카오"),
    }
    assert all(call.is_same for call in calls)


def test_states_before_and_after_are_those_of_the_backend(tmp_path: Path) -> None:
    told = explain(tmp_path, make_record())
    assert told.before is not None
    assert told.after is not None
    assert told.before.cart == ("C1 김치찌개 x 1, 9,500 won", "C2 계란말이 x 1, 8,500 won")
    assert (told.before.subtotal, told.before.orders, told.after.cart) == (18_000, (), ())
    assert "김치찌개 x 2, 계란말이 x 1, total 30,500 won" in told.after.orders[0]
    assert told.after.now == "2026-02-14T19:10:50+09:00", "five calls of ten seconds"


def test_goal_is_told_in_sentences_with_names(tmp_path: Path) -> None:
    assert explain(tmp_path, make_record()).goal == (
        "These calls happen in this order:",
        "  1. update_cart_item(cart_item_id=김치찌개 (C1), quantity=2)",
        "The cart ends empty.",
        "The backend refuses no call.",
    )


def test_request_is_told(tmp_path: Path) -> None:
    assert explain(tmp_path, make_record()).request == {
        "custom_id": "training-7-000003.r2", "round": 2, "model": "m", "batch_id": "batch_1",
    }  # fmt: skip


def test_parallel_calls_of_one_tool_keep_their_own_sources(tmp_path: Path) -> None:
    record = make_record()
    user = USER_IDS[0]
    calls = tuple(ToolCall("get_order_status", {"user_id": user, "order_id": order}) for order in USER_IDS[1:3])
    dialogue = perform(parse_script(json.dumps({"turns": []})), OPENING)
    turns = (
        Turn("customer", text=f"{USER_IDS[1]} {USER_IDS[2]}"),
        Turn("call", calls=calls),
        Turn("response", responses=("a", "b")),
        Turn("counsellor", text="확인했습니다."),
    )
    record = to_record(type(dialogue)(user, "2026-02-14", f"고객 ID: {user}", turns, tuple(TOOLS)), {})
    (turn,) = [turn for turn in explain(tmp_path, record).turns if turn.calls]
    assert [[one.value for one in call.arguments] for call in turn.calls] == [[user, USER_IDS[1]], [user, USER_IDS[2]]]


def test_row_without_meta_shows_the_dialogue_and_says_what_is_missing(tmp_path: Path) -> None:
    told = explain(tmp_path, {key: value for key, value in make_record().items() if key != "meta"})
    assert told.before is None
    assert told.after is None
    assert next(turn.text for turn in told.turns) == TURNS[0]["text"]
    assert [line.split(":")[0] for line in told.missing] == ["meta.opening", "meta.goal", "meta.scenario_id"]


def test_opening_that_cannot_be_performed_is_told(tmp_path: Path) -> None:
    broken = {**OPENING.model_dump(mode="json"), "restaurants": [0, 0]}
    told = explain(tmp_path, make_record(opening=broken))
    assert told.before is None
    assert any("restaurants" in line for line in told.missing)


def test_edited_response_is_marked_and_the_violation_told(tmp_path: Path) -> None:
    record = make_record()
    messages = cast("list[JsonObject]", record["messages"])
    messages[2]["content"] = (
        str(messages[2]["content"]).replace('"item_count":2', '"item_count": 2').replace("9500", "9400")
    )
    told = explain(tmp_path, record)
    assert next(call.is_same for turn in told.turns for call in turn.calls) is False
    assert "X01" in {violation["rule"] for violation in told.violations}


def test_row_is_found_by_number_as_validate_counts_and_by_scenario(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    rows = [json.dumps(make_record(scenario_id=f"training-7-00000{number}")) for number in range(3)]
    path.write_text("\n".join([rows[0], "", rows[1], rows[2]]), encoding="utf-8")
    assert find_row(tmp_path, number=3).row.line == 3
    assert find_row(path, scenario_id="training-7-000002").row.line == 4
    with pytest.raises(InputFileError, match="has no row 9; it has 3, the last on line 4"):
        find_row(path, number=9)
    with pytest.raises(InputFileError, match="'training-7-000009' among 3"):
        find_row(path, scenario_id="training-7-000009")


def test_line_that_is_no_json_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    path.write_text(f"{json.dumps(make_record())}\n{{oops\n", encoding="utf-8")
    with pytest.raises(InputFileError, match=r"line 2: the line is not valid JSON"):
        find_row(path, number=2)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=40)
@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("meta", "messages", "tools", "uid", "dates"), json_values),
    ),
    st.dictionaries(st.sampled_from(["opening", "goal", "round", "scenario_id", "usage", "persona"]), json_values),
)
def test_whatever_a_row_holds_it_is_told(
    tmp_path_factory: pytest.TempPathFactory, row: JsonObject, meta: JsonObject
) -> None:
    folder = tmp_path_factory.mktemp("garbage")
    told = explain(folder, {**make_record(**meta), **row})
    assert json.loads(told.model_dump_json())["row"] == 1
