"""Decides what each endpoint of the simulator answers: OpenAI's files, batches, models and completions.

Every request under /v1 is counted, then needs a bearer token (any will do), then meets the fault that is due, if any,
then is answered; whatever a client sends, it gets OpenAI's error form and, unless a fault wants it, never a 500.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from typing import IO, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from datagen_core.files import JsonObject
from datagen_core.simulator.answers import Writer
from datagen_core.simulator.batch_faults import render_batch, shows_unknown_status
from datagen_core.simulator.batches import BatchState, StoredFile
from datagen_core.simulator.control import Control, read_fault_header
from datagen_core.simulator.creation import build_batch, check_creation
from datagen_core.simulator.engine import Engine
from datagen_core.simulator.fault_plan import FaultPlan
from datagen_core.simulator.faults import Call, Fault
from datagen_core.simulator.misbehaving import BrokenContent, answer_at_fault, commit_at_fault, iter_blocks
from datagen_core.simulator.settings import SimulatorSettings
from datagen_core.simulator.store import Store
from datagen_core.simulator.synchronous import Completer
from datagen_core.simulator.uploads import publish_file, receive_file
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
        plan: FaultPlan,
        *,
        clock: Clock,
    ) -> None:
        self._store, self._engine, self._writer, self._settings = store, engine, writer, settings
        self._executor, self._plan, self._clock = executor, plan, clock
        # When this server created what: a list that lags leaves out the newest.
        self._created: dict[str, float] = {}

    def build_app(self) -> ASGIApp:
        """Return the ASGI application."""
        completer = Completer(self._writer, self._executor, clock=self._clock)
        routes = [
            self._route("POST", "/v1/files", self._upload_file, "files"),
            self._route("GET", "/v1/files", self._list_files, "list_files"),
            self._route("GET", "/v1/files/{id}", self._show_file, "file"),
            self._route("DELETE", "/v1/files/{id}", self._delete_file, "delete"),
            self._route("GET", "/v1/files/{id}/content", self._send_content, "content"),
            self._route("POST", "/v1/batches", self._create_batch, "batches"),
            self._route("GET", "/v1/batches", self._list_batches, "list_batches"),
            self._route("GET", "/v1/batches/{id}", self._show_batch, "batch"),
            self._route("POST", "/v1/batches/{id}/cancel", self._cancel_batch, "cancel"),
            self._route("GET", "/v1/models", self._list_models, "models"),
            self._route("POST", "/v1/chat/completions", completer.complete, "completions"),
            self._route("POST", "/v1/responses", completer.complete, "completions"),
            *Control(self._store, self._plan).build_routes(),
        ]
        handlers = {ApiError: _send_api_error, HTTPException: self._send_http_error, Exception: _send_server_error}
        return _WithoutTrailingSlash(Starlette(routes=routes, exception_handlers=handlers))

    def _route(self, method: str, path: str, endpoint: Endpoint, call: Call) -> Route:
        async def guarded(request: Request) -> Response:
            self._store.count_request(f"{method} {path}")
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not token.strip():
                message = "You didn't provide an API key. Send it as a bearer token; the simulator takes any."
                raise ApiError(401, message, code="invalid_api_key")
            named = read_fault_header(request, call)
            fault = next((fault for fault in named if fault.applies_to(call)), None)
            request.state.fault = fault or self._plan.take_for_request(call)
            request.state.befalling = tuple(fault for fault in named if fault.kind.scope != "request")
            return await answer_at_fault(request.state.fault, request, endpoint)

        return Route(path, guarded, methods=[method])

    async def _upload_file(self, request: Request) -> Response:
        upload = await receive_file(request, self._store)

        def commit() -> Response:
            file = publish_file(upload, self._store, seed=self._settings.seed, now=self._clock())
            self._created[file.id] = self._clock()
            return json_response(file.to_body())

        return commit_at_fault(_get_fault(request), commit)

    async def _list_files(self, request: Request) -> Response:
        order, purpose = request.query_params.get("order", "desc"), request.query_params.get("purpose")
        if order not in ("asc", "desc"):
            raise ApiError(400, "Invalid 'order': expected 'asc' or 'desc'.", param="order", code="invalid_value")
        after, limit = request.query_params.get("after"), read_limit(request, default=10_000, maximum=10_000)
        try:
            page, has_more = self._store.list_files(
                now=self._clock(),
                after=after,
                limit=limit,
                newest_first=order == "desc",
                purpose=purpose,
                hidden=self._find_hidden(request),
            )
        except KeyError as error:
            raise _unknown("file", after or "") from error
        return json_response(_render_page([file.to_body() for file in page], has_more=has_more))

    async def _show_file(self, request: Request) -> Response:
        file, fault = self._find_file(request), _get_fault(request)
        if fault is not None and fault.name == "file_not_found" and file.purpose == "batch":
            raise _unknown("file", file.id)
        return json_response(file.to_body())

    async def _delete_file(self, request: Request) -> Response:
        file = self._find_file(request)
        self._store.delete_file(file.id)
        return json_response({"id": file.id, "object": "file", "deleted": True})

    async def _send_content(self, request: Request) -> Response:
        file, fault = self._find_file(request), _get_fault(request)
        if fault is not None and fault.name == "gateway_page":
            return Response()  # a page is sent instead
        try:
            # Opened before the answer begins, so that a file deleted meanwhile is still sent whole.
            stream = (self._store.blobs / file.id).open("rb")
        except FileNotFoundError as error:
            raise _unknown("file", file.id) from error
        size = min(file.size, os.fstat(stream.fileno()).st_size)
        if fault is not None and fault.name in ("cut_download", "slow_download"):
            return BrokenContent(stream, size, fault)
        blocks = _iter_content(stream, size)
        return StreamingResponse(blocks, media_type="application/octet-stream", headers={"content-length": str(size)})

    async def _create_batch(self, request: Request) -> Response:
        creation = check_creation(await read_object(request))
        file = self._store.find_file(creation.input_file_id, now=self._clock())
        if file is not None and file.purpose != "batch":
            message = f"File {file.id!r} has purpose {file.purpose!r}, expected 'batch'."
            raise ApiError(400, message, param="input_file_id", code="invalid_value")
        befalling = cast("tuple[Fault, ...]", request.state.befalling)

        def commit() -> Response:
            now, faults = self._clock(), (*befalling, *self._plan.take_for_batch())
            batch = self._store.add_batch(
                lambda number: build_batch(creation, seed=self._settings.seed, number=number, now=now, faults=faults)
            )
            self._created[batch.id] = now
            self._engine.wake()
            return json_response(render_batch(batch))

        return commit_at_fault(_get_fault(request), commit)

    async def _list_batches(self, request: Request) -> Response:
        after, limit = request.query_params.get("after"), read_limit(request, default=20, maximum=100)
        try:
            page, has_more = self._store.list_batches(after=after, limit=limit, hidden=self._find_hidden(request))
        except KeyError as error:
            raise _unknown("batch", after or "") from error
        return json_response(_render_page([render_batch(batch) for batch in page], has_more=has_more))

    async def _show_batch(self, request: Request) -> Response:
        batch = self._find_batch(request.path_params["id"])
        if shows_unknown_status(batch):
            self._store.change_batch(batch.id, lambda b: b.model_copy(update={"n_looks": b.n_looks + 1}))
        return json_response(render_batch(batch))

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
        return json_response(render_batch(batch))

    async def _list_models(self, request: Request) -> Response:
        models = [
            {"id": model, "object": "model", "created": 0, "owned_by": "simulator"} for model in self._settings.models
        ]
        return json_response({"object": "list", "data": models})

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

    def _find_hidden(self, request: Request) -> list[str]:
        fault = _get_fault(request)
        if fault is None or fault.name != "list_lag":
            return []
        since = self._clock() - fault.duration
        return [name for name, moment in self._created.items() if moment > since]

    def _find_batch(self, batch_id: str) -> BatchState:
        batch = self._store.find_batch(batch_id)
        if batch is None:
            raise _unknown("batch", batch_id)
        return batch


def _render_page(bodies: list[JsonObject], *, has_more: bool) -> JsonObject:
    """Return one page of a list; an empty one has empty ids, because OpenAI's spec wants strings."""
    first, last = (bodies[0]["id"], bodies[-1]["id"]) if bodies else ("", "")
    return {"object": "list", "data": bodies, "first_id": first, "last_id": last, "has_more": has_more}


def _unknown(kind: str, name: str) -> ApiError:
    return ApiError(404, f"No such {kind}: {name[:100]!r}.", param="id", code="not_found")


def _get_fault(request: Request) -> Fault | None:
    return cast("Fault | None", request.state.fault)


async def _iter_content(stream: IO[bytes], size: int) -> AsyncIterator[bytes]:
    with stream:
        async for block in iter_blocks(stream, size):
            yield block


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
