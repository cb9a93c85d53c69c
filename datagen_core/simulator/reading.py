"""Decides how a brief is read back: the world and the steps that a request's user message tells of, and nothing else.

The reverse of `dialogue/brief.py`: what cannot be read here is not in the prompt, and no writer could know it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast, get_args

import orjson
from pydantic import TypeAdapter, ValidationError

from datagen_core.config import CATEGORIES, TOOL_NAMES, USER_IDS, Category, Kind, OrderStatus, Persona
from datagen_core.environment.catalogue import Catalogue, Dish, Restaurant, fold_text
from datagen_core.environment.opening import CartLine, Change, Happening, Opening, PastOrder, SavedAddress
from datagen_core.environment.seeds import derive_id
from datagen_core.plans import Step
from datagen_core.prompt_sections import KIND_SECTIONS
from datagen_core.prompts import CHANGE_LABELS, INTENT_LABELS

_LOGGER = logging.getLogger(__name__)

_KIND_OF_LABEL: Final[dict[str, Kind]] = {section.label: kind for kind, section in KIND_SECTIONS.items()}
_INTENT_OF_LABEL: Final = {label: intent for intent, label in INTENT_LABELS.items()}
_CHANGE_OF_LABEL: Final = {label: what for what, label in CHANGE_LABELS.items()}
_PERSONA_TYPE: Final = TypeAdapter(Persona)

_NEEDED: Final = ("고객", "지금", "종류", "순서", "분량")
_RETRY: Final = "이전 시도의 잘못"
_OPTIONAL: Final = (
    "식당",
    "배송지",
    "장바구니",
    "지난 주문",
    "남의 주문 번호",
    "도중에 생기는 일",
    "병렬",
    "고객 ID",
    _RETRY,
)
_SECTION = re.compile(rf"^\[({'|'.join((*_NEEDED, *_OPTIONAL))})\] ?(.*)$")
_PERSONA = re.compile(r"(.+?), (.+?), (.+?), 입력: (.+), 양: (.+), 서두름: (.+), 말씨: (.+)")
_HAPPENING = re.compile(r"- (\w+) ([1-9]\d{0,2})번째 호출 직전: (?:([RMCA][1-9]\d*) )?(.+)")
_OMITTED = re.compile(r"메뉴 생략\(M([1-9]\d{0,3})~M([1-9]\d{0,3})\)")
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

    `shops` and `dishes` are the catalogue's entries by handle; a dish whose menu was left out has a made-up name and
    stands in no dialogue. `problems` are the lines on the last attempt. Happenings and other customers' order numbers
    are those of `opening`.
    """

    persona: Persona
    kind: Kind
    catalogue: Catalogue
    opening: Opening
    steps: tuple[Step, ...]
    min_customer_turns: int
    max_customer_turns: int
    parallel_calls: bool
    wants_transcript: bool
    problems: tuple[str, ...]
    shops: Mapping[str, Restaurant]
    dishes: Mapping[str, Dish]

    @property
    def now(self) -> datetime:
        """When the dialogue begins, in Korean time."""
        return datetime.fromisoformat(self.opening.now)

    @property
    def happenings(self) -> tuple[Happening, ...]:
        """What happens on the way, by nobody in the dialogue."""
        return self.opening.happenings

    @property
    def foreign_orders(self) -> tuple[str, ...]:
        """Handles of order numbers that are another customer's."""
        return self.opening.foreign_orders


def read_brief(text: str) -> Brief | None:
    """Return what the brief says, or None where the text is no brief of ours.

    A text that begins as a brief does and cannot be read to its last line is none either, and a warning says why:
    nothing in it is skipped.
    """
    try:
        sections = _split(text)
        return None if sections is None else _read(sections)
    except (_Unreadable, ValidationError, ValueError, KeyError, IndexError) as error:
        _LOGGER.warning("A brief cannot be read: %s: %s", type(error).__name__, str(error)[:200])
        return None


def _split(text: str) -> dict[str, list[str]] | None:
    sections: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        match = _SECTION.match(line)
        if match is not None:
            name = match[1]
            if name in sections:
                raise _Unreadable(f"the section {name} stands twice")
            sections[name] = [match[2]] if match[2] else []
        elif not name:
            return None
        else:
            sections[name].append(line)
    return sections or None


def _read(sections: Mapping[str, list[str]]) -> Brief:
    now = _read_now(_only(sections["지금"]))
    shops, sold_out, closed = _read_shops(sections.get("식당", ()), now)
    opening = Opening(
        catalogue_seed=0,
        seed=0,
        user_id=_only(sections.get("고객 ID", [USER_IDS[0]])),
        now=now.isoformat(),
        restaurants=tuple(range(len(shops))),
        closed=tuple(closed),
        sold_out=tuple(sold_out),
        addresses=tuple(map(_read_address, sections.get("배송지", ()))),
        cart=tuple(map(_read_cart_line, sections.get("장바구니", ()))),
        orders=tuple(map(_read_order, sections.get("지난 주문", ()))),
        foreign_orders=tuple(handle for line in sections.get("남의 주문 번호", ()) for handle in line.split(", ")),
        happenings=tuple(map(_read_happening, sections.get("도중에 생기는 일", ()))),
    )
    turns = _match(_LENGTH, _only(sections["분량"]))
    return Brief(
        persona=_read_persona(_only(sections["고객"])),
        kind=_KIND_OF_LABEL[_only(sections["종류"])],
        catalogue=Catalogue(0, tuple(shops), tuple(map(_search_text, shops))),
        opening=opening,
        steps=tuple(map(_read_step, sections["순서"])),
        min_customer_turns=int(turns[1]),
        max_customer_turns=int(turns[2]),
        parallel_calls="병렬" in sections,
        wants_transcript="고객 ID" in sections,
        problems=tuple(sections.get(_RETRY, ())),
        shops={f"R{number}": shop for number, shop in enumerate(shops, start=1)},
        dishes={f"M{n}": dish for n, dish in enumerate((dish for shop in shops for dish in shop.dishes), start=1)},
    )


def _only(lines: Sequence[str]) -> str:
    """Return the one line of a section that has one."""
    if len(lines) != 1:
        raise _Unreadable(f"a section has {len(lines)} lines, expected 1: {lines[:2]}")
    return lines[0]


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if match is None:
        raise _Unreadable(text)
    return match


def _read_persona(text: str) -> Persona:
    return _PERSONA_TYPE.validate_python(_match(_PERSONA, text).groups())


def _read_now(text: str) -> datetime:
    match = _match(_NOW, text)
    return datetime.fromisoformat(f"{match[1]}T{match[2]}:00+09:00")


def _read_shops(lines: Sequence[str], now: datetime) -> tuple[list[Restaurant], list[str], list[str]]:
    """Return the restaurants, the handles of what is sold out, and of what is shut although its hours say open."""
    shops: list[Restaurant] = []
    sold_out: list[str] = []
    closed: list[str] = []
    if len(lines) % 2:
        raise _Unreadable("a restaurant has no menu line")
    for head, menu in zip(lines[::2], lines[1::2], strict=True):
        dishes, gone = _read_menu(menu.strip(), 1 + sum(len(shop.dishes) for shop in shops))
        sold_out += gone
        shop = _read_shop(_match(_SHOP, head), f"R{len(shops) + 1}", dishes)
        shops.append(shop)
        if "영업 종료" in head and shop.is_open_at(now):
            closed.append(f"R{len(shops)}")
    return shops, sold_out, closed


def _read_menu(text: str, first: int) -> tuple[tuple[Dish, ...], list[str]]:
    """Return a menu, whose dishes are numbered from `first`, and the handles of what is sold out."""
    omitted = _OMITTED.fullmatch(text)
    if omitted is not None:
        numbers = list(range(int(omitted[1]), int(omitted[2]) + 1))
        found = [Dish(derive_id("brief", f"M{number}"), f"생략한 메뉴 {number}", 0) for number in numbers]
        gone: list[str] = []
    else:
        entries = [_match(_DISH, entry) for entry in _BETWEEN_DISHES.split(text)]
        numbers = [int(entry[1][1:]) for entry in entries]
        found = [Dish(derive_id("brief", entry[1]), entry[2], int(entry[3])) for entry in entries]
        gone = [entry[1] for entry in entries if entry[4]]
    if not numbers or numbers != list(range(first, first + len(numbers))):
        raise _Unreadable(f"the dishes of a menu are not numbered on from M{first}: {text[:80]}")
    return tuple(found), gone


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


def _read_happening(line: str) -> Happening:
    match = _match(_HAPPENING, line)
    if match[1] not in TOOL_NAMES:
        raise _Unreadable(line)
    what = cast("Change", _CHANGE_OF_LABEL[match[4]])
    return Happening(before=match[1], nth=int(match[2]), what=what, target=match[3])


def _read_step(line: str) -> Step:
    match = _match(_STEP, line)
    fields = cast("dict[str, object]", orjson.loads(match[2]))
    return Step.model_validate({"intent": _INTENT_OF_LABEL[match[1]], **fields})
