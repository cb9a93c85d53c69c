"""Decides `datagen run`: both flows from the command line, with a table at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from pydantic import ValidationError
from rich.markup import escape

from datagen_core.batch.requests import MAX_OUTPUT_TOKENS
from datagen_core.errors import ConfigError
from datagen_core.mixing import read_mix
from datagen_core.scenarios import GOLD_PER_CATEGORY
from datagen_core.settings import TaskRunnerName
from datagen_core.storage import is_remote
from flows.commands.batches import cancel
from flows.commands.options import (
    Against,
    EndpointOption,
    GoldDataset,
    MaxCost,
    MaxEnqueuedTokens,
    MaxInFlight,
    MaxOutputTokens,
    Mix,
    Model,
    ParallelCalls,
    PollInterval,
    ProviderOption,
    Seed,
    Template,
    WriterOption,
)
from flows.commands.places import console, display, showing_progress
from flows.commands.stopping import ask_to_cancel, ending_on_interrupt
from flows.commands.tables import show_reasons, show_run
from flows.operations.temporary import temporary_server

if TYPE_CHECKING:
    from flows.outcome import RunOutcome
    from flows.parameters import GoldParameters, TrainingParameters

app = typer.Typer(help="Run a whole flow through Prefect: generate, submit, poll, retrieve, preprocess, render, push.")

MaxRounds = Annotated[int, typer.Option(min=1, max=20, help="How often what is missing is asked for.")]
OutputDir = Annotated[
    str | None,
    typer.Option(
        help="The run's folder, or a URL as s3://bucket/run; {date}, {time}, {seed}, {count} and {flow} are filled in. "
        "Unset: output/training or output/gold."
    ),
]
ShardSize = Annotated[
    int | None, typer.Option(min=1, max=50_000, help="Requests in a batch at most. Unset: what the provider takes.")
]
TaskRunner = Annotated[
    TaskRunnerName | None, typer.Option(help="Where shards are judged. Unset: DATAGEN_TASK_RUNNER, threads.")
]
MaxWorkers = Annotated[
    int | None, typer.Option(min=1, max=1000, help="Shards judged at one time. Unset: DATAGEN_MAX_WORKERS, 4.")
]
RepoId = Annotated[str | None, typer.Option(help="OWNER/NAME on the Hub. Unset: nothing is pushed.")]
Public = Annotated[bool, typer.Option("--public", help="Push to a public repository; private otherwise.")]
Mistakes = Annotated[
    float | None, typer.Option(min=0, max=1, help="Share of mistakes the embedded simulator plants. Unset: 0.15.")
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show Prefect's log.")]


@app.command()
def training(
    count: Annotated[int, typer.Option(min=1, help="How many dialogues to end with.")] = 400,
    seed: Seed = 42,
    mix: Mix = None,
    parallel_calls: ParallelCalls = False,
    provider: ProviderOption = None,
    model: Model = None,
    endpoint: EndpointOption = "/v1/chat/completions",
    writer: WriterOption = "script",
    poll_interval: PollInterval = None,
    max_rounds: MaxRounds = 8,
    max_cost: MaxCost = None,
    max_output_tokens: MaxOutputTokens = MAX_OUTPUT_TOKENS,
    max_enqueued_tokens: MaxEnqueuedTokens = None,
    max_in_flight: MaxInFlight = None,
    shard_size: ShardSize = None,
    task_runner: TaskRunner = None,
    max_workers: MaxWorkers = None,
    output_dir: OutputDir = None,
    template: Template = "qwen2.5",
    repo_id: RepoId = None,
    public: Public = False,
    mistakes: Mistakes = None,
    published: Against = None,
    gold_path: GoldDataset = None,
    verbose: Verbose = False,
) -> None:
    """Make training dialogues. Killed or failed, the same command goes on where it was.

    Example: `datagen run training --count 400`
    """
    parameters = {key: value for key, value in locals().items() if key not in ("verbose", "mix")}
    shares = {} if mix is None else {"mix": read_mix(mix)}
    _run("training", {**parameters, **shares, "published": published or ()}, verbose=verbose)


@app.command()
def gold(
    count: Annotated[int, typer.Option(min=1, help="Dialogues of each category to end with.")] = GOLD_PER_CATEGORY,
    seed: Seed = 42,
    provider: ProviderOption = None,
    model: Model = None,
    endpoint: EndpointOption = "/v1/chat/completions",
    writer: WriterOption = "script",
    poll_interval: PollInterval = None,
    max_rounds: MaxRounds = 8,
    max_cost: MaxCost = None,
    max_output_tokens: MaxOutputTokens = MAX_OUTPUT_TOKENS,
    max_enqueued_tokens: MaxEnqueuedTokens = None,
    max_in_flight: MaxInFlight = None,
    shard_size: ShardSize = None,
    task_runner: TaskRunner = None,
    max_workers: MaxWorkers = None,
    output_dir: OutputDir = None,
    template: Template = "qwen2.5",
    repo_id: RepoId = None,
    public: Public = False,
    mistakes: Mistakes = None,
    published: Against = None,
    require_approval: Annotated[
        bool, typer.Option("--require-approval", help="Wait for a person's answer in the Prefect UI before the push.")
    ] = False,
    approval_hours: Annotated[float, typer.Option(min=0.01, max=2160, help="How long to wait for the answer.")] = 72,
    verbose: Verbose = False,
) -> None:
    """Make the benchmark: ten dialogues of each of the eight categories, or fail and say which are short.

    Example: `datagen run gold`
    """
    parameters = {key: value for key, value in locals().items() if key != "verbose"}
    _run("gold", {**parameters, "published": published or ()}, verbose=verbose)


def demo(
    output_dir: Annotated[Path, typer.Option(help="Where training/ and gold/ go.")] = Path("output"),
    verbose: Verbose = False,
) -> None:
    """Run both flows on the embedded simulator: 400 training dialogues and 8 x 10 gold ones. Needs no key.

    Example: `datagen demo`
    """
    for name in ("training", "gold"):
        _run(name, {"provider": "simulator", "output_dir": str(output_dir / name)}, verbose=verbose)


def _run(name: str, parameters: dict[str, object], *, verbose: bool) -> None:
    _prepare_prefect(verbose=verbose)
    started = time.monotonic()
    console.print(f"{name}: running; --verbose shows each step")
    with (
        console.status("generate, submit, poll, retrieve, preprocess, render") as spinner,
        showing_progress(),
        ending_on_interrupt(lambda: _conclude_interrupt(name, parameters), spinner),
        temporary_server() as await_server,
    ):
        run = _load(name)
        await_server()
        outcome = run(parameters)
    show_run(name, outcome.funnel, seconds=time.monotonic() - started)
    show_reasons(outcome.funnel)
    if outcome.is_simulated:
        console.print("Written by the simulator, not by a language model: do not train on these dialogues.")
    if outcome.shortfall is not None:
        console.print(f"[yellow]Short:[/yellow] {escape(outcome.shortfall)}", soft_wrap=True)
    place = outcome.folder if is_remote(outcome.folder) else display(Path(outcome.folder))
    console.print(f"Files in {place}/", soft_wrap=True, markup=False)


def _conclude_interrupt(name: str, parameters: dict[str, object]) -> None:
    from flows.occasion import read_occasion
    from flows.run import settle
    from tasks.provider import recall_settings

    asked = _find_model(name).model_validate({**parameters, "repo_id": None})  # nothing is pushed any more
    run = settle("gold" if name == "gold" else "training", asked, recall_settings(), read_occasion())
    provider = run.choice.provider
    ask_to_cancel(lambda: cancel(run.folder, provider=provider, yes=True), provider)


def _find_model(name: str) -> type[TrainingParameters] | type[GoldParameters]:
    from flows.parameters import GoldParameters, TrainingParameters

    return GoldParameters if name == "gold" else TrainingParameters


def _load(name: str) -> Callable[[dict[str, object]], RunOutcome]:
    """Import Prefect only here: it takes two seconds."""
    from prefect import tags

    from flows.gold import gold as gold_flow
    from flows.training import training as training_flow

    def run(parameters: dict[str, object]) -> RunOutcome:
        flow = cast("Callable[..., RunOutcome]", gold_flow if name == "gold" else training_flow)
        try:
            with tags("datagen"):  # as deployments have it
                return flow(**_find_model(name).model_validate(parameters).grouped())
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = "--" + str(first["loc"][0]).replace("_", "-") if first["loc"] else name
            raise ConfigError(f"{field}: {first['msg']}. See 'datagen run {name} --help'.") from error

    return run


def _prepare_prefect(*, verbose: bool) -> None:
    """Set what Prefect reads at import, unless the user has."""
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    if not verbose:
        # What goes wrong is said by the command itself, in a sentence and without Prefect's tracebacks.
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
        # The temporary server, stopped with the run, tells of every event it did not get to write.
        os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL")
