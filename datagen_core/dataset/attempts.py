"""Decides what is told of a dialogue that was asked for in vain: every attempt at it, and why it came to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypedDict, cast

from datagen_core.batch.requests import read_custom_id
from datagen_core.files import JsonObject

LONGEST_MESSAGE: Final = 200
"""Characters of a provider's message that an attempt repeats; the attempt's own row has all of it."""

_LONGEST_CODE: Final = 80


class AttemptError(TypedDict):
    """A provider's code and message, cut short."""

    code: str
    message: str


Attempt = TypedDict(
    "Attempt",
    {
        "round": int,
        "custom_id": str,
        "fate": str,
        "reason": str | None,
        "class": str | None,
        "error": AttemptError | None,
        "rules": list[str],
    },
)
"""One request for a dialogue, by its row of `rejected.jsonl`; `rules` are those that the answer broke."""


def describe_attempt(row: Mapping[str, object]) -> Attempt:
    """Return a row of `rejected.jsonl` in short. Never raises, whatever an older version wrote."""
    custom_id = str(row.get("custom_id"))
    return {
        "round": read_custom_id(custom_id)[1],
        "custom_id": custom_id,
        "fate": str(row.get("fate")),
        "reason": _text_or_none(row.get("reason")),
        "class": _text_or_none(row.get("class")),
        "error": _describe_error(row.get("error")),
        "rules": _list_rules(row.get("violations")),
    }


class AttemptLog:
    """Remembers the attempts at dialogues until their last; where rows stand dialogue by dialogue, at one only."""

    def __init__(self) -> None:
        self._in_vain: dict[str, list[Attempt]] = {}
        self._accepted: set[str] = set()

    def accept(self, dialogue: str) -> None:
        """Note that the dialogue has a record: nobody asks any more what went wrong before."""
        self._accepted.add(dialogue)
        self._in_vain.pop(dialogue, None)

    def is_accepted(self, dialogue: str) -> bool:
        """Tell whether the dialogue has a record."""
        return dialogue in self._accepted

    def add(self, dialogue: str, row: Mapping[str, object]) -> None:
        """Note an attempt by its row of `rejected.jsonl`."""
        if dialogue not in self._accepted:
            self._in_vain.setdefault(dialogue, []).append(describe_attempt(row))

    def close(self, dialogue: str) -> list[Attempt]:
        """Forget the dialogue, and return all attempts at it; none where it has a record."""
        self._accepted.discard(dialogue)
        return self._in_vain.pop(dialogue, [])


def _describe_error(value: object) -> AttemptError | None:
    if not isinstance(value, dict):
        return None
    error = cast("JsonObject", value)
    return {
        "code": _shorten(error.get("code"), _LONGEST_CODE),
        "message": _shorten(error.get("message"), LONGEST_MESSAGE),
    }


def _list_rules(violations: object) -> list[str]:
    listed = cast("list[object]", violations) if isinstance(violations, list) else []
    found = [cast("JsonObject", violation) for violation in listed if isinstance(violation, dict)]
    return sorted({str(violation.get("rule")) for violation in found if violation.get("severity") == "E"})


def _shorten(value: object, most: int) -> str:
    text = " ".join(str(value or "")[: most * 4].split())
    return text if len(text) <= most else f"{text[:most]}…"


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None
