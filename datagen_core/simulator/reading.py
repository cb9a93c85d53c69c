"""Decides how a brief is read back: the world and the steps that a request's user message tells of, and nothing else.

The reverse of `dialogue/brief.py`: what cannot be read here is not in the prompt, and no writer could know it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast, get_args

import orjson
from pydantic import ValidationError

from datagen_core.config import CATEGORIES, USER_IDS, Category, Kind, OrderStatus, Persona
from datagen_core.environment.catalogue import Catalogue, Dish, Restaurant, fold_text
from datagen_core.environment.opening import CartLine, Opening, PastOrder, SavedAddress
from datagen_core.environment.seeds import derive_id
from datagen_core.plans import Step
from datagen_core.prompts import INTENT_LABELS, KIND_NOTES

_KIND_OF_NOTE: Final[dict[str, Kind]] = {note: kind for kind, note in KIND_NOTES.items()}
_INTENT_OF_LABEL: Final = {label: intent for intent, label in INTENT_LABELS.items()}
_SECTION = re.compile(r"^\[(고객|지금|식당|배송지|장바구니|지난 주문|종류|순서|분량|이전 시도의 잘못)\] ?(.*)$")
_SHOP = re.compile(r"R\d+ (.+) \| (\S+) \| 평점 ([\d.]+) \| (영업 중|영업 종료)\((.+?)\) \| 최소 (\d+) \| 배달비 (\d+)")
_DISH = re.compile(r"(M\d+) (.+) (\d+)(\(품절\))?")
_BETWEEN_DISHES = re.compile(r", (?=M\d+ )")
_NOW = re.compile(r"(\d{4}-\d{2}-\d{2}) \(.\) (\d{2}:\d{2})")
_HOURS = re.compile(r"(\d{2}):(\d{2})[~-](다음 날 )?(\d{2}):(\d{2})")
_CART_LINE = re.compile(r"C\d+ (M\d+) (\d+)개(?: \| (.+))?")
_LENGTH = re.compile(r"고객의 말 (\d+)~(\d+)번")
_STEP = re.compile(r"\d+\. (\S+) (\{.*\})")
_DAY: Final = 24 * 60


class _Unreadable(Exception):
    """A section is missing or is not in the brief's form; never leaves this module."""


@dataclass(frozen=True, slots=True)
class Brief:
    """A scenario as its brief tells it. `opening` and `catalogue` give an environment; its ids are made up here.

    `shops` and `dishes` are the catalogue's entries by handle.
    """

    persona: Persona
    kind: Kind
    catalogue: Catalogue
    opening: Opening
    steps: tuple[Step, ...]
    min_customer_turns: int
    max_customer_turns: int
    problems: tuple[str, ...]
    shops: Mapping[str, Restaurant]
    dishes: Mapping[str, Dish]

    @property
    def now(self) -> datetime:
        """When the dialogue begins, in Korean time."""
        return datetime.fromisoformat(self.opening.now)


def read_brief(text: str) -> Brief | None:
    """Return what the brief says, or None where the text is no brief of ours."""
    sections = _split(text)
    if sections is None:
        return None
    try:
        return _read(sections)
    except (_Unreadable, ValidationError, ValueError, KeyError):
        return None


def _split(text: str) -> dict[str, list[str]] | None:
    sections: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        match = _SECTION.match(line)
        if match is not None:
            name = match[1]
            sections[name] = [match[2]] if match[2] else []
        elif not name:
            return None
        else:
            sections[name].append(line)
    return sections


def _read(sections: Mapping[str, list[str]]) -> Brief:
    shops, sold_out, closed = _read_shops(_entries(sections["식당"]), _read_now(sections))
    catalogue = Catalogue(0, tuple(shops), tuple(map(_search_text, shops)))
    opening = Opening(
        catalogue_seed=0,
        seed=0,
        user_id=USER_IDS[0],
        now=_read_now(sections).isoformat(),
        restaurants=tuple(range(len(shops))),
        closed=tuple(closed),
        sold_out=tuple(sold_out),
        addresses=tuple(map(_read_address, _entries(sections["배송지"]))),
        cart=tuple(map(_read_cart_line, _entries(sections["장바구니"]))),
        orders=tuple(map(_read_order, _entries(sections["지난 주문"]))),
    )
    turns = _match(_LENGTH, sections["분량"][0])
    return Brief(
        persona=_read_persona(sections["고객"][0]),
        kind=_KIND_OF_NOTE[sections["종류"][0]],
        catalogue=catalogue,
        opening=opening,
        steps=tuple(map(_read_step, sections["순서"])),
        min_customer_turns=int(turns[1]),
        max_customer_turns=int(turns[2]),
        problems=tuple(sections.get("이전 시도의 잘못", ())),
        shops={f"R{number}": shop for number, shop in enumerate(shops, start=1)},
        dishes={f"M{n}": dish for n, dish in enumerate((dish for shop in shops for dish in shop.dishes), start=1)},
    )


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if match is None:
        raise _Unreadable(text)
    return match


def _entries(lines: Sequence[str]) -> Sequence[str]:
    return () if lines == ["없음"] else lines


def _read_persona(text: str) -> Persona:
    age, register, mood, typing = text.split(", ", 3)
    if register not in ("존댓말", "반말"):
        raise _Unreadable(text)
    return Persona(age, register, mood, typing.removeprefix("입력 습관: "))


def _read_now(sections: Mapping[str, list[str]]) -> datetime:
    match = _match(_NOW, sections["지금"][0])
    return datetime.fromisoformat(f"{match[1]}T{match[2]}:00+09:00")


def _read_shops(lines: Sequence[str], now: datetime) -> tuple[list[Restaurant], list[str], list[str]]:
    """Return the restaurants, the handles of what is sold out, and of what is shut although its hours say open."""
    shops: list[Restaurant] = []
    sold_out: list[str] = []
    closed: list[str] = []
    if len(lines) % 2:
        raise _Unreadable("a restaurant has no menu line")
    for head, menu in zip(lines[::2], lines[1::2], strict=True):
        entries = [_match(_DISH, entry) for entry in _BETWEEN_DISHES.split(menu.strip())]
        sold_out += [entry[1] for entry in entries if entry[4]]
        dishes = tuple(Dish(derive_id("brief", entry[1]), entry[2], int(entry[3])) for entry in entries)
        shop = _read_shop(_match(_SHOP, head), f"R{len(shops) + 1}", dishes)
        shops.append(shop)
        if "영업 종료" in head and shop.is_open_at(now):
            closed.append(f"R{len(shops)}")
    return shops, sold_out, closed


def _read_shop(match: re.Match[str], handle: str, dishes: tuple[Dish, ...]) -> Restaurant:
    if match[2] not in CATEGORIES:
        raise _Unreadable(match[2])
    hours = _match(_HOURS, match[5])
    opens = int(hours[1]) * 60 + int(hours[2])
    closes = int(hours[4]) * 60 + int(hours[5]) + (_DAY if hours[3] else 0)
    return Restaurant(
        id=derive_id("brief", handle),
        name=match[1],
        category=cast("Category", match[2]),
        rating_avg=float(match[3]),
        opens=opens,
        closes=closes,
        delivery_fee=int(match[7]),
        min_order_amount=int(match[6]),
        dishes=dishes,
    )


def _search_text(shop: Restaurant) -> str:
    return "\n".join(map(fold_text, (shop.name, *(dish.name for dish in shop.dishes))))


def _read_address(line: str) -> SavedAddress:
    head, phone, line1, line2, *rest = line.split(" | ")
    return SavedAddress(
        recipient_name=head.split(" ", 1)[1],
        phone=phone,
        line1=line1,
        line2=None if line2 == "없음" else line2,
        is_default=rest == ["기본"],
    )


def _read_cart_line(line: str) -> CartLine:
    match = _match(_CART_LINE, line)
    return CartLine(menu=match[1], quantity=int(match[2]), special_request=match[3])


def _read_order(line: str) -> PastOrder:
    status = line.split(" ", 1)[1]
    if status not in get_args(OrderStatus):
        raise _Unreadable(line)
    return PastOrder(status=cast("OrderStatus", status))


def _read_step(line: str) -> Step:
    match = _match(_STEP, line)
    fields = cast("dict[str, object]", orjson.loads(match[2]))
    return Step.model_validate({"intent": _INTENT_OF_LABEL[match[1]], **fields})
