"""Decides whether a dataset as a whole is sound: every row of it checked and compared, also rows made elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple

import orjson

from datagen_core.checks import RULES, Case, Rule, Violation
from datagen_core.checks.case import Given
from datagen_core.checks.judge import is_structure_broken
from datagen_core.dataset.comparing import Comparison
from datagen_core.dataset.deduplicating import fingerprint_record
from datagen_core.dataset.reading_foreign import Reading
from datagen_core.dataset.reading_rows import Row, find_datasets, iter_rows

MAX_FINDINGS: Final = 1_000
"""So many violations are kept to be shown; all of them are counted."""
MAX_MESSAGE: Final = 400

Reason = Literal[
    "unreadable", "broken structure", "other tools", "no opening", "no goal", "no kind", "no category", "no gold"
]
"""Why a rule was not applied to a row."""


_MISSING: Final[dict[Given, Reason]] = {  # what a rule needs and a row does not give
    "opening": "no opening",
    "goal": "no goal",
    "kind": "no kind",
    "category": "no category",
}


class Finding(NamedTuple):
    """A violation and where it was found: the line, or in Parquet the row, from 1; turns count from 0 as in the row."""

    line: int
    rule: str
    severity: str
    turn: int | None
    message: str
    file: str = ""


class Coverage(NamedTuple):
    """To how many rows a rule was applied, and why not to the others."""

    n_rows: int
    left_out: dict[Reason, int]


@dataclass
class Validation:
    """What was found in a dataset. A row is sound if it breaks no rule of severity E.

    `violations` are the first `MAX_FINDINGS`; `counts` has all of them by rule. `n_performed` rows were performed
    again on their environment, the others could only be read, or not even that; `n_foreign` were not of our form.
    """

    n_rows: int = 0
    n_sound: int = 0
    n_performed: int = 0
    n_unreadable: int = 0
    n_foreign: int = 0
    violations: list[Finding] = field(default_factory=list[Finding])
    counts: Counter[str] = field(default_factory=Counter[str])
    coverage: dict[str, Coverage] = field(default_factory=dict[str, Coverage])


class _Profile(NamedTuple):
    """What decides which rules are applied to a row; rows of one profile are counted together."""

    is_parsed: bool
    is_comparable: bool
    is_structured: bool
    is_delivery: bool
    given: frozenset[Given]


def validate_file(
    path: Path,
    *,
    published: Sequence[Path] = (),
    gold: Path | None = None,
    advance: Callable[[int], None] | None = None,
) -> Validation:
    """Check every row of a file or folder, and compare it with the rows before it (U01 to U03).

    With `published`, also with the rows of these datasets; with `gold`, it must not overlap with the benchmark. A
    line that cannot be read is an unsound row (S01). `advance` is called with 1 after each row. Memory holds one row,
    the first findings, and the cache of the index.

    Raises:
        InputFileError: a file is missing, damaged Parquet, or nothing to compare with.
    """
    validation, profiles = Validation(), Counter[_Profile]()
    files = find_datasets(path)
    with Comparison(published=published, gold=gold) as comparison:
        for file in files:
            for row in iter_rows(file):
                profile, violations = _judge_row(row, comparison, file.name if len(files) > 1 else "")
                profiles[profile] += 1
                _count(validation, row, violations, file.name if len(files) > 1 else "")
                if advance is not None:
                    advance(1)
        validation.coverage = _cover(profiles, has_gold=comparison.has_gold)
    validation.n_performed = sum(n for profile, n in profiles.items() if _is_performed(profile))
    return validation


def _judge_row(row: Row, comparison: Comparison, file: str) -> tuple[_Profile, list[Violation]]:
    if row.reading is None:
        problem = row.problem or "the row cannot be read"
        return _Profile(False, False, False, False, frozenset()), [Violation("S01", None, problem, "E")]
    case, violations = row.reading.judge()
    name = f"{file + ', ' if file else ''}line {row.line}"
    fingerprint = fingerprint_record(row.reading.record, name)
    if fingerprint is not None:
        repeated = comparison.judge(fingerprint)
        violations += repeated
        if not any(violation.rule in ("U01", "U02") for violation in repeated):
            comparison.keep(fingerprint)
    return _profile(case, row.reading, violations, is_comparable=fingerprint is not None), violations


def _profile(case: Case, reading: Reading, violations: list[Violation], *, is_comparable: bool) -> _Profile:
    return _Profile(True, is_comparable, not is_structure_broken(violations), case.is_delivery, case.given)


def _count(validation: Validation, row: Row, violations: list[Violation], file: str) -> None:
    validation.n_rows += 1
    validation.n_sound += all(violation.severity != "E" for violation in violations)
    validation.n_unreadable += row.reading is None
    validation.n_foreign += row.reading is not None and not row.reading.is_ours
    validation.counts.update(violation.rule for violation in violations)
    for violation in violations[: MAX_FINDINGS - len(validation.violations)]:
        message = violation.message if len(violation.message) <= MAX_MESSAGE else f"{violation.message[:MAX_MESSAGE]}…"
        found = Finding(row.line, violation.rule, violation.severity, violation.turn, message, file)
        validation.violations.append(found)


def _is_performed(profile: _Profile) -> bool:
    return profile.is_structured and profile.is_delivery and "opening" in profile.given


def _cover(profiles: Counter[_Profile], *, has_gold: bool) -> dict[str, Coverage]:
    """Return for each rule how many rows it judged, and how many it left out for which reason, the first of several."""
    covered: dict[str, Coverage] = {}
    for rule in RULES.values():
        left_out: Counter[Reason] = Counter()
        n_applied = 0
        for profile, n_rows in profiles.items():
            reason = next(_find_reasons(rule, profile, has_gold=has_gold), None)
            if reason is None:
                n_applied += n_rows
            else:
                left_out[reason] += n_rows
        covered[rule.id] = Coverage(n_applied, dict(left_out))
    return covered


def _find_reasons(rule: Rule, profile: _Profile, *, has_gold: bool) -> Iterator[Reason]:
    """Yield why a rule does not judge rows of this profile, by what it says of itself."""
    if rule.check is None:
        if not profile.is_comparable:
            yield "unreadable"
        if rule.id == "U03" and not has_gold:
            yield "no gold"
        return
    if not profile.is_parsed and rule.id != "S01":
        yield "unreadable"
    if ("delivery" if profile.is_delivery else "foreign") not in rule.families:
        yield "other tools"
    for what in sorted(rule.needs - profile.given):
        yield _MISSING[what]
    if rule.needs_structure and not profile.is_structured:
        yield "broken structure"


def render_report(validation: Validation) -> bytes:
    """Return what was found as one JSON document, indented; `coverage` has every rule of the catalogue."""
    document = {
        "rows": validation.n_rows,
        "sound": validation.n_sound,
        "performed_again": validation.n_performed,
        "unreadable": validation.n_unreadable,
        "foreign_form": validation.n_foreign,
        "violations": [found._asdict() for found in validation.violations],
        "violations_by_rule": dict(sorted(validation.counts.items())),
        "rules": {
            rule_id: {"applied": covered.n_rows, "left_out": covered.left_out}
            for rule_id, covered in validation.coverage.items()
        },
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
