"""Performing: calls really executed, handles real in arguments and texts, nothing a script may hold raises."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from datagen_core.config import TOOL_NAMES, USER_IDS
from datagen_core.dialogue.performing import perform
from datagen_core.dialogue.script import Script, ScriptCall, ScriptTurn, parse_script
from datagen_core.environment import CartLine, Environment, Handles, Opening, PastOrder, SavedAddress

OPENING = Opening(
    catalogue_seed=1,
    seed=5,
    user_id=USER_IDS[0],
    now="2026-02-14T19:10:00+09:00",
    restaurants=(0, 1, 10),
    addresses=(SavedAddress(recipient_name="김민지", phone="010-0123-4567", line1="서울 한빛구 새솔로 21"),),
    cart=(CartLine(menu="M1", quantity=20),),
    orders=(PastOrder(status="delivering"),),
)


def _script(*turns: dict[str, object]) -> Script:
    return parse_script(json.dumps({"turns": turns}))


def _call(tool: str, **args: object) -> dict[str, object]:
    return {"role": "call", "tool": tool, "args": args}


def test_an_order_is_performed_with_real_ids_snapshot_and_number() -> None:
    dialogue = perform(
        _script(
            {"role": "customer", "text": "담은 거 결제할게요"},
            _call("list_addresses"),
            _call("prepare_checkout", delivery_note="문 앞에", address_id="A1"),
            {"role": "counsellor", "text": "주문할까요?"},
            {"role": "customer", "text": "네 카드로요"},
            _call("place_order", snapshot="S1", payment_method="card"),
            {"role": "counsellor", "text": "주문 번호는 {O2}입니다."},
        ),
        OPENING,
    )
    assert [turn.role for turn in dialogue.turns] == [
        "customer", "call", "response", "call", "response", "counsellor",
        "customer", "call", "response", "counsellor",
    ]  # fmt: skip
    checkout, order = dialogue.turns[3].calls[0], dialogue.turns[7].calls[0]
    assert list(checkout.arguments) == ["user_id", "address_id", "delivery_note"]
    assert checkout.arguments["user_id"] == dialogue.uid
    assert order.arguments["snapshot"] == dialogue.turns[4].responses[0]
    assert dialogue.turns[-1].text == f"주문 번호는 {dialogue.turns[8].responses[0]}입니다."
    assert dialogue.date == "2026-02-14"
    assert dialogue.uid in dialogue.system_prompt


def test_a_customer_can_speak_right_and_wrong_order_numbers() -> None:
    dialogue = perform(_script({"role": "customer", "text": "{X1} 아니 {O1}요"}), OPENING)
    known = Handles(Environment(OPENING)).resolve("O1")
    wrong, right = dialogue.turns[0].text.removesuffix("요").split(" 아니 ")
    assert right == known
    assert wrong != known
    assert len(wrong) == 36


def test_a_handle_that_stands_for_nothing_is_left_and_refused() -> None:
    dialogue = perform(
        _script(
            {"role": "customer", "text": "{O9}"},
            _call("get_restaurant_detail", restaurant_id="R9"),
            {"role": "counsellor", "text": "네"},
        ),
        OPENING,
    )
    assert dialogue.turns[0].text == "{O9}"
    assert dialogue.turns[1].calls[0].arguments == {"restaurant_id": "R9"}
    assert "error" in dialogue.turns[2].responses[0]  # type: ignore[operator]


def test_handles_are_only_ids_where_an_id_is_expected() -> None:
    dialogue = perform(_script(_call("search_restaurants", query="R1"), {"role": "counsellor", "text": "R1"}), OPENING)
    assert dialogue.turns[0].calls[0].arguments == {"query": "R1"}
    assert dialogue.turns[2].text == "R1"


def test_a_handle_with_a_line_break_is_text() -> None:
    dialogue = perform(_script(_call("get_restaurant_detail", restaurant_id="R1\n")), OPENING)
    assert dialogue.turns[0].calls[0].arguments == {"restaurant_id": "R1\n"}


@given(st.integers(0, 1_000), st.sampled_from(TOOL_NAMES), st.sampled_from(["cart_item_ids", "snapshot", "x"]))
def test_arguments_nested_however_deep_never_raise(depth: int, tool: str, name: str) -> None:
    value = "[" * depth + '"C1"' + "]" * depth
    script = parse_script(f'{{"turns": [{{"role": "call", "tool": "{tool}", "args": {{"{name}": {value}}}}}]}}')
    dialogue = perform(script, OPENING)
    assert len(dialogue.turns) == 2 * len(script.turns)


_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(
    ["R1", "M1", "M9999999999", "A1", "C1", "S1", "O1", "X1"]
)  # fmt: skip
_ARGUMENTS = st.dictionaries(
    st.sampled_from(["restaurant_id", "menu_item_id", "quantity", "cart_item_ids", "address_id", "snapshot", "x"]),
    _VALUES | st.lists(_VALUES, max_size=3),
)
_CALLS = st.builds(ScriptCall, st.sampled_from(TOOL_NAMES) | st.text(max_size=5), _ARGUMENTS)
_TURNS = st.builds(ScriptTurn, st.sampled_from(["customer", "counsellor"]), st.text(max_size=9)) | st.builds(
    lambda calls: ScriptTurn("call", calls=calls), st.lists(_CALLS, min_size=1, max_size=2).map(tuple)
)


@given(st.lists(_TURNS, max_size=8).map(tuple))
def test_nothing_a_script_may_hold_raises_and_every_call_is_answered(turns: tuple[ScriptTurn, ...]) -> None:
    dialogue = perform(Script(turns=turns), OPENING)
    for turn, following in zip(dialogue.turns, dialogue.turns[1:], strict=False):
        if turn.role == "call":
            assert len(following.responses) == len(turn.calls)
    assert perform(Script(turns=turns), OPENING) == dialogue or any(value != value for value in _floats(dialogue))


def _floats(dialogue: object) -> list[float]:
    return [float("nan")] if "nan" in repr(dialogue) else []
