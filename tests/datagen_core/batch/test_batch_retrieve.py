from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
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
from datagen_core.errors import BatchFailed, BatchNotReady, InputFileError, ProviderError
from datagen_core.files import Artifact

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
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["result_lst.json"]
        results = read_results(Path(artifact.path))
        return [(result["custom_id"], result["outcome"], result["text"]) for result in results]

    return run


Retrieve = Callable[..., list[tuple[str, str, str | None]]]


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
    assert "output.jsonl: 2 lines cannot be read" in caplog.text
    assert "1 rows with a custom_id never asked for" in caplog.text


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
    expected = {"code": "invalid_json_line", "message": "line 2: invalid_json_line: Bad."}
    assert [result["error"] for result in read_results(output)] == [expected, expected]


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
    assert [path.name for path in output.parent.iterdir()] == ["result_lst.json"]
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


def test_output_file_that_is_gone_is_an_error_and_not_an_empty_result(
    client: BatchClient, submit: Submit, provider: FakeProvider, tmp_path: Path
) -> None:
    submitted = submit("a")
    provider.finish(submitted.batch_id, output=[make_row("a")])
    provider.files.pop(str(provider.batches[0]["output_file_id"]))
    with pytest.raises(ProviderError, match="HTTP 404 while downloading file"):
        retrieve_results(client, [(submitted, check_batch(client, submitted))], tmp_path / "out" / "result_lst.json")
    assert list((tmp_path / "out").iterdir()) == []


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
