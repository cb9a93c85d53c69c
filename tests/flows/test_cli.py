"""The command line: every command explains itself, and bad input is answered with what to do next."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner as TyperRunner

from datagen_core.errors import ConfigError, DatagenError, InputFileError, MissingKeyError, PortTakenError
from flows import cli

ROOT = Path(__file__).parents[2]
STEPS = (
    "generate-batch", "generate-gold-batch", "submit-batch", "retrieve-batch", "preprocess", "render-txt",
    "push-to-hub", "run training", "run gold", "demo", "validate", "simulate", "doctor",
    "scenarios", "rules", "explain", "up", "deploy", "cancel", "estimate",
)  # fmt: skip


@pytest.fixture(autouse=True)
def empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HF_TOKEN", "HF_ENDPOINT", "DATAGEN_PROVIDER", "DATAGEN_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return TyperRunner().invoke(cli.app, list(arguments))


def fail(error: type[DatagenError], *arguments: str) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, error), result.output
    return str(result.exception)


@pytest.mark.parametrize("command", STEPS)
def test_help_has_an_example_that_names_the_command(command: str) -> None:
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert f"datagen {command}" in result.output.split("Example:")[1]


def test_missing_files_say_how_to_make_them() -> None:
    assert "datagen generate-batch" in fail(InputFileError, "submit-batch")
    assert "datagen submit-batch" in fail(InputFileError, "retrieve-batch")
    assert "datagen retrieve-batch" in fail(InputFileError, "preprocess")
    assert "datagen preprocess" in fail(InputFileError, "render-txt")
    assert "dataset.jsonl" in fail(InputFileError, "validate", "nothing.jsonl")


def test_a_folder_without_the_file_says_which_names_were_looked_for(empty_place: Path) -> None:
    assert "holds no result_lst.json" in fail(InputFileError, "preprocess", "--input", str(empty_place))


def test_a_line_that_is_no_json_is_named_with_line_and_column(empty_place: Path) -> None:
    (empty_place / "d.jsonl").write_text('{"tools": []}\n{"tools": [}\n', encoding="utf-8")
    said = run("validate", "d.jsonl")
    assert said.exit_code == 1
    assert re.search(r"2\s+S01\s+E\s+the line is not valid JSON: .*column\s+\d+", " ".join(said.output.split()))
    (empty_place / "r.json").write_text('[\n{"custom_id": 1},\n]\n', encoding="utf-8")
    assert "line 2, field 'custom_id'" in fail(InputFileError, "preprocess", "--input", "r.json")


def test_a_request_file_of_another_kind_is_refused_before_anything_is_sent(empty_place: Path) -> None:
    (empty_place / "in.jsonl").write_text('{"custom_id": "a"}\n', encoding="utf-8")
    said = fail(InputFileError, "submit-batch", "--input", "in.jsonl")
    assert "in.jsonl, line 1, field" in said
    assert not (empty_place / ".simulator").exists()


def test_the_real_provider_without_a_key_says_which_variable(empty_place: Path) -> None:
    run("generate-batch", "--count", "1")
    assert "OPENAI_API_KEY" in fail(MissingKeyError, "submit-batch", "--provider", "openai")


def test_a_push_without_a_token_says_which_variable(empty_place: Path) -> None:
    (empty_place / "output").mkdir()
    (empty_place / "output" / "dataset.jsonl").write_text("", encoding="utf-8")
    assert "HF_TOKEN" in fail(ConfigError, "push-to-hub", "--repo-id", "a/b")


def test_a_taken_port_is_named(empty_place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Port {port}" in fail(PortTakenError, "simulate", "--port", str(port))


def test_errors_are_shown_as_a_sentence_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["datagen", "validate", "nothing.jsonl"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    shown = capsys.readouterr().err
    assert shown.startswith("Error: nothing.jsonl: is not there.")
    assert "Traceback" not in shown


def test_generate_writes_into_a_folder_or_a_file_and_says_where(empty_place: Path) -> None:
    assert "3 requests in output/batch_input.jsonl" in run("generate-batch", "--count", "3").output
    run("generate-batch", "--count", "3", "--output", "elsewhere/mine.jsonl")
    assert (empty_place / "elsewhere" / "mine.jsonl").read_bytes() == (
        empty_place / "output" / "batch_input.jsonl"
    ).read_bytes()
    run("generate-gold-batch", "--count", "1", "--output", str(empty_place / "output"))
    assert len((empty_place / "output" / "gold_batch_input.jsonl").read_bytes().splitlines()) == 8


def test_the_responses_endpoint_and_the_model_can_be_chosen(empty_place: Path) -> None:
    run("generate-batch", "--count", "1", "--endpoint", "/v1/responses", "--model", "gpt-6.1-sol")
    row = json.loads((empty_place / "output" / "batch_input.jsonl").read_text(encoding="utf-8"))
    assert (row["url"], row["body"]["model"]) == ("/v1/responses", "gpt-6.1-sol")


def test_doctor_names_what_is_there_and_shows_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("DATAGEN_PROVIDER", "simulator")
    monkeypatch.setenv("PREFECT_API_URL", "")
    result = run("doctor")
    assert result.exit_code == 0, result.output
    for found in ("prefect", "OPENAI_API_KEY", "set", "provider simulator", "reachable", "GB free"):
        assert found in result.output
    assert "very-secret" not in result.output


def test_doctor_fails_where_the_provider_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{port}/v1")
    monkeypatch.setenv("PREFECT_API_URL", "")
    result = run("doctor")
    assert result.exit_code == 1
    assert "FAILED" in result.output


FOREIGN = {
    "messages": [{"role": "user", "content": "서울 날씨 알려 주세요"}, {"role": "assistant", "content": "어느 날요?"}],
    "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}],
}


def test_validate_says_which_rules_were_applied_and_why_not_the_others(empty_place: Path) -> None:
    (empty_place / "d.jsonl").write_text(json.dumps(FOREIGN) + "\n", encoding="utf-8")
    said = run("validate", "d.jsonl")
    assert said.exit_code == 0, said.output
    lines = [" ".join(line.split()) for line in said.output.splitlines()]
    assert any(re.search(r"\bX02\b.* 0 other tools 1$", line) for line in lines), said.output
    assert any(re.search(r"^S01 .* 1$", line) for line in lines)
    assert "0 dialogues performed again, 1 only read" in lines
    assert "1 of 1 dialogues in d.jsonl break no rule" in lines


def test_validate_prints_json_and_nothing_else(empty_place: Path) -> None:
    (empty_place / "d.jsonl").write_text(f"{json.dumps(FOREIGN)}\n{json.dumps(FOREIGN)}\nno JSON\n", encoding="utf-8")
    said = run("validate", "d.jsonl", "--json")
    assert said.exit_code == 1
    report = json.loads(said.stdout)
    assert (report["rows"], report["sound"], report["unreadable"], report["foreign_form"]) == (3, 1, 1, 2)
    assert report["violations_by_rule"] == {"S01": 1, "U01": 1}
    assert [(found["line"], found["rule"]) for found in report["violations"]] == [(2, "U01"), (3, "S01")]
    assert report["rules"]["U03"] == {"applied": 0, "left_out": {"no gold": 2, "unreadable": 1}}


def test_validate_compares_with_published_and_gold(empty_place: Path) -> None:
    for name in ("d.jsonl", "other.jsonl"):
        (empty_place / name).write_text(json.dumps(FOREIGN) + "\n", encoding="utf-8")
    for option, rule in (("--against", "U01"), ("--gold", "U03")):
        said = run("validate", "d.jsonl", option, "other.jsonl")
        assert said.exit_code == 1
        assert re.search(rf"1\s+{rule}\s+E", said.output)
        assert "other.jsonl, line 1" in said.output
        assert "is not there" in fail(InputFileError, "validate", "d.jsonl", option, "gone.jsonl")
        assert "is not there" in fail(
            InputFileError, "preprocess", "--input", str(_results(empty_place)), option, "gone"
        )


def _results(folder: Path) -> Path:
    (folder / "result_lst.json").write_text('[\n{"custom_id": "training-1-000000.r1"}\n]\n', encoding="utf-8")
    return folder / "result_lst.json"


def test_an_empty_dataset_is_an_error_that_says_so(empty_place: Path) -> None:
    (empty_place / "d.jsonl").touch()
    assert "holds no dialogue" in fail(InputFileError, "validate", "d.jsonl")


def test_hostile_text_is_shown_as_text(empty_place: Path) -> None:
    role = "[/red]\x1b[2J[bold]\u202e"
    row = {"messages": [{"role": role, "content": "네"}]}
    (empty_place / "d.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    said = run("validate", "d.jsonl")
    assert said.exit_code == 1
    assert "[/red]" in said.output
    assert "\x1b[2J" not in said.output
    assert "\u202e" not in said.output
