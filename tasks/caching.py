"""Decides when a finished stage is taken from the cache: same stage, same version, same contents and parameters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

import orjson
from prefect import Task
from prefect.cache_policies import CacheKeyFnPolicy
from prefect.context import TaskRunContext
from pydantic import BaseModel

from datagen_core.batch.models import Submitted
from datagen_core.batch.purse import Purse
from datagen_core.files import Artifact
from datagen_core.providers import ProviderChoice

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


def run_stage(task: Task[P, R], storage: Path, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a stage, or take its result from the run's folder; one whose files were changed or removed is run again.

    Results are kept in `storage`, so that deleting a run's folder forgets them too.
    """
    kept = keep_results(task, storage)
    result = kept(*args, **kwargs)
    if all(artifact.is_intact() for artifact in _find_artifacts(result)):
        return result
    return kept.with_options(refresh_cache=True)(*args, **kwargs)


def keep_results(task: Task[P, R], storage: Path) -> Task[P, R]:
    """Return the task with its results kept in `storage`, as JSON."""
    return task.with_options(result_storage=storage, result_serializer=SERIALIZER)


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
        case Purse():  # what may be spent decides whether a stage runs, not what it gives
            return None
        case Path():
            return str(value.absolute())
        case BaseModel():
            return {name: _describe(getattr(value, name)) for name in type(value).model_fields}
        case list() | tuple():
            return [_describe(element) for element in cast("list[object]", value)]
        case Mapping():
            return {str(name): _describe(element) for name, element in cast("Mapping[str, object]", value).items()}
        case _:
            return value
