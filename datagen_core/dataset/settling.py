"""Decides what becomes of a file's answers one after the other: verdict, row, and what the funnel counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from datagen_core.batch.requests import read_custom_id
from datagen_core.dataset.attempts import AttemptLog
from datagen_core.dataset.funnel import Funnel
from datagen_core.dataset.lookup import Group, Lookup, PlacedAnswer, group_of, is_strange
from datagen_core.dataset.repetitions import Repetition
from datagen_core.dataset.script_tokens import count_script
from datagen_core.dataset.seeking import SeekingLookup
from datagen_core.dataset.verdicts import DUPLICATE, Verdict, describe_rejection, judge_answer
from datagen_core.dialogue.record import record_line
from datagen_core.errors import InputFileError
from datagen_core.pricing import PriceBook
from datagen_core.scenarios import Scenario

DEFAULT_PRICES: Final = PriceBook()
"""What the price library says, and nothing else."""


class Job(NamedTuple):
    """A result file to judge, what its answers are compared with, if with anything, and where to write."""

    scenarios: Path | None
    results: Path
    folder: Path
    dataset_name: str = "dataset.jsonl"
    provider: str | None = None
    counts_pending: bool = False
    seed: int | None = None
    is_compared: bool = True
    earlier: Sequence[Path] = ()
    published: Sequence[Path] = ()
    gold: Path | None = None
    prices: PriceBook = DEFAULT_PRICES


class Opinion(NamedTuple):
    """A verdict on an answer, and for what it was asked; `line` is its row of `dataset.jsonl` where that is known."""

    verdict: Verdict
    group: Group
    scenario: Scenario | None
    line: bytes | None = None


class Judge:
    """Gives verdicts on answers in the file's order, and counts them."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._lookup = Lookup(job.scenarios) if job.counts_pending else SeekingLookup(job.scenarios)
        self._funnel = Funnel()
        self._answered: Counter[Group] = Counter()
        self._attempts = AttemptLog()

    def judge(self, placed: PlacedAnswer) -> Opinion:
        """Return the verdict that no other dialogue has a say in.

        Raises:
            InputFileError: the answer belongs to no scenario.
        """
        opinion = self._form_opinion(placed)
        record = opinion.verdict.record
        if record is not None:  # before duplicates are taken out, so that rounds and shards add up to the whole run
            scenario_id = read_custom_id(placed.custom_id)[0]
            count_script(self._funnel.script_share, scenario_id, str(placed.answer.get("text")), record)
        return opinion

    def reject(self, placed: PlacedAnswer, opinion: Opinion, repetition: Repetition) -> Opinion:
        """Return what becomes of an answer that was accepted and then found to repeat another."""
        return opinion._replace(verdict=repetition.reject(opinion.verdict), line=None)

    def settle(self, placed: PlacedAnswer, opinion: Opinion) -> bytes:
        """Count the last verdict on an answer, and return its row of `dataset.jsonl` or of `rejected.jsonl`."""
        self._answered[opinion.group] += placed.is_last
        _count(self._funnel, opinion.group, placed.answer, opinion.verdict)
        if opinion.verdict.record is not None or opinion.verdict.reason == DUPLICATE:
            self._attempts.accept(placed.dialogue)
        rejection = self._describe_rejection(placed, opinion)
        if opinion.verdict.record is not None:
            return opinion.line or record_line(opinion.verdict.record) + b"\n"
        return orjson.dumps(rejection, option=orjson.OPT_APPEND_NEWLINE)

    def finish(self) -> Funnel:
        """Return the funnel of the whole file."""
        self._funnel.scenarios = self._answered.total()
        if self._job.counts_pending and self._job.scenarios is not None:
            _count_pending(self._funnel, self._lookup.count_groups(), self._answered)
        self._funnel.price(self._job.prices)
        return self._funnel

    def _form_opinion(self, placed: PlacedAnswer) -> Opinion:
        scenario = self._lookup.find_asked(placed.answer)
        if is_strange(scenario, placed.answer, self._job.seed):
            raise _stranger(self._job, placed)
        verdict = judge_answer(scenario, placed.answer, provider=self._job.provider)
        return Opinion(verdict, group_of(scenario), scenario)

    def _describe_rejection(self, placed: PlacedAnswer, opinion: Opinion) -> dict[str, object]:
        """Return the row, with all attempts where it is the last at a dialogue; an empty one where it is accepted."""
        row: dict[str, object] = {}
        if opinion.verdict.record is None:
            row = describe_rejection(opinion.scenario, placed.answer, opinion.verdict)
            self._attempts.add(placed.dialogue, row)
        attempts = self._attempts.close(placed.dialogue) if placed.is_last else []
        return {**row, "attempts": attempts} if attempts else row


def _stranger(job: Job, placed: PlacedAnswer) -> InputFileError:
    whose = f"{job.scenarios or 'ours'}{'' if job.seed is None else f' with seed {job.seed}'}"
    return InputFileError(
        job.results,
        f"{placed.custom_id!r} belongs to no scenario of {whose}.",
        line=placed.line,
        field="custom_id",
        advice="Put the scenarios.jsonl that was written with the requests beside the results"
        + ("." if job.seed is None else ", or leave --seed out."),
    )


def _count_pending(funnel: Funnel, wanted: Counter[Group], answered: Counter[Group]) -> None:
    for (kind, category), n_wanted in wanted.items():
        n_pending = n_wanted - answered[kind, category]
        if n_pending:
            funnel.count("pending", round_number=1, kind=kind, category=category, n=n_pending)
    funnel.scenarios = wanted.total()


def _count(funnel: Funnel, group: Group, answer: Mapping[str, object], verdict: Verdict) -> None:
    round_number = read_custom_id(str(answer["custom_id"]))[1]
    kind, category = group
    funnel.count(verdict.fate, round_number=round_number, kind=kind, category=category)
    if verdict.fate == "failed" and verdict.reason is not None:
        funnel.failures[verdict.reason] = funnel.failures.get(verdict.reason, 0) + 1
    broken = [v.rule for v in verdict.violations if v.severity == "E"]
    warned = [v.rule for v in verdict.violations if v.severity == "W"]
    funnel.count_rules(broken, warned if verdict.fate == "accepted" else ())
    funnel.count_answer(answer, kind)
