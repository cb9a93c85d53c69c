"""Decides how a request that meets a fault is answered: by an error, by garbage, or by a connection that ends."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import IO, Final, cast

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from datagen_core.simulator.faults import Fault
from datagen_core.simulator.wire import ApiError, error_body, json_response

TRANSPORT: Final = "simulator.transport"
"""Where the server puts a request's connection into its scope."""
_BLOCK_BYTES: Final = 1 << 16
_SERVER_ERROR: Final = "The server had an error while processing your request. Sorry about that!"
_PAGE: Final = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n"

Commit = Callable[[], Response]
"""Creates what was asked for and returns the answer; until it is called, nothing was created."""


class HangUp(Response):
    """No answer: the connection is closed, or reset, and `later` happens although nobody listens any more."""

    def __init__(self, *, resets: bool = False, seconds: float = 0.0, later: Commit | None = None) -> None:
        super().__init__()
        self._resets, self._seconds, self._later = resets, seconds, later

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hang up."""
        await hang_up(scope, receive, resets=self._resets)
        if self._later is not None:
            try:
                await asyncio.sleep(self._seconds)
            finally:  # A server that is told to stop does first what it has taken on.
                self._later()


class BrokenContent(Response):
    """The first bytes of a file, then a pause, then the rest or the end of the connection."""

    def __init__(self, stream: IO[bytes], size: int, fault: Fault) -> None:
        super().__init__(media_type="application/octet-stream", headers={"content-length": str(size)})
        self._stream, self._size, self._fault = stream, size, fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what is to be sent."""
        at = self._fault.count(self._size)
        with self._stream:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for block in iter_blocks(self._stream, at):
                await send({"type": "http.response.body", "body": block, "more_body": True})
            if self._fault.name == "cut_download":
                await hang_up(scope, receive)
                return
            await asyncio.sleep(self._fault.duration)
            async for block in iter_blocks(self._stream, self._size - at):
                await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def answer_at_fault(
    fault: Fault | None, request: Request, endpoint: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Return what a request is answered that meets a fault; the endpoint is asked where the fault carries it out."""
    name = None if fault is None else fault.name
    if fault is None or name not in _REFUSALS:
        response = await endpoint(request)
        return _spoil(name, response)
    if name == "reset":
        return HangUp(resets=True)
    # A client that is still sending would see its own broken pipe, not what we answer.
    await _drain(request)
    return _REFUSALS[name](request, fault)


def commit_at_fault(fault: Fault | None, commit: Commit) -> Response:
    """Return the answer to a request that creates something, which is created now or `seconds` later."""
    if fault is not None and fault.name == "slow_commit":
        return HangUp(seconds=fault.duration, later=commit)
    return commit()


async def hang_up(scope: Scope, receive: Receive, *, resets: bool = False) -> None:
    """End a request's connection and wait until it has ended; what was sent before still arrives, unless it resets."""
    transport = cast(asyncio.Transport, scope[TRANSPORT])
    if resets:
        connection = cast(socket.socket, transport.get_extra_info("socket"))
        # Closing a socket that lingers for no time at all sends RST in place of FIN.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


async def iter_blocks(stream: IO[bytes], size: int) -> AsyncIterator[bytes]:
    """Yield the next `size` bytes of a file, in blocks."""
    while size > 0 and (block := stream.read(min(_BLOCK_BYTES, size))):
        size -= len(block)
        yield block


async def _drain(request: Request) -> None:
    try:
        async for _ in request.stream():
            pass
    except ClientDisconnect as error:
        raise ApiError(400, "The request body was cut off.") from error


def _spoil(name: str | None, response: Response) -> Response:
    if name == "lose_response":
        return HangUp()
    if name == "error_after_commit":
        return _fail()
    if name == "gateway_page":
        return Response(_PAGE, media_type="text/html")
    return response


def _fail() -> Response:
    return json_response(error_body(_SERVER_ERROR, code="server_error", kind="server_error"), 500)


def _limit_rate(fault: Fault) -> Response:
    message = f"Rate limit reached for requests. Please try again in {fault.duration:g}s."
    response = json_response(error_body(message, code="rate_limit_exceeded", kind="requests"), 429)
    response.headers["retry-after"] = f"{fault.duration:g}"
    return response


def _revoke(request: Request) -> Response:
    # OpenAI masks the key that it quotes; some compatible servers do not, and theirs is the harder case.
    key = request.headers.get("authorization", "").partition(" ")[2]
    message = f"Incorrect API key provided: {key}. It may have been revoked."
    return json_response(error_body(message, code="invalid_api_key", kind="invalid_request_error"), 401)


_REFUSALS: Final[dict[str | None, Callable[[Request, Fault], Response]]] = {
    "reset": lambda request, fault: HangUp(resets=True),
    "drop_before_commit": lambda request, fault: HangUp(),
    "rate_limit": lambda request, fault: _limit_rate(fault),
    "server_error": lambda request, fault: _fail(),
    "key_revoked": lambda request, fault: _revoke(request),
}
