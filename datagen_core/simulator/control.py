"""Decides what is served beside the API, for whoever runs the tests: statistics, planted mistakes, and the faults."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from datagen_core.errors import ConfigError
from datagen_core.simulator.fault_plan import FaultPlan
from datagen_core.simulator.faults import FAULT_LIST, Call, Fault, explain_fault_error, parse_fault
from datagen_core.simulator.store import Store
from datagen_core.simulator.wire import ApiError, json_response, read_body

FAULT_HEADER = "x-simulator-fault"


class Control:
    """The endpoints under /simulator; no key is needed, and no fault touches them."""

    def __init__(self, store: Store, plan: FaultPlan) -> None:
        self._store, self._plan = store, plan

    def build_routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/simulator/stats", self._show_stats, methods=["GET"]),
            Route("/simulator/planted", self._send_planted, methods=["GET"]),
            Route("/simulator/faults", self._show_faults, methods=["GET"]),
            Route("/simulator/faults", self._add_faults, methods=["POST"]),
            Route("/simulator/faults", self._clear_faults, methods=["DELETE"]),
        ]

    async def _show_stats(self, request: Request) -> Response:
        return json_response(self._store.read_stats())

    async def _send_planted(self, request: Request) -> Response:
        name = request.query_params.get("batch_id", "")
        if self._store.find_batch(name) is None:
            raise ApiError(404, f"No such batch: {name[:100]!r}.", param="batch_id", code="not_found")
        return StreamingResponse(_iter_planted(self._store.iter_planted(name)), media_type="application/jsonl")

    async def _show_faults(self, request: Request) -> Response:
        return json_response(self._plan.describe())

    async def _add_faults(self, request: Request) -> Response:
        """Add a list of faults, all or none."""
        try:
            faults = FAULT_LIST.validate_json(await read_body(request))
        except ValidationError as error:
            raise ApiError(400, explain_fault_error(error), param="faults", code="invalid_value") from error
        self._plan.add(*faults)
        return json_response(self._plan.describe())

    async def _clear_faults(self, request: Request) -> Response:
        self._plan.clear()
        return json_response([])


def read_fault_header(request: Request, call: Call) -> list[Fault]:
    """Return the faults that a request names in its own headers, one a header.

    Raises:
        ApiError: 400 where there is no such fault, or it does not apply to this endpoint: it would go unnoticed.
    """
    faults: list[Fault] = []
    for text in request.headers.getlist(FAULT_HEADER):
        try:
            fault = parse_fault(text)
        except ConfigError as error:
            raise ApiError(400, str(error), param=FAULT_HEADER, code="invalid_value") from error
        if not fault.applies_to(call) and (fault.kind.scope == "request" or call != "batches"):
            message = f"The fault {fault.name!r} does not apply to this request."
            raise ApiError(400, message, param=FAULT_HEADER, code="invalid_value")
        faults.append(fault)
    return faults


async def _iter_planted(pairs: Iterator[tuple[str, str]]) -> AsyncIterator[bytes]:
    for custom_id, label in pairs:
        row = {"custom_id": custom_id, "planted": label}
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
