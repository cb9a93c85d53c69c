"""Decides what a run holds while it works: its folder, alone; the embedded providers; and where shards are judged."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

from datagen_core.providers import embedded_providers
from datagen_core.storage import Lease, lease_folder, pull_file
from flows.run import Run
from flows.spreading import open_runner
from tasks.caching import Call
from tasks.provider import read_settings


class Workplace(NamedTuple):
    """What a run works with: what runs the stages that judge, and its hold on the folder."""

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
        lease_folder(run.location, holder=f"datagen run {run.profile}") as lease,
        embedded_providers(),
        open_runner(run.task_runner, run.max_workers, read_settings().cluster_address) as call,
    ):
        pull_file(run.place(run.ledger.name))
        yield Workplace(call, lease)
