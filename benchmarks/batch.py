"""Measures what our batch engine costs, beside a bare script that only uploads, polls, downloads and parses.

Both bring the same requests (17 kB each, answers of 3.7 kB, 2 % of the rows errors) through the same simulator, which
runs in a process of its own; each is a child process whose CPU time (user and system) is counted from its start to its
end, the import of the SDK included. Ours validates the requests, counts their tokens, submits by the ledger, waits, and
writes `result_lst.json`; Prefect is no part of it. "Uncounted" leaves out the tokens, whose tokenizer has to be loaded.
Children take turns, after one of each that is not counted; printed are the least CPU and wall time of each. Ends with 1
where ours takes more than twice the CPU of the bare script.

    python benchmarks/batch.py
    python benchmarks/batch.py --rows 4000 --repeats 5
    python benchmarks/batch.py --profile          # where our CPU time goes, for the last of --rows
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple, cast

MOST_RATIO = 2.0
ROWS = (400, 4_000)
ENDPOINT = "/v1/chat/completions"
POLL_SECONDS = 0.25
PACE_SECONDS = 0.1
ERROR_SHARE = 0.02
ANSWER = "네, 고객님. 주문하신 메뉴를 다시 확인해 드릴게요. " * 52
"""3.7 kB."""


class Took(NamedTuple):
    """CPU and wall seconds of a child process, and how many rows it brought home with an answer."""

    cpu: float
    wall: float
    answered: int


def run_bare(base_url: str, requests: Path, _: Path) -> int:
    """Do what the SDK's guide shows, and no more."""
    import openai

    client = openai.OpenAI(base_url=base_url, api_key="simulator")
    with requests.open("rb") as stream:
        file = client.files.create(file=stream, purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint=ENDPOINT, completion_window="24h")
    while batch.status not in {"completed", "failed", "expired", "cancelled"}:
        time.sleep(POLL_SECONDS)
        batch = client.batches.retrieve(batch.id)
    texts: dict[str, str] = {}
    for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
        for line in client.files.content(file_id).text.splitlines():
            row = json.loads(line)
            if row["error"] is None and row["response"]["status_code"] == 200:
                texts[row["custom_id"]] = row["response"]["body"]["choices"][0]["message"]["content"]
    return len(texts)


def run_ours(base_url: str, requests: Path, folder: Path, *, is_counted: bool = True) -> int:
    """Do what `datagen` does between a request file and its results."""
    from datagen_core.batch.client import BatchClient
    from datagen_core.batch.counting import TokenCounter
    from datagen_core.batch.poll import check_batch
    from datagen_core.batch.retrieve import retrieve_results
    from datagen_core.batch.shards import split_requests
    from datagen_core.batch.submit import submit_once

    with BatchClient(base_url, "simulator", "simulator:benchmark") as client:
        count = TokenCounter().count_row if is_counted else None
        (shard,) = split_requests(requests, folder / "shards", count=count)
        submitted = submit_once(client, folder / "ledger.jsonl", shard, endpoint=ENDPOINT)
        while not (status := check_batch(client, submitted)).is_ended:
            time.sleep(POLL_SECONDS)
        retrieve_results(client, [(submitted, status)], folder / "result_lst.json")
    return (folder / "result_lst.json").read_bytes().count(b'"outcome":"answered"')


ROLES: dict[str, Callable[[str, Path, Path], int]] = {
    "bare": run_bare,
    "ours": run_ours,
    "uncounted": partial(run_ours, is_counted=False),
}


class CannedWriter:
    """Gives every request the same answer, so that the simulator is no slower than it has to be."""

    def answer(self, custom_id: str, body: Mapping[str, object]) -> object:
        from datagen_core.simulator import Answer

        return Answer(f"{custom_id} {ANSWER}")


def serve(folder: Path) -> None:
    from datagen_core.simulator import SimulatorServer, SimulatorSettings, Writer

    settings = SimulatorSettings(pace_seconds=PACE_SECONDS, error_rows=ERROR_SHARE)
    with SimulatorServer(folder, cast("Writer", CannedWriter()), settings) as server:
        print(server.base_url, flush=True)
        sys.stdin.read()


@contextmanager
def serving() -> Generator[str]:
    """Give the address of a fresh simulator in a process of its own: it holds neither files nor batches."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--serve", folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            try:
                yield server.stdout.readline().strip() if server.stdout else ""
            finally:
                server.communicate()


def write_requests(path: Path, n_rows: int, marker: str) -> None:
    """Write requests of ours; `marker` makes the file another one, so that no run finds the batch of another."""
    from datagen_core.batch.requests import RequestOptions, build_request
    from datagen_core.files import write_jsonl
    from datagen_core.scenarios import sample_training

    options = RequestOptions(model="gpt-6-luna")
    bodies = [build_request(scenario, options)["body"] for scenario in sample_training(100, seed=42)]
    rows = ({"method": "POST", "url": ENDPOINT, "body": body} for body in islice(cycle(bodies), n_rows))
    write_jsonl(path, ({"custom_id": f"{marker}-{number:06d}", **row} for number, row in enumerate(rows)))


def run_child(role: str, n_rows: int, marker: str, *options: str) -> Took:
    """Run one of the two in a process of its own, against a simulator of its own."""
    with serving() as base_url, tempfile.TemporaryDirectory() as name:
        requests = Path(name, "batch_input.jsonl")
        write_requests(requests, n_rows, marker)
        command = [sys.executable, __file__, "--role", role, "--base-url", base_url, "--folder", name, *options]
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            said = child.stdout.read() if child.stdout else b""
            _, code, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(code)
        if child.returncode:
            sys.exit(f"{role} failed with {n_rows:,} rows")
        return Took(usage.ru_utime + usage.ru_stime, time.perf_counter() - started, int(said.split()[-1]))


def compare(n_rows: int, repeats: int) -> Iterator[str]:
    """Print what both took, and yield what is wrong with it."""
    runs: dict[str, list[Took]] = {role: [] for role in ROLES}
    for number in range(repeats):
        for role, took in runs.items():
            took.append(run_child(role, n_rows, f"run{number}"))
    least = {role: Took(*(min(values) for values in zip(*took, strict=True))) for role, took in runs.items()}
    bare, ours = least["bare"], least["ours"]
    ratio = ours.cpu / bare.cpu
    print(f"{n_rows:,} rows, least of {repeats} runs, {ours.answered:,} answered")
    for role, took in least.items():
        print(f"  {role:9} CPU {took.cpu:6.2f} s ({took.cpu / n_rows * 1e3:.2f} ms a row), wall {took.wall:6.2f} s")
    print(f"  ratio of CPU: {ratio:.2f} (at most {MOST_RATIO:.0f}); of wall time: {ours.wall / bare.wall:.2f}")
    print(f"  where no tokens are counted: {least['uncounted'].cpu / bare.cpu:.2f}")
    if ratio > MOST_RATIO:
        yield f"{n_rows:,} rows: ours takes {ratio:.2f} times the CPU of the bare script"
    for one, other in zip(runs["bare"], runs["ours"], strict=True):  # the simulator fails the same rows for both
        if one.answered != other.answered or not n_rows * 0.9 < other.answered <= n_rows:
            yield f"{n_rows:,} rows: the bare script has {one.answered:,} answers, ours {other.answered:,}"


def run_role(role: str, base_url: str, folder: Path, *, is_profiled: bool) -> None:
    run = ROLES[role]
    profile = cProfile.Profile(time.process_time)
    if is_profiled:
        answered = profile.runcall(run, base_url, folder / "batch_input.jsonl", folder)
        pstats.Stats(profile, stream=sys.stderr).sort_stats("cumulative").print_stats(45)
    else:
        answered = run(base_url, folder / "batch_input.jsonl", folder)
    print(answered)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="run ours once, under the profiler")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--role", choices=ROLES, help=argparse.SUPPRESS)
    parser.add_argument("--base-url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return 0
    if options.role:
        run_role(options.role, options.base_url, options.folder, is_profiled=options.profile)
        return 0
    if options.profile:
        run_child("ours", options.rows[-1], "profile", "--profile")
        return 0
    for role in ROLES:  # what is compiled and read from disk the first time is not counted
        run_child(role, 10, "warm")
    problems = [problem for n_rows in options.rows for problem in compare(n_rows, options.repeats)]
    for problem in problems:
        print(f"FAILED {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
