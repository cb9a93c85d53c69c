"""Decides what is counted of damages and mistakes, which bounds the counts must keep, and how they are told."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Final, cast

import orjson

from datagen_core.files import JsonObject

MIN_CAUGHT: Final = 0.99
MIN_CAUGHT_OF_A_KIND: Final = 0.95
MIN_PLANTED_CAUGHT: Final = 0.99


@dataclass
class Score:
    """What became of one kind of damage or planted mistake."""

    applied: int = 0
    caught: int = 0
    caught_without_x: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The share caught; 0 where it never applied, for a kind that is never tried says nothing."""
        return self.caught / self.applied if self.applied else 0.0

    def count(self, rules: Iterable[str], describe: Callable[[], str]) -> None:
        """Count one damage and the rules that found it; where none did, what `describe` gives is kept."""
        found = set(rules)
        self.applied += 1
        self.caught += bool(found)
        self.caught_without_x += any(not rule.startswith("X") for rule in found)
        self.rules.update(sorted(found))  # a set has another order in every process, and so would equal counts
        if not found:
            self.missed.append(describe())

    def add(self, other: Score) -> None:
        """Add what another part of the dialogues gave."""
        self.applied += other.applied
        self.caught += other.caught
        self.caught_without_x += other.caught_without_x
        self.rules.update(other.rules)
        self.missed += other.missed


@dataclass
class Report:
    """The three figures. `clean` counts dialogues written without a mistake, `false_alarms` what was said of them."""

    damages: dict[str, Score] = field(default_factory=dict)
    planted: dict[str, Score] = field(default_factory=dict)
    clean: int = 0
    false_alarms: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Add what another part of the dialogues gave."""
        for mine, theirs in ((self.damages, other.damages), (self.planted, other.planted)):
            for name, score in theirs.items():
                mine.setdefault(name, Score()).add(score)
        self.clean += other.clean
        self.false_alarms += other.false_alarms


def find_misses(report: Report) -> list[str]:
    """Return a sentence for each bound that is missed; none where the rules are good enough."""
    misses = [
        f"{name}: {score.caught} of {score.applied} ({score.share:.1%}) caught, {MIN_CAUGHT_OF_A_KIND:.0%} wanted"
        for name, score in report.damages.items()
        if score.share < MIN_CAUGHT_OF_A_KIND
    ]
    for title, scores, bound in (
        ("all damages", report.damages, MIN_CAUGHT),
        ("planted mistakes", report.planted, MIN_PLANTED_CAUGHT),
    ):
        total = sum_scores(scores.values())
        if total.applied and total.share < bound:
            misses.append(f"{title}: {total.share:.2%} caught, at least {bound:.0%} wanted")
    if report.false_alarms:
        misses.append(f"{len(report.false_alarms)} false alarms in {report.clean} clean dialogues, none wanted")
    return misses


def sum_scores(scores: Iterable[Score]) -> Score:
    """Return all kinds as one, without their examples."""
    total = Score()
    for score in scores:
        total.add(Score(score.applied, score.caught, score.caught_without_x))
    return total


def describe_damage(line: bytes, damaged: JsonObject) -> str:
    """Return which dialogue it is and how its lines differ, for a person to read."""
    original: JsonObject = orjson.loads(line)
    meta = cast("JsonObject", original["meta"])
    differences = difflib.unified_diff(_list_lines(original), _list_lines(damaged), n=1, lineterm="")
    changed = [line for line in differences if not line.startswith(("---", "+++", "@@"))]
    return "\n".join((f"{meta['scenario_id']} ({meta['kind']}, {meta['topic']})", *changed))


def _list_lines(record: JsonObject) -> list[str]:
    fields = [f"{name}: {value}" for name, value in record.items() if name not in ("messages", "meta", "tools")]
    messages = record.get("messages")
    return [*fields, *map(str, cast("list[object]", messages) if isinstance(messages, list) else [messages])]


def describe_report(report: Report) -> JsonObject:
    """Return the report as JSON, with at most five examples of what was missed for each kind."""

    def describe(scores: dict[str, Score]) -> JsonObject:
        return {
            name: {
                **asdict(score),
                "rules": dict(score.rules.most_common()),
                "share": score.share,
                "missed": score.missed[:5],
            }
            for name, score in scores.items()
        }

    return {
        "damages": describe(report.damages),
        "caught": sum_scores(report.damages.values()).share,
        "planted": describe(report.planted),
        "planted_caught": sum_scores(report.planted.values()).share,
        "clean": report.clean,
        "false_alarms": report.false_alarms,
        "misses": find_misses(report),
    }
