from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from batch_helpers import ENDPOINT, make_row
from fake_provider import FakeProvider

from datagen_core.batch import BatchClient, Submitted, check_batch, submit_once, write_status
from datagen_core.batch.cancelling import cancel_batches, cancel_run, find_run_batches
from datagen_core.batch.status import build_status
from datagen_core.errors import InputFileError, LedgerError, SubmissionUnknown
from datagen_core.files import Artifact

Write = Callable[..., Artifact]


@pytest.fixture
def submitted(client: BatchClient, write_requests: Write, tmp_path: Path) -> list[Submitted]:
    shards = [write_requests(name, name=f"{name}.jsonl") for name in "abc"]
    return [submit_once(client, tmp_path / "ledger.jsonl", shard, endpoint=ENDPOINT) for shard in shards]


def test_every_batch_that_has_not_ended_is_cancelled(
    provider: FakeProvider, client: BatchClient, submitted: list[Submitted], tmp_path: Path
) -> None:
    done, *going = submitted
    provider.finish(done.batch_id, [make_row("a")])
    assert [str(outcome) for outcome in cancel_run(client, tmp_path)] == [
        f"Batch {done.batch_id} is completed: nothing to cancel.",
        *(f"Batch {one.batch_id} was validating (0 of 0 done), now cancelling." for one in going),
    ]
    assert {str(batch["id"]) for batch in provider.live_batches()} == {done.batch_id}
    again = cancel_run(client, tmp_path)
    assert [(outcome.before, outcome.after) for outcome in again[1:]] == [("cancelling", "cancelling")] * 2
    assert len([call for call in provider.calls if call.path.endswith("/cancel")]) == 2


def test_batches_of_status_files_and_of_the_ledger_are_each_named_once(
    provider: FakeProvider, client: BatchClient, submitted: list[Submitted], tmp_path: Path
) -> None:
    provider.finish(submitted[0].batch_id, [make_row("a")])
    heard = [check_batch(client, submitted[0]), None]
    status = build_status(
        submitted[:2], provider="openai", identity=client.identity, endpoint=ENDPOINT, model="m", heard=heard
    )
    write_status(tmp_path / "rounds" / "1" / "batch_input_status.json", status)
    batches = find_run_batches(tmp_path)
    assert list(batches.heard) == [one.batch_id for one in submitted]
    assert batches.unended == [one.batch_id for one in submitted[1:]], "what is known to have ended is not asked for"
    (tmp_path / "ledger.jsonl").unlink()
    assert find_run_batches(tmp_path).unended == [submitted[1].batch_id]


def test_a_damaged_status_file_is_no_obstacle_where_there_is_a_ledger(
    client: BatchClient, submitted: list[Submitted], tmp_path: Path
) -> None:
    (tmp_path / "batch_input_status.json").write_text("{")
    assert len(cancel_run(client, tmp_path)) == len(submitted)


def test_one_that_cannot_be_cancelled_is_told_of_and_the_next_is_tried(
    provider: FakeProvider, client: BatchClient, submitted: list[Submitted]
) -> None:
    unknown, known = cancel_batches(client, ["batch_none", submitted[0].batch_id])
    assert unknown.problem is not None
    assert "HTTP 404" in str(unknown)
    assert known.after == "cancelling"


def test_a_creation_that_nobody_recorded_is_counted(
    provider: FakeProvider, client: BatchClient, submitted: list[Submitted], write_requests: Write, tmp_path: Path
) -> None:
    provider.batch_faults.append("lost")
    with pytest.raises(SubmissionUnknown):
        submit_once(client, tmp_path / "ledger.jsonl", write_requests("z"), endpoint=ENDPOINT)
    assert find_run_batches(tmp_path).n_unrecorded == 1


def test_a_run_at_another_provider_is_not_touched(
    provider: FakeProvider, submitted: list[Submitted], tmp_path: Path
) -> None:
    with (
        BatchClient(provider.base_url, provider.key, "fake:another") as other,
        pytest.raises(LedgerError, match=r"are at 'fake:project', not at 'fake:another'"),
    ):
        cancel_run(other, tmp_path)
    assert len(provider.live_batches()) == len(submitted)


def test_a_folder_that_holds_no_run_says_so(client: BatchClient, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="neither a ledger nor a status file"):
        cancel_run(client, tmp_path)
