"""Two processes on one folder: the second stops. Two folders with the same requests: one batch serves both."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx2
import pytest
from faults.children import Child, Nursery, build_environment
from faults.matrix import read_log, read_outputs, read_stats, set_server
from faults.table import GENERATE, find_port, heal

from datagen_core.simulator import Fault, SimulatorServer, SimulatorSettings
from datagen_core.simulator.writer import ScriptWriter

pytestmark = pytest.mark.slow

SUBMIT = ["submit-batch", "--input", "output", "--wait", "--poll-interval", "0.1"]
READ = [["retrieve-batch", "--status-file", "output"], ["preprocess", "--input", "output"]]
STUCK = Fault(name="stuck_validating", times=None)


class Doorkeeper:
    """Counts requests by what they ask for, so that a test knows how far a process has come."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._came = threading.Condition()

    def __call__(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        with self._came:
            self.seen.append(f"{method} {target}")
            self._came.notify_all()

    def wait_for(self, beginning: str) -> None:
        with self._came:
            assert self._came.wait_for(lambda: any(one.startswith(beginning) for one in self.seen), 120), self.seen


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def folder(tmp_path: Path, nursery: Nursery) -> Path:
    folder = tmp_path / "first"
    folder.mkdir()
    assert nursery.run(folder, [GENERATE], build_environment()) == 0, read_log(folder)
    return folder


def start_server(tmp_path: Path, *faults: Fault, door: Doorkeeper) -> SimulatorServer:
    settings = SimulatorSettings(pace_seconds=0, faults=faults)
    writer = ScriptWriter(mistakes=0.3)
    return SimulatorServer(tmp_path / "server", writer, settings, port=find_port(), inspect=door)


def release(server: SimulatorServer, tmp_path: Path) -> None:
    """Let the batches that were stuck go on, under the same address."""
    server.stop()
    heal(tmp_path / "server")
    server.faults.clear()
    server.start()


def list_statuses(server: SimulatorServer) -> list[str]:
    listed = httpx2.get(f"{server.base_url}/batches", headers={"Authorization": "Bearer any"}).json()
    return [batch["status"] for batch in listed["data"]]


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_second_process_on_the_folder_stops_with_a_sentence(tmp_path: Path, folder: Path, nursery: Nursery) -> None:
    door = Doorkeeper()
    with start_server(tmp_path, STUCK, door=door) as server:
        environment = set_server(server)
        first = nursery.start(folder, [SUBMIT], environment)
        door.wait_for("GET /v1/batches/batch_")
        before = read_log(folder)
        assert nursery.run(folder, [SUBMIT], environment) == 1
        said = read_log(folder).removeprefix(before)
        assert f"Error: output is in use by another run (datagen submit-batch, process {first.pid}, since" in said
        assert "two runs at once need two folders" in said
        first.kill()
        assert first.wait() == -9
        release(server, tmp_path)
        assert nursery.run(folder, [SUBMIT, *READ], environment) == 0, read_log(folder)
        assert read_stats(server) == {"batches": 1, "files": 1}


def test_a_second_folder_with_the_same_requests_takes_the_batch_over(
    tmp_path: Path, folder: Path, nursery: Nursery
) -> None:
    second = tmp_path / "second"
    shutil.copytree(folder, second)
    door = Doorkeeper()
    with start_server(tmp_path, door=door) as server:
        environment = set_server(server)
        assert nursery.run(folder, [[word for word in SUBMIT if word != "--wait"]], environment) == 0
        assert nursery.run(second, [SUBMIT, *READ], environment) == 0, read_log(second)
        assert nursery.run(folder, [SUBMIT, *READ], environment) == 0, read_log(folder)
        assert read_stats(server) == {"batches": 1, "files": 1}
    assert "is taken over for shard" in read_log(second)
    assert read_outputs(second) == read_outputs(folder)
    assert not any(one.startswith("POST /v1/batches/") for one in door.seen), "a batch was cancelled"


def test_two_folders_in_the_same_seconds_end_on_one_batch_and_cancel_the_other(
    tmp_path: Path, folder: Path, nursery: Nursery
) -> None:
    """The window that stays open: the first one's creation is under way, unseen, when the second looks for it."""
    second = tmp_path / "second"
    shutil.copytree(folder, second)
    door = Doorkeeper()
    late = Fault(name="slow_commit", route="batches", seconds=16)
    with start_server(tmp_path, late, STUCK, door=door) as server:
        environment = set_server(server, timeout=16)
        children: list[Child] = [nursery.start(folder, [SUBMIT, *READ], environment)]
        door.wait_for("POST /v1/batches")
        children.append(nursery.start(second, [SUBMIT, *READ], environment))
        wait_until(lambda: "cancelled" in list_statuses(server))
        release(server, tmp_path)
        assert [child.wait() for child in children] == [0, 0], read_log(folder) + read_log(second)
        assert sorted(list_statuses(server)) == ["cancelled", "completed"]
        assert read_stats(server) == {"batches": 2, "files": 1}
    assert read_outputs(second) == read_outputs(folder)
