"""`datagen ledger show`, `ledger rebuild` and `cancel`, on batches of the embedded simulator."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner as TyperRunner

from datagen_core.errors import DatagenError, FolderInUseError, InputFileError, LedgerError
from datagen_core.locking import lock_folder
from flows.commands.batches import cancel, ledger_app
from flows.commands.places import console
from flows.commands.steps import generate_batch, submit_batch

app = typer.Typer()
app.add_typer(ledger_app, name="ledger")
app.command("cancel")(cancel)
app.command("generate-batch")(generate_batch)
app.command("submit-batch")(submit_batch)


@pytest.fixture(autouse=True)
def empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "DATAGEN_PROVIDER", "DATAGEN_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATAGEN_SIMULATOR_PACE", "600")
    monkeypatch.setattr(console, "width", 200)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def submitted(empty_place: Path) -> Path:
    assert run("generate-batch", "--count", "2").exit_code == 0
    assert run("submit-batch").exit_code == 0
    return empty_place / "output" / "ledger.jsonl"


def run(*arguments: str, typed: str | None = None) -> Result:
    return TyperRunner().invoke(app, list(arguments), input=typed)


def fail(error: type[DatagenError], *arguments: str) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, error), result.output
    return str(result.exception)


def read_batch_id() -> str:
    return str(json.loads(run("ledger", "show", "--json").output)["rows"][0]["batch_id"])


@pytest.mark.parametrize("command", ["ledger show", "ledger rebuild", "cancel"])
def test_help_has_an_example_that_names_the_command(command: str) -> None:
    assert f"datagen {command}" in run(*command.split(), "--help").output.split("Example:")[1]


def test_a_ledger_is_shown_as_a_table_and_as_json(submitted: Path) -> None:
    before = submitted.read_bytes()
    shown = run("ledger", "show", "output")
    document = json.loads(run("ledger", "show", str(submitted), "--json").output)
    (row,) = document["rows"]
    assert shown.exit_code == 0
    for text in (row["key"][:12], "submitted", row["batch_id"], row["file_id"], document["identity"]):
        assert text in shown.output
    assert (row["generation"], row["state"], document["damaged"]) == (0, "submitted", [])
    assert re.fullmatch(r"[0-9a-f]{40}\.0", row["key"])
    assert submitted.read_bytes() == before


def test_damaged_lines_are_named_and_mended(submitted: Path) -> None:
    batch_id = read_batch_id()
    lines = submitted.read_bytes().splitlines(keepends=True)
    submitted.write_bytes(b"".join([*lines[:-1], b"[torn] in the middle\n"]))
    damaged = submitted.read_bytes()
    shown = run("ledger", "show")
    assert shown.exit_code == 1
    assert f"Line {len(lines)} is no ledger record" in shown.output
    assert "datagen ledger rebuild output" in shown.output
    rebuilt = run("ledger", "rebuild", "output")
    assert rebuilt.exit_code == 0, rebuilt.output
    assert f"Found: batch {batch_id} (validating" in rebuilt.output
    assert "for output/batch_input.jsonl" in rebuilt.output
    (copy,) = submitted.parent.glob("ledger.jsonl.bak-*")
    assert f"The old ledger stays as output/{copy.name}" in rebuilt.output
    assert copy.read_bytes() == damaged
    assert run("ledger", "show").exit_code == 0
    assert read_batch_id() == batch_id


def test_a_lost_ledger_is_written_anew_without_naming_the_provider(submitted: Path) -> None:
    batch_id = read_batch_id()
    submitted.unlink()
    assert "1 were found for shards of this folder" in run("ledger", "rebuild", "output").output
    assert read_batch_id() == batch_id


def test_a_folder_that_a_run_works_on_is_not_rebuilt(submitted: Path) -> None:
    submitted.write_bytes(submitted.read_bytes() + b"damage\n")
    before = submitted.read_bytes()
    with lock_folder(submitted.parent, holder="datagen run training"):
        assert "datagen run training" in fail(FolderInUseError, "ledger", "rebuild", "output")
    assert submitted.read_bytes() == before


def test_cancelling_asks_first_and_says_what_becomes_of_the_answers(submitted: Path) -> None:
    batch_id = read_batch_id()
    refused = run("cancel", "output", typed="n\n")
    assert refused.exit_code == 1
    assert "Cancel 1 batches at the provider?" in refused.output
    cancelled = run("cancel", "output", typed="y\n")
    assert cancelled.exit_code == 0, cancelled.output
    assert f"Batch {batch_id} was validating" in cancelled.output
    assert "datagen retrieve-batch --status-file output" in cancelled.output
    again = run("cancel", "output", "--batch-id", batch_id, "--yes", "--provider", "simulator")
    assert f"Batch {batch_id} is cancell" in again.output
    assert "--batch-id ID" in again.output


def test_a_batch_that_the_provider_does_not_know_is_named_and_ends_in_exit_1(submitted: Path) -> None:
    result = run("cancel", "output", "--batch-id", "batch_none", "--yes")
    assert result.exit_code == 1
    assert "Batch batch_none: not cancelled." in result.output
    assert "HTTP 404" in result.output


def test_a_run_at_another_provider_is_told_where_its_batches_are(
    submitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    said = fail(LedgerError, "cancel", "output", "--provider", "openai", "--yes")
    assert "at 'simulator:" in said


def test_a_place_without_a_run_says_what_to_name(empty_place: Path) -> None:
    assert "run's folder" in fail(InputFileError, "ledger", "show", str(empty_place))
    assert "run's folder" in fail(InputFileError, "cancel", str(empty_place))
    assert "is no folder" in fail(InputFileError, "ledger", "rebuild", str(empty_place / "none"))
