"""The steps without Prefect: shards drip, waits are honoured, a second call goes on, and nothing is sent twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from batch_helpers import make_request

from datagen_core.batch import BatchClient, RequestRefused, read_status
from datagen_core.batch.dripping import QueueLimits
from datagen_core.batch.models import Shard
from datagen_core.batch.sharding import ShardLimits
from datagen_core.batch.stepwise import Waiting, read_model, retrieve_file, shard_file, submit_shards
from datagen_core.errors import BatchError, BatchFailed, BatchNotReady, CostCapError
from datagen_core.files import iter_json_array
from datagen_core.simulator import Fault, SimulatorServer, SimulatorSettings
from datagen_core.simulator.writer import ScriptWriter

PACE = SimulatorSettings(pace_seconds=0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SimulatorServer]:
    with SimulatorServer(tmp_path / "state", ScriptWriter(mistakes=0), PACE) as started:
        yield started


@pytest.fixture
def client(server: SimulatorServer) -> Iterator[BatchClient]:
    with BatchClient(server.base_url, "any", server.identity, timeout=5) as opened:
        yield opened


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "batch_input.jsonl"
    path.parent.mkdir()
    path.write_bytes(b"".join(orjson.dumps(make_request(f"row-{n}")) + b"\n" for n in range(6)))
    return path


def waiting(**changes: object) -> Waiting:
    return Waiting(**{"interval": 0.02, **changes})  # type: ignore[arg-type]


def cut(requests: Path, rows: int = 2) -> list[Shard]:
    return shard_file(requests, ShardLimits(max_requests=rows))


def status_of(requests: Path) -> Path:
    return requests.with_name("status.json")


def created(server: SimulatorServer, client: BatchClient) -> int:
    return sum(len(page) for page in client.iter_batch_pages(max_pages=5))


def test_one_shard_at_a_time_ends_with_every_answer(
    server: SimulatorServer, client: BatchClient, requests: Path
) -> None:
    shards, seen = cut(requests), list[tuple[str, int]]()
    status = submit_shards(
        client,
        requests,
        shards,
        status_of(requests),
        provider="openai",
        limits=QueueLimits(max_in_flight=1),
        announce=lambda shard, before: seen.append((Path(shard.path).name, len(before))),
        waiting=waiting(),
    )
    assert [len(before) for before in [seen]] == [3]
    assert [n for _, n in seen] == [0, 1, 2]
    assert [one.status.status for one in status.shards if one.status] == ["completed"] * 3
    assert not status.waiting
    results = retrieve_file(client, status_of(requests), requests.with_name("result_lst.json"))
    answers = [element for _, element in iter_json_array(Path(results.path), advice="")]
    assert [answer["custom_id"] for answer in answers] == [f"row-{n}" for n in range(6)]  # type: ignore[index]


def test_without_waiting_what_has_no_room_is_left_for_the_next_call(tmp_path: Path, requests: Path) -> None:
    slow = SimulatorSettings(pace_seconds=600)
    with (
        SimulatorServer(tmp_path / "slow", ScriptWriter(mistakes=0), slow) as server,
        BatchClient(server.base_url, "any", server.identity) as client,
    ):
        for _ in range(2):
            status = submit_shards(
                client, requests, cut(requests), status_of(requests), provider="openai",
                limits=QueueLimits(max_in_flight=2),
            )  # fmt: skip
            assert (len(status.shards), len(status.waiting)) == (2, 1)
            assert read_status(status_of(requests)) == status
            assert created(server, client) == 2
        with pytest.raises(BatchNotReady, match=r"its requests are not counted yet\. Run the same command again later"):
            retrieve_file(client, status_of(requests), requests.with_name("result_lst.json"))


def test_a_full_queue_is_waited_for_and_is_no_attempt(
    server: SimulatorServer, client: BatchClient, requests: Path
) -> None:
    server.faults.add(Fault(name="token_limit_exceeded", times=2))
    status = submit_shards(
        client, requests, cut(requests, rows=6), status_of(requests), provider="openai", waiting=waiting()
    )
    assert [shard.submitted.generation for shard in status.shards] == [2]
    assert created(server, client) == 3
    results = retrieve_file(client, status_of(requests), requests.with_name("result_lst.json"))
    assert results.rows == 6


def test_a_refusal_for_the_files_own_fault_is_raised_and_names_the_line(
    server: SimulatorServer, client: BatchClient, requests: Path
) -> None:
    server.faults.add(Fault(name="fail_validation", code="missing_required_parameter", line=3, param="body.model"))
    with pytest.raises(BatchFailed, match=r"line 3: missing_required_parameter.*body\.model"):
        submit_shards(client, requests, cut(requests), status_of(requests), provider="openai", waiting=waiting())


def test_a_busy_provider_gets_the_time_it_asks_for(
    server: SimulatorServer, client: BatchClient, requests: Path
) -> None:
    slept: list[float] = []
    server.faults.add(Fault(name="rate_limit", route="batches", seconds=7))
    submit_shards(
        client,
        requests,
        cut(requests, rows=6),
        status_of(requests),
        provider="openai",
        waiting=waiting(sleep=slept.append, interval=0.5),
    )
    assert 7 in slept
    assert created(server, client) == 1


def test_a_lost_answer_is_looked_up_in_the_same_call(
    server: SimulatorServer, client: BatchClient, requests: Path
) -> None:
    server.faults.add(Fault(name="lose_response", route="batches"))
    status = submit_shards(
        client,
        requests,
        cut(requests, rows=6),
        status_of(requests),
        provider="openai",
        waiting=waiting(sleep=lambda _: None),
    )
    assert created(server, client) == 1
    assert status.shards[0].status is not None
    assert status.shards[0].status.status == "completed"


def test_waiting_outlives_a_provider_in_trouble(server: SimulatorServer, client: BatchClient, requests: Path) -> None:
    with BatchClient(server.base_url, "any", server.identity, read_retries=0) as impatient:
        server.faults.add(
            Fault(name="server_error", route="batch", times=3), Fault(name="reset", route="batch", times=2)
        )
        status = submit_shards(
            impatient, requests, cut(requests), status_of(requests), provider="openai", waiting=waiting()
        )
    assert {one.status.status for one in status.shards if one.status} == {"completed"}
    assert created(server, client) == 3


def test_a_revoked_key_stops_at_once_and_the_next_call_goes_on(
    server: SimulatorServer, client: BatchClient, requests: Path
) -> None:
    def send() -> None:
        submit_shards(client, requests, cut(requests), status_of(requests), provider="openai", waiting=waiting())

    server.faults.add(Fault(name="key_revoked", skip=5))
    with pytest.raises(RequestRefused, match="401"):
        send()
    server.faults.clear()
    send()
    assert created(server, client) == 3


def test_a_batch_that_never_ends_is_an_error_after_its_window(
    server: SimulatorServer, client: BatchClient, requests: Path
) -> None:
    server.faults.add(Fault(name="stuck_finalizing", times=None))
    passed = iter(range(0, 10_000_000, 3600))
    with pytest.raises(BatchError, match=r"hours after it was submitted.*ask the provider"):
        submit_shards(
            client,
            requests,
            cut(requests, rows=6),
            status_of(requests),
            provider="openai",
            waiting=waiting(clock=lambda: 1_800_000_000.0 + next(passed), sleep=lambda _: None),
        )
    assert created(server, client) == 1


def test_what_is_announced_may_stop_the_submission_and_nothing_of_it_is_sent(
    server: SimulatorServer, client: BatchClient, requests: Path
) -> None:
    def refuse_second(_: Shard, before: object) -> None:
        if before:
            raise CostCapError("too dear")

    with pytest.raises(CostCapError):
        submit_shards(
            client, requests, cut(requests), status_of(requests), provider="openai", announce=refuse_second,
            waiting=waiting(),
        )  # fmt: skip
    assert created(server, client) == 1
    assert len(read_status(status_of(requests)).waiting) == 2


def test_the_model_is_that_of_the_requests(requests: Path) -> None:
    assert read_model(requests) == "gpt-6-luna"
