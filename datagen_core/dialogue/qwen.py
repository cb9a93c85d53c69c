"""Decides how a record reads to Qwen: the bytes of the three official chat templates, with no template engine.

The templates are Qwen2.5's, Qwen3's (hybrid: an empty `<think>` block before the last answer) and Qwen3-2507's
(instruct only). All are applied to the system prompt and the messages, with the record's tools and no generation
prompt. Nothing is escaped, as in the originals: special tokens in a text are rule T01's business.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple, NotRequired, TypedDict

from datagen_core.dialogue.models import Record
from datagen_core.dialogue.record import read_contents, read_text, read_tools

QwenTemplate = Literal["qwen2.5", "qwen3", "qwen3-2507"]
QWEN_TEMPLATES: Final[tuple[QwenTemplate, ...]] = ("qwen2.5", "qwen3", "qwen3-2507")


class FunctionCall(TypedDict):
    """The function of a structured call; `arguments` is an object, never a string (Qwen2.5 would encode it twice)."""

    name: str
    arguments: dict[str, object]


class StructuredCall(TypedDict):
    """One element of `tool_calls`."""

    type: Literal["function"]
    function: FunctionCall


class StructuredMessage(TypedDict):
    """One message in OpenAI's form: a call has an empty `content`, a response is the JSON text of a `tool` message."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: NotRequired[list[StructuredCall]]


class StructuredRecord(TypedDict):
    """A dialogue in OpenAI's form; the first message is the system prompt."""

    messages: list[StructuredMessage]
    tools: list[dict[str, object]]


def render_qwen(record: Record | Mapping[str, object], template: QwenTemplate) -> str:
    """Return the training text of a record.

    Raises:
        RecordError: a field is missing or of the wrong type; names the field and the message.
    """
    blocks = [_Block("system", read_text(record, "system_prompt"))]
    blocks.extend(_Block(message["role"], message["content"]) for message in read_contents(record))
    return _render(blocks, read_tools(record), template)


def render_structured(structured: StructuredRecord, template: QwenTemplate) -> str:
    """Return the training text of a structured export, which for a sound record equals `render_qwen` (rule Z02).

    It differs where the templates treat the forms differently: a tool name that JSON would escape, or `</think>`
    inside an argument.
    """
    return _render(_merge_messages(structured["messages"]), structured["tools"], template)


class _Block(NamedTuple):
    """What stands between `<|im_start|>` and `<|im_end|>`; `calls` is text that follows an empty content."""

    role: str
    content: str
    calls: str = ""
    is_tool: bool = False


_TOOLS_HEAD: Final = (
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>"
)
_TOOLS_TAIL: Final = (
    "\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
    "<tool_call></tool_call> XML tags:\n<tool_call>\n"
    '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
)
_THOUGHT: Final = "<think>\n{}\n</think>\n\n"
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False)


def _render(blocks: Sequence[_Block], tools: Sequence[Mapping[str, object]], template: QwenTemplate) -> str:
    """Join the blocks; `blocks[0]` is the system prompt."""
    bodies = [block.content + block.calls for block in blocks]
    bodies[0] = _render_system(blocks[0].content, tools)
    if template == "qwen3":
        _add_thoughts(blocks, bodies)
    return "".join(f"<|im_start|>{block.role}\n{body}<|im_end|>\n" for block, body in zip(blocks, bodies, strict=True))


def _render_system(prompt: str, tools: Sequence[Mapping[str, object]]) -> str:
    if not tools:
        return prompt
    specs = "".join("\n" + _ENCODER.encode(tool) for tool in tools)
    return f"{prompt}\n\n{_TOOLS_HEAD}{specs}{_TOOLS_TAIL}"


def _add_thoughts(blocks: Sequence[_Block], bodies: list[str]) -> None:
    """Rewrite the assistant's bodies as Qwen3 does: thoughts are cut out, and shown only after the last question.

    The last message gets a `<think>` block even without a thought. A user message is a question unless response tags
    open and close it exactly, so a response with a trailing newline counts as one.
    """
    last = len(blocks) - 1
    last_question = next((index for index in range(last, 0, -1) if _is_question(blocks[index])), last)
    for index, block in enumerate(blocks):
        if block.role != "assistant":
            continue
        thought, content = _split_thought(block.content)
        if index > last_question and (index == last or thought):
            content = _THOUGHT.format(thought.strip("\n")) + content.lstrip("\n")
        bodies[index] = content + block.calls


def _is_question(block: _Block) -> bool:
    if block.role != "user" or block.is_tool:
        return False
    return not (block.content.startswith("<tool_response>") and block.content.endswith("</tool_response>"))


def _split_thought(content: str) -> tuple[str, str]:
    if "</think>" not in content:
        return "", content
    parts = content.split("</think>")
    return parts[0].rstrip("\n").split("<think>")[-1].lstrip("\n"), parts[-1].lstrip("\n")


def _merge_messages(messages: Sequence[StructuredMessage]) -> list[_Block]:
    """Return the blocks of structured messages; `tool` messages that follow each other share one user block."""
    blocks: list[_Block] = []
    for message in messages:
        if message["role"] != "tool":
            calls = "\n".join(_render_call(call["function"]) for call in message.get("tool_calls", ()))
            blocks.append(_Block(message["role"], message["content"], calls))
            continue
        response = f"<tool_response>\n{message['content']}\n</tool_response>"
        if blocks and blocks[-1].is_tool:
            response = f"{blocks.pop().content}\n{response}"
        blocks.append(_Block("user", response, is_tool=True))
    return blocks


def _render_call(function: FunctionCall) -> str:
    """Write a call as the templates do: the name is not escaped."""
    return (
        f'<tool_call>\n{{"name": "{function["name"]}", "arguments": {_ENCODER.encode(function["arguments"])}}}'
        "\n</tool_call>"
    )
