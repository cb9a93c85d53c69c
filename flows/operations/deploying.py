"""Decides what a server must have before it can run datagen: the work pool, the automations, the deployments."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateName,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.workers.process import ProcessWorker

from datagen_core.errors import ConfigError, OperationError
from flows.operations.automations import FILE_NAME, apply_automations, read_automations
from flows.operations.children import start_child
from flows.operations.environment import read_heartbeat_seconds
from flows.operations.stops import Stops

POOL: Final = "datagen"
DEPLOYMENTS_NAME: Final = "prefect.yaml"
SCHEDULER_PATIENCE: Final = 15.0
"""The scheduler looks every 5 seconds for deployments that are new."""


class Deployed(NamedTuple):
    """A deployment on the server; `next_run` is None where no run of it is scheduled."""

    name: str
    is_paused: bool
    next_run: datetime | None
    parameters: dict[str, object]


def find_project() -> Path:
    """Return the folder that holds prefect.yaml and automations.yaml: the working directory, or datagen's checkout.

    Raises:
        ConfigError: neither has both.
    """
    candidates = (Path.cwd(), Path(__file__).resolve().parents[2])
    for folder in candidates:
        if (folder / DEPLOYMENTS_NAME).is_file() and (folder / FILE_NAME).is_file():
            return folder
    raise ConfigError(
        f"{candidates[0]} holds no {DEPLOYMENTS_NAME} and {FILE_NAME}. Run the command in a checkout of datagen: the "
        "flows are deployed from there."
    )


def deploy(client: SyncPrefectClient, project: Path, logs: Path, stops: Stops) -> list[Deployed]:
    """Put work pool, automations and deployments on the server, and return the deployments. Safe to repeat.

    What somebody has switched off on the server stays off: automations and paused deployments by this function,
    schedules by Prefect itself where they have a slug. An existing work pool is left as it is, whatever its type.

    Raises:
        ConfigError: a file is wrong.
        OperationError: `prefect deploy` failed; shows the end of its log.
        Stopped: we were told to stop meanwhile.
    """
    ensure_pool(client)
    apply_automations(client, read_automations(project / FILE_NAME, heartbeat_seconds=read_heartbeat_seconds()))
    paused = [one.id for one in _read_deployments(client) if one.paused]
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", DEPLOYMENTS_NAME]
    child = start_child("deployment", command, logs / "deploy.log", folder=project)
    try:
        code = child.wait(stops)
    finally:
        child.kill()
        for deployment_id in paused:  # Prefect's own command starts a paused deployment that has a schedule again
            client.pause_deployment(deployment_id)
    if code != 0:
        raise OperationError(f"'prefect deploy' failed. The end of its log, {child.log}:\n{child.read_tail()}")
    return describe_deployments(client, stops)


def ensure_pool(client: SyncPrefectClient) -> str:
    """Return the type of the work pool, which is made for processes of this machine where there is none."""
    try:
        return client.read_work_pool(POOL).type
    except ObjectNotFound:
        pass
    template = ProcessWorker.get_default_base_job_template()
    try:
        return client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template)).type
    except ObjectAlreadyExists:  # by another command, just now
        return client.read_work_pool(POOL).type


def describe_deployments(client: SyncPrefectClient, stops: Stops) -> list[Deployed]:
    """Return the pool's deployments by name; waits a little for the runs that a schedule brings.

    Raises:
        Stopped: we were told to stop meanwhile.
    """
    deadline = time.monotonic() + SCHEDULER_PATIENCE
    found: list[Deployed] = []
    for one in _read_deployments(client):
        active = [schedule for schedule in one.schedules if schedule.active and not one.paused]
        while (next_run := _find_next_run(client, one, active)) is None and active and time.monotonic() < deadline:
            stops.sleep(1.0)
        name = f"{client.read_flow(one.flow_id).name}/{one.name}"
        found.append(Deployed(name, one.paused, next_run, dict(one.parameters)))
    return sorted(found)


def _read_deployments(client: SyncPrefectClient) -> list[DeploymentResponse]:
    return client.read_deployments(work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL])))


def _find_next_run(
    client: SyncPrefectClient, deployment: DeploymentResponse, schedules: list[DeploymentSchedule]
) -> datetime | None:
    runs = client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id])),
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Scheduled"]))),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
        limit=1,
    )
    if not runs or runs[0].expected_start_time is None:
        return None
    zone = next((zone for one in schedules if (zone := getattr(one.schedule, "timezone", None))), None)
    return runs[0].expected_start_time.astimezone(ZoneInfo(zone) if zone else None)
