"""Measures the memory and time of every stage on 100,000 requests, with a tenth of them beside it.

Each stage runs in a process of its own: requests are generated, split into shards with their tokens counted, the
provider's files (answers of 3 to 4 kB, shuffled, 2 % of them errors) merged into `result_lst.json`, and a fiftieth of
the results judged; judging has its own benchmark. The provider is a server on 127.0.0.1 that streams prepared files,
in a further process. Prints peak resident memory, wall and CPU seconds of each stage, and the ratio of the two runs.
Ends with 1 where a stage takes more than 400 MB, or where a row is lost.

    python benchmarks/stream.py                # 100,000 requests: 5 GB of disk, some 12 minutes
    python benchmarks/stream.py --rows 20000
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

import orjson

from datagen_core.batch.client import BatchClient
from datagen_core.batch.counting import TokenCounter
from datagen_core.batch.models import BatchCounts, BatchStatus, Shard, Submitted
from datagen_core.batch.requests import RequestOptions, build_request, render_custom_id
from datagen_core.batch.retrieve import retrieve_results
from datagen_core.batch.shards import split_requests
from datagen_core.batch.submit import submission_key
from datagen_core.batch.wire import as_object
from datagen_core.dataset.generating import generate_files
from datagen_core.dataset.judging import judge_file
from datagen_core.files import JsonObject, iter_json_array, read_jsonl, write_json_array, write_jsonl
from datagen_core.scenarios import Scenario, read_scenarios
from datagen_core.simulator.writer import ScriptWriter

MOST_MEGABYTES = 400
ERROR_SHARE = 0.02
JUDGED_SHARE = 50
SHORTEST, LONGEST = 3_000, 4_000
OPTIONS = RequestOptions(model="gpt-6-luna")
SEED = 42


class Measured(NamedTuple):
    """What a stage took, and how many rows came out of it."""

    megabytes: float
    seconds: float
    cpu_seconds: float
    rows: int


def generate(folder: Path, n_rows: int) -> int:
    return generate_files("training", n_rows, folder / "batch_input.jsonl", OPTIONS, seed=SEED).requests.rows


def split(folder: Path, _: int) -> int:
    shards = split_requests(folder / "batch_input.jsonl", folder / "shards", count=TokenCounter().count_row)
    write_jsonl(folder / "shards.jsonl", (shard.model_dump() for shard in shards))
    return sum(shard.rows for shard in shards)


def merge(folder: Path, _: int) -> int:
    address = (folder / "address").read_text(encoding="utf-8")
    with BatchClient(address, "key", "openai:benchmark") as client:
        pairs = [(_submitted(shard), _completed(shard)) for shard in _read_shards(folder)]
        return retrieve_results(client, pairs, folder / "result_lst.json").rows


def judge(folder: Path, n_rows: int) -> int:
    results = folder / "judged" / "result_lst.json"
    elements = (element for _, element in iter_json_array(folder / "result_lst.json", advice=""))
    write_json_array(results, islice(elements, n_rows // JUDGED_SHARE))
    judged = judge_file(folder / "scenarios.jsonl", results, folder / "judged", counts_pending=False)
    return judged.dataset.rows + judged.rejected.rows


def prepare(folder: Path, n_rows: int) -> int:
    """Write the provider's files; the answers that will be judged are real scripts, the others as long as real ones."""
    scenarios, writer, chance = read_scenarios(folder / "scenarios.jsonl"), ScriptWriter(), Random(SEED)
    n_scripts, n_written = n_rows // JUDGED_SHARE, 0
    for shard in _read_shards(folder):
        answered: list[JsonObject] = []
        failed: list[JsonObject] = []
        for scenario in islice(scenarios, shard.rows):
            text = _write_script(writer, scenario) if n_written < n_scripts else _invent_text(chance)
            is_error = chance.random() < ERROR_SHARE
            (failed if is_error else answered).append(_build_row(scenario, None if is_error else text))
            n_written += 1
        for name, rows in (("output", answered), ("error", failed)):
            chance.shuffle(rows)
            write_jsonl(folder / "provider" / f"{name}-{shard.sha256}", rows)
    return n_written


def check(folder: Path, n_rows: int) -> int:
    """Count the results that stand where they should, with the fate that their row has."""
    n_right = n_failed = 0
    ids = (render_custom_id(scenario.id, 1) for scenario in read_scenarios(folder / "scenarios.jsonl"))
    for custom_id, (_, element) in zip(ids, iter_json_array(folder / "result_lst.json", advice=""), strict=True):
        result = as_object(element)
        n_right += result.get("custom_id") == custom_id and result.get("outcome") in {"answered", "error"}
        n_failed += result.get("outcome") == "error"
    files = (folder / "provider").glob("error-*")
    return n_right if n_failed == sum(1 for file in files for _ in read_jsonl(file, advice="")) else 0


STAGES: dict[str, Callable[[Path, int], int]] = {
    "generate": generate, "split": split, "prepare": prepare, "merge": merge, "check": check, "judge": judge,
}  # fmt: skip
UNMEASURED = ("prepare", "check")


def _read_shards(folder: Path) -> list[Shard]:
    return [Shard.model_validate(row) for _, row in read_jsonl(folder / "shards.jsonl", advice="")]


def _submitted(shard: Shard) -> Submitted:
    key = submission_key(shard)
    return Submitted(key=key, batch_id=f"batch_{key}", input_file_id=f"file_{key}", shard=shard, submitted_at=0.0)


def _completed(shard: Shard) -> BatchStatus:
    return BatchStatus(
        batch_id=f"batch_{submission_key(shard)}",
        status="completed",
        counts=BatchCounts(total=shard.rows, completed=shard.rows),
        output_file_id=f"output-{shard.sha256}",
        error_file_id=f"error-{shard.sha256}",
    )


def _write_script(writer: ScriptWriter, scenario: Scenario) -> str:
    request = build_request(scenario, OPTIONS)
    return writer.answer(str(request["custom_id"]), as_object(request["body"])).text


def _invent_text(chance: Random) -> str:
    n_letters = chance.randrange(SHORTEST, LONGEST) // 3  # a Hangul syllable has three bytes
    return "".join(map(chr, chance.choices(range(0xAC00, 0xD7A4), k=n_letters)))


def _build_row(scenario: Scenario, text: str | None) -> JsonObject:
    custom_id = render_custom_id(scenario.id, 1)
    if text is None:
        body: JsonObject = {"error": {"code": "server_error", "message": "The server had an error.", "param": None}}
        return {"id": f"r_{custom_id}", "custom_id": custom_id, "response": {"status_code": 500, "body": body}}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text, "refusal": None}}
    usage = {"prompt_tokens": 4_000, "completion_tokens": 700, "prompt_tokens_details": {"cached_tokens": 3_000}}
    body = {"id": "c", "object": "chat.completion", "model": OPTIONS.model, "choices": [choice], "usage": usage}
    response = {"status_code": 200, "request_id": f"q_{custom_id}", "body": body}
    return {"id": f"r_{custom_id}", "custom_id": custom_id, "response": response, "error": None}


class _FileHandler(BaseHTTPRequestHandler):
    """Streams `provider/<file id>` for `GET …/files/<file id>/content`."""

    protocol_version = "HTTP/1.1"
    folder = Path()

    def do_GET(self) -> None:
        path = self.folder / "provider" / self.path.removesuffix("/content").rpartition("/")[2]
        with path.open("rb") as stream:
            self.send_response(200)
            self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            shutil.copyfileobj(stream, self.wfile, 1 << 20)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the table is what is printed."""


def serve(folder: Path) -> None:
    _FileHandler.folder = folder
    with ThreadingHTTPServer(("127.0.0.1", 0), _FileHandler) as server:
        print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
        server.serve_forever()


@contextmanager
def serving(folder: Path) -> Generator[None]:
    command = [sys.executable, __file__, "--serve", "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            (folder / "address").write_text(server.stdout.readline().strip() if server.stdout else "", "utf-8")
            yield
        finally:
            server.kill()


def run_stage(stage: str, folder: Path, n_rows: int) -> None:
    """Run one stage in this process and print what it took, for the process above."""
    started = time.perf_counter()
    rows = STAGES[stage](folder, n_rows)
    seconds = time.perf_counter() - started
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    print(orjson.dumps([megabytes, seconds, time.process_time(), rows]).decode())


def measure(n_rows: int) -> Iterator[tuple[str, Measured]]:
    """Yield each stage with what it took in a process of its own."""
    with tempfile.TemporaryDirectory() as name, serving(Path(name)):
        for stage in STAGES:
            command = [sys.executable, __file__, "--stage", stage, "--folder", name, "--rows", str(n_rows)]
            child = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            measured = Measured(*orjson.loads(child.stdout))
            print(f"{n_rows:,} {stage}: {measured.megabytes:.0f} MB, {measured.seconds:.1f} s", file=sys.stderr)
            yield stage, measured


def find_problems(stage: str, n_rows: int, measured: Measured) -> Iterator[str]:
    expected = n_rows // JUDGED_SHARE if stage == "judge" else n_rows
    if measured.rows != expected:
        yield f"{stage}: {measured.rows:,} rows instead of {expected:,}"
    if stage not in UNMEASURED and measured.megabytes > MOST_MEGABYTES:
        yield f"{stage}: {measured.megabytes:.0f} MB of {n_rows:,} requests; at most {MOST_MEGABYTES} MB are allowed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="requests of the larger run; at least 1,000")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.folder)
    elif options.stage:
        run_stage(options.stage, options.folder, options.rows)
    else:
        return compare(max(options.rows, 1_000))
    return 0


def compare(n_rows: int) -> int:
    sizes = (n_rows // 10, n_rows)
    few, many = (dict(measure(size)) for size in sizes)
    problems: list[str] = []
    print(f"{'stage':10} {sizes[0]:>22,} requests   {sizes[1]:>22,} requests   ratio of memory, of CPU")
    for stage in STAGES:
        for size, measured in ((sizes[0], few[stage]), (sizes[1], many[stage])):
            problems += find_problems(stage, size, measured)
        if stage not in UNMEASURED:
            print(f"{stage:10} {_show(few[stage])}   {_show(many[stage])}   {_compare(few[stage], many[stage])}")
    for problem in problems:
        print(f"FAILED {problem}")
    return 1 if problems else 0


def _show(one: Measured) -> str:
    return f"{one.megabytes:6.0f} MB {one.seconds:6.1f} s, CPU {one.cpu_seconds:6.1f} s"


def _compare(few: Measured, many: Measured) -> str:
    return f"{many.megabytes / few.megabytes:5.2f}  {many.cpu_seconds / few.cpu_seconds:6.1f}"


if __name__ == "__main__":
    sys.exit(main())
