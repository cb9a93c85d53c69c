"""Decides how the provider's files become `result_lst.json`: one element a request, in the order of requests."""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import orjson
import stamina

from datagen_core.batch.api import BatchApi
from datagen_core.batch.client import RequestRefused
from datagen_core.batch.merging import BatchFiles, merge_rows, read_line, split_rows
from datagen_core.batch.models import BatchStatus, Shard, Submitted
from datagen_core.batch.poll import require_ended
from datagen_core.batch.reporting import BatchReport, log_report, report_path, write_retrieval
from datagen_core.errors import InputFileError, OutputError, ProviderError
from datagen_core.files import Artifact, parse_line, read_lines, write_json_array

STALE_SECONDS: Final = 86_400
"""A download folder older than this was left by a killed run: no download takes that long."""
GONE_SECONDS: Final = 3_600.0
"""An output file not found so long after its batch ended will not come any more."""
LOOKS: Final = 4
"""How often a file that is not found is asked for at once, since a provider's stores may lag; some 4 s together."""
_ADVICE: Final = "Restore the request file as it was submitted, or retrieve the batch by its id."
_ID_FIRST: Final = re.compile(rb'\{"custom_id": ?"([^"\\]+)"[,}]')

Clock = Callable[[], float]
_log = logging.getLogger(__name__)


def retrieve_results(
    client: BatchApi, pairs: Sequence[tuple[Submitted, BatchStatus]], output: Path, *, clock: Clock = time.time
) -> Artifact:
    """Download every batch's output and error file and write one `Result` for each request, in the order of requests.

    Both files are read whatever the status: expired, cancelled and even failed batches hold paid output. Rows are
    matched by custom_id only; `MergedRows` says which of several counts. Requests without a row are `expired` or
    `cancelled` where their batch is, `error` with code `batch_failed` where it failed, else `missing`; where the
    provider no longer has the output file, their code is `output_file_gone`. What is odd about the files is logged and
    stands in `retrieval.json` beside the output, which is written first.

    Raises:
        BatchNotReady: a batch has not ended; nothing is downloaded.
        InputFileError: a shard's file is gone or changed, so that its requests are no longer known.
        ProviderError: a file cannot be downloaded, or a batch ended within the hour and its output file is not there
            yet. What stood at `output` is unchanged.
    """
    for _, status in pairs:
        if not status.is_ended:
            require_ended(status)
    with _download_folder(output) as folder:
        reports: list[BatchReport] = []
        results = (
            result
            for submitted, status in pairs
            for result in _iter_batch(client, status, read_asked(submitted.shard), folder, reports, clock)
        )
        return write_json_array(output, _then_report(results, reports, output))


def retrieve_by_id(client: BatchApi, batch_id: str, output: Path, *, clock: Clock = time.time) -> Artifact:
    """Write the results of a batch of which only the id is known, and the report, as `retrieve_results`.

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
        is_known = _is_downloaded(client, status.input_file_id, requests, looks=1)
        asked = list(_iter_rows_ids(requests)) if is_known else None
        reports: list[BatchReport] = []
        results = _iter_batch(client, status, asked, folder, reports, clock)
        return write_json_array(output, _then_report(results, reports, output))


def read_asked(shard: Shard) -> list[str]:
    """Return the custom_ids of a shard's file in its order, reading it once.

    Raises:
        InputFileError: the file is gone or was changed since it was submitted, or a line has no custom_id.
    """
    path = Path(shard.path)
    digest = hashlib.sha256()
    asked: list[str] = []
    for number, line in read_lines(path, _ADVICE):
        digest.update(line)
        if line.strip():
            asked.append(_read_id(path, number, line))
    if digest.hexdigest() != shard.sha256:
        raise InputFileError(path, "was changed since it was sent.", advice=_ADVICE)
    return asked


def _read_id(path: Path, number: int, line: bytes) -> str:
    """Return the line's custom_id; where it stands first and once, as we write it, the rest need not be parsed."""
    found = _ID_FIRST.match(line) if line.count(b'"custom_id"') == 1 else None
    if found is not None:
        with suppress(UnicodeDecodeError):
            return found[1].decode()
    custom_id = parse_line(path, number, line, _ADVICE).get("custom_id")
    if not isinstance(custom_id, str):
        raise InputFileError(path, "has no custom_id.", line=number, field="custom_id", advice=_ADVICE)
    return custom_id


def _iter_rows_ids(path: Path) -> Iterator[str]:
    with path.open("rb") as stream:
        while (line := read_line(stream)) != b"":
            yield from (str(row["custom_id"]) for row in split_rows(line or b"")[0])


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


def _iter_batch(
    client: BatchApi,
    status: BatchStatus,
    asked: Sequence[str] | None,
    folder: Path,
    reports: list[BatchReport],
    clock: Clock,
) -> Iterator[orjson.Fragment]:
    """Yield the JSON of a result for each request asked; not knowing them, for each that has a row."""
    files = _download_batch(client, status, folder, clock)
    provider = client.identity.partition(":")[0]
    with tempfile.TemporaryFile(dir=folder, buffering=1 << 20) as spool:
        merged = merge_rows(files, asked, status, spool, provider=provider)
        for path in files.paths:
            path.unlink()
        reports.append(merged.report())
        log_report(reports[-1])
        yield from merged.iter_results()


def _then_report(
    results: Iterator[orjson.Fragment], reports: list[BatchReport], output: Path
) -> Iterator[orjson.Fragment]:
    """Write the report when all results are known, before they take their place: who sees them has their report."""
    yield from results
    write_retrieval(report_path(output), reports)


def _download_batch(client: BatchApi, status: BatchStatus, folder: Path, clock: Clock) -> BatchFiles:
    """Download the output and the error file, as far as they are there.

    A lost error file costs reasons, a lost output file answers that were paid for; so that one is only given up when
    its batch ended an hour ago, or the provider does not say when.
    """
    output, errors = folder / "output.jsonl", folder / "errors.jsonl"
    has_output = _is_downloaded(client, status.output_file_id, output)
    is_output_gone = status.output_file_id is not None and not has_output
    if is_output_gone and status.finished_at is not None and clock() - status.finished_at < GONE_SECONDS:
        raise ProviderError(
            f"Batch {status.batch_id!r} is {status.status}, but the provider does not find its output file "
            f"{status.output_file_id!r}. Run the same command again later: from an hour after the batch ended the "
            "file counts as gone, and its requests as unanswered."
        )
    is_second = status.error_file_id not in {None, status.output_file_id}
    has_errors = is_second and _is_downloaded(client, status.error_file_id, errors)
    gone = (
        *([f"output file {status.output_file_id}"] if is_output_gone else ()),
        *([f"error file {status.error_file_id}"] if is_second and not has_errors else ()),
    )
    paths = [path for path, is_there in ((output, has_output), (errors, has_errors)) if is_there]
    return BatchFiles(paths, gone, is_output_gone)


def _is_downloaded(client: BatchApi, file_id: str | None, path: Path, *, looks: int = LOOKS) -> bool:
    """Download a file and tell whether it was there."""
    if file_id is None:
        return False
    try:
        for attempt in stamina.retry_context(on=_is_not_found, attempts=looks, timeout=None, wait_initial=0.5):
            with attempt:
                client.download_file(file_id, path)
    except RequestRefused as error:
        if not _is_not_found(error):
            raise
        return False
    return True


def _is_not_found(error: Exception) -> bool:
    return isinstance(error, RequestRefused) and error.status in {404, 410}
