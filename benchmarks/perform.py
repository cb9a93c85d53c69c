"""Measures what performing and checking a dialogue costs, beside reading and writing the same records with orjson.

Prints the median CPU time of a dialogue of 12 to 16 messages on one core, its ratio to `orjson.loads` + `orjson.dumps`
of its record (the floor: nobody handles a record for less), and how the time is spread over the rules. With
`--memory N` it judges N dialogues through the file interface and prints the peak memory at N / 50 and at N.

Example: `python benchmarks/perform.py --dialogues 400`
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from datagen_core.batch.requests import RequestOptions, build_request, render_custom_id
from datagen_core.checks import RULES, case_from_dialogue, check_dialogue
from datagen_core.dataset.judging import judge_file
from datagen_core.dataset.verdicts import judge_answer
from datagen_core.dialogue.performing import perform_on_stage
from datagen_core.dialogue.script import parse_script
from datagen_core.files import write_json_array
from datagen_core.scenarios import Scenario, sample_training, write_scenarios
from datagen_core.simulator.writer import ScriptWriter

SHORTEST, LONGEST = 12, 16
REPEATS = 5


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
        yield scenario, writer.answer(str(line["custom_id"]), line["body"]).text or ""


def measure_time(count: int, seed: int) -> None:
    judged, floor, rules, sizes = [], [], dict.fromkeys(RULES, 0.0), []
    for scenario, text in write_answers(count, seed):
        answer = {"custom_id": render_custom_id(scenario.id, 1), "outcome": "answered", "text": text}
        record = judge_answer(scenario, answer).record
        if record is None or not SHORTEST <= len(record["messages"]) <= LONGEST:
            continue
        line = orjson.dumps(record)
        sizes.append(len(record["messages"]))
        judged.append(best_of(lambda text=text, scenario=scenario: _judge(text, scenario)))
        floor.append(best_of(lambda line=line: orjson.dumps(orjson.loads(line))))
        dialogue, environment = perform_on_stage(parse_script(text), scenario.opening)
        case = case_from_dialogue(dialogue, scenario, environment)
        for rule_id, rule in RULES.items():
            if rule.check is not None and rule.applies_to(case):
                started = time.process_time()
                list(rule.check(case))
                rules[rule_id] += time.process_time() - started
    median = statistics.median(judged)
    print(f"{len(judged)} dialogues of {SHORTEST} to {LONGEST} messages (mean {statistics.mean(sizes):.1f}), one core")
    print(f"perform and check: median {median * 1e3:.2f} ms, 95th percentile {quantile(judged, 0.95) * 1e3:.2f} ms")
    print(f"orjson.loads + dumps of the record: median {statistics.median(floor) * 1e3:.3f} ms")
    print(f"ratio to that floor: {median / statistics.median(floor):.0f}")
    print("per dialogue by rule, on the first check of a dialogue (what rules share falls on the first to ask):")
    for rule_id, seconds in sorted(rules.items(), key=lambda item: -item[1])[:20]:
        print(f"  {rule_id}  {seconds / len(judged) * 1e3:.3f} ms")


def best_of(run: Callable[[], object]) -> float:
    """Return the least CPU time of a few runs: what else the machine does only ever adds."""
    times: list[float] = []
    for _ in range(REPEATS):
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return min(times)


def _judge(text: str, scenario: Scenario) -> None:
    dialogue, environment = perform_on_stage(parse_script(text), scenario.opening)
    check_dialogue(case_from_dialogue(dialogue, scenario, environment))


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure_memory(count: int, seed: int) -> None:
    for size in (max(1, count // 50), count):
        command = [sys.executable, __file__, "--judge", str(size), "--seed", str(seed)]
        found = subprocess.run(command, check=True, capture_output=True, text=True)
        print(f"judging {size:,} dialogues through files: {found.stdout.strip()}")


def judge_many(count: int, seed: int) -> None:
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
        started = time.process_time()
        judged = judge_file(scenarios, results, Path(folder))
        seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak {peak:.0f} MB, {seconds / count * 1e3:.2f} ms CPU each, {judged.dataset.rows:,} accepted")


if __name__ == "__main__":
    main()
