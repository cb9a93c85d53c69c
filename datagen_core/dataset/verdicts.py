"""Decides what becomes of one answer: it is parsed, performed or read as a transcript, checked, and told why."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Final, NamedTuple

from datagen_core.batch.outcomes import RowClass, classify
from datagen_core.batch.requests import read_custom_id
from datagen_core.checks import (
    RULES_VERSION,
    Case,
    Violation,
    case_from_dialogue,
    case_from_transcript,
    check_dialogue,
    is_accepted,
    unreadable_case,
)
from datagen_core.dataset.funnel import Fate
from datagen_core.dialogue.models import Record
from datagen_core.dialogue.performing import perform_on_stage
from datagen_core.dialogue.record import to_record
from datagen_core.dialogue.script import parse_script
from datagen_core.prompts import digest_prompts
from datagen_core.scenarios import Scenario

DUPLICATE: Final = "duplicate"
"""The reason why an answer that breaks no rule is rejected: its scenario has a record. It is never asked for again.

An answer that repeats another scenario's record breaks U01 or U02 instead, and is asked for again.
"""


class Verdict(NamedTuple):
    """What became of one answer; `record` is there exactly where `fate` is accepted.

    `reason` is the outcome where `fate` is failed, and `DUPLICATE` where an answer is rejected for that.
    """

    fate: Fate
    record: Record | None
    violations: tuple[Violation, ...]
    reason: str | None


def judge_answer(scenario: Scenario | None, answer: Mapping[str, object], *, provider: str | None = None) -> Verdict:
    """Return what becomes of one element of `result_lst.json`. Never raises, whatever an LLM or a provider answers.

    `provider` is taken where the element does not name its own. An element without a scenario, or whose scenario asks
    for one, is read as a transcript.
    """
    outcome = str(answer.get("outcome", "missing"))
    text = answer.get("text")
    if outcome != "answered" or not isinstance(text, str):
        return Verdict("failed", None, (), outcome)
    if scenario is None or scenario.writer == "transcript":
        case = case_from_transcript(text, scenario)
    else:
        case = _perform(text, scenario)
    violations = tuple(check_dialogue(case))
    if not is_accepted(violations):
        return Verdict("rejected", None, violations, None)
    return Verdict("accepted", to_record(case.dialogue, build_meta(scenario, answer, provider)), violations, None)


def _perform(text: str, scenario: Scenario) -> Case:
    script = parse_script(text)
    if script.problem is not None:
        return unreadable_case(script.problem, scenario)
    dialogue, environment = perform_on_stage(script, scenario.opening)
    return case_from_dialogue(dialogue, scenario, environment)


def build_meta(scenario: Scenario | None, answer: Mapping[str, object], provider: str | None) -> dict[str, object]:
    """Return a record's `meta`: all that is needed to judge the dialogue again and, where it can be, to perform it.

    A transcript has no opening and no goal: its responses are the model's own. Without a scenario its id is that of
    the answer, and kind, topic and persona are unknown.
    """
    named = answer.get("provider")
    origin = named if isinstance(named, str) and named else provider
    scenario_id, round_number = read_custom_id(str(answer.get("custom_id")))
    performed = scenario if scenario is not None and scenario.writer == "script" else None
    return {
        "scenario_id": scenario_id,
        "kind": scenario.kind if scenario else None,
        "category": scenario.category if scenario else None,
        "topic": scenario.topic if scenario else None,
        "persona": dict(scenario.persona._asdict()) if scenario else None,
        "writer": scenario.writer if scenario else "transcript",
        "environment_seed": performed.opening.seed if performed else None,
        "opening": performed.opening.model_dump(mode="json") if performed else None,
        "goal": [predicate.model_dump(mode="json") for predicate in performed.goal] if performed else [],
        "forbidden_tools": list(scenario.forbidden_tools) if scenario else [],
        "max_customer_turns": scenario.max_customer_turns if scenario else None,
        "round": round_number,
        "provider": origin,
        "simulated": None if scenario is None and origin is None else origin == "simulator",
        "model": answer.get("model"),
        "batch_id": answer.get("batch_id"),
        "usage": answer.get("usage"),
        "versions": _versions(),
    }


def describe_rejection(scenario: Scenario | None, answer: Mapping[str, object], verdict: Verdict) -> dict[str, object]:
    """Return one row of `rejected.jsonl`: the scenario, the raw text, every violation, and how the request ended.

    `class` is what the request itself was worth: good where it was answered, whatever the rules say of the answer.
    `attempt` counts the requests for a dialogue: every round makes one for each that is still missing, whether for the
    scenario itself or for a substitute.
    """
    return {
        "custom_id": answer.get("custom_id"),
        "fate": verdict.fate,
        "reason": verdict.reason,
        "class": _classify(answer, verdict),
        "attempt": read_custom_id(str(answer.get("custom_id")))[1],
        "violations": [violation._asdict() for violation in verdict.violations],
        "text": answer.get("text"),
        "error": answer.get("error"),
        "model": answer.get("model"),
        "batch_id": answer.get("batch_id"),
        "usage": answer.get("usage"),
        "scenario": scenario.model_dump(mode="json") if scenario else None,
    }


def _classify(answer: Mapping[str, object], verdict: Verdict) -> RowClass:
    found = classify(answer)
    return "unknown" if found == "good" and verdict.fate == "failed" else found


@lru_cache(maxsize=1)
def _versions() -> dict[str, object]:
    return {"datagen": version("datagen"), "prompt": digest_prompts(), "rules": RULES_VERSION}
