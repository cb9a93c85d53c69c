"""Decides how server and worker run together: started in order, watched, and stopped in order."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeVar

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.exceptions import PrefectException
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from datagen_core.errors import ConfigError
from datagen_core.locking import lock_folder
from flows.operations.children import Child, adopt_orphans
from flows.operations.deploying import POOL, Deployed, deploy, ensure_pool, find_project
from flows.operations.environment import HOST, find_logs
from flows.operations.leftovers import Left, expect_heartbeats, read_at_work, read_left, read_overdue, settle_runs
from flows.operations.processes import LOOK_SECONDS, end_groups, find_groups
from flows.operations.server import await_server, await_worker, start_server, start_worker
from flows.operations.stops import Stopped, Stops

T = TypeVar("T")

WATCH_SECONDS: Final = 0.5
FLOW_PATIENCE: Final = 3.0
"""A flow run that is asked to end waits for its next look at a batch, minutes away. It may be killed at any point."""
CHILD_PATIENCE: Final = 20.0
ASK_SECONDS: Final = 10.0
ASK_RETRIES: Final = 2


@dataclass(frozen=True)
class Plan:
    """What is asked for: the server's port, how many runs at one time, and whether to run a worker at all."""

    port: int
    limit: int | None = None
    has_worker: bool = True


@dataclass(frozen=True)
class Ready:
    """What there is once everything runs."""

    deployments: list[Deployed]
    overdue: list[str]
    watched: list[str]
    project: Path


class Screen(Protocol):
    """Where it is shown what goes on."""

    def tell(self, line: str) -> None:
        """Show a line."""

    def show_ready(self, ready: Ready) -> None:
        """Show what runs and what to do with it."""

    def show_log(self, name: str, lines: list[str]) -> None:
        """Show what a child has written to its log."""


def operate(plan: Plan, stops: Stops, screen: Screen) -> list[Left]:
    """Run server and worker until we are told to stop; return the runs that were at work then.

    Whatever happens, nothing that was started is left running. The port is chosen, and stands in the environment with
    all of `build_environment`, before Prefect is imported.

    Raises:
        ConfigError: prefect.yaml, automations.yaml or the work pool are not what is needed.
        OperationError: server or worker ended by itself, or the deployments failed.
        FolderInUseError: another `datagen up` uses the same PREFECT_HOME.
    """
    project = find_project()
    with lock_folder(find_logs(), holder="datagen up"):
        adopt_orphans()
        operation = _Operation(plan, project, stops, screen)
        try:
            with suppress(Stopped):
                operation.start()
                operation.watch()
        finally:
            operation.stop()
        return operation.left


class _Operation:
    def __init__(self, plan: Plan, project: Path, stops: Stops, screen: Screen) -> None:
        self._plan, self._project, self._stops, self._screen = plan, project, stops, screen
        self._server: Child | None = None
        self._worker: Child | None = None
        self._is_answered = True
        self.left: list[Left] = []

    def start(self) -> None:
        """Start all of it, each once what it needs is there."""
        self._screen.tell("Starting the server; the first time, it makes its database, which takes a minute.")
        self._server = start_server(self._plan.port, find_logs(), self._project)
        await_server(self._server, f"http://{HOST}:{self._plan.port}/api", self._stops)
        with get_client(sync_client=True) as client:
            self._screen.tell("Deploying.")
            _require_process_pool(client)
            deployments = deploy(client, self._project, find_logs(), self._stops)
            watched, overdue = self._take_over(client), read_overdue(client)
            if self._plan.has_worker:
                self._worker = start_worker(POOL, find_logs(), self._project, self._plan.limit)
                await_worker(self._worker, client, POOL, self._stops)
        self._screen.show_ready(Ready(deployments, overdue, watched, self._project))

    def watch(self) -> None:
        """Watch until we are told to stop, or until one ends by itself."""
        while True:
            for child in self._children:
                self._screen.show_log(child.name, child.read_new())
                child.require_running()
            self._stops.sleep(WATCH_SECONDS)

    def stop(self) -> None:
        """End the flow runs, the worker, and the server, and mark the runs while the server still answers."""
        if self._children:
            why = "" if self._stops.is_wanted() else " what still runs"
            self._screen.tell(f"Stopping{why}. Press Ctrl-C to end everything at once.")
        at_work = self._ask(read_at_work) or []
        if self._worker is not None:
            # Halted first, the worker starts no further run meanwhile. Told to stop, it would kill those it has without
            # a word to the server, and each would stay Running.
            self._worker.send(signal.SIGSTOP)
            self._end_flow_runs(FLOW_PATIENCE)
            self._worker.stop(signal.SIGINT, patience=CHILD_PATIENCE, is_urgent=self._stops.is_urgent)
        self._end_flow_runs(0.0)
        self._ask(settle_runs)
        self.left = self._ask(lambda client: read_left(client, at_work)) or []
        if self._server is not None:
            self._server.stop(signal.SIGTERM, patience=CHILD_PATIENCE, is_urgent=self._stops.is_urgent)

    @property
    def _children(self) -> list[Child]:
        return [child for child in (self._server, self._worker) if child is not None]

    def _take_over(self, client: SyncPrefectClient) -> list[str]:
        """See to the runs that an earlier operation left, which was killed or had no time."""
        if self._plan.has_worker:
            settle_runs(client, [StateType.PENDING, StateType.CANCELLING])
        return expect_heartbeats(client)

    def _end_flow_runs(self, patience: float) -> None:
        """End the processes of flow runs: Prefect's worker starts each in a session of its own."""
        groups = find_groups(os.getpid()) - {child.pid for child in self._children}
        end_groups(groups, patience=patience, is_urgent=self._stops.is_urgent)

    def _ask(self, question: Callable[[SyncPrefectClient], T]) -> T | None:
        """Ask the server on the way out, where there is a worker's work to be seen to; the way out is not barred."""
        if self._worker is None or self._server is None or self._server.has_ended() or not self._is_answered:
            return None
        answers: list[T] = []
        problems: list[Exception] = []

        def ask() -> None:
            try:
                with (
                    temporary_settings({PREFECT_CLIENT_MAX_RETRIES: ASK_RETRIES}),
                    get_client(sync_client=True, httpx_settings={"timeout": ASK_SECONDS}) as client,
                ):
                    answers.append(question(client))
            except (httpx.HTTPError, PrefectException, RuntimeError) as error:
                problems.append(error)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        while asking.is_alive() and not self._stops.is_urgent():
            asking.join(LOOK_SECONDS)
        if answers:
            return answers[0]
        self._is_answered = False
        why = type(problems[0]).__name__ if problems else "there was no time"
        self._screen.tell(
            f"Runs that were at work could not be marked ({why}). The next 'datagen up' watches them: without a sign "
            "of life they are marked as crashed after 90 seconds."
        )
        return None


def _require_process_pool(client: SyncPrefectClient) -> None:
    found = ensure_pool(client)
    if found != "process":
        raise ConfigError(
            f"The work pool {POOL!r} is of type {found!r} here, and 'datagen up' runs a worker for processes. "
            "Run it with another PREFECT_HOME, or delete the pool."
        )
