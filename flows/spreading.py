"""Decides where shards are judged: in threads of the flow's process, or on a Dask or Ray cluster."""

from __future__ import annotations

import importlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from prefect import Task
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner

from datagen_core.errors import ConfigError
from datagen_core.settings import TaskRunnerName
from flows.operations.temporary import has_lasting_server
from tasks.caching import Call, call_here


@contextmanager
def open_runner(name: TaskRunnerName, n_workers: int, address: str | None) -> Generator[Call]:
    """Give what runs a stage on the cluster at `address`, or on one of `n_workers` processes made for the block.

    Only stages that work are run there; those that wait for the provider stay with the flow, which has the keys.

    Raises:
        ConfigError: the runner's package is not installed, or no server is set that its workers could tell of their
            tasks.
    """
    if name == "threads":
        yield call_here
        return
    if not has_lasting_server():
        raise ConfigError(
            f"Task runner {name!r} needs a Prefect server that its workers reach, too. Start one with 'datagen up' or "
            "'prefect server start', set PREFECT_API_URL, and run again; or choose task_runner threads."
        )
    with _build_runner(name, n_workers, address) as runner:

        def call(task: Task[..., Any], arguments: Mapping[str, Any]) -> object:
            future = cast("PrefectFuture[object]", runner.submit(task, parameters=dict(arguments)))
            return future.result()

        yield call


def _build_runner(name: TaskRunnerName, n_workers: int, address: str | None) -> TaskRunner[Any]:
    try:
        if name == "dask":
            from prefect_dask.task_runners import DaskTaskRunner

            if address is not None:
                return DaskTaskRunner(address=address)
            return DaskTaskRunner(cluster_kwargs={"n_workers": n_workers, "threads_per_worker": 1})
        # The package is several hundred megabytes, and not installed for the type checker.
        ray = importlib.import_module("prefect_ray.task_runners")
        return ray.RayTaskRunner(address=address, init_kwargs={} if address is not None else {"num_cpus": n_workers})
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"Task runner {name!r} needs the package {error.name!r}. Install it with "
            f"\"pip install 'datagen[{name}]'\", or choose task_runner threads."
        ) from error
