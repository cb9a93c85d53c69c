"""Kills, cancelling and pausing on a real server: a run goes on afterwards, and each shard has one batch."""

from __future__ import annotations

import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, cast
from uuid import UUID

import httpx
import pytest
from prefect.client.schemas.objects import State, StateType
from prefect_server import PrefectServer, Worker, make_template, wait_for

from datagen_core.dataset.validating import validate_file
from datagen_core.simulator import SimulatorServer, SimulatorSettings
from datagen_core.simulator.writer import ScriptWriter

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PHASE: Final = 600.0
COUNT: Final = 4
N_SHARDS: Final = 2


class Provider:
    """A Batch API beside the flows: it lives on when they die, and its batches stand still until `finish`."""

    def __init__(self, folder: Path) -> None:
        self._ahead, self._looks, self._lock = 0.0, Counter[str](), threading.Lock()
        self.server = SimulatorServer(
            folder,
            ScriptWriter(mistakes=0),
            SimulatorSettings(pace_seconds=PHASE),
            clock=lambda: time.time() + self._ahead,
            inspect=self._note,
        )

    def finish(self) -> None:
        """Let every batch end, one phase after the other."""
        while any(str(one["status"]) not in {"completed", "cancelled"} for one in self._list()):
            self._ahead += PHASE
            time.sleep(0.3)

    def statuses(self, folder: Path) -> list[str]:
        """Return the status of each batch that was made for the run in the folder."""
        return [str(one["status"]) for one in self._list() if _run_of(one) == folder.name]

    def is_polled(self, folder: Path) -> bool:
        """Tell whether the run in the folder has all its batches, and has looked at each twice since last asked."""
        names = [str(one["id"]) for one in self._list() if _run_of(one) == folder.name]
        with self._lock:
            is_polled = len(names) == N_SHARDS and all(self._looks[name] >= 2 for name in names)
            if is_polled:
                self._looks.clear()
        return is_polled

    @property
    def was_asked(self) -> bool:
        """Tell whether anybody has looked at a batch since a run was last seen to poll."""
        with self._lock:
            return bool(self._looks)

    def _list(self) -> list[dict[str, object]]:
        answer = httpx.get(f"{self.server.base_url}/batches?limit=100", headers={"Authorization": "Bearer sk-test"})
        return cast("list[dict[str, object]]", answer.raise_for_status().json()["data"])

    def _note(self, method: str, target: str, _: Mapping[str, str], __: bytes) -> None:
        if method == "GET" and target.startswith("/v1/batches/"):
            with self._lock:
                self._looks[target.removeprefix("/v1/batches/")] += 1


def _run_of(batch: Mapping[str, object]) -> object:
    return cast("dict[str, object]", batch["metadata"])["run"]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    provider = Provider(tmp_path_factory.mktemp("provider"))
    with provider.server:
        yield provider


@pytest.fixture(scope="module")
def prefect(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    template = make_template(tmp_path_factory.getbasetemp().parent)
    variables = {
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": provider.server.base_url,
        # How often a request waits for a server that is away: twice as long each time, from 2 s on.
        "PREFECT_CLIENT_MAX_RETRIES": "7",
    }
    with PrefectServer(tmp_path_factory.mktemp("prefect"), template=template, variables=variables) as server:
        server.deploy()
        yield server


@pytest.fixture(scope="module")
def worker(prefect: PrefectServer) -> Iterator[Worker]:
    with prefect.worker("steady") as worker:
        yield worker


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return tmp_path / str(request.node.name)[:60]


def start(prefect: PrefectServer, provider: Provider, folder: Path, **queue: object) -> UUID:
    """Start a run, and return it once it polls."""
    parameters = {
        "count": COUNT,
        "seed": zlib.crc32(folder.name.encode()) // 2,  # of its own: equal shards would be found at the provider
        "provider": "openai",
        "output_dir": str(folder),
        "queue": {"poll_interval": 0.5, "shard_size": COUNT // N_SHARDS, **queue},
    }
    run = prefect.create("training/manual", parameters)
    if not wait_for(lambda: provider.is_polled(folder)):
        prefect.fail(run, f"It does not poll; its batches are {provider.statuses(folder)}.")
    return run


def require_complete(provider: Provider, folder: Path) -> None:
    """Assert that the run has all its dialogues and that each shard was made once."""
    assert validate_file(folder / "dataset.jsonl").n_sound == COUNT
    assert provider.statuses(folder) == ["completed"] * N_SHARDS


def find_states(prefect: PrefectServer, run: UUID, stage: str) -> set[str]:
    """Return the states of a stage's task runs, of all shards."""
    return {seen.state for name, seen in prefect.task_states(run).items() if name.startswith(stage)}


def test_a_killed_flow_crashes_and_a_retry_goes_on_polling(
    prefect: PrefectServer, worker: Worker, provider: Provider, folder: Path
) -> None:
    run = start(prefect, provider, folder)
    began = prefect.read(run).expected_start_time
    worker.kill_flow(run)
    prefect.wait_for_crash(run)
    prefect.retry(run)
    assert wait_for(lambda: provider.is_polled(folder))
    provider.finish()
    done = prefect.wait(run, "Completed")
    assert (done.run_count, done.expected_start_time) == (2, began)
    assert find_states(prefect, run, "submit") == {"Cached"}
    require_complete(provider, folder)


def test_a_killed_worker_takes_its_flow_along_and_a_retry_goes_on_polling(
    prefect: PrefectServer, worker: Worker, provider: Provider, folder: Path
) -> None:
    run = start(prefect, provider, folder)
    worker.kill()
    prefect.wait(run, "Crashed")
    assert wait_for(lambda: not worker.find_flows(run))
    worker.start()
    provider.finish()
    prefect.retry(run)
    prefect.wait(run, "Completed")
    assert find_states(prefect, run, "submit") == {"Cached"}
    require_complete(provider, folder)


def test_a_run_completes_by_itself_while_the_server_is_killed_and_started_again(
    prefect: PrefectServer, worker: Worker, provider: Provider, folder: Path
) -> None:
    run = start(prefect, provider, folder)
    prefect.kill()
    provider.finish()
    prefect.start()
    assert prefect.wait(run, "Completed").run_count == 1
    require_complete(provider, folder)


def test_after_the_machine_failed_a_run_is_left_running_and_a_retry_completes_it(
    prefect: PrefectServer, worker: Worker, provider: Provider, folder: Path
) -> None:
    run = start(prefect, provider, folder)
    prefect.kill()
    worker.kill()
    worker.kill_flow(run)
    prefect.start()
    worker.start()
    assert prefect.read(run).state_name == "Running"
    # As the automation does that hears no heartbeat any more: only what has ended can be retried.
    prefect.set_state(run, State(type=StateType.CRASHED, message="No heartbeat"))
    prefect.retry(run)
    assert wait_for(lambda: provider.is_polled(folder))
    provider.finish()
    prefect.wait(run, "Completed")
    assert find_states(prefect, run, "submit") == {"Cached"}
    require_complete(provider, folder)


def test_cancelling_cancels_the_batches_unless_told_otherwise(
    prefect: PrefectServer, worker: Worker, provider: Provider, folder: Path
) -> None:
    kept = folder.with_name("kept")
    run, other = start(prefect, provider, folder), start(prefect, provider, kept, cancel_batches=False)
    for one in (run, other):
        prefect.cancel(one)
    for one in (run, other):
        prefect.wait(one, "Cancelled")
    assert provider.statuses(folder) == ["cancelling"] * N_SHARDS
    assert provider.statuses(kept) == ["validating"] * N_SHARDS
    provider.finish()
    prefect.retry(other)
    prefect.wait(other, "Completed")
    require_complete(provider, kept)


def test_a_paused_run_gives_its_process_back_and_goes_on_when_resumed(
    prefect: PrefectServer, worker: Worker, provider: Provider, folder: Path
) -> None:
    run = start(prefect, provider, folder, poll_interval=40)
    prefect.pause(run)
    assert wait_for(lambda: not worker.find_flows(run))
    assert not provider.was_asked, "it left before its next look"
    assert prefect.read(run).state_name == "Suspended"
    provider.finish()
    prefect.resume(run)
    prefect.wait(run, "Completed")
    assert find_states(prefect, run, "submit") == {"Cached"}
    require_complete(provider, folder)
