from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from s3_server import S3Server

from datagen_core.errors import ConfigError, OutputError, StorageError
from datagen_core.storage import fetch, mirror_path, publishing, pull_file, push_file

HOSTILE = ("한국어 대화.txt", "a b#c?d%20e.txt", "x[1]*.txt", "깊은 곳/안쪽/é+&=;.json", "-rf ~$(x)'\"\\.txt")


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
    """Give a remote folder in each kind of store."""
    request.getfixturevalue("s3")
    MemoryFileSystem.store.clear()
    yield {"s3": "s3://data/run", "memory": "memory://data/run", "file": f"file://{tmp_path}/store/run"}[request.param]
    MemoryFileSystem.store.clear()


@pytest.fixture
def move(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Give a function that makes this process another machine, by its name: one with mirrors of its own."""
    return lambda machine: monkeypatch.setenv("DATAGEN_SCRATCH_DIR", str(tmp_path / machine))


def test_a_local_folder_is_worked_in_as_it_is(tmp_path: Path) -> None:
    with publishing(str(tmp_path)) as folder:
        (folder / "a").write_bytes(b"1")
    assert folder == tmp_path
    assert fetch(str(tmp_path / "a")) == tmp_path / "a"
    assert pull_file(str(tmp_path / "none")) == tmp_path / "none"
    push_file(tmp_path / "a")
    push_file(tmp_path / "none")


def test_what_one_machine_publishes_another_fetches(run: str, move: Callable[[str], None]) -> None:
    contents = {name: f"{name}\n".encode() for name in HOSTILE} | {"empty": b""}
    with publishing(run) as folder:
        for name, content in contents.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    move("other")
    assert not mirror_path(run).exists()
    assert fetch(f"{run}/{HOSTILE[0]}").read_bytes() == contents[HOSTILE[0]]
    fetched = fetch(run)
    assert {path.relative_to(fetched).as_posix(): path.read_bytes() for path in _files(fetched)} == contents


def test_only_what_changed_goes_up_or_down(s3: S3Server, move: Callable[[str], None]) -> None:
    with publishing("s3://data/run") as folder:
        for number in range(6):
            (folder / f"{number}.txt").write_text(f"{number}")
    move("other")
    fetch("s3://data/run")
    s3.requests.clear()
    fetch("s3://data/run")
    assert s3.n_requests("GET", "/data/run/") == 0
    with publishing("s3://data/run") as folder:
        (folder / "3.txt").write_text("three")
    assert [path for method, path in s3.requests if method == "PUT"] == ["/data/run/3.txt"]
    s3.requests.clear()
    fetch("s3://data/run")
    assert s3.n_requests("GET", "/data/run/") == 0
    move("scratch")
    assert (fetch("s3://data/run") / "3.txt").read_text() == "three"
    assert [path for method, path in s3.requests if method == "GET" and path != "/data"] == ["/data/run/3.txt"]


def test_a_file_rewritten_at_the_same_size_and_time_is_uploaded(s3: S3Server) -> None:
    with publishing("s3://data/run") as folder:
        (folder / "a").write_bytes(b"one")
    found = (folder / "a").stat()
    with publishing("s3://data/run") as folder:
        (folder / "b").write_bytes(b"two")
        os.utime(folder / "b", ns=(found.st_atime_ns, found.st_mtime_ns))
        (folder / "b").replace(folder / "a")
    assert s3.read("data", "run/a") == b"two"


def test_what_is_deleted_in_the_block_goes_and_names_are_no_patterns(run: str, move: Callable[[str], None]) -> None:
    names = ("[ab]", "a", "b", "*", "a?", "ab")
    with publishing(run) as folder:
        for name in names:
            (folder / name).write_text(name)
    with publishing(run) as folder:
        for name in ("[ab]", "*", "a?"):
            (folder / name).unlink()
    move("other")
    assert sorted(path.name for path in _files(fetch(run))) == ["a", "ab", "b"]


def test_a_block_does_not_delete_what_another_machine_wrote_meanwhile(run: str, move: Callable[[str], None]) -> None:
    _publish_numbers(f"{run}/shard", 2)
    with publishing(run) as folder:
        move("other")
        _publish_numbers(f"{run}/shard", 1)
        with publishing(f"{run}/shard") as there:
            (there / "0.txt").write_text("X")
        move("scratch")
        with publishing(f"{run}/shard"):
            assert [path.name for path in _files(folder)] == ["1.txt"]
    move("third")
    assert [path.read_text() for path in _files(fetch(run))] == ["X", "1"]


def test_a_bucket_itself_may_be_the_folder(s3: S3Server, move: Callable[[str], None]) -> None:
    _publish_numbers("s3://data", 2)
    move("other")
    assert [path.read_text() for path in _files(fetch("s3://data/"))] == ["0", "1"]
    with publishing("s3://data") as folder:
        (folder / "0.txt").unlink()
    assert s3.list_keys("data") == ["1.txt"]


def test_after_an_error_nothing_is_uploaded_and_the_next_block_does_it(s3: S3Server) -> None:
    def fail() -> None:
        with publishing("s3://data/run") as folder:
            (folder / "a").write_bytes(b"1")
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        fail()
    assert s3.list_keys("data") == []
    with publishing("s3://data/run"):
        pass
    assert s3.read("data", "run/a") == b"1"


def test_locks_temporary_files_and_local_state_stay_here(s3: S3Server) -> None:
    with publishing("s3://data/run") as folder:
        for name in (
            ".lock",
            ".x.tmp",
            "r/.lock.json",
            ".simulator/s",
            ".local/b",
            "r/.o.download-1/p",
            "ledger.jsonl",
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"1")
        (folder / "ledger.jsonl.lock").touch()
    assert s3.list_keys("data") == ["run/ledger.jsonl"]


_PUBLISH = """
import sys
from datagen_core.storage import publishing
with publishing(sys.argv[1]) as folder:
    (folder / "samples").mkdir(exist_ok=True)
    for number in range(150):
        (folder / "samples" / f"sample_{number:04}.txt").write_text(str(number))
    print("written", flush=True)
    if sys.argv[2] == "wait":
        sys.stdin.read()
"""


@pytest.mark.parametrize("killed", ["before", "while"])
def test_the_next_block_completes_what_a_killed_one_left(s3: S3Server, killed: str) -> None:
    released = threading.Event()
    if killed == "while":
        s3.hold[("PUT", "sample_0100")] = released
    command = [sys.executable, "-c", _PUBLISH, "s3://data/run", "wait" if killed == "before" else "go"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "written\n"
        while killed == "while" and not s3.n_requests("PUT", "sample_0100"):
            time.sleep(0.02)
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
        released.set()
    assert len(s3.list_keys("data")) < 150
    with publishing("s3://data/run"):
        pass
    assert len(s3.list_keys("data")) == 150
    assert s3.read("data", "run/samples/sample_0149.txt") == b"149"


def test_a_refused_upload_is_told_and_the_next_block_completes_it(s3: S3Server) -> None:
    s3.fail[("PUT", "run/2.txt")] = [403]
    with pytest.raises(StorageError, match=r"^s3://data/run: the store refuses us .*AWS_ACCESS_KEY_ID"):
        _publish_numbers("s3://data/run", 5)
    with publishing("s3://data/run"):
        pass
    assert len(s3.list_keys("data")) == 5


def test_an_object_changed_behind_our_back_is_fetched_anew(run: str, move: Callable[[str], None]) -> None:
    _publish_numbers(run, 3)
    move("other")
    with publishing(run) as folder:
        (folder / "1.txt").write_text("X")  # of the same size
    move("scratch")
    assert fetch(f"{run}/1.txt").read_text() == "X"
    move("other")
    with publishing(run) as folder:
        (folder / "1.txt").write_text("Y")
    move("scratch")
    assert [path.read_text() for path in _files(fetch(run))] == ["0", "Y", "2"]


def test_a_block_does_not_begin_with_copies_that_the_store_has_changed_or_lost(
    run: str, move: Callable[[str], None]
) -> None:
    _publish_numbers(run, 4)
    (mirror_path(run) / "new.txt").write_text("never uploaded")
    move("other")
    fetch(run)
    with publishing(run) as folder:
        (folder / "1.txt").write_text("X")
        (folder / "2.txt").unlink()
    move("scratch")
    with publishing(run) as folder:
        assert sorted(path.name for path in _files(folder)) == ["0.txt", "3.txt", "new.txt"]
    move("third")
    found = {path.name: path.read_text() for path in _files(fetch(run))}
    assert found == {"0.txt": "0", "1.txt": "X", "3.txt": "3", "new.txt": "never uploaded"}


def test_a_file_that_is_gone_leaves_no_copy_and_what_was_never_uploaded_stays(
    run: str, move: Callable[[str], None]
) -> None:
    _publish_numbers(f"{run}/shards", 2)
    assert fetch(f"{run}/shards").is_dir()
    move("other")
    fetch(f"{run}/shards")
    with publishing(f"{run}/shards") as folder:
        for path in _files(folder):
            path.unlink()
    move("scratch")
    assert not fetch(f"{run}/shards/0.txt").exists()
    assert not fetch(f"{run}/shards").exists()
    (mirror_path(run) / "shards").mkdir(parents=True)
    (mirror_path(run) / "shards" / "0.txt").write_text("made here")
    assert (fetch(f"{run}/shards") / "0.txt").read_text() == "made here"


def test_a_copy_that_was_changed_here_outlives_the_loss_of_its_original(run: str, move: Callable[[str], None]) -> None:
    _publish_numbers(run, 2)
    (mirror_path(run) / "1.txt").write_text("changed by a block that was killed")
    move("other")
    fetch(run)
    with publishing(run) as folder:
        for path in _files(folder):
            path.unlink()
    move("scratch")
    assert [path.name for path in _files(fetch(run))] == ["1.txt"]
    with publishing(run):
        pass
    move("third")
    assert (fetch(run) / "1.txt").read_text() == "changed by a block that was killed"


def test_other_bytes_than_expected_are_refused_by_url(run: str) -> None:
    _publish_numbers(run, 1)
    good = hashlib.sha256(b"0").hexdigest()
    assert fetch(f"{run}/0.txt", sha256=good).read_bytes() == b"0"
    with pytest.raises(StorageError, match="holds something else than expected") as caught:
        fetch(f"{run}/0.txt", sha256="0" * 64)
    assert f"{run}/0.txt" in str(caught.value)
    with pytest.raises(StorageError, match="is not there any longer"):
        fetch(f"{run}/1.txt", sha256=good)


def test_a_copy_that_was_damaged_here_is_fetched_anew(run: str) -> None:
    _publish_numbers(run, 2)
    (mirror_path(run) / "0.txt").write_text("?")
    (mirror_path(run) / "1.txt").unlink()
    assert [path.read_text() for path in _files(fetch(run))] == ["0", "1"]


def test_a_pushed_file_is_there_at_once_and_its_unpushed_end_is_kept(run: str, move: Callable[[str], None]) -> None:
    ledger = mirror_path(f"{run}/ledger.jsonl")
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b"1\n")
    push_file(ledger)
    with ledger.open("ab") as stream:
        stream.write(b"2\n")
    assert pull_file(f"{run}/ledger.jsonl").read_bytes() == b"1\n2\n"
    move("other")
    assert pull_file(f"{run}/ledger.jsonl").read_bytes() == b"1\n"
    with mirror_path(f"{run}/ledger.jsonl").open("ab") as stream:
        stream.write(b"other\n")
    push_file(mirror_path(f"{run}/ledger.jsonl"))
    move("scratch")
    assert pull_file(f"{run}/ledger.jsonl").read_bytes() == b"1\nother\n"


def test_a_push_that_fails_raises(s3: S3Server) -> None:
    ledger = mirror_path("s3://data/run/ledger.jsonl")
    with pytest.raises(StorageError, match="to upload"):
        push_file(ledger)
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b"1\n")
    s3.fail[("PUT", "ledger.jsonl")] = [403]
    with pytest.raises(StorageError, match="refuses us"):
        push_file(ledger)
    push_file(ledger)
    assert s3.read("data", "run/ledger.jsonl") == b"1\n"


def test_a_passing_fault_of_the_store_is_not_noticed(s3: S3Server) -> None:
    s3.fail[("PUT", "run/0.txt")] = [500, 503]
    s3.fail[("HEAD", "run/0.txt")] = [503]
    _publish_numbers("s3://data/run", 1)
    assert fetch("s3://data/run/0.txt").read_text() == "0"


def test_a_file_that_is_written_to_during_its_upload_arrives_with_its_last_bytes(s3: S3Server) -> None:
    released = threading.Event()
    s3.hold[("PUT", "run/0.txt")] = released
    with ThreadPoolExecutor() as pool:
        publication = pool.submit(_publish_numbers, "s3://data/run", 1)
        while not s3.n_requests("PUT", "run/0.txt"):
            time.sleep(0.01)
        (mirror_path("s3://data/run") / "0.txt").write_text("last")
        released.set()
        publication.result()
    assert s3.read("data", "run/0.txt") == b"last"


def test_an_object_that_is_replaced_while_it_is_read_arrives_whole(s3: S3Server) -> None:
    s3.write("data", "run/a", b"old")
    released = threading.Event()
    s3.hold[("GET", "run/a")] = released
    with ThreadPoolExecutor() as pool:
        reading = pool.submit(fetch, "s3://data/run/a")
        while not s3.n_requests("GET", "run/a"):
            time.sleep(0.01)
        s3.write("data", "run/a", b"newer")
        released.set()
        assert reading.result().read_bytes() == b"newer"


def test_an_object_that_always_changes_is_given_up(s3: S3Server) -> None:
    class Rewriting(threading.Event):
        n_times = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.n_times += 1
            s3.write("data", "run/a", b"%d" % self.n_times)
            return True

    s3.write("data", "run/a", b"0")
    s3.hold[("GET", "run/a")] = Rewriting()
    with pytest.raises(StorageError, match="changed each time it was read"):
        fetch("s3://data/run/a")


def test_blocks_on_different_folders_in_threads_do_not_disturb_each_other(s3: S3Server) -> None:
    def publish(number: int) -> None:
        with publishing(f"s3://data/run/shard-{number}") as folder:
            for name in range(10):
                (folder / f"{name}.txt").write_text(f"{number}.{name}")
        with publishing("s3://data/run") as folder:
            (folder / f"{number}.json").write_text(str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(publish, range(8)))
    assert len(s3.list_keys("data")) == 88
    assert s3.read("data", "run/shard-7/9.txt") == b"7.9"


def test_processes_of_one_machine_publish_at_once(s3: S3Server) -> None:
    code = (
        "import sys\nfrom datagen_core.storage import publishing\n"
        "with publishing(f's3://data/run/shard-{sys.argv[1]}') as folder:\n"
        "    for name in range(10): (folder / str(name)).write_text(sys.argv[1])\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(number)]) for number in range(4)]
    assert [child.wait() for child in children] == [0] * 4
    assert len(s3.list_keys("data")) == 40


def test_a_hostile_object_name_cannot_leave_the_mirror(s3: S3Server, tmp_path: Path) -> None:
    s3.write("data", "run/../../../../escaped", b"1")
    with pytest.raises(ConfigError, match=r"has '\.\.' in it"):
        fetch("s3://data/run")
    assert not list(tmp_path.rglob("escaped"))


def test_a_folder_made_by_a_console_is_no_file(s3: S3Server) -> None:
    s3.client.put_object(Bucket="data", Key="run/")
    s3.client.put_object(Bucket="data", Key="run/deep/")
    s3.write("data", "run/a", b"1")
    assert [path.name for path in _files(fetch("s3://data/run"))] == ["a"]


def test_a_file_name_that_no_store_takes_is_told(s3: S3Server) -> None:
    with pytest.raises(ConfigError, match="character"), publishing("s3://data/run") as folder:
        (folder / "a\nb").touch()
    assert s3.list_keys("data") == []


def test_a_full_disk_is_told_as_such(s3: S3Server, tmp_path: Path) -> None:
    s3.write("data", "run/a", b"1")
    (tmp_path / "scratch").mkdir(mode=0o700)
    (tmp_path / "scratch" / "s3").write_text("a file where a folder should be")
    with pytest.raises(OutputError, match="could not be written"):
        fetch("s3://data/run/a")


def test_a_missing_bucket_is_told_when_something_is_written(s3: S3Server) -> None:
    assert not fetch("s3://nowhere/run/a").exists()
    with pytest.raises(StorageError, match="Make the bucket first"):
        _publish_numbers("s3://nowhere/run", 1)


def test_a_damaged_memory_of_what_is_known_is_told(s3: S3Server, tmp_path: Path) -> None:
    _publish_numbers("s3://data/run", 1)
    (tmp_path / "scratch" / "known.sqlite3").write_bytes(b"no database" * 100)
    with pytest.raises(StorageError, match=r"known\.sqlite3: cannot be used .*Remove it"):
        fetch("s3://data/run")


_OUTAGE = """
from datagen_core.errors import StorageError
from datagen_core.storage import fetch, lease_folder, publishing, push_file, mirror_path
def push():
    path = mirror_path("s3://data/run/ledger.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"1")
    push_file(path)
for attempt in (lambda: fetch("s3://data/run"), push, lambda: lease_folder("s3://data/run", holder="x").__enter__()):
    try:
        attempt()
    except StorageError as error:
        print(error)
"""


def test_a_store_out_of_reach_gives_one_clear_error(s3: S3Server) -> None:
    environment = os.environ | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-c", _OUTAGE], env=environment, capture_output=True, text=True, check=True, timeout=100
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert line.startswith("s3://data/run")
        assert "the store cannot be reached or failed (EndpointConnectionError" in line
        assert "AWS_ENDPOINT_URL" in line
    assert "Traceback" not in done.stderr


def test_missing_credentials_are_told_and_no_secret_is(s3: S3Server) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "AWS_SECRET_ACCESS_KEY"}
    done = subprocess.run(
        [sys.executable, "-c", _OUTAGE], env=environment, capture_output=True, text=True, check=True, timeout=100
    )
    assert done.stdout.count("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set in the environment") == 3
    assert s3.environment["AWS_SECRET_ACCESS_KEY"] not in done.stdout


_LARGE = """
import resource
from datagen_core.files import fingerprint
from datagen_core.storage import fetch, publishing
def measure_peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
fetch("s3://data/large/none")
before = measure_peak()
with publishing("s3://data/large") as folder:
    with (folder / "a.bin").open("wb") as stream:
        for number in range(160):
            stream.write(bytes([number]) * (1 << 20))
sha256 = fingerprint(folder / "a.bin")
(folder / "a.bin").unlink()
fetch("s3://data/large/a.bin", sha256=sha256)
print(measure_peak() - before)
"""


@pytest.mark.slow
def test_a_large_file_passes_through_little_memory(s3: S3Server) -> None:
    done = subprocess.run([sys.executable, "-c", _LARGE], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100


def _publish_numbers(location: str, count: int) -> None:
    with publishing(location) as folder:
        for number in range(count):
            (folder / f"{number}.txt").write_text(str(number))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
