"""Decides whether a dataset as a whole is sound: every row of it checked, also rows made elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, cast

from datagen_core.checks import case_from_record, check_dialogue
from datagen_core.files import JsonObject, read_jsonl


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
    """Check every row, and that no scenario stands in two (U01). `advance` is called with 1 after each row.

    Memory holds what is wrong, and each scenario's id with its line.

    Raises:
        InputFileError: the file is missing or a line is no JSON object.
    """
    findings: list[Finding] = []
    lines: dict[str, int] = {}
    n_rows, n_sound = 0, 0
    for line, row in read_jsonl(path, advice="Correct the line, or name a dataset in JSON Lines."):
        violations = check_dialogue(case_from_record(row))
        found = [Finding(line, v.rule, v.severity, v.turn, v.message) for v in violations]
        found += _find_repetition(row, line, lines)
        findings += found
        n_rows += 1
        n_sound += not any(finding.severity == "E" for finding in found)
        if advance is not None:
            advance(1)
    return Validation(n_rows, n_sound, tuple(findings))


def _find_repetition(row: JsonObject, line: int, lines: dict[str, int]) -> list[Finding]:
    """Find that the row's scenario stands on an earlier line; `lines` remembers each scenario's first."""
    meta = row.get("meta")
    scenario_id = cast("JsonObject", meta).get("scenario_id") if isinstance(meta, dict) else None
    if not isinstance(scenario_id, str):
        return []
    earlier = lines.setdefault(scenario_id, line)
    if earlier == line:
        return []
    return [Finding(line, "U01", "E", None, f"scenario {scenario_id!r} stands on line {earlier} already.")]
