"""Scenarios: same seed same bytes, stratified, and each goal is one that a flawless counsellor reaches."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

import orjson
import pytest

from datagen_core.batch.requests import RequestOptions, build_request
from datagen_core.config import (
    GOLD_CATEGORIES,
    KIND_MIX,
    KINDS,
    NO_CALL_KINDS,
    PERSONAS,
    QUESTION_TOPICS,
    GoldCategory,
    Kind,
)
from datagen_core.environment import Environment, Handles
from datagen_core.environment.goals import NoCalls, find_misses, refusal_code
from datagen_core.errors import ConfigError, InputFileError
from datagen_core.mixing import read_mix
from datagen_core.occasions import HOLIDAYS
from datagen_core.reference import Rehearsal
from datagen_core.scenarios import (
    Profile,
    Scenario,
    ask_for_transcript,
    read_scenarios,
    read_seed,
    resample_scenario,
    sample_gold,
    sample_scenarios,
    sample_training,
    substitute_scenario,
    write_scenarios,
)
from datagen_core.surveying import execute_plan, survey_scenarios

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def training() -> list[Scenario]:
    return list(sample_training(400, seed=42))


@pytest.fixture(scope="module")
def gold() -> list[Scenario]:
    return list(sample_gold(seed=42))


def test_kinds_have_exactly_the_shares_of_the_mix(training: list[Scenario]) -> None:
    counts = Counter(scenario.kind for scenario in training)
    assert counts == {kind: round(share * 400) for kind, share in KIND_MIX.items()}


def test_every_topic_and_every_kind_with_every_persona_comes_up(training: list[Scenario]) -> None:
    assert {scenario.topic for scenario in training} == {topic.key for topic in QUESTION_TOPICS}
    pairs = {(scenario.kind, scenario.persona) for scenario in training}
    assert pairs == {(kind, persona) for kind in KINDS for persona in PERSONAS}


@pytest.mark.parametrize("seed", [0, 1, 7, 42, 4711, 2**31])
def test_every_seed_shows_everything_within_four_hundred(seed: int) -> None:
    survey = survey_scenarios(sample_training(400, seed=seed))
    apart = {"n_scenarios", "n_parallel", "pairs_missing", "gold_categories", "hours"}
    tables: dict[str, dict[str, int]] = survey.model_dump(exclude=apart)
    missing = {table: [key for key, count in counts.items() if not count] for table, counts in tables.items()}
    assert {table: keys for table, keys in missing.items() if keys} == {}
    assert survey.pairs_missing == 0


@pytest.mark.parametrize("seed", [0, 42])
def test_dialogues_begin_at_all_times(seed: int) -> None:
    scenarios = list(sample_training(400, seed=seed))
    moments = [datetime.fromisoformat(scenario.opening.now) for scenario in scenarios]
    hours = Counter(moment.hour for moment in moments)
    assert len(hours) >= 18
    assert sum(hours[hour] for hour in (22, 23, 0, 1, 2)) >= 20
    assert sum(hours[hour] for hour in (5, 6, 7, 8, 9, 10)) >= 15
    assert max(hours.values()) < 100
    weekdays = Counter(moment.weekday() for moment in moments)
    assert min(weekdays[day] for day in range(7)) >= 30
    assert sum(moment.date() in HOLIDAYS for moment in moments) >= 20
    assert len({moment.month for moment in moments}) == 12


def test_what_happens_on_the_way_is_told_by_a_refusal(training: list[Scenario]) -> None:
    for scenario in training:
        planned = {step.refused for step in scenario.steps if step.refused is not None and not step.is_seen_ahead}
        answered = {refusal_code(call.response) for call in execute_plan(scenario)} - {None}
        assert answered == planned, scenario.id
        assert not scenario.opening.happenings or answered, scenario.id


SHAPES = {"error_recovery": 10, "partial": 8, "follow_up": 8, "correction": 8}


@pytest.mark.parametrize("kind", sorted(SHAPES))
def test_a_kind_has_many_shapes(kind: Kind, training: list[Scenario]) -> None:
    """A shape is what is done in what order, with what is refused, called or taken back on the way."""
    shapes = {
        tuple((step.intent, step.refused, step.request, step.retracted is not None) for step in scenario.steps)
        for scenario in training
        if scenario.kind == kind
    }
    assert len(shapes) >= SHAPES[kind]


GOLD_SHAPES = {
    "단순/연속 검색": 6, "메뉴 조회": 4, "장바구니 조작": 4, "주문 이력/상태": 4, "주문 처리": 4, "멀티턴 복합": 6,
    "비지원 시나리오": 3, "엣지 케이스": 4,
}  # fmt: skip


@pytest.mark.parametrize("category", GOLD_CATEGORIES)
def test_a_gold_category_has_several_shapes(category: GoldCategory, gold: list[Scenario]) -> None:
    shapes = {
        tuple((step.intent, step.refused, step.withhold, *sorted(step.filters)) for step in scenario.steps)
        for scenario in gold
        if scenario.category == category
    }
    kinds = {scenario.kind for scenario in gold if scenario.category == category}
    assert len(shapes | kinds) >= GOLD_SHAPES[category]


def test_gold_categories_show_what_they_must(gold: list[Scenario]) -> None:
    for scenario in gold:
        tools = [call.tool for call in execute_plan(scenario)]
        match scenario.category:
            case "단순/연속 검색":
                assert set(tools) == {"search_restaurants"}
                assert len(tools) > 1
            case "메뉴 조회":
                assert "get_restaurant_detail" in tools
            case "장바구니 조작":
                assert {"add_to_cart", "update_cart_item", "remove_cart_items"} <= set(tools)
            case "주문 이력/상태":
                assert tools[-1] == "get_order_status"
                assert any(step.withhold == "주문 번호" or step.refused for step in scenario.steps)
            case "주문 처리":
                assert tools[-2:] == ["prepare_checkout", "place_order"]
            case "멀티턴 복합":
                order = [
                    "search_restaurants",
                    "get_restaurant_detail",
                    "add_to_cart",
                    "prepare_checkout",
                    "place_order",
                ]
                assert [tool for tool in dict.fromkeys(tools) if tool in order] == order
            case "비지원 시나리오":
                assert tools == []
            case _:
                assert tools


def test_unrelated_requests_are_never_forced_together(training: list[Scenario]) -> None:
    for scenario in training:
        intents = {step.intent for step in scenario.steps}
        if scenario.kind == "partial":
            assert [step.intent for step in scenario.steps].count("decline") == 1
        else:
            assert not intents & {"decline", "answer"} or len(scenario.steps) == 1, scenario.id


def test_a_smaller_count_is_a_prefix_of_a_larger_one(training: list[Scenario]) -> None:
    assert list(sample_training(37, seed=42)) == training[:37]


def test_another_seed_gives_other_scenarios(training: list[Scenario]) -> None:
    others = list(sample_training(400, seed=43))
    assert not {s.opening.seed for s in others} & {s.opening.seed for s in training}


def test_ids_and_environment_seeds_are_unique(training: list[Scenario]) -> None:
    assert len({s.id for s in training}) == len({s.opening.seed for s in training}) == 400


def test_gold_has_ten_of_each_category_and_more_is_an_extension(gold: list[Scenario]) -> None:
    assert Counter(s.category for s in gold) == dict.fromkeys(GOLD_CATEGORIES, 10)
    assert list(sample_gold(12, seed=42))[:80] == gold


def test_an_id_alone_gives_the_scenario_back(training: list[Scenario], gold: list[Scenario]) -> None:
    for scenario in (*training[::29], *gold[::7]):
        assert resample_scenario(scenario.id) == scenario
    assert resample_scenario("somebody-elses-17") is None


def test_plan_reaches_its_own_goal(training: list[Scenario], gold: list[Scenario]) -> None:
    for scenario in (*training, *gold):
        rehearsal = Rehearsal(Environment(scenario.opening))
        spoken = 0
        for step in scenario.steps:
            spoken += not step.together
            spoken += step.withhold is not None
            if scenario.kind in NO_CALL_KINDS:
                continue
            before = len(rehearsal.calls)
            for call in rehearsal.plan(step):
                rehearsal.execute(call)
            rehearsal.calls[before:] = [
                executed._replace(arguments=rehearsal.fill(executed.tool, executed.arguments), customer_turns=spoken)
                for executed in rehearsal.calls[before:]
            ]
        handles = Handles(rehearsal.environment)
        assert find_misses(scenario.goal, rehearsal.environment, handles, rehearsal.calls) == [], scenario.id
        assert not {call.tool for call in rehearsal.calls} & set(scenario.forbidden_tools), scenario.id


def test_goals_are_not_empty_words(training: list[Scenario]) -> None:
    """A counsellor who does nothing misses every goal but those of kinds without a call."""
    for scenario in training:
        environment = Environment(scenario.opening)
        misses = find_misses(scenario.goal, environment, Handles(environment), [])
        if scenario.goal == (NoCalls(),):
            assert misses == []
        else:
            assert misses, scenario.id


def test_mix_may_name_some_kinds_only() -> None:
    scenarios = sample_training(100, seed=1, mix={"tool_use": 1, "correction": 3})
    assert Counter(s.kind for s in scenarios) == {"tool_use": 25, "correction": 75}


@pytest.mark.parametrize("mix", [{}, {"tool_use": 0}, {"tool_use": -1, "partial": 2}, {"no_such_kind": 1}])
def test_impossible_mix_is_an_error_that_names_the_kinds(mix: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="tool_use, clarification"):
        list(sample_training(1, seed=1, mix=mix))  # type: ignore[arg-type]


def test_a_mix_is_read_from_words() -> None:
    assert read_mix("tool_use=0.5, clarification=1.5") == {"tool_use": 0.5, "clarification": 1.5}


@pytest.mark.parametrize(
    "text", ["", "tool_use", "tool_use=", "tool_use=half", "no_such_kind=1", "tool_use=1,tool_use=2", "tool_use=nan",
             "tool_use=inf", "tool_use=-1", "tool_use=0", "tool_use=1;partial=1"]
)  # fmt: skip
def test_words_that_are_no_mix_are_an_error_that_names_the_kinds(text: str) -> None:
    with pytest.raises(ConfigError, match=r"tool_use, clarification.*Correct"):
        read_mix(text)


def test_another_sampling_has_ids_that_are_not_sampled_again_by_mistake() -> None:
    [default] = sample_training(1, seed=5)
    [same] = sample_training(1, seed=5, mix={kind: share * 2 for kind, share in KIND_MIX.items()})
    [mixed] = sample_training(1, seed=5, mix={"partial": 1})
    [parallel] = sample_training(1, seed=5, parallel_calls=True)
    assert default == same
    assert len({default.id, mixed.id, parallel.id}) == 3
    assert resample_scenario(default.id) == default
    assert resample_scenario(mixed.id) is None
    assert resample_scenario(parallel.id) is None
    assert read_seed(mixed.id) == 5


def test_parallel_calls_are_asked_for_where_the_steps_allow_it() -> None:
    scenarios = list(sample_training(400, seed=42, parallel_calls=True))
    assert [s.model_copy(update={"id": "", "parallel_calls": False}) for s in scenarios[:20]] == [
        s.model_copy(update={"id": ""}) for s in sample_training(20, seed=42)
    ]
    topics = {scenario.topic for scenario in scenarios if scenario.parallel_calls}
    assert {"search_two", "cart_and_addresses", "compare_menus"} <= topics
    assert not topics & {"search_category", "payment", "full_cycle", "checkout_expired", "about_service"}


def test_file_round_trip_and_error_with_line_and_field(tmp_path: Path, training: list[Scenario]) -> None:
    path = tmp_path / "scenarios.jsonl"
    write_scenarios(path, training[:3])
    assert list(read_scenarios(path)) == training[:3]
    path.write_text(path.read_text(encoding="utf-8").replace('"kind":"', '"kind":"un', 1), encoding="utf-8")
    with pytest.raises(InputFileError, match=r"line 1, field 'kind'.*generate-batch"):
        list(read_scenarios(path))


def test_same_bytes_in_two_processes_under_two_hash_seeds(tmp_path: Path) -> None:
    digests = set[str]()
    for hash_seed in ("0", "4711"):
        path = tmp_path / hash_seed / "batch_input.jsonl"
        code = (
            "import sys; from pathlib import Path; from datagen_core.dataset.generating import generate_files;"
            "from datagen_core.batch.requests import RequestOptions;"
            "generate_files('training', 60, Path(sys.argv[1]), RequestOptions('m'), seed=42);"
            "generate_files('gold', 2, Path(sys.argv[1]).with_name('gold.jsonl'), RequestOptions('m'), seed=42)"
        )
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, cwd=ROOT, env={"PYTHONHASHSEED": hash_seed})
        files = sorted(path.parent.iterdir())
        assert [file.name for file in files] == [
            "batch_input.jsonl",
            "gold.jsonl",
            "gold_scenarios.jsonl",
            "scenarios.jsonl",
        ]
        digests.add(hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize("profile", ["training", "gold"])
def test_every_scenario_is_sampled_again_from_its_id(profile: Profile) -> None:
    for scenario in sample_scenarios(profile, 12, seed=7):
        assert resample_scenario(scenario.id) == scenario


@pytest.mark.parametrize(
    "scenario_id",
    [
        "training-42-00000٣",
        "training-٤٢-000003",
        "training-42-000003\n",
        "training-42-" + "1" * 5_000,
        "training-" + "1" * 5_000 + "-000003",
        "training-007-000003",
        "training-7-3",
        "training-7-0000003",
        "gold--000003",
        "xtraining-7-000003",
        "training-7-000003-x12",
        "training-7-000003-xABCDEF01",
    ],
)
def test_an_id_that_is_not_one_of_ours_is_none(scenario_id: str) -> None:
    assert resample_scenario(scenario_id) is None
    assert read_seed(scenario_id) is None


@pytest.mark.parametrize("seed", [0, 42, 2**31])
def test_a_seed_that_a_run_may_have_reads_back(seed: int) -> None:
    [scenario] = sample_scenarios("training", 1, seed=seed)
    assert read_seed(scenario.id) == seed
    assert read_seed(f"training-{seed}-1234567") == seed


def _family(scenario: Scenario) -> list[Scenario]:
    return [scenario, *(substitute_scenario(scenario, number) for number in (1, 2, 3))]


def test_a_substitute_is_another_scenario_for_the_same_dialogue(training: list[Scenario], gold: list[Scenario]) -> None:
    transcripts = map(ask_for_transcript, training[5:150:29])
    for base in (*training[::5], *gold, *transcripts):
        family = _family(base)
        kept = ("kind", "category", "topic", "persona", "writer", "parallel_calls", "min_customer_turns")
        assert len({tuple(getattr(scenario, name) for name in kept) for scenario in family}) == 1
        assert len({scenario.opening.seed for scenario in family}) == 4
        assert len({scenario.model_dump_json(exclude={"id", "opening"}) + scenario.date for scenario in family}) > 1
        assert [scenario.id for scenario in family] == [base.id, *(f"{base.id}-s{number}" for number in (1, 2, 3))]
        assert substitute_scenario(family[1], 3) == family[3]


def test_the_request_for_a_substitute_never_has_the_bytes_of_another(
    training: list[Scenario], gold: list[Scenario]
) -> None:
    for base in (*training[::4], *gold[::2], *map(ask_for_transcript, training[:20])):
        bodies = {orjson.dumps(build_request(one, RequestOptions("m"))["body"]) for one in _family(base)}
        assert len(bodies) == 4, base.id


def test_substitutes_reach_their_goals_too(training: list[Scenario], gold: list[Scenario]) -> None:
    for base in (*training[::7], *gold):
        test_plan_reaches_its_own_goal(_family(base)[1:], [])


def test_a_substitute_is_asked_for_in_parallel_calls_as_its_base_is() -> None:
    sampled = list(sample_training(100, seed=42, parallel_calls=True))
    assert {base.parallel_calls for base in sampled} == {True, False}
    for base in sampled:
        assert substitute_scenario(base, 1).parallel_calls is base.parallel_calls


def test_an_id_alone_gives_a_substitute_back(training: list[Scenario], gold: list[Scenario]) -> None:
    for base in (*training[::29], *gold[::7], *map(ask_for_transcript, training[:3])):
        for scenario in _family(base):
            assert resample_scenario(scenario.id) == scenario
    [mixed] = sample_training(1, seed=5, mix={"partial": 1})
    assert resample_scenario(f"{mixed.id}-s1") is None
    assert resample_scenario("training-42-000003-s0") is None
    assert read_seed(f"{mixed.id}-s1") == 5


def test_same_substitutes_in_another_process_under_another_hash_seed(
    training: list[Scenario], gold: list[Scenario]
) -> None:
    ids = [scenario.id for scenario in (*training[::40], *gold[::9])]
    here = hashlib.sha256()
    for scenario_id in ids:
        here.update(resample_scenario(f"{scenario_id}-s2").model_dump_json().encode())  # type: ignore[union-attr]
    code = (
        "import hashlib, sys; from datagen_core.scenarios import resample_scenario, substitute_scenario;"
        "digest = hashlib.sha256();"
        "[digest.update(substitute_scenario(resample_scenario(one), 2).model_dump_json().encode())"
        " for one in sys.argv[1:]]; print(digest.hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", code, *ids], check=True, cwd=ROOT, env={"PYTHONHASHSEED": "4711"}, capture_output=True
    )
    assert there.stdout.decode().strip() == here.hexdigest()


def test_a_topic_that_is_none_of_ours_is_an_error_that_names_it(training: list[Scenario], gold: list[Scenario]) -> None:
    for scenario in (training[0], gold[0]):
        with pytest.raises(ConfigError, match=r"no recipe draws the topic 'teleport'"):
            substitute_scenario(scenario.model_copy(update={"topic": "teleport"}), 1)
