"""Decides what we know of a submitted shard, of its batch and of its files."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, field_validator

from datagen_core.files import Artifact

ENDED_STATUSES = frozenset({"completed", "failed", "expired", "cancelled"})
TOKEN_LIMIT = "token_limit_exceeded"  # noqa: S105 - a provider's error code

Outcome = Literal["answered", "refused", "truncated", "filtered", "error", "expired", "cancelled", "missing"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shard(Artifact):
    """A request file that the provider takes, with what it costs at most.

    `prompt_tokens` is estimated in Qwen's tokens (the provider's own tokenizer needs a download). `max_output_tokens`
    is the sum of what the requests allow. Both are 0 where nobody counted.
    """

    prompt_tokens: int = 0
    max_output_tokens: int = 0


class Submitted(_Frozen):
    """A shard that exists at the provider. `key` is `<40 hex of the shard's SHA-256>.<generation>`."""

    key: str
    batch_id: str
    input_file_id: str
    shard: Shard
    submitted_at: float

    @field_validator("shard", mode="before")
    @classmethod
    def _take_uncounted(cls, shard: object) -> object:
        """Take a file whose tokens nobody counted, too."""
        return dict(shard) if isinstance(shard, Artifact) and not isinstance(shard, Shard) else shard

    @property
    def generation(self) -> int:
        """How often the same bytes were submitted anew because the provider had refused them for lack of room."""
        return int(self.key.rpartition(".")[2])


class BatchCounts(_Frozen):
    """The provider's own count of requests. It need not add up: reconcile by custom_id only."""

    total: int = 0
    completed: int = 0
    failed: int = 0


class BatchIssue(_Frozen):
    """One reason for refusing a batch; `line` counts from 1 in the input file."""

    code: str | None = None
    message: str = ""
    line: int | None = None
    param: str | None = None

    def __str__(self) -> str:
        where = "" if self.line is None else f"line {self.line}: "
        param = "" if self.param is None else f" (field {self.param!r})"
        return f"{where}{self.code or 'no code'}: {self.message or 'no message'}{param}"


class BatchStatus(_Frozen):
    """A batch as the provider last described it; times are epoch seconds."""

    batch_id: str
    status: str
    counts: BatchCounts = BatchCounts()
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: tuple[BatchIssue, ...] = ()
    created_at: float | None = None
    finalizing_at: float | None = None
    finished_at: float | None = None
    metadata: dict[str, str] = {}

    @property
    def is_ended(self) -> bool:
        """Tell whether nothing more will change. A status we do not know is one that goes on."""
        return self.status in ENDED_STATUSES

    @property
    def is_refused(self) -> bool:
        """Tell whether the batch failed as a whole; a failed one that has an output file is partial instead."""
        return self.status == "failed" and self.output_file_id is None

    @property
    def is_resubmittable(self) -> bool:
        """Tell whether only the queue was full: the same bytes may be submitted again as the next generation."""
        return self.is_refused and any(issue.code == TOKEN_LIMIT for issue in self.errors)


class ProviderFile(NamedTuple):
    """An uploaded file. `n_bytes` is -1 and `status` empty where the server does not say."""

    file_id: str
    name: str
    n_bytes: int
    status: str
    expires_at: float | None
