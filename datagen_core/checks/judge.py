"""Decides in which order the rules are applied, which are left out, and what is accepted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from datagen_core.checks.case import Case
from datagen_core.checks.registry import RULES, Violation

RULES_VERSION: Final = "1"
"""Stands in each record's `meta`; raise it with every change after which a rule accepts or rejects otherwise."""

_HARMLESS: Final = frozenset({"S07"})
"""An empty text leaves calls and responses where they belong; every other S rule does not."""


def check_dialogue(case: Case) -> list[Violation]:
    """Return every violation in the catalogue's order; an empty list means nothing is wrong. Never raises.

    Where the structure is broken, only the rules that need none are applied.
    """
    found: list[Violation] = []
    is_sound = True
    for rule in RULES.values():
        if rule.check is None or not rule.applies_to(case) or (rule.needs_structure and not is_sound):
            continue
        broken = list(rule.check(case))
        found += broken
        is_sound = is_sound and not (broken and rule.id[0] == "S" and rule.id not in _HARMLESS)
    return found


def is_accepted(violations: Iterable[Violation]) -> bool:
    """Tell whether nothing but warnings was found."""
    return all(violation.severity == "W" for violation in violations)
