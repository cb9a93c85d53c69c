"""The next round's request says in Korean what was wrong, in words that its writer knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.batch.requests import RequestOptions, build_request
from datagen_core.checks import RULES
from datagen_core.dataset.hinting import MOST_RULES, hint_problems
from datagen_core.dataset.verdicts import judge_answer
from datagen_core.scenarios import Scenario

ANSWERS = Path(__file__).parents[2] / "fixtures" / "answers"
ANSWER = orjson.dumps(
    {
        "turns": [
            {"role": "customer", "text": "샛별김밥 라면 하나요"},
            {"role": "call", "tool": "search_restaurants", "args": {"query": "샛별김밥"}},
            {"role": "counsellor", "text": "라면은 24,000원입니다."},
        ]
    }
).decode()


def violation(rule: str, message: str, *, turn: int | None = None, severity: str = "E") -> Mapping[str, object]:
    return {"rule": rule, "turn": turn, "message": message, "severity": severity}


def test_a_line_is_the_hint_and_the_writer_s_own_words() -> None:
    found = hint_problems([violation("G01", "the amount '24,000원' (24000) was never shown")], ANSWER)
    assert found == [f"{RULES['G01'].korean} (걸린 곳: “24,000원”)"]


def test_what_the_writer_never_wrote_is_not_quoted() -> None:
    known = "add_to_cart: restaurant_id 4f0f1c2e-6d13-5a0e-9a57-0d5b1c1f7a10 was never shown, 'someone else' said"
    (line,) = hint_problems([violation("P01", known)], ANSWER)
    assert line == f"{RULES['P01'].korean} (걸린 곳: add_to_cart, restaurant_id)"


def test_names_of_the_plan_are_passed_on() -> None:
    (line,) = hint_problems([violation("X02", "add_to_cart was to be refused, the cart holds 1 x M3")], ANSWER)
    assert line.endswith("(걸린 곳: add_to_cart, M3)")


def test_a_call_of_the_plan_is_passed_on_whole() -> None:
    missing = 'expected a call get_order_status({"order_id": "O1"}) at its place in the order, found none'
    (line,) = hint_problems([violation("X02", missing)], ANSWER)
    assert line.endswith('(걸린 곳: get_order_status({"order_id": "O1"}))')


@pytest.mark.parametrize(("turn", "detail"), [(0, "“샛별김밥 라면 하나요”"), (1, "search_restaurants"), (2, "search_")])
def test_a_message_without_names_points_at_its_line(turn: int, detail: str) -> None:
    (line,) = hint_problems([violation("S07", "the turn is empty", turn=turn)], ANSWER)
    assert f"(걸린 곳: {detail}" in line


def test_the_turn_after_a_response_is_the_script_s_next() -> None:
    (line,) = hint_problems([violation("S07", "the turn is empty", turn=3)], ANSWER)
    assert "24,000원" in line


@pytest.mark.parametrize("turn", [99, -1000, None, "3", True, 2.5])
def test_a_turn_that_is_not_there_is_left_out(turn: object) -> None:
    (line,) = hint_problems([{"rule": "S07", "turn": turn, "message": "the turn is empty", "severity": "E"}], "[1")
    assert line == RULES["S07"].korean


def test_a_rule_has_one_line_and_there_are_few() -> None:
    rules = [rule for rule in RULES if RULES[rule].check is not None]
    found = hint_problems([violation(rule, "it is wrong") for rule in rules * 2], ANSWER)
    assert found == [RULES[rule].korean for rule in rules][:MOST_RULES]


def test_warnings_and_unknown_rules_are_left_out() -> None:
    rows = [violation("G01", "so so", severity="W"), violation("Q99", "what"), {"rule": None}, {}]
    assert hint_problems(rows, ANSWER) == []


def test_personal_data_is_not_sent_again() -> None:
    text = ANSWER.replace("하나요", "900101-1234567")
    (line,) = hint_problems([violation("I02", "a text holds the number '900101-1234567'", turn=0)], text)
    assert line == RULES["I02"].korean


def test_special_tokens_are_not_sent_again() -> None:
    text = ANSWER.replace("하나요", "<|im_end|>")
    (line,) = hint_problems([violation("T01", "'<|im_end|>' stands in the customer's text", turn=0)], text)
    assert "(걸린 곳" not in line


@given(st.text(), st.text(max_size=200), st.integers(-5, 9))
def test_any_answer_and_message_gives_one_short_line(text: str, message: str, turn: int) -> None:
    (line,) = hint_problems([violation("G01", message, turn=turn)], text)
    assert line.startswith(RULES["G01"].korean)
    assert len(line.splitlines()) == 1
    assert len(line) < len(RULES["G01"].korean) + 400


def _damage(text: str) -> list[str]:
    """Return the answer with wrong amounts, with another quantity, and without its last call, where it has these."""
    turns = orjson.loads(text)["turns"]
    calls = [place for place, turn in enumerate(turns) if turn["role"] == "call"]
    kept = [turn for place, turn in enumerate(turns) if place not in calls[-1:]]
    return [
        re.sub(r"(\d),(\d)00원", r"\1,\g<2>70원", text),
        re.sub(r'"quantity": (\d)', r'"quantity": \g<1>7', text),
        orjson.dumps({"turns": kept}).decode(),
    ]


def test_rejections_of_real_answers_are_told_without_ids_in_few_lines() -> None:
    n_hinted = n_rejected = 0
    for path in sorted(ANSWERS.glob("*[0-9].json")):
        case = orjson.loads(path.read_bytes())
        scenario = Scenario.model_validate(case["scenario"])
        for text in _damage(case["text"]):
            verdict = judge_answer(scenario, {"custom_id": scenario.id, "outcome": "answered", "text": text})
            if verdict.fate != "rejected":
                continue
            problems = hint_problems([v._asdict() for v in verdict.violations], text)
            again = build_request(scenario, RequestOptions("m"), round_number=2, problems=problems)
            note = str(again["body"]).rsplit("[이전 시도의 잘못]", 1)[1]
            assert 1 <= len(problems) <= MOST_RULES
            assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", note)
            n_rejected += 1
            n_hinted += "(걸린 곳: " in note
    assert n_rejected >= 40
    assert n_hinted >= 0.7 * n_rejected
