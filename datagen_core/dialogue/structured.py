"""Decides how a record stands in OpenAI's structured form, the portable export for models other than Qwen."""

from __future__ import annotations

from collections.abc import Mapping

from datagen_core.dialogue.inline import render_json
from datagen_core.dialogue.models import Record, Turn
from datagen_core.dialogue.qwen import StructuredMessage, StructuredRecord
from datagen_core.dialogue.record import from_record


def to_structured(record: Record | Mapping[str, object]) -> StructuredRecord:
    """Return the system prompt and the turns as messages with `tool_calls` and role `tool`, and the tools.

    Any chat template that takes both forms renders the same bytes for them (rule Z02). Calls carry no ids: a
    response answers the call of its position.

    Raises:
        RecordError: the record breaks the format, or a call or response does not parse.
    """
    dialogue = from_record(record)
    messages: list[StructuredMessage] = [{"role": "system", "content": dialogue.system_prompt}]
    for turn in dialogue.turns:
        messages.extend(_to_messages(turn))
    return {"messages": messages, "tools": list(dialogue.tools)}


def _to_messages(turn: Turn) -> list[StructuredMessage]:
    match turn.role:
        case "customer":
            return [{"role": "user", "content": turn.text}]
        case "counsellor":
            return [{"role": "assistant", "content": turn.text}]
        case "call":
            message: StructuredMessage = {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {"type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                    for call in turn.calls
                ],
            }
            return [message]
        case "response":
            return [{"role": "tool", "content": render_json(response)} for response in turn.responses]
