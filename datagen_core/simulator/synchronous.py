"""Decides how a request is answered at once, outside of any batch: by the same writer, in the same form."""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import Executor
from hashlib import blake2b
from typing import cast

from starlette.requests import Request
from starlette.responses import Response

from datagen_core.files import JsonObject
from datagen_core.simulator.answers import Writer
from datagen_core.simulator.completions import (
    RequestStamp,
    estimate_usage,
    get_model_name,
    read_prompt,
    render_answer,
)
from datagen_core.simulator.wire import ApiError, Clock, json_response, read_object

_MAX_MODELS = 16


class Completer:
    """Answers synchronous requests by a writer, which the executor runs."""

    def __init__(self, writer: Writer, executor: Executor, *, clock: Clock) -> None:
        self._writer, self._executor, self._clock = writer, executor, clock
        # Of each model, what was last asked: the next request may share its beginning.
        self._last_prompts: dict[str, str] = {}

    async def complete(self, request: Request) -> Response:
        """Answer one request of `/v1/chat/completions` or `/v1/responses`.

        Raises:
            ApiError: 400 where the request is malformed, 500 where the writer fails.
        """
        endpoint, body = request.url.path, await read_object(request)
        prompt = read_prompt(endpoint, body)
        custom_id = _choose_custom_id(request, body)
        try:
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(self._executor, self._writer.answer, custom_id, body)
            model = get_model_name(body)
            usage = estimate_usage(prompt, self._last_prompts.get(model, ""), answer)
            stamp = RequestStamp(uuid.uuid4().hex, int(self._clock()))
            response = json_response(render_answer(endpoint, model, answer, usage, stamp))
        except Exception as error:
            # The writer is somebody else's code; its trouble is answered as a provider's own would be.
            message = f"The writer failed: {type(error).__name__}."
            raise ApiError(500, message, kind="server_error", code="server_error") from error
        kept = self._last_prompts if len(self._last_prompts) < _MAX_MODELS else {}
        self._last_prompts = {**kept, model: prompt}
        return response


def _choose_custom_id(request: Request, body: JsonObject) -> str:
    """Return what the writer is given as custom id: OpenAI's own header for it, the metadata's, else a digest."""
    metadata = body.get("metadata")
    named = cast(JsonObject, metadata).get("custom_id") if isinstance(metadata, dict) else None
    header = request.headers.get("x-client-request-id")
    if header:
        return header
    if isinstance(named, str) and named:
        return named
    return "sync-" + blake2b(repr(body).encode(), digest_size=8).hexdigest()
