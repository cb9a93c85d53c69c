"""Decides how the gold flow waits for a person: a form in the Prefect UI, whose answer is kept in the run's folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from prefect import pause_flow_run, suspend_flow_run
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import FlowPauseTimeout
from prefect.input import RunInput
from prefect.logging import get_run_logger
from pydantic import Field, create_model

from datagen_core.dataset.reviewing import (
    REVIEWS_NAME,
    Review,
    identify,
    read_reviews,
    settle_review,
    write_reviews,
)
from datagen_core.dataset.rounds import RunFiles
from datagen_core.errors import ApprovalError, ConfigError
from datagen_core.files import Artifact, describe
from datagen_core.storage import fetch, localize, publishing, relocate
from flows.opening import Workplace
from flows.operations.temporary import has_lasting_server
from flows.outcome import present
from flows.parameters import GoldParameters
from flows.rounds import Rounds, merge_rounds, replace_rejected
from flows.run import Run
from tasks.caching import run_stage
from tasks.dataset import review

POLL_SECONDS: Final = 5


class Approval(RunInput):
    """The form that a person fills in before gold is pushed."""

    approve: bool = Field(
        default=False,
        description="Push the benchmark as it is. Off, with nothing to replace: the run fails, and Retry asks again.",
    )
    reject: list[str] = Field(
        default=[],
        description="Dialogues to replace, by scenario id (gold-42-000007) or sample name (sample_0008). New ones are "
        "asked for, and you are asked again.",
    )
    note: str = Field(default="", description="What you looked at and found. It stands in the dataset's card.")
    reviewer: str = Field(default="", description="Who you are. It stands in the dataset's card.")


def require_reachable() -> None:
    """Return if there is a server on which a person can answer.

    Raises:
        ConfigError: Prefect runs without one.
    """
    if not has_lasting_server():
        raise ConfigError(
            "require_approval waits for an answer in the Prefect UI, and no server is set. Start one with 'datagen "
            "up', set PREFECT_API_URL, and run again; or leave require_approval out."
        )


def review_dialogues(run: Run, rounds: Rounds, work: Workplace) -> tuple[Rounds, Artifact]:
    """Wait until a person has approved the dialogues, and replace those that are rejected until then.

    Answers given before, to this run's folder, are not asked for again, as long as they are about the same dialogues.

    Raises:
        ApprovalError: the person did not approve, or nobody answered in time.
        ShortfallError: dialogues are missing, so that there is nothing to approve.
    """
    place, number = run.place(REVIEWS_NAME), 0
    while True:
        number += 1
        known = _read_known(fetch(place))
        if len(known) < number or not _counts(known[number - 1], rounds):
            files = merge_rounds(run, rounds, work)
            present(run, rounds, files, work)
            known = (*known[: number - 1], _ask(run, rounds, files, number))
            with publishing(run.location) as folder:
                write_reviews(folder / REVIEWS_NAME, known)
        answer = known[number - 1]
        if answer.approved:
            path = fetch(place)
            return rounds, relocate(describe(path, len(known)))
        if not answer.rejected:
            said = f": {answer.note.rstrip('.')}" if answer.note else ""
            raise ApprovalError(
                f"{answer.reviewer or 'The reviewer'} did not approve the benchmark{said}. Nothing was pushed; retry "
                "the run to be asked again."
            )
        reviewed = run_stage(
            review,
            run.results,
            work.here,
            list(rounds.judged),
            list(rounds.results),
            rounds.scenarios,
            answer,
            run.location,
            run.prices,
        )
        rounds = replace_rejected(run, rounds, reviewed, work)


def _read_known(path: Path) -> tuple[Review, ...]:
    return read_reviews(path) if path.exists() else ()


def _counts(answer: Review, rounds: Rounds) -> bool:
    """Tell whether an answer that was given before stands: a run that stopped at it, or has other dialogues, asks."""
    return (answer.approved or bool(answer.rejected)) and answer.reviewed == identify(rounds.judged)


def _ask(run: Run, rounds: Rounds, files: RunFiles, number: int) -> Review:
    """Wait for the form until it is one that can be followed."""
    # A retry does not make Prefect forget its earlier pauses: under their key it would give the old answer again.
    key, attempt, form = f"review-{number}-{_count_ends()}", 0, Approval()
    told = (
        f"**{files.judged.dataset.rows} dialogues** of the benchmark wait for you (review {number}).\n\n"
        f"- All of them: `{files.judged.dataset.path}`\n- As texts: `{run.place('samples')}`\n"
        "- Three of them, the funnel and the cost: this run's artifacts"
    )
    while True:
        attempt += 1
        form = _wait_for_form(run, form, told, f"{key}-{attempt}")
        rejected = tuple(name for name in form.reject if name.strip())
        given = Review(
            number=number,
            reviewer=form.reviewer.strip() or None,
            approved=form.approve and not rejected,
            rejected=rejected,
            note=form.note.strip(),
            reviewed=identify(rounds.judged),
            reviewed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        try:
            return settle_review(localize(list(rounds.judged)), given)
        except ConfigError as error:
            get_run_logger().warning("%s The form is asked for again.", error)
            told = f"**{error}**\n\nCorrect the form below."


def _wait_for_form(run: Run, filled: Approval, told: str, key: str) -> Approval:
    """Wait for a person: a deployment's run gives its worker back meanwhile, another one stays and waits."""
    context, parameters = FlowRunContext.get(), run.parameters
    is_deployed = context is not None and context.flow_run is not None and context.flow_run.deployment_id is not None
    hours = parameters.approval_hours if isinstance(parameters, GoldParameters) else 0.0
    form = _fill_in(filled).with_initial_data(description=told)
    get_run_logger().info("The benchmark waits for a person: press Resume on this run's page, and fill in the form.")
    try:
        if is_deployed:
            return suspend_flow_run(wait_for_input=form, timeout=int(hours * 3600), key=key)
        return pause_flow_run(wait_for_input=form, timeout=int(hours * 3600), poll_interval=POLL_SECONDS, key=key)
    except FlowPauseTimeout as error:
        raise ApprovalError(
            f"Nobody answered within {hours:g} hours. Nothing was pushed; retry the run to be asked again."
        ) from error


def _fill_in(filled: Approval) -> type[Approval]:
    """Return the form with these values in it; Prefect's own way would lose what is said of each field."""
    fields: dict[str, Any] = {
        name: (told.annotation, Field(default=getattr(filled, name), description=told.description))
        for name, told in Approval.model_fields.items()
    }
    return create_model(Approval.__name__, __base__=Approval, **fields)


def _count_ends() -> int:
    """Return how often the run has ended so far: a retry adds one, a resumption does not."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return 0
    with get_client(sync_client=True) as client:
        return sum(state.is_final() for state in client.read_flow_run_states(context.flow_run.id))
