"""Decides which answers are rejected for repeating a dialogue that came before them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from datagen_core.batch.requests import read_custom_id
from datagen_core.checks import Violation
from datagen_core.dataset.comparing import Comparison
from datagen_core.dataset.deduplicating import fingerprint_record
from datagen_core.dataset.lookup import Lookup, is_strange, iter_round, name_dialogue
from datagen_core.dataset.verdicts import DUPLICATE, Verdict, judge_answer
from datagen_core.dialogue.models import Record


class Repetition(NamedTuple):
    """Why a dialogue that breaks no rule by itself is rejected: by U01 to U03, or, with none, as a `DUPLICATE`."""

    violations: tuple[Violation, ...] = ()

    def reject(self, verdict: Verdict) -> Verdict:
        """Return the rejection that takes the place of the verdict."""
        if not self.violations:
            return Verdict("rejected", None, (), DUPLICATE)
        return Verdict("rejected", None, (*verdict.violations, *self.violations), None)


def find_repetition(record: Record, custom_id: str, comparison: Comparison) -> Repetition | None:
    """Return what the dialogue repeats; where that is nothing, None, and it is remembered.

    A scenario and its substitutes are one dialogue: of those, whichever is accepted second is a duplicate.
    """
    dialogue = name_dialogue(custom_id)
    if any(comparison.has_scenario(known) for known in (dialogue, read_custom_id(custom_id)[0])):
        return Repetition()
    fingerprint = fingerprint_record(record, custom_id)
    if fingerprint is None:
        return None
    found = comparison.judge(fingerprint)
    if found:
        return Repetition(tuple(found))
    comparison.keep(fingerprint._replace(scenario_id=dialogue))
    return None


def find_repeated(
    scenarios: Path | None, results: Path, rounds: Sequence[int], comparison: Comparison
) -> dict[str, Repetition]:
    """Return what repeats another dialogue, by custom_id, in a file that is joined of several rounds.

    The rounds are gone through one after the other, as a run does. Memory holds these repetitions. An answer to no
    scenario is passed over.

    Raises:
        InputFileError: a file is missing or damaged.
    """
    repeated: dict[str, Repetition] = {}
    for number in rounds:
        lookup = Lookup(scenarios)
        for answer in iter_round(results, number):
            scenario = lookup.find_asked(answer)
            if is_strange(scenario, answer, None):
                continue
            custom_id = str(answer["custom_id"])
            record = judge_answer(scenario, answer).record
            found = None if record is None else find_repetition(record, custom_id, comparison)
            if found is not None:
                repeated[custom_id] = found
    return repeated
