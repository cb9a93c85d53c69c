"""Flawless scripts perform into dialogues that reach their goals, in as many words as there are customers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Literal, cast

import jsonschema_rs
import orjson
import pytest

from datagen_core.batch.requests import Endpoint, RequestOptions, build_request
from datagen_core.checks import case_from_dialogue, check_dialogue, is_accepted
from datagen_core.config import NO_CALL_KINDS, PERSONAS, QUESTION_TOPICS, TOOL_NAMES
from datagen_core.dialogue.models import Dialogue
from datagen_core.dialogue.performing import perform
from datagen_core.dialogue.script import build_script_schema, parse_script
from datagen_core.environment import Environment, Handles, build_catalogue, response_errors
from datagen_core.environment.goals import ExecutedCall, find_misses, refusal_code
from datagen_core.scenarios import Scenario, sample_gold, sample_training
from datagen_core.simulator import phrases, talk
from datagen_core.simulator.writer import ScriptWriter

SEED = 42
SPOKEN = re.compile(r"\{[OX][1-9]\}")
POLITE_END = re.compile(r"(니다|요|까요\?|나요\?|세요|세요\?|래요\?|신가요\?|시나요\?|되나요\?|어요\?|으세요\?)[.?:]?$")

Played = tuple[Scenario, str, Dialogue]


def ask(scenario: Scenario, endpoint: Endpoint = "/v1/chat/completions") -> tuple[str, dict[str, object]]:
    request = build_request(scenario, RequestOptions(model="simulator", endpoint=endpoint))
    return cast("str", request["custom_id"]), cast("dict[str, object]", request["body"])


def play(scenarios: Iterator[Scenario]) -> list[Played]:
    writer = ScriptWriter()
    played: list[Played] = []
    for scenario in scenarios:
        answer = writer.answer(*ask(scenario))
        assert (answer.finish_reason, answer.refusal, answer.planted) == ("stop", None, None)
        played.append((scenario, answer.text, perform(parse_script(answer.text), scenario.opening)))
    return played


@cache
def some() -> list[Played]:
    return play(iter((*sample_training(400, seed=SEED), *sample_gold(10, seed=SEED))))


@cache
def one_of_each() -> dict[tuple[str, str], Scenario]:
    first: dict[tuple[str, str], Scenario] = {}
    for scenario in sample_training(1000, seed=7):
        first.setdefault((scenario.topic, scenario.kind), scenario)
    return first


def lines_of(dialogue: Dialogue, role: Literal["customer", "counsellor"]) -> list[str]:
    return [turn.text for turn in dialogue.turns if turn.role == role]


def misses_of(scenario: Scenario, dialogue: Dialogue) -> list[str]:
    environment = Environment(scenario.opening, build_catalogue(scenario.opening.catalogue_seed))
    handles, executed, spoken = Handles(environment), list[ExecutedCall](), 0
    problems: list[str] = []
    planned = {step.refused for step in scenario.steps}
    for index, turn in enumerate(dialogue.turns):
        spoken += turn.role == "customer"
        for call in turn.calls:
            response = environment.execute(call.name, call.arguments)
            problems += response_errors(call.name, response)
            code = refusal_code(response)
            if code is not None and code not in planned:
                problems.append(f"turn {index}: unplanned {code}")
            executed.append(ExecutedCall(call.name, call.arguments, response, spoken))
    return problems + find_misses(scenario.goal, environment, handles, executed)


def assert_flawless(played: list[Played]) -> None:
    for scenario, text, dialogue in played:
        where = f"{scenario.id} {scenario.topic}: {text}"
        assert misses_of(scenario, dialogue) == [], where
        found = check_dialogue(case_from_dialogue(dialogue, scenario))
        assert is_accepted(found), f"{[(v.rule, v.message) for v in found]} {where}"
        assert len(lines_of(dialogue, "customer")) <= scenario.max_customer_turns, where


def test_every_script_reaches_its_goal_and_breaks_no_rule() -> None:
    assert_flawless(some())


@pytest.mark.slow
def test_thousands_of_scripts_reach_their_goals_and_break_no_rule() -> None:
    assert_flawless(play(iter((*sample_training(2000, seed=SEED), *sample_gold(50, seed=SEED)))))


def test_every_script_fits_the_strict_schema() -> None:
    validator = jsonschema_rs.validator_for(build_script_schema())
    for _, text, _ in some():
        validator.validate(orjson.loads(text))


def test_no_call_kinds_have_no_call() -> None:
    for scenario, _, dialogue in some():
        if scenario.kind in NO_CALL_KINDS:
            assert all(not turn.calls for turn in dialogue.turns)


def test_no_two_customers_say_the_same() -> None:
    said = ["\n".join(lines_of(dialogue, "customer")) for _, _, dialogue in some()]
    assert len(set(said)) == len(said)


def test_what_arguments_keep_of_the_customers_words_was_said_so() -> None:
    for scenario, _, dialogue in some():
        said = "\n".join(lines_of(dialogue, "customer"))
        for step in scenario.steps:
            for words in (step.special_request, step.note):
                assert words is None or words in said
            if step.intent == "save_address" and step.address is None:
                assert all(str(value) in said for value in step.fields.values())


def test_the_counsellor_is_polite_and_names_no_handle_or_tool() -> None:
    for scenario, text, dialogue in some():
        for line in lines_of(dialogue, "counsellor"):
            assert POLITE_END.search(line), line
            assert not any(tool in line for tool in TOOL_NAMES), line
        spoken = [turn.text for turn in parse_script(text).turns if turn.role == "counsellor"]
        assert not any(re.search(r"\b[RMCAS]\d+\b", SPOKEN.sub("", line)) for line in spoken), scenario.id


def test_no_template_shows_through() -> None:
    for _, text, _ in some():
        for turn in parse_script(text).turns:
            assert not re.search(r"[\[\]|]|\{(?![OX]\d\})|줘~|[\ue000-\uf8ff]|\bNone\b", turn.text), turn.text


@pytest.mark.parametrize("persona", PERSONAS)
def test_every_topic_and_kind_plays_for_every_persona(persona: tuple[str, ...]) -> None:
    wanted = {(topic.key, kind) for topic in QUESTION_TOPICS for kind in topic.kinds}
    assert one_of_each().keys() >= wanted
    writer = ScriptWriter()
    for scenario in one_of_each().values():
        other = scenario.model_copy(update={"persona": persona})
        script = parse_script(writer.answer(*ask(other)).text)
        assert script.problem is None
        assert misses_of(other, perform(script, other.opening)) == []


def test_the_same_request_gets_the_same_answer_and_a_later_round_another() -> None:
    scenario = next(s for s in sample_training(50, seed=SEED) if s.kind == "tool_use")
    custom_id, body = ask(scenario)
    texts = [ScriptWriter().answer(custom_id, body).text for _ in range(2)]
    assert texts[0] == texts[1]
    assert ScriptWriter().answer(custom_id.replace(".r1", ".r2"), body).text != texts[0]


def test_both_endpoints_get_the_same_script() -> None:
    scenario = next(sample_training(1, seed=SEED))
    assert ScriptWriter().answer(*ask(scenario)) == ScriptWriter().answer(*ask(scenario, "/v1/responses"))


def test_every_intent_can_be_put_in_five_ways() -> None:
    banks = {name: bank for name, bank in vars(phrases).items() if name.isupper() and isinstance(bank, tuple)}
    too_few = [name for name, bank in banks.items() if name != "MEALS" and len(cast("tuple[str, ...]", bank)) < 5]
    assert too_few == []
    assert all(len(request.asks) >= 5 for request in talk.REFUSABLE.values())
    assert all(len(entry.asks) >= 5 for entry in talk.ANSWERABLE.values())


def test_a_script_depends_on_nothing_but_its_request() -> None:
    scenarios = list(sample_training(20, seed=SEED))
    order = Random(1).sample(range(20), 20)
    writer = ScriptWriter()
    forwards = [writer.answer(*ask(scenario)).text for scenario in scenarios]
    shuffled = {number: writer.answer(*ask(scenarios[number])).text for number in order}
    assert [shuffled[number] for number in range(20)] == forwards
