"""Decides what a run's cancelling in Prefect does at the provider: its batches are cancelled, unless told not."""

from __future__ import annotations

from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.logging.loggers import flow_run_logger

from datagen_core.batch.cancelling import cancel_batches as cancel_at_provider
from datagen_core.batch.cancelling import find_run_batches, require_identity
from datagen_core.errors import DatagenError
from datagen_core.providers import embedded_providers
from datagen_core.storage import fetch
from flows.occasion import Occasion
from flows.parameters import GoldParameters, TrainingParameters
from flows.run import Run, settle
from tasks.provider import connect, read_settings


def cancel_batches(flow: Flow[Any, Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Cancel the run's batches that have not ended; what they have answered by then is paid for, and kept.

    Prefect calls this when the run's process is gone. What goes wrong is logged with the run and stops nothing: the
    message says how to cancel by hand.
    """
    log = flow_run_logger(flow_run, flow)
    try:
        run = _settle_again(flow, flow_run)
        if not run.parameters.cancel_batches:
            log.info("The batches go on at the provider, as queue.cancel_batches says. Retry the run to fetch them.")
            return
        for line in _cancel(run):
            log.info("%s", line)
    except DatagenError as error:
        log.warning("The batches were not cancelled: %s 'datagen cancel' with the run's folder does it.", error)


def _settle_again(flow: Flow[Any, Any], flow_run: FlowRun) -> Run:
    arguments = flow.validate_parameters(flow_run.parameters)
    moment = flow_run.expected_start_time or flow_run.start_time
    assert moment is not None, "a run that was cancelled was scheduled, or has started"
    occasion = Occasion(scheduled_at=moment, is_deployed=flow_run.deployment_id is not None)
    if flow.name == "gold":
        return settle("gold", GoldParameters.gather(arguments), read_settings(), occasion)
    return settle("training", TrainingParameters.gather(arguments), read_settings(), occasion)


def _cancel(run: Run) -> list[str]:
    """Cancel at the provider, and return what to tell."""
    folder = fetch(run.location)
    if not run.ledger.exists():
        return ["Nothing was submitted: nothing to cancel."]
    known = find_run_batches(folder)
    with embedded_providers(), connect(run.choice) as client:
        require_identity(client, folder, known.identities)
        told = [str(outcome) for outcome in cancel_at_provider(client, known.unended)]
    if known.n_unrecorded:
        told.append(f"{known.n_unrecorded} more may have been created without an answer: 'datagen ledger rebuild'.")
    return told or ["Every batch that was submitted has ended: nothing to cancel."]
