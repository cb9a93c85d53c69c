"""Decides whether a request is let in: a test may look at each one first and object to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from datagen_core.simulator.wire import error_body, json_response

Inspect = Callable[[str, str, Mapping[str, str], bytes], None]
"""Looks at method, path with query, headers (names in lower case) and body; raises where it objects."""


class Door:
    """Shows each request under /v1 to `inspect`; one objected to is noted in `objections` and answered HTTP 400.

    Holds a request's whole body, uploads too: this is for tests.
    """

    def __init__(self, app: ASGIApp, inspect: Inspect, objections: list[str]) -> None:
        self._app, self._inspect, self._objections = app, inspect, objections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look, then let in or refuse."""
        if scope["type"] != "http" or not cast(str, scope["path"]).startswith("/v1"):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        body = await request.body()
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        try:
            self._inspect(request.method, target, dict(request.headers), body)
        except Exception as error:
            self._objections.append(f"{request.method} {target}: {error}")
            refusal = error_body(f"Objection: {error}", code="objection", kind="invalid_request_error")
            await json_response(refusal, 400)(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def read() -> Message:
        return messages.pop() if messages else await receive()

    return read
