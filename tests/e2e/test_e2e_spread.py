"""Shards judged by Dask's processes, a run's folder on S3: the same bytes as threads and a local disk give."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from prefect_server import BIN, ROOT, PrefectServer, make_template
from s3_server import S3Server
from s3fs import S3FileSystem

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

COMPARED = ("scenarios.jsonl", "result_lst.json", "dataset.jsonl", "rejected.jsonl", "funnel.json")
ARGUMENTS = ("--count", "30", "--shard-size", "5", "--mistakes", "0.3", "--poll-interval", "0.2")
N_SHARDS = 6


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    template = make_template(tmp_path_factory.getbasetemp().parent)
    variables = {"DATAGEN_SIMULATOR_PACE": "0.1"}
    with PrefectServer(tmp_path_factory.mktemp("prefect"), template=template, variables=variables) as running:
        yield running


@pytest.fixture(scope="module")
def store() -> Iterator[S3Server]:
    with S3Server() as running:
        running.make_bucket("runs")
        yield running


@pytest.fixture(scope="module")
def local(server: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the same run in threads, on the local disk."""
    folder = tmp_path_factory.mktemp("local") / "run"
    run_datagen(server.environment, "--output-dir", str(folder))
    return folder


def run_datagen(environment: Mapping[str, str], *options: str, is_expected: bool = True) -> str:
    done = subprocess.run(
        [str(BIN / "datagen"), "run", "training", *ARGUMENTS, *options],
        env={**environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert (done.returncode == 0) is is_expected, done.stdout + done.stderr
    return done.stdout + done.stderr


@contextmanager
def dask_cluster(environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Start a scheduler and two worker processes; the first line of its output is the address."""
    with subprocess.Popen(
        [sys.executable, "-P", str(ROOT / "tests" / "dask_cluster.py")],  # -P: tests/tasks would stand for ours
        env={**environment},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as cluster:
        try:
            yield cluster
        finally:
            os.killpg(cluster.pid, signal.SIGKILL)  # it may still wait for a worker to kill


def connect(store: S3Server) -> S3FileSystem:
    environment = store.environment
    return S3FileSystem(
        key=environment["AWS_ACCESS_KEY_ID"],
        secret=environment["AWS_SECRET_ACCESS_KEY"],
        endpoint_url=store.url,
        use_listings_cache=False,
        skip_instance_cache=True,
    )


def n_batches(scratch: Path) -> int:
    (state,) = scratch.rglob("state.sqlite3")
    with sqlite3.connect(state) as connection:
        return int(connection.execute("SELECT count(*) FROM batches").fetchone()[0])


def require_same(files: S3FileSystem, name: str, local: Path) -> None:
    for file in COMPARED:
        assert files.cat_file(f"runs/{name}/{file}") == (local / file).read_bytes(), file


def test_a_worker_killed_in_the_middle_loses_nothing_and_the_bytes_are_the_same(
    server: PrefectServer, store: S3Server, local: Path, tmp_path: Path
) -> None:
    shared = {**server.environment, **store.environment}
    flow = {**shared, "DATAGEN_SCRATCH_DIR": str(tmp_path / "flow")}
    # Other machines have a scratch folder of their own, and no key of the provider's.
    with dask_cluster({**shared, "DATAGEN_SCRATCH_DIR": str(tmp_path / "workers")}) as cluster:
        assert cluster.stdin is not None
        assert cluster.stdout is not None
        flow["DATAGEN_CLUSTER_ADDRESS"] = cluster.stdout.readline().strip()
        cluster.stdin.write("kill one\n")
        cluster.stdin.flush()
        run_datagen(flow, "--task-runner", "dask", "--output-dir", "s3://runs/spread")
        killed = int(cluster.stdout.readline())
    assert killed != os.getpid()
    files = connect(store)
    require_same(files, "spread", local)
    assert list((tmp_path / "workers").rglob("dataset.jsonl")), "the workers judged, each in its own mirror"
    rounds = {path.rpartition("/")[2] for path in files.ls("runs/spread/rounds", detail=False)}
    shards = [len(files.glob(f"runs/spread/rounds/{one}/shards/*/dataset.jsonl")) for one in sorted(rounds)]
    assert shards[0] == N_SHARDS
    assert n_batches(tmp_path / "flow") == sum(shards)
    assert not files.exists("runs/spread/.lease.json")
    assert files.ls("runs/spread/.results"), "results stand where other machines can read them"


def test_another_machine_goes_on_from_the_store_alone(
    server: PrefectServer, store: S3Server, local: Path, tmp_path: Path
) -> None:
    environment = {**server.environment, **store.environment}
    first = {**environment, "DATAGEN_SCRATCH_DIR": str(tmp_path / "first")}
    run_datagen(first, "--output-dir", "s3://runs/moved")
    files = connect(store)
    before = {path: files.ukey(path) for path in files.find("runs/moved")}
    files.rm_file("runs/moved/dataset.jsonl")
    # The simulator's state is the first machine's: whatever asked the provider again would make batches anew.
    said = run_datagen(
        {**environment, "DATAGEN_SCRATCH_DIR": str(tmp_path / "second")}, "--output-dir", "s3://runs/moved", "--verbose"
    )
    assert "Submitted" not in said
    require_same(files, "moved", local)
    after = {path: files.ukey(path) for path in files.find("runs/moved")}
    results = {path for path in before if "/.results/" in path}
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)} - results
    assert {path.rpartition("/")[2] for path in changed} <= {
        "dataset.jsonl",
        "rejected.jsonl",
        "funnel.json",
        "result_lst.json",
        "run.json",
    }
    assert not list((tmp_path / "second").rglob("state.sqlite3"))


def test_a_cluster_without_a_server_that_its_workers_reach_is_refused(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    environment |= {"PREFECT_HOME": str(tmp_path / "home"), "DATAGEN_PROVIDER": "simulator"}
    environment |= {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"}
    said = run_datagen(environment, "--task-runner", "dask", "--output-dir", str(tmp_path / "run"), is_expected=False)
    assert "PREFECT_API_URL" in said
