"""Decides which answers become records: each is parsed, performed, checked, and counted in the funnel."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple, cast

import orjson
from pydantic import BaseModel, ConfigDict

from datagen_core.batch.requests import read_custom_id
from datagen_core.checks import RULES_VERSION, Violation, case_from_dialogue, check_dialogue, unreadable_case
from datagen_core.dataset.funnel import Fate, Funnel, write_funnel
from datagen_core.dataset.lookup import Group, History, Lookup, group_of, iter_answers, survey_answers
from datagen_core.dialogue.models import Record
from datagen_core.dialogue.performing import perform
from datagen_core.dialogue.record import record_line, to_record
from datagen_core.dialogue.script import parse_script
from datagen_core.errors import InputFileError
from datagen_core.files import Artifact, describe, replace_file
from datagen_core.prompts import SYSTEM_PROMPT_FIXED, WRITER_PROMPT
from datagen_core.scenarios import Scenario, read_seed

DUPLICATE: Final = "duplicate"
"""The reason why an answer that breaks no rule is rejected: its scenario has a record. It is never asked for again."""


class Verdict(NamedTuple):
    """What became of one answer; `record` is there exactly where `fate` is accepted.

    `reason` is the outcome where `fate` is failed, and `DUPLICATE` where an answer is rejected for that.
    """

    fate: Fate
    record: Record | None
    violations: tuple[Violation, ...]
    reason: str | None


class JudgedFiles(BaseModel):
    """What judging wrote."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: Artifact
    rejected: Artifact
    funnel: Artifact


def judge_answer(scenario: Scenario, answer: Mapping[str, object], *, provider: str | None = None) -> Verdict:
    """Return what becomes of one element of `result_lst.json`. Never raises, whatever an LLM or a provider answers.

    `provider` is taken where the element does not name its own.
    """
    outcome = str(answer.get("outcome", "missing"))
    text = answer.get("text")
    if outcome != "answered" or not isinstance(text, str):
        return Verdict("failed", None, (), outcome)
    script = parse_script(text)
    if script.problem is not None:
        violations = check_dialogue(unreadable_case(script.problem, scenario))
        return Verdict("rejected", None, tuple(violations), None)
    dialogue = perform(script, scenario.opening)
    violations = tuple(check_dialogue(case_from_dialogue(dialogue, scenario)))
    if any(violation.severity == "E" for violation in violations):
        return Verdict("rejected", None, violations, None)
    return Verdict("accepted", to_record(dialogue, build_meta(scenario, answer, provider)), violations, None)


def build_meta(scenario: Scenario, answer: Mapping[str, object], provider: str | None) -> dict[str, object]:
    """Return a record's `meta`: all that is needed to perform and to judge the dialogue again."""
    named = answer.get("provider")
    origin = named if isinstance(named, str) and named else provider
    return {
        "scenario_id": scenario.id,
        "kind": scenario.kind,
        "category": scenario.category,
        "topic": scenario.topic,
        "persona": dict(scenario.persona._asdict()),
        "environment_seed": scenario.opening.seed,
        "opening": scenario.opening.model_dump(mode="json"),
        "goal": [predicate.model_dump(mode="json") for predicate in scenario.goal],
        "forbidden_tools": list(scenario.forbidden_tools),
        "max_customer_turns": scenario.max_customer_turns,
        "round": read_custom_id(str(answer.get("custom_id")))[1],
        "provider": origin,
        "simulated": origin == "simulator",
        "model": answer.get("model"),
        "batch_id": answer.get("batch_id"),
        "usage": answer.get("usage"),
        "versions": _versions(),
    }


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
    advance: Callable[[int], None] | None = None,
) -> JudgedFiles:
    """Judge every element of a result file and write `dataset.jsonl`, `rejected.jsonl` and `funnel.json` into `folder`.

    `dataset_name` names the other two as well (`name_siblings`). `scenarios` is the file written with the requests;
    without it, scenarios are sampled again from their ids. A scenario without an answer is pending, unless
    `counts_pending` is off: a further round asks for a few only, and the funnel's `scenarios` are those answered.
    Of several accepted answers to a scenario the first in the file becomes a record; the others are rejected as
    duplicates. `provider` is that of answers that name none. With `seed`, answers of another run's are an error.
    `advance` is called with 1 after each answer.

    Raises:
        InputFileError: a file is missing or damaged, an element belongs to no known scenario, or a custom_id stands
            twice; nothing is written.
    """
    survey = survey_answers(results)
    lookup, history, funnel = Lookup(scenarios), History(is_sorted=survey.is_sorted), Funnel()
    answered: Counter[Group] = Counter()
    rejected_name, funnel_name = name_siblings(dataset_name)
    n_accepted = n_rejected = 0
    with ExitStack() as stack:
        dataset = stack.enter_context(replace_file(folder / dataset_name))
        refuse = stack.enter_context(replace_file(folder / rejected_name))
        for line, answer in iter_answers(results):
            scenario = lookup.find(read_custom_id(str(answer["custom_id"]))[0])
            if scenario is None or (seed is not None and read_seed(scenario.id) != seed):
                raise _stranger(results, line, answer, scenarios, seed)
            answered[group_of(scenario)] += history.enter(scenario.id)
            verdict = judge_answer(scenario, answer, provider=provider)
            if verdict.record is not None and not history.accept(scenario.id):
                verdict = Verdict("rejected", None, (), DUPLICATE)
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


def describe_rejection(scenario: Scenario, answer: Mapping[str, object], verdict: Verdict) -> dict[str, object]:
    """Return one row of `rejected.jsonl`: the scenario, the raw text, every violation, and how the request ended."""
    return {
        "custom_id": answer.get("custom_id"),
        "fate": verdict.fate,
        "reason": verdict.reason,
        "violations": [violation._asdict() for violation in verdict.violations],
        "text": answer.get("text"),
        "error": answer.get("error"),
        "model": answer.get("model"),
        "batch_id": answer.get("batch_id"),
        "usage": answer.get("usage"),
        "scenario": scenario.model_dump(mode="json"),
    }


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


def _count(funnel: Funnel, scenario: Scenario, answer: Mapping[str, object], verdict: Verdict) -> None:
    round_number = read_custom_id(str(answer["custom_id"]))[1]
    funnel.count(verdict.fate, round_number=round_number, kind=scenario.kind, category=scenario.category)
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


@lru_cache(maxsize=1)
def _versions() -> dict[str, object]:
    prompt = hashlib.sha256(f"{SYSTEM_PROMPT_FIXED}\0{WRITER_PROMPT}".encode()).hexdigest()[:12]
    return {"datagen": version("datagen"), "prompt": prompt, "rules": RULES_VERSION}
