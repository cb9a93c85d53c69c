"""One process works on a folder at a time; real processes, and a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from datagen_core.errors import FolderInUseError
from datagen_core.locking import lock_folder

_HOLD = """
import sys
from pathlib import Path
from datagen_core.locking import lock_folder
with lock_folder(Path(sys.argv[1]), holder="datagen training"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def start_holder(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Give a function that starts a process which holds `tmp_path` until its input ends."""
    children: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _HOLD, str(tmp_path)]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def test_a_second_process_is_told_who_holds_the_folder_and_gets_it_after_a_kill(
    start_holder: Callable[[], subprocess.Popen[str]], tmp_path: Path
) -> None:
    first = start_holder()
    expected = rf"in use.*\(datagen training, process {first.pid}, since 20\d\d-\d\d-\d\dT[0-9:]+\+00:00\)\. Wait"
    with pytest.raises(FolderInUseError, match=expected), lock_folder(tmp_path, holder="us"):
        pytest.fail("two processes hold one folder")
    first.send_signal(signal.SIGKILL)
    first.wait()
    with lock_folder(tmp_path, holder="us"):
        pass
    second = start_holder()
    with pytest.raises(FolderInUseError, match=f"process {second.pid}"), lock_folder(tmp_path, holder="us"):
        pytest.fail("two processes hold one folder")
    second.communicate()
    with lock_folder(tmp_path, holder="us"):
        assert second.returncode == 0


@pytest.mark.parametrize("is_other_thread", [False, True])
def test_two_locks_in_one_process_conflict_however_the_folder_is_spelled(is_other_thread: bool, tmp_path: Path) -> None:
    folder, link = tmp_path / "run", tmp_path / "link"
    link.symlink_to(folder)
    found: list[str] = []

    def lock_again() -> None:
        for spelled in (folder, folder / ".." / "run", link):
            with pytest.raises(FolderInUseError, match=f"datagen gold, process {os.getpid()}") as caught:
                lock_folder(spelled, holder="us").__enter__()
            found.append(str(caught.value))

    with lock_folder(folder, holder="datagen gold"):
        if is_other_thread:
            thread = threading.Thread(target=lock_again)
            thread.start()
            thread.join()
        else:
            lock_again()
        with lock_folder(tmp_path / "other", holder="us"):
            pass
    assert len(found) == 3
    with lock_folder(link, holder="us"):
        pass


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"pid": 0.5}', b'{"pid": 99999999999999999999}', None])
def test_a_holder_that_has_not_said_who_it_is_is_another_process(note: bytes | None, tmp_path: Path) -> None:
    with lock_folder(tmp_path, holder="us"):
        if note is None:
            (tmp_path / ".lock.json").unlink()
        else:
            (tmp_path / ".lock.json").write_bytes(note)
        with pytest.raises(FolderInUseError, match="another process"):
            lock_folder(tmp_path, holder="us").__enter__()


def test_a_note_of_a_process_that_is_gone_is_not_believed(
    start_holder: Callable[[], subprocess.Popen[str]], tmp_path: Path
) -> None:
    child = start_holder()
    note = (tmp_path / ".lock.json").read_bytes()
    child.kill()
    child.wait()
    with lock_folder(tmp_path, holder="us"):
        (tmp_path / ".lock.json").write_bytes(note)
        with pytest.raises(FolderInUseError, match="another process"):
            lock_folder(tmp_path, holder="us").__enter__()


def test_an_error_in_the_block_lets_go_of_the_folder(tmp_path: Path) -> None:
    def fail() -> None:
        with lock_folder(tmp_path, holder="us"):
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        fail()
    with lock_folder(tmp_path, holder="us"):
        pass
