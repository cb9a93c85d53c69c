"""Decides what becomes of runs whose process is gone: each ends up in a state from which it can go on."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.events.clients import get_events_client
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.events.related import tags_as_related_resources
from prefect.events.schemas.events import Event, Resource
from prefect.states import Cancelled, Crashed, Scheduled

from flows.operations.automations import HEARTBEAT
from flows.operations.deploying import POOL

AT_WORK: Final = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
STOPPED: Final = "Its process was ended with 'datagen up'. Retry the run to go on where it was: nothing is paid twice."
CANCELLED: Final = (
    "Its process was ended before its batches could be cancelled at the provider: 'datagen cancel' does that."
)


class Left(NamedTuple):
    """A run that was at work when all was stopped, and the state that it is in since."""

    name: str
    run_id: UUID
    state: str


def read_at_work(client: SyncPrefectClient) -> list[UUID]:
    """Return the ids of the pool's runs that have begun, or are about to."""
    return [run.id for run in _read_runs(client, AT_WORK)]


def settle_runs(client: SyncPrefectClient, types: Collection[StateType] = AT_WORK) -> None:
    """Mark the pool's runs whose processes are gone.

    One that was running has crashed, and its retry goes on; one that had not begun is due again; one that was being
    cancelled is cancelled. Only for when no worker runs: nobody is asked whether the processes are gone.
    """
    for run in _read_runs(client, types):
        match run.state_type:
            case StateType.PENDING:
                state: State[object] = Scheduled()
            case StateType.CANCELLING:
                state = Cancelled(message=CANCELLED)
            case _:
                state = Crashed(message=STOPPED)
        client.set_flow_run_state(run.id, state, force=True)


def read_left(client: SyncPrefectClient, ids: Collection[UUID]) -> list[Left]:
    """Return what has become of runs, by name."""
    runs = [client.read_flow_run(run_id) for run_id in ids]
    return sorted(Left(run.name, run.id, str(run.state_name)) for run in runs)


def expect_heartbeats(client: SyncPrefectClient) -> list[str]:
    """Have the automation watch the runs that the server believes to run, and return their names.

    It waits for the next heartbeat after one that it has heard; those of before a long stop of the server are forgotten
    (`triggers.sweep_closed_buckets`), and a run that died meanwhile would stay Running for ever. So each run that used
    to report is reported once more here. If it lives, its own heartbeat follows; if not, it is marked as crashed.
    """
    runs = [run for run in _read_runs(client, [StateType.RUNNING]) if _has_reported(client, run)]
    if runs:
        asyncio.run(_report([_build_heartbeat(run) for run in runs]))
    return [run.name for run in runs]


def read_overdue(client: SyncPrefectClient) -> list[str]:
    """Return the pool's runs that came due while no worker ran, by deployment and time: one that starts begins them."""
    now = FlowRunFilterExpectedStartTime.model_validate({"before_": datetime.now(UTC)})
    return sorted(_describe_due(client, run) for run in _read_runs(client, [StateType.SCHEDULED], now))


def _read_runs(
    client: SyncPrefectClient,
    types: Collection[StateType],
    expected: FlowRunFilterExpectedStartTime | None = None,
) -> list[FlowRun]:
    wanted = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types))), expected_start_time=expected
    )
    return client.read_flow_runs(
        flow_run_filter=wanted, work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL]))
    )


def _describe_due(client: SyncPrefectClient, run: FlowRun) -> str:
    due = "" if run.expected_start_time is None else f" of {run.expected_start_time.astimezone():%Y-%m-%d %H:%M}"
    if run.deployment_id is None:
        return f"{run.name}{due}"
    deployment = client.read_deployment(run.deployment_id)
    return f"{client.read_flow(deployment.flow_id).name}/{deployment.name}{due}"


def _has_reported(client: SyncPrefectClient, run: FlowRun) -> bool:
    heartbeats = EventFilter(
        event=EventNameFilter(name=[HEARTBEAT]), resource=EventResourceFilter(id=[f"prefect.flow-run.{run.id}"])
    )
    return bool(client.read_events(heartbeats, limit=1).events)


def _build_heartbeat(run: FlowRun) -> Event:
    resource = {"prefect.resource.id": f"prefect.flow-run.{run.id}", "prefect.resource.name": run.name}
    return Event(event=HEARTBEAT, resource=Resource(resource), related=list(tags_as_related_resources(set(run.tags))))


async def _report(events: list[Event]) -> None:
    async with get_events_client() as client:
        for event in events:
            await client.emit(event)
