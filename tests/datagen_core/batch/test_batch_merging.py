"""Which row of a batch's files counts, and what a line may look like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import orjson
import pytest
from batch_helpers import make_error_row, make_row
from fake_provider import Json

from datagen_core.batch import merging
from datagen_core.batch.merging import BatchFiles, merge_rows
from datagen_core.batch.models import BatchIssue, BatchStatus
from datagen_core.batch.outcomes import Result
from datagen_core.batch.reporting import BatchReport

COMPLETED = BatchStatus(batch_id="batch_1", status="completed")


def merge(
    folder: Path, content: bytes, asked: list[str] | None, status: BatchStatus = COMPLETED, errors: bytes = b""
) -> tuple[list[Result], BatchReport]:
    paths = [folder / "output.jsonl", folder / "errors.jsonl"]
    for path, written in zip(paths, (content, errors), strict=True):
        path.write_bytes(written)
    with (folder / "spool").open("w+b") as spool:
        merged = merge_rows(BatchFiles(paths), asked, status, spool, provider="openai")
        return [cast(Result, orjson.loads(orjson.dumps(one))) for one in merged.iter_results()], merged.report()


def dump(*rows: Json) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def texts(results: list[Result]) -> list[tuple[str, str | None]]:
    return [(result["custom_id"], result["text"]) for result in results]


ANSWER, REFUSAL = make_row("a", "답"), make_row("a", None, refusal="안 돼요.")
CUT, LATE = make_row("a", "여기까", finish_reason="length"), make_error_row("a", "server_error")


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        ([REFUSAL, ANSWER], "answered"),
        ([CUT, ANSWER], "answered"),
        ([LATE, REFUSAL, ANSWER], "answered"),
        ([LATE, CUT], "truncated"),
        ([REFUSAL, CUT], "refused"),
        ([CUT, REFUSAL], "truncated"),
        ([make_row("a", ""), LATE], "error"),
    ],
)
def test_best_row_of_a_request_counts_and_the_first_of_equals(rows: list[Json], outcome: str, tmp_path: Path) -> None:
    for content, errors in ((dump(*rows), b""), (dump(*rows[:1]), dump(*rows[1:]))):
        results, report = merge(tmp_path, content, ["a"], errors=errors)
        assert [result["outcome"] for result in results] == [outcome]
        assert (report.rows, report.duplicated.count) == (len(rows), len(rows) - 1)


def test_request_asked_twice_has_one_result(tmp_path: Path) -> None:
    results, report = merge(tmp_path, dump(make_row("b", "둘")), ["b", "a", "b"])
    assert texts(results) == [("b", "둘"), ("a", None)]
    assert report.requests == 2


def test_rows_without_knowing_what_was_asked_stand_by_custom_id(tmp_path: Path) -> None:
    results, report = merge(tmp_path, dump(make_row("b", "둘"), make_error_row("c", "x"), make_row("a", "하나")), None)
    assert texts(results) == [("a", "하나"), ("b", "둘"), ("c", None)]
    assert (report.requests, report.foreign.count, report.missing.count) == (3, 0, 0)


@pytest.mark.parametrize("padding", [b"\xef\xbb\xbf", b"\0\0\0", b"\r\n\r\n", b" \t", b"\n\0\n"])
def test_what_stands_around_a_row_does_not_cost_it(padding: bytes, tmp_path: Path) -> None:
    results, report = merge(tmp_path, padding + dump(make_row("a", "답")).rstrip() + b"\r\n" + padding, ["a"])
    assert texts(results) == [("a", "답")]
    assert report.is_clean


def test_rows_whose_line_end_was_lost_are_both_read(tmp_path: Path) -> None:
    joined = dump(make_row("a", "}{"), make_row("b", "둘")).replace(b"\n", b"")
    results, report = merge(tmp_path, joined + b"\n" + joined[:-3], ["b", "a"])
    assert texts(results) == [("b", "둘"), ("a", "}{")]
    assert (report.rows, report.duplicated.count, report.unreadable.count) == (3, 1, 1)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"custom_id": "a", "resp', "is no JSON"),
        (b"[1]", "is no JSON object"),
        (b'{"id": "r"}', "has no custom_id"),
        (b'{"custom_id": ""}', "has no custom_id"),
        (b'{"custom_id": 7}', "has no custom_id"),
        (b"[" * 100_000, "is no JSON: nested too deeply"),
        (b'{"custom_id": "a", "x": ' + b"9" * 5_000 + b"." + b"\xff}", "is no JSON"),
        (b'{"custom_id": "a"}{"id": 1}', "is no JSON"),
    ],
)
def test_line_that_is_no_row_is_told_with_its_reason(line: bytes, reason: str, tmp_path: Path) -> None:
    results, report = merge(tmp_path, dump(make_row("b", "둘")) + line, ["b"])
    assert texts(results) == [("b", "둘")]
    (fault,) = report.unreadable.lines
    assert (fault.file, fault.line, fault.reason.startswith(reason)) == ("output.jsonl", 2, True)


@pytest.mark.slow
def test_fifty_megabytes_on_a_line_are_a_row_like_any(tmp_path: Path) -> None:
    text = "가" * 17_000_000
    results, report = merge(tmp_path, dump(make_row("a", text), make_row("b", "둘")), ["a", "b"])
    assert [len(result["text"] or "") for result in results] == [17_000_000, 1]
    assert report.is_clean


def test_line_over_the_limit_is_passed_over_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "MAX_LINE_BYTES", 5_000)
    long = dump(make_row("a", "a" * 3_000_000))
    results, report = merge(tmp_path, long + dump(make_row("b", "둘")) + long[:-1], ["a", "b"])
    assert texts(results) == [("a", None), ("b", "둘")]
    faults = [(fault.line, fault.reason) for fault in report.unreadable.lines]
    assert faults == [(number, "is longer than 5000 bytes") for number in (1, 3)]
    assert report.missing.ids == ("a",)


@pytest.mark.parametrize(
    ("status", "outcome", "code", "counted"),
    [
        ("completed", "missing", "missing", "unknown"),
        ("expired", "expired", "batch_expired", "retryable"),
        ("cancelled", "cancelled", "batch_cancelled", "retryable"),
        ("failed", "error", "batch_failed", "retryable"),
    ],
)
def test_request_without_a_row_shares_the_batchs_fate(
    status: str, outcome: str, code: str, counted: str, tmp_path: Path
) -> None:
    ended = BatchStatus(batch_id="b", status=status, errors=(BatchIssue(code="invalid_json_line"),))
    results, report = merge(tmp_path, b"", ["a"], ended)
    (result,) = results
    assert result["error"] is not None
    assert (result["outcome"], result["error"]["code"], result["provider"]) == (outcome, code, "openai")
    assert {name for name, count in report.classes.items() if count} == {counted}
