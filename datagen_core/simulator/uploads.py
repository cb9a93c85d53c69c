"""Decides how an uploaded input file gets from a form into the store: whole, or not at all."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import NamedTuple

from starlette.requests import ClientDisconnect, Request

from datagen_core.simulator.batches import StoredFile
from datagen_core.simulator.ids import make_id
from datagen_core.simulator.multipart import FormReader
from datagen_core.simulator.store import Store
from datagen_core.simulator.validation import MAX_FILE_BYTES
from datagen_core.simulator.wire import ApiError

# The real API keeps an input file for 30 days where the upload does not say otherwise.
DEFAULT_LIFETIME_SECONDS = 30 * 24 * 3600
MIN_LIFETIME_SECONDS, MAX_LIFETIME_SECONDS = 3_600, 2_592_000


class Upload(NamedTuple):
    """A file that was received whole and does not exist yet: its content stands at `temporary`."""

    temporary: Path
    filename: str
    size: int
    lifetime: int


async def receive_file(request: Request, store: Store) -> Upload:
    """Receive the `file` of a form.

    Raises:
        ApiError: the form is malformed, lacks something, or its file is too large; nothing is kept.
    """
    temporary = store.blobs / f".{uuid.uuid4().hex}.tmp"
    try:
        form = await _write_form(request, temporary)
        expires_after = read_expiry(form.fields.get("expires_after[anchor]"), form.fields.get("expires_after[seconds]"))
        if form.fields.get("purpose") != "batch":
            message = "Invalid value for 'purpose': the simulator stores files with purpose 'batch' only."
            raise ApiError(400, message, param="purpose", code="invalid_value")
        if form.filename is None:
            raise ApiError(400, "'file' is a required property.", param="file", code="missing_required_parameter")
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return Upload(temporary, form.filename[:255], form.file_bytes, expires_after or DEFAULT_LIFETIME_SECONDS)


def publish_file(upload: Upload, store: Store, *, seed: int, now: float) -> StoredFile:
    """Make a received file one that exists, and return its description."""

    def build(number: int) -> StoredFile:
        created_at = int(now)
        return StoredFile(
            id=make_id("file", seed, number),
            filename=upload.filename,
            purpose="batch",
            size=upload.size,
            created_at=created_at,
            expires_at=created_at + upload.lifetime,
        )

    try:
        return store.add_input_file(upload.temporary, build)
    finally:
        upload.temporary.unlink(missing_ok=True)


def read_expiry(anchor: object, seconds: object) -> int | None:
    """Return the seconds of an `expires_after` (form fields or JSON values), None where there is none.

    Raises:
        ApiError: 400 where the anchor is not `created_at`, or the seconds are not within an hour and 30 days.
    """
    if anchor is None and seconds is None:
        return None
    if anchor != "created_at":
        raise ApiError(400, "Invalid 'anchor': expected 'created_at'.", param="expires_after", code="invalid_value")
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit() and len(seconds) < 10:
        seconds = int(seconds)
    if not isinstance(seconds, int) or not MIN_LIFETIME_SECONDS <= seconds <= MAX_LIFETIME_SECONDS:
        message = f"Invalid 'seconds': expected {MIN_LIFETIME_SECONDS} to {MAX_LIFETIME_SECONDS}."
        raise ApiError(400, message, param="expires_after", code="invalid_value")
    return seconds


async def _write_form(request: Request, path: Path) -> FormReader:
    with path.open("wb") as sink:
        form = FormReader(request.headers.get("content-type", ""), sink, max_file_bytes=MAX_FILE_BYTES)
        try:
            await form.read(request.stream())
        except ClientDisconnect as error:
            raise ApiError(400, "The upload was cut off.") from error
        sink.flush()
        os.fsync(sink.fileno())
    return form
