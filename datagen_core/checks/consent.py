"""Decides whether an order was agreed to: the total told first, then a clear yes, then the order (K05)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from datagen_core.checks.agreement import read_agreement
from datagen_core.checks.amounts import find_amounts
from datagen_core.checks.case import Case
from datagen_core.checks.fields import as_object, as_whole
from datagen_core.checks.registry import Finding, rule
from datagen_core.environment import is_error

_ASKS_TO_ORDER: Final = re.compile(
    r"(?:주문|결제|진행|이대로|맞으|맞는지|괜찮|확인).{0,30}?(?:[?？]|까요|나요|시겠|[주하]세요|시면|바랍니다)"
)
_SPOKEN_WON: Final = re.compile(r"[만천백]\s?원")


class _Checkout(NamedTuple):
    """A snapshot, and the turn from which on it stood so: an equal one prepared anew is the same offer."""

    turn: int
    snapshot: object
    total: int | None


@rule(
    "K05",
    "place_order is called only after the customer's explicit yes to the total.",
    korean="결제 준비가 끝나면 총액을 알리고 주문할지 묻습니다. 고객이 분명히 그러자고 한 바로 다음에만 주문합니다.",
    families=("delivery",),
)
def check_consent(case: Case) -> Iterator[Finding]:
    """Find orders that the customer's last line does not agree to, or that were not put to the customer before it.

    Put to the customer: a text since the checkout was prepared states an amount or asks whether to order, or any text
    states just this total. It is only a warning where such a text never states the total. That nothing was prepared is
    left to P03.
    """
    checkout: _Checkout | None = None
    for exchange in case.exchanges:
        name, response = exchange.call.name, exchange.response
        if name == "prepare_checkout" and not is_error(response):
            is_same = checkout is not None and checkout.snapshot == response
            if checkout is None or not is_same:
                checkout = _Checkout(exchange.response_turn, response, as_whole(as_object(response).get("total")))
        elif name == "place_order":
            yield from _judge(case, exchange.turn, checkout)


def _judge(case: Case, turn: int, checkout: _Checkout | None) -> Iterator[Finding]:
    line = next((n for n in range(turn - 1, -1, -1) if case.turns[n].role == "customer"), None)
    if line is None or not _agrees(case, line):
        yield Finding(turn, "place_order: the customer's last line does not agree to the order")
    elif checkout is not None:
        texts = {n: case.turns[n].text for n in range(line) if case.turns[n].role == "counsellor"}
        if checkout.total not in _list_told(texts):
            since = [text for n, text in texts.items() if n > checkout.turn]
            if not any(map(_puts_to_customer, since)):
                yield Finding(turn, "place_order: the order was not put to the customer before the last line")
            elif checkout.total is not None:
                yield Finding(turn, f"place_order: the customer was never told the total {checkout.total}", "W")


def _agrees(case: Case, line: int) -> bool:
    """Tell whether the line agrees to order; a mere yes counts where the text right before spoke of the order."""
    agreement = read_agreement(case.turns[line].text)
    if agreement != "yes":
        return agreement is not None
    asked = next((turn.text for turn in reversed(case.turns[:line]) if turn.role == "counsellor"), "")
    return _puts_to_customer(asked)


def _list_told(texts: Mapping[int, str]) -> set[int | None]:
    return {amount.won for text in texts.values() for amount in find_amounts(text)}


def _puts_to_customer(text: str) -> bool:
    return bool(find_amounts(text)) or bool(_SPOKEN_WON.search(text) or _ASKS_TO_ORDER.search(text))
