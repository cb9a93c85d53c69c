"""What would be asked for is counted: each scenario once, what never comes up with a nought."""

from __future__ import annotations

from datagen_core.config import KINDS, PERSONAS, TOOL_NAMES, TOOLS
from datagen_core.scenarios import sample_gold, sample_training
from datagen_core.surveying import OPTIONAL_PARAMETERS, execute_plan, name_persona, survey_scenarios


def test_optional_parameters_are_those_of_the_tools() -> None:
    assert len(OPTIONAL_PARAMETERS) == 16
    assert {name.partition(".")[0] for name in OPTIONAL_PARAMETERS} <= set(TOOL_NAMES)
    assert "place_order.pg_id" in OPTIONAL_PARAMETERS
    assert "get_order_status.order_id" not in OPTIONAL_PARAMETERS
    assert len(TOOLS) == 11


def test_no_scenarios_are_counted_as_noughts() -> None:
    survey = survey_scenarios([])
    assert survey.n_scenarios == 0
    assert set(survey.kinds.values()) == set(survey.error_codes.values()) == {0}
    assert survey.pairs_missing == len(KINDS) * len(PERSONAS)


def test_each_scenario_counts_once_in_its_kind_topic_and_persona() -> None:
    scenarios = list(sample_training(50, seed=3))
    advanced: list[int] = []
    survey = survey_scenarios(scenarios, advance=lambda: advanced.append(1))
    assert len(advanced) == survey.n_scenarios == 50
    for counts in (survey.kinds, survey.topics, survey.personas, survey.hours, survey.weekdays):
        assert sum(counts.values()) == 50
    first = scenarios[0]
    assert survey.topics[first.topic] == sum(s.topic == first.topic for s in scenarios)
    assert survey.personas[name_persona(first.persona)] == sum(s.persona == first.persona for s in scenarios)


def test_tools_are_counted_by_what_the_plans_really_call() -> None:
    scenarios = list(sample_training(60, seed=3))
    called = [{call.tool for call in execute_plan(scenario)} for scenario in scenarios]
    survey = survey_scenarios(scenarios)
    assert survey.tools == {tool: sum(tool in tools for tools in called) for tool in TOOL_NAMES}


def test_gold_is_counted_by_category() -> None:
    survey = survey_scenarios(sample_gold(2, seed=3))
    assert set(survey.gold_categories.values()) == {2}
