"""A worker that dies with its flow run: the run is marked as crashed, the next night starts, and a retry goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

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
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.states import Scheduled

from datagen_core.dataset.validating import validate_file
from flows.operations.processes import find_groups

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

NIGHTLY = "training/nightly"


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    started = Up(tmp_path / "prefect", "--no-worker")
    try:
        started.await_ready()
        yield started
    finally:
        started.stop(signal.SIGTERM)


def has_beaten(up: Up) -> bool:
    return bool(
        up.client.read_events(EventFilter(event=EventNameFilter(name=["prefect.flow-run.heartbeat"])), 1).events
    )


def test_worker_and_flow_run_killed_together_do_not_hold_up_the_next_night(up: Up, tmp_path: Path) -> None:
    worker = start_worker(up, tmp_path / "first.log", DATAGEN_SIMULATOR_PACE="600")
    killed = start_run(up.client, NIGHTLY, tmp_path / "killed", poll_interval=60)
    await_submitted(up, tmp_path / "killed")
    await_answer(lambda: has_beaten(up), up.explain)
    for group in [worker.pid, *find_groups(worker.pid)]:
        os.killpg(group, signal.SIGKILL)
    worker.wait()
    assert up.client.read_flow_run(killed).state_name == "Running"

    worker = start_worker(up, tmp_path / "second.log", DATAGEN_SIMULATOR_PACE="0.1")
    try:
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
    finally:
        for group in [worker.pid, *find_groups(worker.pid)]:
            os.killpg(group, signal.SIGKILL)
        worker.wait()

    assert up.stop(signal.SIGTERM) == 0
    assert find_processes(up.home) == []
