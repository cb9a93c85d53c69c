"""`datagen up`: one command for everything, nothing left behind, and a second start that finds it all again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from operated import (
    PATIENCE,
    ROOT,
    Up,
    await_run,
    await_submitted,
    build_variables,
    find_processes,
    read_batches,
    start_run,
)
from prefect.client.orchestration import SyncPrefectClient
from prefect.states import Scheduled

from flows.operations.processes import read_table

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

NIGHTLY, MANUAL, GOLD = "training/nightly", "training/manual", "gold/manual"


@dataclass(frozen=True)
class Facts:
    """What the server knows."""

    ids: dict[str, UUID]
    automations: dict[str, UUID]
    pool_type: str
    workers: list[str]
    switched_on: dict[str, bool]


@dataclass(frozen=True)
class Seen:
    """What one start of `datagen up` showed, and what was left when it ended; the state of the run as it was found."""

    facts: Facts
    run_id: UUID
    run_state: str | None
    batches: list[str]
    code: int
    said: str
    left: list[str]
    due_id: UUID | None = None
    further: tuple[subprocess.CompletedProcess[str], ...] = ()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up")


@pytest.fixture(scope="module")
def first(place: Path) -> Iterator[Seen]:
    """Start it and a run; switch things off, deploy again, be refused twice; Ctrl-C while the run waits for a batch."""
    up = Up(place / "prefect", DATAGEN_SIMULATOR_PACE="600")
    try:
        up.await_ready()
        facts = look(up.client)
        run_id = start_run(up.client, MANUAL, place / "run", poll_interval=60)
        await_submitted(up, place / "run")
        state, batches = up.client.read_flow_run(run_id).state_name, read_batches(place / "run")
        switch_off(up.client)
        further = (
            call(up, "up", "--port", str(up.port)),
            call(up, "up", "--port", "0"),
            call(up, "deploy", PREFECT_API_URL=up.url),
        )
        due_id = start_run(up.client, NIGHTLY, place / "due", poll_interval=0.5, in_seconds=15)
        code = up.stop()
        yield Seen(facts, run_id, state, batches, code, up.said, find_processes(up.home), due_id, further)
    finally:
        up.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def second(place: Path, first: Seen) -> Iterator[Seen]:
    """Start it again on the same data, retry the run, and kill the worker while another run waits."""
    up = Up(place / "prefect", DATAGEN_SIMULATOR_PACE="0.1")
    try:
        up.await_ready()
        facts, state = look(up.client), up.client.read_flow_run(first.run_id).state_name
        up.client.set_flow_run_state(first.run_id, Scheduled(message="Retried"))
        await_run(up, first.run_id, "Completed")
        assert first.due_id is not None
        await_run(up, first.due_id, "Completed")
        start_run(up.client, MANUAL, place / "another", poll_interval=600)
        await_submitted(up, place / "another")
        (worker,) = [one.pid for one in read_table() if one.parent == up.process.pid and is_worker(one.pid)]
        os.kill(worker, signal.SIGKILL)
        code, batches = up.process.wait(PATIENCE), read_batches(place / "run")
        yield Seen(facts, first.run_id, state, batches, code, up.said, find_processes(up.home))
    finally:
        up.stop(signal.SIGKILL)


def look(client: SyncPrefectClient) -> Facts:
    deployments = {name: client.read_deployment_by_name(name) for name in (NIGHTLY, MANUAL, GOLD)}
    automations = client.read_automations()
    return Facts(
        ids={name: one.id for name, one in deployments.items()},
        automations={one.name: one.id for one in automations},
        pool_type=client.read_work_pool("datagen").type,
        workers=[one.name for one in client.read_workers_for_work_pool("datagen")],
        switched_on={
            "schedule": deployments[NIGHTLY].schedules[0].active,
            "deployment": not deployments[GOLD].paused,
            "automation": all(one.enabled for one in automations),
        },
    )


def switch_off(client: SyncPrefectClient) -> None:
    nightly = client.read_deployment_by_name(NIGHTLY)
    client.update_deployment_schedule(nightly.id, nightly.schedules[0].id, active=False)
    client.pause_deployment(client.read_deployment_by_name(GOLD).id)
    for automation in client.read_automations():
        client.pause_automation(automation.id)


def call(up: Up, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        cwd=ROOT,
        env=build_variables(up.home, **variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def is_worker(pid: int) -> bool:
    return b"worker\0start" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_one_command_gives_pool_worker_automations_and_deployments(first: Seen) -> None:
    assert first.facts.pool_type == "process"
    assert first.facts.workers == ["datagen-up"]
    assert len(first.facts.automations) == 1
    assert first.facts.switched_on == {"schedule": True, "deployment": True, "automation": True}
    nightly = next(line for line in first.said.splitlines() if NIGHTLY in line)
    assert "02:00 KST" in nightly
    assert f"prefect deployment run {MANUAL}" in first.said


def test_a_second_one_beside_it_is_refused(first: Seen) -> None:
    on_the_port, on_the_data, _ = first.further
    assert on_the_port.returncode == on_the_data.returncode == 1
    assert "A Prefect server answers at" in on_the_port.stderr
    assert "is in use by another run (datagen up, process" in on_the_data.stderr
    assert "Traceback" not in on_the_port.stderr + on_the_data.stderr


def test_ctrl_c_ends_everything_and_names_the_run_that_was_at_work(first: Seen) -> None:
    assert first.code == 0
    assert first.left == []
    assert f"Crashed. To go on: Retry in the UI, or 'prefect flow-run retry {first.run_id}'" in first.said
    assert "nothing is left running" in first.said
    assert "Traceback" not in first.said


def test_a_second_start_finds_deployments_and_automations_again(first: Seen, second: Seen) -> None:
    assert second.facts.ids == first.facts.ids
    assert second.facts.automations == first.facts.automations
    assert second.facts.workers == first.facts.workers


def test_deploying_to_a_server_that_runs_says_what_is_there(first: Seen) -> None:
    deployed = first.further[-1]
    assert deployed.returncode == 0, deployed.stderr
    assert {NIGHTLY, MANUAL, GOLD} <= set(deployed.stdout.split())


def test_what_was_switched_off_stays_off_whether_deployed_again_or_started_again(second: Seen) -> None:
    assert second.facts.switched_on == {"schedule": False, "deployment": False, "automation": False}


def test_a_run_that_was_at_work_goes_on_and_pays_nothing_twice(first: Seen, second: Seen) -> None:
    assert first.run_state == "Running"
    assert first.batches == ["validating"]
    assert second.run_state == "Crashed"
    assert second.batches == ["completed"]


def test_a_run_that_came_due_while_nothing_ran_is_named_and_begun(second: Seen) -> None:
    (line,) = [line for line in second.said.splitlines() if line.startswith("Due while nothing ran")]
    assert NIGHTLY in line


def test_a_worker_that_dies_is_named_and_ends_everything(second: Seen) -> None:
    assert second.code == 1
    assert "Error: The worker ended by itself (by SIGKILL)" in second.said
    assert second.left == []
