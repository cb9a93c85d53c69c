"""Decides the options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

from datagen_core.batch.requests import Endpoint
from datagen_core.dialogue.qwen import QwenTemplate
from datagen_core.settings import Provider

MAX_SEED = 2**31

Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Same seed and count, same requests.")]
Model = Annotated[str | None, typer.Option(help="The model asked. Unset: DATAGEN_MODEL, else gpt-6-luna.")]
EndpointOption = Annotated[Endpoint, typer.Option(help="The form of each request.")]
ProviderOption = Annotated[
    Provider | None, typer.Option(help="Unset: openai where OPENAI_API_KEY is set, else the embedded simulator.")
]
PollInterval = Annotated[
    float | None, typer.Option(min=0.05, max=3600, help="Seconds between two looks. Unset: 60, simulator 1.")
]
Template = Annotated[QwenTemplate, typer.Option(help="Chat template of the text samples.")]
