"""Decides the command line: which commands there are, and how an error is shown."""

from __future__ import annotations

import sys
from importlib.metadata import version

import typer
from rich.console import Console
from rich.text import Text

from datagen_core.errors import DatagenError
from flows.commands import batches, estimate, explain, inspect, rules, runs, scenarios, steps, up

app = typer.Typer(
    name="datagen",
    help="Make Korean counsellor dialogues with function calls: scripted by an LLM, performed, checked, published.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        typer.echo(f"datagen {version('datagen')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: bool = typer.Option(False, "--version", callback=show_version, is_eager=True, help="Show the version."),
) -> None:
    pass


app.command("generate-batch")(steps.generate_batch)
app.command("generate-gold-batch")(steps.generate_gold_batch)
app.command("submit-batch")(steps.submit_batch)
app.command("retrieve-batch")(steps.retrieve_batch)
app.command("preprocess")(steps.preprocess)
app.command("render-txt")(steps.render_txt)
app.command("push-to-hub")(steps.push_to_hub)
app.add_typer(runs.app, name="run")
app.command("estimate")(estimate.estimate)
app.command("cancel")(batches.cancel)
app.add_typer(batches.ledger_app, name="ledger")
app.command("demo")(runs.demo)
app.command("up")(up.up)
app.command("deploy")(up.deploy)
app.command("validate")(inspect.validate)
app.command("explain")(explain.explain)
app.command("scenarios")(scenarios.scenarios)
app.command("rules")(rules.rules)
app.command("simulate")(inspect.simulate)
app.command("doctor")(inspect.doctor)


def main() -> None:
    """Run the command line; an error of ours is shown as its sentence, any other keeps its traceback."""
    try:
        app()
    except DatagenError as error:
        Console(stderr=True, soft_wrap=True).print(Text("Error: ", style="bold red") + Text(str(error)))
        sys.exit(1)


if __name__ == "__main__":
    main()
