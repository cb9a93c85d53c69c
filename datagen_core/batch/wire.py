"""Decides what a server's JSON answers mean, however far they are from the Batch API's own spec."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Final, cast

import orjson

from datagen_core.batch.models import ENDED_STATUSES, BatchCounts, BatchIssue, BatchStatus, ProviderFile
from datagen_core.errors import ProviderError
from datagen_core.files import JsonObject

MAX_NUMBER: Final = 2**53
"""Whole numbers up to here survive every JSON reader; a count, a size or a time beyond it is none."""


def load_json(raw: bytes | str) -> object:
    """Return the JSON value; half a surrogate pair or broken UTF-8 cost a character and not the document.

    Raises:
        ValueError: it is no JSON, or nested deeper than anything a Batch API has.
    """
    try:
        return cast(object, orjson.loads(raw))
    except orjson.JSONDecodeError:
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    try:
        return cast(object, json.loads(text.removeprefix("\ufeff")))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parse_json(raw: bytes) -> JsonObject:
    """Return the object, or an empty one for anything else, as the error page of a gateway."""
    try:
        return as_object(load_json(raw))
    except ValueError:
        return {}


def parse_file(raw: JsonObject) -> ProviderFile | None:
    """Return the file that a provider's JSON object describes, or None where it has no id."""
    file_id = raw.get("id")
    if not isinstance(file_id, str) or not file_id:
        return None
    n_bytes = _number(raw.get("bytes"))
    return ProviderFile(
        file_id=replace_surrogates(file_id),
        name=_text(raw.get("filename")) or "",
        n_bytes=-1 if n_bytes is None else int(n_bytes),
        status=(_text(raw.get("status")) or "").casefold(),
        expires_at=_number(raw.get("expires_at")),
    )


def iter_pages(fetch: Callable[[str | None], bytes], max_pages: int) -> Iterator[list[JsonObject]]:
    """Follow `after` cursors; a server that ignores them gives the same last entry again, which ends the walk.

    Raises:
        ProviderError: an answer is no page. It must not pass for the end of the list: what stands there already would
            be created, and paid for, again.
    """
    after: str | None = None
    for _ in range(max_pages):
        page = parse_json(fetch(after))
        entries = _read_page(page)
        ids = [entry_id for entry in entries if (entry_id := _text(entry.get("id")))]
        if not ids or ids[-1] == after:
            return
        yield entries
        if page.get("has_more") is False:
            return
        after = ids[-1]


def _read_page(page: JsonObject) -> list[JsonObject]:
    """Return a page's entries; `null` is how some servers write an empty list."""
    listed = page.get("data", page)
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise ProviderError(
            "The provider answered a listing with something that is no page of a list. Check the base URL, then run "
            "the same command again; nothing is created twice."
        )
    return [as_object(entry) for entry in cast(list[object], listed)]


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
        finalizing_at=_number(raw.get("finalizing_at")),
        finished_at=_number(raw.get(f"{status}_at")) if status in ENDED_STATUSES else None,
        metadata=_parse_metadata(raw.get("metadata")),
    )


def _parse_counts(value: object) -> BatchCounts:
    counts = as_object(value)
    return BatchCounts(**{name: read_count(counts.get(name)) for name in ("total", "completed", "failed")})


def _parse_issues(value: object) -> tuple[BatchIssue, ...]:
    value = as_object(value).get("data", value)
    if not value:
        return ()
    listed = cast(list[object], value) if isinstance(value, list) else [value]
    return tuple(_parse_issue(entry) for entry in listed)


def _parse_issue(value: object) -> BatchIssue:
    if not isinstance(value, dict):
        return BatchIssue(message=describe_value(value))
    entry = cast(JsonObject, value)
    line = _number(entry.get("line"))
    return BatchIssue(
        code=_text(entry.get("code")),
        message=_text(entry.get("message")) or "",
        line=None if line is None else int(line),
        param=_text(entry.get("param")),
    )


def _parse_metadata(value: object) -> dict[str, str]:
    return {replace_surrogates(key): describe_value(entry) for key, entry in as_object(value).items()}


def as_object(value: object) -> JsonObject:
    """Return the value if it is a JSON object, else an empty one."""
    return cast(JsonObject, value) if isinstance(value, dict) else {}


def describe_value(value: object) -> str:
    """Return a text as it is and any other JSON value in Python's spelling, however deep or odd it is."""
    try:
        return replace_surrogates(value if isinstance(value, str) else str(value))
    except (RecursionError, ValueError):  # deeper than Python recurses; an integer of over 4,300 digits
        return f"a {type(value).__name__} that cannot be shown"


def replace_surrogates(text: str) -> str:
    """Replace half surrogate pairs, which no UTF-8 file can hold."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def read_count(value: object) -> int:
    """Return a number of something; 0 where there is none, or none that can be one."""
    if type(value) is int and 0 <= value <= MAX_NUMBER:  # nearly always, and read four times a row
        return value
    return max(0, int(_number(value) or 0))


def _text(value: object) -> str | None:
    return replace_surrogates(value) if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    """Return a finite number of reasonable size; `True` is none."""
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > MAX_NUMBER:
        return None
    return None if math.isnan(value) else float(value)
