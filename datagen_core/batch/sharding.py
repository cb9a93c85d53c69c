"""Decides how large a shard may be, and that a request file is cut once: other shards would be other submissions."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.batch.counting import TokenCounter
from datagen_core.batch.models import Shard
from datagen_core.batch.shards import MAX_BYTES, MAX_REQUESTS, split_requests
from datagen_core.errors import InputFileError
from datagen_core.files import read_json, read_lines, validate_model, write_json

_ENDS: Final = 1 << 16
_ADVICE: Final = "Restore it from a copy, or delete it if nothing of this request file was submitted."

_log = logging.getLogger(__name__)


class ShardLimits(BaseModel):
    """How much one request file may hold; `max_tokens` bounds its prompts' tokens, None does not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_requests: int = Field(default=MAX_REQUESTS, ge=1)
    max_bytes: int = Field(default=MAX_BYTES, ge=1)
    max_tokens: int | None = Field(default=None, ge=1)


class _Cut(BaseModel):
    """How a request file was cut; `digest` is of its size and its ends, which no two of our files share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str
    limits: ShardLimits


def shard_requests(requests: Path, folder: Path, limits: ShardLimits, ledger: Path) -> list[Shard]:
    """Check a request file and split it, so that a bad line is named before anything is sent or started.

    Once something was submitted by the ledger, a file is cut as it was before, whatever the limits are now: its rows in
    other shards would be paid for again.

    Raises:
        InputFileError: a line is no request, or is alone larger than a shard may be.
        OutputError: a shard cannot be written.
    """
    path = folder / f"{requests.stem}-cut.json"
    digest = _digest_ends(requests)
    before = _read_cut(path) if has_submitted(ledger) else None
    if before is not None and before.digest == digest:
        if before.limits != limits:
            _log.warning("%s stays cut as it was when the first of it was submitted.", requests)
        limits = before.limits
    shards = split_requests(
        requests,
        folder,
        max_requests=limits.max_requests,
        max_bytes=limits.max_bytes,
        max_tokens=limits.max_tokens,
        count=TokenCounter().count_row,
    )
    write_json(path, _Cut(digest=digest, limits=limits).model_dump(mode="json"))
    return shards


def has_submitted(ledger: Path) -> bool:
    """Tell whether a ledger holds more than its header."""
    if not ledger.exists():
        return False
    return any(number > 1 for number, _ in read_lines(ledger, _ADVICE))


def _read_cut(path: Path) -> _Cut | None:
    return validate_model(_Cut, read_json(path, advice=_ADVICE), path, advice=_ADVICE) if path.exists() else None


def _digest_ends(path: Path) -> str:
    """Return a digest that costs the same for any size."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(0)
            digest = hashlib.sha256(f"{size}\n".encode() + stream.read(_ENDS))
            stream.seek(max(size - _ENDS, 0))
            digest.update(stream.read(_ENDS))
    except OSError as error:
        raise InputFileError(path, f"cannot be read ({error.strerror}).", advice="Write it again.") from error
    return digest.hexdigest()
