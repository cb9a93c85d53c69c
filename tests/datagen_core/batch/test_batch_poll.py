from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from batch_helpers import ENDPOINT, make_row
from fake_provider import FakeProvider

from datagen_core.batch import (
    METADATA_KEY,
    BatchClient,
    BatchInputStatus,
    ShardStatus,
    Submitted,
    check_batch,
    read_status,
    require_ended,
    submit_once,
    write_status,
)
from datagen_core.batch.models import BatchStatus
from datagen_core.batch.poll import (
    DEADLINE_SECONDS,
    GRACE_SECONDS,
    STUCK_SECONDS,
    describe_stuck,
    is_worth_resubmitting,
    read_window,
    require_in_time,
)
from datagen_core.batch.submit import submit_again
from datagen_core.errors import BatchError, BatchFailed, BatchNotReady, InputFileError, ProviderError, SubmissionUnknown
from datagen_core.files import Artifact, JsonObject


@pytest.fixture
def submitted(client: BatchClient, write_requests: Callable[..., Artifact], tmp_path: Path) -> Submitted:
    return submit_once(client, tmp_path / "ledger.jsonl", write_requests("a", "b"), endpoint=ENDPOINT)


@pytest.mark.parametrize("status", ["validating", "in_progress", "finalizing", "cancelling", "queued_by_gnomes"])
def test_batch_that_goes_on_is_not_ready(
    status: str, provider: FakeProvider, client: BatchClient, submitted: Submitted
) -> None:
    provider.batches[0] |= {"status": status, "request_counts": {"total": 2, "completed": 1, "failed": 0}}
    found = check_batch(client, submitted)
    assert not found.is_ended
    with pytest.raises(BatchNotReady, match=f"is {status}: 1 of 2 requests done"):
        require_ended(found)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("completed", "completed"),
        ("COMPLETED", "completed"),
        ("expired", "expired"),
        ("cancelled", "cancelled"),
        ("Canceled", "cancelled"),
    ],
)
def test_batch_that_may_hold_paid_output_has_ended(
    status: str, expected: str, provider: FakeProvider, client: BatchClient, submitted: Submitted
) -> None:
    provider.finish(submitted.batch_id, output=[], status=status)
    provider.batches[0][f"{expected}_at"] = 1_790_000_100
    found = check_batch(client, submitted)
    require_ended(found)
    assert (found.status, found.finished_at) == (expected, 1_790_000_100.0)


def test_fields_that_servers_leave_out_or_empty(
    provider: FakeProvider, client: BatchClient, submitted: Submitted
) -> None:
    provider.finish(submitted.batch_id, error_file_id="", output_file_id="", errors=None)
    for name in ("request_counts", "metadata", "created_at"):
        del provider.batches[0][name]
    found = check_batch(client, submitted)
    assert found.is_ended
    assert (found.output_file_id, found.error_file_id, found.created_at) == (None, None, None)
    assert (found.counts.total, found.metadata, found.errors) == (0, {}, ())


@pytest.mark.parametrize(
    ("errors", "text"),
    [
        ("out of gnomes", "no code: out of gnomes"),
        (["one", {"code": "two"}], "no code: one; two: no message"),
        ({"object": "list", "data": []}, "the provider gave no reason"),
        (None, "the provider gave no reason"),
        (
            {"data": [{"code": "invalid_json_line", "message": "Bad line.", "line": 3, "param": "body"}]},
            r"line 3: invalid_json_line: Bad line. \(field 'body'\)",
        ),
        ({"data": [{"code": "duplicate_custom_id", "line": line} for line in range(30)]}, "and 20 more"),
    ],
)
def test_refused_batch_says_why(
    errors: object, text: str, provider: FakeProvider, client: BatchClient, submitted: Submitted
) -> None:
    provider.finish(submitted.batch_id, status="failed")
    provider.batches[0]["errors"] = errors
    found = check_batch(client, submitted)
    assert not found.is_resubmittable
    with pytest.raises(BatchFailed, match=text):
        require_ended(found)


def test_full_queue_is_reported_as_resubmittable(
    provider: FakeProvider, client: BatchClient, submitted: Submitted, tmp_path: Path
) -> None:
    provider.finish(submitted.batch_id, status="failed")
    provider.batches[0]["errors"] = {"data": [{"code": "token_limit_exceeded", "message": "Too many tokens."}]}
    found = check_batch(client, submitted)
    assert found.is_resubmittable
    again = submit_once(
        client, tmp_path / "ledger.jsonl", submitted.shard, endpoint=ENDPOINT, generation=submitted.generation + 1
    )
    assert again.key == submitted.key[:-1] + "1"
    assert again.input_file_id != submitted.input_file_id, "a lost creation is looked up by its file too"
    assert len(provider.batches) == 2


@pytest.mark.parametrize(
    ("codes", "expected", "advice"),
    [
        (["token_limit_exceeded"], True, "Once running batches have made room, submit the same requests again"),
        (["billing_hard_limit_reached"], True, "See to what is named, then submit the same requests again"),
        (["out_of_gnomes", None], True, "then submit the same requests again"),
        ([], True, "then submit the same requests again"),
        (["invalid_json_line"], False, "The same file would be refused again"),
        (["Duplicate_Custom_Id"], False, "The same file would be refused again"),
        (["url_mismatch"], False, "The same file would be refused again"),
        (["model_mismatch"], False, "The same file would be refused again"),
        (["empty_file"], False, "The same file would be refused again"),
        (["too_many_tasks"], False, "The same file would be refused again"),
        (["missing_required_parameter"], False, "The same file would be refused again"),
        (["invalid_custom_id"], False, "The same file would be refused again"),
        (["billing_hard_limit_reached", "invalid_json_line"], False, "The same file would be refused again"),
    ],
)
def test_refusal_is_worth_another_try_unless_the_file_is_at_fault(
    codes: list[str | None],
    expected: bool,
    advice: str,
    provider: FakeProvider,
    client: BatchClient,
    submitted: Submitted,
) -> None:
    provider.finish(submitted.batch_id, status="failed")
    provider.batches[0]["errors"] = {"data": [{"code": code, "message": "m"} for code in codes]}
    found = check_batch(client, submitted)
    assert is_worth_resubmitting(found) is expected
    with pytest.raises(BatchFailed, match=f"Nothing was billed.*{advice}"):
        require_ended(found)


@pytest.mark.parametrize("status", ["in_progress", "completed", "expired", "cancelled"])
def test_batch_that_was_not_refused_is_not_worth_another_try(
    status: str, provider: FakeProvider, client: BatchClient, submitted: Submitted, tmp_path: Path
) -> None:
    provider.finish(submitted.batch_id, status=status)
    assert not is_worth_resubmitting(check_batch(client, submitted))
    with pytest.raises(BatchError, match=f"is {status} and was not refused"):
        submit_again(client, tmp_path / "ledger.jsonl", submitted, endpoint=ENDPOINT)
    assert len(provider.batches) == 1


def test_refused_shard_is_submitted_again_once(
    provider: FakeProvider, client: BatchClient, submitted: Submitted, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    provider.finish(submitted.batch_id, status="failed")
    again = submit_again(client, ledger, submitted, endpoint=ENDPOINT, metadata={"run": "r"})
    assert submit_again(client, ledger, submitted, endpoint=ENDPOINT) == again
    assert (again.generation, again.shard, len(provider.batches)) == (1, submitted.shard, 2)
    assert provider.batches[0]["metadata"] == {"run": "r", METADATA_KEY: again.key}
    provider.finish(again.batch_id, status="failed")
    third = submit_again(client, ledger, again, endpoint=ENDPOINT)
    assert (third.generation, len(provider.batches)) == (2, 3)
    provider.finish(third.batch_id, output=[make_row("a"), make_row("b")])
    require_ended(check_batch(client, third))


def test_lost_answer_to_another_try_is_looked_up(
    provider: FakeProvider, client: BatchClient, submitted: Submitted, tmp_path: Path
) -> None:
    provider.finish(submitted.batch_id, status="failed")
    provider.batch_faults.append("lost")

    def submit() -> Submitted:
        return submit_again(client, tmp_path / "ledger.jsonl", submitted, endpoint=ENDPOINT, sleep=lambda _: None)

    with pytest.raises(SubmissionUnknown):
        submit()
    assert submit().batch_id == provider.batches[0]["id"]
    assert len(provider.batches) == 2


def test_batch_that_goes_on_past_its_window_is_an_error(
    provider: FakeProvider, client: BatchClient, submitted: Submitted
) -> None:
    found, deadline = check_batch(client, submitted), submitted.submitted_at + DEADLINE_SECONDS
    require_in_time(found, submitted, now=deadline)
    with pytest.raises(BatchError, match=r"is still validating 26 hours after it was submitted.*datagen cancel"):
        require_in_time(found, submitted, now=deadline + 1)
    provider.finish(submitted.batch_id, status="expired")
    require_in_time(check_batch(client, submitted), submitted, now=deadline + 1)


@pytest.mark.parametrize(("window", "seconds"), [("24h", 86_400), ("7d", 604_800), ("soon", 86_400), ("0h", 86_400)])
def test_a_longer_window_gives_a_batch_longer(window: str, seconds: int, submitted: Submitted) -> None:
    assert read_window(window) == seconds
    going = BatchStatus(batch_id=submitted.batch_id, status="in_progress")
    last = submitted.submitted_at + seconds + GRACE_SECONDS
    require_in_time(going, submitted, now=last, window_seconds=read_window(window))
    with pytest.raises(BatchError, match="in_progress"):
        require_in_time(going, submitted, now=last + 1, window_seconds=read_window(window))


@pytest.mark.parametrize("phase", ["validating", "finalizing"])
def test_a_batch_that_stays_in_a_short_phase_is_told_of(phase: str, submitted: Submitted) -> None:
    since = submitted.submitted_at
    stuck = BatchStatus(batch_id=submitted.batch_id, status=phase, finalizing_at=since)
    assert describe_stuck(stuck, submitted, now=since + STUCK_SECONDS[phase] - 1) is None
    told = describe_stuck(stuck, submitted, now=since + STUCK_SECONDS[phase] + 360)
    assert told is not None
    assert f"has been {phase} for {STUCK_SECONDS[phase] / 3600 + 0.1:.1f} hours" in told
    assert ("datagen cancel" in told) == (phase == "validating")  # a finalizing batch takes no cancellation


@pytest.mark.parametrize("status", ["in_progress", "completed", "cancelling"])
def test_no_other_phase_is_called_stuck(status: str, submitted: Submitted) -> None:
    going = BatchStatus(batch_id=submitted.batch_id, status=status, finalizing_at=submitted.submitted_at)
    assert describe_stuck(going, submitted, now=submitted.submitted_at + DEADLINE_SECONDS) is None


def test_failed_batch_with_output_is_read(provider: FakeProvider, client: BatchClient, submitted: Submitted) -> None:
    provider.finish(submitted.batch_id, output=[], status="failed")
    require_ended(check_batch(client, submitted))


def test_unknown_batch_is_a_provider_error(client: BatchClient, submitted: Submitted) -> None:
    with pytest.raises(ProviderError, match="HTTP 404 while reading batch nowhere"):
        check_batch(client, submitted.model_copy(update={"batch_id": "nowhere"}))


def make_status(client: BatchClient, submitted: Submitted) -> BatchInputStatus:
    shard = ShardStatus(submitted=submitted, status=check_batch(client, submitted))
    return BatchInputStatus(
        provider="simulator",
        identity="fake:project",
        endpoint=ENDPOINT,
        model="gpt-6-luna",
        shards=(shard, ShardStatus(submitted=submitted)),
    )


def test_status_file_reads_back(client: BatchClient, submitted: Submitted, tmp_path: Path) -> None:
    status = make_status(client, submitted)
    write_status(tmp_path / "batch_input_status.json", status)
    again = read_status(tmp_path / "batch_input_status.json")
    assert again == status
    assert [pair[0] for pair in again.pairs()] == [submitted]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": 2}, "version"),
        ({"provider": None}, "provider"),
        ({"shards": [{"submitted": {"key": "k"}}]}, "shards.0.submitted.batch_id"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_wrong_status_file_names_the_field(
    change: JsonObject, field: str, client: BatchClient, submitted: Submitted, tmp_path: Path
) -> None:
    path = tmp_path / "batch_input_status.json"
    write_status(path, make_status(client, submitted))
    path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), **change}))
    with pytest.raises(InputFileError, match=f"field '{field}'"):
        read_status(path)


@pytest.mark.parametrize("content", [None, b"{", b"[]"])
def test_missing_or_broken_status_file_is_an_error(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "batch_input_status.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputFileError, match="Submit the request file again"):
        read_status(path)
