"""Decides whether a dialogue is accepted: the rule catalogue, one module a family, and how it is applied."""

from datagen_core.checks import (  # each module enters its rules
    arguments,
    calls,
    consistency,
    execution,
    limits,
    provenance,
    responses,
    structure,
    tokens,
    truth,
)
from datagen_core.checks.case import Case, case_from_dialogue, unreadable_case
from datagen_core.checks.judge import RULES_VERSION, check_dialogue, is_accepted
from datagen_core.checks.reading import case_from_record
from datagen_core.checks.registry import RULES, Finding, Rule, Violation, rule

__all__ = [
    "RULES",
    "RULES_VERSION",
    "Case",
    "Finding",
    "Rule",
    "Violation",
    "arguments",
    "calls",
    "case_from_dialogue",
    "case_from_record",
    "check_dialogue",
    "consistency",
    "execution",
    "is_accepted",
    "limits",
    "provenance",
    "responses",
    "rule",
    "structure",
    "tokens",
    "truth",
    "unreadable_case",
]
