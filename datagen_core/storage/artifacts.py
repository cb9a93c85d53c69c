"""Decides how references to files travel between machines: as URLs outside, as paths of the mirror inside a stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar, cast

from pydantic import BaseModel

from datagen_core.files import Artifact
from datagen_core.storage.fetching import fetch, hash_mirror, refresh
from datagen_core.storage.known import recall
from datagen_core.storage.locations import is_remote, location_of, parse_remote
from datagen_core.storage.stores import Store

T = TypeVar("T")


def relocate(value: T) -> T:
    """Return the value with every artifact in it named by its URL, if its path is a mirror's; others stay.

    Looks into models, lists, tuples and mappings.
    """
    return cast(T, _change(value, _name_by_url))


def localize(value: T) -> T:
    """Return the value with every artifact in it fetched and named by its path on this machine.

    Raises:
        StorageError: a store cannot be reached, or an artifact is gone or has other bytes.
        OutputError: the mirror cannot be written.
    """
    return cast(T, _change(value, _fetch))


def is_intact(artifact: Artifact) -> bool:
    """Tell whether an artifact still stands with the same bytes, on this machine or in its store.

    A file whose version in the store is the one we know the SHA-256 of is not downloaded for it.

    Raises:
        StorageError: the store cannot be reached.
        OutputError: the mirror cannot be written.
    """
    if not is_remote(artifact.path):
        return artifact.is_intact()
    remote = parse_remote(artifact.path)
    known = recall(remote.url).get(remote.url)
    if known is not None and known.sha256 is not None and known.token is not None:
        found = Store(remote).look_up([""])
        if "" in found and found[""].token == known.token:
            return known.sha256 == artifact.sha256
    return hash_mirror(remote, refresh(remote)) == artifact.sha256


def _name_by_url(artifact: Artifact) -> Artifact:
    location = location_of(Path(artifact.path))
    return artifact.model_copy(update={"path": location}) if is_remote(location) else artifact


def _fetch(artifact: Artifact) -> Artifact:
    if not is_remote(artifact.path):
        return artifact
    return artifact.model_copy(update={"path": str(fetch(artifact.path, sha256=artifact.sha256))})


def _change(value: object, change: Callable[[Artifact], Artifact]) -> object:
    match value:
        case Artifact():
            return change(value)
        case BaseModel():
            fields = {name: _change(getattr(value, name), change) for name in type(value).model_fields}
            return value.model_copy(update={k: new for k, new in fields.items() if new is not getattr(value, k)})
        case list():
            return [_change(element, change) for element in cast("list[object]", value)]
        case tuple():
            elements = [_change(element, change) for element in cast("tuple[object, ...]", value)]
            build = cast("Callable[[list[object]], object]", getattr(cast(object, value), "_make", tuple))
            return build(elements)
        case Mapping():
            return {name: _change(one, change) for name, one in cast("Mapping[object, object]", value).items()}
        case _:
            return value
