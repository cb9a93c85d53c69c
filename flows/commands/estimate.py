"""Decides `datagen estimate`: what requests would cost, before any is sent. No network, no key, nothing written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from datagen_core.batch.estimating import Estimate, estimate_file, estimate_rows
from datagen_core.batch.requests import MAX_OUTPUT_TOKENS, RequestOptions, build_request
from datagen_core.config import Writer
from datagen_core.dataset.generating import REQUESTS_NAME
from datagen_core.errors import ConfigError
from datagen_core.pricing import HOW_TO_SET, format_tokens, format_usd
from datagen_core.scenarios import GOLD_PER_CATEGORY, Profile, Scenario, sample_scenarios
from datagen_core.settings import Settings, load_settings
from flows.commands.options import (
    EndpointOption,
    MaxOutputTokens,
    Mix,
    Model,
    ParallelCalls,
    Seed,
    WriterOption,
    choose_sampling,
)
from flows.commands.places import advance_first, console, find_input, progress_bar
from flows.commands.tables import show_table
from flows.prices import settle_prices


def estimate(
    input: Annotated[
        Path | None, typer.Option("--input", help="Requests: file or folder. Unset: --count scenarios are drawn.")
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Dialogues; for gold, of each category. Unset: 400, 10.")
    ] = None,
    profile: Annotated[Profile, typer.Option(help="Whose scenarios are drawn.")] = "training",
    seed: Seed = 42,
    mix: Mix = None,
    parallel_calls: ParallelCalls = False,
    model: Model = None,
    endpoint: EndpointOption = "/v1/chat/completions",
    writer: WriterOption = "script",
    max_output_tokens: MaxOutputTokens = MAX_OUTPUT_TOKENS,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Say what requests would cost: tokens in and out, and the price at batch rates. Sends and writes nothing.

    Covers the first round; what has to be asked for again comes on top.

    Example: `datagen estimate --count 400`
    """
    settings = load_settings()
    prices = settle_prices(settings, settings.resolved_provider)
    options = RequestOptions(model=model or settings.model, endpoint=endpoint, max_output_tokens=max_output_tokens)
    with progress_bar("Counting", None, visible=not as_json) as progress:
        if input is not None:
            if count is not None or mix is not None or parallel_calls or profile != "training":
                raise ConfigError(
                    "--input names requests that exist: leave out --count, --profile, --mix and the like."
                )
            path = find_input(input, *REQUESTS_NAME.values(), advice="Write it with 'datagen generate-batch'.")
            found = estimate_file(path, prices, model=model, advance=lambda n: advance_first(progress))
        else:
            drawn = _draw(profile, count, seed, mix, parallel_calls=parallel_calls, writer=writer)
            found = estimate_rows(_build(drawn, options, lambda: advance_first(progress)), prices)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _show(found, settings)


def _draw(
    profile: Profile, count: int | None, seed: int, mix: str | None, *, parallel_calls: bool, writer: Writer
) -> Iterator[Scenario]:
    if profile == "gold" and (mix is not None or parallel_calls):
        raise ConfigError("The benchmark has its own categories: leave out --mix and --parallel-calls, or --profile.")
    wanted = count or (GOLD_PER_CATEGORY if profile == "gold" else 400)
    sampling = choose_sampling(mix, parallel_calls=parallel_calls, writer=writer)
    return sample_scenarios(profile, wanted, seed=seed, sampling=sampling)


def _build(
    scenarios: Iterator[Scenario], options: RequestOptions, advance: Callable[[], None]
) -> Iterator[dict[str, object]]:
    for scenario in scenarios:
        yield build_request(scenario, options)
        advance()


def _show(found: Estimate, settings: Settings) -> None:
    price = found.price
    rows = [
        ["requests", f"{found.requests:,}"],
        ["tokens in", format_tokens(found.prompt_tokens)],
        ["of them in an earlier prompt too", format_tokens(found.cacheable_tokens)],
        ["tokens out, about", format_tokens(found.expected_output_tokens)],
        ["tokens out, at most", format_tokens(found.most_output_tokens)],
        ["a million tokens in", format_usd(price and price.input)],
        ["a million tokens out", format_usd(price and price.output)],
        ["cost, about", format_usd(found.expected_cost)],
        ["cost, at most", format_usd(found.most_cost)],
    ]
    show_table(f"Estimate for {found.model}", ["what", "how much"], rows)
    lines = [f"Prices: {price.source}." if price else f"The price of {found.model!r} is unknown. {HOW_TO_SET}"]
    lines.append(
        "Counted in Qwen's tokens, a little more than OpenAI's. Reasoning is billed as output and comes on top."
    )
    if settings.resolved_provider != "openai":
        lines.append(f"Provider {settings.resolved_provider}: nothing is billed.")
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
