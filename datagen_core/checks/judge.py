"""Decides in which order the rules are applied, which are left out, and what is accepted."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from datagen_core.checks.case import Case, Given
from datagen_core.checks.registry import RULES, Check, Rule, Violation

RULES_VERSION: Final = "2"
"""Stands in each record's `meta`; raise it with every change after which a rule accepts or rejects otherwise."""

_HARMLESS: Final = frozenset({"S07"})
"""An empty text leaves calls and responses where they belong; every other S rule does not."""


def check_dialogue(case: Case) -> list[Violation]:
    """Return every violation in the catalogue's order; an empty list means nothing is wrong. Never raises.

    Where the structure is broken, only the rules that need none are applied.
    """
    found: list[Violation] = []
    is_sound = True
    for rule, check in _choose_rules(case.is_delivery, case.given):
        if rule.needs_structure and not is_sound:
            continue
        broken = check(case)
        if broken:
            found += broken
            is_sound = is_sound and not is_structure_broken(broken)
    return found


@lru_cache(maxsize=64)
def _choose_rules(is_delivery: bool, given: frozenset[Given]) -> tuple[tuple[Rule, Check], ...]:
    """Return the rules that judge dialogues with such tools, of which so much is known, each with its function."""
    return tuple(
        (rule, rule.check)
        for rule in RULES.values()
        if rule.check is not None and rule.fits(is_delivery=is_delivery, given=given)
    )


def is_structure_broken(violations: Iterable[Violation]) -> bool:
    """Tell whether calls and responses may stand elsewhere than they belong, so that rules that need them are left out.

    Rules of the S family say so, all but the one on empty texts.
    """
    return any(violation.rule[0] == "S" and violation.rule not in _HARMLESS for violation in violations)


def is_accepted(violations: Iterable[Violation]) -> bool:
    """Tell whether nothing but warnings was found."""
    return all(violation.severity == "W" for violation in violations)
