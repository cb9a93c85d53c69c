"""Scenarios: same seed same bytes, stratified, and each goal is one that a flawless counsellor reaches."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from datagen_core.config import GOLD_CATEGORIES, KIND_MIX, KINDS, NO_CALL_KINDS, PERSONAS, QUESTION_TOPICS
from datagen_core.environment import Environment, Handles
from datagen_core.environment.goals import NoCalls, find_misses
from datagen_core.errors import ConfigError, InputFileError
from datagen_core.reference import Rehearsal
from datagen_core.scenarios import (
    Profile,
    Scenario,
    read_scenarios,
    read_seed,
    resample_scenario,
    sample_gold,
    sample_scenarios,
    sample_training,
    write_scenarios,
)

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
