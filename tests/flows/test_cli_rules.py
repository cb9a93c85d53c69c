"""`datagen rules` prints the catalogue and the error codes, for people and for programs."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from datagen_core.checks import RULES
from datagen_core.config import ERROR_CODES
from flows import cli


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, ["rules", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_table_names_every_rule() -> None:
    assert re.findall(r"^ *([A-Z][0-9]{2}) ", run(), re.MULTILINE) == list(RULES)


def test_json_holds_every_rule_with_its_hint() -> None:
    rows = json.loads(run("--json"))
    assert [row["id"] for row in rows] == list(RULES)
    assert {row["id"]: row["hint"] for row in rows} == {rule.id: rule.korean for rule in RULES.values()}
    assert {row["id"]: set(row["needs"]) for row in rows} == {rule.id: set(rule.needs) for rule in RULES.values()}


def test_the_error_codes_are_printed_too() -> None:
    assert [row["code"] for row in json.loads(run("--errors", "--json"))] == list(ERROR_CODES)
    shown = run("--errors")
    assert all(code in shown for code in ERROR_CODES)


def test_one_form_at_a_time() -> None:
    result = CliRunner().invoke(cli.app, ["rules", "--json", "--markdown"])
    assert result.exit_code == 2
    assert "--markdown" in result.output


def test_help_has_an_example() -> None:
    assert "datagen rules" in run("--help").split("Example:")[1]
