"""Decides what is told of a retrieval: everything in the provider's files that is not one row for each request."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from datagen_core.batch.classes import RowClass
from datagen_core.batch.models import BatchCounts, BatchStatus
from datagen_core.files import Artifact, read_json, validate_model, write_json

MAX_TOLD: Final = 20
"""Ids and lines told of each kind: enough to look into a file, whatever the file does."""
MAX_ID: Final = 200
_ADVICE: Final = "Retrieve the results again: reading costs nothing."

_log = logging.getLogger(__name__)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToldIds(_Frozen):
    """How many rows or requests, and the custom_ids of the first 20."""

    count: int = 0
    ids: tuple[str, ...] = ()

    def plus(self, custom_id: str) -> ToldIds:
        """Return the same with one more; an overlong id is told by its beginning."""
        ids = (*self.ids, custom_id[:MAX_ID]) if len(self.ids) < MAX_TOLD else self.ids
        return ToldIds(count=self.count + 1, ids=ids)


class LineFault(_Frozen):
    """A line that is no row; `line` counts from 1 in the file as downloaded."""

    file: str
    line: int
    reason: str


class ToldLines(_Frozen):
    """How many lines could not be read, and the first 20 of them."""

    count: int = 0
    lines: tuple[LineFault, ...] = ()

    def plus(self, fault: LineFault) -> ToldLines:
        """Return the same with one more."""
        return ToldLines(count=self.count + 1, lines=(*self.lines, fault)[:MAX_TOLD])


class BatchReport(_Frozen):
    """What the provider's files hold of one batch.

    `requests` are the distinct custom_ids asked for, or those that answered where nobody knows what was asked.
    `classes` counts them by class and adds up to `requests`. `rows` are those that could be read: one a request that
    has any, and the `duplicated` and `foreign`. `duplicated` counts rows beyond a request's first; `missing` are
    requests without a row in a file that was read to its end, whatever the batch's status. `counts` is the provider's
    own count and `counts_add_up` whether it comes to as many requests, all of them completed or failed; None where the
    server gives no counts.
    """

    batch_id: str
    status: str
    requests: int
    rows: int
    classes: dict[RowClass, int]
    duplicated: ToldIds
    foreign: ToldIds
    missing: ToldIds
    unreadable: ToldLines
    counts: BatchCounts
    counts_add_up: bool | None
    missing_files: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Tell whether each request has exactly one row, and nothing else stands in the files."""
        odd = self.duplicated.count + self.foreign.count + self.missing.count + self.unreadable.count
        return odd == 0 and not self.missing_files


class RetrievalReport(_Frozen):
    """The report file beside the results, batch by batch in the order of the results."""

    version: Literal[1] = 1
    batches: tuple[BatchReport, ...]

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing has to be looked into."""
        return all(batch.is_clean for batch in self.batches)


def do_counts_add_up(status: BatchStatus, n_requests: int) -> bool | None:
    """Tell whether the provider's own counts come to the number of requests; they need not (FACTS.md)."""
    counts = status.counts
    if counts == BatchCounts():
        return None
    return counts.total == counts.completed + counts.failed == n_requests


def report_path(output: Path) -> Path:
    """Return where the report of a result file stands: `retrieval.json` beside `result_lst.json`."""
    stem = output.name.removesuffix(".json")
    return output.with_name("retrieval.json" if stem == "result_lst" else f"{stem}_retrieval.json")


def write_retrieval(path: Path, batches: Iterable[BatchReport]) -> Artifact:
    """Write the report, whole or not at all."""
    return write_json(path, RetrievalReport(batches=tuple(batches)).model_dump(mode="json"))


def read_retrieval(path: Path) -> RetrievalReport:
    """Read a report.

    Raises:
        InputFileError: the file is missing, no JSON, or lacks something; names the field.
    """
    return validate_model(RetrievalReport, read_json(path, advice=_ADVICE), path, advice=_ADVICE)


def log_report(report: BatchReport) -> None:
    """Log what the results alone do not show, one line a kind; a lost file loudest, for it may have been paid for."""
    told = (
        (report.duplicated, "rows repeat a request that had one already"),
        (report.foreign, "rows have a custom_id never asked for and were passed over"),
        (report.missing, "requests have no row"),
    )
    for name in report.missing_files:
        _log.error("Batch %s: the provider no longer has %s.", report.batch_id, name)
    for ids, what in told:
        if ids.count:
            _log.warning("Batch %s: %s %s: %s.", report.batch_id, ids.count, what, _name(ids))
    for fault in report.unreadable.lines[:1]:
        count = report.unreadable.count
        _log.warning("Batch %s: %s lines cannot be read, the first in %s.", report.batch_id, count, _place(fault))
    if report.status == "completed" and report.counts_add_up is False:
        counts = report.counts
        said = f"{counts.completed} completed and {counts.failed} failed of {counts.total}"
        _log.warning("Batch %s: the provider counts %s, of %s requests.", report.batch_id, said, report.requests)


def _name(ids: ToldIds) -> str:
    return ", ".join(ids.ids) + (", …" if ids.count > len(ids.ids) else "")


def _place(fault: LineFault) -> str:
    return f"{fault.file}, line {fault.line}: {fault.reason}"
