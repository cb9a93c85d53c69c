"""The pages on rules and error codes say what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from datagen_core.checks import RULES
from datagen_core.checks.describing import describe_rules, render_rules
from datagen_core.environment.error_codes import render_error_codes

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(
    ("page", "written", "command"),
    [
        ("rules.md", render_rules(), "datagen rules --markdown"),
        ("error-codes.md", render_error_codes(), "datagen rules --errors --markdown"),
    ],
)
def test_the_page_is_what_the_command_writes(page: str, written: str, command: str) -> None:
    assert (DOCS / page).read_text(encoding="utf-8") == written, f"Write it anew: {command} > docs/{page}"


def test_every_rule_is_told_with_a_sentence_and_a_hint_in_korean() -> None:
    described = describe_rules()
    assert [rule.id for rule in described] == list(RULES)
    for rule in described:
        assert rule.sentence.endswith("."), rule.id
        assert any("가" <= sign <= "힣" for sign in rule.hint), rule.id
        assert rule.applies_to in ("delivery", "any", "dataset"), rule.id


def test_no_cell_of_a_table_holds_a_bar() -> None:
    for line in (*render_rules().splitlines(), *render_error_codes().splitlines()):
        if line.startswith("| ") and not line.startswith("| id") and not line.startswith("| code"):
            assert line.replace("\\|", "").count("|") in (5, 6), line
