"""Decides what its faults make of a whole batch: how it fails, how far it comes, what it shows."""

from __future__ import annotations

from typing import Final, NamedTuple

from datagen_core.files import JsonObject
from datagen_core.simulator.batches import BatchProblem, BatchState, BatchStatus
from datagen_core.simulator.faults import Fault, FaultName

UNKNOWN_STATUS: Final = "awaiting_review"
_STUCK: Final[dict[BatchStatus, FaultName]] = {"validating": "stuck_validating", "finalizing": "stuck_finalizing"}


class Refusal(NamedTuple):
    """What the API says with a validation code, and the line and parameter that it blames."""

    message: str
    line: int | None = None
    param: str | None = None


REFUSALS: Final[dict[str, Refusal]] = {
    "invalid_json_line": Refusal("This line is not parseable as valid JSON.", 1),
    "duplicate_custom_id": Refusal("The custom_id is used by more than one request of this file.", 2, "custom_id"),
    "url_mismatch": Refusal("The URL provided for this request does not match the batch endpoint.", 1, "url"),
    "model_mismatch": Refusal("The provided model does not match that of the other requests.", 2, "body.model"),
    "empty_file": Refusal("The input file is empty. Please ensure that it has at least one request."),
    "too_many_tasks": Refusal("The batch has more requests than the limit of 50,000."),
    "missing_required_parameter": Refusal("Missing required parameter.", 1, "custom_id"),
    "token_limit_exceeded": Refusal(
        "Enqueued token limit reached. Please try again once some in_progress batches have been completed."
    ),
}
"""The codes that were met; the real API's set is open, and any other code is taken too."""


def find_fault(batch: BatchState, *names: FaultName) -> Fault | None:
    """Return the batch's first fault of one of these names."""
    return next((fault for fault in batch.faults if fault.name in names), None)


def find_refusal(batch: BatchState) -> BatchProblem | None:
    """Return why the batch fails in validation whatever its file holds, None where it does not."""
    fault = find_fault(batch, "fail_validation", "token_limit_exceeded")
    if fault is None:
        return None
    code = "token_limit_exceeded" if fault.name == "token_limit_exceeded" else fault.code
    usual = REFUSALS.get(code, Refusal("The batch was refused."))
    return BatchProblem(code, usual.message, fault.line or usual.line, fault.param or usual.param)


def is_stuck(batch: BatchState, *, now: float) -> bool:
    """Tell whether the batch stays in its phase, however long that lasted already."""
    name = _STUCK.get(batch.status)
    fault = None if name is None else find_fault(batch, name)
    return fault is not None and now < batch.phase_since + fault.duration


def render_batch(batch: BatchState) -> JsonObject:
    """Return the body that a client sees, as its faults leave it."""
    body = batch.to_body()
    if find_fault(batch, "wrong_counts"):
        body["request_counts"] = {"total": batch.total, "completed": int(batch.total != 1), "failed": 0}
    if batch.has_ended:
        body |= _change_error_file(batch)
    if shows_unknown_status(batch):
        body["status"] = UNKNOWN_STATUS
    if find_fault(batch, "status_case"):
        body["status"] = str(body["status"]).upper()
    return body


def shows_unknown_status(batch: BatchState) -> bool:
    """Tell whether the batch's status is one that nobody knows, at this look."""
    fault = find_fault(batch, "unknown_status")
    return fault is not None and (not fault.amount or batch.n_looks < fault.amount)


def _change_error_file(batch: BatchState) -> JsonObject:
    fault = find_fault(batch, "blank_error_file_id", "missing_error_file")
    if fault is None or batch.status == "failed":
        return {}
    # No file has the id of a batch with this beginning.
    return {"error_file_id": "" if fault.name == "blank_error_file_id" else f"file-gone-{batch.id}"}
