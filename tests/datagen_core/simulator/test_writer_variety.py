"""The scripted writer plays all that scenarios ask for, and does not say the same at every beginning and end."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import cast

import orjson
import pytest

from datagen_core.batch.requests import RequestOptions, build_request
from datagen_core.config import ERROR_CODES, WITHHELD, ErrorCode, Withheld
from datagen_core.scenarios import Scenario, sample_training
from datagen_core.simulator.phrases_asked import find_answers
from datagen_core.simulator.writer import ScriptWriter

Turn = dict[str, object]


def write(scenario: Scenario) -> list[Turn]:
    request = build_request(scenario, RequestOptions(model="simulator"))
    answer = ScriptWriter().answer(cast("str", request["custom_id"]), cast("dict[str, object]", request["body"]))
    return cast("dict[str, list[Turn]]", orjson.loads(answer.text))["turns"]


@cache
def written() -> list[tuple[Scenario, list[Turn]]]:
    return [(scenario, write(scenario)) for scenario in sample_training(600, seed=17)]


def lines_of(turns: list[Turn], role: str) -> list[str]:
    return [str(turn["text"]) for turn in turns if turn["role"] == role]


def test_beginnings_and_ends_are_spread() -> None:
    ends = Counter(lines_of(turns, "counsellor")[-1] for _, turns in written())
    begins = Counter(lines_of(turns, "customer")[0] for _, turns in written())
    assert max(ends.values()) <= 12
    assert max(begins.values()) <= 12
    assert len(ends) > 350


def test_customers_who_say_little_at_once_greet_first_more_often() -> None:
    greeted = Counter[str]()
    for scenario, turns in written():
        greeted[scenario.persona.amount] += len(lines_of(turns, "customer")[0]) < 12
    assert greeted["조금씩"] > 1.5 * greeted["한 번에"] > 0


@pytest.mark.parametrize("withheld", WITHHELD)
def test_everything_left_out_is_asked_for_and_answered(withheld: Withheld) -> None:
    asked = [(s, turns) for s, turns in written() if any(step.withhold == withheld for step in s.steps)]
    assert asked
    for scenario, turns in asked:
        questions = [line for line in lines_of(turns, "counsellor") if line.endswith(("?", "주세요."))]
        assert questions, scenario.id
        step = next(step for step in scenario.steps if step.withhold == withheld)
        assert len(find_answers(step)) >= 5


@pytest.mark.parametrize("code", ERROR_CODES)
def test_every_refusal_is_told_and_the_customer_goes_on(code: ErrorCode) -> None:
    met = [(s, turns) for s, turns in written() if any(step.refused == code for step in s.steps)]
    assert met
    bad = (
        "없",
        "못",
        "않",
        "품절",
        "닫",
        "아닙니다",
        "다른 분",
        "까지",
        "만료",
        "비어",
        "빠져",
        "지워져",
        "미치지",
        "이상",
        "부터",
    )
    for scenario, turns in met:
        assert any(any(word in line for word in bad) for line in lines_of(turns, "counsellor")), scenario.id
        assert len(lines_of(turns, "customer")) >= 2, scenario.id


def test_calls_go_together_where_they_are_asked_to_and_nowhere_else() -> None:
    for scenario in sample_training(120, seed=17, parallel_calls=True):
        together = [turn for turn in write(scenario) if turn["role"] == "calls"]
        assert bool(together) == scenario.parallel_calls, scenario.id
        assert all(len(cast("list[Turn]", turn["calls"])) > 1 for turn in together)
    assert not any(turn["role"] == "calls" for _, turns in written() for turn in turns)
