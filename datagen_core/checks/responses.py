"""Decides whether responses have the shape their tools declare (R01)."""

from __future__ import annotations

from collections.abc import Iterator

from datagen_core.checks.case import Case
from datagen_core.checks.registry import Finding, rule
from datagen_core.config import TOOLS_RETURN_FORMAT
from datagen_core.environment import response_errors


@rule(
    "R01",
    "A response matches the tool's declared return schema, or the error shape.",
    korean="응답은 도구가 돌려주는 꼴과 똑같아야 합니다.",
    families=("delivery",),
)
def check_return_format(case: Case) -> Iterator[Finding]:
    """Find responses that `TOOLS_RETURN_FORMAT` and `ERROR_FORMAT` do not allow.

    What the backend itself answers is not looked at again: its own tests hold that it keeps to its formats.
    """
    is_real = case.replay.is_same if case.replay is not None else [False] * len(case.exchanges)
    for exchange, is_known in zip(case.exchanges, is_real, strict=True):
        if not is_known and exchange.call.name in TOOLS_RETURN_FORMAT:
            for problem in response_errors(exchange.call.name, exchange.response):
                yield Finding(exchange.response_turn, f"{exchange.call.name}: {problem}")
