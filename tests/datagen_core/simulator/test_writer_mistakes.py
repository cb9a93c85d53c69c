"""Mistakes are made as often as asked, labelled, and found by whoever looks for them."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import cast

import jsonschema_rs
import orjson
import pytest

from datagen_core.batch.requests import RequestOptions, build_request
from datagen_core.checks import case_from_dialogue, check_dialogue, is_accepted
from datagen_core.config import NO_CALL_KINDS
from datagen_core.dialogue.performing import perform
from datagen_core.dialogue.script import build_script_schema, parse_script
from datagen_core.scenarios import Scenario, sample_training
from datagen_core.simulator.answers import Answer
from datagen_core.simulator.mistakes import MISTAKES
from datagen_core.simulator.writer import ScriptWriter

ANYWHERE = {"broken_json", "truncated", "refusal", "content_filter", "goal_missed"}
"""Mistakes for which every script has room."""

FOUND_BY = {
    "unknown_handle": {"X02", "P01", "C05", "P03"},
    "wrong_price": {"G01"},
    "unasked_argument": {"P07", "P08", "X02"},
    "goal_missed": {"X02"},
    "handle_leak": {"T03"},
    "missing_lookup": {"P01", "G02"},
}


def answer(scenario: Scenario, writer: ScriptWriter, round_number: int = 1) -> Answer:
    request = build_request(scenario, RequestOptions(model="simulator"), round_number=round_number)
    return writer.answer(cast("str", request["custom_id"]), cast("dict[str, object]", request["body"]))


@cache
def spoilt() -> list[tuple[Scenario, Answer]]:
    writer = ScriptWriter(mistakes=1.0, seed=3)
    return [(scenario, answer(scenario, writer)) for scenario in sample_training(600, seed=42)]


def test_every_answer_is_spoilt_when_all_are_to_be() -> None:
    assert all(found.planted in MISTAKES for _, found in spoilt())
    assert {found.planted for _, found in spoilt()} == set(MISTAKES)


def test_no_answer_is_spoilt_when_none_is_to_be() -> None:
    writer = ScriptWriter(seed=3)
    assert all(answer(scenario, writer).planted is None for scenario in sample_training(100, seed=42))


def test_the_share_of_mistakes_is_as_asked() -> None:
    writer = ScriptWriter(mistakes=0.3, seed=1)
    planted = [answer(scenario, writer).planted is not None for scenario in sample_training(600, seed=42)]
    assert 0.24 < sum(planted) / len(planted) < 0.36


def test_the_same_request_is_spoilt_alike_and_a_later_round_anew() -> None:
    writer = ScriptWriter(mistakes=0.5, seed=1)
    scenarios = list(sample_training(60, seed=42))
    first = [answer(scenario, writer) for scenario in scenarios]
    assert first == [answer(scenario, ScriptWriter(mistakes=0.5, seed=1)) for scenario in scenarios]
    second = [answer(scenario, writer, 2).planted for scenario in scenarios]
    assert second != [found.planted for found in first]
    assert any(before.planted and not after for before, after in zip(first, second, strict=True))


def test_mistakes_that_always_fit_are_drawn_alike() -> None:
    with_calls = [found.planted for scenario, found in spoilt() if scenario.kind not in NO_CALL_KINDS]
    counts = Counter(with_calls)
    least, most = min(counts[name] for name in ANYWHERE), max(counts[name] for name in ANYWHERE)
    assert most < 2 * least


def test_mistakes_of_form_look_like_those_of_a_provider() -> None:
    for _, found in spoilt():
        if found.planted == "truncated":
            assert found.finish_reason == "length"
            assert parse_script(found.text).problem is not None
        elif found.planted == "broken_json":
            assert found.finish_reason == "stop"
            assert parse_script(found.text).problem is not None
        elif found.planted == "refusal":
            assert found.refusal
        elif found.planted == "content_filter":
            assert found.finish_reason == "content_filter"


def test_mistakes_of_content_keep_the_schema() -> None:
    validator = jsonschema_rs.validator_for(build_script_schema())
    for _, found in spoilt():
        if found.planted in FOUND_BY:
            validator.validate(orjson.loads(found.text))


@pytest.mark.parametrize("mistake", sorted(FOUND_BY))
def test_the_rules_find_mistakes_of_content(mistake: str) -> None:
    wanted = FOUND_BY[mistake]
    cases = [(scenario, found) for scenario, found in spoilt() if found.planted == mistake]
    assert cases
    for scenario, found in cases:
        dialogue = perform(parse_script(found.text), scenario.opening)
        violations = check_dialogue(case_from_dialogue(dialogue, scenario))
        assert not is_accepted(violations), f"{scenario.id}: {found.text}"
        assert wanted & {violation.rule for violation in violations}, f"{scenario.id}: {found.text}"
