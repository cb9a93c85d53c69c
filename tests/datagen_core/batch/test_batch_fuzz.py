"""Damaged result files and batch objects: nothing crashes, no request is lost, and each has its reason.

The full run has 20,000 of them, the slow one 1,000, and every run of the tests 200.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, cast, get_args

import orjson
import pytest
from batch_helpers import ENDPOINT, make_error_row, make_request, make_row, read_results
from fake_provider import FakeProvider, Json
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datagen_core.batch import BatchClient, BatchStatus, Outcome, check_batch, describe_issues, retrieve_results
from datagen_core.batch.merging import BatchFiles, merge_rows
from datagen_core.batch.models import ENDED_STATUSES, Shard, Submitted
from datagen_core.batch.outcomes import PAID_OUTCOMES, Result, classify, parse_row, read_result
from datagen_core.batch.poll import require_ended
from datagen_core.batch.reporting import BatchReport, read_retrieval, report_path
from datagen_core.batch.wire import iter_pages, parse_batch, parse_file, parse_json
from datagen_core.errors import BatchError, ProviderError
from datagen_core.files import write_jsonl

ASKED = [f"training-7-{number:04d}.r1" for number in range(6)]
STATUSES = sorted(ENDED_STATUSES)
OUTCOMES = frozenset(get_args(Outcome))
CLASSES = {"good", "retryable", "final", "unknown"}


def fuzz(check: Callable[..., None], examples: int, *strategies: st.SearchStrategy[object]) -> None:
    """Hold a law against so many examples."""
    relaxed = settings(
        max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
    )
    relaxed(given(*strategies)(check))()


def sizes(quick: int) -> pytest.MarkDecorator:
    """Run a test with few examples always, and with five and a hundred times as many where there is time."""
    full = pytest.param(100 * quick, marks=[pytest.mark.full, pytest.mark.timeout(3_000)])
    return pytest.mark.parametrize("examples", [quick, pytest.param(5 * quick, marks=pytest.mark.slow), full])


# What a healthy provider would have sent


def make_responses_row(custom_id: str) -> Json:
    message = {"type": "message", "content": [{"type": "output_text", "text": "네, 그럼요"}]}
    body = {
        "object": "response",
        "status": "completed",
        "model": "m",
        "output": [message],
        "usage": {"input_tokens": 9},
    }
    return {"custom_id": custom_id, "response": {"status_code": 200, "body": body}, "error": None}


def make_string_row(custom_id: str) -> Json:
    row = make_row(custom_id, "문자열 본문 😀")
    response = cast(Json, row["response"])
    return {**row, "response": {**response, "body": json.dumps(response["body"])}}


def make_refused_row(custom_id: str) -> Json:
    body = {"error": {"code": "invalid_value", "message": "No.", "type": "invalid_request_error"}}
    return {"custom_id": custom_id, "response": {"status_code": 400, "body": body}, "error": None}


MAKERS: list[Callable[[str], Json]] = [
    make_row,
    make_responses_row,
    make_string_row,
    make_refused_row,
    lambda custom_id: make_row(custom_id, None, refusal="도와드릴 수 없어요."),
    lambda custom_id: make_row(custom_id, "여기까", finish_reason="length"),
    lambda custom_id: make_row(custom_id, ""),
    lambda custom_id: make_error_row(custom_id, "batch_expired"),
    lambda custom_id: make_error_row(custom_id, "server_error"),
]
ROWS = st.lists(
    st.tuples(st.sampled_from([*ASKED, *ASKED, "stranger"]), st.sampled_from(MAKERS), st.booleans()), max_size=10
)


class Sent(NamedTuple):
    """Rows of an output and of an error file, each a line."""

    output: list[bytes]
    errors: list[bytes]


def write_line(row: object, is_ascii: bool) -> bytes:
    return json.dumps(row, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")


@st.composite
def sent_rows(draw: st.DrawFn) -> Sent:
    lines = [(write_line(make(custom_id), is_ascii), make) for custom_id, make, is_ascii in draw(ROWS)]
    is_error = [make in MAKERS[-2:] for _, make in lines]
    return Sent(
        [line for (line, _), to_errors in zip(lines, is_error, strict=True) if not to_errors],
        [line for (line, _), to_errors in zip(lines, is_error, strict=True) if to_errors],
    )


# Damage to bytes

PIECES = st.sampled_from(
    [
        b"\0" * 5,
        b"\xff\xfe",
        b"\xed\xa0\xbd",
        b"\xec\x9d",
        b"\xef\xbb\xbf",
        b"\n",
        b"\r",
        b'"',
        b"\\",
        b"{",
        b"}",
        b"\\ud83d",
        b"[" * 2_000,
        b'{"a":' * 1_100,
        b"9" * 5_000,
        b"-1e999",
        b"NaN",
        b'"custom_id": "training-7-0001.r1",',
        b'"custom_id": null,',
        b'"error": {"code": [[]]},',
        b'"response": 3,',
        b'{"custom_id": "training-7-0002.r1"}\n',
        b'{"custom_id": "training-7-0003.r1", "error": ' + b"[" * 1_000 + b"]" * 1_000 + b"}\n",
        b'{"custom_id": "\\udc00", "error": {"code": "\\ud800"}}\n',
    ]
) | st.binary(min_size=1, max_size=6)
PLACES = st.integers(0, 6_000)
DAMAGES = st.one_of(
    st.tuples(st.just("cut"), PLACES, st.integers(1, 400)),
    st.tuples(st.just("flip"), PLACES, st.integers(0, 7)),
    st.tuples(st.just("insert"), PLACES, PIECES),
    st.tuples(st.just("double"), PLACES, st.just(0)),
    st.tuples(st.just("end"), PLACES, st.just(0)),
)


def damage_bytes(content: bytes, damages: Sequence[tuple[str, int, int | bytes]]) -> bytes:
    for kind, place, amount in damages:
        at = place % (len(content) + 1)
        if isinstance(amount, bytes):
            content = content[:at] + amount + content[at:]
        elif kind == "cut":
            content = content[:at] + content[at + amount :]
        elif kind == "flip" and at < len(content):
            content = content[:at] + bytes([content[at] ^ (1 << amount)]) + content[at + 1 :]
        elif kind == "double":
            lines = content.splitlines(keepends=True)
            chosen = place % (len(lines) + 1)
            content = b"".join(lines[:chosen] + lines[max(0, chosen - 1) :])
        elif kind == "end":
            content = content[:at]
    return content


@st.composite
def damaged_bytes(draw: st.DrawFn) -> tuple[Sent, bytes, bytes]:
    sent = draw(sent_rows())
    damages = st.lists(DAMAGES, min_size=1, max_size=5)
    output, errors = (b"".join(line + b"\n" for line in lines) for lines in sent)
    return sent, damage_bytes(output, draw(damages)), damage_bytes(errors, draw(damages))


# Damage to structure

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**30, -(10**400), 2**63, 2**64]),
    st.floats(),
    st.text(st.characters(exclude_categories=()), max_size=8),
    st.sampled_from(["200", "429", "completed", "length", "\ud800", "\0", "x" * 3_000, *ASKED]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged_value(draw: st.DrawFn, whole: object) -> object:
    """Return the value with something in it replaced, left out or put somewhere else."""
    depth = draw(st.integers(0, 6))
    if depth == 0 or not isinstance(whole, dict | list) or not whole:
        return draw(VALUES)
    if isinstance(whole, list):
        listed = cast(list[object], whole)
        place = draw(st.integers(0, len(listed) - 1))
        return [*listed[:place], draw(damaged_value(listed[place])), *listed[place + 1 :]]
    known = cast(Json, whole)
    name = draw(st.sampled_from(sorted(known)))
    if draw(st.booleans()) and depth == 1:
        return {key: value for key, value in known.items() if key != name}
    return {**known, name: draw(damaged_value(known[name]))}


@st.composite
def damaged_rows(draw: st.DrawFn) -> tuple[Sent, bytes, bytes]:
    """Return files in which every other row is damaged; the rows that are whole are returned beside them."""
    sent = draw(sent_rows())
    files: list[bytes] = []
    for lines in sent:
        damaged = [write_line(draw(damaged_value(json.loads(line))), draw(st.booleans())) for line in lines]
        files.append(b"".join(line + b"\n" for line in draw(st.permutations([*damaged, *lines[::2]]))))
    return sent, files[0], files[1]


# The law of result files


def merge(output: bytes, errors: bytes, status: str, folder: Path) -> tuple[list[Result], BatchReport]:
    paths = [folder / "output.jsonl", folder / "errors.jsonl"]
    for path, content in zip(paths, (output, errors), strict=True):
        path.write_bytes(content)
    batch = BatchStatus(batch_id="batch_1", status=status)
    with tempfile.TemporaryFile(dir=folder) as spool:
        merged = merge_rows(BatchFiles(paths), ASKED, batch, spool, provider="openai")
        return [cast(Result, orjson.loads(orjson.dumps(one))) for one in merged.iter_results()], merged.report()


def check_accounted(results: list[Result], report: BatchReport) -> None:
    """Each request has one result, in order, and one that is no answer has its reason; the report adds up."""
    assert [result["custom_id"] for result in results] == ASKED
    for result in results:
        assert result["outcome"] in OUTCOMES
        assert classify(result) in CLASSES
        assert (result["outcome"] == "answered") == (classify(result) == "good")
        assert bool(result["text"]) or result["outcome"] != "answered"
        if result["outcome"] not in PAID_OUTCOMES:
            assert result["error"] is not None
            assert result["error"]["code"].strip()
    assert report.classes == {name: sum(classify(result) == name for result in results) for name in report.classes}
    assert report.rows == len(ASKED) - report.missing.count + report.duplicated.count + report.foreign.count
    assert BatchReport.model_validate_json(orjson.dumps(report.model_dump(mode="json"))) == report


def check_nothing_paid_is_lost(sent: Sent, output: bytes, errors: bytes, results: list[Result]) -> None:
    """Hold that a row which stands byte for byte, and was paid for, has the outcome it has alone, or a better one."""
    found = {result["custom_id"]: result["outcome"] for result in results}
    standing = {*output.split(b"\n"), *errors.split(b"\n")}
    for line in {*sent.output, *sent.errors} & standing:
        row = parse_row(line)
        assert row is not None
        custom_id, outcome = str(row["custom_id"]), read_result(row, "")["outcome"]
        if custom_id in found and outcome in PAID_OUTCOMES:
            assert found[custom_id] == "answered" or (outcome != "answered" and found[custom_id] in PAID_OUTCOMES)


def check_files(damaged: tuple[Sent, bytes, bytes], status: str) -> None:
    sent, output, errors = damaged
    with tempfile.TemporaryDirectory() as folder:
        results, report = merge(output, errors, status, Path(folder))
    check_accounted(results, report)
    check_nothing_paid_is_lost(sent, output, errors, results)


@sizes(80)
def test_files_with_damaged_bytes_lose_no_request(examples: int) -> None:
    fuzz(check_files, examples, damaged_bytes(), st.sampled_from(STATUSES))


@sizes(60)
def test_files_with_damaged_rows_lose_no_request(examples: int) -> None:
    fuzz(check_files, examples, damaged_rows(), st.sampled_from(STATUSES))


def check_files_over_http(damaged: tuple[Sent, bytes, bytes], status: str) -> None:
    sent, output, errors = damaged
    with (
        tempfile.TemporaryDirectory() as name,
        FakeProvider() as provider,
        BatchClient(provider.base_url, provider.key, "fake:p") as client,
    ):
        folder = Path(name)
        shard = write_jsonl(folder / "requests.jsonl", [make_request(custom_id) for custom_id in ASKED])
        batch = provider.create_batch({"endpoint": ENDPOINT, "input_file_id": "file_in", "completion_window": "24h"})
        batch |= {"status": status, "output_file_id": provider.store(output), "error_file_id": provider.store(errors)}
        submitted = Submitted(
            key=f"{'0' * 40}.0",
            batch_id=str(batch["id"]),
            input_file_id="file_in",
            shard=Shard(**shard.model_dump()),
            submitted_at=0.0,
        )
        path = folder / "result_lst.json"
        retrieve_results(client, [(submitted, check_batch(client, submitted))], path)
        (report,) = read_retrieval(report_path(path)).batches
        results = read_results(path)
    check_accounted(results, report)
    check_nothing_paid_is_lost(sent, output, errors, results)


def test_damaged_files_over_http_lose_no_request() -> None:
    fuzz(check_files_over_http, 12, damaged_bytes() | damaged_rows(), st.sampled_from(STATUSES))


# The law of batch objects and of lists

BATCH: Json = {
    "id": "batch_1",
    "object": "batch",
    "status": "failed",
    "input_file_id": "file_1",
    "output_file_id": "file_2",
    "error_file_id": "",
    "errors": {"data": [{"code": "invalid_json_line", "line": 3, "message": "Bad.", "param": None}, "words"]},
    "created_at": 1_790_000_000,
    "failed_at": 1_790_000_100,
    "request_counts": {"total": 6, "completed": 1, "failed": 5},
    "metadata": {"datagen": "0" * 40 + ".0", "run": "r"},
}
FILE: Json = {"id": "file_1", "bytes": 3, "filename": "a.jsonl", "status": "processed", "expires_at": 1_790_000_000}
PAGE: Json = {"object": "list", "data": [BATCH, {**BATCH, "id": "batch_2"}, FILE], "has_more": True}


@st.composite
def damaged_batch(draw: st.DrawFn) -> Json:
    known = cast(Json, draw(damaged_value(BATCH)) if draw(st.booleans()) else BATCH)
    name = draw(st.sampled_from(sorted(BATCH)))
    return {**(known if isinstance(known, dict) else BATCH), name: draw(VALUES)}


@st.composite
def damaged_page(draw: st.DrawFn) -> bytes:
    if draw(st.booleans()):
        return write_line(draw(damaged_value(PAGE)), draw(st.booleans()))
    return damage_bytes(write_line(PAGE, False), draw(st.lists(DAMAGES, min_size=1, max_size=4)))


def check_batch_object(raw: Json) -> None:
    """Hold that a batch with an id can be written down, read again, explained and waited for."""
    status = parse_batch(raw)
    assert (status is not None) == (isinstance(raw.get("id"), str) and bool(raw["id"]))
    if status is None:
        return
    assert BatchStatus.model_validate_json(orjson.dumps(status.model_dump(mode="json"))) == status
    assert describe_issues(status).strip()
    assert status.counts.total >= 0
    try:
        require_ended(status)
    except BatchError:
        assert not status.is_ended or status.is_refused


def check_pages(answers: list[bytes]) -> None:
    """Hold that a walk ends, and that an answer which is no page is an error and not the end of the list."""
    asked: list[str | None] = []

    def fetch(after: str | None) -> bytes:
        asked.append(after)
        return answers[(len(asked) - 1) % len(answers)]

    try:
        for entries in iter_pages(fetch, max_pages=5):
            for entry in entries:
                check_batch_object(entry)
                file = parse_file(entry)
                assert file is None or isinstance(orjson.dumps(file._asdict()), bytes)
    except ProviderError:
        last = parse_json(answers[(len(asked) - 1) % len(answers)])
        assert last.get("data") is None or not isinstance(last["data"], list)
    assert 1 <= len(asked) <= 5


@sizes(30)
def test_damaged_batch_object_is_read_or_has_no_id(examples: int) -> None:
    fuzz(check_batch_object, examples, damaged_batch())


@sizes(30)
def test_damaged_pages_end_or_are_an_error(examples: int) -> None:
    fuzz(check_pages, examples, st.lists(damaged_page(), min_size=1, max_size=3))


@pytest.mark.parametrize("answer", [b"<html>gateway</html>", b"", b"[]", b"{}", b'{"data": "x"}', b'{"data": {}}'])
def test_listing_that_is_no_list_is_an_error_and_not_the_end(answer: bytes) -> None:
    with pytest.raises(ProviderError, match="no page of a list"):
        list(iter_pages(lambda _: answer, max_pages=3))


@pytest.mark.parametrize("answer", [b'{"data": null}', b'{"object": "list", "data": []}', b'{"data": [{}]}'])
def test_empty_listing_is_the_end(answer: bytes) -> None:
    assert list(iter_pages(lambda _: answer, max_pages=3)) == []


def test_page_with_a_broken_character_is_read_all_the_same() -> None:
    page = write_line(PAGE, False).replace(b'"run": "r"', b'"run": "\xff"')
    (entries,) = iter_pages(lambda after: page if after is None else b'{"data": []}', max_pages=3)
    assert [entry["id"] for entry in entries] == ["batch_1", "batch_2", "file_1"]
