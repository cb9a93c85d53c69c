"""Decides what a run says at its end, whether it is short of dialogues, and what is published."""

from __future__ import annotations

from pathlib import Path

from prefect.artifacts import create_table_artifact
from prefect.logging import get_run_logger
from pydantic import BaseModel, ConfigDict

from datagen_core.dataset.funnel import Funnel, read_funnel
from datagen_core.dataset.rounds import RunFiles
from datagen_core.errors import ShortfallError
from flows.parameters import Run
from flows.rounds import Rounds
from tasks.caching import run_stage
from tasks.dataset import push


class RunOutcome(BaseModel):
    """What a finished run returns; `shortfall` says what is missing, if anything is.

    `is_simulated` tells that no language model wrote the dialogues.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str
    funnel: Funnel
    is_simulated: bool
    shortfall: str | None = None


def conclude(run: Run, rounds: Rounds) -> RunOutcome:
    """Show the funnel in Prefect and return it.

    Raises:
        ShortfallError: gold is short of a category after the last round; names each. Training only says so.
    """
    funnel = read_funnel(Path(rounds.files.judged.funnel.path))
    counts = [{"round": number, **counts.model_dump()} for number, counts in sorted(funnel.rounds.items())]
    create_table_artifact(key=f"{run.profile}-funnel", table=counts, description=f"Requests of {run.folder.name}")
    outcome = RunOutcome(folder=str(run.folder), funnel=funnel, is_simulated=run.choice.provider == "simulator")
    if not funnel.missing:
        return outcome
    shortfall = describe_shortfall(run, funnel, rounds.stopped_by)
    if run.profile == "gold":
        raise ShortfallError(shortfall)
    get_run_logger().warning(shortfall)
    return outcome.model_copy(update={"shortfall": shortfall})


def publish(run: Run, files: RunFiles) -> None:
    """Push the dataset where a repository is named."""
    if run.parameters.repo_id is None:
        return
    run_stage(
        push, run.storage, files.judged.dataset, files.judged.funnel, run.parameters.repo_id, run.parameters.public
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
        f"Read {run.folder / 'rejected.jsonl'}. "
        f"{stopped_by or 'Run again with a higher --max-rounds: what is there is kept.'}"
    )
