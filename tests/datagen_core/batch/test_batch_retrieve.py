from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import stamina
from batch_helpers import ENDPOINT, make_error_row, make_row, read_results
from fake_provider import FakeProvider, Json

from datagen_core.batch import (
    BatchClient,
    BatchStatus,
    Submitted,
    check_batch,
    retrieve_by_id,
    retrieve_results,
    submit_once,
)
from datagen_core.batch.merging import OUTPUT_GONE
from datagen_core.batch.models import Shard
from datagen_core.batch.outcomes import classify
from datagen_core.batch.reporting import MAX_ID, MAX_TOLD, BatchReport, read_retrieval, report_path
from datagen_core.batch.retrieve import GONE_SECONDS, LOOKS, read_asked
from datagen_core.errors import BatchFailed, BatchNotReady, InputFileError, ProviderError
from datagen_core.files import Artifact, describe

Submit = Callable[..., Submitted]
Pair = tuple[Submitted, BatchStatus]


@pytest.fixture
def submit(client: BatchClient, write_requests: Callable[..., Artifact], tmp_path: Path) -> Submit:
    def run(*ids: str, name: str = "batch_input.jsonl") -> Submitted:
        return submit_once(client, tmp_path / "ledger.jsonl", write_requests(*ids, name=name), endpoint=ENDPOINT)

    return run


@pytest.fixture
def retrieve(client: BatchClient, tmp_path: Path) -> Callable[..., list[tuple[str, str, str | None]]]:
    def run(*submitted: Submitted) -> list[tuple[str, str, str | None]]:
        pairs: list[Pair] = [(shard, check_batch(client, shard)) for shard in submitted]
        artifact = retrieve_results(client, pairs, tmp_path / "out" / "result_lst.json")
        assert artifact.rows == sum(shard.shard.rows for shard in submitted)
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["result_lst.json", "retrieval.json"]
        results = read_results(Path(artifact.path))
        return [(result["custom_id"], result["outcome"], result["text"]) for result in results]

    return run


Retrieve = Callable[..., list[tuple[str, str, str | None]]]


@pytest.fixture
def no_pauses() -> Iterator[None]:
    """Let the library that repeats not wait between its tries, of which there are as many as ever."""
    with stamina.set_testing(True, attempts=LOOKS, cap=True):
        yield


class FoundLater(BatchClient):
    """The real client, on whose first download something happens at the provider afterwards."""

    def __init__(self, provider: FakeProvider, then: Callable[[], object]) -> None:
        super().__init__(provider.base_url, provider.key, "fake:project")
        self.then = then

    def download_file(self, file_id: str, destination: Path) -> None:
        try:
            super().download_file(file_id, destination)
        finally:
            self.then()


def read_report(output: Path) -> BatchReport:
    (report,) = read_retrieval(report_path(output)).batches
    return report


def describe_shard(path: Path) -> Shard:
    return Shard(**describe(path, 0).model_dump())


def test_results_stand_in_the_order_of_requests(provider: FakeProvider, submit: Submit, retrieve: Retrieve) -> None:
    submitted = submit("a", "b", "c", "d")
    provider.finish(
        submitted.batch_id,
        output=[make_row("c", "셋"), make_row("a", "하나")],
        errors=[make_error_row("b", "server_error")],
    )
    assert retrieve(submitted) == [
        ("a", "answered", "하나"),
        ("b", "error", None),
        ("c", "answered", "셋"),
        ("d", "missing", None),
    ]


def test_every_result_names_its_provider(
    provider: FakeProvider, submit: Submit, client: BatchClient, tmp_path: Path
) -> None:
    submitted = submit("a", "b", "c")
    row = make_row("a")
    row["response"]["body"]["system_fingerprint"] = "simulator"  # pyright: ignore[reportIndexIssue]
    provider.finish(submitted.batch_id, output=[row, make_row("b")])
    output = tmp_path / "result_lst.json"
    retrieve_results(client, [(submitted, check_batch(client, submitted))], output)
    assert [result["provider"] for result in read_results(output)] == ["simulator", "fake", "fake"]


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_ended_early_gives_what_was_paid_for(
    status: str, provider: FakeProvider, submit: Submit, retrieve: Retrieve
) -> None:
    submitted = submit("a", "b", "c")
    provider.finish(
        submitted.batch_id, output=[make_row("b", "둘")], errors=[make_error_row("c", f"batch_{status}")], status=status
    )
    assert retrieve(submitted) == [("a", status, None), ("b", "answered", "둘"), ("c", status, None)]


def test_first_paid_row_of_several_counts(provider: FakeProvider, submit: Submit, retrieve: Retrieve) -> None:
    submitted = submit("a", "b")
    rows: list[Json | bytes] = [
        make_error_row("a", "x"),
        make_row("a", "첫째"),
        make_row("a", "둘째"),
        make_row("b", "b"),
    ]
    provider.finish(submitted.batch_id, output=rows, errors=[make_error_row("b", "late")])
    assert retrieve(submitted) == [("a", "answered", "첫째"), ("b", "answered", "b")]


def test_odd_lines_are_passed_over_and_logged(
    provider: FakeProvider, submit: Submit, retrieve: Retrieve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    submitted = submit("a", "b")
    rows: list[Json | bytes] = [b'{"custom_id": "a", "respon', b"", make_row("stranger"), make_row("b", "둘"), b"[]"]
    provider.finish(submitted.batch_id, output=rows, error_file_id="")
    assert retrieve(submitted) == [("a", "missing", None), ("b", "answered", "둘")]
    assert "2 lines cannot be read, the first in output.jsonl, line 1: is no JSON" in caplog.text
    assert "1 rows have a custom_id never asked for and were passed over: stranger." in caplog.text
    assert "1 requests have no row: a." in caplog.text


def test_completed_without_files_is_all_missing(provider: FakeProvider, submit: Submit, retrieve: Retrieve) -> None:
    submitted = submit("a", "b")
    provider.finish(submitted.batch_id, error_file_id="")
    assert retrieve(submitted) == [("a", "missing", None), ("b", "missing", None)]


def test_refused_batch_gives_its_reason_for_every_request(
    provider: FakeProvider, submit: Submit, client: BatchClient, tmp_path: Path
) -> None:
    submitted = submit("a", "b")
    provider.finish(submitted.batch_id, status="failed")
    provider.batches[0]["errors"] = {"data": [{"code": "invalid_json_line", "message": "Bad.", "line": 2}]}
    output = tmp_path / "result_lst.json"
    retrieve_results(client, [(submitted, check_batch(client, submitted))], output)
    expected = {"code": "batch_failed", "message": "line 2: invalid_json_line: Bad."}
    assert [result["error"] for result in read_results(output)] == [expected, expected]
    assert [classify(result) for result in read_results(output)] == ["retryable", "retryable"], "they never ran"


def test_failed_batch_with_partial_files_gives_what_was_paid_for(
    provider: FakeProvider, submit: Submit, retrieve: Retrieve
) -> None:
    submitted = submit("a", "b", "c")
    provider.finish(
        submitted.batch_id, output=[make_row("b", "둘")], errors=[make_error_row("c", "server_error")], status="failed"
    )
    assert retrieve(submitted) == [("a", "error", None), ("b", "answered", "둘"), ("c", "error", None)]


def test_error_file_of_a_refused_batch_is_read(provider: FakeProvider, submit: Submit, retrieve: Retrieve) -> None:
    submitted = submit("a", "b")
    provider.finish(submitted.batch_id, errors=[make_row("b", "둘")], status="failed")
    assert retrieve(submitted) == [("a", "error", None), ("b", "answered", "둘")]


def test_several_shards_are_one_list(provider: FakeProvider, submit: Submit, retrieve: Retrieve) -> None:
    first, second = submit("a", "b"), submit("c", name="other.jsonl")
    provider.finish(first.batch_id, output=[make_row("b", "둘"), make_row("a", "하나")])
    provider.finish(second.batch_id, errors=[], output=[make_row("c", "셋")], status="Expired")
    assert [text for *_, text in retrieve(first, second)] == ["하나", "둘", "셋"]


def test_download_that_breaks_off_is_begun_again(provider: FakeProvider, submit: Submit, retrieve: Retrieve) -> None:
    submitted = submit("a")
    provider.finish(submitted.batch_id, output=[make_row("a", "하나")])
    provider.download_faults.append("lost")
    assert retrieve(submitted) == [("a", "answered", "하나")]


def test_three_retrievals_at_once_leave_each_other_alone(
    client: BatchClient, submit: Submit, provider: FakeProvider, tmp_path: Path
) -> None:
    submitted = submit("a", "b")
    provider.finish(submitted.batch_id, output=[make_row("a", "하나"), make_row("b", "둘")])
    pairs: list[Pair] = [(submitted, check_batch(client, submitted))]
    output = tmp_path / "out" / "result_lst.json"
    provider.download_gate = threading.Barrier(3)
    with ThreadPoolExecutor(3) as executor:
        runs = [executor.submit(retrieve_results, client, pairs, output) for _ in range(3)]
    assert [run.result() for run in runs] == [runs[0].result()] * 3
    assert sorted(path.name for path in output.parent.iterdir()) == ["result_lst.json", "retrieval.json"]
    assert [result["text"] for result in read_results(output)] == ["하나", "둘"]


def test_folder_that_a_killed_run_left_is_cleared_a_day_later(client: BatchClient, tmp_path: Path) -> None:
    stale, fresh = (tmp_path / f".result_lst.json.download-{name}" for name in ("stale", "fresh"))
    for folder in (stale, fresh):
        folder.mkdir()
        (folder / "output.jsonl").write_text("{}\n")
    os.utime(stale, (0, 0))
    retrieve_results(client, [], tmp_path / "result_lst.json")
    assert not stale.exists()
    assert fresh.exists(), "another process may be using it"


def test_batch_that_goes_on_leaves_the_output_alone(
    client: BatchClient, submit: Submit, provider: FakeProvider, tmp_path: Path
) -> None:
    output = tmp_path / "result_lst.json"
    output.write_text("[]\n")
    submitted = submit("a")
    with pytest.raises(BatchNotReady):
        retrieve_results(client, [(submitted, check_batch(client, submitted))], output)
    with pytest.raises(BatchNotReady):
        retrieve_by_id(client, submitted.batch_id, output)
    assert output.read_text() == "[]\n"


def test_output_file_not_found_soon_after_the_end_is_an_error_and_not_an_empty_result(
    client: BatchClient, submit: Submit, provider: FakeProvider, tmp_path: Path, no_pauses: None
) -> None:
    submitted = submit("a")
    provider.finish(submitted.batch_id, output=[make_row("a")])
    provider.files.pop(str(provider.batches[0]["output_file_id"]))
    with pytest.raises(ProviderError, match=r"does not find its output file 'file_.*again later"):
        retrieve_results(client, [(submitted, check_batch(client, submitted))], tmp_path / "out" / "result_lst.json")
    assert list((tmp_path / "out").iterdir()) == []
    assert sum(call.path.endswith("/content") for call in provider.calls) == LOOKS


def test_output_file_that_stays_gone_blocks_nothing_and_is_told(
    client: BatchClient,
    submit: Submit,
    provider: FakeProvider,
    tmp_path: Path,
    no_pauses: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    submitted = submit("a", "b")
    provider.finish(submitted.batch_id, output=[make_row("a")], errors=[make_error_row("b", "server_error")])
    file_id = str(provider.batches[0]["output_file_id"])
    provider.files.pop(file_id)
    status = check_batch(client, submitted)
    output = tmp_path / "result_lst.json"
    assert status.finished_at is not None
    ended = status.finished_at
    retrieve_results(client, [(submitted, status)], output, clock=lambda: ended + GONE_SECONDS)
    results = read_results(output)
    assert [result["outcome"] for result in results] == ["missing", "error"]
    error = results[0]["error"]
    assert error is not None
    assert (error["code"], file_id in error["message"], classify(results[0])) == (OUTPUT_GONE, True, "unknown")
    assert read_report(output).missing_files == (f"output file {file_id}",)
    assert [record.levelname for record in caplog.records if file_id in record.message] == ["ERROR"]


def test_file_that_is_found_at_the_second_look_is_read(
    client: BatchClient, submit: Submit, provider: FakeProvider, tmp_path: Path, no_pauses: None
) -> None:
    submitted = submit("a")
    provider.finish(submitted.batch_id, output=[make_row("a", "하나")])
    file_id = str(provider.batches[0]["output_file_id"])
    hidden = provider.files.pop(file_id)
    output = tmp_path / "result_lst.json"
    with FoundLater(provider, lambda: provider.files.update({file_id: hidden})) as lagging:
        retrieve_results(lagging, [(submitted, check_batch(client, submitted))], output)
    assert [result["text"] for result in read_results(output)] == ["하나"]
    assert read_report(output).is_clean


def test_error_file_that_is_gone_costs_reasons_only(
    client: BatchClient, submit: Submit, provider: FakeProvider, tmp_path: Path, no_pauses: None
) -> None:
    submitted = submit("a", "b")
    provider.finish(submitted.batch_id, output=[make_row("b", "둘")], error_file_id="file_gone")
    output = tmp_path / "result_lst.json"
    retrieve_results(client, [(submitted, check_batch(client, submitted))], output)
    assert [result["outcome"] for result in read_results(output)] == ["missing", "answered"]
    assert read_report(output).missing_files == ("error file file_gone",)


def test_report_tells_all_that_is_not_one_row_for_each_request(
    client: BatchClient, submit: Submit, provider: FakeProvider, tmp_path: Path
) -> None:
    submitted = submit("a", "b", "c", "d", "e")
    rows: list[Json | bytes] = [
        make_row("a", "하나"),
        make_row("stranger"),
        b"{cut",
        make_row("a", "하나 더"),
        make_row("b", None, refusal="안 돼요."),
        make_row("stranger"),
    ]
    errors: list[Json | bytes] = [make_error_row("c", "server_error"), make_error_row("a", "late"), b"[3]"]
    provider.finish(submitted.batch_id, output=rows, errors=errors)
    provider.batches[0]["request_counts"] = {"total": 5, "completed": 2, "failed": 0}
    output = tmp_path / "gold_results.json"
    retrieve_results(client, [(submitted, check_batch(client, submitted))], output)
    report = read_report(output)
    assert (report.batch_id, report.status, report.requests, report.rows) == (submitted.batch_id, "completed", 5, 7)
    assert report.classes == {"good": 1, "retryable": 1, "final": 1, "unknown": 2}
    assert (report.duplicated.count, report.duplicated.ids) == (2, ("a", "a"))
    assert (report.foreign.count, report.foreign.ids) == (2, ("stranger", "stranger"))
    assert (report.missing.count, report.missing.ids) == (2, ("d", "e"))
    faults = [(fault.file, fault.line) for fault in report.unreadable.lines]
    assert (report.unreadable.count, faults) == (2, [("output.jsonl", 3), ("errors.jsonl", 3)])
    assert (report.counts.completed, report.counts_add_up, report.is_clean) == (2, False, False)


def test_report_names_the_first_twenty_and_counts_all(
    client: BatchClient, submit: Submit, provider: FakeProvider, tmp_path: Path
) -> None:
    asked = [f"asked-{number:02d}" for number in range(30)]
    submitted = submit(*asked)
    rows: list[Json | bytes] = [make_row(f"strange-{number:02d}" * 40) for number in range(25)]
    provider.finish(submitted.batch_id, output=[*rows, *[b"{"] * 23])
    output = tmp_path / "result_lst.json"
    retrieve_results(client, [(submitted, check_batch(client, submitted))], output)
    report = read_report(output)
    assert (report.missing.count, report.missing.ids) == (30, tuple(asked[:MAX_TOLD]))
    assert (report.foreign.count, len(report.foreign.ids), report.unreadable.count) == (25, MAX_TOLD, 23)
    assert max(map(len, report.foreign.ids)) == MAX_ID


def test_report_stands_beside_results_of_the_same_name() -> None:
    assert report_path(Path("a/result_lst.json")) == Path("a/retrieval.json")
    assert report_path(Path("a/batch_1.json")) == Path("a/batch_1_retrieval.json")


def test_report_that_is_no_report_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "retrieval.json").write_text('{"batches": [{"batch_id": 3}]}')
    with pytest.raises(InputFileError, match=r"batches\.0\.batch_id"):
        read_retrieval(tmp_path / "retrieval.json")


@pytest.mark.parametrize("line", ['{"custom_id": "a"}\n{"body": 1}\n', '{"custom_id": "a"}\n{cut\n'])
def test_shard_that_was_sent_with_a_bad_line_is_an_error(tmp_path: Path, line: str) -> None:
    path = tmp_path / "shard.jsonl"
    path.write_text(line)
    with pytest.raises(InputFileError, match=r"shard\.jsonl, line 2"):
        read_asked(describe_shard(path))


def test_custom_ids_of_a_shard_are_those_that_a_json_reader_finds(tmp_path: Path) -> None:
    lines = [
        '{"custom_id":"가-1","body":{}}',
        '{"custom_id": "b", "body": {"custom_id": "not this"}}',
        '{"body": {"text": "\\"custom_id\\": \\"nor this\\""}, "custom_id": "c"}',
        '{"custom_id":"d","custom_id":"e"}',
        '{"custom_id":"f\\u0041"}',
    ]
    path = tmp_path / "shard.jsonl"
    path.write_text("\n".join([*lines, ""]))
    assert read_asked(describe_shard(path)) == [json.loads(line)["custom_id"] for line in lines]
    assert read_asked(describe_shard(path))[3:] == ["e", "fA"]


def test_shard_changed_since_it_was_sent_is_an_error(
    client: BatchClient, submit: Submit, provider: FakeProvider, tmp_path: Path
) -> None:
    submitted = submit("a")
    provider.finish(submitted.batch_id, output=[make_row("a")])
    Path(submitted.shard.path).write_text("{}\n")
    with pytest.raises(InputFileError, match="retrieve the batch by its id"):
        retrieve_results(client, [(submitted, check_batch(client, submitted))], tmp_path / "result_lst.json")


def retrieve_texts(client: BatchClient, batch_id: str, output: Path) -> list[tuple[str, str]]:
    retrieve_by_id(client, batch_id, output)
    return [(result["custom_id"], result["outcome"]) for result in read_results(output)]


def test_batch_known_by_its_id_alone(
    client: BatchClient, submit: Submit, provider: FakeProvider, tmp_path: Path
) -> None:
    submitted = submit("z", "y", "x")
    provider.finish(submitted.batch_id, output=[make_row("x"), make_row("z")])
    output = tmp_path / "result_lst.json"
    asked_for = [("z", "answered"), ("y", "missing"), ("x", "answered")]
    assert retrieve_texts(client, submitted.batch_id, output) == asked_for
    provider.files.pop(submitted.input_file_id)
    assert retrieve_texts(client, submitted.batch_id, output) == [("x", "answered"), ("z", "answered")]


def test_refused_batch_known_by_its_id_alone_is_an_error(
    client: BatchClient, submit: Submit, provider: FakeProvider, tmp_path: Path
) -> None:
    submitted = submit("a")
    provider.finish(submitted.batch_id, status="failed")
    with pytest.raises(BatchFailed):
        retrieve_by_id(client, submitted.batch_id, tmp_path / "result_lst.json")
