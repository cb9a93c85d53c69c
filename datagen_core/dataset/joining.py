"""Decides how the shards of a round, judged each by itself, become the round's files: as if judged in one go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final, cast

from pydantic import BaseModel, ConfigDict

from datagen_core.batch.reporting import read_retrieval, report_path, write_retrieval
from datagen_core.checks import Violation
from datagen_core.dataset.funnel import Fate, Funnel, merge_funnels, read_funnel
from datagen_core.dataset.judging import DEFAULT_PRICES, JudgedFiles, judge_with
from datagen_core.dataset.lookup import Group, PlacedAnswer, group_of, order_of
from datagen_core.dataset.merging import JudgedRow, iter_judged
from datagen_core.dataset.repetitions import Repetition
from datagen_core.dataset.settling import Job, Judge, Opinion
from datagen_core.dataset.verdicts import Verdict
from datagen_core.dialogue.models import Record
from datagen_core.errors import InputFileError
from datagen_core.files import Artifact, JsonObject, iter_json_array, validate_model, write_json_array
from datagen_core.pricing import PriceBook
from datagen_core.scenarios import Scenario

_RESULTS_ADVICE: Final = "Retrieve that shard's results again: reading costs nothing."
_JUDGED_ADVICE: Final = "Judge each shard's results again, and name the shards in the order of the results."


class RoundFiles(BaseModel):
    """A round's files, made of its shards'."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    results: Artifact
    judged: JudgedFiles


def join_round(
    scenarios: Path | None,
    results: Sequence[Path],
    judged: Sequence[JudgedFiles],
    folder: Path,
    *,
    provider: str | None = None,
    earlier: Sequence[Path] = (),
    published: Sequence[Path] = (),
    gold: Path | None = None,
    prices: PriceBook = DEFAULT_PRICES,
) -> RoundFiles:
    """Write a round's files into `folder` from its shards': `join_results`, then `join_judged`."""
    joined = join_results(results, folder / "result_lst.json")
    return RoundFiles(
        results=joined,
        judged=join_judged(
            Path(joined.path), judged, folder,
            scenarios=scenarios, provider=provider, earlier=earlier, published=published, gold=gold, prices=prices,
        ),
    )  # fmt: skip


def join_results(shards: Sequence[Path], output: Path) -> Artifact:
    """Write a round's `result_lst.json` and, before it, `retrieval.json` from those of its shards, in their order.

    They are what `retrieve_results` writes for all the shards together.

    Raises:
        InputFileError: a shard's result file, or the report beside it, is missing or damaged; names it.
    """
    return write_json_array(output, _iter_elements(shards, output))


def join_judged(
    results: Path,
    judged: Sequence[JudgedFiles],
    folder: Path,
    *,
    scenarios: Path | None,
    provider: str | None = None,
    earlier: Sequence[Path] = (),
    published: Sequence[Path] = (),
    gold: Path | None = None,
    prices: PriceBook = DEFAULT_PRICES,
) -> JudgedFiles:
    """Write a round's `dataset.jsonl`, `rejected.jsonl` and `funnel.json` from those that `judge_shard` wrote.

    `results` is the round's `result_lst.json`, and `judged` its shards in the same order. The three files are, byte for
    byte, those that `judge_file` writes for the results with the same arguments and `counts_pending` off. Every file is
    read once, in step with the others. Only a dialogue that repeats another is performed and checked again, for what
    its row of `rejected.jsonl` tells; of results of several rounds, which no run makes, all are once.

    Raises:
        InputFileError: a file is missing or damaged, or the shards' rows are not those of the results; nothing is
            written.
    """
    job = Job(
        scenarios, results, folder,
        provider=provider, earlier=earlier, published=published, gold=gold, prices=prices,
    )  # fmt: skip
    return judge_with(job, partial(_Reader, judged))


def _iter_elements(shards: Sequence[Path], output: Path) -> Iterator[object]:
    """Yield the results, and write the report before they take their place: who sees them has their report."""
    for shard in shards:
        yield from (element for _, element in iter_json_array(shard, advice=_RESULTS_ADVICE))
    write_retrieval(
        report_path(output), (batch for shard in shards for batch in read_retrieval(report_path(shard)).batches)
    )


class _Reader(Judge):
    """Reads the verdicts from the shards' files, and judges again only what was accepted there and repeats another."""

    def __init__(self, judged: Sequence[JudgedFiles], job: Job) -> None:
        super().__init__(job)
        shards = merge_funnels((read_funnel(Path(one.funnel.path)) for one in judged), scenarios=0)
        # What no row tells; everything else is counted anew.
        self._funnel.warnings, self._funnel.script_share = shards.warnings, shards.script_share
        self._records = _Rows([Path(one.dataset.path) for one in judged], is_record=True)
        self._rejections = _Rows([Path(one.rejected.path) for one in judged], is_record=False)

    def judge(self, placed: PlacedAnswer) -> Opinion:
        """Return the verdict that stands in a shard's files.

        Raises:
            InputFileError: none does.
        """
        row = self._records.take(placed.custom_id)
        if row is not None:
            return _read_record(row)
        row = self._rejections.take(placed.custom_id)
        if row is not None:
            return _read_rejection(row)
        raise InputFileError(
            self._job.results,
            f"the shards' files have another row in the place of {placed.custom_id!r}.",
            line=placed.line,
            field="custom_id",
            advice=_JUDGED_ADVICE,
        )

    def reject(self, placed: PlacedAnswer, opinion: Opinion, repetition: Repetition) -> Opinion:
        """Judge the answer again for its scenario and warnings, of which records tell nothing, and reject it."""
        again = self._form_opinion(placed)
        warned = {violation.rule for violation in again.verdict.violations if violation.severity == "W"}
        self._funnel.warnings = dict(Counter(self._funnel.warnings) - Counter(warned))
        return super().reject(placed, again, repetition)

    def finish(self) -> Funnel:
        """Return the funnel of the whole file.

        Raises:
            InputFileError: a shard's files hold rows that the results do not.
        """
        for left in (self._records.next, self._rejections.next):
            if left is not None:
                raise InputFileError(
                    left.path, "the results have no such answer.", line=left.number, advice=_JUDGED_ADVICE
                )
        return super().finish()


class _Rows:
    """The rows of the shards' files, one shard after the other; each is taken when its request's turn comes."""

    def __init__(self, paths: Sequence[Path], *, is_record: bool) -> None:
        self._rows = chain.from_iterable(iter_judged(path, is_record=is_record) for path in paths)
        self.next: JudgedRow | None = next(self._rows, None)

    def take(self, custom_id: str) -> JudgedRow | None:
        """Return the next row if it is that of the request."""
        row = self.next
        if row is None or row.order != order_of(custom_id):
            return None
        self.next = next(self._rows, None)
        return row


class _Rejection(BaseModel):
    """What a row of `rejected.jsonl` says that the answer does not."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    fate: Fate
    reason: str | None
    violations: tuple[Violation, ...]
    scenario: Scenario | None


def _read_rejection(row: JudgedRow) -> Opinion:
    told = validate_model(_Rejection, row.body, row.path, line=row.number, advice=_JUDGED_ADVICE)
    return Opinion(Verdict(told.fate, None, told.violations, told.reason), group_of(told.scenario), told.scenario)


def _read_record(row: JudgedRow) -> Opinion:
    """Return the verdict without its warnings, which a record does not tell."""
    verdict = Verdict("accepted", cast("Record", row.body), (), None)
    meta = cast("JsonObject", row.body["meta"])
    kind, category = meta.get("kind"), meta.get("category")
    group: Group = (kind, category if isinstance(category, str) else None) if isinstance(kind, str) else group_of(None)
    return Opinion(verdict, group, None, row.line)
