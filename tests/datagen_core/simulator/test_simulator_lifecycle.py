"""A batch's life as the SDK sees it: statuses, both result files, expiry, cancelling, planted rows."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping

import httpx2
import openai
import pytest
from openai import OpenAI
from simulator_driver import FAST, PREFIX, Driver, EchoWriter, make_input, make_row

from datagen_core.simulator import Answer, SimulatorSettings


class GatedWriter(EchoWriter):
    """Waits before the row number `at` (from 0) until it is let through."""

    def __init__(self, at: int) -> None:
        self.at, self.n_calls = at, 0
        self.reached, self.gate = threading.Event(), threading.Event()

    def answer(self, custom_id: str, body: Mapping[str, object]) -> Answer:
        if self.n_calls == self.at:
            self.reached.set()
            assert self.gate.wait(30)
        self.n_calls += 1
        return super().answer(custom_id, body)


def test_batch_runs_to_the_end_and_answers_every_row_once(driver: Driver) -> None:
    client = driver.start()
    metadata = {"shard": "3", "key": "a" * 40 + ".0"}
    batch = driver.run(client, 200, metadata=metadata)
    assert batch.status == "completed"
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 200, "completed": 200, "failed": 0}
    assert batch.error_file_id is None
    assert batch.metadata == metadata
    assert batch.errors is None
    moments = [batch.created_at, batch.in_progress_at, batch.finalizing_at, batch.completed_at]
    assert moments == sorted(m for m in moments if m is not None)
    assert batch.expires_at == batch.created_at + 86_400
    rows = driver.read(client, batch.output_file_id)
    assert sorted(str(row["custom_id"]) for row in rows) == [f"row-{n:04d}" for n in range(200)]
    for row in rows:
        response = row["response"]
        assert isinstance(response, dict)
        assert response["status_code"] == 200
        assert response["body"]["choices"][0]["message"]["content"] == f"답 {row['custom_id']}"
        assert row["error"] is None


def test_output_order_is_shuffled_and_differs_between_batches(driver: Driver) -> None:
    client = driver.start()
    orders = [driver.read_ids(client, driver.run(client, 50).output_file_id) for _ in range(2)]
    assert orders[0] != sorted(orders[0], key=str)
    assert orders[0] != orders[1]
    assert sorted(orders[0], key=str) == sorted(orders[1], key=str)


def test_statuses_come_in_order_and_counts_grow(driver: Driver) -> None:
    now = [1_800_000_000.0]
    client = driver.start(SimulatorSettings(pace_seconds=100), clock=lambda: now[0])
    batch = driver.submit(client, make_input(100))
    assert client.batches.retrieve(batch.id).status == "validating"
    now[0] += 100
    started = driver.wait(client, batch.id, lambda b: b.status == "in_progress")
    assert started.request_counts is not None
    assert started.request_counts.to_dict() == {"total": 100, "completed": 0, "failed": 0}
    for share in (30, 70):
        now[0] = 1_800_000_100.0 + share
        driver.wait(
            client, batch.id, lambda b, n=share: b.request_counts is not None and b.request_counts.completed == n
        )
    now[0] += 30
    driver.wait(client, batch.id, lambda b: b.status == "finalizing")
    now[0] += 100
    done = driver.wait(client, batch.id)
    moments = (done.created_at, done.in_progress_at, done.finalizing_at, done.completed_at)
    assert [moment - 1_800_000_000 for moment in moments if moment] == [0, 100, 200, 300]


def test_usage_counts_the_common_prefix_as_cached(driver: Driver) -> None:
    client = driver.start()
    batch = driver.run(client, 10)
    rows = driver.read(client, batch.output_file_id)
    usages = [row["response"]["body"]["usage"] for row in rows]  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]
    cached = [usage["prompt_tokens_details"]["cached_tokens"] for usage in usages]
    assert cached[0] == 0
    assert all(
        len(PREFIX) // 3 <= one <= usage["prompt_tokens"] for one, usage in zip(cached[1:], usages[1:], strict=True)
    )
    assert usages[0]["completion_tokens"] == 4  # "답 row-0000" has ten characters.
    assert batch.usage is not None
    assert batch.usage.input_tokens == sum(usage["prompt_tokens"] for usage in usages)
    assert batch.usage.input_tokens_details.cached_tokens == sum(cached)
    assert batch.usage.output_tokens == sum(usage["completion_tokens"] for usage in usages)


def test_a_failing_writer_costs_its_row_only(driver: Driver) -> None:
    client = driver.start()
    nested = make_row("deep", body={"model": "gpt-6-luna", "messages": json.loads("[" * 400 + "]" * 400)})
    empty = make_row("empty", body={"model": "gpt-6-luna", "messages": []})
    rows = [
        make_row("boom"),
        make_row("surrogate"),
        nested,
        empty,
        make_row("refuse"),
        make_row("long"),
        make_row("ok"),
    ]
    batch = driver.run(client, rows)
    assert batch.status == "completed"
    assert batch.request_counts is not None
    assert (batch.request_counts.completed, batch.request_counts.failed) == (3, 4)
    assert set(driver.read_ids(client, batch.output_file_id)) == {"refuse", "long", "ok"}
    errors = {row["custom_id"]: row for row in driver.read(client, batch.error_file_id)}
    assert {errors[name]["error"]["code"] for name in ("boom", "surrogate")} == {"server_error"}  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]
    for name in ("deep", "empty"):
        assert errors[name]["error"] is None
        assert errors[name]["response"]["status_code"] == 400  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]


def test_error_rows_are_the_same_on_every_run_and_succeed_when_asked_again(driver: Driver) -> None:
    client = driver.start(SimulatorSettings(pace_seconds=0, seed=7, error_rows=0.3))
    batch = driver.run(client, 100)
    errors = driver.read(client, batch.error_file_id)
    assert 15 <= len(errors) <= 45
    statuses = {row["response"]["status_code"] for row in errors}  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]
    assert statuses == {400, 500}
    assert len(errors) + len(driver.read(client, batch.output_file_id)) == 100
    again = driver.run(client, [make_row(str(row["custom_id"])) for row in errors])
    assert again.error_file_id is None
    driver.stop()
    other = Driver(driver.state.with_name("other"))
    client = other.start(SimulatorSettings(pace_seconds=0, seed=7, error_rows=0.3))
    repeated = driver.read_ids(client, driver.run(client, 100).error_file_id)
    assert set(repeated) == {row["custom_id"] for row in errors}
    other.stop()


def test_all_rows_failing_leaves_no_output_file(driver: Driver) -> None:
    client = driver.start(SimulatorSettings(pace_seconds=0, error_rows=1))
    batch = driver.run(client, 5)
    assert batch.status == "completed"
    assert batch.output_file_id is None
    assert len(driver.read(client, batch.error_file_id)) == 5


@pytest.mark.parametrize(("share", "n_answered"), [(0.0, 0), (0.4, 8), (1.0, 20)])
def test_an_expired_batch_keeps_what_was_answered(driver: Driver, share: float, n_answered: int) -> None:
    client = driver.start(SimulatorSettings(pace_seconds=0, expire=share))
    batch = driver.run(client, 20)
    assert batch.status == "expired"
    assert batch.expired_at is not None
    answered = driver.read_ids(client, batch.output_file_id)
    left = driver.read(client, batch.error_file_id)
    assert len(answered) == n_answered
    assert {row["error"]["code"] for row in left} <= {"batch_expired"}  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]
    assert sorted([*answered, *(row["custom_id"] for row in left)], key=str) == [f"row-{n:04d}" for n in range(20)]
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 20, "completed": n_answered, "failed": 0}


def test_expiry_can_be_limited_to_the_first_batches(driver: Driver) -> None:
    client = driver.start(SimulatorSettings(pace_seconds=0, expire=0.5, expire_batches=1))
    assert [driver.run(client, 4).status for _ in range(2)] == ["expired", "completed"]


def test_the_window_itself_closes_after_a_day(driver: Driver) -> None:
    now = [1_800_000_000.0]
    client = driver.start(SimulatorSettings(pace_seconds=86_000), clock=lambda: now[0])
    batch = driver.submit(client, make_input(10))
    now[0] += 86_000
    driver.wait(client, batch.id, lambda b: b.status == "in_progress")
    now[0] += 300
    driver.wait(client, batch.id, lambda b: b.request_counts is not None and b.request_counts.completed == 1)
    now[0] += 86_000
    expired = driver.wait(client, batch.id)
    assert expired.status == "expired"
    assert len(driver.read(client, expired.output_file_id)) == 1
    assert len(driver.read(client, expired.error_file_id)) == 9


def test_cancelling_in_progress_keeps_what_was_answered(driver: Driver) -> None:
    writer = GatedWriter(at=5)
    driver.writer = writer
    client = driver.start()
    batch = driver.submit(client, make_input(12))
    assert writer.reached.wait(30)
    cancelling = client.batches.cancel(batch.id)
    assert (cancelling.status, client.batches.cancel(batch.id).status) == ("cancelling", "cancelling")
    assert cancelling.cancelling_at is not None
    writer.gate.set()
    cancelled = driver.wait(client, batch.id)
    assert cancelled.status == "cancelled"
    assert client.batches.cancel(batch.id).status == "cancelled"
    answered = driver.read_ids(client, cancelled.output_file_id)
    left = driver.read(client, cancelled.error_file_id)
    assert 5 < len(answered) + len(left) == 12
    assert {row["error"]["code"] for row in left} <= {"batch_cancelled"}  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]
    assert len({*answered, *(row["custom_id"] for row in left)}) == 12


def test_cancelling_before_validation_leaves_no_files(driver: Driver) -> None:
    now = [1_800_000_000.0]
    client = driver.start(SimulatorSettings(pace_seconds=10), clock=lambda: now[0])
    batch = driver.submit(client, make_input(3))
    assert client.batches.cancel(batch.id).status == "cancelling"
    now[0] += 10
    cancelled = driver.wait(client, batch.id)
    assert (cancelled.status, cancelled.output_file_id, cancelled.error_file_id) == ("cancelled", None, None)


def test_an_ended_batch_cannot_be_cancelled(driver: Driver) -> None:
    client = driver.start()
    batch = driver.run(client, 1)
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a batch with status 'completed'"):
        client.batches.cancel(batch.id)


def test_planted_labels_are_served_beside_the_api(driver: Driver) -> None:
    client = driver.start()
    batch = driver.run(client, [make_row("planted-1"), make_row("fine"), make_row("planted-2")])
    assert driver.server is not None
    root = driver.server.base_url.removesuffix("/v1")
    lines = httpx2.get(f"{root}/simulator/planted", params={"batch_id": batch.id}).text.splitlines()
    labels = {row["custom_id"]: row["planted"] for row in map(json.loads, lines)}
    assert labels == {"planted-1": "wrong_total", "planted-2": "wrong_total"}
    assert httpx2.get(f"{root}/simulator/planted").status_code == 404
    assert "wrong_total" not in client.files.content(str(batch.output_file_id)).text


def test_responses_endpoint_runs_in_a_batch(driver: Driver) -> None:
    client = driver.start()
    body = {"model": "gpt-6-luna", "input": "안녕하세요"}
    content = make_input([{"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": body}])
    file = client.files.create(file=("input.jsonl", content), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/responses", completion_window="24h")
    (row,) = driver.read(client, driver.wait(client, batch.id).output_file_id)
    answered = row["response"]["body"]  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]
    assert answered["output"][0]["content"][0]["text"] == "답 a"
    assert answered["metadata"] == {"system_fingerprint": "simulator"}


def test_a_deleted_input_is_still_read_by_its_batch(driver: Driver) -> None:
    writer = GatedWriter(at=1)
    driver.writer = writer
    client = driver.start(FAST)
    batch = driver.submit(client, make_input(4))
    assert writer.reached.wait(30)
    assert client.files.delete(batch.input_file_id).deleted
    writer.gate.set()
    done = driver.wait(client, batch.id)
    assert len(driver.read(client, done.output_file_id)) == 4
    assert not (driver.state / "files" / batch.input_file_id).exists()


def test_synchronous_requests_are_answered_by_the_same_writer(driver: Driver) -> None:
    client = driver.start()
    messages = [{"role": "user", "content": "안녕"}]
    named = client.chat.completions.create(
        model="gpt-6-luna",
        messages=messages,  # pyright: ignore[reportArgumentType]
        extra_headers={"X-Client-Request-Id": "row-9"},
    )
    assert named.choices[0].message.content == "답 row-9"
    by_metadata = client.responses.create(model="gpt-6-luna", input="안녕", metadata={"custom_id": "row-8"})
    assert by_metadata.output_text == "답 row-8"
    unnamed = [client.chat.completions.create(model="m", messages=messages) for _ in range(2)]  # pyright: ignore[reportArgumentType]
    assert unnamed[0].choices[0].message.content == unnamed[1].choices[0].message.content
    with pytest.raises(openai.InternalServerError, match="The writer failed: ValueError"):
        client.responses.create(model="gpt-6-luna", input="안녕", metadata={"custom_id": "boom"})
    with pytest.raises(openai.BadRequestError, match="messages"):
        client.chat.completions.create(model="gpt-6-luna", messages=[])


def test_models_are_listed(driver: Driver) -> None:
    client: OpenAI = driver.start(SimulatorSettings(models=("one", "two")))
    assert [model.id for model in client.models.list()] == ["one", "two"]
