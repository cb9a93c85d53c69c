"""A server that is stopped or killed goes on where it was: no row lost, none doubled, nothing forgotten."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import httpx2
import pytest
from openai import OpenAI
from simulator_driver import FAST, Driver, EchoWriter, make_input, make_row

from datagen_core.errors import ConfigError, InputFileError, OutputError, PortTakenError
from datagen_core.simulator import Answer, SimulatorServer, SimulatorSettings, engine

CHILD = """
import sys, threading
from pathlib import Path
from datagen_core.simulator import Answer, SimulatorServer, SimulatorSettings, engine

engine.SLICE_SECONDS = 0.0  # Commits after every row, so that the kill falls between two commits.

def say(word):
    # In one piece: `print` writes the line's end apart, and two threads' words could run into one another.
    sys.stdout.write(word + "\\n")
    sys.stdout.flush()

class Writer:
    n_calls = 0

    def answer(self, custom_id, body):
        self.n_calls += 1
        if self.n_calls > int(sys.argv[2]):
            say("reached")
            threading.Event().wait()
        return Answer(f"답 {custom_id}", planted="label" if custom_id.endswith("7") else None)

server = SimulatorServer(Path(sys.argv[1]), Writer(), SimulatorSettings(pace_seconds=0))
server.start()
say(server.base_url)
threading.Event().wait()
"""


class PlantingWriter(EchoWriter):
    def answer(self, custom_id: str, body: Mapping[str, object]) -> Answer:
        return Answer(f"답 {custom_id}", planted="label" if custom_id.endswith("7") else None)


class StopWaitingWriter(EchoWriter):
    """At the row number `at`, waits until the server no longer takes connections: it is being stopped."""

    def __init__(self, at: int) -> None:
        self.at, self.n_calls, self.address = at, 0, ("", 0)
        self.reached = threading.Event()

    def answer(self, custom_id: str, body: Mapping[str, object]) -> Answer:
        self.n_calls += 1
        if self.n_calls > self.at:
            self.reached.set()
            with contextlib.suppress(OSError):
                while True:
                    socket.create_connection(self.address, timeout=5).close()
        return super().answer(custom_id, body)


def _run_until_killed(state: Path, n_rows: int, submit: bytes | None) -> str | None:
    """Run a server of its own process until its writer has answered `n_rows`, then kill it; return the new batch."""
    command = [sys.executable, "-c", CHILD, str(state), str(n_rows)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            # A resumed batch may reach its row before the server says where it listens.
            lines = [child.stdout.readline().strip()]
            batch_id = None
            if submit is not None:
                with OpenAI(base_url=lines[0], api_key="any", max_retries=0) as client:
                    batch_id = Driver(state).submit(client, submit, metadata={"key": "k"}).id
            while "reached" not in lines:
                lines.append(child.stdout.readline().strip())
        finally:
            child.send_signal(signal.SIGKILL)
    return batch_id


def _check_all_rows_once(driver: Driver, client: OpenAI, batch_id: str, n_rows: int) -> None:
    batch = driver.wait(client, batch_id)
    assert batch.status == "completed"
    ids = driver.read_ids(client, batch.output_file_id)
    assert sorted(ids, key=str) == [f"row-{n:04d}" for n in range(n_rows)]
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": n_rows, "completed": n_rows, "failed": 0}


def test_killed_twice_the_batch_is_finished_by_the_next_server(driver: Driver) -> None:
    batch_id = _run_until_killed(driver.state, 7, make_input(40))
    assert batch_id is not None
    _run_until_killed(driver.state, 11, None)
    for blob in (driver.state / "files").iterdir():
        if blob.read_bytes().startswith(b'{"id":"batch_req_'):
            with blob.open("ab") as stream:
                stream.write(b'{"id": "half a row that was never comm')
    driver.writer = PlantingWriter()
    client = driver.start()
    _check_all_rows_once(driver, client, batch_id, 40)
    assert client.batches.retrieve(batch_id).metadata == {"key": "k"}
    assert driver.server is not None
    root = driver.server.base_url.removesuffix("/v1")
    planted = httpx2.get(f"{root}/simulator/planted", params={"batch_id": batch_id}).text.splitlines()
    assert len(planted) == len(set(planted)) == 4


@pytest.mark.slow
def test_killed_again_and_again_at_any_moment_every_row_comes_once(driver: Driver) -> None:
    n_rows = 3_000
    client = driver.start(SimulatorSettings(pace_seconds=86_400))
    batch_id = driver.submit(client, make_input(n_rows)).id
    driver.stop()
    never = str(n_rows + 1)
    for n_kill in range(10):
        with subprocess.Popen([sys.executable, "-c", CHILD, str(driver.state), never], stdout=subprocess.PIPE) as child:
            try:
                assert child.stdout is not None
                child.stdout.readline()
                # Anywhere between the first row and the publication; ten rows a millisecond or so.
                threading.Event().wait(n_kill * 0.05)
            finally:
                child.send_signal(signal.SIGKILL)
    client = driver.start()
    _check_all_rows_once(driver, client, batch_id, n_rows)


def test_a_result_file_shorter_than_committed_is_written_again(driver: Driver) -> None:
    batch_id = _run_until_killed(driver.state, 7, make_input(20))
    assert batch_id is not None
    for blob in (driver.state / "files").iterdir():
        if blob.read_bytes().startswith(b'{"id":"batch_req_'):
            blob.write_bytes(blob.read_bytes()[:100])
    client = driver.start()
    _check_all_rows_once(driver, client, batch_id, 20)


def test_stopped_in_the_middle_a_new_server_goes_on(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SLICE_SECONDS", 0.0)
    writer = StopWaitingWriter(at=6)
    driver.writer = writer
    client = driver.start()
    assert driver.server is not None
    writer.address = ("127.0.0.1", int(driver.server.base_url.split(":")[2].removesuffix("/v1")))
    identity = driver.server.identity
    batch_id = driver.submit(client, make_input(30)).id
    assert writer.reached.wait(30)
    driver.stop()
    assert writer.n_calls == 7
    after = EchoWriter()
    driver.writer = after
    client = driver.start()
    assert driver.server.identity == identity
    assert identity.startswith("simulator:")
    _check_all_rows_once(driver, client, batch_id, 30)


def test_the_same_object_can_be_started_again(driver: Driver) -> None:
    client = driver.start(SimulatorSettings(pace_seconds=0.05))
    assert driver.server is not None
    batch_id = driver.submit(client, make_input(5)).id
    driver.server.stop()
    driver.server.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = driver.server.base_url
    with driver.server as server, OpenAI(base_url=server.base_url, api_key="any") as again:
        _check_all_rows_once(driver, again, batch_id, 5)


def test_requests_are_counted_over_restarts(driver: Driver) -> None:
    client = driver.start()
    driver.run(client, 1)
    driver.stop()
    client = driver.start()
    client.files.list()
    assert driver.server is not None
    stats = httpx2.get(driver.server.base_url.removesuffix("/v1") + "/simulator/stats").json()
    assert (stats["batches"], stats["files"]) == (1, 1)
    assert stats["requests"]["POST /v1/files"] == 1
    assert stats["requests"]["POST /v1/batches"] == 1
    assert stats["requests"]["GET /v1/files"] == 1
    assert stats["requests"]["GET /v1/batches/{id}"] >= 1


def test_no_thread_and_no_listener_stay_behind(driver: Driver) -> None:
    before = set(threading.enumerate())
    client = driver.start()
    driver.run(client, 3)
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "안녕"}])
    assert driver.server is not None
    port = int(driver.server.base_url.split(":")[2].removesuffix("/v1"))
    driver.server.stop()
    assert set(threading.enumerate()) <= before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    with SimulatorServer(driver.state, EchoWriter(), FAST, port=port) as server:
        assert server.base_url == f"http://127.0.0.1:{port}/v1"


def test_a_client_that_never_hangs_up_does_not_hold_the_server(driver: Driver) -> None:
    driver.start()
    assert driver.server is not None
    port = int(driver.server.base_url.split(":")[2].removesuffix("/v1"))
    with socket.create_connection(("127.0.0.1", port)) as idle, socket.create_connection(("127.0.0.1", port)) as half:
        idle.sendall(b"GET /v1/files")
        half.sendall(
            b"POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nContent-Length: 999999\r\n\r\nabc"
        )
        driver.server.stop()
    assert not list((driver.state / "files").iterdir())


def test_a_second_server_on_the_same_state_is_refused(driver: Driver) -> None:
    driver.start()
    with pytest.raises(ConfigError, match="Another simulator is running on"):
        SimulatorServer(driver.state, EchoWriter()).start()


def test_a_taken_port_is_refused_and_leaves_the_state_free(driver: Driver, tmp_path: Path) -> None:
    driver.start()
    assert driver.server is not None
    port = int(driver.server.base_url.split(":")[2].removesuffix("/v1"))
    other = tmp_path / "other"
    with pytest.raises(PortTakenError):
        SimulatorServer(other, EchoWriter(), port=port).start()
    with pytest.raises(ConfigError, match="99999 is no port"):
        SimulatorServer(other, EchoWriter(), port=99_999).start()
    with SimulatorServer(other, EchoWriter()):
        pass


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite3").write_bytes(b"not a database at all, but long enough to look like one" * 100)
    with pytest.raises(InputFileError, match="not a usable state database"):
        SimulatorServer(tmp_path, EchoWriter()).start()
    (tmp_path / "state.sqlite3").unlink()
    with SimulatorServer(tmp_path, EchoWriter()):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="could not be written"):
        SimulatorServer(tmp_path / "file" / "state", EchoWriter()).start()


def test_an_input_removed_from_the_folder_fails_the_batch(driver: Driver) -> None:
    now = [1_800_000_000.0]
    client = driver.start(SimulatorSettings(pace_seconds=10), clock=lambda: now[0])
    batch = driver.submit(client, make_input([make_row("a"), make_row("b")]))
    now[0] += 10
    driver.wait(client, batch.id, lambda b: b.status == "in_progress")
    (driver.state / "files" / batch.input_file_id).unlink()
    now[0] += 10
    failed = driver.wait(client, batch.id)
    assert failed.status == "failed"
    assert failed.errors is not None
    assert [error.code for error in failed.errors.data or []] == ["file_not_found"]
