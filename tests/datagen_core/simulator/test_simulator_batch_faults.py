"""Faults of whole batches and of their rows, as a client of the official SDK meets them."""

from __future__ import annotations

import io
import json
import sqlite3
import tracemalloc
from collections import Counter
from pathlib import Path

import httpx2
import pytest
from openai import OpenAI
from openai.types import Batch
from simulator_driver import FAST, Driver, make_input, make_row

from datagen_core.simulator import Fault, SimulatorSettings
from datagen_core.simulator.batch_faults import REFUSALS, UNKNOWN_STATUS
from datagen_core.simulator.row_faults import RowFault, choose_rows, write_row

IDS = [f"row-{n:04d}" for n in range(10)]


def run(driver: Driver, *faults: Fault, rows: int = 10, **settings: object) -> tuple[OpenAI, Batch]:
    client = driver.start(SimulatorSettings(pace_seconds=0, faults=faults, **settings))  # pyright: ignore[reportArgumentType]
    return client, driver.run(client, rows)


def read_all(driver: Driver, client: OpenAI, batch: Batch) -> list[dict[str, object]]:
    return driver.read(client, batch.output_file_id) + driver.read(client, batch.error_file_id)


@pytest.mark.parametrize(("amount", "n_answered"), [(0.3, 3), (4, 4), (None, 5), (0.0, 0)])
@pytest.mark.parametrize(("name", "status"), [("expire_partial", "expired"), ("cancel_partial", "cancelled")])
def test_a_batch_ends_early_with_what_was_answered(
    driver: Driver, name: str, status: str, amount: float | None, n_answered: int
) -> None:
    fault = Fault.model_validate({"name": name, "amount": amount})
    client, batch = run(driver, fault)
    assert (batch.status, getattr(batch, f"{status}_at") is not None) == (status, True)
    assert len(driver.read(client, batch.output_file_id)) == n_answered
    left = driver.read(client, batch.error_file_id)
    assert {row["error"]["code"] for row in left} == {f"batch_{status}"}  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]
    assert sorted(str(row["custom_id"]) for row in read_all(driver, client, batch)) == IDS
    assert driver.run(client, 3).status == "completed"


def test_counts_do_not_add_up(driver: Driver) -> None:
    client, batch = run(driver, Fault(name="wrong_counts"))
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 10, "completed": 1, "failed": 0}
    assert len(driver.read(client, batch.output_file_id)) == 10


def test_a_completed_batch_has_no_output_file(driver: Driver) -> None:
    client, batch = run(driver, Fault(name="no_output_file"), Fault(name="rows_500", amount=2))
    assert (batch.status, batch.output_file_id) == ("completed", None)
    assert len(driver.read(client, batch.error_file_id)) == 2
    assert client.files.list(purpose="batch_output").data[0].id == batch.error_file_id


def test_an_error_file_is_empty_blank_or_missing(driver: Driver) -> None:
    faults = [Fault(name="empty_error_file"), Fault(name="blank_error_file_id", skip=1)]
    client, empty = run(driver, *faults, Fault(name="missing_error_file", skip=2))
    assert client.files.content(str(empty.error_file_id)).content == b""
    blank, missing = driver.run(client, 2), driver.run(client, 2)
    assert blank.to_dict()["error_file_id"] == ""
    assert (
        httpx2.get(f"{client.base_url}files/{missing.error_file_id}", headers={"Authorization": "Bearer x"}).status_code
        == 404
    )
    assert all(len(driver.read(client, batch.output_file_id)) for batch in (empty, blank, missing))
    assert driver.run(client, 2).error_file_id is None


@pytest.mark.parametrize("code", [*REFUSALS, "a_code_of_tomorrow"])
def test_every_validation_code_can_be_had(driver: Driver, code: str) -> None:
    client, batch = run(driver, Fault(name="fail_validation", code=code, line=7, param="body.x"))
    assert batch.errors is not None
    assert [(e.code, e.line, e.param) for e in batch.errors.data or []] == [(code, 7, "body.x")]
    assert (batch.status, batch.output_file_id, batch.error_file_id) == ("failed", None, None)
    assert driver.run(client, 1).status == "completed"


def test_too_many_tokens_are_enqueued_by_fault(driver: Driver) -> None:
    client, batch = run(driver, Fault(name="token_limit_exceeded", times=2))
    assert [error.code for error in (batch.errors and batch.errors.data) or []] == ["token_limit_exceeded"]
    assert [driver.run(client, 1).status for _ in range(2)] == ["failed", "completed"]


def test_an_unknown_status_is_shown_for_some_looks(driver: Driver) -> None:
    client = driver.start(SimulatorSettings(pace_seconds=0, faults=(Fault(name="unknown_status", amount=3),)))
    batch = driver.submit(client, make_input(2))
    shown = [client.batches.retrieve(batch.id).status for _ in range(2)]
    driver.stop()
    client = driver.start()
    shown.append(client.batches.retrieve(batch.id).status)
    assert shown == [UNKNOWN_STATUS] * 3
    assert driver.wait(client, batch.id).status == "completed"


def test_an_unknown_status_is_shown_for_ever(driver: Driver) -> None:
    client = driver.start(SimulatorSettings(pace_seconds=0, faults=(Fault(name="unknown_status"),)))
    batch = driver.submit(client, make_input(1))
    done = driver.wait(client, batch.id, lambda b: b.output_file_id is not None)
    assert {done.status, client.batches.list().data[0].status} == {UNKNOWN_STATUS}


@pytest.mark.parametrize("status", ["validating", "finalizing"])
def test_a_batch_is_stuck(driver: Driver, status: str) -> None:
    now = [1_800_000_000.0]
    fault = Fault.model_validate({"name": f"stuck_{status}", "seconds": 1000})
    client = driver.start(SimulatorSettings(pace_seconds=0, faults=(fault,)), clock=lambda: now[0])
    batch = driver.submit(client, make_input(3))
    driver.wait(client, batch.id, lambda b: b.status == status)
    assert driver.run(client, 2).status == "completed"
    now[0] += 999
    # A batch that is not stuck passes the engine after the stuck one: by now it was looked at, and stayed.
    assert driver.run(client, 2).status == "completed"
    assert client.batches.retrieve(batch.id).status == status
    now[0] += 1
    assert driver.wait(client, batch.id).status == "completed"


def test_a_batch_stuck_in_validation_for_ever_can_be_cancelled(driver: Driver) -> None:
    client = driver.start(SimulatorSettings(pace_seconds=0, faults=(Fault(name="stuck_validating"),)))
    batch = driver.submit(client, make_input(3))
    assert driver.run(client, 1).status == "completed"
    assert client.batches.cancel(batch.id).status == "cancelling"
    assert driver.wait(client, batch.id).status == "cancelled"


def test_statuses_come_in_upper_case(driver: Driver) -> None:
    client = driver.start(SimulatorSettings(pace_seconds=0, faults=(Fault(name="status_case"),)))
    batch = driver.submit(client, make_input(1))
    assert batch.status == "VALIDATING"
    driver.wait(client, batch.id, lambda b: b.status == "COMPLETED")
    assert [entry.status for entry in client.batches.list()] == ["COMPLETED"]


def test_the_output_ends_in_the_middle_of_a_line(driver: Driver) -> None:
    client, batch = run(driver, Fault(name="row_cut", amount=9))
    content = client.files.content(str(batch.output_file_id)).content
    *whole, cut = content.split(b"\n")
    assert (len(whole), len(cut)) == (9, 9)
    assert client.files.retrieve(str(batch.output_file_id)).bytes == len(content)


def test_answers_come_in_reverse(driver: Driver) -> None:
    client, batch = run(driver, Fault(name="rows_shuffled"))
    assert driver.read_ids(client, batch.output_file_id) == IDS[::-1]


def test_bodies_are_strings(driver: Driver) -> None:
    client, batch = run(driver, Fault(name="body_as_string"), Fault(name="rows_400", amount=2))
    rows = driver.read(client, batch.output_file_id)
    assert len(rows) == 10
    for row in rows:
        body = row["response"]["body"]  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]
        assert json.loads(body)["choices"][0]["message"]["content"] == f"답 {row['custom_id']}"


def test_rows_are_missing_doubled_and_foreign(driver: Driver) -> None:
    faults = [Fault(name="rows_missing", amount=2), Fault(name="rows_doubled", amount=3)]
    client, batch = run(driver, *faults, Fault(name="rows_foreign", amount=0.2))
    ids = [str(name) for name in driver.read_ids(client, batch.output_file_id)]
    ours = [name for name in ids if name.startswith("row-")]
    assert (len(set(ours)), len(ours)) == (8, 11)
    assert len(ids) - len(ours) == 2
    assert batch.request_counts is not None
    assert batch.request_counts.completed == 10


def test_a_row_is_no_utf8(driver: Driver) -> None:
    client, batch = run(driver, Fault(name="invalid_utf8"))
    lines = client.files.content(str(batch.output_file_id)).content.splitlines()
    bad = [line for line in lines if line.decode(errors="ignore").encode() != line]
    assert (len(lines), len(bad)) == (10, 1)
    assert json.loads(bad[0].decode(errors="ignore"))["custom_id"] in IDS


def test_a_row_is_fifty_million_bytes_long(driver: Driver) -> None:
    client, batch = run(driver, Fault(name="huge_row"), rows=3)
    with client.files.with_streaming_response.content(str(batch.output_file_id)) as response:
        content = b"".join(response.iter_bytes(1 << 20))
    lengths = sorted(len(line) + 1 for line in content.splitlines())
    assert lengths[-1] == 50_000_000
    assert lengths[1] < 2_000
    assert {json.loads(line)["custom_id"] for line in content.splitlines()} == set(IDS[:3])


@pytest.mark.parametrize("line", [b'{"message":{"content":"\xeb\x8b\xb5"}}\n', b'{"error":{}}\n'])
def test_a_huge_line_is_never_held(tmp_path: Path, line: bytes) -> None:
    with (tmp_path / "out").open("wb") as stream:
        tracemalloc.start()
        written = write_row(stream, line, RowFault("huge_row", 20_000_000))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert written == (tmp_path / "out").stat().st_size == 20_000_000
    assert peak < 1_000_000
    assert json.loads((tmp_path / "out").read_bytes())


def test_answers_are_cut_refused_filtered_and_empty(driver: Driver) -> None:
    names = ["rows_length", "rows_refused", "rows_filtered", "rows_empty"]
    client, batch = run(driver, *(Fault.model_validate({"name": name}) for name in names))
    choices = [row["response"]["body"]["choices"][0] for row in driver.read(client, batch.output_file_id)]  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]
    reasons = sorted(choice["finish_reason"] for choice in choices)
    assert reasons == ["content_filter", "length", *["stop"] * 8]
    assert sum(choice["message"]["refusal"] is not None for choice in choices) == 1
    assert sum(choice["message"]["content"] == "" for choice in choices) == 2


def test_responses_are_cut_refused_filtered_and_empty(driver: Driver) -> None:
    names = ["rows_length", "rows_refused", "rows_filtered", "rows_empty"]
    faults = tuple(Fault.model_validate({"name": name}) for name in names)
    client = driver.start(SimulatorSettings(pace_seconds=0, faults=faults))
    body = {"model": "gpt-6-luna", "input": "안녕하세요"}
    rows = [{"custom_id": name, "method": "POST", "url": "/v1/responses", "body": body} for name in IDS[:5]]
    file = client.files.create(file=("input.jsonl", make_input(rows)), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/responses", completion_window="24h")
    answered = driver.read(client, driver.wait(client, batch.id).output_file_id)
    bodies = [row["response"]["body"] for row in answered]  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]
    reasons = sorted(str((body["incomplete_details"] or {}).get("reason")) for body in bodies)
    assert reasons == ["None", "None", "None", "content_filter", "max_output_tokens"]


def test_rows_end_with_http_errors_or_nothing(driver: Driver) -> None:
    names = ["rows_400", "rows_429", "rows_500", "rows_no_response"]
    client, batch = run(driver, *(Fault.model_validate({"name": name, "amount": 2}) for name in names))
    failed = driver.read(client, batch.error_file_id)
    statuses = sorted(row["response"]["status_code"] for row in failed)  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]
    assert statuses == [400, 400, 429, 429, 500, 500]
    bare = [row for row in driver.read(client, batch.output_file_id) if "response" not in row]
    assert [set(row) for row in bare] == [{"id", "custom_id"}] * 2
    assert sorted(str(row["custom_id"]) for row in read_all(driver, client, batch)) == IDS


def test_planted_labels_of_answers_nobody_reads_are_not_told(driver: Driver) -> None:
    fault = Fault(name="rows_refused", amount=1.0)
    client = driver.start(SimulatorSettings(pace_seconds=0, faults=(fault,)))
    batch = driver.run(client, [make_row("planted-1")])
    again = driver.run(client, [make_row("planted-1")])
    root = str(client.base_url).removesuffix("/v1/")
    planted = [httpx2.get(f"{root}/simulator/planted", params={"batch_id": b.id}).text for b in (batch, again)]
    assert planted[0] == ""
    assert "wrong_total" in planted[1]


def test_rows_are_chosen_by_seed_and_custom_id_alone() -> None:
    faults = [Fault(name="rows_500", amount=3), Fault(name="rows_missing", amount=0.5)]
    chosen = {IDS[n]: fault.name for n, fault in choose_rows(faults, IDS, 1).items()}
    assert chosen == {IDS[::-1][n]: fault.name for n, fault in choose_rows(faults, IDS[::-1], 1).items()}
    assert Counter(chosen.values()) == {"rows_500": 3, "rows_missing": 5}
    assert chosen != {IDS[n]: fault.name for n, fault in choose_rows(faults, IDS, 2).items()}


def test_a_header_brings_faults_on_its_own_batch_only(driver: Driver) -> None:
    client = driver.start()
    header = {"X-Simulator-Fault": "expire_partial;amount=0.2"}
    batch = driver.wait(client, driver.submit(client, make_input(10), extra_headers=header).id)
    assert (batch.status, len(driver.read(client, batch.output_file_id))) == ("expired", 2)
    assert driver.run(client, 10).status == "completed"


def test_faults_of_a_batch_outlive_the_server(driver: Driver) -> None:
    faults = (Fault(name="rows_missing", amount=2), Fault(name="row_cut"), Fault(name="expire_partial", amount=6))
    client = driver.start(SimulatorSettings(pace_seconds=86_400, faults=faults))
    batch_id = driver.submit(client, make_input(10)).id
    driver.stop()
    client = driver.start(FAST)
    batch = driver.wait(client, batch_id)
    assert batch.status == "expired"
    content = client.files.content(str(batch.output_file_id)).content
    errors = driver.read(client, batch.error_file_id)
    assert not content.endswith(b"\n")
    assert content.count(b"\n") + 1 + len(errors) == 8


def run_shards(folder: Path, seed: int) -> list[tuple[str, str, bytes]]:
    driver = Driver(folder)
    client = driver.start(SimulatorSettings(pace_seconds=0, seed=seed), clock=lambda: 1_800_000_000.0)
    batches = [driver.run(client, n) for n in (5, 3)]
    found = [(b.id, b.input_file_id, client.files.content(str(b.output_file_id)).content) for b in batches]
    driver.stop()
    return found


def test_like_runs_have_like_ids_and_bytes(tmp_path: Path) -> None:
    one, other, third = (run_shards(tmp_path / str(n), seed) for n, seed in enumerate((4, 4, 5)))
    assert one == other
    names = {name for run in (one, third) for batch in run for name in batch[:2]}
    assert len(names) == 8


def test_a_result_file_finished_early_or_late_moves_no_id(driver: Driver) -> None:
    client = driver.start(SimulatorSettings(pace_seconds=86_400))
    early = [driver.submit(client, make_input(1)) for _ in range(2)]
    driver.stop()
    other = Driver(driver.state.with_name("other"))
    client = other.start()
    late = [other.run(client, 1) for _ in range(2)]
    other.stop()
    assert [(b.id, b.input_file_id) for b in early] == [(b.id, b.input_file_id) for b in late]


@pytest.mark.parametrize("limits", [{"max_enqueued_requests": 5}, {"max_enqueued_tokens": 700}])
def test_only_so_much_is_enqueued_at_a_time(driver: Driver, limits: dict[str, int]) -> None:
    now = [1_800_000_000.0]
    settings = SimulatorSettings(pace_seconds=10, **limits)  # pyright: ignore[reportArgumentType]
    client = driver.start(settings, clock=lambda: now[0])
    first = driver.submit(client, make_input(3))
    now[0] += 10
    driver.wait(client, first.id, lambda b: b.status == "in_progress")
    second = driver.submit(client, make_input(3))
    other_model = make_row("a", body={"model": "gpt-6.1-sol", "messages": [{"role": "user", "content": "가" * 400}]})
    third = driver.submit(client, make_input([other_model]))
    now[0] += 10
    refused = driver.wait(client, second.id)
    assert [error.code for error in (refused.errors and refused.errors.data) or []] == ["token_limit_exceeded"]
    driver.wait(client, third.id, lambda b: b.status == "in_progress")
    now[0] += 100
    driver.wait(client, first.id, lambda b: b.status == "finalizing")
    now[0] += 10
    assert driver.wait(client, first.id).status == "completed"
    again = driver.submit(client, make_input(3))
    now[0] += 10
    assert driver.wait(client, again.id, lambda b: b.status != "validating").status == "in_progress"
    alone = driver.submit(client, make_input(9))
    now[0] += 10
    assert driver.wait(client, alone.id, lambda b: b.status != "validating").status == "failed"


def test_a_state_without_faults_is_still_read(driver: Driver) -> None:
    client = driver.start(SimulatorSettings(pace_seconds=86_400))
    batch = driver.submit(client, make_input(2))
    driver.stop()
    with sqlite3.connect(driver.state / "state.sqlite3") as db:
        (document,) = db.execute("SELECT document FROM batches").fetchone()
        older = {k: v for k, v in json.loads(document).items() if k not in {"faults", "n_looks", "prompt_tokens"}}
        db.execute("UPDATE batches SET document = ?", (json.dumps(older),))
        db.execute("PRAGMA user_version = 1")
    db.close()
    client = driver.start(FAST)
    assert driver.wait(client, batch.id).status == "completed"


def test_a_line_without_an_answer_takes_any_fault() -> None:
    line = b'{"custom_id":"a","response":null,"error":{"code":"batch_expired"}}\n'
    stream = io.BytesIO()
    for name in ("body_as_string", "rows_doubled", "rows_length"):
        write_row(stream, line, RowFault(name, 1))  # pyright: ignore[reportArgumentType]
    assert stream.getvalue().count(b"batch_expired") == 4


MESSY = (
    Fault(name="rows_429", amount=4),
    Fault(name="rows_doubled", amount=3),
    Fault(name="rows_missing", amount=3),
    Fault(name="huge_row", amount=2, size=200_000),
    Fault(name="rows_length", amount=0.2),
    Fault(name="expire_partial", amount=0.9),
)


def run_with_stops(folder: Path, stops: list[float]) -> list[bytes]:
    """Answer forty rows in a hundred seconds; at each of `stops` the server ends and another goes on."""
    now = [1_800_000_000.0]
    driver = Driver(folder)
    settings = SimulatorSettings(pace_seconds=100, error_rows=0.2, faults=MESSY)
    client = driver.start(settings, clock=lambda: now[0])
    batch_id = driver.submit(client, make_input(40)).id
    for moment in (100.0, *(100 + stop for stop in stops), 200.0, 300.0, 400.0):
        now[0] = 1_800_000_000 + moment
        if moment - 100 in stops:
            share = (moment - 100) / 100
            driver.wait(client, batch_id, lambda b, n=int(share * 30): is_past(b, n))
            driver.stop()
            client = driver.start(SimulatorSettings(pace_seconds=100, error_rows=0.2), clock=lambda: now[0])
        elif moment < 300:
            driver.wait(client, batch_id, lambda b, m=moment: is_past(b, 30) if m == 200 else b.status != "validating")
    batch = driver.wait(client, batch_id)
    contents = [client.files.content(str(name)).content for name in (batch.output_file_id, batch.error_file_id)]
    driver.stop()
    return [*contents, repr((batch.id, batch.status, batch.request_counts, batch.usage)).encode()]


def is_past(batch: Batch, n_rows: int) -> bool:
    counts = batch.request_counts
    return batch.status in {"expired", "finalizing"} or (
        counts is not None and counts.completed + counts.failed >= n_rows
    )


def test_a_server_stopped_in_the_middle_leaves_the_same_bytes(tmp_path: Path) -> None:
    undisturbed = run_with_stops(tmp_path / "one", [])
    assert undisturbed == run_with_stops(tmp_path / "two", [10.0, 40.0, 70.0])
    assert undisturbed[0].count(b"\n") + undisturbed[1].count(b"\n") == 40
