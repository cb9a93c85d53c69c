"""Files come to stand whole or not at all, and are hashed on the way."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.errors import OutputError
from datagen_core.files import Artifact, describe, describe_written, write_json, write_json_array, write_jsonl
from datagen_core.locking import lock_folder
from datagen_core.writing import BUFFER_BYTES, PendingFile, replace_file


def test_an_error_midway_leaves_what_stood_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    write_jsonl(path, [{"a": 1}])

    def rows() -> Iterator[object]:
        yield {"a": 2}
        raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        write_jsonl(path, rows())
    assert path.read_bytes() == b'{"a":1}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_said_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    write_jsonl(path, [{"a": 1}])

    def write_too_much() -> None:
        with replace_file(path) as stream:
            stream.write(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError, match=r"No space left.*unchanged.*Free some space"):
        write_too_much()
    assert path.read_bytes() == b'{"a":1}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_removed_after_an_hour_and_nothing_else(tmp_path: Path) -> None:
    old = [".f.jsonl.abc_12xy.tmp", ".f.jsonl.zzzzzzzz.tmp"]
    young = ".f.jsonl.abcdefgh.tmp"
    others = [
        ".f.jsonl.gz.abcdefgh.tmp", ".g.jsonl.abcdefgh.tmp", ".f.jsonl.abc.tmp", "f.jsonl.abcdefgh.tmp",
        ".fxjsonl.abcdefgh.tmp", ".f.jsonl.ABCDEFGH.tmp",
    ]  # fmt: skip
    for name in (*old, young, *others):
        (tmp_path / name).write_text("half", encoding="utf-8")
    two_hours_ago = time.time() - 7_200
    for name in (*old, *others):
        os.utime(tmp_path / name, (two_hours_ago, two_hours_ago))
    write_jsonl(tmp_path / "f.jsonl", [{"a": 1}])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["f.jsonl", young, *others])


def test_a_folder_named_like_a_temporary_file_stays(tmp_path: Path) -> None:
    folder = tmp_path / ".f.jsonl.abcdefgh.tmp"
    folder.mkdir()
    os.utime(folder, (0, 0))
    write_jsonl(tmp_path / "f.jsonl", [])
    assert folder.is_dir()


@pytest.mark.parametrize("n_rows", [0, 1, 5_000])
@pytest.mark.parametrize("write", [write_jsonl, write_json_array, write_json])
def test_what_is_hashed_while_writing_is_what_stands_there(
    write: Callable[[Path, list[object]], Artifact], n_rows: int, tmp_path: Path
) -> None:
    path = tmp_path / "f"
    artifact = write(path, [{"가": "나" * (n % 300)} for n in range(n_rows)])
    assert artifact == describe(path, 1 if write is write_json else n_rows)


@given(
    blocks=st.lists(
        st.tuples(st.binary(min_size=1, max_size=9), st.sampled_from([1, 100, BUFFER_BYTES // 4, BUFFER_BYTES])),
        max_size=6,
    )
)
def test_a_stream_knows_its_bytes_and_their_hash_at_any_time(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[tuple[bytes, int]]
) -> None:
    path, written = tmp_path_factory.mktemp("stream") / "f", hashlib.sha256()
    n_bytes = 0
    with replace_file(path) as stream:
        for block, times in blocks:
            stream.write(block * times)
            written.update(block * times)
            n_bytes += len(block) * times
            if times == 100:
                assert (stream.sha256, stream.n_bytes) == (written.hexdigest(), n_bytes)
    assert describe_written(path, stream, 3) == describe(path, 3)
    assert (stream.sha256, stream.n_bytes) == (written.hexdigest(), n_bytes)


def test_a_stream_goes_forwards_only(tmp_path: Path) -> None:
    with replace_file(tmp_path / "f") as stream:
        stream.write(b"abc")
        with pytest.raises(OSError, match="not seekable"):
            stream.seek(0)
        stream.write(b"d")
    assert describe_written(tmp_path / "f", stream, 1) == describe(tmp_path / "f", 1)


def _run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script, *arguments], check=False, capture_output=True, text=True)


_FILL = """
import resource, signal, sys
from pathlib import Path
from datagen_core.errors import OutputError
from datagen_core.files import write_jsonl
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    write_jsonl(Path(sys.argv[1]), ({"row": "x" * 1_000} for _ in range(5_000)))
except OutputError as error:
    sys.exit(f"OutputError: {error}")
"""


@pytest.mark.parametrize("limit", [0, 10, 300_000, 4_000_000])
def test_a_disk_that_takes_no_more_is_said_and_leaves_nothing_half_written(limit: int, tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    write_jsonl(path, [{"a": 1}])
    child = _run(_FILL, str(path), str(limit))
    assert child.stderr.startswith("OutputError: ")
    assert "could not be written (File too large)" in child.stderr
    assert child.returncode == 1
    assert path.read_bytes() == b'{"a":1}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_a_path_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    for path in (tmp_path / "file" / "f.jsonl", tmp_path / "file" / "folder" / "f.jsonl"):
        with pytest.raises(OutputError, match="could not be written"):
            write_jsonl(path, [])
        with pytest.raises(OutputError, match="could not be written"), lock_folder(path, holder="us"):
            pytest.fail("nothing was locked")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "kept"


def test_a_folder_at_the_file_s_place_stays(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(OutputError, match="could not be written"):
        write_jsonl(path, [{"a": 1}])
    assert list(tmp_path.iterdir()) == [path]
    assert (path / "inside").is_dir()


# Root may write anywhere, so the child becomes somebody else; it stands in the folder already, for the folders above
# are closed to it.
_READ_ONLY = """
import os, sys
from pathlib import Path
from datagen_core.errors import OutputError
from datagen_core.files import write_jsonl
from datagen_core.locking import lock_folder
os.chdir(sys.argv[1])
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
write, lock = lambda: write_jsonl(Path("f.jsonl"), [{"a": 2}]), lock_folder(Path("."), holder="us").__enter__
for attempt in (write, lock):
    try:
        attempt()
    except OutputError as error:
        print(error)
"""


def test_a_read_only_folder_is_said_and_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "read-only"
    write_jsonl(folder / "f.jsonl", [{"a": 1}])
    folder.chmod(0o555)
    try:
        child = _run(_READ_ONLY, str(folder))
    finally:
        folder.chmod(0o755)
    said = child.stdout.splitlines()
    assert len(said) == 2, child.stderr
    assert all("could not be written (Permission denied)" in line and "permissions" in line for line in said)
    assert [(file.name, file.read_bytes()) for file in folder.iterdir()] == [("f.jsonl", b'{"a":1}\n')]


def test_a_pending_file_is_seen_by_nobody_until_it_is_published(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "f"
    pending = PendingFile(path)
    pending.write(b"abc")
    pending.finish()
    pending.finish()
    assert not path.exists()
    assert pending.stream.n_bytes == 3
    pending.publish()
    pending.discard()
    assert [(file.name, file.read_bytes()) for file in path.parent.iterdir()] == [("f", b"abc")]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_discarded_file_leaves_what_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"before")
    pending = PendingFile(path)
    pending.write(b"abc" * BUFFER_BYTES)
    pending.discard()
    pending.discard()
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("f", b"before")]
