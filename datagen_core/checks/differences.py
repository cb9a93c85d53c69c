"""Decides how the difference of two JSON values is told: the first place where they differ, and what stands there."""

from __future__ import annotations

import json
from typing import Final, cast

from datagen_core.environment import is_same_json

_SHOWN: Final = 60


def describe_difference(found: object, expected: object, path: str = "$") -> str | None:
    """Return `path: found …, expected …` for the first difference of two strict JSON values, else None."""
    if is_same_json(found, expected):
        return None
    if isinstance(found, dict) and isinstance(expected, dict):
        return _compare_objects(cast("dict[str, object]", found), cast("dict[str, object]", expected), path)
    if isinstance(found, list) and isinstance(expected, list):
        ours, theirs = cast("list[object]", found), cast("list[object]", expected)
        if len(ours) != len(theirs):
            return f"{path}: found {len(ours)} elements, expected {len(theirs)}"
        pairs = enumerate(zip(ours, theirs, strict=True))
        return next((d for n, (a, b) in pairs if (d := describe_difference(a, b, f"{path}[{n}]"))), None)
    return f"{path}: found {_show(cast('object', found))}, expected {_show(expected)}"


def _compare_objects(found: dict[str, object], expected: dict[str, object], path: str) -> str | None:
    for name, value in expected.items():
        if name not in found:
            return f"{path}.{name}: is missing, expected {_show(value)}"
        difference = describe_difference(found[name], value, f"{path}.{name}")
        if difference is not None:
            return difference
    extra = next((name for name in found if name not in expected), None)
    return None if extra is None else f"{path}.{extra}: found {_show(found[extra])}, expected nothing"


def _show(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
