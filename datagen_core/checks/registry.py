"""Decides what a rule is, and holds the catalogue: every rule by its id, in the order of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from datagen_core.checks.case import Case

Severity = Literal["E", "W"]
Family = Literal["delivery", "foreign"]

EVERY_FAMILY: Final[tuple[Family, ...]] = ("delivery", "foreign")
"""`delivery`: dialogues whose tools are ours; `foreign`: with tools of any other domain."""

_CATALOGUE_ORDER: Final = "SCPRXKGDLITMUZ"


class Violation(NamedTuple):
    """A rule that a dialogue breaks. `turn` counts turns (messages) from 0; None where no one turn is at fault."""

    rule: str
    turn: int | None
    message: str
    severity: Severity


class Finding(NamedTuple):
    """What a rule's function yields; `rule` makes a `Violation` of it. `severity` overrides the rule's own."""

    turn: int | None
    message: str
    severity: Severity | None = None


Check = Callable[[Case], Iterator[Violation]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `sentence` tells people what must hold; `korean` tells the LLM writer what to do better.

    `families` are the dialogues it judges. A rule that `needs_structure` is left out where an S rule is broken.
    """

    id: str
    sentence: str
    severity: Severity
    korean: str
    families: tuple[Family, ...]
    needs_structure: bool
    check: Check


RULES: Final[dict[str, Rule]] = {}


def rule(
    rule_id: str,
    sentence: str,
    *,
    korean: str,
    severity: Severity = "E",
    families: tuple[Family, ...] = EVERY_FAMILY,
    needs_structure: bool = True,
) -> Callable[[Callable[[Case], Iterator[Finding]]], Check]:
    """Enter the decorated function into the catalogue; it becomes a function from a case to its violations.

    Raises:
        ValueError: the id is taken, or its letter is none of the catalogue's; a mistake in the code.
    """
    if rule_id in RULES or rule_id[0] not in _CATALOGUE_ORDER:
        raise ValueError(f"Rule {rule_id!r} is defined twice or has an unknown letter.")

    def enter(find: Callable[[Case], Iterator[Finding]]) -> Check:
        def check(case: Case) -> Iterator[Violation]:
            for turn, message, exception in find(case):
                yield Violation(rule_id, turn, message, exception or severity)

        RULES[rule_id] = Rule(rule_id, sentence, severity, korean, families, needs_structure, check)
        _sort_catalogue()
        return check

    return enter


def _sort_catalogue() -> None:
    ordered = sorted(RULES.items(), key=lambda entry: (_CATALOGUE_ORDER.index(entry[0][0]), entry[0]))
    RULES.clear()
    RULES.update(ordered)
