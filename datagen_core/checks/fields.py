"""Decides how a response is read that may hold anything: a field of the wrong type is as good as none."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from datagen_core.environment import KST

if TYPE_CHECKING:
    from datagen_core.checks.case import Case

_LONGEST_MOMENT: Final = 40


def as_object(value: object) -> dict[str, object]:
    """Return an object's fields; anything else has none."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """Return a list's elements; anything else has none."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object) -> str | None:
    """Return a string, else None."""
    return value if isinstance(value, str) else None


def as_whole(value: object) -> int | None:
    """Return an integer that is no boolean, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def as_number(value: object) -> float | None:
    """Return a number that is no boolean, else None."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def read_code(response: object) -> str | None:
    """Return the code of a refusal; None where there is none to read."""
    return as_text(as_object(as_object(response).get("error")).get("code"))


@lru_cache(maxsize=1024)
def read_moment(text: str) -> datetime | None:
    """Return the moment that ISO 8601 writes, in Korean time; without an offset it is taken for Korean time."""
    if len(text) > _LONGEST_MOMENT:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=KST)).astimezone(KST)
    except (ValueError, OverflowError):
        return None


def is_as_executed(case: Case) -> bool:
    """Tell whether the backend gives every one of the responses, so that they cannot contradict calls or each other.

    What the backend answers is not judged again: its own tests hold that its responses agree.
    """
    return case.replay is not None and all(case.replay.is_same)
