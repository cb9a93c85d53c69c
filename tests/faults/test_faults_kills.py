"""A sample of the kill matrix, two deaths among them; all of it runs by `make faults`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faults.children import Nursery
from faults.matrix import FAULTS, Case, Matrix

pytestmark = pytest.mark.slow

SAMPLE = (
    "healthy:after:17",  # the first intent is on disk, and nothing was sent
    "healthy:before:18",  # the batch exists, and only the provider knows
    "healthy:before:36",
    "healthy:before:54",
    "lose_response:before:23",
    "error_after_commit:request:9",
    "error_after_commit:before:21",
    "drop_before_commit:before:20",
    "slow_commit:request:8",
    "slow_commit:before:25",
    "lose_response:twice:22",
)


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    with Nursery() as nursery:
        matrix = Matrix(tmp_path_factory.mktemp("kills"), nursery)
        matrix.prepare()
        yield matrix


def test_a_run_without_faults_takes_every_durable_step_and_breaks_no_contract(matrix: Matrix) -> None:
    course = matrix.run_undisturbed("healthy")
    commands = {step.split()[1] for step in course.steps}
    assert commands == {"submit-batch", "retrieve-batch", "preprocess"}
    assert sum("ledger.jsonl" in step for step in course.steps) >= 8
    cases = list(course.list_cases("healthy"))
    assert {case.moment for case in cases} == {"before", "after", "request", "twice"}
    assert len({case.n for case in cases if case.moment == "before"}) == len(course.steps)
    assert all(course.files.values())


@pytest.mark.parametrize("name", SAMPLE)
def test_a_run_that_was_killed_goes_on_without_paying_twice(matrix: Matrix, name: str) -> None:
    outcome = matrix.run_case(Case.parse(name))
    assert outcome.problems == ()


def test_the_sample_has_every_fault() -> None:
    assert {Case.parse(name).fault for name in SAMPLE} == set(FAULTS)
