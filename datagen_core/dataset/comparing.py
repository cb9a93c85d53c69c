"""Decides whether a dialogue repeats another: one of its own dataset, a published one, or one of gold (U01 to U03)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from datagen_core.checks import Violation
from datagen_core.dataset.deduplicating import (
    GOLD_NEAR,
    NEAR,
    DuplicateIndex,
    Fingerprint,
    fingerprint_record,
)
from datagen_core.dataset.reading_rows import find_datasets, iter_rows
from datagen_core.errors import InputFileError


class Comparison:
    """What dialogues are compared with; it remembers those that are kept. A context manager."""

    def __init__(self, earlier: Sequence[Path] = (), published: Sequence[Path] = (), gold: Path | None = None) -> None:
        """Read the datasets (files or folders): the run's earlier rounds, what is published, and the benchmark.

        Raises:
            InputFileError: one is not there, or holds no dialogue that can be read.
        """
        with ExitStack() as stack:
            self._own = stack.enter_context(DuplicateIndex(NEAR))
            self._published = stack.enter_context(DuplicateIndex(NEAR)) if published else None
            self._gold = stack.enter_context(DuplicateIndex(GOLD_NEAR)) if gold is not None else None
            for path in earlier:
                _fill(self._own, path)
            for path in published:
                if self._published is not None:
                    _fill(self._published, path, may_be_empty=False)
            if self._gold is not None and gold is not None:
                _fill(self._gold, gold, may_be_empty=False)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        """Return the comparison."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget everything."""
        self._stack.close()

    @property
    def has_gold(self) -> bool:
        """Whether there is a benchmark to compare with (U03)."""
        return self._gold is not None

    def has_scenario(self, scenario_id: str) -> bool:
        """Tell whether a dialogue of this scenario was kept."""
        return self._own.find_scenario(scenario_id) is not None

    def judge(self, fingerprint: Fingerprint) -> list[Violation]:
        """Return which rules the dialogue breaks beside those kept; U02 is not looked for where U01 is broken.

        A dialogue whose scenario is among the published ones is that dialogue, and not compared with them: a run that
        was published can be judged again.
        """
        found = self._find_repetition(self._own, fingerprint, is_own=True)
        published = self._published
        if not found and published is not None and published.find_scenario(fingerprint.scenario_id) is None:
            found = self._find_repetition(published, fingerprint, is_own=False)
        return [*found, *self._find_leak(fingerprint)]

    def keep(self, fingerprint: Fingerprint) -> None:
        """Remember a dialogue that was accepted."""
        self._own.add(fingerprint)

    def _find_repetition(self, index: DuplicateIndex, fingerprint: Fingerprint, *, is_own: bool) -> list[Violation]:
        where = "" if is_own else " of a published dataset"
        scenario = index.find_scenario(fingerprint.scenario_id)
        if scenario is not None:
            return [_violate("U01", f"scenario {fingerprint.scenario_id!r} stands in {scenario}{where} already")]
        same = index.find_same(fingerprint)
        if same is not None:
            return [_violate("U01", f"the same messages, ids aside, stand in {same}{where} already")]
        near = index.find_near(fingerprint)
        if near is None:
            return []
        return [_violate("U02", f"the customer says nearly what stands in {near.name}{where} ({near.similarity:.2f})")]

    def _find_leak(self, fingerprint: Fingerprint) -> Iterator[Violation]:
        if self._gold is None:
            return
        task = self._gold.find_task(fingerprint)
        if task is not None:
            yield _violate("U03", f"goal and world are those of {task} of gold")
            return
        near = self._gold.find_near(fingerprint)
        if near is not None:
            yield _violate(
                "U03", f"the customer says nearly what stands in {near.name} of gold ({near.similarity:.2f})"
            )


def _violate(rule_id: str, message: str) -> Violation:
    return Violation(rule_id, None, message, "E")


def _fill(index: DuplicateIndex, path: Path, *, may_be_empty: bool = True) -> None:
    before = len(index)
    for file in find_datasets(path):
        for row in iter_rows(file):
            name = f"{file.name}, line {row.line}"
            fingerprint = None if row.record is None else fingerprint_record(row.record, name)
            if fingerprint is not None:
                index.add(fingerprint)
    if len(index) == before and not may_be_empty:
        raise InputFileError(path, "holds no dialogue to compare with.", advice="Name a dataset or a run's folder.")
