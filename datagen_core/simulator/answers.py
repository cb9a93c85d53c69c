"""Decides what the simulator asks of the writer that answers its requests, and what an answer is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says to one request.

    `planted` names the mistake that the writer made on purpose; the client never sees it, the simulator keeps it for
    `GET /simulator/planted`, so that a test can compare what was planted with what the checks found.
    """

    text: str
    finish_reason: str = "stop"
    refusal: str | None = None
    planted: str | None = None


class Writer(Protocol):
    """Answers one request; the same custom id and body always give the same answer.

    A killed batch is resumed by asking again for its last few rows, which is why the answer may depend on nothing
    else. It is called from several threads. Whatever it raises becomes an error row, never a crash.
    """

    def answer(self, custom_id: str, body: Mapping[str, object]) -> Answer:
        """Return the answer to one request body of `/v1/chat/completions` or `/v1/responses`."""
        ...
