"""Decides whether a dialogue stays within the size its scenario allows (Z01)."""

from __future__ import annotations

from collections.abc import Iterator

from datagen_core.checks.case import Case
from datagen_core.checks.registry import Finding, rule


@rule(
    "Z01",
    "Turns are within the scenario's limits.",
    korean="고객의 말을 [분량]에 적힌 횟수 안에서 끝냅니다.",
    needs_structure=False,
)
def check_length(case: Case) -> Iterator[Finding]:
    """Find more customer turns than the scenario allows."""
    spoken = sum(turn.role == "customer" for turn in case.turns)
    if case.max_customer_turns is not None and spoken > case.max_customer_turns:
        yield Finding(None, f"the customer speaks {spoken} times, at most {case.max_customer_turns} are allowed")
