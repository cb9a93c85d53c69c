"""Decides which answers become records: each is parsed, performed, checked, and counted in the funnel."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from datagen_core.dataset.comparing import Comparison
from datagen_core.dataset.funnel import write_funnel
from datagen_core.dataset.lookup import OutOfOrder, Survey, iter_placed, survey_answers
from datagen_core.dataset.repetitions import Repetition, find_repeated, find_repetition
from datagen_core.dataset.settling import DEFAULT_PRICES, Job, Judge
from datagen_core.dialogue.models import Record
from datagen_core.files import Artifact, describe_written, replace_file
from datagen_core.pricing import PriceBook

__all__ = ["DEFAULT_PRICES", "JudgedFiles", "judge_file", "judge_shard", "judge_with", "name_siblings"]


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
    job = Job(
        scenarios, results, folder,
        dataset_name=dataset_name, provider=provider, counts_pending=counts_pending, seed=seed,
        earlier=earlier, published=published, gold=gold, prices=prices,
    )  # fmt: skip
    return judge_with(job, Judge, advance)


def judge_shard(
    scenarios: Path | None,
    results: Path,
    folder: Path,
    *,
    provider: str | None = None,
    prices: PriceBook = DEFAULT_PRICES,
) -> JudgedFiles:
    """Judge a shard of a round by itself and write its files into `folder`; `join_judged` makes the round's of them.

    As `judge_file` does, but nothing is compared: whatever breaks no rule by itself is a record, were it the second of
    its dialogue. Of the scenarios only the shard's own part is read, from its first answer's on.

    Raises:
        InputFileError: as `judge_file`.
    """
    job = Job(scenarios, results, folder, provider=provider, is_compared=False, prices=prices)
    return judge_with(job, Judge)


def judge_with(
    job: Job, make_judge: Callable[[Job], Judge], advance: Callable[[int], None] | None = None
) -> JudgedFiles:
    """Go through the result file with a new judge and write what comes of it; of one out of order, a second time.

    Raises:
        InputFileError: as `judge_file`.
    """
    progress = _Progress(advance)
    try:
        return _write(job, make_judge(job), None, progress)
    except OutOfOrder:
        return _write(job, make_judge(job), survey_answers(job.results), progress)


def _write(job: Job, judge: Judge, survey: Survey | None, progress: _Progress) -> JudgedFiles:
    """Judge the file in one go and write what comes of it; nothing, where that raises."""
    dataset_path, rejected_path, funnel_path = (job.folder / name for name in _name_all(job.dataset_name))
    n_accepted = n_rejected = 0
    progress.restart()
    with ExitStack() as stack:
        find = stack.enter_context(_seeking_repetitions(job, survey))
        dataset = stack.enter_context(replace_file(dataset_path))
        refuse = stack.enter_context(replace_file(rejected_path))
        for placed in iter_placed(job.results, survey):
            opinion = judge.judge(placed)
            record = opinion.verdict.record
            repetition = None if record is None else find(record, placed.custom_id)
            if repetition is not None:
                opinion = judge.reject(placed, opinion, repetition)
            is_record = opinion.verdict.record is not None
            (dataset if is_record else refuse).write(judge.settle(placed, opinion))
            n_accepted += is_record
            n_rejected += not is_record
            progress.step()
        funnel = judge.finish()
    return JudgedFiles(
        dataset=describe_written(dataset_path, dataset, n_accepted),
        rejected=describe_written(rejected_path, refuse, n_rejected),
        funnel=write_funnel(funnel_path, funnel),
    )


def _name_all(dataset_name: str) -> tuple[str, str, str]:
    return dataset_name, *name_siblings(dataset_name)


@contextmanager
def _seeking_repetitions(job: Job, survey: Survey | None) -> Generator[Callable[[Record, str], Repetition | None]]:
    """Give a function that tells what a record with its custom_id repeats; for several rounds all is found ahead."""
    if not job.is_compared:
        yield _find_none
        return
    with Comparison(job.earlier, job.published, job.gold) as comparison:
        if survey is None or len(survey.rounds) < 2:
            yield partial(find_repetition, comparison=comparison)
            return
        repeated = find_repeated(job.scenarios, job.results, survey.rounds, comparison)
    yield lambda _, custom_id: repeated.get(custom_id)


def _find_none(_: Record, __: str) -> None:
    """Find that nothing is repeated."""


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
