"""Decides what a run shows and says at its end, whether it is short of dialogues, and what is published."""

from __future__ import annotations

from pathlib import Path

import httpx
from prefect.exceptions import PrefectHTTPStatusError
from prefect.logging import get_run_logger
from pydantic import BaseModel, ConfigDict

from datagen_core.dataset.funnel import Funnel, read_funnel
from datagen_core.dataset.hub import PushReport
from datagen_core.dataset.rounds import RunFiles
from datagen_core.errors import ShortfallError
from datagen_core.files import Artifact
from datagen_core.settings import load_settings
from datagen_core.storage import localize
from flows.opening import Workplace
from flows.rounds import Rounds
from flows.run import Run
from tasks.caching import run_stage
from tasks.dataset import push, render
from tasks.showing import show


class RunOutcome(BaseModel):
    """What a finished run returns; `shortfall` says what is missing, if anything is.

    `is_simulated` tells that no language model wrote the dialogues.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str
    funnel: Funnel
    is_simulated: bool
    shortfall: str | None = None


def present(run: Run, rounds: Rounds, files: RunFiles, work: Workplace) -> RunOutcome:
    """Render the samples, show the run in the Prefect UI, and return what came of it.

    Raises:
        ShortfallError: gold is short of a category after the last round; names each. Training only says so.
    """
    run_stage(
        render, run.results, work.here, files.judged.dataset, run.parameters.template, folder=run.place("samples")
    )
    _show(run, rounds, files)
    funnel = read_funnel(Path(localize(files.judged.funnel).path))
    outcome = RunOutcome(folder=run.location, funnel=funnel, is_simulated=run.choice.provider == "simulator")
    if not funnel.missing:
        return outcome
    shortfall = describe_shortfall(run, funnel, rounds.stopped_by)
    if run.profile == "gold":
        raise ShortfallError(shortfall)
    get_run_logger().warning(shortfall)
    return outcome.model_copy(update={"shortfall": shortfall})


def _show(run: Run, rounds: Rounds, files: RunFiles) -> None:
    """Make the run's artifacts; that Prefect's server cannot take them is no reason to fail a run that is complete."""
    try:
        show(
            run.profile,
            files,
            run.location,
            list(rounds.batches),
            run.choice.provider,
            run.choice.base_url or "",
            run.parameters.repo_id,
            load_settings().hf_endpoint,
        )
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        get_run_logger().warning("The run is not shown in Prefect: %s. Retry it to make its artifacts.", error)


def publish(run: Run, files: RunFiles, work: Workplace, reviews: Artifact | None = None) -> PushReport | None:
    """Push the dataset where a repository is named."""
    if run.parameters.repo_id is None:
        return None
    return run_stage(
        push,
        run.results,
        work.here,
        files.judged.dataset,
        files.judged.funnel,
        run.parameters.repo_id,
        run.parameters.public,
        reviews,
    )


def describe_shortfall(run: Run, funnel: Funnel, stopped_by: str | None = None) -> str:
    """Return a sentence that says how many dialogues are missing, of what, why, and what to do."""
    short = [
        f"{name} {run.parameters.count - counts.accepted}"
        for name, counts in funnel.categories.items()
        if counts.accepted < run.parameters.count
    ]
    rules = ", ".join(f"{rule} {count}" for rule, count in sorted(funnel.rules.items(), key=lambda p: -p[1])[:3])
    return (
        f"{funnel.missing} of {funnel.scenarios} dialogues are missing after round {len(funnel.rounds)}"
        f"{' (' + ', '.join(short) + ')' if short and run.profile == 'gold' else ''}. "
        f"Most broken rules: {rules or 'none'}; failed requests: {sum(funnel.failures.values())}. "
        f"Read {run.place('rejected.jsonl')}. "
        f"{stopped_by or 'Run again with a higher --max-rounds: what is there is kept.'}"
    )
