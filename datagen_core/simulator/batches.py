"""Decides what the simulator knows of a batch and of a file, and how both look to a client."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from datagen_core.files import JsonObject
from datagen_core.simulator.faults import Fault

BatchStatus = Literal[
    "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
]
Closing = Literal["batch_expired", "batch_cancelled"]
ENDED: frozenset[BatchStatus] = frozenset({"failed", "completed", "expired", "cancelled"})
WINDOW_SECONDS = 24 * 3600


class Usage(NamedTuple):
    """Tokens of one request, or the sum over many; `cached` is part of `prompt`."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0

    def plus(self, other: Usage) -> Usage:
        """Return the sum of both."""
        return Usage(self.prompt + other.prompt, self.cached + other.cached, self.completion + other.completion)


class BatchProblem(NamedTuple):
    """Why a whole batch is refused; `line` counts the input file's lines from 1, None where no line is to blame."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


class StoredFile(NamedTuple):
    """A file as a client sees it; times are Unix seconds."""

    id: str
    filename: str
    purpose: Literal["batch", "batch_output"]
    size: int
    created_at: int
    expires_at: int | None = None

    def to_body(self) -> JsonObject:
        """Return the body, as OpenAI's OpenAIFile."""
        body: JsonObject = {
            "id": self.id,
            "object": "file",
            "bytes": self.size,
            "created_at": self.created_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
        }
        return body if self.expires_at is None else {**body, "expires_at": self.expires_at}


class BatchState(BaseModel):
    """Everything that is kept of a batch: what the client sees, then how far the work has come.

    Rows are answered in a shuffled order; the first `position` of them stand in the first `output_bytes` and
    `error_bytes` bytes of the two result files. What stands beyond was written by a process that was killed before it
    could say so, and is cut off. `closing` is set once no more rows are answered: the others get this code. `faults`
    were chosen at its creation; `n_looks` counts the looks that a fault asks for, `prompt_tokens` what a limit does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    endpoint: str
    input_file_id: str
    completion_window: str
    metadata: dict[str, str] | None = None
    output_seconds: int | None = None
    status: BatchStatus = "validating"
    model: str | None = None
    errors: tuple[BatchProblem, ...] = ()
    created_at: int
    expires_at: int
    in_progress_at: int | None = None
    finalizing_at: int | None = None
    completed_at: int | None = None
    failed_at: int | None = None
    expired_at: int | None = None
    cancelling_at: int | None = None
    cancelled_at: int | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    usage: Usage = Usage()

    phase_since: float
    position: int = 0
    output_blob: str
    output_bytes: int = 0
    error_blob: str
    error_bytes: int = 0
    closing: Closing | None = None
    prompt_tokens: int = 0
    faults: tuple[Fault, ...] = ()
    n_looks: int = 0

    @property
    def has_ended(self) -> bool:
        """Tell whether the batch will never change again."""
        return self.status in ENDED

    def to_body(self) -> JsonObject:
        """Return the body, as OpenAI's Batch; what does not apply yet is null, as the real API has it."""
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "model": self.model,
            "errors": _list_problems(self.errors),
            "input_file_id": self.input_file_id,
            "completion_window": self.completion_window,
            "status": self.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "created_at": self.created_at,
            "in_progress_at": self.in_progress_at,
            "expires_at": self.expires_at,
            "finalizing_at": self.finalizing_at,
            "completed_at": self.completed_at,
            "failed_at": self.failed_at,
            "expired_at": self.expired_at,
            "cancelling_at": self.cancelling_at,
            "cancelled_at": self.cancelled_at,
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "usage": None if not self.has_ended or self.status == "failed" else _render_usage(self.usage),
            "metadata": self.metadata,
        }


def _list_problems(problems: tuple[BatchProblem, ...]) -> JsonObject | None:
    if not problems:
        return None
    return {"object": "list", "data": [problem._asdict() for problem in problems]}


def _render_usage(usage: Usage) -> JsonObject:
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.prompt + usage.completion,
    }
