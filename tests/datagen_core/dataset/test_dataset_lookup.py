"""Looking up: substitutes are found by the line of the scenario they stand in for, and stand right after it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.dataset.lookup import (
    Lookup,
    OutOfOrder,
    iter_placed,
    mark_last,
    name_dialogue,
    order_of,
    survey_answers,
)
from datagen_core.errors import InputFileError
from datagen_core.files import write_json_array
from datagen_core.mixing import Sampling
from datagen_core.scenarios import sample_scenarios, substitute_scenario, write_scenarios

SUFFIX = Sampling(parallel_calls=True).suffix


def test_requests_stand_by_place_then_substitute_then_round() -> None:
    ids = [
        f"training-42-{place}{suffix}{substitute}.r{number}"
        for suffix in ("", "-t", SUFFIX, f"{SUFFIX}-t")
        for place in ("000009", "000010", "999999", "1000000")
        for substitute in ("", "-s1", "-s2", "-s10")
        for number in (1, 2, 10)
    ]
    runs = [ids[n : n + 48] for n in range(0, len(ids), 48)]
    for run in runs:
        shuffled = [run[n * 7 % len(run)] for n in range(len(run))]
        assert shuffled != run
        assert sorted(shuffled, key=order_of) == run
    assert {order_of(custom_id)[0] for custom_id in runs[0]}.isdisjoint(order_of(custom_id)[0] for custom_id in runs[2])


def _answers(*custom_ids: str) -> list[dict[str, object]]:
    return [{"custom_id": custom_id, "outcome": "expired"} for custom_id in custom_ids]


BASE, NEXT = "training-42-000003", "training-42-000004"


@pytest.mark.parametrize("has_file", [True, False])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
def test_a_substitute_is_found_in_any_order(tmp_path: Path, has_file: bool, order: tuple[int, ...]) -> None:
    path = tmp_path / "scenarios.jsonl"
    scenarios = list(sample_scenarios("training", 5, seed=42))
    write_scenarios(path, scenarios)
    third, fourth = scenarios[3:]
    wanted = [third, substitute_scenario(third, 1), substitute_scenario(third, 2), substitute_scenario(fourth, 1)]
    lookup = Lookup(path if has_file else None)
    assert [lookup.find(wanted[n].id) for n in order] == [wanted[n] for n in order]
    assert lookup.find("training-42-000003-s1.r2") is None
    assert lookup.find("somebody-17-s1") is None
    if has_file:
        assert lookup.find("training-42-000099-s1") is None
        assert lookup.count_groups().total() == 5


def test_a_substitute_of_another_sampling_is_found_in_the_file_only(tmp_path: Path) -> None:
    sampling = Sampling(parallel_calls=True, writer="transcript")
    [scenario] = sample_scenarios("training", 1, seed=42, sampling=sampling)
    write_scenarios(tmp_path / "scenarios.jsonl", [scenario])
    found = Lookup(tmp_path / "scenarios.jsonl").find(f"{scenario.id}-s2")
    assert found == substitute_scenario(scenario, 2)
    assert found is not None
    assert found.writer == "transcript"
    assert Lookup(None).find(f"{scenario.id}-s2") is None


def test_answers_of_a_round_need_no_survey(tmp_path: Path) -> None:
    write_json_array(tmp_path / "r.json", _answers(f"{BASE}-s1.r2", f"{NEXT}.r2"))
    placed = list(iter_placed(tmp_path / "r.json", None))
    assert [(one.dialogue, one.is_last) for one in placed] == [(BASE, True), (NEXT, True)]


@pytest.mark.parametrize(
    "ids",
    [(f"{NEXT}.r1", f"{BASE}.r1"), (f"{BASE}.r1", f"{BASE}-s1.r2"), (f"{BASE}.r1", f"{NEXT}.r2"), (BASE, f"{BASE}.r1")],
    ids=["out of order", "two rounds of one", "two rounds", "twice"],
)
def test_other_answers_have_to_be_surveyed_first(tmp_path: Path, ids: tuple[str, ...]) -> None:
    write_json_array(tmp_path / "r.json", _answers(*ids))
    with pytest.raises(OutOfOrder):
        list(iter_placed(tmp_path / "r.json", None))


@given(order=st.permutations([f"{base}{part}" for base in (BASE, NEXT) for part in (".r1", "-s1.r2", "-s1.r3")]))
def test_each_dialogue_has_one_last_answer_in_whatever_order(
    tmp_path_factory: pytest.TempPathFactory, order: list[str]
) -> None:
    path = tmp_path_factory.mktemp("order") / "r.json"
    write_json_array(path, _answers(*order))
    survey = survey_answers(path)
    placed = list(iter_placed(path, survey))
    assert [one.custom_id for one in placed] == order
    assert (survey.rounds, survey.is_sorted) == ((1, 2, 3), order == sorted(order, key=order_of))
    for dialogue in (BASE, NEXT):
        last = max(n for n, custom_id in enumerate(order) if name_dialogue(custom_id) == dialogue)
        assert [n for n, one in enumerate(placed) if one.dialogue == dialogue and one.is_last] == [last]


def test_a_request_that_stands_twice_apart_is_an_error(tmp_path: Path) -> None:
    write_json_array(tmp_path / "r.json", _answers(f"{BASE}-s1.r2", f"{NEXT}.r1", f"{BASE}-s1.r2"))
    with pytest.raises(InputFileError, match=r"line 4.*stands twice"):
        survey_answers(tmp_path / "r.json")


@given(groups=st.lists(st.integers(0, 3), max_size=12).map(sorted))
def test_the_last_of_each_group_is_marked(groups: list[int]) -> None:
    marked = list(mark_last(groups, lambda group: group))
    assert [group for group, _ in marked] == groups
    assert [group for group, is_last in marked if is_last] == sorted(set(groups))
