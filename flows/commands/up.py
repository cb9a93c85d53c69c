"""Decides `datagen up` and `datagen deploy`: all of Prefect on this machine in one command, or what another needs."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from datagen_core.errors import ConfigError
from flows.commands.places import console, display
from flows.commands.tables import show_table
from flows.operations.environment import HOST, build_environment, choose_port, find_home, find_logs
from flows.operations.stops import Stopped, listening

if TYPE_CHECKING:
    from flows.operations.deploying import Deployed
    from flows.operations.leftovers import Left
    from flows.operations.operation import Ready

INTERRUPTED = 130


def up(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The server's port on 127.0.0.1; 0 for a free one.")
    ] = 4200,
    limit: Annotated[int | None, typer.Option(min=1, help="Flow runs at one time. Unset: all that there are.")] = None,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Run no worker: nothing is executed here.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the logs of server and worker.")] = False,
) -> None:
    """Run Prefect's server with its UI, a worker, the automations and the deployments, until Ctrl-C.

    Its data lies in PREFECT_HOME (unset: ~/.prefect): the next start finds runs, deployments and schedules again. Runs
    that are at work when it stops are marked as crashed; retried, they go on where they were.

    Example: `datagen up`
    """
    chosen = choose_port(port)
    os.environ.update(build_environment(chosen))
    with listening() as stops:
        from flows.operations.operation import Plan, operate

        left = operate(Plan(chosen, limit, has_worker=not no_worker), stops, _Screen(chosen, is_verbose=verbose))
    _show_left(left)
    _tell("Stopped, and nothing is left running. 'datagen up' goes on with the same data.")


def deploy() -> None:
    """Put work pool, automations and deployments on the server at PREFECT_API_URL. Safe to repeat.

    For servers that systemd, Docker or Kubernetes keep running; `datagen up` does the same by itself. What was switched
    off on the server stays off.

    Example: `PREFECT_API_URL=http://127.0.0.1:4200/api datagen deploy`
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import get_current_settings

    from flows.operations import deploying
    from flows.operations.leftovers import expect_heartbeats

    url = get_current_settings().api.url
    if url is None:
        raise ConfigError("PREFECT_API_URL is not set: there is no server to deploy to. Set it, or use 'datagen up'.")
    project = deploying.find_project()
    with listening() as stops, get_client(sync_client=True) as client:
        error = client.api_healthcheck()
        if error is not None:
            raise ConfigError(
                f"No Prefect server answers at {url} ({type(error).__name__}). Start it, or correct PREFECT_API_URL."
            )
        try:
            deployments = deploying.deploy(client, project, find_logs(), stops)
        except Stopped:
            raise typer.Exit(INTERRUPTED) from None
        expect_heartbeats(client)
    _show_deployments(deployments)


class _Screen:
    """Prints what goes on."""

    def __init__(self, port: int, *, is_verbose: bool) -> None:
        self._port, self._is_verbose = port, is_verbose

    def tell(self, line: str) -> None:
        _tell(line)

    def show_log(self, name: str, lines: list[str]) -> None:
        for line in lines if self._is_verbose else ():
            self.tell(f"{name}: {line}")

    def show_ready(self, ready: Ready) -> None:
        _show_deployments(ready.deployments)
        if ready.overdue:
            self.tell(f"Due while nothing ran, and due now: {', '.join(ready.overdue)}")
        if ready.watched:
            self.tell(
                f"Running when the server ended: {', '.join(ready.watched)}. Without a sign of life they are marked as "
                "crashed in 90 seconds."
            )
        self.tell(f"In another terminal: export PREFECT_API_URL=http://{HOST}:{self._port}/api")
        if example := _build_example(ready.deployments):
            self.tell(f"Start a run:         {example}")
        self.tell(f"Runs write below:    {ready.project}")
        self.tell(f"Data and logs:       {find_home()}, {display(find_logs())}")
        self.tell(f"UI:                  http://{HOST}:{self._port}")
        self.tell("Ctrl-C stops all.")


def _show_deployments(deployments: Sequence[Deployed]) -> None:
    rows = [[one.name, _describe_next(one)] for one in deployments]
    show_table("deployments", ["deployment", "next run"], rows)


def _describe_next(deployment: Deployed) -> str:
    if deployment.is_paused:
        return "paused"
    return "when started by hand" if deployment.next_run is None else f"{deployment.next_run:%Y-%m-%d %H:%M %Z}"


def _build_example(deployments: Sequence[Deployed]) -> str | None:
    """Return a command that starts a run of a deployment that nothing else starts."""
    for one in reversed(deployments):
        if one.next_run is None and not one.is_paused:
            given = [f"-p {shlex.quote(f'{name}={json.dumps(value)}')}" for name, value in one.parameters.items()]
            return " ".join(["prefect deployment run", one.name, *given])
    return None


def _show_left(left: Sequence[Left]) -> None:
    for run in left:
        line = f"{run.name}: {run.state}"
        if run.state == "Crashed":
            line += f". To go on: Retry in the UI, or 'prefect flow-run retry {run.run_id}', after the next start."
        _tell(line)


def _tell(line: str) -> None:
    console.print(line, soft_wrap=True, markup=False, highlight=False)
