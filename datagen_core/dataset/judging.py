"""Decides which answers become records: each is parsed, performed, checked, and counted in the funnel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict

from datagen_core.batch.requests import read_custom_id
from datagen_core.dataset.attempts import AttemptLog
from datagen_core.dataset.comparing import Comparison
from datagen_core.dataset.funnel import Funnel, write_funnel
from datagen_core.dataset.lookup import (
    Group,
    Lookup,
    OutOfOrder,
    PlacedAnswer,
    Survey,
    group_of,
    is_strange,
    iter_placed,
    survey_answers,
)
from datagen_core.dataset.repetitions import compare_verdict, find_repeated
from datagen_core.dataset.script_tokens import count_script
from datagen_core.dataset.verdicts import DUPLICATE, Verdict, describe_rejection, judge_answer
from datagen_core.dialogue.record import record_line
from datagen_core.errors import InputFileError
from datagen_core.files import Artifact, describe_written, replace_file
from datagen_core.pricing import PriceBook
from datagen_core.scenarios import Scenario

DEFAULT_PRICES: Final = PriceBook()
"""What the price library says, and nothing else."""


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


class _Job(NamedTuple):
    """What `judge_file` was asked for."""

    scenarios: Path | None
    results: Path
    dataset: Path
    rejected: Path
    funnel: Path
    provider: str | None
    counts_pending: bool
    seed: int | None
    earlier: Sequence[Path]
    published: Sequence[Path]
    gold: Path | None
    prices: PriceBook


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
    prices: PriceBook = DEFAULT_PRICES,
    advance: Callable[[int], None] | None = None,
) -> JudgedFiles:
    """Judge every element of a result file and write `dataset.jsonl`, `rejected.jsonl` and `funnel.json` into `folder`.

    `dataset_name` names the other two as well (`name_siblings`). `scenarios` is the file written with the requests;
    without it, scenarios are sampled again from their ids. A substitute counts as the scenario it stands in for. A
    scenario without an answer is pending, unless `counts_pending` is off: a further round asks for a few only, and the
    funnel's `scenarios` are those answered. Of several accepted answers to a scenario the first in the file becomes a
    record; the others are rejected as duplicates. The last answer for a dialogue that none was accepted for gets
    `attempts`: all of them in short. `provider` is that of answers that name none. With `seed`, answers of another
    run's are an error. `advance` is called with 1 after each answer.

    A dialogue that repeats one accepted before it breaks U01 or U02: before it are the datasets of `earlier` rounds,
    the `published` ones, and of this file's own all of an earlier round, then those that stand earlier. One that
    overlaps with `gold` breaks U03. So rounds judged one by one give what judging them joined does.

    A file of one round in the order of scenarios, as a run writes it, is read once. One joined of several rounds is
    judged twice, for the sake of U01 and U02; of one that is out of order the ids are held.

    Raises:
        InputFileError: a file is missing or damaged, an element belongs to no known scenario, or a custom_id stands
            twice; nothing is written.
    """
    rejected_name, funnel_name = name_siblings(dataset_name)
    places = (folder / dataset_name, folder / rejected_name, folder / funnel_name)
    job = _Job(
        scenarios, results, *places, provider, counts_pending, seed, tuple(earlier), tuple(published), gold, prices
    )
    progress = _Progress(advance)
    try:
        return _write(job, None, progress)
    except OutOfOrder:
        return _write(job, survey_answers(results), progress)


def _write(job: _Job, survey: Survey | None, progress: _Progress) -> JudgedFiles:
    """Judge the file in one go and write what comes of it; nothing, where that raises."""
    repeated = _find_repeated(job, survey)
    judge = _Judge(job)
    n_accepted = n_rejected = 0
    progress.restart()
    with ExitStack() as stack:
        comparison = stack.enter_context(Comparison(job.earlier, job.published, job.gold)) if repeated is None else None
        dataset = stack.enter_context(replace_file(job.dataset))
        refuse = stack.enter_context(replace_file(job.rejected))
        for placed in iter_placed(job.results, survey):
            scenario, verdict = judge.judge(placed)
            if comparison is not None:
                verdict = compare_verdict(verdict, placed.custom_id, comparison)
            elif repeated is not None:
                verdict = repeated.get(placed.custom_id, verdict)
            refusal = judge.settle(placed, scenario, verdict)
            if verdict.record is not None:
                dataset.write(record_line(verdict.record) + b"\n")
                n_accepted += 1
            else:
                refuse.write(orjson.dumps(refusal, option=orjson.OPT_APPEND_NEWLINE))
                n_rejected += 1
            progress.step()
        funnel = judge.finish()
    return JudgedFiles(
        dataset=describe_written(job.dataset, dataset, n_accepted),
        rejected=describe_written(job.rejected, refuse, n_rejected),
        funnel=write_funnel(job.funnel, funnel),
    )


class _Judge:
    """Gives verdicts on answers in the file's order, and counts them."""

    def __init__(self, job: _Job) -> None:
        self._job = job
        self._lookup = Lookup(job.scenarios)
        self._funnel = Funnel()
        self._answered: Counter[Group] = Counter()
        self._attempts = AttemptLog()

    def judge(self, placed: PlacedAnswer) -> tuple[Scenario | None, Verdict]:
        """Return the answer's scenario, and the verdict that no other dialogue has a say in.

        Raises:
            InputFileError: the answer belongs to no scenario.
        """
        job, scenario_id = self._job, read_custom_id(placed.custom_id)[0]
        scenario = self._lookup.find_asked(placed.answer)
        if is_strange(scenario, placed.answer, job.seed):
            raise _stranger(job, placed)
        verdict = judge_answer(scenario, placed.answer, provider=job.provider)
        if verdict.record is not None:  # before duplicates are taken out, so that rounds add up to the whole run
            count_script(self._funnel.script_share, scenario_id, str(placed.answer.get("text")), verdict.record)
        return scenario, verdict

    def settle(self, placed: PlacedAnswer, scenario: Scenario | None, verdict: Verdict) -> dict[str, object]:
        """Count the last verdict on an answer, and return its row of `rejected.jsonl`; none where it is accepted."""
        self._answered[group_of(scenario)] += placed.is_last
        _count(self._funnel, scenario, placed.answer, verdict)
        if verdict.record is not None or verdict.reason == DUPLICATE:
            self._attempts.accept(placed.dialogue)
        row = {} if verdict.record is not None else describe_rejection(scenario, placed.answer, verdict)
        self._attempts.add(placed.dialogue, row)
        attempts = self._attempts.close(placed.dialogue) if placed.is_last else []
        return {**row, "attempts": attempts} if attempts else row

    def finish(self) -> Funnel:
        """Return the funnel of the whole file."""
        self._funnel.scenarios = self._answered.total()
        if self._job.counts_pending and self._job.scenarios is not None:
            _count_pending(self._funnel, self._lookup.count_groups(), self._answered)
        self._funnel.price(self._job.prices)
        return self._funnel


class _Progress:
    """Tells of every answer once, however often the file is gone through."""

    def __init__(self, advance: Callable[[int], None] | None) -> None:
        self._advance = advance
        self._n_told = self._n_done = 0

    def restart(self) -> None:
        self._n_done = 0

    def step(self) -> None:
        self._n_done += 1
        if self._n_done > self._n_told:
            self._n_told = self._n_done
            if self._advance is not None:
                self._advance(1)


def _find_repeated(job: _Job, survey: Survey | None) -> dict[str, Verdict] | None:
    """Return what repeats another dialogue, by custom_id, in a file of several rounds; None where it is of one."""
    if survey is None or len(survey.rounds) < 2:
        return None
    with Comparison(job.earlier, job.published, job.gold) as comparison:
        return find_repeated(job.scenarios, job.results, survey.rounds, comparison)


def _stranger(job: _Job, placed: PlacedAnswer) -> InputFileError:
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


def _count(funnel: Funnel, scenario: Scenario | None, answer: Mapping[str, object], verdict: Verdict) -> None:
    round_number = read_custom_id(str(answer["custom_id"]))[1]
    kind, category = group_of(scenario)
    funnel.count(verdict.fate, round_number=round_number, kind=kind, category=category)
    if verdict.fate == "failed" and verdict.reason is not None:
        funnel.failures[verdict.reason] = funnel.failures.get(verdict.reason, 0) + 1
    broken = [v.rule for v in verdict.violations if v.severity == "E"]
    warned = [v.rule for v in verdict.violations if v.severity == "W"]
    funnel.count_rules(broken, warned if verdict.fate == "accepted" else ())
    funnel.count_answer(answer, kind)
