from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from s3_server import S3Server

from datagen_core.errors import FolderInUseError, LeaseLostError, StorageError
from datagen_core.locking import lock_folder
from datagen_core.storage import lease_folder, mirror_path
from datagen_core.storage.locations import parse_remote
from datagen_core.storage.stores import Store

RUN = "s3://data/run"
KEY = "run/.lease.json"


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with S3Server() as running:
        running.make_bucket("data")
        yield running


@pytest.fixture
def s3(server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATAGEN_SCRATCH_DIR", str(tmp_path / "scratch"))
    yield server
    server.fail.clear()
    server.hold.clear()
    server.lose.clear()
    server.requests.clear()
    server.empty("data")


@pytest.fixture(params=["s3", "memory", "file"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    request.getfixturevalue("s3")
    MemoryFileSystem.store.clear()
    yield {"s3": RUN, "memory": "memory://data/run", "file": f"file://{tmp_path}/store/run"}[request.param]
    MemoryFileSystem.store.clear()


@pytest.fixture
def move(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Give a function that makes this process another machine, by its name."""

    def become(machine: str) -> None:
        monkeypatch.setenv("DATAGEN_SCRATCH_DIR", str(tmp_path / machine))
        monkeypatch.setattr("socket.gethostname", lambda: machine)

    return become


_HOLD = """
import sys
from datagen_core.errors import FolderInUseError
from datagen_core.storage import lease_folder
print("ready", flush=True)
sys.stdin.readline()
try:
    with lease_folder(sys.argv[1], holder="datagen training"):
        print("held", flush=True)
        sys.stdin.read()
except FolderInUseError as error:
    print(error, flush=True)
"""


class Holder:
    """A process that takes the lease when it is told to, and holds it until its input ends."""

    def __init__(self, location: str, scratch: Path) -> None:
        command = [sys.executable, "-c", _HOLD, location]
        environment = os.environ | {"DATAGEN_SCRATCH_DIR": str(scratch)}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.read() == "ready\n"

    def begin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str, str], Holder]]:
    """Give a function that starts a holder, by the folder's location and the name of a scratch folder."""
    holders: list[Holder] = []

    def begin(location: str, scratch: str) -> Holder:
        holders.append(Holder(location, tmp_path / scratch))
        return holders[-1]

    yield begin
    for holder in holders:
        holder.process.kill()
        holder.process.communicate()


@pytest.mark.parametrize("expired", [False, True])
@pytest.mark.parametrize("store", ["s3", "file"])
def test_of_processes_that_begin_at_once_one_gets_the_folder(
    s3: S3Server, start: Callable[[str, str], Holder], tmp_path: Path, store: str, expired: bool
) -> None:
    location = RUN if store == "s3" else f"file://{tmp_path}/store/run"
    if expired:
        note = {"holder": "old", "pid": 1, "host": "gone", "token": "old", "renewed_at": 0.0}
        lease = Store(parse_remote(f"{location}/.lease.json"))
        lease.make_parent(lease.path)
        lease.fs.pipe_file(lease.path, json.dumps(note).encode())
    holders = [start(location, f"scratch-{number}") for number in range(4)]
    for holder in holders:
        holder.begin()
    lines = [holder.read() for holder in holders]
    assert lines.count("held\n") == 1
    for line in lines:
        assert line == "held\n" or line.startswith(f"{location} is in use by another run (")
    winner = holders[lines.index("held\n")].process
    winner.communicate()
    assert winner.returncode == 0
    with lease_folder(location, holder="us"):
        pass


@pytest.mark.parametrize("scratch", ["scratch", "other"])
def test_a_killed_holder_is_taken_over_at_once_on_its_own_machine(
    s3: S3Server, start: Callable[[str, str], Holder], scratch: str
) -> None:
    holder = start(RUN, scratch)
    holder.begin()
    assert holder.read() == "held\n"
    first = holder.process
    with pytest.raises(FolderInUseError, match=f"{RUN} is in use .*datagen training, process {first.pid}"):
        lease_folder(RUN, holder="us").__enter__()
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert json.loads(s3.read("data", KEY))["pid"] == first.pid
    with lease_folder(RUN, holder="us") as lease:
        lease.require_held()
        assert json.loads(s3.read("data", KEY))["holder"] == "us"
    assert s3.list_keys("data") == []


def test_another_machines_lease_is_respected_until_it_expires(run: str, move: Callable[[str], None]) -> None:
    now = [1_000.0]
    move("first")
    first = lease_folder(run, holder="datagen gold", clock=lambda: now[0], renew_every=1e6, expires_after=2e6)
    held = first.__enter__()
    held.require_held()
    move("second")
    now[0] += 60
    with pytest.raises(FolderInUseError, match=f"datagen gold, process {os.getpid()} on first, heard of 60 seconds"):
        lease_folder(run, holder="us", clock=lambda: now[0]).__enter__()
    now[0] += 31
    with lease_folder(run, holder="us", clock=lambda: now[0]) as lease:
        lease.require_held()
    move("first")
    first.__exit__(None, None, None)


def test_a_lease_is_renewed_and_a_slow_run_keeps_it(run: str, move: Callable[[str], None]) -> None:
    move("first")
    with lease_folder(run, holder="us", renew_every=0.1, expires_after=60) as lease:
        begun = _renewed_at(run)
        _wait(lambda: _renewed_at(run) > begun)
        lease.require_held()
    with lease_folder(run, holder="us"):
        pass


@pytest.mark.parametrize("deed", ["taken", "removed"])
def test_a_lost_lease_is_noticed_and_left_to_its_new_holder(
    s3: S3Server, move: Callable[[str], None], deed: str
) -> None:
    move("first")
    with lease_folder(RUN, holder="us", renew_every=0.05, expires_after=60) as lease:
        if deed == "removed":
            s3.client.delete_object(Bucket="data", Key=KEY)
        else:
            note = json.loads(s3.read("data", KEY)) | {"token": "another", "holder": "datagen gold", "host": "second"}
            s3.write("data", KEY, json.dumps(note).encode())
        _wait(lambda: _is_lost(lease.require_held))
        expected = "it was removed" if deed == "removed" else "taken over by datagen gold, process .* on second"
        with pytest.raises(LeaseLostError, match=f"{RUN}: the lease on this folder was lost, {expected}"):
            lease.require_held()
    assert s3.list_keys("data") == ([] if deed == "removed" else [KEY])


def test_a_lease_that_cannot_be_renewed_is_lost_before_another_may_take_it_and_held_again_after(
    s3: S3Server,
) -> None:
    now = [time.time()]
    with lease_folder(RUN, holder="us", renew_every=0.05, expires_after=60, clock=lambda: now[0]) as lease:
        s3.fail[("HEAD", KEY)] = [403] * 1_000_000
        _wait(lambda: s3.n_requests("HEAD", KEY) > 4)
        lease.require_held()
        now[0] += 59.96
        with pytest.raises(LeaseLostError, match=r"not renewed for 60 seconds: .*refuses us"):
            lease.require_held()
        s3.fail.clear()
        _wait(lambda: not _is_lost(lease.require_held))


@pytest.mark.parametrize("expired", [False, True])
def test_one_that_was_overtaken_does_not_overwrite(s3: S3Server, move: Callable[[str], None], expired: bool) -> None:
    move("first")
    note = {"holder": "old", "pid": 1, "host": "gone", "token": "old", "renewed_at": 0.0}
    if expired:
        s3.write("data", KEY, json.dumps(note).encode())
    overtaken = json.dumps(note | {"holder": "quick", "token": "quick", "renewed_at": time.time()}).encode()

    class Overtaking(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            s3.hold.clear()
            s3.write("data", KEY, overtaken)
            return True

    s3.hold = {("PUT", KEY): Overtaking()}
    with pytest.raises(FolderInUseError, match="quick, process 1 on gone"):
        lease_folder(RUN, holder="us").__enter__()
    assert s3.read("data", KEY) == overtaken


def test_where_a_store_cannot_compare_the_last_of_several_takers_gets_it(
    move: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    move("first")
    run = "memory://data/run"
    note = {"holder": "old", "pid": 1, "host": "gone", "token": "old", "renewed_at": 0.0}
    later = json.dumps(note | {"holder": "later", "token": "later", "renewed_at": time.time()}).encode()
    fs = Store(parse_remote(run)).fs
    fs.pipe_file("/data/run/.lease.json", json.dumps(note).encode())
    monkeypatch.setattr("time.sleep", lambda _: fs.pipe_file("/data/run/.lease.json", later))
    with pytest.raises(FolderInUseError, match="later, process 1 on gone"):
        lease_folder(run, holder="us").__enter__()
    assert fs.cat_file("/data/run/.lease.json") == later
    MemoryFileSystem.store.clear()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}', "한국어".encode("utf-16")])
def test_a_lease_that_cannot_be_read_is_somebodys_until_it_is_old(s3: S3Server, content: bytes) -> None:
    s3.write("data", KEY, content)
    with pytest.raises(FolderInUseError, match="somebody unknown"):
        lease_folder(RUN, holder="us").__enter__()
    with lease_folder(RUN, holder="us", clock=lambda: time.time() + 100) as lease:
        lease.require_held()


def test_lost_answers_of_the_store_do_not_lock_us_out(s3: S3Server) -> None:
    s3.lose[("PUT", KEY)] = 2
    with lease_folder(RUN, holder="us", renew_every=0.05, expires_after=60) as lease:
        begun = _renewed_at(RUN)
        s3.lose[("PUT", KEY)] = 1
        _wait(lambda: s3.lose[("PUT", KEY)] == 0 and _renewed_at(RUN) > begun)
        time.sleep(0.2)
        lease.require_held()
    assert s3.list_keys("data") == []


def test_the_mirror_is_locked_too(s3: S3Server) -> None:
    with lock_folder(mirror_path(RUN), holder="someone local"):
        with pytest.raises(FolderInUseError, match=f"{RUN} is in use .*someone local"):
            lease_folder(RUN, holder="us").__enter__()
        assert s3.list_keys("data") == []
    with lease_folder(RUN, holder="us"), pytest.raises(FolderInUseError):
        lock_folder(mirror_path(RUN), holder="us").__enter__()


def test_a_second_lease_in_one_process_fails_and_harms_nothing(run: str) -> None:
    with lease_folder(run, holder="datagen gold") as lease:
        with pytest.raises(FolderInUseError, match="datagen gold"):
            lease_folder(run, holder="us").__enter__()
        lease.require_held()
    with lease_folder(run, holder="us"):
        pass


def test_a_local_folder_is_only_locked(tmp_path: Path) -> None:
    with lease_folder(str(tmp_path / "run"), holder="us") as lease:
        lease.require_held()
        assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [".lock", ".lock.json"]
        with pytest.raises(FolderInUseError):
            lock_folder(tmp_path / "run", holder="other").__enter__()


def test_an_error_in_the_block_gives_the_folder_back(run: str) -> None:
    def fail() -> None:
        with lease_folder(run, holder="us"):
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        fail()
    with lease_folder(run, holder="us"):
        pass
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lease of")]


def test_a_missing_bucket_is_told(s3: S3Server) -> None:
    with pytest.raises(StorageError, match="Make the bucket first"):
        lease_folder("s3://nowhere/run", holder="us").__enter__()


def test_a_lease_that_cannot_be_removed_does_not_hide_the_runs_outcome(s3: S3Server) -> None:
    with lease_folder(RUN, holder="us"):
        s3.fail[("DELETE", KEY)] = [403]
    assert s3.list_keys("data") == [KEY]


def _renewed_at(run: str) -> float:
    store = Store(parse_remote(f"{run}/.lease.json"))
    try:
        return float(json.loads(store.fs.cat_file(store.path))["renewed_at"])
    except json.JSONDecodeError:  # caught while it was rewritten
        return 0.0


def _is_lost(require_held: Callable[[], None]) -> bool:
    try:
        require_held()
    except LeaseLostError:
        return True
    return False


def _wait(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_done():
        assert time.monotonic() < deadline
        time.sleep(0.02)
