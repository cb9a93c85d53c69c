"""Decides `datagen run`: both flows from the command line, with a table at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from datagen_core.batch.requests import Endpoint
from datagen_core.dialogue.qwen import QwenTemplate
from datagen_core.errors import ConfigError
from datagen_core.providers import DEFAULT_MISTAKES
from datagen_core.scenarios import GOLD_PER_CATEGORY
from datagen_core.settings import Provider
from flows.commands.places import console, display
from flows.commands.tables import show_run

if TYPE_CHECKING:
    from flows.outcome import RunOutcome

app = typer.Typer(help="Run a whole flow through Prefect: generate, submit, poll, retrieve, preprocess, render, push.")

Seed = Annotated[int, typer.Option(min=0, help="Same seed and count, same requests.")]
ProviderOption = Annotated[
    Provider | None, typer.Option(help="Unset: openai where OPENAI_API_KEY is set, else the embedded simulator.")
]
Model = Annotated[str | None, typer.Option(help="Unset: DATAGEN_MODEL, else gpt-6-luna.")]
EndpointOption = Annotated[Endpoint, typer.Option(help="The form of each request.")]
PollInterval = Annotated[
    float | None, typer.Option(min=0.05, max=3600, help="Seconds between two looks. Unset: 60, simulator 1.")
]
MaxRounds = Annotated[int, typer.Option(min=1, max=20, help="How often what is missing is asked for.")]
OutputDir = Annotated[Path | None, typer.Option(help="The run's folder. Unset: output/training or output/gold.")]
Template = Annotated[QwenTemplate, typer.Option(help="Chat template of the text samples.")]
RepoId = Annotated[str | None, typer.Option(help="OWNER/NAME on the Hub. Unset: nothing is pushed.")]
Public = Annotated[bool, typer.Option("--public", help="Push to a public repository; private otherwise.")]
Mistakes = Annotated[float, typer.Option(min=0, max=1, help="Share of mistakes the embedded simulator plants.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show Prefect's log.")]


@app.command()
def training(
    count: Annotated[int, typer.Option(min=1, help="How many dialogues to end with.")] = 400,
    seed: Seed = 42,
    provider: ProviderOption = None,
    model: Model = None,
    endpoint: EndpointOption = "/v1/chat/completions",
    poll_interval: PollInterval = None,
    max_rounds: MaxRounds = 8,
    output_dir: OutputDir = None,
    template: Template = "qwen2.5",
    repo_id: RepoId = None,
    public: Public = False,
    mistakes: Mistakes = DEFAULT_MISTAKES,
    verbose: Verbose = False,
) -> None:
    """Make training dialogues. Killed or failed, the same command goes on where it was.

    Example: `datagen run training --count 400`
    """
    parameters = {key: value for key, value in locals().items() if key != "verbose"}
    _run("training", parameters, verbose=verbose)


@app.command()
def gold(
    count: Annotated[int, typer.Option(min=1, help="Dialogues of each category to end with.")] = GOLD_PER_CATEGORY,
    seed: Seed = 42,
    provider: ProviderOption = None,
    model: Model = None,
    endpoint: EndpointOption = "/v1/chat/completions",
    poll_interval: PollInterval = None,
    max_rounds: MaxRounds = 8,
    output_dir: OutputDir = None,
    template: Template = "qwen2.5",
    repo_id: RepoId = None,
    public: Public = False,
    mistakes: Mistakes = DEFAULT_MISTAKES,
    verbose: Verbose = False,
) -> None:
    """Make the benchmark: ten dialogues of each of the eight categories, or fail and say which are short.

    Example: `datagen run gold`
    """
    parameters = {key: value for key, value in locals().items() if key != "verbose"}
    _run("gold", parameters, verbose=verbose)


def demo(
    output_dir: Annotated[Path, typer.Option(help="Where training/ and gold/ go.")] = Path("output"),
    verbose: Verbose = False,
) -> None:
    """Run both flows on the embedded simulator: 400 training dialogues and 8 x 10 gold ones. Needs no key.

    Example: `datagen demo`
    """
    for name in ("training", "gold"):
        _run(name, {"provider": "simulator", "output_dir": output_dir / name}, verbose=verbose)


def _run(name: str, parameters: dict[str, object], *, verbose: bool) -> None:
    _prepare_prefect(verbose=verbose)
    started = time.monotonic()
    with console.status(f"{name}: starting Prefect"):
        outcome = _load(name)(parameters)
    show_run(name, outcome.funnel, seconds=time.monotonic() - started)
    console.print(f"Files in {display(Path(outcome.folder))}/")


def _load(name: str) -> Callable[[dict[str, object]], RunOutcome]:
    """Import Prefect only here: it takes two seconds."""
    from flows.gold import gold as gold_flow
    from flows.parameters import GoldParameters, TrainingParameters
    from flows.training import training as training_flow

    def run(parameters: dict[str, object]) -> RunOutcome:
        try:
            if name == "gold":
                checked = GoldParameters.model_validate(parameters)
                return gold_flow(checked)
            return training_flow(TrainingParameters.model_validate(parameters))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = "--" + str(first["loc"][0]).replace("_", "-") if first["loc"] else name
            raise ConfigError(f"{field}: {first['msg']}. See 'datagen run {name} --help'.") from error

    return run


def _prepare_prefect(*, verbose: bool) -> None:
    """Set what Prefect reads at import, unless the user has."""
    # The first start of Prefect's own server migrates its database, which takes longer than it waits by default.
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    if not verbose:
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
