"""Decides what one row of an input file becomes: a line of the output file, or a line of the error file."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import IO, Final, NamedTuple, cast

import orjson

from datagen_core.files import JsonObject
from datagen_core.simulator.answers import Writer
from datagen_core.simulator.batch_faults import find_fault
from datagen_core.simulator.batches import BatchState, Closing, Usage
from datagen_core.simulator.completions import (
    RequestStamp,
    estimate_usage,
    get_model_name,
    read_prompt,
    render_answer,
)
from datagen_core.simulator.faults import FaultName
from datagen_core.simulator.row_faults import HTTP_FAULTS, RowFault, change_answer, choose_rows
from datagen_core.simulator.settings import SimulatorSettings
from datagen_core.simulator.validation import parse_row
from datagen_core.simulator.wire import ApiError, error_body

logger = logging.getLogger(__name__)

_CLOSING_MESSAGES: Final[dict[Closing, str]] = {
    "batch_expired": "This request could not be executed before the completion window expired.",
    "batch_cancelled": "This request was not executed because the batch was cancelled.",
}


class RowResult(NamedTuple):
    """One line for the output file, or for the error file if `is_error`; `prompt` is what the next row may share."""

    line: bytes
    is_error: bool
    prompt: str = ""
    usage: Usage = Usage()
    planted: tuple[str, str] | None = None
    failure: str | None = None


class RowOrder:
    """Where each row of an input file begins, in the order in which its batch answers them.

    The order is a shuffle seeded by the batch id: never that of the input, the same after every restart. It holds
    eight bytes a row, 400 kB at most, and the rows that meet a fault.
    """

    def __init__(self, path: Path, batch: BatchState, seed: int) -> None:
        offsets = array("Q")
        custom_ids: list[str] = []
        has_faults = any(fault.kind.scope == "rows" for fault in batch.faults)
        with path.open("rb") as stream:
            offset = 0
            for line in stream:
                if not line.isspace():
                    offsets.append(offset)
                    if has_faults:
                        custom_ids.append(_read_custom_id(line))
                offset += len(line)
        chosen = choose_rows(batch.faults, custom_ids, seed)
        self._faults = {offsets[number]: fault for number, fault in chosen.items()}
        if find_fault(batch, "rows_shuffled"):
            offsets.reverse()
        else:
            Random(batch.id).shuffle(offsets)
        self._offsets = offsets

    def find_fault(self, position: int) -> RowFault | None:
        """Return what befalls the row that is answered as number `position`."""
        return self._faults.get(self._offsets[position])

    def read(self, stream: IO[bytes], position: int) -> bytes:
        """Return the row that is answered as number `position`, from 0."""
        stream.seek(self._offsets[position])
        return stream.readline()


class RowAnswerer:
    """Answers rows by the writer, and fails a share of them on purpose.

    A row is chosen to fail by its custom id and the seed, so that every run fails the same ones; it fails in one
    batch only, so that asking again helps. `find_failure` tells in which batch a custom id has failed.
    """

    def __init__(self, writer: Writer, settings: SimulatorSettings, find_failure: Callable[[str], str | None]) -> None:
        self._writer, self._settings, self._find_failure = writer, settings, find_failure

    def answer_row(self, batch: BatchState, line: bytes, previous: str, fault: FaultName | None = None) -> RowResult:
        """Return the result of one row that meets this fault; `previous` is the prompt of the row answered before."""
        row = cast(JsonObject, parse_row(line))
        custom_id, body = cast(str, row["custom_id"]), cast(JsonObject, row["body"])
        suffix = _suffix(batch.id, custom_id)
        if fault is not None and fault in HTTP_FAULTS:
            status = HTTP_FAULTS[fault]
            return RowResult(_render_refusal(custom_id, suffix, status, _planted_error(status)), is_error=True)
        status = self._choose_failure(batch.id, custom_id)
        if status is not None:
            failed = _render_refusal(custom_id, suffix, status, _planted_error(status))
            return RowResult(failed, is_error=True, failure=custom_id)
        try:
            prompt = read_prompt(batch.endpoint, body)
            answer = change_answer(self._writer.answer(custom_id, body), fault)
            usage = estimate_usage(prompt, previous, answer)
            stamp = RequestStamp(suffix, batch.in_progress_at or batch.created_at)
            reply = render_answer(batch.endpoint, get_model_name(body), answer, usage, stamp)
            response: JsonObject = {"status_code": 200, "request_id": f"req_{suffix}", "body": reply}
            result = _render_row(custom_id, suffix, response, None)
        except ApiError as error:
            return RowResult(_render_refusal(custom_id, suffix, error.status, error.to_body()), is_error=True)
        except Exception as error:
            # The writer is somebody else's code, and a text it returns may be no valid Unicode: one row's trouble.
            logger.warning("The writer failed on %r: %r", custom_id, error)
            trouble: JsonObject = {"code": "server_error", "message": f"The writer failed: {type(error).__name__}."}
            return RowResult(_render_row(custom_id, suffix, None, trouble), is_error=True)
        planted = None if answer.planted is None else (custom_id, answer.planted)
        return RowResult(result, is_error=False, prompt=prompt, usage=usage, planted=planted)

    def read_row_prompt(self, batch: BatchState, line: bytes, fault: FaultName | None = None) -> str:
        """Return the prompt of a row that was answered in an earlier slice, empty where it was refused."""
        row = cast(JsonObject, parse_row(line))
        if fault in HTTP_FAULTS or self._choose_failure(batch.id, cast(str, row["custom_id"])) is not None:
            return ""
        try:
            return read_prompt(batch.endpoint, cast(JsonObject, row["body"]))
        except ApiError:
            return ""

    def _choose_failure(self, batch_id: str, custom_id: str) -> int | None:
        digest = blake2b(f"{self._settings.seed}:{custom_id}".encode(), digest_size=8).digest()
        if int.from_bytes(digest, "big") / 2**64 >= self._settings.error_rows:
            return None
        if self._find_failure(custom_id) not in (None, batch_id):
            return None
        return 500 if digest[-1] % 2 else 400


def close_row(batch_id: str, line: bytes, closing: Closing) -> RowResult:
    """Return the error line of a row that will not be answered any more."""
    custom_id = _read_custom_id(line)
    error: JsonObject = {"code": closing, "message": _CLOSING_MESSAGES[closing]}
    return RowResult(_render_row(custom_id, _suffix(batch_id, custom_id), None, error), is_error=True)


def _read_custom_id(line: bytes) -> str:
    return cast(str, cast(JsonObject, parse_row(line))["custom_id"])


def _planted_error(status: int) -> JsonObject:
    if status == 429:
        message = "Rate limit reached for requests. Please try again later."
        return error_body(message, code="rate_limit_exceeded", kind="requests")
    if status == 500:
        message = "The server had an error while processing your request. Sorry about that!"
        return error_body(message, code="server_error", kind="server_error")
    return error_body(
        "The request was refused on purpose by the simulator.", code="invalid_value", kind="invalid_request_error"
    )


def _render_refusal(custom_id: str, suffix: str, status: int, body: JsonObject) -> bytes:
    return _render_row(custom_id, suffix, {"status_code": status, "request_id": f"req_{suffix}", "body": body}, None)


def _render_row(custom_id: str, suffix: str, response: JsonObject | None, error: JsonObject | None) -> bytes:
    row = {"id": f"batch_req_{suffix}", "custom_id": custom_id, "response": response, "error": error}
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _suffix(batch_id: str, custom_id: str) -> str:
    return blake2b(f"{batch_id}:{custom_id}".encode(), digest_size=16).hexdigest()
