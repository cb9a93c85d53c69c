"""Decides how fast simulated batches go, how much of them is taken at a time, and what goes wrong with them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.simulator.faults import Fault


class SimulatorSettings(BaseModel):
    """The pace and the faults of a simulator; the defaults give a fast provider without faults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pace_seconds: float = Field(
        default=0.3,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        description="How long each phase (validating, in_progress, finalizing, cancelling) lasts at least.",
    )
    seed: int = Field(default=0, description="Decides which rows fail, and what files and batches are called.")
    error_rows: float = Field(
        default=0.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Share of custom ids that get an HTTP 500 or 400 row in the first batch that asks for them.",
    )
    expire: float | None = Field(
        default=None,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Share of a batch's rows that is answered before its window closes; None: the window never does.",
    )
    expire_batches: int | None = Field(
        default=None, ge=0, description="How many batches, counted from the first, `expire` applies to; None: all."
    )
    models: tuple[str, ...] = Field(
        default=("gpt-6-luna", "gpt-6.1-terra", "gpt-6.1-sol"),
        description="What GET /v1/models lists; any other model is answered too.",
    )
    max_enqueued_tokens: int | None = Field(
        default=None,
        ge=1,
        description="A batch fails whose prompt tokens, with those of unfinished batches of its model, are more.",
    )
    max_enqueued_requests: int | None = Field(
        default=None, ge=1, description="A batch fails whose requests, with those of its model's others, are more."
    )
    faults: tuple[Fault, ...] = Field(default=(), description="What goes wrong, from the first request on.")
