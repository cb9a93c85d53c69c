"""`datagen scenarios` prints what would be asked for, and writes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from datagen_core.errors import ConfigError
from flows.cli import app


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["scenarios", *arguments])
    if isinstance(result.exception, ConfigError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_json_is_one_object_of_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    survey = json.loads(run("--count", "40", "--seed", "9", "--json"))
    assert survey["n_scenarios"] == sum(survey["kinds"].values()) == 40
    assert list(tmp_path.iterdir()) == []


def test_tables_name_kinds_topics_tools_and_personas() -> None:
    output = run("--count", "20")
    for word in ("error_recovery", "search_category", "place_order", "조금씩", "BELOW_MINIMUM", "20 scenarios"):
        assert word in output


def test_gold_is_counted_by_category() -> None:
    survey = json.loads(run("--profile", "gold", "--count", "1", "--json"))
    assert set(survey["gold_categories"].values()) == {1}


def test_a_mix_changes_the_kinds_and_parallel_calls_are_counted() -> None:
    survey = json.loads(run("--count", "100", "--mix", "partial=1,tool_use=3", "--parallel-calls", "--json"))
    assert {kind: count for kind, count in survey["kinds"].items() if count} == {"tool_use": 75, "partial": 25}
    assert survey["n_parallel"] > 0


@pytest.mark.parametrize("arguments", [("--mix", "nonsense=1"), ("--profile", "gold", "--mix", "partial=1")])
def test_what_cannot_be_is_an_error_in_a_sentence(arguments: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        run(*arguments)
