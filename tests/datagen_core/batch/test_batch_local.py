"""The local provider: a Batch API in this process, over a chat server of one's own."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
import stamina
from batch_helpers import ENDPOINT, make_request, read_lines
from chat_server import Behaviour, ChatServer

from datagen_core.batch import BatchStatus, RequestRefused, Submitted, retrieve_results, submit_once
from datagen_core.batch.api import BatchApi
from datagen_core.batch.local import LocalBatches
from datagen_core.batch.local.rows import RowFiles
from datagen_core.errors import FolderInUseError, InputFileError, OutputError
from datagen_core.files import Artifact, JsonObject, iter_json_array, write_jsonl

Write = Callable[..., Artifact]
CHILD = Path(__file__).with_name("local_child.py")
CANARY = "sk-canary-5e1f"
PATIENCE = 60.0


@pytest.fixture(autouse=True)
def hasty_retries() -> Iterator[None]:
    """Leave the waits between attempts out, not the attempts."""
    with stamina.set_testing(True, attempts=4):
        yield


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


def say(custom_id: str) -> str:
    return f"{custom_id} 대화를 써 줘"


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_true():
        assert time.monotonic() < deadline, "this never came true"
        time.sleep(0.01)


def wait_for_end(local: BatchApi, batch_id: str) -> BatchStatus:
    wait_until(lambda: local.fetch_batch(batch_id).is_ended)
    return local.fetch_batch(batch_id)


def submit(local: BatchApi, shard: Artifact) -> Submitted:
    return submit_once(local, Path(shard.path).with_name("ledger.jsonl"), shard, endpoint=ENDPOINT)


def retrieve(local: BatchApi, submitted: Submitted) -> dict[str, JsonObject]:
    status = wait_for_end(local, submitted.batch_id)
    output = Path(submitted.shard.path).with_name("result_lst.json")
    retrieve_results(local, [(submitted, status)], output)
    rows: list[JsonObject] = [dict(element) for _, element in iter_json_array(output, advice="")]  # pyright: ignore
    return {str(row["custom_id"]): row for row in rows}


def is_refused(local: LocalBatches, submitted: Submitted) -> bool:
    try:
        local.fetch_batch(submitted.batch_id)
    except RequestRefused:
        return True
    return False


def test_every_row_is_answered_and_comes_back_in_order(chat: ChatServer, write_requests: Write, tmp_path: Path) -> None:
    ids = [f"r{number}" for number in range(20)]
    with LocalBatches(tmp_path / ".local", chat.base_url, concurrency=4) as local:
        submitted = submit(local, write_requests(*ids))
        results = retrieve(local, submitted)
        assert local.fetch_batch(submitted.batch_id).counts.model_dump() == {"total": 20, "completed": 20, "failed": 0}
    assert list(results) == ids
    assert {row["outcome"] for row in results.values()} == {"answered"}
    assert {row["provider"] for row in results.values()} == {"local"}
    assert results["r3"]["text"] == f"답: {say('r3')}"
    assert results["r3"]["usage"] == {"prompt_tokens": 3, "cached_tokens": 0, "completion_tokens": 2}
    assert set(chat.asked.values()) == {1}
    assert chat.keys == {None}


def test_the_same_shard_is_one_batch_and_one_file(chat: ChatServer, write_requests: Write, tmp_path: Path) -> None:
    shard = write_requests("a", "b")
    batches: set[str] = set()
    for _ in range(3):
        with LocalBatches(tmp_path / ".local", chat.base_url) as local:
            batches.add(submit(local, shard).batch_id)
            (tmp_path / "ledger.jsonl").unlink()
            batches.add(submit(local, shard).batch_id)
            wait_for_end(local, next(iter(batches)))
            assert [len(page) for page in local.iter_file_pages(max_pages=9)] == [1]
    assert len(batches) == 1
    assert chat.asked == {say("a"): 1, say("b"): 1}


def test_the_limit_is_sent_under_both_of_its_names(chat: ChatServer, tmp_path: Path) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "max_completion_tokens": 77}
    shard = write_jsonl(tmp_path / "in.jsonl", [make_request("a", body=body)])
    with LocalBatches(tmp_path / ".local", chat.base_url) as local:
        retrieve(local, submit(local, shard))
    assert chat.bodies == [("/v1/chat/completions", {**body, "max_tokens": 77})]


@pytest.mark.parametrize("endpoint", ["/v1/responses", "/responses"])
def test_responses_are_asked_for_where_the_file_says_so(chat: ChatServer, endpoint: str, tmp_path: Path) -> None:
    body = {"model": "m", "input": [{"role": "user", "content": "x"}], "max_output_tokens": 9}
    shard = write_jsonl(tmp_path / "in.jsonl", [make_request("a", body=body, url=endpoint)])
    with LocalBatches(tmp_path / ".local", chat.base_url) as local:
        submitted = submit_once(local, tmp_path / "ledger.jsonl", shard, endpoint=endpoint)
        assert retrieve(local, submitted)["a"]["text"] == "답: x"
    assert chat.bodies == [("/v1/responses", body)]


def test_no_more_rows_than_allowed_are_under_way(chat: ChatServer, write_requests: Write, tmp_path: Path) -> None:
    chat.default = "hold"
    with LocalBatches(tmp_path / ".local", chat.base_url, concurrency=3) as local:
        first = submit(local, write_requests(*(f"r{number}" for number in range(5))))
        second = submit(local, write_requests(*(f"s{number}" for number in range(5)), name="more.jsonl"))
        wait_until(lambda: chat.n_now == 3)
        assert local.fetch_batch(first.batch_id).status == "in_progress"
        chat.release.set()
        for submitted in (first, second):
            assert wait_for_end(local, submitted.batch_id).counts.completed == 5
    assert chat.most == 3


@pytest.mark.parametrize(
    ("behaviours", "n_asked", "outcome", "code"),
    [
        (["400"], 1, "error", "400"),
        (["500", "500", "ok"], 3, "answered", None),
        (["500"], 4, "error", "500"),
        (["429", "429", "429", "ok"], 4, "answered", None),
        (["429"], 4, "error", "429"),
        (["drop", "ok"], 2, "answered", None),
        (["drop"], 4, "error", "server_error"),
        (["page", "ok"], 2, "answered", None),
        (["page"], 4, "error", "server_error"),
        (["503", "503", "ok"], 3, "answered", None),
        (["surrogate"], 1, "answered", None),
        (["bytes"], 1, "answered", None),
    ],
)
def test_a_row_fails_by_itself(
    behaviours: list[Behaviour],
    n_asked: int,
    outcome: str,
    code: str | None,
    chat: ChatServer,
    write_requests: Write,
    tmp_path: Path,
) -> None:
    chat.behaviours[say("bad")] = behaviours
    with LocalBatches(tmp_path / ".local", chat.base_url, concurrency=2) as local:
        results = retrieve(local, submit(local, write_requests("good", "bad", "better")))
    assert [results[name]["outcome"] for name in ("good", "bad", "better")] == ["answered", outcome, "answered"]
    error = results["bad"]["error"]
    assert (None if error is None else dict(error)["code"]) == code  # pyright: ignore
    assert chat.asked[say("bad")] == n_asked


def test_a_row_that_takes_too_long_fails_and_may_be_asked_again(
    chat: ChatServer, write_requests: Write, tmp_path: Path
) -> None:
    chat.behaviours[say("slow")] = ["hold"]
    with LocalBatches(tmp_path / ".local", chat.base_url, timeout=0.3) as local:
        results = retrieve(local, submit(local, write_requests("slow", "quick")))
    assert results["slow"]["error"] == {"code": "timeout", "message": "No answer within 0 s."}
    assert chat.asked[say("slow")] == 1


def test_nothing_begins_while_nobody_listens(free_base_url: str, write_requests: Write, tmp_path: Path) -> None:
    shard = write_requests("a")
    with LocalBatches(tmp_path / ".local", free_base_url) as local:
        with pytest.raises(RequestRefused, match=rf"{free_base_url}.*Start your server.*DATAGEN_LOCAL_BASE_URL"):
            submit(local, shard)
        assert list(local.iter_batch_pages(max_pages=9)) == []
    with ChatServer() as chat, LocalBatches(tmp_path / ".local", chat.base_url) as local:
        assert retrieve(local, submit(local, shard))["a"]["outcome"] == "answered"


def test_server_that_dies_in_the_middle_costs_no_row(write_requests: Write, tmp_path: Path) -> None:
    ids = [f"r{number}" for number in range(30)]
    first = ChatServer()
    first.behaviours = {say(name): ["hold"] for name in ids[10:]}
    with first, LocalBatches(tmp_path / ".local", first.base_url, concurrency=4) as local:
        submitted = submit(local, write_requests(*ids))
        wait_until(lambda: local.fetch_batch(submitted.batch_id).counts.completed == 10 and first.n_now == 4)
        first.behaviours = {say(name): ["drop"] for name in ids[10:]}
        first.stop()
        with ChatServer(first.port) as second:
            results = retrieve(local, submitted)
            assert {row["outcome"] for row in results.values()} == {"answered"}
            assert set(second.asked) <= {say(name) for name in ids[10:]}


def test_server_that_fails_at_every_row_costs_few(chat: ChatServer, write_requests: Write, tmp_path: Path) -> None:
    chat.default = "500"
    ids = [f"r{number}" for number in range(30)]
    with LocalBatches(tmp_path / ".local", chat.base_url, concurrency=4) as local:
        submitted = submit(local, write_requests(*ids))
        wait_until(lambda: len(chat.asked) >= 12)
        assert local.fetch_batch(submitted.batch_id).counts.failed == 8
        chat.default = "ok"
        counts = wait_for_end(local, submitted.batch_id).counts
    assert (counts.completed, counts.failed) == (22, 8)


def test_a_model_that_the_server_lacks_stops_the_batch_and_costs_no_row(
    chat: ChatServer, write_requests: Write, tmp_path: Path
) -> None:
    chat.default = "404"
    with LocalBatches(tmp_path / ".local", chat.base_url) as local:
        submitted = submit(local, write_requests("a", "b"))
        wait_until(lambda: is_refused(local, submitted))
        with pytest.raises(RequestRefused, match=r"HTTP 404 to every request: .*no, 404.*--model") as caught:
            local.fetch_batch(submitted.batch_id)
        assert caught.value.is_final
    chat.default = "ok"
    with LocalBatches(tmp_path / ".local", chat.base_url) as local:
        assert {row["outcome"] for row in retrieve(local, submitted).values()} == {"answered"}


def test_batch_that_cannot_go_on_can_be_cancelled(chat: ChatServer, write_requests: Write, tmp_path: Path) -> None:
    chat.default = "404"
    with LocalBatches(tmp_path / ".local", chat.base_url) as local:
        submitted = submit(local, write_requests("a", "b"))
        wait_until(lambda: is_refused(local, submitted))
        local.cancel_batch(submitted.batch_id)
        assert {row["outcome"] for row in retrieve(local, submitted).values()} == {"cancelled"}


def test_input_that_is_gone_stops_the_batch_until_it_is_cancelled(
    chat: ChatServer, write_requests: Write, tmp_path: Path
) -> None:
    with LocalBatches(tmp_path / ".local", chat.base_url) as local:
        file = local.upload_file(Path(write_requests("a").path), "a.jsonl", expires_after=None)
        next((tmp_path / ".local" / "files").glob("*.jsonl")).unlink()
        batch = local.create_batch(file.file_id, endpoint=ENDPOINT, completion_window="24h", metadata={})
        with pytest.raises(InputFileError, match=r"file-000001\.jsonl"):
            wait_for_end(local, batch.batch_id)
        local.cancel_batch(batch.batch_id)
        assert wait_for_end(local, batch.batch_id).status == "cancelled"


def test_cancelled_batch_keeps_what_is_done(chat: ChatServer, write_requests: Write, tmp_path: Path) -> None:
    chat.behaviours = {say(name): ["hold"] for name in ("c", "d")}
    with LocalBatches(tmp_path / ".local", chat.base_url, concurrency=2) as local:
        submitted = submit(local, write_requests("a", "b", "c", "d", "e"))
        wait_until(lambda: chat.n_now == 2)
        local.cancel_batch(submitted.batch_id)
        results = retrieve(local, submitted)
        assert local.fetch_batch(submitted.batch_id).status == "cancelled"
    outcomes = [row["outcome"] for row in results.values()]
    assert outcomes == ["answered", "answered", "cancelled", "cancelled", "cancelled"]
    assert chat.asked[say("e")] == 0


def test_batch_ends_with_its_window_and_keeps_what_is_done(
    chat: ChatServer, write_requests: Write, tmp_path: Path
) -> None:
    chat.behaviours = {say("b"): ["hold"]}
    shard = write_requests("a", "b")
    with LocalBatches(tmp_path / ".local", chat.base_url, clock=lambda: time.time() - 25 * 3600) as local:
        submitted = submit(local, shard)
        wait_until(lambda: local.fetch_batch(submitted.batch_id).counts.completed == 1)
    with LocalBatches(tmp_path / ".local", chat.base_url) as local:
        results = retrieve(local, submitted)
        assert local.fetch_batch(submitted.batch_id).status == "expired"
    assert [row["outcome"] for row in results.values()] == ["answered", "expired"]


@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        (b"", ["empty_file"]),
        (b"{", ["invalid_json_line"]),
        (b"[1]\n", ["invalid_json_line"]),
        (b'{"custom_id": 7, "url": "/v1/chat/completions", "body": {}}', ["missing_required_parameter"]),
        (b'{"custom_id": "a", "url": "/v1/chat/completions", "body": []}', ["missing_required_parameter"]),
        (b'{"custom_id": "a", "url": "/v1/responses", "body": {}}', ["url_mismatch"]),
        (b'{"custom_id": "a", "url": "/v1/chat/completions", "body": {}}\n' * 2, ["duplicate_custom_id"]),
    ],
)
def test_file_that_no_batch_api_takes_fails_unasked(
    rows: bytes, codes: list[str], chat: ChatServer, tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(rows)
    with LocalBatches(tmp_path / ".local", chat.base_url) as local:
        file = local.upload_file(path, "in.jsonl", expires_after=None)
        batch = local.create_batch(file.file_id, endpoint=ENDPOINT, completion_window="24h", metadata={})
        status = wait_for_end(local, batch.batch_id)
    assert status.is_refused
    assert [issue.code for issue in status.errors] == codes
    assert not chat.asked


def test_unknown_ids_and_endpoints_are_refused(chat: ChatServer, write_requests: Write, tmp_path: Path) -> None:
    with LocalBatches(tmp_path / ".local", chat.base_url) as local:
        calls: list[Callable[[], object]] = [
            lambda: local.fetch_batch("batch_9"),
            lambda: local.cancel_batch("batch_9"),
            lambda: local.fetch_file("file-9"),
            lambda: local.download_file("../identity", tmp_path / "out"),
            lambda: local.create_batch("file-9", endpoint=ENDPOINT, completion_window="24h", metadata={}),
        ]
        for call in calls:
            with pytest.raises(RequestRefused, match="knows no") as caught:
                call()
            assert caught.value.status == 404
        file = local.upload_file(Path(write_requests("a").path), "a", expires_after=None)
        with pytest.raises(RequestRefused, match="/v1/embeddings"):
            local.create_batch(file.file_id, endpoint="/v1/embeddings", completion_window="24h", metadata={})


def test_one_folder_is_worked_on_once(chat: ChatServer, tmp_path: Path) -> None:
    with (
        LocalBatches(tmp_path / ".local", chat.base_url),
        pytest.raises(FolderInUseError, match="local provider"),
        LocalBatches(tmp_path / ".local", chat.base_url),
    ):
        pass


def test_damaged_state_is_named(chat: ChatServer, tmp_path: Path) -> None:
    with LocalBatches(tmp_path / ".local", chat.base_url):
        pass
    (tmp_path / ".local" / "identity.json").write_bytes(b"{")
    with (
        pytest.raises(InputFileError, match=r"identity\.json.*remove the folder"),
        LocalBatches(tmp_path / ".local", chat.base_url),
    ):
        pass
    (tmp_path / ".local" / "identity.json").unlink()
    with LocalBatches(tmp_path / ".local", chat.base_url):  # the failed start let go of the folder
        pass


def test_full_disk_is_said_and_loses_nothing(chat: ChatServer, tmp_path: Path) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "가" * 30_000}]}
    shard = write_jsonl(tmp_path / "in.jsonl", [make_request(name, body=body) for name in "abc"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with LocalBatches(tmp_path / ".local", chat.base_url, concurrency=1) as local:
        chat.default = "hold"
        submitted = submit(local, shard)
        chat.holding.wait(PATIENCE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
        try:
            chat.release.set()

            def is_told() -> bool:
                try:
                    local.fetch_batch(submitted.batch_id)
                except OutputError as error:
                    return "too large" in str(error)
                return False

            wait_until(is_told)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        wait_until(lambda: not is_told())
        results = retrieve(local, submitted)
    assert [row["outcome"] for row in results.values()] == ["answered"] * 3
    assert set(chat.asked.values()) == {3}


def test_key_is_sent_and_stands_nowhere(chat: ChatServer, write_requests: Write, tmp_path: Path) -> None:
    chat.behaviours[say("a")] = ["echo"]
    with LocalBatches(tmp_path / ".local", chat.base_url, api_key=CANARY) as local:
        assert CANARY not in repr(local)
        retrieve(local, submit(local, write_requests("a", "b")))
    assert chat.keys == {f"Bearer {CANARY}"}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]


def test_torn_row_is_cut_off_and_the_rest_is_kept(tmp_path: Path) -> None:
    output, errors = tmp_path / "output.jsonl", tmp_path / "errors.jsonl"
    lines = [orjson.dumps({"custom_id": name, "response": {}}) + b"\n" for name in "abc"]
    output.write_bytes(b"".join(lines)[:-9])
    errors.write_bytes(b"no row\n")
    files = RowFiles(output, errors)
    assert files.finished == {"a", "b"}
    assert (files.n_answered, files.n_failed) == (2, 0)
    files.append("c", lines[2], is_error=False)
    files.close()
    assert output.read_bytes() == b"".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("n_kills", [4])
def test_killed_again_and_again_each_row_is_answered_once(
    n_kills: int, chat: ChatServer, write_requests: Write, tmp_path: Path
) -> None:
    ids = [f"r{number:03d}" for number in range(80)]
    shard = write_requests(*ids)
    step = len(ids) // (n_kills + 1)
    for number in range(n_kills):
        chat.release.clear()
        chat.behaviours = {say(name): ["hold"] for name in ids[(number + 1) * step :]}
        command = [sys.executable, str(CHILD), chat.base_url, str(tmp_path / ".local"), shard.path, "4"]
        child = subprocess.Popen(command)
        wait_until(lambda: chat.n_now == 4)
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        chat.release.set()
        wait_until(lambda: chat.n_now == 0)
        answered = read_lines(next((tmp_path / ".local" / "batches").glob("*_output.jsonl")))
        assert len(answered) == (number + 1) * step
    chat.behaviours = {}
    with LocalBatches(tmp_path / ".local", chat.base_url) as local:
        results = retrieve(local, submit(local, shard))
        assert [len(page) for page in local.iter_batch_pages(max_pages=9)] == [1]
    assert list(results) == ids
    assert {row["outcome"] for row in results.values()} == {"answered"}
    assert chat.asked.total() <= len(ids) + 4 * n_kills


def test_batches_and_files_are_listed_newest_first(chat: ChatServer, write_requests: Write, tmp_path: Path) -> None:
    with LocalBatches(tmp_path / ".local", chat.base_url) as local:
        submitted = [submit(local, write_requests(f"r{number}", name=f"{number}.jsonl")) for number in range(3)]
        pages = list(local.iter_batch_pages(max_pages=9))
        files = list(local.iter_file_pages(max_pages=9))
    assert [[batch.batch_id for batch in page] for page in pages] == [[one.batch_id for one in reversed(submitted)]]
    assert [[file.file_id for file in page] for page in files] == [[one.input_file_id for one in reversed(submitted)]]


def test_rows_are_those_that_the_batch_api_writes(chat: ChatServer, write_requests: Write, tmp_path: Path) -> None:
    chat.behaviours[say("b")] = ["400"]
    with LocalBatches(tmp_path / ".local", chat.base_url) as local:
        submitted = submit(local, write_requests("a", "b"))
        status = wait_for_end(local, submitted.batch_id)
        for file_id in (status.output_file_id, status.error_file_id):
            local.download_file(str(file_id), tmp_path / f"{file_id}.jsonl")
    (answer,) = read_lines(tmp_path / f"{status.output_file_id}.jsonl")
    (error,) = read_lines(tmp_path / f"{status.error_file_id}.jsonl")
    assert [set(row) for row in (answer, error)] == [{"id", "custom_id", "response", "error"}] * 2
    assert json.loads(json.dumps(error["response"]))["status_code"] == 400
