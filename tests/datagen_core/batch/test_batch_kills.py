"""One batch a shard, whatever dies: real processes, real SIGKILL, a server over real HTTP."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from batch_helpers import ENDPOINT
from fake_provider import FakeProvider, Fault

from datagen_core.batch import BatchClient, Submitted, submit_once
from datagen_core.errors import ProviderError, SubmissionUnknown
from datagen_core.files import Artifact

Write = Callable[..., Artifact]
CHILD = Path(__file__).with_name("submit_child.py")
RECORDS = ("upload", "file", "intent", "batch")


def start_child(
    provider: FakeProvider, ledger: Path, shard: Artifact, when: str = "never", n_record: int = 0
) -> subprocess.Popen[str]:
    arguments = [provider.base_url, provider.key, str(ledger), shard.path, when, str(n_record)]
    environment = {**os.environ, "PYTHONPATH": str(CHILD.parents[3])}
    return subprocess.Popen(
        [sys.executable, str(CHILD), *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )


def submit_until_done(client: BatchClient, ledger: Path, shard: Artifact) -> Submitted:
    for _ in range(5):
        try:
            return submit_once(client, ledger, shard, endpoint=ENDPOINT, sleep=lambda _: None)
        except (SubmissionUnknown, ProviderError):
            continue
    raise AssertionError("five runs were not enough")


def check_one_of_each(provider: FakeProvider, submitted: Submitted) -> None:
    assert [batch["id"] for batch in provider.batches] == [submitted.batch_id]
    assert [file.id for file in provider.files.values()] == [submitted.input_file_id]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("n_record", range(1, len(RECORDS) + 1), ids=RECORDS)
@pytest.mark.parametrize("fault", ["ok", "lost", "500", "drop"])
@pytest.mark.slow
def test_killed_at_a_record_then_run_again(
    n_record: int,
    when: str,
    fault: Fault,
    provider: FakeProvider,
    client: BatchClient,
    write_requests: Write,
    tmp_path: Path,
) -> None:
    shard, ledger = write_requests("a", "b"), tmp_path / "ledger.jsonl"
    child = start_child(provider, ledger, shard, when, n_record)
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    provider.upload_faults.append(fault)
    provider.batch_faults.append(fault)
    check_one_of_each(provider, submit_until_done(client, ledger, shard))


@pytest.mark.parametrize("fault", ["hold_before", "hold_after"])
@pytest.mark.parametrize("call", ["creation", pytest.param("upload", marks=pytest.mark.slow)])
def test_killed_while_the_server_is_at_it_then_run_again(
    call: str, fault: Fault, provider: FakeProvider, client: BatchClient, write_requests: Write, tmp_path: Path
) -> None:
    shard, ledger = write_requests("a", "b"), tmp_path / "ledger.jsonl"
    (provider.upload_faults if call == "upload" else provider.batch_faults).append(fault)
    child = start_child(provider, ledger, shard)
    assert provider.held.wait(30)
    child.kill()
    child.communicate()
    provider.release.set()
    check_one_of_each(provider, submit_until_done(client, ledger, shard))


def test_killed_and_its_record_torn_then_run_again(
    provider: FakeProvider, client: BatchClient, write_requests: Write, tmp_path: Path
) -> None:
    shard, ledger = write_requests("a", "b"), tmp_path / "ledger.jsonl"
    submitted = submit_until_done(client, ledger, shard)
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[:-9])
    assert submit_until_done(client, ledger, shard).batch_id == submitted.batch_id
    check_one_of_each(provider, submitted)


def test_two_processes_at_once_share_one_batch(provider: FakeProvider, write_requests: Write, tmp_path: Path) -> None:
    shard, ledger = write_requests("a", "b"), tmp_path / "ledger.jsonl"
    children = [start_child(provider, ledger, shard) for _ in range(2)]
    answers = [child.communicate()[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert answers == [str(provider.batches[0]["id"])] * 2
    assert len(provider.batches) == len(provider.files) == 1
