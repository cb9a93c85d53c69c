"""Measures what performing and checking a dialogue costs, beside reading and writing the same records with orjson.

Prints the median CPU time of a dialogue of 12 to 16 messages on one core, its ratio to `orjson.loads` + `orjson.dumps`
of its record (the floor: nobody handles a record for less), and how the time is spread over performing, the views that
rules share, and the rules, each with those views at hand. Times are the least of a few runs; the first run stands
beside them, since the rules remember what they read in a sentence, and simulated sentences are often the same. With
`--memory N` it judges N dialogues through the file interface, duplicates looked for as well, and prints the peak memory
at N / 50 and at N.

Example: `python benchmarks/perform.py --dialogues 400`
"""

from __future__ import annotations

import argparse
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import cast

import orjson

from datagen_core.batch.requests import RequestOptions, build_request, render_custom_id
from datagen_core.checks import RULES, case_from_dialogue, check_dialogue
from datagen_core.checks.written import read_written
from datagen_core.dataset.judging import judge_file
from datagen_core.dataset.verdicts import judge_answer
from datagen_core.dialogue.performing import perform, perform_on_stage
from datagen_core.dialogue.script import parse_script
from datagen_core.files import JsonObject, write_json_array
from datagen_core.scenarios import Scenario, sample_training, write_scenarios
from datagen_core.simulator.writer import ScriptWriter

SHORTEST, LONGEST = 12, 16
REPEATS = 5
MOST_PARTS = 24
SHARED_VIEWS = (
    "tools", "is_delivery", "given", "lines", "exchanges", "given_ids", "argument_faults", "replay", "texts",
    "evidence",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=400, help="scenarios to sample")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--memory", type=int, default=0, help="dialogues to judge for the memory figures")
    parser.add_argument("--judge", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.judge:
        judge_many(options.judge, options.seed)
        return
    measure_time(options.dialogues, options.seed)
    if options.memory:
        measure_memory(options.memory, options.seed)


def write_answers(count: int, seed: int) -> Iterator[tuple[Scenario, str]]:
    writer, request = ScriptWriter(mistakes=0.0), RequestOptions(model="simulated")
    for scenario in sample_training(count, seed=seed):
        line = build_request(scenario, request)
        yield scenario, writer.answer(str(line["custom_id"]), cast("JsonObject", line["body"])).text or ""


def measure_time(count: int, seed: int) -> None:
    parts: dict[str, list[float]] = {}
    sizes: list[int] = []
    for scenario, text in write_answers(count, seed):
        n_messages = len(perform(parse_script(text), scenario.opening).turns)
        if not SHORTEST <= n_messages <= LONGEST:
            continue
        runs = time_runs(lambda text=text, scenario=scenario: _judge(text, scenario))
        answer = {"custom_id": render_custom_id(scenario.id, 1), "outcome": "answered", "text": text}
        record = judge_answer(scenario, answer).record
        if record is None:
            continue
        line = orjson.dumps(record)
        sizes.append(n_messages)
        times = time_parts(text, scenario)
        floor = min(time_runs(lambda line=line: orjson.dumps(orjson.loads(line))))
        times |= {"first": runs[0], "all": min(runs), "floor": floor}
        for name, seconds in times.items():
            parts.setdefault(name, []).append(seconds)
    print_times(parts, sizes)


def print_times(parts: dict[str, list[float]], sizes: list[int]) -> None:
    medians = {name: statistics.median(times) * 1e3 for name, times in parts.items()}
    judged, floor = medians.pop("all"), medians.pop("floor")
    print(f"{len(sizes)} dialogues of {SHORTEST} to {LONGEST} messages (mean {statistics.mean(sizes):.1f}), one core")
    print(f"perform and check: median {judged:.2f} ms, 95th percentile {quantile(parts['all'], 0.95) * 1e3:.2f} ms")
    print(f"the first run of each: median {medians.pop('first'):.2f} ms")
    print(f"orjson.loads + dumps of the record: median {floor:.3f} ms")
    print(f"ratio to that floor: {judged / floor:.0f}")
    print("mean per dialogue, rules with the shared views at hand:")
    means = {name: statistics.mean(parts[name]) * 1e3 for name in medians}
    for name, mean in sorted(means.items(), key=lambda entry: -entry[1])[:MOST_PARTS]:
        print(f"  {name:22} {mean:.3f} ms, median {medians[name]:.3f} ms")
    rest = sorted(means.values(), reverse=True)[MOST_PARTS:]
    print(f"  {len(rest)} others {sum(rest):.3f} ms together")


def time_parts(text: str, scenario: Scenario) -> dict[str, float]:
    """Return the least CPU seconds of performing, of each view that rules share, and of each rule that applies."""
    best = {"performing": min(time_runs(lambda: perform_on_stage(parse_script(text), scenario.opening)))}
    for _ in range(REPEATS):
        dialogue, environment = perform_on_stage(parse_script(text), scenario.opening)
        case = case_from_dialogue(dialogue, scenario, environment)
        parts: dict[str, Callable[[], object]] = {
            **{f"view {name}": partial(getattr, case, name) for name in SHARED_VIEWS},
            "view written": partial(read_written, case),
            **{name: partial(rule.check, case) for name, rule in RULES.items() if rule.check and rule.applies_to(case)},
        }
        for name, run in parts.items():
            best[name] = min(best.get(name, math.inf), _time(run))
    return best


def time_runs(run: Callable[[], object]) -> list[float]:
    """Return the CPU seconds of a few runs; take the least of them: what else the machine does only ever adds."""
    return [_time(run) for _ in range(REPEATS)]


def _time(run: Callable[[], object]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


def _judge(text: str, scenario: Scenario) -> None:
    dialogue, environment = perform_on_stage(parse_script(text), scenario.opening)
    check_dialogue(case_from_dialogue(dialogue, scenario, environment))


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure_memory(count: int, seed: int) -> None:
    """Print the peak memory of judging few and many dialogues, each in a process of its own, and how it grows."""
    peaks: list[float] = []
    for size in (max(1, count // 50), count):
        command = [sys.executable, __file__, "--judge", str(size), "--seed", str(seed)]
        found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        peaks.append(float(found[0]))
        print(f"judging {size:,} dialogues through files, with the rules of duplicates: {found[1]}", flush=True)
    print(f"growth {peaks[1] / peaks[0] - 1:+.1%}")


def judge_many(count: int, seed: int) -> None:
    """Print the peak memory in MiB, a line of its own, and what else judging so many dialogues took."""
    with tempfile.TemporaryDirectory() as folder:
        scenarios, results = Path(folder, "scenarios.jsonl"), Path(folder, "result_lst.json")
        write_scenarios(scenarios, sample_training(count, seed=seed))
        write_json_array(
            results,
            (
                {"custom_id": render_custom_id(scenario.id, 1), "outcome": "answered", "text": text}
                for scenario, text in write_answers(count, seed)
            ),
        )
        written = read_peak()
        started = time.process_time()
        judged = judge_file(scenarios, results, Path(folder))
        seconds = time.process_time() - started
    print(f"{read_peak():.1f}")
    print(
        f"peak {read_peak():.0f} MB (before judging {written:.0f}), {seconds / count * 1e3:.2f} ms CPU each, "
        f"{judged.dataset.rows:,} accepted"
    )


def read_peak() -> float:
    """Return the most memory in MiB that this process has held (Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
