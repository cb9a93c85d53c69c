"""Decides whether a dataset as a whole is sound: every row of it checked, also rows made elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from datagen_core.checks import case_from_record, check_dialogue
from datagen_core.files import read_jsonl


class Finding(NamedTuple):
    """A violation and the line it was found on (from 1)."""

    line: int
    rule: str
    severity: str
    turn: int | None
    message: str


class Validation(NamedTuple):
    """What was found in a dataset. A row is sound if it breaks no rule of severity E."""

    n_rows: int
    n_sound: int
    violations: tuple[Finding, ...]


def validate_file(path: Path, *, advance: Callable[[int], None] | None = None) -> Validation:
    """Check every row; memory grows with what is wrong only. `advance` is called with 1 after each row.

    Raises:
        InputFileError: the file is missing or a line is no JSON object.
    """
    findings: list[Finding] = []
    n_rows, n_sound = 0, 0
    for line, row in read_jsonl(path, advice="Correct the line, or name a dataset in JSON Lines."):
        violations = check_dialogue(case_from_record(row))
        findings += [Finding(line, v.rule, v.severity, v.turn, v.message) for v in violations]
        n_rows += 1
        n_sound += not any(v.severity == "E" for v in violations)
        if advance is not None:
            advance(1)
    return Validation(n_rows, n_sound, tuple(findings))
