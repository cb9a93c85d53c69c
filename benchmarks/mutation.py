"""Scores the rules: damages accepted dialogues in every way we could think of, and counts what is caught by which.

    python benchmarks/mutation.py                       # the whole table; exit 1 where a bound is missed
    python benchmarks/mutation.py --show "text: price"  # what was not caught of one kind

Three figures, over dialogues that the simulator writes and answers of an LLM kept as fixtures: the share of damages
caught, for each kind; false alarms, violations of severity E in dialogues written without a mistake; and the share of
mistakes caught that the simulator plants. "w/o X" is what is caught without performing the calls again and without the
scenario's goal, as for a dataset made elsewhere. Of duplicates (U) only the damages speak: two clean dialogues may be
alike by chance.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from random import Random
from typing import Final, NamedTuple, cast

import orjson

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # run as a script, only its own folder is on the path

from benchmarks.mutations import GOLD_MUTATIONS, MUTATIONS, ROW_MUTATIONS, Mutation  # noqa: E402
from benchmarks.mutations.scoring import (  # noqa: E402
    MIN_CAUGHT_OF_A_KIND,
    Report,
    Score,
    describe_damage,
    describe_report,
    find_misses,
    sum_scores,
)
from datagen_core.batch.requests import RequestOptions, build_request  # noqa: E402
from datagen_core.checks import Violation, case_from_record, check_dialogue  # noqa: E402
from datagen_core.config import GOLD_CATEGORIES  # noqa: E402
from datagen_core.dataset.comparing import Comparison  # noqa: E402
from datagen_core.dataset.deduplicating import fingerprint_record  # noqa: E402
from datagen_core.dataset.verdicts import judge_answer  # noqa: E402
from datagen_core.files import JsonObject, write_jsonl  # noqa: E402
from datagen_core.scenarios import Scenario, sample_gold, sample_training  # noqa: E402
from datagen_core.simulator.answers import Answer  # noqa: E402
from datagen_core.simulator.writer import ScriptWriter  # noqa: E402

ANSWERS: Final = ROOT / "tests" / "fixtures" / "answers"
SHARDS: Final = 8
"""Parts that are worked on alone; a fixed number, so that the figures do not depend on the machine's cores."""
GOLD_SHARE: Final = 0.2
PLANTED: Final = 0.3


class Plan(NamedTuple):
    """What one part works on. `each` is how many dialogues a kind damages in this part, at most."""

    shard: int
    dialogues: int
    seed: int
    each: int
    kinds: tuple[str, ...]


def measure(dialogues: int, seed: int, each: int, kinds: tuple[str, ...] = (), *, workers: int | None = None) -> Report:
    """Return the report over so many clean and as many partly spoilt dialogues; the same numbers give the same report.

    `kinds` restricts it to these kinds of damage and leaves out the planted mistakes.
    """
    report = Report({mutation.name: Score() for mutation in _all_mutations() if not kinds or mutation.name in kinds})
    plans = [Plan(shard, dialogues, seed, -(-each // SHARDS), kinds) for shard in range(SHARDS)]
    with ProcessPoolExecutor(workers or os.cpu_count()) as pool:
        for part in pool.map(measure_shard, plans):
            report.add(part)
    return report


def measure_shard(plan: Plan) -> Report:
    """Return the report over one part."""
    report = Report()
    scenarios = list(_iter_scenarios(plan))
    records = [*_judge_clean(scenarios, report), *_judge_fixtures(plan.shard)]
    if not plan.kinds:
        _judge_planted(scenarios, plan.seed, report)
    for mutation in MUTATIONS:
        if not plan.kinds or mutation.name in plan.kinds:
            report.damages[mutation.name] = _damage(mutation, records, plan)
    _damage_rows(records, plan, report)
    return report


def find_new(damaged: JsonObject, original: bytes, mutation: Mutation) -> list[str]:
    """Return the rules that the damaged record breaks and the original does not, as far as the damage promises it."""
    try:
        found = _count_rules(check_dialogue(case_from_record(damaged)), mutation)
    except Exception as error:  # rules promise never to raise: the kind of damage leads to the one that does
        error.add_note(
            f"A rule raised on the damage {mutation.name!r} of {orjson.loads(original)['meta']['scenario_id']}."
        )
        raise
    return sorted(found - _count_rules(_check_original(original), mutation)) if found else []


@lru_cache(maxsize=1_000)
def _check_original(line: bytes) -> tuple[Violation, ...]:
    return tuple(check_dialogue(case_from_record(orjson.loads(line))))


def _all_mutations() -> tuple[Mutation, ...]:
    return (*MUTATIONS, *ROW_MUTATIONS, *GOLD_MUTATIONS)


def _iter_scenarios(plan: Plan) -> Iterator[Scenario]:
    n_gold = max(1, round(plan.dialogues * GOLD_SHARE / len(GOLD_CATEGORIES)))
    gold = list(sample_gold(n_gold, seed=plan.seed))
    training = sample_training(max(0, plan.dialogues - len(gold)), seed=plan.seed)
    for number, scenario in enumerate((*gold, *training)):
        if number % SHARDS == plan.shard:
            yield scenario


def _write(scenario: Scenario, writer: ScriptWriter) -> tuple[Answer, JsonObject]:
    """Return what the writer answers, and the answer as the client of a provider hands it on."""
    line = build_request(scenario, RequestOptions(model="simulated"))
    answer = writer.answer(str(line["custom_id"]), cast("JsonObject", line["body"]))
    outcomes = {"length": "truncated", "content_filter": "filtered"}
    outcome = "refused" if answer.refusal is not None else outcomes.get(answer.finish_reason, "answered")
    return answer, {"custom_id": line["custom_id"], "outcome": outcome, "text": answer.text}


def _judge_clean(scenarios: Sequence[Scenario], report: Report) -> Iterator[bytes]:
    """Yield the records of dialogues written without a mistake; what the rules say against one is a false alarm."""
    writer = ScriptWriter()
    for scenario in scenarios:
        _, line = _write(scenario, writer)
        verdict = judge_answer(scenario, line, provider="simulator")
        report.clean += 1
        report.false_alarms += [
            f"{scenario.id} ({scenario.kind}, {scenario.topic}): {violation.rule} {violation.message}"
            for violation in verdict.violations
            if violation.severity == "E"
        ]
        if verdict.record is not None:
            yield orjson.dumps(verdict.record)


def _judge_fixtures(shard: int) -> Iterator[bytes]:
    """Yield the records of this part of the answers that an LLM gave and that were accepted.

    Transcripts are left out: their responses are an LLM's too, so that no call of theirs can be performed again.
    """
    for number, path in enumerate(sorted(ANSWERS.glob("*.json"))):
        if number % SHARDS != shard:
            continue
        fixture = orjson.loads(path.read_bytes())
        answer = {"custom_id": f"{fixture['scenario']['id']}.r1", "outcome": "answered", "text": fixture["text"]}
        verdict = judge_answer(Scenario.model_validate(fixture["scenario"]), answer)
        if verdict.record is not None and verdict.record["meta"]["opening"] is not None:
            yield orjson.dumps(verdict.record)


def _judge_planted(scenarios: Sequence[Scenario], seed: int, report: Report) -> None:
    """Have the scenarios written with mistakes. What is not accepted is caught; no answer at all needs no rule."""
    writer = ScriptWriter(mistakes=PLANTED, seed=seed)
    for scenario in scenarios:
        answer, line = _write(scenario, writer)
        if answer.planted is None:
            continue
        verdict = judge_answer(scenario, line, provider="simulator")
        rules = [violation.rule for violation in verdict.violations if violation.severity == "E"]
        found = [] if verdict.fate == "accepted" else rules or [str(verdict.reason)]
        report.planted.setdefault(answer.planted, Score()).count(
            found, partial("{}: {}".format, scenario.id, answer.text)
        )


def _damage(mutation: Mutation, records: Sequence[bytes], plan: Plan) -> Score:
    score = Score()
    for line, rng in _draw(mutation, records, plan):
        if score.applied >= plan.each:
            break
        damaged = mutation.damage(orjson.loads(line), rng)
        if damaged is not None:
            score.count(find_new(damaged, line, mutation), partial(describe_damage, line, damaged))
    return score


def _draw(mutation: Mutation, records: Sequence[bytes], plan: Plan) -> Iterator[tuple[bytes, Random]]:
    """Yield the records in an order of the mutation's own, each with a generator of its own."""
    rng = Random(f"{plan.seed}/{plan.shard}/{mutation.name}")
    for line in rng.sample(records, len(records)):
        yield line, Random(rng.getrandbits(64))


def _count_rules(violations: Iterable[Violation], mutation: Mutation) -> Counter[str]:
    return Counter(v.rule for v in violations if v.severity == "E" or mutation.severity == "W")


def _damage_rows(records: Sequence[bytes], plan: Plan, report: Report) -> None:
    gold = [line for line in records if orjson.loads(line)["meta"]["category"] is not None]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "gold_dataset.jsonl")
        write_jsonl(path, map(orjson.loads, gold))
        with Comparison() as own, Comparison(gold=path) as benchmark:
            for line in records:
                fingerprint = fingerprint_record(orjson.loads(line), "row")
                if fingerprint is not None:
                    own.keep(fingerprint)
            for mutations, rows, comparison in ((ROW_MUTATIONS, records, own), (GOLD_MUTATIONS, gold, benchmark)):
                for mutation in mutations:
                    if not plan.kinds or mutation.name in plan.kinds:
                        report.damages[mutation.name] = _repeat(mutation, rows, plan, comparison)


def _repeat(mutation: Mutation, rows: Sequence[bytes], plan: Plan, comparison: Comparison) -> Score:
    score = Score()
    for line, rng in _draw(mutation, rows, plan):
        if score.applied >= plan.each:
            break
        damaged = mutation.damage(orjson.loads(line), rng)
        fingerprint = None if damaged is None else fingerprint_record(damaged, "copy")
        if damaged is not None and fingerprint is not None:
            rules = [violation.rule for violation in comparison.judge(fingerprint)]
            score.count(rules, partial(describe_damage, line, damaged))
    return score


def print_table(report: Report, seconds: float) -> None:
    print(f"{'kind of damage':44} {'applied':>7} {'caught':>7} {'w/o X':>7}  by")
    for name, score in report.damages.items():
        print_score(name, score)
    print_score(f"all {len(report.damages)} kinds", sum_scores(report.damages.values()))
    if report.planted:
        print(f"\n{'planted mistake':44} {'planted':>7} {'caught':>7} {'w/o X':>7}  by")
        for name in sorted(report.planted):
            print_score(name, report.planted[name])
        print_score("all planted", sum_scores(report.planted.values()))
    print(f"\nfalse alarms: {len(report.false_alarms)} violations of severity E in {report.clean:,} clean dialogues")
    for alarm in report.false_alarms[:10]:
        print(f"  {alarm}")
    print(f"{seconds:.0f} s")


def print_score(name: str, score: Score) -> None:
    rules = ", ".join(f"{rule} {count}" for rule, count in score.rules.most_common(3))
    without_x = score.caught_without_x / score.applied if score.applied else 0.0
    mark = "" if score.share >= MIN_CAUGHT_OF_A_KIND else "  <"
    print(f"{_pad(name, 44)} {score.applied:7} {score.share:7.1%} {without_x:7.1%}  {rules}{mark}")


def _pad(text: str, width: int) -> str:
    """Fill up with spaces; Hangul is two columns wide."""
    return text + " " * (width - len(text) - sum("가" <= letter <= "힣" for letter in text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=2_000, help="clean dialogues, and as many partly spoilt ones")
    parser.add_argument("--each", type=int, default=64, help="dialogues that each kind damages, at most")
    parser.add_argument("--seed", type=int, default=20_261, help="decides scenarios and damages")
    parser.add_argument(
        "--show", metavar="KIND", action="append", default=[], help="print what was missed of this kind"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    options = parser.parse_args()
    unknown = set(options.show) - {mutation.name for mutation in _all_mutations()}
    if unknown:
        parser.error(f"there is no kind {', '.join(sorted(unknown))}; the table names them")
    started = time.monotonic()
    report = measure(options.dialogues, options.seed, options.each, tuple(options.show))
    if options.json:
        print(orjson.dumps(describe_report(report), option=orjson.OPT_INDENT_2).decode())
    else:
        print_table(report, time.monotonic() - started)
        for name in options.show:
            for example in report.damages[name].missed:
                print(f"\n{name}: {example}")
    misses = find_misses(report)
    for miss in misses:
        print(f"missed: {miss}", file=sys.stderr)
    sys.exit(1 if misses else 0)


if __name__ == "__main__":
    main()
