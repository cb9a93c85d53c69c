"""Decides whether ids in calls were shown before, as what they are used for, and snapshots are kept (P01 to P03)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from datagen_core.checks.case import Case
from datagen_core.checks.differences import describe_difference
from datagen_core.checks.evidence import BEFORE, CUSTOMER, UNNAMED, name_kind
from datagen_core.checks.registry import Finding, rule
from datagen_core.environment import is_error

_CHANGES_CHECKOUT: Final = frozenset(
    {"add_to_cart", "update_cart_item", "remove_cart_items", "upsert_address", "place_order"}
)


@rule(
    "P01",
    "Each id argument occurs exactly in an earlier response, customer line or the system prompt.",
    korean="응답이나 고객의 말에 나오지 않은 식별자를 쓰지 않습니다. 먼저 조회한 다음 씁니다.",
)
def check_ids_seen(case: Case) -> Iterator[Finding]:
    """Find ids from nowhere, and a `user_id` that is not the one of the system prompt.

    What is no UUID at all is left to C05.
    """
    for turn, tool, argument, value in case.given_ids:
        if argument == "user_id" and case.is_delivery:
            if value != case.dialogue.uid or case.evidence.ids.get(value, {}).get("user_id") != BEFORE:
                yield Finding(turn, f"{tool}: user_id {value} is not the customer's id in the system prompt")
        elif not case.evidence.kinds_before(value, turn):
            yield Finding(turn, f"{tool}: {argument} {value} was never shown before")


@rule(
    "P02",
    "An id comes from a field of its own kind.",
    korean="식당 ID 자리에는 식당 ID, 메뉴 ID 자리에는 메뉴 ID처럼 알맞은 식별자를 씁니다.",
)
def check_ids_kind(case: Case) -> Iterator[Finding]:
    """Find ids that were shown, but only as something else.

    The customer's words vouch for an order id, and for any id that nothing else has shown.
    """
    for turn, tool, argument, value in case.given_ids:
        kind = name_kind(argument)
        shown = case.evidence.kinds_before(value, turn)
        fields = shown - {CUSTOMER}
        if not fields or UNNAMED in fields or any(f"_{field}".endswith(f"_{kind}") for field in fields):
            continue
        if not (kind == "order_id" and CUSTOMER in shown):
            yield Finding(turn, f"{tool}: {argument} {value} was shown as {', '.join(sorted(fields))} only")


@rule(
    "P03",
    "The snapshot of place_order equals the latest prepare_checkout response, with cart and addresses unchanged since.",
    korean="장바구니나 배송지가 바뀌면 결제 준비를 다시 하고, 마지막에 준비한 스냅샷으로 주문합니다.",
    families=("delivery",),
)
def check_snapshot(case: Case) -> Iterator[Finding]:
    """Find orders of anything but what was prepared last."""
    prepared: object | None = None
    changed_by: str | None = None
    for exchange in case.exchanges:
        name = exchange.call.name
        if name == "place_order":
            problem = _describe_snapshot(exchange.call.arguments.get("snapshot"), prepared, changed_by)
            if problem is not None:
                yield Finding(exchange.turn, f"place_order: {problem}")
        if is_error(exchange.response):
            continue
        if name == "prepare_checkout":
            prepared, changed_by = exchange.response, None
        elif name in _CHANGES_CHECKOUT and prepared is not None:
            changed_by = name


def _describe_snapshot(snapshot: object, prepared: object | None, changed_by: str | None) -> str | None:
    if prepared is None:
        return "no checkout was prepared before"
    difference = describe_difference(snapshot, prepared, "snapshot")
    if difference is not None:
        return f"the snapshot is not the one prepared last: {difference}"
    return None if changed_by is None else f"{changed_by} was called after the checkout was prepared"
