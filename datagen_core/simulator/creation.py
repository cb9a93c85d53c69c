"""Decides whether a request to create a batch is well-formed, and what the new batch is."""

from __future__ import annotations

from typing import Final, NamedTuple, cast

from datagen_core.files import JsonObject
from datagen_core.simulator.batches import WINDOW_SECONDS, BatchState
from datagen_core.simulator.faults import Fault
from datagen_core.simulator.ids import make_id, make_result_id
from datagen_core.simulator.uploads import read_expiry
from datagen_core.simulator.validation import ENDPOINTS
from datagen_core.simulator.wire import ApiError

MAX_METADATA: Final = 16
MAX_METADATA_KEY: Final = 64
MAX_METADATA_VALUE: Final = 512
_BATCH_FIELDS: Final = {"input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"}


class Creation(NamedTuple):
    """What a creation's body asks for; `output_seconds` is how long its result files are kept."""

    endpoint: str
    input_file_id: str
    metadata: dict[str, str] | None
    output_seconds: int | None


def check_creation(body: JsonObject) -> Creation:
    """Return what a creation's body asks for.

    Whether the input file exists is found out later, by validation, as at the real API.

    Raises:
        ApiError: 400 where the body is not what OpenAI's CreateBatchRequest says.
    """
    for field in body.keys() - _BATCH_FIELDS:
        raise ApiError(400, f"Unknown parameter: {field[:64]!r}.", param=field[:64], code="unknown_parameter")
    input_file_id, endpoint = body.get("input_file_id"), body.get("endpoint")
    if not isinstance(input_file_id, str) or not input_file_id:
        message = "Missing required parameter: 'input_file_id'."
        raise ApiError(400, message, param="input_file_id", code="missing_required_parameter")
    if endpoint not in ENDPOINTS:
        message = f"Invalid value for 'endpoint': supported values are {', '.join(ENDPOINTS)}."
        raise ApiError(400, message, param="endpoint", code="invalid_value")
    if body.get("completion_window") != "24h":
        message = "Invalid value for 'completion_window': the only supported value is '24h'."
        raise ApiError(400, message, param="completion_window", code="invalid_value")
    return Creation(
        endpoint=cast(str, endpoint),
        input_file_id=input_file_id,
        metadata=_check_metadata(body.get("metadata")),
        output_seconds=_read_output_expiry(body.get("output_expires_after")),
    )


def build_batch(
    creation: Creation, *, seed: int, number: int, now: float, faults: tuple[Fault, ...] = ()
) -> BatchState:
    """Return the new batch, the `number`-th of its state folder."""
    batch_id = make_id("batch", seed, number)
    return BatchState(
        id=batch_id,
        completion_window="24h",
        created_at=int(now),
        expires_at=int(now) + WINDOW_SECONDS,
        phase_since=now,
        output_blob=make_result_id(batch_id, "output"),
        error_blob=make_result_id(batch_id, "error"),
        faults=faults,
        **creation._asdict(),
    )


def _check_metadata(metadata: object) -> dict[str, str] | None:
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise ApiError(400, "Invalid type for 'metadata': expected an object.", param="metadata", code="invalid_type")
    pairs = cast(JsonObject, metadata)
    if len(pairs) > MAX_METADATA:
        message = f"Invalid 'metadata': too many properties. Expected at most {MAX_METADATA}, but got {len(pairs)}."
        raise ApiError(400, message, param="metadata", code="object_above_max_properties")
    for key, value in pairs.items():
        if not isinstance(value, str):
            message = f"Invalid type for 'metadata.{key[:64]}': expected a string."
            raise ApiError(400, message, param="metadata", code="invalid_type")
        if len(key) > MAX_METADATA_KEY or len(value) > MAX_METADATA_VALUE:
            message = (
                f"'metadata.{key[:64]}' is too long: {MAX_METADATA_KEY} and {MAX_METADATA_VALUE} characters at most."
            )
            raise ApiError(400, message, param="metadata", code="string_above_max_length")
    return cast(dict[str, str], pairs)


def _read_output_expiry(expiry: object) -> int | None:
    if expiry is None:
        return None
    if not isinstance(expiry, dict):
        message = "Invalid type for 'output_expires_after': expected an object."
        raise ApiError(400, message, param="output_expires_after", code="invalid_type")
    pairs = cast(JsonObject, expiry)
    return read_expiry(pairs.get("anchor"), pairs.get("seconds"))
