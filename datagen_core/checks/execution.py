"""Decides whether a dialogue holds when it is executed again: its responses, and its scenario's goal (X01, X02)."""

from __future__ import annotations

from collections.abc import Iterator

from datagen_core.checks.case import Case
from datagen_core.checks.differences import describe_difference
from datagen_core.checks.registry import Finding, rule
from datagen_core.environment.goals import find_misses


@rule(
    "X01",
    "Executed again on the same environment, every call gives the response that stands there.",
    korean="백엔드가 실제로 돌려줄 응답만 있어야 합니다.",
    families=("delivery",),
    needs=("opening",),
)
def check_replay(case: Case) -> Iterator[Finding]:
    """Find responses that the backend does not give. Without an opening nothing can be executed."""
    if case.replay is None:
        return
    for exchange, answer, is_same in zip(case.exchanges, case.replay.answers, case.replay.is_same, strict=True):
        if not is_same:
            difference = describe_difference(exchange.response, answer)
            yield Finding(exchange.response_turn, f"{exchange.call.name}: the backend answers otherwise: {difference}")


@rule(
    "X02",
    "The scenario's goal holds at the end; forbidden tools were not called.",
    korean="순서표의 일을 적힌 값 그대로, 빠짐없이, 그것만 실행합니다.",
    families=("delivery",),
)
def check_goal(case: Case) -> Iterator[Finding]:
    """Find what was asked for and did not happen, and calls that were ruled out; what was taken back is D05's."""
    for exchange in case.exchanges:
        if exchange.call.name in case.forbidden_tools:
            yield Finding(exchange.turn, f"{exchange.call.name} must not be called in this scenario")
    if case.replay is not None:
        replay = case.replay
        goal = [predicate for predicate in case.goal if predicate.type != "avoids"]
        misses = find_misses(goal, replay.environment, replay.handles, replay.executed)
        yield from (Finding(None, miss) for miss in misses)
