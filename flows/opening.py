"""Decides what a run holds while it works: its folder, alone; the embedded providers; and where shards are judged."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple

from prefect import Task
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from datagen_core.errors import FolderInUseError
from datagen_core.providers import embedded_providers
from datagen_core.settings import load_settings
from datagen_core.storage import Lease, lease_folder, pull_file
from flows.run import Run
from flows.spreading import open_runner
from tasks.caching import Call, call_here

LEAVING_SECONDS: Final = 2400.0
"""How long an earlier process may take to leave: longer than any pause, as that until a full queue has room."""
LOOK_SECONDS: Final = 10.0


class Workplace(NamedTuple):
    """What a run works with: what runs its stages here, what runs those that judge, and its hold on the folder.

    Neither runs a stage once the hold is lost.
    """

    here: Call
    call: Call
    lease: Lease


@contextmanager
def open_run(run: Run) -> Generator[Workplace]:
    """Hold the run's folder until the block ends.

    Raises:
        FolderInUseError: another process works in the folder; names it.
        ConfigError: the task runner is not installed.
        StorageError: the folder cannot be reached.
    """
    with (
        _hold_folder(run) as lease,
        embedded_providers(),
        open_runner(run.task_runner, run.max_workers, load_settings().cluster_address) as call,
    ):
        pull_file(run.place(run.ledger.name))
        yield Workplace(_holding(lease, call_here), _holding(lease, call), lease)


@contextmanager
def _hold_folder(run: Run) -> Generator[Lease]:
    """Hold the folder; wait for an earlier process of the same flow run.

    There is one where the run was paused and resumed at once, or marked as crashed while Prefect's server was away.
    """
    me = f"flow run {flow_run.id}"
    deadline = time.monotonic() + LEAVING_SECONDS
    with ExitStack() as stack:
        while True:
            try:
                lease = stack.enter_context(lease_folder(run.location, holder=f"datagen run {run.profile}, {me}"))
                break
            except FolderInUseError as error:
                if me not in error.holder or time.monotonic() > deadline:
                    raise
                get_run_logger().info("Waits for the run's earlier process to end: %s", error.holder)
                time.sleep(LOOK_SECONDS)
        yield lease


def _holding(lease: Lease, call: Call) -> Call:
    def call_if_held(task: Task[..., Any], arguments: Mapping[str, Any]) -> object:
        lease.require_held()
        return call(task, arguments)

    return call_if_held
