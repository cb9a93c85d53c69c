"""Decides which answers are rejected for repeating a dialogue that came before them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datagen_core.batch.requests import read_custom_id
from datagen_core.dataset.comparing import Comparison
from datagen_core.dataset.deduplicating import fingerprint_record
from datagen_core.dataset.lookup import Lookup, is_strange, iter_round, name_dialogue
from datagen_core.dataset.verdicts import DUPLICATE, Verdict, judge_answer


def compare_verdict(verdict: Verdict, custom_id: str, comparison: Comparison) -> Verdict:
    """Return the verdict, or a rejection where the dialogue repeats another; one that is accepted is remembered.

    A scenario and its substitutes are one dialogue: of those, whichever is accepted second is a duplicate.
    """
    if verdict.record is None:
        return verdict
    dialogue = name_dialogue(custom_id)
    if any(comparison.has_scenario(known) for known in (dialogue, read_custom_id(custom_id)[0])):
        return Verdict("rejected", None, (), DUPLICATE)
    fingerprint = fingerprint_record(verdict.record, custom_id)
    if fingerprint is None:
        return verdict
    found = comparison.judge(fingerprint)
    if found:
        return Verdict("rejected", None, (*verdict.violations, *found), None)
    comparison.keep(fingerprint._replace(scenario_id=dialogue))
    return verdict


def find_repeated(
    scenarios: Path | None, results: Path, rounds: Sequence[int], comparison: Comparison
) -> dict[str, Verdict]:
    """Return the rejections for repeating another dialogue, by custom_id, in a file that is joined of several rounds.

    The rounds are gone through one after the other, as a run does. Memory holds these rejections. An answer to no
    scenario is passed over.

    Raises:
        InputFileError: a file is missing or damaged.
    """
    repeated: dict[str, Verdict] = {}
    for number in rounds:
        lookup = Lookup(scenarios)
        for answer in iter_round(results, number):
            scenario = lookup.find_asked(answer)
            if is_strange(scenario, answer, None):
                continue
            custom_id = str(answer["custom_id"])
            verdict = judge_answer(scenario, answer)
            settled = compare_verdict(verdict, custom_id, comparison)
            if settled is not verdict:
                repeated[custom_id] = settled
    return repeated
