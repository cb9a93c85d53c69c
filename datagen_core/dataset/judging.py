"""Decides which answers become records: each is parsed, performed, checked, and counted in the funnel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import orjson
from pydantic import BaseModel, ConfigDict

from datagen_core.batch.requests import read_custom_id
from datagen_core.dataset.comparing import Comparison
from datagen_core.dataset.deduplicating import fingerprint_record
from datagen_core.dataset.funnel import Funnel, write_funnel
from datagen_core.dataset.lookup import (
    Group,
    History,
    Lookup,
    Survey,
    group_of,
    is_bare,
    iter_answers,
    iter_round,
    survey_answers,
)
from datagen_core.dataset.script_tokens import count_script
from datagen_core.dataset.verdicts import DUPLICATE, Verdict, describe_rejection, judge_answer
from datagen_core.dialogue.record import record_line
from datagen_core.errors import InputFileError
from datagen_core.files import Artifact, describe, replace_file
from datagen_core.scenarios import Scenario, read_seed


class JudgedFiles(BaseModel):
    """What judging wrote."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: Artifact
    rejected: Artifact
    funnel: Artifact


def name_siblings(dataset_name: str) -> tuple[str, str]:
    """Return what the rejections and the funnel beside a dataset are called.

    `dataset.jsonl` has `rejected.jsonl`, `gold_dataset.jsonl` has `gold_rejected.jsonl`, `mine.jsonl` has
    `mine_rejected.jsonl`: two datasets in one folder never share a file.
    """
    stem = Path(dataset_name).stem
    prefix = stem.removesuffix("dataset") if stem.endswith("dataset") else f"{stem}_"
    return f"{prefix}rejected.jsonl", f"{prefix}funnel.json"


def judge_file(
    scenarios: Path | None,
    results: Path,
    folder: Path,
    *,
    dataset_name: str = "dataset.jsonl",
    provider: str | None = None,
    counts_pending: bool = True,
    seed: int | None = None,
    earlier: Sequence[Path] = (),
    published: Sequence[Path] = (),
    gold: Path | None = None,
    advance: Callable[[int], None] | None = None,
) -> JudgedFiles:
    """Judge every element of a result file and write `dataset.jsonl`, `rejected.jsonl` and `funnel.json` into `folder`.

    `dataset_name` names the other two as well (`name_siblings`). `scenarios` is the file written with the requests;
    without it, scenarios are sampled again from their ids. A scenario without an answer is pending, unless
    `counts_pending` is off: a further round asks for a few only, and the funnel's `scenarios` are those answered.
    Of several accepted answers to a scenario the first in the file becomes a record; the others are rejected as
    duplicates. `provider` is that of answers that name none. With `seed`, answers of another run's are an error.
    `advance` is called with 1 after each answer.

    A dialogue that repeats one accepted before it breaks U01 or U02: before it are the datasets of `earlier` rounds,
    the `published` ones, and of this file's own all of an earlier round, then those that stand earlier. One that
    overlaps with `gold` breaks U03. So rounds judged one by one give what judging them joined does; a file of several
    rounds is judged twice for it.

    Raises:
        InputFileError: a file is missing or damaged, an element belongs to no known scenario, or a custom_id stands
            twice; nothing is written.
    """
    survey = survey_answers(results)
    lookup, history, funnel = Lookup(scenarios), History(is_sorted=survey.is_sorted), Funnel()
    answered: Counter[Group] = Counter()
    rejected_name, funnel_name = name_siblings(dataset_name)
    n_accepted = n_rejected = 0
    repeated = _plan_rounds(scenarios, results, survey, earlier, published, gold)
    with ExitStack() as stack:
        comparison = None if repeated is not None else stack.enter_context(Comparison(earlier, published, gold))
        dataset = stack.enter_context(replace_file(folder / dataset_name))
        refuse = stack.enter_context(replace_file(folder / rejected_name))
        for line, answer in iter_answers(results):
            scenario_id = read_custom_id(str(answer["custom_id"]))[0]
            scenario = None if is_bare(answer) else lookup.find(scenario_id)
            if _is_strange(scenario, answer, seed):
                raise _stranger(results, line, answer, scenarios, seed)
            answered[group_of(scenario)] += history.enter(scenario_id)
            verdict = judge_answer(scenario, answer, provider=provider)
            if verdict.record is not None:  # before duplicates are taken out, so that rounds add up to the whole run
                count_script(funnel.script_share, scenario_id, str(answer.get("text")), verdict.record)
            if comparison is not None:
                verdict = _compare_verdict(verdict, scenario_id, answer, comparison)
            elif repeated is not None:
                verdict = repeated.get(str(answer["custom_id"]), verdict)
            _count(funnel, scenario, answer, verdict)
            if verdict.record is not None:
                dataset.write(record_line(verdict.record) + b"\n")
                n_accepted += 1
            else:
                refuse.write(orjson.dumps(describe_rejection(scenario, answer, verdict)) + b"\n")
                n_rejected += 1
            if advance is not None:
                advance(1)
        funnel.scenarios = survey.n_scenarios
        if counts_pending and scenarios is not None:
            _count_pending(funnel, lookup.count_groups(), answered)
    return JudgedFiles(
        dataset=describe(folder / dataset_name, n_accepted),
        rejected=describe(folder / rejected_name, n_rejected),
        funnel=write_funnel(folder / funnel_name, funnel),
    )


def _compare_verdict(
    verdict: Verdict, scenario_id: str, answer: Mapping[str, object], comparison: Comparison
) -> Verdict:
    """Return the verdict, or a rejection where the dialogue repeats another; one that is accepted is remembered."""
    if verdict.record is None:
        return verdict
    if comparison.has_scenario(scenario_id):
        return Verdict("rejected", None, (), DUPLICATE)
    fingerprint = fingerprint_record(verdict.record, str(answer.get("custom_id")))
    if fingerprint is None:
        return verdict
    found = comparison.judge(fingerprint)
    if found:
        return Verdict("rejected", None, (*verdict.violations, *found), None)
    comparison.keep(fingerprint)
    return verdict


def _plan_rounds(
    scenarios: Path | None,
    results: Path,
    survey: Survey,
    earlier: Sequence[Path],
    published: Sequence[Path],
    gold: Path | None,
) -> dict[str, Verdict] | None:
    """Return what is rejected for repeating another, by custom_id, where the answers are of several rounds; else None.

    The rounds are gone through one after the other, as a run does. Memory holds these rejections.
    """
    if len(survey.rounds) < 2:
        return None
    repeated: dict[str, Verdict] = {}
    with Comparison(earlier, published, gold) as comparison:
        for number in survey.rounds:
            lookup = Lookup(scenarios)
            for answer in iter_round(results, number):
                custom_id = str(answer["custom_id"])
                scenario_id = read_custom_id(custom_id)[0]
                scenario = None if is_bare(answer) else lookup.find(scenario_id)
                if _is_strange(scenario, answer, None):  # the error for it comes with its line
                    continue
                verdict = judge_answer(scenario, answer)
                settled = _compare_verdict(verdict, scenario_id, answer, comparison)
                if settled is not verdict:
                    repeated[custom_id] = settled
    return repeated


def _is_strange(scenario: Scenario | None, answer: Mapping[str, object], seed: int | None) -> bool:
    """Tell whether an answer belongs to no scenario of the run; a transcript on its own needs none."""
    if scenario is None:
        return not is_bare(answer)
    return seed is not None and read_seed(scenario.id) != seed


def _stranger(
    results: Path, line: int, answer: Mapping[str, object], scenarios: Path | None, seed: int | None
) -> InputFileError:
    whose = f"{scenarios or 'ours'}{'' if seed is None else f' with seed {seed}'}"
    return InputFileError(
        results,
        f"{answer['custom_id']!r} belongs to no scenario of {whose}.",
        line=line,
        field="custom_id",
        advice="Put the scenarios.jsonl that was written with the requests beside the results"
        + ("." if seed is None else ", or leave --seed out."),
    )


def _count_pending(funnel: Funnel, wanted: Counter[Group], answered: Counter[Group]) -> None:
    for (kind, category), n_wanted in wanted.items():
        n_pending = n_wanted - answered[kind, category]
        if n_pending:
            funnel.count("pending", round_number=1, kind=kind, category=category, n=n_pending)
    funnel.scenarios = wanted.total()


def _count(funnel: Funnel, scenario: Scenario | None, answer: Mapping[str, object], verdict: Verdict) -> None:
    round_number = read_custom_id(str(answer["custom_id"]))[1]
    kind, category = group_of(scenario)
    funnel.count(verdict.fate, round_number=round_number, kind=kind, category=category)
    if verdict.fate == "failed" and verdict.reason is not None:
        funnel.failures[verdict.reason] = funnel.failures.get(verdict.reason, 0) + 1
    broken = [v.rule for v in verdict.violations if v.severity == "E"]
    warned = [v.rule for v in verdict.violations if v.severity == "W"]
    funnel.count_rules(broken, warned if verdict.fate == "accepted" else ())
    usage = answer.get("usage")
    if isinstance(usage, dict):
        counts = cast("dict[str, object]", usage)
        funnel.tokens.prompt += _whole(counts.get("prompt_tokens"))
        funnel.tokens.cached += _whole(counts.get("cached_tokens"))
        funnel.tokens.completion += _whole(counts.get("completion_tokens"))


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
