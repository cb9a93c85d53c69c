"""Decides what follows from when a run was asked for: its seed, its folder's name, and its own name in Prefect."""

from __future__ import annotations

import string
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict

from datagen_core.errors import ConfigError
from datagen_core.scenarios import Profile
from datagen_core.settings import load_settings
from flows.parameters import USUAL_SEED

PLACEHOLDERS: Final = ("date", "time", "flow", "count", "seed")


class Occasion(BaseModel):
    """When a run was to start, which a retry does not change, and whether a deployment started it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheduled_at: datetime
    is_deployed: bool

    def choose_seed(self, wanted: int | None) -> int:
        """Return the seed wanted; without one, the minutes from 1970 to a deployment's run, else 42.

        So every night of a schedule makes new dialogues, and a night that is run again makes the same.
        """
        if wanted is not None:
            return wanted
        return int(self.scheduled_at.timestamp()) // 60 if self.is_deployed else USUAL_SEED


def read_occasion() -> Occasion:
    """Return the occasion of the flow run that we are in."""
    context = FlowRunContext.get()
    run = None if context is None else context.flow_run
    return Occasion(
        scheduled_at=flow_run.scheduled_start_time, is_deployed=run is not None and run.deployment_id is not None
    )


def name_run() -> str:
    """Return the name of the flow run that begins, as `training-2026-11-23-400`; the date is of `DATAGEN_TIMEZONE`."""
    day = read_occasion().scheduled_at.astimezone(ZoneInfo(load_settings().timezone))
    return f"{flow_run.flow_name}-{day:%Y-%m-%d}-{flow_run.parameters.get('count')}"


def fill_output_dir(template: str, occasion: Occasion, *, flow: Profile, count: int, seed: int, zone: str) -> str:
    """Return where a run goes: the template with its placeholders filled in.

    Raises:
        ConfigError: a placeholder is none of ours, or a brace stands alone.
    """
    moment = occasion.scheduled_at.astimezone(ZoneInfo(zone))
    values = {"date": f"{moment:%Y-%m-%d}", "time": f"{moment:%H%M}", "flow": flow, "count": count, "seed": seed}
    try:
        parts = list(string.Formatter().parse(template))
        unknown = [name for _, name, _, _ in parts if name is not None and name not in PLACEHOLDERS]
        if not unknown:
            return template.format(**values)
        problem = f"{{{unknown[0]}}} is no placeholder"
    except (ValueError, IndexError, KeyError) as error:
        problem = str(error)
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    raise ConfigError(
        f"output_dir {template!r}: {problem}. Known are {known}; write {{{{ or }}}} for a brace of the name itself."
    )
