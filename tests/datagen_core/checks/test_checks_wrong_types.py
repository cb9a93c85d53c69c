from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import cast

import pytest

from datagen_core.batch.requests import RequestOptions, build_request
from datagen_core.checks import case_from_dialogue, check_dialogue
from datagen_core.dialogue.models import Dialogue, Turn
from datagen_core.dialogue.performing import perform
from datagen_core.dialogue.script import parse_script
from datagen_core.scenarios import Scenario, sample_gold, sample_training
from datagen_core.simulator.writer import ScriptWriter

Place = tuple[str | int, ...]

WRONG = cast(
    "list[object]",
    json.loads(
        '[null, [], {}, true, "", "없음", "2026-13-45T99:99:99", [1], ["delivered", []], [[]], {"code": []}, '
        '{"a": {"b": [null]}}, -1, 1000000000000000000000000000000, 1e308, -0.5, 4.5, [null, 3, "x", {}]]'
    ),
)
EACH = 60


@lru_cache(maxsize=1)
def performed() -> tuple[tuple[Scenario, Dialogue], ...]:
    found: list[tuple[Scenario, Dialogue]] = []
    for scenario in (*sample_training(60, seed=8), *sample_gold(2, seed=8)):
        body = build_request(scenario, RequestOptions(model="simulated"))["body"]
        script = parse_script(ScriptWriter().answer(scenario.id, cast("dict[str, object]", body)).text)
        found.append((scenario, perform(script, scenario.opening)))
    return tuple(found)


def list_places(value: object, place: Place = ()) -> Iterator[Place]:
    """Yield where a value and each value inside it stands."""
    yield place
    if isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            yield from list_places(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(cast("list[object]", value)):
            yield from list_places(inner, (*place, index))


def put(value: object, place: Place, wrong: object) -> object:
    """Return a copy of a value that holds `wrong` at a place."""
    if not place:
        return wrong
    head, *rest = place
    if isinstance(value, dict):
        fields = cast("dict[str | int, object]", value)
        return {**fields, head: put(fields[head], tuple(rest), wrong)}
    elements = list(cast("list[object]", value))
    elements[cast("int", head)] = put(elements[cast("int", head)], tuple(rest), wrong)
    return elements


def damage(dialogue: Dialogue, random: Random, wrongs: int) -> Dialogue:
    """Return the dialogue with values of wrong types in its responses."""
    turns = list(dialogue.turns)
    answered = [index for index, turn in enumerate(turns) if turn.responses]
    for _ in range(wrongs if answered else 0):
        index = random.choice(answered)
        responses = list(turns[index].responses)
        number = random.randrange(len(responses))
        place = random.choice(list(list_places(responses[number])))
        responses[number] = put(responses[number], place, random.choice(WRONG))
        turns[index] = Turn("response", responses=tuple(responses))
    return replace(dialogue, turns=tuple(turns))


@pytest.mark.parametrize("wrongs", [1, 2, 8])
@pytest.mark.parametrize("has_opening", [True, False])
def test_values_of_wrong_types_in_responses_are_judged_and_do_not_raise(wrongs: int, *, has_opening: bool) -> None:
    random = Random(f"{wrongs} {has_opening}")
    for scenario, dialogue in random.sample(performed(), EACH):
        case = case_from_dialogue(damage(dialogue, random, wrongs), scenario)
        case = case if has_opening else replace(case, opening=None, goal=())
        for violation in check_dialogue(case):
            assert violation.message


def list_responses_by_tool() -> dict[str, tuple[Scenario, Dialogue, int]]:
    """Return for each tool one dialogue that calls it, and the turn of the response."""
    found: dict[str, tuple[Scenario, Dialogue, int]] = {}
    for scenario, dialogue in performed():
        for index, turn in enumerate(dialogue.turns):
            for call in turn.calls:
                size = len(str(dialogue.turns[index + 1].responses))
                known = found.get(call.name)
                if known is None or len(str(known[1].turns[known[2]].responses)) < size < 3000:
                    found[call.name] = scenario, dialogue, index + 1
    return found


@pytest.mark.slow
@pytest.mark.parametrize("has_opening", [True, False])
def test_every_field_of_every_tools_response_may_be_of_any_type(*, has_opening: bool) -> None:
    found = list_responses_by_tool()
    assert len(found) > 8
    for scenario, dialogue, index in found.values():
        turn = dialogue.turns[index]
        for place in list_places(turn.responses[0]):
            for wrong in WRONG:
                responses = (put(turn.responses[0], place, wrong), *turn.responses[1:])
                turns = (*dialogue.turns[:index], replace(turn, responses=responses), *dialogue.turns[index + 1 :])
                case = case_from_dialogue(replace(dialogue, turns=turns), scenario)
                check_dialogue(case if has_opening else replace(case, opening=None, goal=()))
