"""Decides what a rule is, and holds the catalogue: every rule by its id, in the order of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from datagen_core.checks.case import Case, Given

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


Check = Callable[[Case], list[Violation]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `sentence` tells people what must hold; `korean` tells the LLM writer what to do better.

    `families` are the dialogues it judges. A rule that `needs_structure` is left out where an S rule is broken, and
    one whose `needs` a dialogue does not give (an opening, a goal …) is not applied to it. A rule about the dataset as
    a whole has no `check`: the `dataset` package applies it.
    """

    id: str
    sentence: str
    severity: Severity
    korean: str
    families: tuple[Family, ...]
    needs_structure: bool
    needs: frozenset[Given]
    check: Check | None

    def applies_to(self, case: Case) -> bool:
        """Tell whether the rule judges this dialogue, by the family of its tools and by what it gives."""
        return self.check is not None and self.fits(is_delivery=case.is_delivery, given=case.given)

    def fits(self, *, is_delivery: bool, given: frozenset[Given]) -> bool:
        """Tell whether the rule judges dialogues with such tools, of which so much is known."""
        return ("delivery" if is_delivery else "foreign") in self.families and self.needs <= given


RULES: Final[dict[str, Rule]] = {}


def rule(
    rule_id: str,
    sentence: str,
    *,
    korean: str,
    severity: Severity = "E",
    families: tuple[Family, ...] = EVERY_FAMILY,
    needs_structure: bool = True,
    needs: tuple[Given, ...] = (),
) -> Callable[[Callable[[Case], Iterator[Finding]]], Check]:
    """Enter the decorated function into the catalogue; it becomes a function from a case to its violations.

    Raises:
        ValueError: the id is taken, or its letter is none of the catalogue's; a mistake in the code.
    """

    def enter(find: Callable[[Case], Iterator[Finding]]) -> Check:
        def check(case: Case) -> list[Violation]:
            found = list(find(case))
            return [Violation(rule_id, turn, message, own or severity) for turn, message, own in found] if found else []

        _enter(Rule(rule_id, sentence, severity, korean, families, needs_structure, frozenset(needs), check))
        return check

    return enter


def dataset_rule(rule_id: str, sentence: str, *, korean: str) -> None:
    """Enter a rule about the dataset as a whole, which no single dialogue can break.

    Raises:
        ValueError: the id is taken, or its letter is none of the catalogue's; a mistake in the code.
    """
    _enter(Rule(rule_id, sentence, "E", korean, EVERY_FAMILY, needs_structure=True, needs=frozenset(), check=None))


def _enter(rule: Rule) -> None:
    if rule.id in RULES or rule.id[0] not in _CATALOGUE_ORDER:
        raise ValueError(f"Rule {rule.id!r} is defined twice or has an unknown letter.")
    RULES[rule.id] = rule
    ordered = sorted(RULES.items(), key=lambda entry: (_CATALOGUE_ORDER.index(entry[0][0]), entry[0]))
    RULES.clear()
    RULES.update(ordered)
