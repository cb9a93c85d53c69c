"""Decides how what `datagen validate` found is printed: violations, which rules were applied, and the verdict."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Final

from rich.markup import escape

from datagen_core.dataset.validating import Validation
from flows.commands.places import console, display
from flows.commands.tables import show_table

SHOWN_VIOLATIONS: Final = 50


def show_report(report: Validation, path: Path) -> None:
    """Print the first violations, all of them by rule, which rules were applied to how many rows, and the verdict."""
    if report.violations:
        _show_violations(report)
        show_table("By rule", ["rule", "violations"], sorted(report.counts.items()))
    if report.n_rows:
        _show_coverage(report)
        n_read = report.n_rows - report.n_performed - report.n_unreadable
        unreadable = f", {report.n_unreadable:,} unreadable" if report.n_unreadable else ""
        console.print(f"{report.n_performed:,} dialogues performed again, {n_read:,} only read{unreadable}")
        verdict = f"{report.n_sound} of {report.n_rows} dialogues in {display(path)} break no rule"
        console.print(verdict, soft_wrap=True, markup=False)


def _show_violations(report: Validation) -> None:
    shown = report.violations[:SHOWN_VIOLATIONS]
    rows = [
        [
            _show_text(found.file),
            str(found.line),
            found.rule,
            found.severity,
            "" if found.turn is None else str(found.turn),
            _show_text(found.message),
        ]
        for found in shown
    ]
    head = ["file", "line", "rule", "severity", "turn", "what is wrong"]
    first = 0 if any(found.file for found in shown) else 1
    show_table("Violations", head[first:], [row[first:] for row in rows])
    n_more = report.counts.total() - len(shown)
    if n_more:
        console.print(f"and {n_more:,} more")


def _show_coverage(report: Validation) -> None:
    """Print one line for all rules with the same numbers."""
    groups: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    for rule_id, covered in report.coverage.items():
        why = ", ".join(f"{reason} {n_rows:,}" for reason, n_rows in sorted(covered.left_out.items()))
        groups[covered.n_rows, why].append(rule_id)
    rows = [
        [" ".join(rules), n_rows, why] for (n_rows, why), rules in sorted(groups.items(), key=lambda one: -one[0][0])
    ]
    show_table("Rules applied", ["rules", "rows", "not applied to"], rows)


def _show_text(text: str) -> str:
    """Return a text that no terminal and no markup of rich reads as anything but text."""
    return escape("".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text))
