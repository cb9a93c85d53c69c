"""Decides how the simulator reads a request's JSON and writes its errors: always in OpenAI's own form."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from datagen_core.files import JsonObject

MAX_JSON_BYTES = 16 * 1024 * 1024
Clock = Callable[[], float]


class ApiError(Exception):
    """A refusal that the client sees as `{"error": {message, type, param, code}}`; it never leaves the server."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param, self.kind = status, code, param, kind

    def to_body(self) -> JsonObject:
        """Return the body, as OpenAI's ErrorResponse."""
        return error_body(str(self), code=self.code, param=self.param, kind=self.kind)


def error_body(message: str, *, code: str | None, param: str | None = None, kind: str) -> JsonObject:
    """Return an ErrorResponse; all four keys are always there, as OpenAI's spec requires."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def json_response(body: object, status: int = 200) -> Response:
    """Return a JSON response."""
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")


async def read_body(request: Request) -> bytes:
    """Read a request's body, up to 16 MiB.

    Raises:
        ApiError: 413 where the body is larger; 400 where the client hung up.
    """
    body = bytearray()
    try:
        async for block in request.stream():
            body += block
            if len(body) > MAX_JSON_BYTES:
                raise ApiError(
                    413, f"The request body is larger than {MAX_JSON_BYTES} bytes.", code="request_too_large"
                )
    except ClientDisconnect as error:
        raise ApiError(400, "The request body was cut off.") from error
    return bytes(body)


async def read_object(request: Request) -> JsonObject:
    """Read a request's body as one JSON object.

    Raises:
        ApiError: 400 where it is no JSON object (a lone surrogate is no JSON either), 413 where it is too large.
    """
    try:
        document = cast(object, orjson.loads(await read_body(request)))
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"We could not parse the JSON body of your request: {error.msg}.") from error
    if not isinstance(document, dict):
        raise ApiError(400, f"Expected a JSON object as the body, found {type(document).__name__}.")
    return cast(JsonObject, document)


def read_limit(request: Request, *, default: int, maximum: int) -> int:
    """Read the query parameter `limit`.

    Raises:
        ApiError: 400 where it is no whole number from 1 to `maximum`.
    """
    text = request.query_params.get("limit")
    if text is None:
        return default
    # Longer digit strings make int() raise; no limit has that many.
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 20):
        raise ApiError(400, "Invalid 'limit': expected a whole number.", param="limit", code="invalid_type")
    value = int(text)
    if value < 1:
        message = f"Invalid 'limit': integer below minimum value. Expected a value >= 1, but got {value} instead."
        raise ApiError(400, message, param="limit", code="integer_below_min_value")
    if value > maximum:
        message = (
            f"Invalid 'limit': integer above maximum value. Expected a value <= {maximum}, but got {value} instead."
        )
        raise ApiError(400, message, param="limit", code="integer_above_max_value")
    return value
