"""Decides whether stated numbers of restaurants, dishes and addresses are those of the latest list (G04)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, cast

from datagen_core.checks.case import Case, find_last_line
from datagen_core.checks.numerals import Numeral, find_counts

_PLACES: Final = frozenset(("곳", "군데"))
_KINDS: Final = frozenset(("가지", "종류", "개"))
_LISTED: Final = _PLACES | _KINDS | {"건", ""}
_END: Final = re.compile(r"[.!?\n](?!\d)")
# 이 두 곳, 나머지 두 곳, 두 곳 중, 한 곳만: a part of the list.
_PART_BEFORE: Final = re.compile(r"(?:이|그|저|나머지|다른|위|아래|말씀하신|중|중에|가운데)\s?$")
_PART_AFTER: Final = re.compile(r"\s?(?:중|가운데|만|씩|을 골라|를 골라|정도|이상|을 추천|더)")
_OF_HOURS: Final = re.compile(r"영업|문을|열려|닫")
_ASIDE: Final = re.compile(r"\([^()]*\)")
_FOUND: Final = re.compile(r"[을를이가]?\s?(?:찾았|찾아\s?(?:드렸|냈)|검색되|검색됐|나왔|나옵|조회되|조회됐)")
_OF_FIGURES: Final = re.compile(r"평점|배달비|최소")
_DESCRIBED: Final = re.compile(r"\((?:평점|배달비)")
_OF_STOCK: Final = re.compile(r"품절|주문 가능|주문하실 수|가능한")
_ADDRESS: Final = re.compile(r"배송지|주소")
_DISHES: Final = re.compile(r"(?:메뉴|음식|요리)(?:[가는은]|로는|\s(?=[모총전]))\s?(?:모두|총|전부)?\s?$")
_DISHES_AFTER: Final = re.compile(r"의?\s메뉴|가\s있")
_CART: Final = re.compile(r"장바구니|담겨|담긴|담은|담으신")
_ALL: Final = re.compile(r"(?:총|모두|전부|합쳐서|합해서)\s?$")


def find_wrong_counts(case: Case, turn: int, text: str) -> Iterator[str]:
    """Yield a message for each number of entries that is not the one of the latest list of that kind.

    A number of a part of the list (`두 곳 중`, `나머지 두 곳`) is not judged.
    """
    for count in find_counts(text):
        if not count.is_sure or count.unit not in _LISTED:
            continue
        start = max((match.end() for match in _END.finditer(text, 0, count.start)), default=0)
        end = _END.search(text, count.end)
        sentence = text[start : end.start() if end else len(text)]
        if _PART_BEFORE.search(text[max(0, count.start - 8) : count.start]) or _PART_AFTER.match(text, count.end):
            continue
        allowed = _allow(case, turn, text, count, sentence)
        if allowed and count.value not in allowed:
            yield f"{count.text!r} is not how many were listed: {', '.join(map(str, sorted(allowed)))}"


def _allow(case: Case, turn: int, text: str, count: Numeral, sentence: str) -> set[int]:
    """Return the numbers that are right for what is counted; empty where nothing of the kind was listed."""
    is_whole = _ALL.search(text[max(0, count.start - 5) : count.start]) is not None
    if _ADDRESS.search(sentence) and count.unit in {"곳", "군데", "개", "건", ""}:
        return _count_addresses(case, turn) if re.search(r"저장|등록|있습니다|있어요|있으", sentence) else set()
    if count.unit in _PLACES:
        return _count_places(case, turn, text, sentence, is_found=_FOUND.match(text, count.end) is not None)
    if count.unit in _KINDS and _CART.search(sentence) and (is_whole or count.unit != "개"):
        return _count_cart(case, turn)
    before = text[max(0, count.start - 12) : count.start]
    if count.unit in _KINDS and (_DISHES.search(before) or _DISHES_AFTER.match(text, count.end)):
        return _count_dishes(case, turn, text, sentence) if count.unit != "개" or is_whole else set()
    return set()


def _count_places(case: Case, turn: int, text: str, sentence: str, *, is_found: bool) -> set[int]:
    """Count what the searches of this round found, each by itself, else the latest before it; and what is named.

    Of what is said to be found (`3곳을 찾았습니다`) what the text names counts for nothing.
    """
    sizes: set[int] = set()
    for response in _searches(case, turn):
        entries = _entries(response, "items")
        if entries is None:
            continue
        pages = response.get("pagination")
        total = cast("dict[str, object]", pages).get("total_items") if isinstance(pages, dict) else None
        sizes |= {len(entries), total} if isinstance(total, int) else {len(entries)}
        if _OF_HOURS.search(_ASIDE.sub("", sentence)):
            n_open = sum(entry.get("is_open") is True for entry in entries)
            sizes |= {n_open, len(entries) - n_open}
        if "무료" in sentence or "0원" in sentence:
            sizes.add(sum(entry.get("delivery_fee") == 0 for entry in entries))
        if _OF_FIGURES.search(sentence) and not _DESCRIBED.search(sentence):
            sizes |= set(range(1, len(entries)))
    n_named = sum(name in text for name in case.evidence.shops)
    return sizes | {n_named} if sizes and n_named > 1 and not is_found else sizes


def _searches(case: Case, turn: int) -> list[dict[str, object]]:
    began = find_last_line(case, turn)
    found = [
        (exchange.turn, cast("dict[str, object]", exchange.response))
        for exchange in case.exchanges
        if exchange.response_turn < turn
        and exchange.call.name == "search_restaurants"
        and isinstance(exchange.response, dict)
        and "error" not in exchange.response
    ]
    return [response for index, response in found if index > began] or [response for _, response in found[-1:]]


def _count_dishes(case: Case, turn: int, text: str, sentence: str) -> set[int]:
    """Count the menu of the restaurant that the text names, else the one read last."""
    menus = [
        cast("dict[str, object]", exchange.response)
        for exchange in case.exchanges
        if exchange.response_turn < turn
        and exchange.call.name == "get_restaurant_detail"
        and isinstance(exchange.response, dict)
    ]
    named = [menu for menu in menus if str(menu.get("name")) in text]
    entries = _entries((named or menus)[-1], "menus") if menus else None
    if entries is None:
        return set()
    sizes = {len(entries)}
    if _OF_STOCK.search(sentence):
        n_left = sum(entry.get("is_available") is True for entry in entries)
        sizes |= {n_left, len(entries) - n_left}
    listed = sum(str(entry.get("name")) in sentence for entry in entries)
    return sizes | {listed} if listed else sizes


def _count_cart(case: Case, turn: int) -> set[int]:
    cart = next((cart for index, cart in reversed(case.evidence.carts) if index < turn), None)
    entries = _entries(cart, "items")
    if entries is None:
        return set()
    quantities = [entry.get("quantity") for entry in entries]
    return {len(entries), sum(value for value in quantities if type(value) is int)}


def _count_addresses(case: Case, turn: int) -> set[int]:
    response = _latest(case, turn, "list_addresses")
    if not isinstance(response, list):
        return set()
    size = len(cast("list[object]", response))
    saved = sum(
        exchange.call.name == "upsert_address" and isinstance(exchange.response, str)
        for exchange in case.exchanges
        if exchange.response_turn < turn
    )
    return {size, size + saved}


def _latest(case: Case, turn: int, tool: str) -> object:
    """Return the latest response of a tool before a turn that is no error."""
    for exchange in reversed(case.exchanges):
        if exchange.response_turn < turn and exchange.call.name == tool:
            response = exchange.response
            if not (isinstance(response, dict) and "error" in response):
                return cast("object", response)
    return None


def _entries(response: object, key: str) -> list[dict[str, object]] | None:
    entries = cast("dict[str, object]", response).get(key) if isinstance(response, dict) else None
    if not isinstance(entries, list):
        return None
    return [cast("dict[str, object]", entry) for entry in cast("list[object]", entries) if isinstance(entry, dict)]
