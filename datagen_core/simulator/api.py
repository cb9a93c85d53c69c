"""Decides what each endpoint of the simulator answers: OpenAI's files, batches, models, completions, and two more.

Every request under /v1 is counted, then needs a bearer token (any will do), then is answered; whatever a client sends,
it gets OpenAI's error form and never a 500.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Executor
from hashlib import blake2b
from typing import IO, cast

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from datagen_core.files import JsonObject
from datagen_core.simulator.answers import Writer
from datagen_core.simulator.batches import BatchState, StoredFile
from datagen_core.simulator.completions import (
    RequestStamp,
    estimate_usage,
    get_model_name,
    read_prompt,
    render_answer,
)
from datagen_core.simulator.creation import build_batch
from datagen_core.simulator.engine import Engine
from datagen_core.simulator.settings import SimulatorSettings
from datagen_core.simulator.store import Store
from datagen_core.simulator.uploads import receive_file
from datagen_core.simulator.wire import ApiError, Clock, error_body, json_response, read_limit, read_object

Endpoint = Callable[[Request], Awaitable[Response]]


class Api:
    """The endpoints over one store, one engine and one writer; `executor` runs the writer for synchronous requests."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        writer: Writer,
        settings: SimulatorSettings,
        executor: Executor,
        *,
        clock: Clock,
    ) -> None:
        self._store, self._engine, self._writer, self._settings = store, engine, writer, settings
        self._executor, self._clock = executor, clock
        # Of each model, what was last asked: the next synchronous request may share its beginning.
        self._last_prompts: dict[str, str] = {}

    def build_app(self) -> ASGIApp:
        """Return the ASGI application."""
        routes = [
            self._route("POST", "/v1/files", self._upload_file),
            self._route("GET", "/v1/files", self._list_files),
            self._route("GET", "/v1/files/{id}", self._show_file),
            self._route("DELETE", "/v1/files/{id}", self._delete_file),
            self._route("GET", "/v1/files/{id}/content", self._send_content),
            self._route("POST", "/v1/batches", self._create_batch),
            self._route("GET", "/v1/batches", self._list_batches),
            self._route("GET", "/v1/batches/{id}", self._show_batch),
            self._route("POST", "/v1/batches/{id}/cancel", self._cancel_batch),
            self._route("GET", "/v1/models", self._list_models),
            self._route("POST", "/v1/chat/completions", self._complete),
            self._route("POST", "/v1/responses", self._complete),
            Route("/simulator/stats", self._show_stats, methods=["GET"]),
            Route("/simulator/planted", self._send_planted, methods=["GET"]),
        ]
        handlers = {ApiError: _send_api_error, HTTPException: self._send_http_error, Exception: _send_server_error}
        return _WithoutTrailingSlash(Starlette(routes=routes, exception_handlers=handlers))

    def _route(self, method: str, path: str, endpoint: Endpoint) -> Route:
        async def guarded(request: Request) -> Response:
            self._store.count_request(f"{method} {path}")
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not token.strip():
                message = "You didn't provide an API key. Send it as a bearer token; the simulator takes any."
                raise ApiError(401, message, code="invalid_api_key")
            return await endpoint(request)

        return Route(path, guarded, methods=[method])

    async def _upload_file(self, request: Request) -> Response:
        return json_response((await receive_file(request, self._store, now=self._clock())).to_body())

    async def _list_files(self, request: Request) -> Response:
        order, purpose = request.query_params.get("order", "desc"), request.query_params.get("purpose")
        if order not in ("asc", "desc"):
            raise ApiError(400, "Invalid 'order': expected 'asc' or 'desc'.", param="order", code="invalid_value")
        after, limit = request.query_params.get("after"), read_limit(request, default=10_000, maximum=10_000)
        try:
            page, has_more = self._store.list_files(
                now=self._clock(), after=after, limit=limit, newest_first=order == "desc", purpose=purpose
            )
        except KeyError as error:
            raise _unknown("file", after or "") from error
        return json_response(_render_page([file.to_body() for file in page], has_more=has_more))

    async def _show_file(self, request: Request) -> Response:
        return json_response(self._find_file(request).to_body())

    async def _delete_file(self, request: Request) -> Response:
        file = self._find_file(request)
        self._store.delete_file(file.id)
        return json_response({"id": file.id, "object": "file", "deleted": True})

    async def _send_content(self, request: Request) -> Response:
        file = self._find_file(request)
        try:
            # Opened before the answer begins, so that a file deleted meanwhile is still sent whole.
            stream = (self._store.blobs / file.id).open("rb")
        except FileNotFoundError as error:
            raise _unknown("file", file.id) from error
        headers = {"content-length": str(os.fstat(stream.fileno()).st_size)}
        return StreamingResponse(_iter_blocks(stream), media_type="application/octet-stream", headers=headers)

    async def _create_batch(self, request: Request) -> Response:
        batch = build_batch(await read_object(request), now=self._clock())
        file = self._store.find_file(batch.input_file_id, now=self._clock())
        if file is not None and file.purpose != "batch":
            message = f"File {file.id!r} has purpose {file.purpose!r}, expected 'batch'."
            raise ApiError(400, message, param="input_file_id", code="invalid_value")
        self._store.add_batch(batch)
        self._engine.wake()
        return json_response(batch.to_body())

    async def _list_batches(self, request: Request) -> Response:
        after, limit = request.query_params.get("after"), read_limit(request, default=20, maximum=100)
        try:
            page, has_more = self._store.list_batches(after=after, limit=limit)
        except KeyError as error:
            raise _unknown("batch", after or "") from error
        return json_response(_render_page([batch.to_body() for batch in page], has_more=has_more))

    async def _show_batch(self, request: Request) -> Response:
        return json_response(self._find_batch(request.path_params["id"]).to_body())

    async def _cancel_batch(self, request: Request) -> Response:
        batch, now = self._find_batch(request.path_params["id"]), self._clock()
        if batch.status not in ("validating", "in_progress", "cancelling", "cancelled"):
            message = f"Cannot cancel a batch with status {batch.status!r}."
            raise ApiError(400, message, code="invalid_status")

        def cancel(current: BatchState) -> BatchState:
            if current.status not in ("validating", "in_progress"):
                return current
            update = {"status": "cancelling", "cancelling_at": int(now), "closing": "batch_cancelled"}
            return current.model_copy(update={**update, "phase_since": now})

        batch = self._store.change_batch(batch.id, cancel)
        self._engine.wake()
        return json_response(batch.to_body())

    async def _list_models(self, request: Request) -> Response:
        models = [
            {"id": model, "object": "model", "created": 0, "owned_by": "simulator"} for model in self._settings.models
        ]
        return json_response({"object": "list", "data": models})

    async def _complete(self, request: Request) -> Response:
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
        self._last_prompts = {**self._last_prompts, model: prompt} if len(self._last_prompts) < 16 else {model: prompt}
        return response

    async def _show_stats(self, request: Request) -> Response:
        return json_response(self._store.read_stats())

    async def _send_planted(self, request: Request) -> Response:
        batch = self._find_batch(request.query_params.get("batch_id", ""))
        lines = _iter_planted(self._store.iter_planted(batch.id))
        return StreamingResponse(lines, media_type="application/jsonl")

    async def _send_http_error(self, request: Request, error: Exception) -> Response:
        """Answer what no route answers: 404 and 405. Paths are not counted one by one, there is no end of them."""
        status = cast(HTTPException, error).status_code
        self._store.count_request(f"{request.method if len(request.method) < 10 else 'LONG'} (no such endpoint)")
        message = f"Invalid URL ({request.method[:20]} {request.url.path[:200]})"
        return json_response(error_body(message, code=None, kind="invalid_request_error"), status)

    def _find_file(self, request: Request) -> StoredFile:
        file = self._store.find_file(request.path_params["id"], now=self._clock())
        if file is None:
            raise _unknown("file", request.path_params["id"])
        return file

    def _find_batch(self, batch_id: str) -> BatchState:
        batch = self._store.find_batch(batch_id)
        if batch is None:
            raise _unknown("batch", batch_id)
        return batch


def _choose_custom_id(request: Request, body: JsonObject) -> str:
    """Return what the writer is given as custom id: OpenAI's own header for it, the metadata's, else a digest."""
    metadata = body.get("metadata")
    named = cast(JsonObject, metadata).get("custom_id") if isinstance(metadata, dict) else None
    header = request.headers.get("x-client-request-id")
    if header:
        return header
    return (
        named if isinstance(named, str) and named else "sync-" + blake2b(repr(body).encode(), digest_size=8).hexdigest()
    )


def _render_page(bodies: list[JsonObject], *, has_more: bool) -> JsonObject:
    """Return one page of a list; an empty one has empty ids, because OpenAI's spec wants strings."""
    first, last = (bodies[0]["id"], bodies[-1]["id"]) if bodies else ("", "")
    return {"object": "list", "data": bodies, "first_id": first, "last_id": last, "has_more": has_more}


def _unknown(kind: str, name: str) -> ApiError:
    return ApiError(404, f"No such {kind}: {name[:100]!r}.", param="id", code="not_found")


async def _iter_blocks(stream: IO[bytes]) -> AsyncIterator[bytes]:
    with stream:
        while block := stream.read(1 << 16):
            yield block


async def _iter_planted(pairs: Iterator[tuple[str, str]]) -> AsyncIterator[bytes]:
    for custom_id, label in pairs:
        row = {"custom_id": custom_id, "planted": label}
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


async def _send_api_error(request: Request, error: Exception) -> Response:
    refusal = cast(ApiError, error)
    return json_response(refusal.to_body(), refusal.status)


async def _send_server_error(request: Request, error: Exception) -> Response:
    message = f"The simulator failed: {type(error).__name__}."
    return json_response(error_body(message, code="server_error", kind="server_error"), 500)


class _WithoutTrailingSlash:
    """Answers `/v1/files/` as `/v1/files`, without a redirect (which turns into a surprise for a POST)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": cast(str, scope["path"]).rstrip("/") or "/"}
        await self._app(scope, receive, send)
