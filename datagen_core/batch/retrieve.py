"""Decides how the provider's files become `result_lst.json`: one element a request, in the order of requests."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from datagen_core.batch.client import BatchClient, RequestRefused
from datagen_core.batch.models import BatchStatus, Outcome, Submitted
from datagen_core.batch.outcomes import PAID_OUTCOMES, Result, RowError, absent_result, parse_row, read_result
from datagen_core.batch.poll import describe_issues, require_ended
from datagen_core.errors import InputFileError, OutputError
from datagen_core.files import Artifact, read_jsonl, write_json_array

STALE_SECONDS: Final = 86_400
"""A download folder older than this was left by a killed run: no download takes that long."""
_ADVICE = "Restore the request file as it was submitted, or retrieve the batch by its id."

_log = logging.getLogger(__name__)


class _Place(NamedTuple):
    """Where the row of a request stands: which file, and its bytes there."""

    file: int
    offset: int
    size: int
    is_paid: bool


def retrieve_results(client: BatchClient, pairs: Sequence[tuple[Submitted, BatchStatus]], output: Path) -> Artifact:
    """Download every batch's output and error file and write one `Result` for each request, in the order of requests.

    Rows are matched by custom_id only. Of rows for one request the first that holds a paid answer counts. Requests
    without a row are `expired` or `cancelled` where their batch is, `error` where it was refused, else `missing`.

    Raises:
        BatchNotReady: a batch has not ended; nothing is downloaded.
        InputFileError: a shard's file is gone or changed, so that its requests are no longer known.
        ProviderError: a file cannot be downloaded. What stood at `output` is unchanged.
    """
    for submitted, status in pairs:
        if not status.is_ended:
            require_ended(status)
        if not submitted.shard.is_intact():
            raise InputFileError(submitted.shard.path, "is gone or was changed since it was sent.", advice=_ADVICE)
    with _download_folder(output) as folder:
        results = (
            result
            for submitted, status in pairs
            for result in _iter_batch(client, status, _iter_ids(Path(submitted.shard.path)), folder)
        )
        return write_json_array(output, results)


def retrieve_by_id(client: BatchClient, batch_id: str, output: Path) -> Artifact:
    """Write the results of a batch of which only the id is known.

    The order is that of the input file, if the provider still has it; else that of the custom_ids, and requests without
    a row cannot be told.

    Raises:
        BatchNotReady: the batch has not ended.
        BatchFailed: the provider refused the batch.
        ProviderError: the batch is unknown, or a file cannot be downloaded.
    """
    status = client.fetch_batch(batch_id)
    require_ended(status)
    with _download_folder(output) as folder:
        requests = folder / "input.jsonl"
        is_known = _download_optional(client, status.input_file_id, requests)
        ids = _iter_rows_ids(requests) if is_known else None
        return write_json_array(output, _iter_batch(client, status, ids, folder))


@contextmanager
def _download_folder(output: Path) -> Generator[Path]:
    """Give a folder beside the output that nobody else has and that is gone afterwards; clear what killed runs left."""
    prefix = f".{output.name}.download-"
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=output.parent, prefix=prefix, ignore_cleanup_errors=True)
    except OSError as error:
        raise OutputError(output, error.strerror or str(error)) from error
    with folder as name:
        _clear_stale(output.parent, prefix)
        yield Path(name)


def _clear_stale(parent: Path, prefix: str) -> None:
    for folder in parent.iterdir():
        if not folder.name.startswith(prefix):
            continue
        with suppress(OSError):  # Another process clears it at the same time.
            if folder.stat().st_mtime < time.time() - STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _iter_batch(client: BatchClient, status: BatchStatus, ids: Iterator[str] | None, folder: Path) -> Iterator[Result]:
    """Yield a result for each id; without ids, for each row, ordered by custom_id."""
    paths = _download_batch(client, status, folder)
    places = _index_rows(paths)
    absent, error = _explain_absence(status)
    provider = client.identity.partition(":")[0]
    n_known = 0
    with ExitStack() as stack:
        streams = [stack.enter_context(path.open("rb")) for path in paths]
        for custom_id in sorted(places) if ids is None else ids:
            place = places.get(custom_id)
            if place is None:
                yield absent_result(custom_id, status.batch_id, absent, error, provider=provider)
                continue
            n_known += 1
            stream = streams[place.file]
            stream.seek(place.offset)
            row = parse_row(stream.read(place.size))
            assert row is not None, "a row that was indexed parses again"
            yield read_result(row, status.batch_id, provider=provider)
    for path in paths:
        path.unlink()
    if n_known < len(places):
        n_unknown = len(places) - n_known
        _log.warning("Batch %s: passed over %s rows with a custom_id never asked for.", status.batch_id, n_unknown)


def _explain_absence(status: BatchStatus) -> tuple[Outcome, RowError | None]:
    """Return what became of the requests of which the provider's files say nothing."""
    if status.status in {"expired", "cancelled"}:
        return ("expired" if status.status == "expired" else "cancelled"), None
    if status.is_refused:
        codes = [issue.code for issue in status.errors if issue.code]
        return "error", {"code": codes[0] if codes else "batch_failed", "message": describe_issues(status)}
    return "missing", None


def _download_batch(client: BatchClient, status: BatchStatus, folder: Path) -> list[Path]:
    """Download the output file, which must be there, and the error file, which costs nothing if it is gone."""
    paths: list[Path] = []
    if status.output_file_id is not None:
        paths.append(folder / "output.jsonl")
        client.download_file(status.output_file_id, paths[-1])
    if status.error_file_id != status.output_file_id:
        errors = folder / "errors.jsonl"
        paths += [errors] if _download_optional(client, status.error_file_id, errors) else []
    return paths


def _download_optional(client: BatchClient, file_id: str | None, path: Path) -> bool:
    if file_id is None:
        return False
    try:
        client.download_file(file_id, path)
    except RequestRefused as error:
        if error.status != 404:
            raise
        _log.warning("File %s is no longer at the provider.", file_id)
        return False
    return True


def _index_rows(paths: Sequence[Path]) -> dict[str, _Place]:
    """Return where each request's row stands: the first paid answer, else the first row."""
    places: dict[str, _Place] = {}
    for number, path in enumerate(paths):
        offset = n_unreadable = 0
        with path.open("rb") as stream:
            for line in stream:
                row = parse_row(line)
                if row is not None:
                    is_paid = read_result(row, "")["outcome"] in PAID_OUTCOMES
                    place = _Place(number, offset, len(line), is_paid)
                    before = places.setdefault(str(row["custom_id"]), place)
                    if is_paid and not before.is_paid:
                        places[str(row["custom_id"])] = place
                elif line.strip():
                    n_unreadable += 1
                offset += len(line)
        if n_unreadable:
            _log.warning("%s: %s lines cannot be read; their requests are missing.", path.name, n_unreadable)
    return places


def _iter_ids(path: Path) -> Iterator[str]:
    for number, request in read_jsonl(path, advice=_ADVICE):
        custom_id = request.get("custom_id")
        if not isinstance(custom_id, str):
            raise InputFileError(path, "has no custom_id.", line=number, field="custom_id", advice=_ADVICE)
        yield custom_id


def _iter_rows_ids(path: Path) -> Iterator[str]:
    with path.open("rb") as stream:
        for line in stream:
            row = parse_row(line)
            if row is not None:
                yield str(row["custom_id"])
