"""Decides which answers become records: each is parsed, performed, checked, and counted in the funnel."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, cast

import orjson
from pydantic import BaseModel, ConfigDict

from datagen_core.batch.requests import read_custom_id
from datagen_core.checks import RULES_VERSION, Violation, case_from_dialogue, check_dialogue, unreadable_case
from datagen_core.dataset.funnel import Fate, Funnel, write_funnel
from datagen_core.dialogue.models import Record
from datagen_core.dialogue.performing import perform
from datagen_core.dialogue.record import record_line, to_record
from datagen_core.dialogue.script import parse_script
from datagen_core.errors import InputFileError
from datagen_core.files import Artifact, describe, iter_json_array, replace_file
from datagen_core.prompts import SYSTEM_PROMPT_FIXED, WRITER_PROMPT
from datagen_core.scenarios import Scenario, read_scenarios, read_seed, resample_scenario

_ADVICE = "Retrieve the results again, or point --input at a result_lst.json that datagen wrote."


class Verdict(NamedTuple):
    """What became of one answer; `record` is there exactly where `fate` is accepted."""

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
    """Return what becomes of one element of `result_lst.json`. Never raises, whatever an LLM or a provider answers."""
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
        "provider": provider,
        "simulated": provider == "simulator",
        "model": answer.get("model"),
        "batch_id": answer.get("batch_id"),
        "usage": answer.get("usage"),
        "versions": _versions(),
    }


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

    `scenarios` is the file written with the requests; without it, scenarios are sampled again from their ids. A
    scenario without an answer is pending, unless `counts_pending` is off: a further round asks for a few only.
    With `seed`, answers of another run's are an error. `advance` is called with 1 after each answer.

    Raises:
        InputFileError: a file is missing or damaged, or an element belongs to no known scenario; nothing is written.
    """
    funnel = Funnel()
    accepted, rejected = 0, 0
    lookup = _Lookup(scenarios)
    with ExitStack() as stack:
        dataset = stack.enter_context(replace_file(folder / dataset_name))
        refuse = stack.enter_context(replace_file(folder / "rejected.jsonl"))
        for line, element in iter_json_array(results, advice=_ADVICE):
            answer = _read_answer(results, line, element)
            scenario = lookup.find(read_custom_id(str(answer["custom_id"]))[0])
            if scenario is None or (seed is not None and read_seed(scenario.id) != seed):
                raise InputFileError(
                    results,
                    f"{answer['custom_id']!r} belongs to no scenario of {scenarios or 'ours'}"
                    f"{'' if seed is None else f' with seed {seed}'}.",
                    line=line,
                    field="custom_id",
                    advice="Put the scenarios.jsonl that was written with the requests beside the results.",
                )
            verdict = judge_answer(scenario, answer, provider=provider)
            _count(funnel, scenario, answer, verdict)
            if verdict.record is not None:
                dataset.write(record_line(verdict.record) + b"\n")
                accepted += 1
            else:
                refuse.write(orjson.dumps(describe_rejection(scenario, answer, verdict)) + b"\n")
                rejected += 1
            if advance is not None:
                advance(1)
        for scenario in lookup.remaining() if counts_pending else ():
            funnel.count("pending", round_number=1, kind=scenario.kind, category=scenario.category)
        funnel.scenarios = lookup.n_scenarios
    return JudgedFiles(
        dataset=describe(folder / dataset_name, accepted),
        rejected=describe(folder / "rejected.jsonl", rejected),
        funnel=write_funnel(folder / "funnel.json", funnel),
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


class _Lookup:
    """Finds scenarios by id in one pass over their file: answers come in the scenarios' order.

    Where they do not (files joined by hand), the file is read again, whole. Without a file scenarios are sampled anew.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._ahead: Iterator[Scenario] = read_scenarios(path) if path is not None else iter(())
        self._current: Scenario | None = None
        self._skipped: dict[str, Scenario] = {}
        self._everything: dict[str, Scenario] | None = None
        self._resampled: set[str] = set()
        self._n_passed = 0

    @property
    def n_scenarios(self) -> int:
        """How many scenarios there are; final once `remaining` was gone through."""
        return len(self._resampled) if self._path is None else self._n_passed

    def find(self, scenario_id: str) -> Scenario | None:
        if self._current is None or self._current.id != scenario_id:
            self._current = self._find(scenario_id)
        return self._current

    def remaining(self) -> Iterator[Scenario]:
        """Yield the scenarios that no answer was for."""
        yield from self._skipped.values()
        yield from self._pass_on()

    def _find(self, scenario_id: str) -> Scenario | None:
        if self._path is None:
            scenario = resample_scenario(scenario_id)
            if scenario is not None:
                self._resampled.add(scenario_id)
            return scenario
        if scenario_id in self._skipped:
            return self._skipped.pop(scenario_id)
        if self._everything is not None:
            return self._everything.get(scenario_id)
        for scenario in self._pass_on():
            if scenario.id == scenario_id:
                return scenario
            self._skipped[scenario.id] = scenario
        self._everything = {scenario.id: scenario for scenario in read_scenarios(self._path)}
        return self._everything.get(scenario_id)

    def _pass_on(self) -> Iterator[Scenario]:
        for scenario in self._ahead:
            self._n_passed += 1
            yield scenario


def _read_answer(path: Path, line: int, element: object) -> dict[str, object]:
    answer = cast("dict[str, object]", element) if isinstance(element, dict) else {}
    if not isinstance(answer.get("custom_id"), str):
        raise InputFileError(
            path, "expected an object with a string 'custom_id'.", line=line, field="custom_id", advice=_ADVICE
        )
    return answer


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
