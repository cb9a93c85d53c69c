from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from batch_helpers import ENDPOINT, FakeTime, make_row
from fake_provider import FakeProvider, Fault, Json
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from datagen_core.batch import METADATA_KEY, BatchClient, Submitted, submission_key, submit_once
from datagen_core.batch.models import Shard
from datagen_core.errors import ConfigError, InputFileError, LedgerError, ProviderError, SubmissionUnknown
from datagen_core.files import Artifact

Write = Callable[..., Artifact]
CONTRACT = Path(__file__).parents[2] / "contract" / "openai-batch-contract.json"


@pytest.fixture
def clock(provider: FakeProvider) -> FakeTime:
    clock = FakeTime()
    provider.clock = clock
    return clock


@pytest.fixture
def submit(client: BatchClient, clock: FakeTime, tmp_path: Path) -> Callable[..., Submitted]:
    def run(shard: Artifact, **options: object) -> Submitted:
        ledger = options.pop("ledger", tmp_path / "ledger.jsonl")
        clocks = {"clock": clock, "counter": lambda: sum(clock.slept), "sleep": clock.sleep}
        arguments = {"endpoint": ENDPOINT, **clocks, **options}
        return submit_once(client, ledger, shard, **arguments)  # pyright: ignore[reportArgumentType]

    return run


Submit = Callable[..., Submitted]


def test_shard_is_uploaded_and_submitted(provider: FakeProvider, submit: Submit, write_requests: Write) -> None:
    shard = write_requests("a", "b")
    submitted = submit(shard, metadata={"run": "r-1"})
    assert submitted.shard == Shard(**dict(shard))
    assert submitted.generation == 0
    assert submitted.key == submission_key(shard)
    assert provider.batches[0]["id"] == submitted.batch_id
    file = provider.files[submitted.input_file_id]
    assert file.content == Path(shard.path).read_bytes()
    assert file.name == f"datagen-{submitted.key}.jsonl"
    assert file.fields == {
        "purpose": "batch",
        "expires_after[anchor]": "created_at",
        "expires_after[seconds]": "2592000",
    }
    assert provider.batches[0]["metadata"] == {"run": "r-1", METADATA_KEY: submitted.key}


def test_created_body_keeps_the_contract(provider: FakeProvider, submit: Submit, write_requests: Write) -> None:
    submit(write_requests("a"), metadata={"run": "r-1"})
    (body,) = provider.bodies("POST", "/batches")
    contract: Json = json.loads(CONTRACT.read_text("utf-8"))
    registry: Registry[Json] = Registry().with_resource(
        "urn:contract", Resource.from_contents(contract, default_specification=DRAFT202012)
    )
    schema = {"$ref": "urn:contract#/components/schemas/CreateBatchRequest"}
    Draft202012Validator(schema, registry=registry).validate(body)
    assert set(body) == {"input_file_id", "endpoint", "completion_window", "metadata"}


def test_repeated_submission_makes_no_creating_call(
    provider: FakeProvider, submit: Submit, write_requests: Write
) -> None:
    shard = write_requests("a")
    first = submit(shard)
    n_calls = len(provider.calls)
    assert submit(shard) == first
    assert len(provider.calls) == n_calls


@pytest.mark.parametrize("fault", ["lost", "500", "page"])
def test_answer_lost_after_creation_finds_the_batch(
    fault: Fault, provider: FakeProvider, submit: Submit, write_requests: Write, clock: FakeTime
) -> None:
    provider.batch_faults.append(fault)
    shard = write_requests("a")
    with pytest.raises(SubmissionUnknown, match="The next run looks for it"):
        submit(shard)
    assert submit(shard).batch_id == provider.batches[0]["id"]
    assert len(provider.batches) == len(provider.files) == 1
    assert len(provider.bodies("POST", "/batches")) == 1
    assert clock.slept == [10.0], "a request may be under way for the time-out and the time to connect"


def test_connection_dropped_before_creation_creates_once(
    provider: FakeProvider, submit: Submit, write_requests: Write
) -> None:
    provider.batch_faults.append("drop")
    shard = write_requests("a")
    with pytest.raises(SubmissionUnknown):
        submit(shard)
    assert not provider.batches
    assert submit(shard).batch_id == provider.batches[0]["id"]
    assert len(provider.batches) == len(provider.files) == 1


def test_every_answer_may_be_lost_in_turn(provider: FakeProvider, submit: Submit, write_requests: Write) -> None:
    provider.upload_faults.extend(["lost", "drop", "500"])
    provider.batch_faults.extend(["drop", "500", "lost"])
    shard = write_requests("a")
    n_failures = 0
    while True:
        try:
            submitted = submit(shard)
            break
        except (SubmissionUnknown, ProviderError):
            n_failures += 1
    assert n_failures == 3
    assert submitted.batch_id == provider.batches[0]["id"]
    assert len(provider.batches) == len(provider.files) == 1


def test_lagging_list_is_looked_at_three_times(provider: FakeProvider, submit: Submit, write_requests: Write) -> None:
    provider.batch_faults.append("lost")
    shard = write_requests("a")
    with pytest.raises(SubmissionUnknown):
        submit(shard)
    provider.n_hidden_lists = 2
    submit(shard)
    assert len(provider.batches) == 1


def test_duplicates_of_a_lost_creation_are_cancelled_but_the_oldest(
    provider: FakeProvider, submit: Submit, write_requests: Write, clock: FakeTime
) -> None:
    provider.batch_faults.append("lost")
    shard = write_requests("a")
    with pytest.raises(SubmissionUnknown):
        submit(shard)
    clock.now += 5
    provider.create_batch(provider.bodies("POST", "/batches")[0])
    submitted = submit(shard)
    oldest = provider.batches[-1]
    assert submitted.batch_id == oldest["id"]
    assert provider.live_batches() == [oldest]


def test_lost_batch_is_found_by_its_file_where_metadata_is_dropped(
    provider: FakeProvider, submit: Submit, write_requests: Write
) -> None:
    provider.batch_faults.append("lost")
    shard = write_requests("a")
    with pytest.raises(SubmissionUnknown):
        submit(shard)
    provider.batches[0]["metadata"] = None
    assert submit(shard).batch_id == provider.batches[0]["id"]


def test_lost_batch_is_found_pages_back(
    provider: FakeProvider, submit: Submit, write_requests: Write, clock: FakeTime
) -> None:
    provider.batch_faults.append("lost")
    shard = write_requests("a")
    with pytest.raises(SubmissionUnknown):
        submit(shard)
    provider.page_size = 3
    for _ in range(10):
        provider.create_batch({"endpoint": ENDPOINT, "input_file_id": "other", "completion_window": "24h"})
    assert submit(shard).batch_id == provider.batches[-1]["id"]


def test_lost_ledger_is_rebuilt_from_metadata(
    provider: FakeProvider, submit: Submit, write_requests: Write, tmp_path: Path, clock: FakeTime
) -> None:
    shard = write_requests("a")
    first = submit(shard)
    clock.now += 3_600
    again = submit(shard, ledger=tmp_path / "elsewhere" / "ledger.jsonl")
    assert again.batch_id == first.batch_id
    assert again.submitted_at == pytest.approx(first.submitted_at)
    assert len(provider.batches) == 1


def test_old_batch_whose_results_are_gone_is_not_taken_over(
    provider: FakeProvider, submit: Submit, write_requests: Write, tmp_path: Path, clock: FakeTime
) -> None:
    shard = write_requests("a")
    first = submit(shard)
    provider.finish(first.batch_id, [make_row("a")])
    del provider.files[str(provider.batches[0]["output_file_id"])]
    clock.now += 29.5 * 86_400
    submit(shard, ledger=tmp_path / "other.jsonl")
    assert len(provider.batches) == 2


def test_batch_that_only_a_newer_one_shows_to_be_old_is_not_taken_over(
    provider: FakeProvider, submit: Submit, write_requests: Write, tmp_path: Path, clock: FakeTime
) -> None:
    shard = write_requests("a")
    provider.finish(submit(shard).batch_id, [make_row("a")])
    clock.now += 40 * 86_400
    provider.create_batch({"endpoint": ENDPOINT, "input_file_id": "other", "completion_window": "24h"})
    submit(shard, ledger=tmp_path / "other.jsonl")
    assert len(provider.batches) == 3


def test_refused_batch_is_not_taken_over_without_a_ledger(
    provider: FakeProvider, submit: Submit, write_requests: Write, tmp_path: Path
) -> None:
    shard = write_requests("a")
    first = submit(shard)
    provider.finish(first.batch_id, status="failed")
    assert submit(shard, ledger=tmp_path / "other.jsonl").batch_id != first.batch_id


def test_refused_batch_is_taken_over_where_its_next_generation_lives(
    provider: FakeProvider, submit: Submit, write_requests: Write, tmp_path: Path
) -> None:
    shard = write_requests("a")
    first = submit(shard)
    provider.finish(first.batch_id, status="failed")
    second = submit(shard, generation=1)
    assert second.generation == 1
    assert second.batch_id != first.batch_id
    other = tmp_path / "other.jsonl"
    assert submit(shard, ledger=other).batch_id == first.batch_id
    assert submit(shard, ledger=other, generation=1).batch_id == second.batch_id
    assert len(provider.batches) == 2


def test_refusal_leaves_nothing_to_look_up(
    provider: FakeProvider, submit: Submit, write_requests: Write, clock: FakeTime
) -> None:
    provider.batch_faults.extend(["refuse", "busy"])
    shard = write_requests("a")
    with pytest.raises(ProviderError, match=r"HTTP 400 while creating the batch.*No such thing is allowed"):
        submit(shard)
    with pytest.raises(ProviderError, match=r"HTTP 429.*Wait a minute"):
        submit(shard)
    submit(shard)
    assert clock.slept == []
    assert len(provider.batches) == len(provider.files) == 1


def test_file_not_known_just_after_upload_is_waited_for(
    provider: FakeProvider, submit: Submit, write_requests: Write, clock: FakeTime
) -> None:
    provider.n_unknown_files = 2
    submit(write_requests("a"))
    assert clock.slept == [0.5, 1.0]


def test_server_that_knows_no_expiry_gets_none(provider: FakeProvider, submit: Submit, write_requests: Write) -> None:
    provider.upload_faults.append("no_expiry")
    submitted = submit(write_requests("a"))
    assert provider.files[submitted.input_file_id].fields == {"purpose": "batch"}


def test_changed_shard_is_not_submitted(provider: FakeProvider, submit: Submit, write_requests: Write) -> None:
    shard = write_requests("a")
    Path(shard.path).write_bytes(b"{}\n")
    with pytest.raises(InputFileError, match="changed after it was written"):
        submit(shard)
    assert not provider.files


def test_ledger_is_bound_to_its_project(
    provider: FakeProvider, submit: Submit, write_requests: Write, tmp_path: Path
) -> None:
    shard = write_requests("a")
    submit(shard)
    with (
        BatchClient(provider.base_url, provider.key, "fake:another") as other,
        pytest.raises(LedgerError, match="belongs to 'fake:project'"),
    ):
        submit_once(other, tmp_path / "ledger.jsonl", shard, endpoint=ENDPOINT)


def test_metadata_past_the_providers_limits_is_refused(submit: Submit, write_requests: Write) -> None:
    with pytest.raises(ConfigError, match="512"):
        submit(write_requests("a"), metadata={"note": "x" * 513})


def test_wrong_key_is_an_error_that_does_not_show_it(
    provider: FakeProvider, write_requests: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="datagen_core")
    with BatchClient(provider.base_url, "sk-wrong-secret\n", "fake:project") as client:
        with pytest.raises(ProviderError, match="refused the key") as caught:
            submit_once(client, tmp_path / "ledger.jsonl", write_requests("a"), endpoint=ENDPOINT)
        shown = f"{caught.value!r} {caught.value.__cause__!r} {client!r} {caplog.text}"
    assert "sk-wrong-secret" not in shown
    assert b"sk-wrong-secret" not in (tmp_path / "ledger.jsonl").read_bytes()


@pytest.mark.parametrize("key", ["", " \n", "sk-한글", "sk-a\x00b"])
def test_key_that_cannot_be_sent_is_refused_at_once(key: str) -> None:
    with pytest.raises(ConfigError, match="API key"):
        BatchClient("http://127.0.0.1:9/v1", key, "fake:project")


def test_project_and_organization_are_sent(provider: FakeProvider) -> None:
    with BatchClient(provider.base_url, provider.key, "fake:project", organization="org-1", project="proj_1") as client:
        list(client.iter_batch_pages(max_pages=1))
    sent = provider.headers[-1]
    assert (sent["openai-organization"], sent["openai-project"]) == ("org-1", "proj_1")


def test_server_that_is_not_there_is_named(write_requests: Write, tmp_path: Path, free_base_url: str) -> None:
    shard = write_requests("a")
    with (
        BatchClient(free_base_url, "sk-test", "fake:project", timeout=2, read_retries=0) as client,
        pytest.raises(ProviderError, match=f"No answer from {free_base_url}.*Check the network"),
    ):
        submit_once(client, tmp_path / "ledger.jsonl", shard, endpoint=ENDPOINT)


def test_proxy_of_the_environment_is_not_used_for_loopback(
    provider: FakeProvider, write_requests: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_base_url: str
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, free_base_url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with BatchClient(provider.base_url, provider.key, "fake:project") as client:
        submit_once(client, tmp_path / "ledger.jsonl", write_requests("a"), endpoint=ENDPOINT)
    assert len(provider.batches) == 1
