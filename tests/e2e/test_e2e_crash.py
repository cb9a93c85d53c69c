"""Runs that fall silent: one whose processes are dead is marked and holds nobody up, one that was suspended waits."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from operated import (
    Up,
    await_answer,
    await_run,
    await_submitted,
    find_processes,
    read_batches,
    start_run,
    start_worker,
)
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.states import Scheduled, Suspended

from datagen_core.dataset.validating import validate_file
from flows.operations.automations import HEARTBEAT
from flows.operations.processes import find_groups
from flows.suspending import LEFT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

NIGHTLY, MANUAL = "training/nightly", "training/manual"
SILENCE = 90.0


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Give a server that `datagen up` runs, without a worker; SIGTERM leaves nothing of it."""
    started = Up(tmp_path_factory.mktemp("crash") / "prefect", "--no-worker")
    try:
        started.await_ready()
        yield started
        assert started.stop(signal.SIGTERM) == 0
        assert find_processes(started.home) == []
    finally:
        started.stop(signal.SIGKILL)


@contextmanager
def working(up: Up, log: Path, *, pace: str) -> Generator[subprocess.Popen[bytes]]:
    worker = start_worker(up, log, DATAGEN_SIMULATOR_PACE=pace)
    try:
        yield worker
    finally:
        kill(worker)


def kill(worker: subprocess.Popen[bytes]) -> None:
    """Kill a worker and its flow runs together; twice is once."""
    if worker.poll() is None:
        for group in [worker.pid, *find_groups(worker.pid)]:
            os.killpg(group, signal.SIGKILL)
        worker.wait()


def read_times(up: Up, run_id: UUID, event: str) -> list[float]:
    """Return when the events occurred, the latest first."""
    wanted = EventFilter(
        event=EventNameFilter(name=[event]), resource=EventResourceFilter(id=[f"prefect.flow-run.{run_id}"])
    )
    return [one.occurred.timestamp() for one in up.client.read_events(wanted, 50).events]


def read_task_states(up: Up, run_id: UUID) -> list[str | None]:
    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
    return [one.state_name for one in up.client.read_task_runs(flow_run_filter=of_run)]


def test_worker_and_flow_run_killed_together_do_not_hold_up_the_next_night(up: Up, tmp_path: Path) -> None:
    with working(up, tmp_path / "first.log", pace="600") as worker:
        killed = start_run(up.client, NIGHTLY, tmp_path / "killed", poll_interval=60)
        await_submitted(up, tmp_path / "killed")
        await_answer(lambda: read_times(up, killed, HEARTBEAT), up.explain)
        kill(worker)
    assert up.client.read_flow_run(killed).state_name == "Running"

    with working(up, tmp_path / "second.log", pace="0.1"):
        following = start_run(up.client, NIGHTLY, tmp_path / "following", poll_interval=0.5)
        await_run(up, following, "AwaitingConcurrencySlot")
        run = await_run(up, killed, "Crashed")
        assert run.state is not None
        assert "No heartbeat" in str(run.state.message)
        await_run(up, following, "Completed")
        assert validate_file(tmp_path / "following" / "dataset.jsonl").n_sound == 3

        up.client.set_flow_run_state(killed, Scheduled(message="Retried"))
        await_run(up, killed, "Completed")
        assert read_batches(tmp_path / "killed") == ["completed"]
        assert validate_file(tmp_path / "killed" / "dataset.jsonl").n_sound == 3


def test_a_run_that_is_suspended_while_it_waits_for_a_batch_is_not_taken_for_dead(up: Up, tmp_path: Path) -> None:
    with working(up, tmp_path / "worker.log", pace="0.1"):
        run_id = start_run(up.client, MANUAL, tmp_path / "run", poll_interval=60)
        await_answer(lambda: "AwaitingRetry" in read_task_states(up, run_id), up.explain)
        await_answer(lambda: read_times(up, run_id, HEARTBEAT), up.explain)
        up.client.set_flow_run_state(run_id, Suspended(timeout_seconds=3600))
        (left,) = await_answer(lambda: read_times(up, run_id, LEFT), up.explain)
        (suspended,) = read_times(up, run_id, "prefect.flow-run.Suspended")
        assert suspended <= left
        assert read_times(up, run_id, HEARTBEAT)[0] <= left
        time.sleep(max(0.0, left + SILENCE + 15 - time.time()))
        assert up.client.read_flow_run(run_id).state_name == "Suspended"

        up.client.resume_flow_run(run_id)
        await_run(up, run_id, "Completed")
        assert read_batches(tmp_path / "run") == ["completed"]
