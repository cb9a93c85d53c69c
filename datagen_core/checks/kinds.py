"""Decides what a dialogue of a kind, and one of a gold category, must show; source: the domain's two tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, cast

from datagen_core.checks.case import Case, iter_spoken
from datagen_core.checks.questions import asks_for, refuses
from datagen_core.environment.goals import refusal_code

_CART: Final = frozenset({"add_to_cart", "update_cart_item", "remove_cart_items"})
_CALLING_KINDS: Final = frozenset({"tool_use", "partial", "follow_up", "correction", "error_recovery"})
_CYCLE: Final = ("search_restaurants", "get_restaurant_detail", "add_to_cart", "prepare_checkout", "place_order")


def judge_kind(case: Case) -> Iterator[str]:
    """Yield what the dialogue does not show of its kind."""
    calls = case.exchanges
    if case.kind in _CALLING_KINDS and not calls:
        yield f"a dialogue of kind {case.kind} has a call, this one has none"
        return
    match case.kind:
        case "clarification":
            if not any(asks_for(text, None) for _, text in iter_spoken(case, "counsellor")):
                yield "a dialogue of kind clarification has a question of the counsellor"
        case "partial":
            if not any(refuses(text) for _, text in iter_spoken(case, "counsellor")):
                yield "a dialogue of kind partial says what cannot be done"
        case "follow_up":
            if not any(exchange.customer_turns > 1 for exchange in calls):
                yield "a dialogue of kind follow_up has a call that follows from a later line"
        case "error_recovery":
            if not _recovers(case):
                yield "a dialogue of kind error_recovery meets an obstacle and goes on after it"
        case _:
            return


def _recovers(case: Case) -> bool:
    """Tell whether a response refused, or showed something closed, sold out or empty, and the counsellor spoke on."""
    met = next((e.response_turn for e in case.exchanges if _is_obstacle(e.response)), None)
    return met is not None and any(turn.role == "counsellor" and turn.text for turn in case.turns[met:])


def _is_obstacle(response: object) -> bool:
    if response is None or response == [] or refusal_code(response) is not None:
        return True
    if not isinstance(response, dict):
        return False
    fields = cast("dict[str, object]", response)
    if fields.get("is_open") is False or fields.get("items") == [] or fields.get("payment_status") == "failed":
        return True
    for key, flag in (("items", "is_open"), ("menus", "is_available")):
        entries = fields.get(key)
        if isinstance(entries, list):
            shown = (
                cast("dict[str, object]", entry) for entry in cast("list[object]", entries) if isinstance(entry, dict)
            )
            if any(entry.get(flag) is False for entry in shown):
                return True
    return False


def judge_category(case: Case) -> Iterator[str]:
    """Yield what the dialogue does not show of its gold category; calls that were refused show nothing."""
    done = [e.call.name for e in case.exchanges if refusal_code(e.response) is None]
    names = [e.call.name for e in case.exchanges]
    category = case.category
    match category:
        case "단순/연속 검색":
            if names.count("search_restaurants") < 2 or len(set(names)) > 1:
                yield f"{category} shows at least two searches and nothing else"
        case "메뉴 조회":
            if "get_restaurant_detail" not in done:
                yield f"{category} shows get_restaurant_detail"
        case "장바구니 조작":
            if len(_CART & set(done)) < 2:
                yield f"{category} mixes adding, updating and removing"
            yield from _find_unseen_dishes(case)
        case "주문 이력/상태":
            asks = any(asks_for(text, "주문 번호") for _, text in iter_spoken(case, "counsellor"))
            if "get_order_status" not in names and not asks:
                yield f"{category} shows get_order_status, or asks for the order's number"
        case "주문 처리":
            if not _is_subsequence(("prepare_checkout", "place_order"), done):
                yield f"{category} shows prepare_checkout and then place_order"
        case "멀티턴 복합":
            if not _is_subsequence(_CYCLE, done):
                yield f"{category} shows the whole cycle from search to order"
        case "비지원 시나리오":
            if names:
                yield f"{category} shows no call at all"
        case "엣지 케이스":
            if not names:
                yield f"{category} shows a call in the end"
        case _:
            return


def _find_unseen_dishes(case: Case) -> Iterator[str]:
    for exchange in case.exchanges:
        menu = exchange.call.arguments.get("menu_item_id")
        if exchange.call.name != "add_to_cart" or not isinstance(menu, str):
            continue
        if "menu_item_id" not in case.evidence.kinds_before(menu, exchange.turn):
            yield f"{case.category} looks a dish up before it is added, {menu} was not"


def _is_subsequence(wanted: Sequence[str], names: Sequence[str]) -> bool:
    rest = iter(names)
    return all(name in rest for name in wanted)
