"""`datagen explain`: readable, harmless on a terminal, and one JSON object for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest
from typer.testing import CliRunner, Result

from datagen_core.config import TOOLS, USER_IDS
from datagen_core.dialogue.inline import render_calls, render_responses
from datagen_core.dialogue.models import ToolCall
from datagen_core.errors import ConfigError, InputFileError
from datagen_core.files import JsonObject
from flows import cli


@pytest.fixture(autouse=True)
def empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["explain", *arguments])


def write_row(folder: Path, said: str, **arguments: object) -> Path:
    call = ToolCall("add_to_cart", {"user_id": USER_IDS[0], "quantity": 3, **arguments})
    record = {
        "tools": TOOLS,
        "uid": USER_IDS[0],
        "dates": "2026-02-14",
        "system_prompt": f"고객 ID: {USER_IDS[0]}",
        "messages": [
            {"role": "user", "content": said},
            {"role": "assistant", "content": render_calls([call])},
            {"role": "user", "content": render_responses([None])},
            {"role": "assistant", "content": "확인했습니다."},
        ],
        "meta": {"scenario_id": "training-7-000003", "usage": {"prompt_tokens": 5}},
    }
    path = folder / "dataset.jsonl"
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
    return path


def test_sources_stand_beside_their_arguments(tmp_path: Path) -> None:
    write_row(tmp_path, "떡볶이 세 개 담아줘", special_request="곱빼기")
    result = run(".", "--row", "1")
    shown = " ".join(result.output.split())
    assert "quantity 3 <- customer, turn 0: 세 개" in shown
    assert '"곱빼기" <- NO SOURCE' in shown
    assert "<- system prompt: the customer's id" in shown
    assert "custom_id training-7-000003.r1" in shown
    assert "cannot be shown meta.opening" in shown
    assert result.exit_code == 0


def test_json_holds_the_same_and_nothing_else(tmp_path: Path) -> None:
    path = write_row(tmp_path, "떡볶이 세 개 담아줘")
    told = cast("JsonObject", json.loads(run(str(path), "--scenario-id", "training-7-000003", "--json").output))
    assert told["row"] == 1
    assert cast("JsonObject", told["scenario"])["scenario_id"] == "training-7-000003"


def test_nothing_of_a_dialogue_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    path = write_row(tmp_path, "\x1b[2J\x07[bold red]안녕[/bold red]\u202e거꾸로", special_request="\x1b]0;title\x07")
    output = run(str(path), "--row", "1").output
    assert not {"\x1b", "\x07", "\u202e"} & set(output)
    assert r"\x1b[2J\x07[bold red]안녕[/bold red]\u202e거꾸로" in output


def test_long_response_is_cut_and_says_how_long_it_is(tmp_path: Path) -> None:
    path = write_row(tmp_path, "담아줘", special_request="가" * 5_000)
    output = run(str(path), "--row", "1").output
    assert "가" * 500 not in output
    assert "(5,002 characters)" in " ".join(output.split())


def test_one_row_must_be_named(tmp_path: Path) -> None:
    path = write_row(tmp_path, "담아줘")
    for options in ([], ["--row", "1", "--scenario-id", "training-7-000003"]):
        assert isinstance(run(str(path), *options).exception, ConfigError)
    assert run(str(path), "--row", "0").exit_code == 2


def test_row_out_of_range_says_how_many_there_are(tmp_path: Path) -> None:
    path = write_row(tmp_path, "담아줘")
    error = run(str(path), "--row", "17").exception
    assert isinstance(error, InputFileError)
    assert "has no row 17; it has 1." in str(error)


def test_file_that_is_not_there_is_named() -> None:
    error = run("nothing.jsonl", "--row", "1").exception
    assert isinstance(error, InputFileError)
    assert "nothing.jsonl" in str(error)


def test_help_has_an_example() -> None:
    assert "datagen explain" in run("--help").output.split("Example:")[1]
