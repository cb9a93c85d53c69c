"""The score of the rules: damages do what they say, the count is right, and the bounds hold on fewer dialogues."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Literal

import orjson
import pytest

from benchmarks.mutation import find_new, measure
from benchmarks.mutations import GOLD_MUTATIONS, MUTATIONS, ROW_MUTATIONS, Mutation
from benchmarks.mutations.base import (
    indexes_of,
    perform_again,
    read_turns,
    responses_of,
    walk_objects,
    with_turn,
    with_turns,
)
from benchmarks.mutations.scoring import Report, Score, find_misses, sum_scores
from datagen_core.checks import RULES, case_from_record, check_dialogue
from datagen_core.dataset.verdicts import judge_answer
from datagen_core.files import JsonObject
from datagen_core.scenarios import Scenario

ROOT = Path(__file__).parents[2]
ANSWERS = ROOT / "tests" / "fixtures" / "answers"
EVERY = (*MUTATIONS, *ROW_MUTATIONS, *GOLD_MUTATIONS)
PERFORMED = [mutation for mutation in MUTATIONS if mutation.name.endswith(", performed")]


@cache
def _records() -> list[bytes]:
    """Return the records of the fixtures that were performed: answers of an LLM, of all kinds."""
    found: list[bytes] = []
    for path in sorted(ANSWERS.glob("*.json")):
        fixture = orjson.loads(path.read_bytes())
        answer = {"custom_id": f"{fixture['scenario']['id']}.r1", "outcome": "answered", "text": fixture["text"]}
        record = judge_answer(Scenario.model_validate(fixture["scenario"]), answer).record
        if record is not None and record["meta"]["opening"] is not None:
            found.append(orjson.dumps(record))
    assert len(found) > 20
    return found


def _spare(record: JsonObject, rng: Random) -> JsonObject | None:
    """Damage nothing."""
    del rng
    return record


def _damage_all(mutation: Mutation, seed: int = 1) -> list[tuple[JsonObject, JsonObject]]:
    """Return (record, damaged record) wherever the mutation applies to a fixture."""
    pairs: list[tuple[JsonObject, JsonObject]] = []
    for number, line in enumerate(_records()):
        damaged = mutation.damage(orjson.loads(line), Random(seed * 1_000 + number))
        if damaged is not None:
            pairs.append((orjson.loads(line), damaged))
    return pairs


def test_there_are_enough_kinds_and_each_has_a_name_of_its_own() -> None:
    names = [mutation.name for mutation in EVERY]
    assert len(names) >= 45
    assert [name for name, count in Counter(names).items() if count > 1] == []


@pytest.mark.parametrize("mutation", EVERY, ids=lambda mutation: mutation.name)
def test_a_damaged_record_differs_can_be_written_and_is_the_same_for_the_same_seed(mutation: Mutation) -> None:
    pairs = _damage_all(mutation)
    again = [damaged for _, damaged in _damage_all(mutation)]
    for (original, damaged), repeated in zip(pairs, again, strict=True):
        written = orjson.dumps(damaged)
        assert orjson.loads(written) != original
        assert written == orjson.dumps(repeated)


RENAME = """
import sys
from hashlib import blake2b
from random import Random
import orjson
from benchmarks.mutations import MUTATIONS
lines = sys.stdin.buffer.read().splitlines()
for mutation in MUTATIONS:
    if mutation.name in ("text: restaurant renamed", "text: another branch", "text: dish renamed", "handle for a name"):
        damaged = [mutation.damage(orjson.loads(line), Random(number)) for number, line in enumerate(lines)]
        print(mutation.name, sum(record is not None for record in damaged), blake2b(orjson.dumps(damaged)).hexdigest())
"""


def _naming_everything() -> list[bytes]:
    """Return records in which the counsellor's last line holds every name that was shown, so many of a length."""
    found: list[bytes] = []
    for line in _records():
        record: JsonObject = orjson.loads(line)
        turns = read_turns(record)
        shown = walk_objects(responses_of(turns))
        names = dict.fromkeys(str(entry[key]) for entry in shown for key in ("name", "menu_name") if key in entry)
        if len(names) > 5:
            last = indexes_of(turns, "counsellor")[-1]
            named = replace(turns[last], text=", ".join(names))
            found.append(orjson.dumps(with_turn(record, turns, last, named)))
    assert len(found) > 5
    return found


def test_damages_do_not_depend_on_how_a_process_orders_sets() -> None:
    command, written = [sys.executable, "-c", RENAME], b"\n".join(_naming_everything())
    one, other = (
        subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            input=written,
            capture_output=True,
            check=True,
        ).stdout.splitlines()
        for seed in ("1", "2")
    )
    assert len(one) == 4
    assert one == other


def test_equal_counts_of_rules_stand_in_the_same_order_whichever_came_first() -> None:
    score = Score()
    score.count(["X01", "P02", "R03", "G01", "I02"], lambda: "never")
    assert list(score.rules) == ["G01", "I02", "P02", "R03", "X01"]


@pytest.mark.parametrize("mutation", PERFORMED, ids=lambda mutation: mutation.name)
def test_what_was_performed_again_holds_no_untrue_response(mutation: Mutation) -> None:
    for _, damaged in _damage_all(mutation):
        assert "X01" not in {violation.rule for violation in check_dialogue(case_from_record(damaged))}


def test_performing_a_sound_dialogue_again_changes_nothing() -> None:
    for line in _records():
        record: JsonObject = orjson.loads(line)
        turns = read_turns(record)
        assert perform_again(record, turns) == turns
        assert with_turns(record, turns) == record


def test_nothing_is_caught_where_nothing_is_damaged() -> None:
    severities: tuple[Literal["E"], Literal["W"]] = ("E", "W")
    for severity in severities:
        same = Mutation("none", _spare, severity)
        for line in _records():
            assert find_new(orjson.loads(line), line, same) == []


def test_a_warning_counts_only_where_nothing_more_is_promised_and_the_original_lacks_it() -> None:
    repeated = next(mutation for mutation in MUTATIONS if mutation.name == "look-up repeated, performed")
    original, damaged = _damage_all(repeated)[0]
    line, warned = orjson.dumps(original), {v.rule for v in check_dialogue(case_from_record(damaged))}
    assert warned
    assert set(find_new(damaged, line, repeated._replace(severity="W"))) == warned
    assert find_new(damaged, line, repeated._replace(severity="E")) == []
    assert find_new(damaged, orjson.dumps(damaged), repeated._replace(severity="W")) == []


def test_a_score_counts_what_was_caught_by_whom_and_keeps_what_was_not() -> None:
    score, other = Score(), Score()
    score.count(["G01", "X01", "G01"], lambda: "first")
    score.count([], lambda: "second")
    other.count(["X02"], lambda: "third")
    score.add(other)
    assert (score.applied, score.caught, score.caught_without_x) == (3, 2, 1)
    assert score.rules == {"G01": 1, "X01": 1, "X02": 1}
    assert score.missed == ["second"]
    assert sum_scores([score, other]).applied == 4
    assert Score().share == 0.0


def test_each_bound_is_found_missed() -> None:
    good, bad, worse = Score(100, 100), Score(100, 98), Score(100, 94)
    assert find_misses(Report({"a": good}, {"b": good}, 10)) == []
    assert [miss.split(":")[0] for miss in find_misses(Report({"a": bad}))] == ["all damages"]
    assert [miss.split(":")[0] for miss in find_misses(Report({"a": worse, "b": Score(10_000, 10_000)}))] == ["a"]
    assert [miss.split(":")[0] for miss in find_misses(Report({"a": good, "never": Score()}))] == ["never"]
    assert [miss.split(":")[0] for miss in find_misses(Report({}, {"b": bad}))] == ["planted mistakes"]
    assert find_misses(Report({}, {}, 7, ["one"])) == ["1 false alarms in 7 clean dialogues, none wanted"]


def test_an_unknown_kind_is_named() -> None:
    command = [sys.executable, "benchmarks/mutation.py", "--show", "no such kind"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert "no such kind" in found.stderr


@pytest.mark.slow
def test_the_command_writes_its_table_as_json() -> None:
    kind = "text: price"
    command = [sys.executable, "benchmarks/mutation.py", "--json", "--dialogues", "40", "--each", "8", "--show", kind]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    report = json.loads(found.stdout)
    assert found.returncode == (1 if report["misses"] else 0)
    assert list(report["damages"]) == [kind]
    assert report["damages"][kind]["applied"] == 8
    assert report["clean"] == 40


@pytest.mark.slow
def test_the_rules_keep_their_bounds_on_fewer_dialogues() -> None:
    report = measure(320, seed=4_711, each=24, workers=2)
    assert find_misses(report) == []
    found = {rule for score in report.damages.values() for rule in score.rules}
    assert found <= set(RULES)
    assert len(found) > len(RULES) // 2
