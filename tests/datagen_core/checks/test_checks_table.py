from __future__ import annotations

import pytest
from checks_table import Row, iter_rows
from uniqueness_table import iter_pairs

from datagen_core.checks import RULES, check_dialogue

ROWS = list(iter_rows())
EXAMPLES = {(row.rule, row.breaks) for row in ROWS} | {(pair.rule, pair.breaks) for pair in iter_pairs()}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}-{row.name}")
def test_row_of_the_case_table(row: Row) -> None:
    found = check_dialogue(row.case)
    expected = {row.rule, *row.also} if row.breaks else set[str]()
    assert {violation.rule for violation in found} == expected, found


@pytest.mark.parametrize("rule_id", RULES)
def test_every_rule_has_a_passing_and_a_failing_example(rule_id: str) -> None:
    assert {breaks for rule, breaks in EXAMPLES if rule == rule_id} == {True, False}


def test_no_example_is_of_a_rule_that_does_not_exist() -> None:
    assert {rule for rule, _ in EXAMPLES} == set(RULES)
