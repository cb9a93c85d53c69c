from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.config import TOOLS, USER_IDS
from datagen_core.dialogue.models import Dialogue, ToolCall, Turn
from datagen_core.dialogue.transcript import is_transcript, parse_transcript, render_transcript

USER = USER_IDS[0]
SEARCH = '{"name": "search_restaurants", "arguments": {"category": "치킨"}}'
WRAPPED = '{"function": {"name": "search_restaurants", "arguments": "{\\"category\\": \\"치킨\\"}"}}'
PLAIN = f"""[고객 ID] {USER}
[대화날짜] 2026-02-14
(고객) 치킨집 찾아줘
(function_call) {SEARCH}
(function_response) {{"items": []}}
(AI 상담사) 지금은 치킨집이 없습니다.
다른 음식을 찾아 드릴까요?"""


def roles(text: str) -> list[str]:
    return [turn.role for turn in parse_transcript(text).turns]


def test_the_form_of_the_design_is_read() -> None:
    found = parse_transcript(PLAIN)
    assert (found.uid, found.date, found.problem, found.problems) == (USER, "2026-02-14", None, ())
    assert found.turns == (
        Turn("customer", text="치킨집 찾아줘"),
        Turn("call", calls=(ToolCall("search_restaurants", {"category": "치킨"}),)),
        Turn("response", responses=({"items": []},)),
        Turn("counsellor", text="지금은 치킨집이 없습니다.\n다른 음식을 찾아 드릴까요?"),
    )


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("(", "（").replace(")", "）"),
        lambda text: text.replace("[고객 ID]", "［고객 ID］"),
        lambda text: f"```text\n{text}\n```\n",
        lambda text: "네, 대화를 만들어 드리겠습니다.\n\n" + text,
        lambda text: text.replace("(고객)", "**(고객)**").replace("(AI 상담사)", "**(AI 상담사)**:"),
        lambda text: text.replace("(AI 상담사)", "(AI상담사)").replace("[고객 ID]", "[고객ID]"),
        lambda text: text.replace(SEARCH, f"[{SEARCH}]"),
        lambda text: text.replace(SEARCH, "{'name': 'search_restaurants', 'arguments': {'category': '치킨'}}"),
        lambda text: text.replace(SEARCH, "치킨집을 찾습니다. " + SEARCH),
        lambda text: text.replace(SEARCH, f"```json\n{SEARCH}\n```"),
        lambda text: text.replace("(function_call)", "(AI 상담사) 네, 찾아보겠습니다.\n(function_call)"),
        lambda text: text.replace('{"items": []}', '[{"items": []}]'),
        lambda text: text.replace("(function_call) {", "(function_call)\n{"),
        lambda text: text.replace(SEARCH, WRAPPED),
        lambda text: text.replace(SEARCH, '{"tool": "search_restaurants", "args": {"category": "치킨"}}'),
    ],
)  # fmt: skip
def test_what_models_write_otherwise_is_forgiven(damage: object) -> None:
    assert callable(damage)
    assert parse_transcript(damage(PLAIN)) == parse_transcript(PLAIN)


def test_missing_header_lines_leave_uid_and_date_open() -> None:
    found = parse_transcript(PLAIN.split("\n", 2)[2])
    assert (found.uid, found.date, found.problem) == (None, None, None)
    assert len(found.turns) == 4


def test_a_korean_date_is_read() -> None:
    assert parse_transcript(PLAIN.replace("2026-02-14", "2026년 2월 4일")).date == "2026-02-04"


def test_calls_one_after_the_other_belong_together() -> None:
    text = f"""(고객) 주소랑 장바구니
(function_call) {{"name": "list_addresses", "arguments": {{"user_id": "{USER}"}}}}
(function_call) {{"name": "get_cart", "arguments": {{"user_id": "{USER}"}}}}
(function_response) []
(function_response) null
(AI 상담사) 둘 다 비어 있습니다."""
    found = parse_transcript(text)
    assert [turn.role for turn in found.turns] == ["customer", "call", "response", "counsellor"]
    assert len(found.turns[1].calls) == 2
    assert found.turns[2].responses == ([], None)


def test_a_list_that_the_tool_itself_returns_is_not_unwrapped() -> None:
    address = (
        f'{{"address_id": "{USER}", "user_id": "{USER}", "recipient_name": "김민지", "phone": "010-0000-0000", '
        '"line1": "가온길 8", "line2": null, "is_default": true}'
    )
    call = f'(function_call) {{"name": "list_addresses", "arguments": {{"user_id": "{USER}"}}}}'
    bare = parse_transcript(f"(고객) 주소\n{call}\n(function_response) [{address}]\n(AI 상담사) 하나 있습니다.")
    wrapped = parse_transcript(f"(고객) 주소\n{call}\n(function_response) [[{address}]]\n(AI 상담사) 하나 있습니다.")
    assert bare == wrapped
    response = bare.turns[2].responses[0]
    assert isinstance(response, list)


def test_parallel_calls_are_answered_in_one_list() -> None:
    calls = f'[{{"name": "get_cart", "arguments": {{"user_id": "{USER}"}}}}, {SEARCH}]'
    found = parse_transcript(f'(고객) 둘 다\n(function_call) {calls}\n(function_response) [null, {{"items": []}}]')
    assert found.turns[2].responses == (None, {"items": []})


@pytest.mark.parametrize(
    ("damaged", "rule_id"),
    [
        (PLAIN.replace(SEARCH, '{"name": "search_restaurants", "arguments": {"category": "치킨"'), "S08"),
        (PLAIN.replace(SEARCH, '"치킨"'), "S08"),
        (PLAIN.replace(SEARCH, '{"arguments": {}}'), "S08"),
        (PLAIN.replace(SEARCH, '{"name": "search_restaurants", "arguments": "치킨"}'), "S08"),
        (PLAIN.replace(SEARCH, SEARCH[:-1] + ', "reason": "찾기"}'), "S08"),
        (PLAIN.replace(SEARCH, "[]"), "S08"),
        (PLAIN.replace('{"items": []}', '{"items": ['), "S09"),
        (PLAIN.replace('{"items": []}', "식당이 없습니다"), "S09"),
        (PLAIN.replace('{"items": []}', '{"rating": NaN}'), "S09"),
        (PLAIN.replace('{"items": []}', '{"items": {1, 2}}'), "S09"),
        (PLAIN.replace('{"items": []}', ""), "S09"),
    ],
)
def test_what_cannot_be_read_is_a_problem_of_its_turn(damaged: str, rule_id: str) -> None:
    found = parse_transcript(damaged)
    assert [problem.rule_id for problem in found.problems] == [rule_id]
    index = found.problems[0].index
    assert found.turns[index].role == ("call" if rule_id == "S08" else "response")
    assert len(found.turns) == 4


def test_a_second_response_to_one_call_stays_apart() -> None:
    text = PLAIN.replace("(AI 상담사)", '(function_response) {"items": []}\n(AI 상담사)')
    assert roles(text) == ["customer", "call", "response", "response", "counsellor"]


@pytest.mark.parametrize("text", ["", "죄송하지만 만들 수 없습니다.", '{"turns": []}', "[고객 ID] x\n[대화날짜] y"])
def test_a_text_without_dialogue_says_so(text: str) -> None:
    assert "no line such as" in (parse_transcript(text).problem or "")
    assert not is_transcript(text)


def test_a_runaway_answer_is_not_read() -> None:
    assert "characters" in (parse_transcript("(고객) 네\n" * 100_000).problem or "")


@given(st.text(max_size=300))
def test_any_text_is_read_without_raising(text: str) -> None:
    for candidate in (text, f"(고객) {text}\n(function_call) {text}\n(function_response) {text}"):
        found = parse_transcript(candidate)
        assert found.problem or found.turns


WORDS = st.text(alphabet="가나다라 마바사12,.?!'\"{}", min_size=1, max_size=30).map(str.strip).filter(bool)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.dictionaries(st.sampled_from(["a", "b"]), VALUES, max_size=2)


@given(st.lists(st.tuples(WORDS, st.lists(st.tuples(OBJECTS, OBJECTS), max_size=2), WORDS), min_size=1, max_size=4))
def test_what_is_written_is_read_back(exchanges: list[tuple[str, list[tuple[dict[str, object], object]], str]]) -> None:
    turns: list[Turn] = []
    for asked, calls, told in exchanges:
        turns.append(Turn("customer", text=asked))
        if calls:
            turns.append(Turn("call", calls=tuple(ToolCall("look_up", arguments) for arguments, _ in calls)))
            turns.append(Turn("response", responses=tuple(response for _, response in calls)))
        turns.append(Turn("counsellor", text=told))
    dialogue = Dialogue(USER, "2026-02-14", "안내", tuple(turns), tuple(TOOLS))
    found = parse_transcript(render_transcript(dialogue))
    assert (found.uid, found.date, found.turns, found.problems) == (USER, "2026-02-14", dialogue.turns, ())
