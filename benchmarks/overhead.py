"""Measures what Prefect costs a run, beside the same stages called one by one without it.

Everything runs on the embedded simulator, whose batches take no time, in child processes: wall and CPU seconds are
theirs, from start to end, imports included. The floor is `datagen generate-batch`, `submit-batch --wait`,
`retrieve-batch`, `preprocess` and `render-txt` in one process. Printed are, in seconds and as a multiple of the floor:
the server's first start (it makes its database) and later ones; a flow run with a server of its own, with one that
runs, and again, when all is cached; what each further shard adds; what a look at a batch costs, in CPU and in rows of
Prefect's database, and how many threads wait, with 50 shards; and how soon a worker picks up a run of a deployment.

    python benchmarks/overhead.py
    python benchmarks/overhead.py --count 400 --shards 20

Ends with 1 where a finished run, started again, takes 15 seconds or more.
"""

from __future__ import annotations

import argparse
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

MOST_SECONDS_AGAIN = 15.0
COUNT = 40
SHARDS = 10
POLLED_SHARDS = 50
LOOKS_INTERVAL = 5.0
LOOKS_PACE = 25.0
SETTLE_SECONDS = 8.0
SAMPLE_SECONDS = 0.05
TABLES = ("task_run", "task_run_state", "flow_run_state", "events", "event_resources", "log", "artifact")

BARE = """
import sys
from pathlib import Path
from flows.commands import steps
folder, count = Path(sys.argv[1]), int(sys.argv[2])
requests, results, dataset = folder / "batch_input.jsonl", folder / "result_lst.json", folder / "dataset.jsonl"
steps.generate_batch(count=count, seed=42, output=requests)
steps.submit_batch(input=requests, wait=True, poll_interval=0.2, mistakes=0.0)
steps.retrieve_batch(status_file=folder)
steps.preprocess(input=results)
steps.render_txt(input=dataset)
"""

FLOW = """
import sys
from flows.operations.temporary import temporary_server
shard_size, interval = int(sys.argv[3]) or None, float(sys.argv[4])
with temporary_server() as await_server:  # as `datagen run` has it
    from flows.parameters import TrainingParameters
    from flows.training import training
    await_server()
    training(**TrainingParameters(
        count=int(sys.argv[2]), output_dir=sys.argv[1], shard_size=shard_size, poll_interval=interval, mistakes=0.0
    ).grouped())
"""


class Took(NamedTuple):
    """Wall and CPU seconds of a child and of what it started, and how many threads it had at most."""

    wall: float
    cpu: float
    threads: int = 0


def run_child(script: str, environment: Mapping[str, str], *arguments: object) -> Took:
    """Run a script in a process of its own.

    Raises:
        RuntimeError: it failed; holds what it printed.
    """
    before, started, threads = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), 0
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            [sys.executable, "-c", script, *map(str, arguments)],
            env={**environment},
            cwd=ROOT,
            stdout=said,
            stderr=subprocess.STDOUT,
        ) as child,
    ):
        while child.poll() is None:
            threads = max(threads, _count_threads(child.pid))
            time.sleep(SAMPLE_SECONDS)
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        said.seek(0)
        if child.returncode != 0:
            raise RuntimeError(said.read()[-6000:])
    return Took(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, threads)


def _count_threads(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:  # it has just ended
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("Threads:")), 0)


def count_rows(database: Path) -> dict[str, int]:
    """Return how many rows stand in the tables that grow with states, events and logs, and the bytes of all tables."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = {name: int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]) for name in TABLES}
        pages = [int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count")]
        size = int(connection.execute("PRAGMA page_size").fetchone()[0])
    return {**rows, "bytes": (pages[0] - pages[1]) * size}


def count_looks(folder: Path) -> int:
    """Return how often the simulator was asked how a batch stands."""
    with sqlite3.connect(folder / ".simulator" / "state.sqlite3") as connection:
        rows = connection.execute("SELECT route, n FROM requests").fetchall()
    return sum(int(n) for route, n in rows if str(route).startswith("GET") and "batches/" in str(route))


def show(name: str, took: Took, floor: Took) -> None:
    print(f"{name:48} {took.wall:8.1f} {took.cpu:8.1f} {took.wall / floor.wall:8.1f} x {took.cpu / floor.cpu:8.1f} x")


def measure(folder: Path, n_dialogues: int, n_shards: int, n_polled: int) -> bool:
    """Print the table; tell whether the bound was kept."""
    from prefect_server import PrefectServer

    base = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "OPENAI", "DATAGEN"))}
    base |= {
        "DATAGEN_PROVIDER": "simulator",
        "DATAGEN_SIMULATOR_PACE": "0",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    base |= {"PREFECT_HOME": str(folder / "home"), "PREFECT_LOGGING_LEVEL": "WARNING"}
    (folder / "bare").mkdir()
    floor = run_child(BARE, base, folder / "bare", n_dialogues)
    print(f"{'':48} {'wall s':>8} {'CPU s':>8} {'wall':>10} {'CPU':>10}")
    show(f"the stages without Prefect, {n_dialogues} dialogues", floor, floor)
    one = n_dialogues
    show(
        "server of its own, the first of a machine",
        run_child(FLOW, base, folder / "first", n_dialogues, one, 0.2),
        floor,
    )
    show("server of its own, later", run_child(FLOW, base, folder / "later", n_dialogues, one, 0.2), floor)
    started = time.perf_counter()
    with PrefectServer(folder / "server", variables={"DATAGEN_SIMULATOR_PACE": "0"}) as server:
        print(f"{'server, first start (makes its database)':48} {time.perf_counter() - started:8.1f}")
        server.kill()
        started = time.perf_counter()
        server.start()
        print(f"{'server, later starts':48} {time.perf_counter() - started:8.1f}")
        connected = {**base, **server.environment}
        single = run_child(FLOW, connected, folder / "one", n_dialogues, one, 0.2)
        show("on a running server", single, floor)
        again = run_child(FLOW, connected, folder / "one", n_dialogues, one, 0.2)
        show("again, all cached", again, floor)
        several = run_child(FLOW, connected, folder / "several", n_dialogues, -(-n_dialogues // n_shards), 0.2)
        show(f"in {n_shards} shards", several, floor)
        per_shard = Took((several.wall - single.wall) / (n_shards - 1), (several.cpu - single.cpu) / (n_shards - 1))
        print(f"{'each further shard':48} {per_shard.wall:8.2f} {per_shard.cpu:8.2f}")
        print(f"threads of the flow's process: {single.threads} with 1 shard, {several.threads} with {n_shards}")
        _measure_looks(folder, connected, server.folder / "home" / "prefect.db", n_polled)
        _measure_pickup(folder, server)
    return again.wall < MOST_SECONDS_AGAIN


def _measure_looks(folder: Path, environment: Mapping[str, str], database: Path, n_shards: int) -> None:
    """Compare a run whose batches are looked at many times with one whose batches have ended at the first look."""
    told = {**environment, "PREFECT_LOGGING_LEVEL": "INFO"}
    _settle(database)
    before = count_rows(database)
    quick = run_child(FLOW, told, folder / "quick", n_shards, 1, LOOKS_INTERVAL)
    between = _settle(database)
    slow = run_child(
        FLOW, {**told, "DATAGEN_SIMULATOR_PACE": str(LOOKS_PACE)}, folder / "slow", n_shards, 1, LOOKS_INTERVAL
    )
    after, more = _settle(database), count_looks(folder / "slow") - count_looks(folder / "quick")
    added = {name: (after[name] - 2 * between[name] + before[name]) / more for name in after}
    print(f"{n_shards} shards, looked at {more} times more: {slow.threads} threads in the flow's process")
    print(f"{'  CPU of the flow, a look':48} {(slow.cpu - quick.cpu) / more:8.3f}")
    print(f"  rows a look: {', '.join(f'{name} {added[name]:.1f}' for name in TABLES)}; {added['bytes'] / 1000:.1f} kB")


def _settle(database: Path) -> dict[str, int]:
    """Return the counts once they stand still: states, events and logs reach the database a little later."""
    before: dict[str, int] = {}
    while (now := count_rows(database)) != before:
        before = now
        time.sleep(SETTLE_SECONDS)
    return now


def _measure_pickup(folder: Path, server: PrefectServer) -> None:  # pyright: ignore[reportUndefinedVariable] # noqa: F821
    started = time.perf_counter()
    server.deploy()
    print(f"{'work pool and deployments':48} {time.perf_counter() - started:8.1f}")
    with server.worker("worker"):
        run = server.create("training/manual", {"count": 4, "output_dir": str(folder / "deployed")})
        found = server.wait(run, "Completed")
    assert found.start_time is not None
    assert found.end_time is not None
    picked_up, worked = found.start_time - found.created, found.end_time - found.start_time
    print(f"{'a deployment: from created to running':48} {picked_up.total_seconds():8.1f}")
    print(f"{'  and from running to completed, 4 dialogues':48} {worked.total_seconds():8.1f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT, help="dialogues a run")
    parser.add_argument("--shards", type=int, default=SHARDS, help="shards of the run that has several")
    parser.add_argument("--polled", type=int, default=POLLED_SHARDS, help="shards of the run that is looked at long")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        is_kept = measure(Path(name), asked.count, asked.shards, asked.polled)
    print(f"A finished run again takes less than {MOST_SECONDS_AGAIN:.0f} s: {'yes' if is_kept else 'NO'}")
    sys.exit(0 if is_kept else 1)


if __name__ == "__main__":
    main()
