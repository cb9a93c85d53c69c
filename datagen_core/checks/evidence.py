"""Decides what a dialogue has shown by which turn: ids by the field they stood in, numbers, prices, restaurants."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple, cast

CUSTOMER: Final = "customer's words"
"""The kind of an id that the customer said."""

UNNAMED: Final = "unnamed"
"""The kind of an id that stood in no named field: it may be of any kind."""

BEFORE: Final = -1
"""The turn of what stands in the system prompt."""

_UUID: Final = re.compile(
    r"[0-9A-Fa-f](?<![0-9A-Za-z-].)[0-9A-Fa-f]{7}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}(?![0-9A-Za-z-])"
)
"""Begins with a bare class of characters, so that a search skips all others in C; what stands before comes after."""

_UUID_LENGTH: Final = 36
_WHOLE_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
_LONGEST_NUMBER: Final = 12
_TELLING: Final = frozenset(("name", "menu_name", "restaurant_id", "subtotal"))
"""Fields without which an object shows nothing as a whole."""

_BARE_ID_KINDS: Final = {"upsert_address": "address_id", "place_order": "order_id"}
"""Tools that return an id as a bare string, and what it is an id of."""


class Shown(NamedTuple):
    """A price or a restaurant's fee and minimum order in won, and the turn that showed it."""

    turn: int
    amount: int


@dataclass(slots=True)
class Evidence:
    """What was shown, each with the turn that showed it first.

    `ids` maps id → kind (a field's name, `CUSTOMER`, `UNNAMED`) → turn. `numbers` are the whole numbers of responses,
    strings of digits too. `fees` and `minimums` go by restaurant id, `prices` by dish name, oldest first. `counts`
    are the quantities of dishes in carts (turn, name, quantity). `carts` are carts and snapshots, `strings` those that
    speak of won, both as (turn, value). `shops` maps a restaurant's name → its id → the turn, `dishes` a dish's name →
    the turn, `ratings` a restaurant's id → what was shown of its rating.
    """

    ids: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    numbers: dict[int, int] = field(default_factory=dict[int, int])
    fees: dict[str, list[Shown]] = field(default_factory=dict[str, list[Shown]])
    minimums: dict[str, list[Shown]] = field(default_factory=dict[str, list[Shown]])
    prices: dict[str, list[Shown]] = field(default_factory=dict[str, list[Shown]])
    counts: list[tuple[int, str, int]] = field(default_factory=list[tuple[int, str, int]])
    carts: list[tuple[int, dict[str, object]]] = field(default_factory=list[tuple[int, dict[str, object]]])
    strings: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    shops: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    dishes: dict[str, int] = field(default_factory=dict[str, int])
    ratings: dict[str, list[tuple[int, float]]] = field(default_factory=dict[str, list[tuple[int, float]]])

    def kinds_before(self, value: str, turn: int) -> set[str]:
        """Return under which kinds an id was shown before a turn; none for an id never seen."""
        return {kind for kind, first in self.ids.get(value, {}).items() if first < turn}


def find_uuids(text: str) -> Iterator[str]:
    """Yield the UUIDs that stand in a text as whole tokens, in upper or lower case as they stand."""
    return (match[0] for match in _UUID.finditer(text)) if len(text) >= _UUID_LENGTH else iter(())


def is_uuid(text: str) -> bool:
    """Tell whether a whole text is a UUID, in upper or lower case."""
    return len(text) == _UUID_LENGTH and _WHOLE_UUID.match(text) is not None


def gather_evidence(
    system_prompt: str, uid: str, spoken: Sequence[tuple[int, str]], shown: Sequence[tuple[int, str, object]]
) -> Evidence:
    """Return what the system prompt, the customer's lines (turn, text) and the responses (turn, tool, value) show.

    Walks every response once. Responses are strict JSON (S09), so their depth is bounded.
    """
    evidence = Evidence()
    for value in find_uuids(system_prompt):
        _note_id(evidence, value, "user_id" if value == uid else UNNAMED, BEFORE)
    for turn, text in spoken:
        for value in find_uuids(text):
            _note_id(evidence, value, CUSTOMER, turn)
    for turn, tool, response in shown:
        _walk(evidence, response, _BARE_ID_KINDS.get(tool, UNNAMED), turn)
    return evidence


@lru_cache(maxsize=1024)
def name_kind(field_name: str) -> str:
    """Return what a field holds ids of: `removed_cart_item_ids` and `cart_item_id` hold the same."""
    name = field_name.removesuffix("s") if field_name.endswith("_ids") else field_name
    return name.removeprefix("removed_")


def _note_id(evidence: Evidence, value: str, kind: str, turn: int) -> None:
    evidence.ids.setdefault(value, {}).setdefault(kind, turn)


def _walk(evidence: Evidence, value: object, key: str, turn: int) -> None:
    """Note what a value shows, the fields of an object before what they hold. Most values are strings."""
    kind = type(value)
    if kind is str:
        _note_text(evidence, cast("str", value), key, turn)
    elif kind is int:
        evidence.numbers.setdefault(cast("int", value), turn)
    elif kind is dict:
        _walk_object(evidence, cast("dict[str, object]", value), turn)
    elif kind is list:
        for inner in cast("list[object]", value):
            _walk(evidence, inner, key, turn)
    elif kind is float and cast("float", value).is_integer():
        evidence.numbers.setdefault(int(cast("float", value)), turn)


def _walk_object(evidence: Evidence, fields: dict[str, object], turn: int) -> None:
    """Note an object, then what stands in its fields; strings that show nothing are seen at once."""
    if not _TELLING.isdisjoint(fields):
        _note_object(evidence, fields, turn)
    numbers, ids = evidence.numbers, evidence.ids
    for name, inner in fields.items():
        kind = type(inner)
        if kind is str:
            text = cast("str", inner)
            known = ids.get(text)
            if known is not None:  # a UUID, then, seen before
                known.setdefault(name_kind(name) if name != "id" else UNNAMED, turn)
            elif len(text) >= _UUID_LENGTH or text.isdecimal() or "원" in text:
                _note_text(evidence, text, name, turn)
        elif kind is int:
            numbers.setdefault(cast("int", inner), turn)
        elif inner is not None and kind is not bool:
            _walk(evidence, inner, name, turn)


def _note_text(evidence: Evidence, text: str, key: str, turn: int) -> None:
    if len(text) < _UUID_LENGTH:
        if text.isdecimal() and len(text) <= _LONGEST_NUMBER:
            evidence.numbers.setdefault(int(text), turn)
    elif len(text) == _UUID_LENGTH:
        if _WHOLE_UUID.match(text) is not None:
            # A bare `id` says nothing of its kind.
            evidence.ids.setdefault(text, {}).setdefault(name_kind(key) if key != "id" else UNNAMED, turn)
    else:
        for found in find_uuids(text):
            _note_id(evidence, found, UNNAMED, turn)
    if "원" in text:
        evidence.strings.append((turn, text))


def _note_object(evidence: Evidence, fields: dict[str, object], turn: int) -> None:
    name = fields["name"] if "name" in fields else fields.get("menu_name")
    restaurant = fields.get("restaurant_id")
    if isinstance(name, str):
        price = fields["price"] if "price" in fields else fields.get("unit_price_snapshot")
        if type(price) is int:
            _note_price(evidence, fields, Shown(turn, price), name)
        if "menu_item_id" in fields or type(price) is int:
            evidence.dishes.setdefault(name, turn)
        elif isinstance(restaurant, str):
            evidence.shops.setdefault(name, {}).setdefault(restaurant, turn)
            rating = fields.get("rating_avg")
            if isinstance(rating, (int, float)):
                evidence.ratings.setdefault(restaurant, []).append((turn, float(rating)))
    if isinstance(restaurant, str):
        for table, key in ((evidence.fees, "delivery_fee"), (evidence.minimums, "min_order_amount")):
            amount = fields.get(key)
            if type(amount) is int:
                table.setdefault(restaurant, []).append(Shown(turn, amount))
    if "subtotal" in fields and isinstance(fields.get("items"), list):
        evidence.carts.append((turn, fields))


def _note_price(evidence: Evidence, fields: dict[str, object], price: Shown, name: str) -> None:
    evidence.prices.setdefault(name, []).append(price)
    count = fields.get("quantity")
    if type(count) is int:
        evidence.counts.append((price.turn, name, count))
