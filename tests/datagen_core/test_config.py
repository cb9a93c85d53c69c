"""The domain's constants agree with each other and with what the issue of record asks for."""

from __future__ import annotations

import re

import pytest

from datagen_core import config
from datagen_core.environment import validator_for
from datagen_core.gold_recipes import GOLD_RECIPES
from datagen_core.recipes import RECIPES


def test_original_names_stand_under_both_spellings() -> None:
    assert config.tools is config.TOOLS
    assert config.tools_return_format is config.TOOLS_RETURN_FORMAT


def test_eleven_tools_each_with_a_return_format() -> None:
    names = [tool["function"]["name"] for tool in config.TOOLS]  # type: ignore[index]
    assert tuple(names) == config.TOOL_NAMES
    assert len(names) == 11
    assert set(config.TOOLS_RETURN_FORMAT) == set(names)


@pytest.mark.parametrize("tool", config.TOOLS, ids=lambda tool: tool["function"]["name"])
def test_tool_is_a_closed_schema_with_korean_descriptions(tool: dict[str, dict[str, object]]) -> None:
    function = tool["function"]
    parameters = function["parameters"]
    assert isinstance(parameters, dict)
    assert parameters["additionalProperties"] is False
    assert set(parameters["required"]) <= set(parameters["properties"])
    validator_for(parameters)
    texts = [function["description"], *(spec.get("description") for spec in parameters["properties"].values())]
    assert all(re.search("[가-힣]", str(text)) for text in texts)


def test_lists_are_long_enough_and_without_repeats() -> None:
    assert len(config.QUESTION_TOPICS) >= 30
    assert len(config.UNSUPPORTED_SCENARIOS) >= 25
    assert len(config.GOLD_CATEGORIES) == 8
    assert set(config.UNSUPPORTED_IN_DOMAIN).isdisjoint(config.UNSUPPORTED_OFF_DOMAIN)
    for entries in (config.USER_IDS, [t.key for t in config.QUESTION_TOPICS], config.UNSUPPORTED_SCENARIOS):
        assert len(set(entries)) == len(entries)


def test_every_topic_has_a_recipe_and_every_kind_a_topic() -> None:
    assert set(RECIPES) == {topic.key for topic in config.QUESTION_TOPICS}
    assert {kind for topic in config.QUESTION_TOPICS for kind in topic.kinds} == set(config.KINDS)
    assert set(GOLD_RECIPES) == set(config.GOLD_CATEGORIES)


def test_mix_is_a_share_for_every_kind() -> None:
    assert set(config.KIND_MIX) == set(config.KINDS)
    assert sum(config.KIND_MIX.values()) == pytest.approx(1)


def test_user_ids_are_lower_case_uuids() -> None:
    assert all(re.fullmatch(config.UUID_PATTERN, uid) for uid in config.USER_IDS)


def test_personas_vary_in_every_way_and_are_no_more_than_the_rarest_kind_has_scenarios() -> None:
    rarest = min(config.KIND_MIX.values()) * 400
    assert 16 <= len(config.PERSONAS) <= rarest
    assert len(set(config.PERSONAS)) == len(config.PERSONAS)
    least = {"age": 6, "register": 2, "mood": 7, "typing": 8, "amount": 2, "pace": 3, "dialect": 4}
    for field, count in least.items():
        assert len({getattr(persona, field) for persona in config.PERSONAS}) >= count, field
    assert {persona.register for persona in config.PERSONAS if persona.dialect != "표준어"} == {"존댓말", "반말"}


def test_every_kind_has_fewer_topics_than_half_its_scenarios_of_four_hundred() -> None:
    """So that each topic of a kind comes up twice within 400, and its lists move on."""
    for kind, share in config.KIND_MIX.items():
        topics = [topic for topic in config.QUESTION_TOPICS if kind in topic.kinds]
        assert 2 * len(topics) <= share * 400, kind


def test_what_no_tool_does_is_named_once_over_all_lists() -> None:
    named = [entry.request for entry in (*config.UNSUPPORTED_SCENARIOS, *config.NEAR_MISSES, *config.SMALL_TALK)]
    assert len(set(named)) == len(named)
    assert len(config.UNSUPPORTED_IN_DOMAIN) >= 30
    assert len(config.UNSUPPORTED_OFF_DOMAIN) >= 20
    assert len(config.NEAR_MISSES) >= 16
    assert len(config.SMALL_TALK) % 3 == 0
