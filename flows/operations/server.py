"""Decides how Prefect's server and worker are started on this machine, and when they are ready."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

from prefect.client.orchestration import SyncPrefectClient

from datagen_core.errors import OperationError
from flows.operations.children import Child, start_child
from flows.operations.environment import HOST, is_answering
from flows.operations.stops import Stops

WORKER_NAME: Final = "datagen-up"
SERVER_PATIENCE: Final = 300.0
"""The first start makes the database: 12 to 38 seconds on an idle machine, minutes on a busy one."""
WORKER_PATIENCE: Final = 120.0
POLL_SECONDS: Final = 0.5


def start_server(port: int, logs: Path, folder: Path) -> Child:
    """Start the server; its data lies in PREFECT_HOME, or where PREFECT_SERVER_DATABASE_CONNECTION_URL says."""
    command = [sys.executable, "-m", "flows.operations.serving", "server", "start", "--host", HOST, "--port", str(port)]
    return start_child("server", command, logs / "server.log", folder=folder)


def await_server(server: Child, url: str, stops: Stops) -> None:
    """Wait until the server answers.

    Raises:
        OperationError: it ended, or does not answer in time.
        Stopped: we were told to stop.
    """
    deadline = time.monotonic() + SERVER_PATIENCE
    while not is_answering(url):
        server.require_running()
        if time.monotonic() > deadline:
            raise OperationError(f"The server does not answer at {url}. The end of its log:\n{server.read_tail()}")
        stops.sleep(POLL_SECONDS)
    server.require_running()


def start_worker(pool: str, logs: Path, folder: Path, limit: int | None) -> Child:
    """Start a worker that runs the pool's flow runs as processes of this machine, `limit` at a time."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--name", WORKER_NAME]
    bounded = [*command, "--type", "process", *(["--limit", str(limit)] if limit is not None else [])]
    return start_child("worker", bounded, logs / "worker.log", folder=folder)


def await_worker(worker: Child, client: SyncPrefectClient, pool: str, stops: Stops) -> None:
    """Wait until the worker has told the server that it is there.

    Raises:
        OperationError: it ended, or does not appear in time.
        Stopped: we were told to stop.
    """
    deadline = time.monotonic() + WORKER_PATIENCE
    while not _has_reported(worker, client, pool):
        worker.require_running()
        if time.monotonic() > deadline:
            raise OperationError(f"The worker does not report to the server. Its log:\n{worker.read_tail()}")
        stops.sleep(POLL_SECONDS)


def _has_reported(worker: Child, client: SyncPrefectClient, pool: str) -> bool:
    """Tell whether the server has heard of this worker, not of an earlier one of the same name."""
    times = [one.last_heartbeat_time for one in client.read_workers_for_work_pool(pool) if one.name == WORKER_NAME]
    return any(time is not None and time >= worker.started_at for time in times)
