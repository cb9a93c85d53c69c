"""Decides what a dialogue is, turn by turn, and what its row in the dataset is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypedDict

Role = Literal["customer", "counsellor", "call", "response"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool, with real values (no handles)."""

    name: str
    arguments: dict[str, object]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn. `text` belongs to customer and counsellor, `calls` to call, `responses` (in call order) to response.

    A call turn has one call unless the scenario allows parallel calls.
    """

    role: Role
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    responses: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A performed or parsed dialogue, not yet judged. `date` is `YYYY-MM-DD`; `tools` are OpenAI function specs."""

    uid: str
    date: str
    system_prompt: str
    turns: tuple[Turn, ...]
    tools: tuple[dict[str, object], ...] = field(repr=False, default=())


class Message(TypedDict):
    """One message of a record: calls stand inline in assistant content, responses inline in user content."""

    role: Literal["user", "assistant"]
    content: str


class Record(TypedDict):
    """One row of `dataset.jsonl`; key order is part of the format."""

    tools: list[dict[str, object]]
    uid: str
    dates: str
    system_prompt: str
    messages: list[Message]
    meta: dict[str, object]
