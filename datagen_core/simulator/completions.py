"""Decides what an answer looks like as the body of a chat completion or of a response, and how tokens are estimated.

No tokenizer: a text has a third as many tokens as characters, rounded up. That is near the truth for Korean and too
much for English, which is good enough to exercise cost reports.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, cast

import orjson

from datagen_core.files import JsonObject
from datagen_core.simulator.answers import Answer
from datagen_core.simulator.batches import Usage
from datagen_core.simulator.wire import ApiError

CHARACTERS_PER_TOKEN: Final = 3
FINGERPRINT: Final = "simulator"
"""By this an answer is known as simulated, whatever base URL the client believed it was talking to."""
Endpoint = Literal["/v1/chat/completions", "/v1/responses"]
_CONTENT_FIELD: Final[dict[str, str]] = {"/v1/chat/completions": "messages", "/v1/responses": "input"}
_INCOMPLETE: Final[dict[str, str]] = {"length": "max_output_tokens", "content_filter": "content_filter"}


class RequestStamp(NamedTuple):
    """What makes a body this request's own: a unique suffix for its ids, and its time in Unix seconds."""

    suffix: str
    created: int


def read_prompt(endpoint: str, body: JsonObject) -> str:
    """Return what the model reads of a request, the constant parts (tools, output schema) first.

    Raises:
        ApiError: 400 where the model or the messages are missing, or streaming is asked for.
    """
    field = _CONTENT_FIELD[endpoint]
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise _missing("model")
    content = body.get(field)
    if not content or not isinstance(content, list if field == "messages" else list | str):
        raise _missing(field)
    if body.get("stream"):
        message = "The simulator does not stream. Leave 'stream' out."
        raise ApiError(400, message, param="stream", code="unsupported_value")
    parts: list[object] = [
        body.get("tools"),
        body.get("response_format"),
        body.get("text"),
        body.get("instructions"),
        content,
    ]
    try:
        return orjson.dumps([part for part in parts if part is not None]).decode()
    except TypeError as error:  # orjson reads deeper nesting than it writes.
        raise ApiError(400, f"{field!r} is nested too deeply.", param=field, code="invalid_value") from error


def estimate_usage(prompt: str, previous: str, answer: Answer) -> Usage:
    """Return the estimated tokens; what the prompt's beginning has in common with `previous` counts as cached."""
    spoken = answer.text if answer.refusal is None else answer.refusal
    cached = _common_prefix(prompt, previous) // CHARACTERS_PER_TOKEN
    return Usage(prompt=estimate_tokens(prompt), cached=cached, completion=estimate_tokens(spoken))


def render_answer(endpoint: str, model: str, answer: Answer, usage: Usage, stamp: RequestStamp) -> JsonObject:
    """Return the body that the endpoint answers with."""
    if endpoint == "/v1/responses":
        return _render_response(model, answer, usage, stamp)
    return _render_chat(model, answer, usage, stamp)


def _render_chat(model: str, answer: Answer, usage: Usage, stamp: RequestStamp) -> JsonObject:
    content = answer.text if answer.refusal is None else None
    message: JsonObject = {"role": "assistant", "content": content, "refusal": answer.refusal, "annotations": []}
    choice: JsonObject = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}
    return {
        "id": f"chatcmpl-{stamp.suffix}",
        "object": "chat.completion",
        "created": stamp.created,
        "model": model,
        "choices": [choice],
        "usage": {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "total_tokens": usage.prompt + usage.completion,
            "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


def _render_response(model: str, answer: Answer, usage: Usage, stamp: RequestStamp) -> JsonObject:
    reason = _INCOMPLETE.get(answer.finish_reason)
    status = "completed" if reason is None else "incomplete"
    part: JsonObject = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
    if answer.refusal is not None:
        part = {"type": "refusal", "refusal": answer.refusal}
    message: JsonObject = {
        "type": "message",
        "id": f"msg_{stamp.suffix}",
        "status": status,
        "role": "assistant",
        "content": [part],
    }
    return {
        "id": f"resp_{stamp.suffix}",
        "object": "response",
        "created_at": stamp.created,
        "status": status,
        "error": None,
        "incomplete_details": None if reason is None else {"reason": reason},
        "instructions": None,
        "metadata": {"system_fingerprint": FINGERPRINT},
        "model": model,
        "output": [message],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": usage.prompt,
            "input_tokens_details": {"cached_tokens": usage.cached},
            "output_tokens": usage.completion,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage.prompt + usage.completion,
        },
    }


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def _common_prefix(one: str, other: str) -> int:
    """Return the length of the common prefix, by halving: comparing slices is much faster than characters."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _missing(param: str) -> ApiError:
    message = f"Missing required parameter: {param!r}."
    return ApiError(400, message, param=param, code="missing_required_parameter")


def get_model_name(body: JsonObject) -> str:
    """Return the model of a body that `read_prompt` accepted."""
    return cast(str, body["model"])
