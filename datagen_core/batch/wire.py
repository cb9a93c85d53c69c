"""Decides what a server's JSON answers mean, however far they are from the Batch API's own spec."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import orjson

from datagen_core.batch.models import ENDED_STATUSES, BatchCounts, BatchIssue, BatchStatus, ProviderFile
from datagen_core.files import JsonObject


def parse_json(raw: bytes) -> JsonObject:
    """Return the object, or an empty one for anything else, as the error page of a gateway."""
    try:
        return as_object(cast(object, orjson.loads(raw)))
    except orjson.JSONDecodeError:
        return {}


def parse_file(raw: JsonObject) -> ProviderFile | None:
    """Return the file that a provider's JSON object describes, or None where it has no id."""
    file_id = raw.get("id")
    if not isinstance(file_id, str) or not file_id:
        return None
    n_bytes, expires_at = raw.get("bytes"), raw.get("expires_at")
    return ProviderFile(
        file_id=file_id,
        name=str(raw.get("filename") or ""),
        n_bytes=n_bytes if isinstance(n_bytes, int) else -1,
        status=str(raw.get("status") or "").casefold(),
        expires_at=float(expires_at) if isinstance(expires_at, int | float) else None,
    )


def iter_pages(fetch: Callable[[str | None], bytes], max_pages: int) -> Iterator[list[JsonObject]]:
    """Follow `after` cursors; a server that ignores them gives the same last entry again, which ends the walk."""
    after: str | None = None
    for _ in range(max_pages):
        page = parse_json(fetch(after))
        listed = page.get("data")
        entries = [as_object(entry) for entry in cast(list[object], listed)] if isinstance(listed, list) else []
        last = str(entries[-1].get("id") or "") if entries else ""
        if not entries or last == after:
            return
        yield entries
        if page.get("has_more") is False or not last:
            return
        after = last


def parse_batch(raw: JsonObject) -> BatchStatus | None:
    """Return the batch that a provider's JSON object describes, or None where it has no id.

    Providers differ: `errors` may be a string, a list or an object with `data`; a file id may be `""`; statuses come in
    any case; counts and metadata may be left out.
    """
    batch_id = _text(raw.get("id"))
    if batch_id is None:
        return None
    status = (_text(raw.get("status")) or "unknown").strip().casefold()
    status = "cancelled" if status == "canceled" else status
    return BatchStatus(
        batch_id=batch_id,
        status=status,
        counts=_parse_counts(raw.get("request_counts")),
        input_file_id=_text(raw.get("input_file_id")),
        output_file_id=_text(raw.get("output_file_id")),
        error_file_id=_text(raw.get("error_file_id")),
        errors=_parse_issues(raw.get("errors")),
        created_at=_number(raw.get("created_at")),
        finished_at=_number(raw.get(f"{status}_at")) if status in ENDED_STATUSES else None,
        metadata=_parse_metadata(raw.get("metadata")),
    )


def _parse_counts(value: object) -> BatchCounts:
    counts = as_object(value)
    return BatchCounts(**{name: _count(counts.get(name)) for name in ("total", "completed", "failed")})


def _parse_issues(value: object) -> tuple[BatchIssue, ...]:
    value = as_object(value).get("data", value)
    if not value:
        return ()
    listed = cast(list[object], value) if isinstance(value, list) else [value]
    return tuple(_parse_issue(entry) for entry in listed)


def _parse_issue(value: object) -> BatchIssue:
    if not isinstance(value, dict):
        return BatchIssue(message=str(value))
    entry = cast(JsonObject, value)
    line = _number(entry.get("line"))
    return BatchIssue(
        code=_text(entry.get("code")),
        message=_text(entry.get("message")) or "",
        line=None if line is None else int(line),
        param=_text(entry.get("param")),
    )


def _parse_metadata(value: object) -> dict[str, str]:
    return {str(key): str(entry) for key, entry in as_object(value).items()}


def as_object(value: object) -> JsonObject:
    """Return the value if it is a JSON object, else an empty one."""
    return cast(JsonObject, value) if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(value: object) -> int:
    return int(_number(value) or 0)
