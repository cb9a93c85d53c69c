"""Decides whether what the responses say agrees with itself (K01)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from datagen_core.checks.case import Case
from datagen_core.checks.evidence import Evidence
from datagen_core.checks.registry import Finding, rule


@rule("K01", "Line totals, subtotal, item count and total add up.", korean="금액의 곱과 합을 정확히 셈합니다.")
def check_sums(case: Case) -> Iterator[Finding]:
    """Find carts and snapshots whose sums are wrong; what is no integer is left to R01."""
    for turn, cart in case.evidence.carts:
        for problem in _find_wrong_sums(cart):
            yield Finding(turn, problem)
        problem = _describe_fee(case.evidence, cart, turn)
        if problem is not None:
            yield Finding(turn, problem)


def _find_wrong_sums(cart: dict[str, object]) -> Iterator[str]:
    lines = [cast("dict[str, object]", x) for x in cast("list[object]", cart["items"]) if isinstance(x, dict)]
    for number, line in enumerate(lines, start=1):
        quantity, price, total = (_whole(line, key) for key in ("quantity", "unit_price_snapshot", "line_total"))
        if quantity is not None and price is not None and total is not None and quantity * price != total:
            yield f"line {number}: {quantity} x {price} is {quantity * price}, not {total}"
    yield from _compare_sum(lines, "line_total", cart, "subtotal")
    yield from _compare_sum(lines, "quantity", cart, "item_count")


def _compare_sum(lines: list[dict[str, object]], part: str, cart: dict[str, object], whole: str) -> Iterator[str]:
    parts = [_whole(line, part) for line in lines]
    total = _whole(cart, whole)
    if total is not None and None not in parts:
        expected = sum(value for value in parts if value is not None)
        if total != expected:
            yield f"{whole} is {total}, the lines' {part} add up to {expected}"


def _describe_fee(evidence: Evidence, cart: dict[str, object], turn: int) -> str | None:
    """Compare total less subtotal with the restaurant's delivery fee where one was shown."""
    subtotal, total = _whole(cart, "subtotal"), _whole(cart, "total")
    if subtotal is None or total is None:
        return None
    shown = [fee.amount for fee in evidence.fees.get(str(cart.get("restaurant_id")), ()) if fee.turn < turn]
    if shown and total - subtotal != shown[-1]:
        return f"total {total} is not subtotal {subtotal} and the delivery fee {shown[-1]}"
    return None if total >= subtotal else f"total {total} is less than subtotal {subtotal}"


def _whole(fields: dict[str, object], key: str) -> int | None:
    value = fields.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
