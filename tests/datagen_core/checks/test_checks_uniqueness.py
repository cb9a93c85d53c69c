"""The rules on the dataset, pair by pair of the table: in the run's own comparison, and in the validation of files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from checks_table import Json
from uniqueness_table import Pair, iter_pairs

from datagen_core.checks import RULES
from datagen_core.dataset.comparing import Comparison
from datagen_core.dataset.deduplicating import Fingerprint, fingerprint_record
from datagen_core.dataset.validating import validate_file
from datagen_core.files import write_jsonl

PAIRS = list(iter_pairs())
each_pair = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.rule}-{pair.name}")


class Places(NamedTuple):
    """Where the first of a pair is written, and the datasets to compare with that follow from it."""

    published: tuple[Path, ...]
    gold: Path | None
    own: tuple[Json, ...]


def lay_out(pair: Pair, first: Json, folder: Path) -> Places:
    if pair.against == "dataset":
        return Places((), None, (first,))
    path = folder / f"{pair.against}.jsonl"
    write_jsonl(path, [first])
    return Places((path,), None, ()) if pair.against == "published" else Places((), path, ())


def fingerprint(record: Json, name: str) -> Fingerprint:
    found = fingerprint_record(record, name)
    assert found is not None
    return found


def compare(pair: Pair, first: Json, second: Json, folder: Path) -> set[str]:
    places = lay_out(pair, first, folder)
    with Comparison(published=places.published, gold=places.gold) as comparison:
        for record in places.own:
            comparison.keep(fingerprint(record, "the first"))
        return {violation.rule for violation in comparison.judge(fingerprint(second, "the second"))}


@each_pair
def test_the_second_breaks_what_the_table_says(pair: Pair, tmp_path: Path) -> None:
    assert compare(pair, pair.first, pair.second, tmp_path) == pair.expected


@each_pair
def test_which_one_came_first_changes_nothing(pair: Pair, tmp_path: Path) -> None:
    assert compare(pair, pair.second, pair.first, tmp_path) == pair.expected


@each_pair
def test_validating_a_file_finds_the_same_and_no_other_fault(pair: Pair, tmp_path: Path) -> None:
    places = lay_out(pair, pair.first, tmp_path)
    path = tmp_path / "dataset.jsonl"
    write_jsonl(path, [*places.own, pair.second])
    report = validate_file(path, published=places.published, gold=places.gold)
    last = len(places.own) + 1
    broken = [found for found in report.violations if found.severity == "E"]
    assert [(found.line, found.rule) for found in broken] == [(last, rule) for rule in sorted(pair.expected)], broken
    assert report.n_sound == last - bool(pair.expected)
    where = "line 1" if pair.against == "dataset" else f"{pair.against}.jsonl, line 1"
    assert all(where in found.message for found in broken)


def test_each_rule_on_the_dataset_has_four_failing_and_four_passing_pairs() -> None:
    counts = Counter((pair.rule, pair.breaks) for pair in PAIRS)
    rules = {rule.id for rule in RULES.values() if rule.check is None}
    assert {rule for rule, _ in counts} == rules
    assert all(counts[rule, breaks] >= 4 for rule in rules for breaks in (True, False))


def test_no_two_pairs_have_one_name() -> None:
    assert len({(pair.rule, pair.name) for pair in PAIRS}) == len(PAIRS)
