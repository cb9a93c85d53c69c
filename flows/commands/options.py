"""Decides the options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from datagen_core.batch.requests import Endpoint
from datagen_core.config import KIND_MIX, Writer
from datagen_core.dialogue.qwen import QwenTemplate
from datagen_core.mixing import Sampling, read_mix
from datagen_core.settings import Provider

MAX_SEED = 2**31

Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Same seed and count, same requests.")]
Model = Annotated[str | None, typer.Option(help="The model asked. Unset: DATAGEN_MODEL, else gpt-6-luna.")]
EndpointOption = Annotated[Endpoint, typer.Option(help="The form of each request.")]
ProviderOption = Annotated[
    Provider | None, typer.Option(help="Unset: openai where OPENAI_API_KEY is set, else the embedded simulator.")
]
PollInterval = Annotated[
    float | None, typer.Option(min=0.05, max=3600, help="Seconds between two looks. Unset: 60, simulator 1, local 2.")
]
MaxCost = Annotated[
    float | None,
    typer.Option(min=0.0001, help="US dollars that may be spent at most, over all rounds. Unset: no cap."),
]
MaxOutputTokens = Annotated[
    int, typer.Option(min=256, max=128_000, help="Tokens that one answer may have, reasoning included.")
]
MaxEnqueuedTokens = Annotated[
    int | None,
    typer.Option(min=1, help="Prompt tokens queued at once. Unset: DATAGEN_MAX_ENQUEUED_TOKENS, or all."),
]
MaxInFlight = Annotated[
    int | None,
    typer.Option(min=1, max=2000, help="Batches queued at once. Unset: DATAGEN_MAX_IN_FLIGHT, or all."),
]
Template = Annotated[QwenTemplate, typer.Option(help="Chat template of the text samples.")]
Mix = Annotated[
    str | None, typer.Option(help="Shares of the kinds, as tool_use=0.5,partial=0.5. Unset: the stated default.")
]
ParallelCalls = Annotated[
    bool, typer.Option("--parallel-calls", help="Ask for several calls in one turn where the steps allow it.")
]
WriterOption = Annotated[
    Writer, typer.Option(help="A script that the backend performs, or a transcript with responses the LLM invents.")
]
Against = Annotated[
    list[Path] | None,
    typer.Option(help="A published dataset, file or folder, of which nothing may be repeated (U01, U02); repeatable."),
]
GoldDataset = Annotated[
    Path | None, typer.Option(help="The benchmark, file or folder, that nothing may overlap with (U03).")
]


def choose_sampling(mix: str | None, *, parallel_calls: bool, writer: Writer = "script") -> Sampling:
    """Return how scenarios are drawn, from the options.

    Raises:
        ConfigError: the mix names no kinds or no shares.
    """
    shares = dict(KIND_MIX) if mix is None else read_mix(mix)
    return Sampling(mix=shares, parallel_calls=parallel_calls, writer=writer)
