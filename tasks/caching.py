"""Decides when a finished stage is taken from the cache: same stage, same version, same contents and parameters."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any, Final, ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

import orjson
from prefect import Task
from prefect.cache_policies import CacheKeyFnPolicy, CachePolicy
from prefect.context import TaskRunContext
from prefect.filesystems import RemoteFileSystem
from pydantic import BaseModel

from datagen_core.batch.models import Submitted
from datagen_core.batch.purse import Purse
from datagen_core.files import Artifact
from datagen_core.providers import ProviderChoice
from datagen_core.storage import is_intact, is_remote, location_of

P = ParamSpec("P")
R = TypeVar("R")

SERIALIZER: Final = "json"
"""Results that a person can read, and that no newer class definition makes unreadable, as pickles would be."""


def stage_cache(stage: str, version: int = 1) -> CacheKeyFnPolicy:
    """Return the policy of a stage. Raise `version` when the stage's code would give other bytes for the same inputs.

    Files count by content, folders to write to by name: a run's folder that was moved or copied is gone through again,
    which costs nothing (the ledger came along). Prefect's own `INPUTS` policy has no task name in its key and hashes
    every path by name.
    """

    def key(_: TaskRunContext, inputs: dict[str, Any]) -> str:
        told = {name: _describe(value) for name, value in inputs.items()}
        digest = hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()
        return f"{stage}-v{version}-{digest[:32]}"

    return CacheKeyFnPolicy(cache_key_fn=key)


Call = Callable[[Task[..., Any], Mapping[str, Any]], object]
"""Runs a task with its arguments and returns its result; tells where it runs."""


def call_here(task: Task[..., Any], arguments: Mapping[str, Any]) -> object:
    """Run the task in this thread."""
    return task(**arguments)


def run_stage(task: Task[P, R], results: str, call: Call = call_here, /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a stage, or take its result from the run's folder; one whose files were changed or removed is run again.

    Results are kept in `results`, a part of the run's folder, so that deleting the folder forgets them too. `call`
    decides where the stage runs.
    """
    kept = keep_results(task, results)
    arguments = inspect.signature(task.fn).bind(*args, **kwargs).arguments
    result = cast("R", call(kept, arguments))
    if all(is_intact(artifact) for artifact in _find_artifacts(result)):
        return result
    return cast("R", call(kept.with_options(refresh_cache=True), arguments))


def keep_results(task: Task[P, R], results: str) -> Task[P, R]:
    """Return the task with its results kept in `results`, a folder or a URL that other machines can read, as JSON."""
    if not is_remote(results):
        return task.with_options(result_storage=Path(results), result_serializer=SERIALIZER)
    parts = urlsplit(results)
    return task.with_options(
        result_storage=_save_store(f"{parts.scheme}://{parts.netloc}"),
        result_serializer=SERIALIZER,
        cache_policy=_Prefixed(policy=task.cache_policy, prefix=parts.path.strip("/")),
    )


@lru_cache
def _save_store(root: str) -> RemoteFileSystem:
    """Return the block of a bucket, which Prefect wants to have been saved; it holds no credentials.

    One for all runs in it: a block a run would fill the server's list of blocks.
    """
    store = RemoteFileSystem(basepath=root)
    store.save(f"datagen-{hashlib.sha256(root.encode()).hexdigest()[:12]}", overwrite=True, _sync=True)  # pyright: ignore[reportCallIssue]
    return store


@dataclass
class _Prefixed(CachePolicy):
    """Another policy's keys, below a folder."""

    policy: object = None
    prefix: str = ""

    def compute_key(
        self, task_ctx: TaskRunContext, inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any
    ) -> str | None:
        """Return the other policy's key with the folder before it."""
        key = cast("CachePolicy", self.policy).compute_key(task_ctx, inputs, flow_parameters, **kwargs)
        return None if key is None else f"{self.prefix}/{key}"


def _find_artifacts(result: object) -> Iterable[Artifact]:
    if isinstance(result, Artifact):
        yield result
    elif isinstance(result, Submitted):
        return
    elif isinstance(result, BaseModel):
        for name in type(result).model_fields:
            yield from _find_artifacts(getattr(result, name))
    elif isinstance(result, list | tuple):
        for element in cast("list[object]", result):
            yield from _find_artifacts(element)


def _describe(value: object) -> object:
    """Return what decides the result: of a file its content, of a submission its batch."""
    match value:
        case Artifact():
            return value.sha256
        case Submitted():
            return [value.key, value.batch_id]
        case ProviderChoice():
            return [value.provider, value.base_url, value.mistakes if value.provider == "simulator" else None]
        case Purse() | FunctionType() | MethodType():  # what may be spent, who watches: not what a stage gives
            return None
        case Path():  # a mirror stands elsewhere on another machine
            return location_of(value.absolute())
        case BaseModel():
            return {name: _describe(getattr(value, name)) for name in type(value).model_fields}
        case list() | tuple():
            return [_describe(element) for element in cast("list[object]", value)]
        case Mapping():
            return {str(name): _describe(element) for name, element in cast("Mapping[str, object]", value).items()}
        case _:
            return value
