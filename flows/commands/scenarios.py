"""Decides `datagen scenarios`: what would be asked for, counted and printed, with nothing written."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from datagen_core.errors import ConfigError
from datagen_core.scenarios import GOLD_PER_CATEGORY, Profile, sample_scenarios
from datagen_core.surveying import Survey, survey_scenarios
from flows.commands.options import Mix, ParallelCalls, Seed, choose_sampling
from flows.commands.places import advance_first, console, progress_bar
from flows.commands.tables import show_table

_TABLES: Final = {
    "kinds": "Kinds",
    "gold_categories": "Gold categories",
    "topics": "Topics",
    "personas": "Personas",
    "tools": "Tools that the plans call",
    "optional_parameters": "Optional parameters",
    "error_codes": "Error codes that the backend answers",
    "withheld": "Left out until asked",
    "search_categories": "Food searched for",
    "sorts": "Sorted by",
    "payments": "Payment methods",
    "order_statuses": "Past orders",
    "openings": "Opening states",
    "hours": "Hours",
    "weekdays": "Weekdays",
}
"""The survey's tables in the order in which they are printed."""


def scenarios(
    count: Annotated[
        int | None, typer.Option(min=1, help="Scenarios; for gold, of each category. Unset: 400, 10.")
    ] = None,
    seed: Seed = 42,
    profile: Annotated[Profile, typer.Option(help="Whose scenarios.")] = "training",
    mix: Mix = None,
    parallel_calls: ParallelCalls = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Count what would be asked for: kinds, topics, tools, personas, error codes and more. Writes nothing.

    Example: `datagen scenarios --count 400 --seed 42`
    """
    if profile == "gold" and (mix is not None or parallel_calls):
        raise ConfigError("The benchmark has its own categories: leave out --mix and --parallel-calls, or --profile.")
    sampling = choose_sampling(mix, parallel_calls=parallel_calls)
    wanted = count or (GOLD_PER_CATEGORY if profile == "gold" else 400)
    with progress_bar("Sampling", None, visible=not as_json) as progress:
        drawn = sample_scenarios(profile, wanted, seed=seed, sampling=sampling)
        survey = survey_scenarios(drawn, advance=lambda: advance_first(progress))
    if as_json:
        typer.echo(survey.model_dump_json(indent=2))
    else:
        _show(survey, profile)


def _show(survey: Survey, profile: Profile) -> None:
    tables: dict[str, dict[str, int]] = survey.model_dump(include=set(_TABLES))
    for name, title in _TABLES.items():
        if name != "gold_categories" or profile == "gold":
            show_table(title, [name.replace("_", " "), "scenarios"], list(tables[name].items()))
    missing = f"; {survey.pairs_missing} pairs of kind and persona do not come up" if survey.pairs_missing else ""
    console.print(f"{survey.n_scenarios} scenarios, {survey.n_parallel} with parallel calls{missing}", soft_wrap=True)
