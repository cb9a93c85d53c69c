"""`datagen estimate` says what requests would cost, and writes and sends nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner
from writing_requests import write_requests

from datagen_core.batch.requests import RequestOptions
from datagen_core.dataset.funnel import Funnel
from datagen_core.errors import ConfigError, InputFileError
from datagen_core.pricing import PriceBook
from datagen_core.scenarios import sample_scenarios
from flows.commands.estimate import estimate
from flows.commands.places import console
from flows.commands.tables import show_cost, show_run

app = typer.Typer()
app.command()(estimate)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("OPENAI_API_KEY", "DATAGEN_MODEL", "DATAGEN_PROVIDER", "DATAGEN_PRICE_INPUT", "DATAGEN_PRICE_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    return folder


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    if isinstance(result.exception, ConfigError | InputFileError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def write(path: Path, n: int, model: str = "gpt-6-luna") -> Path:
    write_requests(path, sample_scenarios("training", n, seed=42), RequestOptions(model))
    return path


def test_a_file_a_folder_and_drawn_scenarios_give_the_same(tmp_path: Path, in_an_empty_folder: Path) -> None:
    path = write(tmp_path / "batch_input.jsonl", 30)
    by_file = json.loads(run("--input", str(path), "--json"))
    assert by_file == json.loads(run("--input", str(tmp_path), "--json"))
    assert by_file == json.loads(run("--count", "30", "--json"))
    assert by_file["requests"] == 30
    assert 0 < by_file["expected_cost"] < by_file["most_cost"]
    assert list(in_an_empty_folder.iterdir()) == []


def test_the_table_tells_requests_tokens_cost_source_and_who_bills() -> None:
    output = run("--count", "8")
    for word in ("Estimate for gpt-6-luna", "tokens out, at most", "64,000", "cost, about", "$0.0", "genai-prices"):
        assert word in output
    assert "Provider simulator: nothing is billed." in output


def test_an_unknown_price_says_unknown_and_how_to_set_it(monkeypatch: pytest.MonkeyPatch) -> None:
    output = run("--count", "2", "--model", "mine")
    assert "unknown" in output
    assert "$" not in output
    assert "DATAGEN_PRICE_INPUT" in output
    assert json.loads(run("--count", "2", "--model", "mine", "--json"))["most_cost"] is None
    monkeypatch.setenv("DATAGEN_PRICE_INPUT", "1")
    monkeypatch.setenv("DATAGEN_PRICE_OUTPUT", "2")
    priced = json.loads(run("--count", "2", "--model", "mine", "--json"))
    assert priced["price"]["source"] == "set by the user"
    assert priced["most_cost"] == pytest.approx((priced["prompt_tokens"] + 2 * priced["most_output_tokens"]) / 1e6)


def test_another_model_than_the_files_is_priced_on_demand(tmp_path: Path) -> None:
    path = write(tmp_path / "batch_input.jsonl", 3, model="mine")
    assert json.loads(run("--input", str(path), "--json"))["price"] is None
    assert json.loads(run("--input", str(path), "--model", "gpt-6.1-sol", "--json"))["price"]["input"] == 1.0


def test_gold_is_counted_by_category_and_a_limit_bounds_the_output() -> None:
    found = json.loads(run("--profile", "gold", "--count", "1", "--max-output-tokens", "500", "--json"))
    assert (found["requests"], found["most_output_tokens"]) == (8, 4_000)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--profile", "gold", "--mix", "partial=1"),
        ("--input", ".", "--count", "3"),
        ("--input", ".", "--profile", "gold"),
        ("--mix", "nonsense=1"),
    ],
)
def test_what_cannot_be_is_an_error_in_a_sentence(arguments: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        run(*arguments)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(InputFileError, match="nowhere"):
        run("--input", "nowhere.jsonl")


def test_prices_are_those_of_the_address_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("--count", "1", "--model", "openai/gpt-oss-120b", "--json")
    assert json.loads(run(*asked))["price"] is None
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-real-one")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.groq.com/openai/v1")
    assert "Groq batch rates" in json.loads(run(*asked))["price"]["source"]


def test_a_runs_table_tells_what_it_cost() -> None:
    funnel = Funnel(scenarios=1)
    usage = {"prompt_tokens": 1_000, "completion_tokens": 100}
    funnel.count("accepted", round_number=1, kind="tool_use", category=None)
    funnel.count_answer(
        {"outcome": "answered", "model": "gpt-6-luna", "provider": "openai", "usage": usage}, "tool_use"
    )
    with console.capture() as before:
        show_run("training", funnel, seconds=1.0)
        show_cost(funnel)
    assert "Cost" not in before.get()
    funnel.price(PriceBook())
    with console.capture() as after:
        show_run("training", funnel, seconds=1.0)
        show_cost(funnel)
    text = after.get()
    assert "Cost: $0.000075, $0.000075 a request, $0.000075 an accepted dialogue (genai-prices" in text
    assert [line.split() for line in text.splitlines() if "tool_use" in line] == [
        ["tool_use", "1,000", "0", "100", "$0.000075"]
    ]
