"""Decides what the customer of a scripted dialogue says: which line for which step, and what it names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Final

from datagen_core.plans import Intent, Step
from datagen_core.simulator import phrases, talk
from datagen_core.simulator.korean import (
    ORDINALS,
    Name,
    choose_particle,
    count_alone,
    count_dish,
    tell_moment,
)
from datagen_core.simulator.phrases import Bank
from datagen_core.simulator.scene import Scene
from datagen_core.simulator.voices import Voice, keep

_REACTIVE: Final[frozenset[Intent]] = frozenset({"menu", "add", "remove", "checkout", "cart", "addresses"})
_ALREADY_REACTING: Final = tuple("아음오그좋응네별너어할하생마미잠역방처고월뭐")
_REACTION_SHARE: Final = 0.3
_LEAD_SHARE: Final = 0.6
_FULL_STREET_SHARE: Final = 0.3


class Customer:
    """One customer: draws from the generator given, so the same generator gives the same lines."""

    def __init__(self, scene: Scene, rng: Random) -> None:
        self._scene = scene
        self._rng = rng
        self._voice = Voice(scene.brief.persona, rng)
        self._lines: Mapping[Intent, Callable[[Step], str]] = {
            "search": self._search,
            "narrow": self._narrow,
            "menu": self._menu,
            "add": self._add,
            "update": self._update,
            "remove": self._remove,
            "cart": lambda _: self._voice.pick(phrases.CART),
            "addresses": lambda _: self._voice.pick(phrases.ADDRESSES),
            "save_address": self._save_address,
            "checkout": self._checkout,
            "order": self._order,
            "status": self._status,
            "answer": lambda step: self._voice.pick(talk.ANSWERABLE[step.request or ""].asks),
            "decline": self._decline,
        }

    def ask(self, group: Sequence[Step], *, is_first: bool) -> str:
        """Return the line in which the customer asks for one step, or for several at once."""
        line = self._ask_together(group) or " ".join(self._lines[step.intent](step) for step in group)
        if _may_be_led_to(group[0]) and self._rng.random() < _LEAD_SHARE:
            is_question = line.endswith("?") and not re.search(r"[.?] ", line)
            lead = self._voice.pick(talk.LEADS if is_question else talk.OPENINGS)
            return self._voice.spell(lead + line)
        if not is_first and self._may_react(group[0], line):
            line = self._voice.pick(phrases.REACTIONS) + line
        return self._voice.spell(line, is_first=is_first)

    def answer(self, step: Step) -> str:
        """Return the answer to the counsellor's question after what the step withheld."""
        bank, slots = self._find_answer(step)
        return self._voice.spell(self._voice.pick(bank, **slots), is_request=False)

    def say(self, bank: Bank) -> str:
        """Return a line of a bank without slots."""
        return self._voice.spell(self._voice.pick(bank), is_request=False)

    def _may_react(self, step: Step, line: str) -> bool:
        is_plain = step.intent in _REACTIVE and not line.startswith(_ALREADY_REACTING)
        return is_plain and self._rng.random() < _REACTION_SHARE

    def _ask_together(self, group: Sequence[Step]) -> str | None:
        intents = [step.intent for step in group]
        if intents == ["add", "add"] and self._scene.shop is None:
            first = group[0]
            quantities = {"first": self._dish(first), "first_qty": self._count(first)}
            return self._voice.pick(phrases.ADD_TOGETHER, **quantities, **self._slots_of_add(group[1]))
        if intents == ["remove", "add"]:
            is_second_thought = self._scene.brief.kind == "correction"
            bank = phrases.SWAP_ON_SECOND_THOUGHT if is_second_thought else phrases.SWAP
            return self._voice.pick(bank, old=self._dishes(group[0]), **self._slots_of_add(group[1]))
        if intents == ["update", "checkout"]:
            slots = {"dish": self._dishes(group[0]), "qty": self._count_line(group[0])}
            return self._voice.pick(phrases.UPDATE_TO_MINIMUM, addr=self._address(group[1].address), **slots)
        return None

    def _search(self, step: Step) -> str:
        filters = step.filters
        query, category = str(filters.get("query", "")), str(filters.get("category", ""))
        criteria = self._criteria({name: value for name, value in filters.items() if name not in ("query", "category")})
        place, crave = phrases.PLACES.get(category, (f"{query} 파는 집", query))
        slots = {"place": keep(place), "crave": keep(crave), "meal": self._meal(), "query": keep(query)}
        if step.retracted is not None:
            old = phrases.PLACES.get(step.retracted, (step.retracted, step.retracted))[1]
            return self._voice.pick(phrases.SEARCH_RETRACTED, old=keep(old), **slots)
        if criteria:
            return self._voice.pick(phrases.SEARCH_CRITERIA, crit=criteria, **slots)
        if category:
            return self._voice.pick(phrases.SEARCH_CATEGORY, **slots)
        if any(shop.name == query for shop in self._scene.brief.shops.values()):
            return self._voice.pick(phrases.SEARCH_SHOP, **slots)
        return self._voice.pick(phrases.SEARCH_AGAIN if self._scene.listed else phrases.SEARCH_DISH, **slots)

    def _narrow(self, step: Step) -> str:
        known = self._scene.filters
        added = {name: value for name, value in step.filters.items() if known.get(name) != value}
        return self._voice.pick(phrases.NARROW, crit=self._criteria(added))

    def _criteria(self, filters: Mapping[str, str | float | bool]) -> str:
        parts: list[str] = []
        for name, value in filters.items():
            bank = phrases.CRITERIA.get(str(value) if name == "sort" else name, (f"{value}",))
            spoken = f"{value:g}" if isinstance(value, float) else str(value)
            parts.append(self._rng.choice(bank).format(min_rating=spoken))
        return " ".join(parts)

    def _menu(self, step: Step) -> str:
        scene = self._scene
        slots = {"shop": self._shop(step.restaurant or ""), "meal": self._meal()}
        if step.at is not None:
            moment = datetime.fromisoformat(step.at)
            bank = phrases.MENU_AT if moment > scene.brief.now else phrases.MENU_AT_PAST
            return self._voice.pick(bank, when=tell_moment(moment, scene.brief.now), **slots)
        if step.ordinal is not None:
            bank = phrases.MENU_ORDINAL_NEXT if scene.n_menus else phrases.MENU_ORDINAL
            return self._voice.pick(bank, nth=ORDINALS[step.ordinal])
        if scene.listed == [step.restaurant]:
            return self._voice.pick(phrases.MENU_THERE)
        return self._voice.pick(phrases.MENU_NAMED, **slots)

    def _add(self, step: Step) -> str:
        slots = self._slots_of_add(step)
        if step.retracted is not None:
            slots["old"] = keep(self._scene.dish_name(step.retracted))
        line = self._voice.pick(self._bank_of_add(step), **slots)
        return line + self._quote(phrases.REQUEST_TAILS, step.special_request)

    def _bank_of_add(self, step: Step) -> Bank:
        scene = self._scene
        is_here = scene.shop == scene.shop_of(step.menu or "")
        if step.retracted is not None:
            return phrases.ADD_RETRACTED
        if step.withhold is not None:
            return phrases.ADD_WITHOUT_DISH if step.withhold == "메뉴" else phrases.ADD_WITHOUT_QUANTITY
        if step.request is not None:
            return phrases.ADD_CHEAPEST
        if scene.refused is not None:
            return phrases.ADD_INSTEAD if is_here else phrases.ADD_INSTEAD_ELSEWHERE
        if scene.cart_shop() not in (None, scene.shop_of(step.menu or "")):
            return phrases.ADD_SWITCH
        if is_here:
            return phrases.ADD_ALSO if scene.added else phrases.ADD_HERE
        return phrases.ADD_NAMED

    def _slots_of_add(self, step: Step) -> dict[str, str]:
        menu = step.menu or ""
        return {
            "shop": self._shop(self._scene.shop_of(menu)),
            "dish": self._dish(step),
            "qty": self._count(step),
            "alone": Name(count_alone(step.quantity or 1)),
            "meal": self._meal(),
        }

    def _update(self, step: Step) -> str:
        scene = self._scene
        dish = self._dishes(step)
        if step.special_request is not None:
            said = keep(step.special_request)
            return self._voice.pick(phrases.UPDATE_REQUEST, dish=dish, request=said, said=said)
        if scene.brief.kind == "correction":
            bank = phrases.UPDATE_QUANTITY_ON_SECOND_THOUGHT
        elif step.items[0] not in scene.added:
            bank = phrases.UPDATE_QUANTITY
        elif len(scene.cart_lines()) == 1:
            bank = phrases.UPDATE_QUANTITY_THAT
        else:
            bank = phrases.UPDATE_QUANTITY_OF_THOSE
        return self._voice.pick(bank, dish=dish, qty=self._count_line(step))

    def _remove(self, step: Step) -> str:
        scene = self._scene
        lines = scene.cart_lines()
        is_first = len(lines) > 1 and step.items == (lines[0],) and lines[0] in scene.added
        bank = phrases.REMOVE_THAT if is_first else phrases.REMOVE
        return self._voice.pick(bank, dishes=self._dishes(step))

    def _save_address(self, step: Step) -> str:
        fields = {name: keep(str(value)) for name, value in step.fields.items()}
        if step.address is None:
            bank = phrases.SAVE_ADDRESS if step.withhold is None else phrases.SAVE_ADDRESS_WITHOUT_PHONE
            slots = {name: fields[name] for name in ("line1", "line2", "phone")}
            return self._voice.pick(bank, recipient=fields["recipient_name"], **slots)
        address = self._street(step.address)
        if "is_default" in fields:
            return self._voice.pick(phrases.CHANGE_DEFAULT, addr=address)
        if "gate_password" in fields:
            return self._voice.pick(phrases.CHANGE_GATE, addr=address, gate=fields["gate_password"])
        return self._voice.pick(phrases.CHANGE_UNIT, addr=address, line2=fields["line2"])

    def _checkout(self, step: Step) -> str:
        if step.withhold is not None:
            line = self._voice.pick(phrases.CHECKOUT_WITHOUT_ADDRESS)
        elif step.retracted is not None:
            slots = {"old": self._street(step.retracted), "addr": self._street(step.address or "")}
            line = self._voice.pick(phrases.CHECKOUT_RETRACTED, **slots)
        else:
            line = self._voice.pick(phrases.CHECKOUT, addr=self._address(step.address))
        return line + self._quote(phrases.NOTE_TAILS, step.note)

    def _order(self, step: Step) -> str:
        payment = keep(phrases.PAYMENTS[step.payment or "card"])
        if step.withhold is not None:
            return self._voice.pick(phrases.ORDER_WITHOUT_PAYMENT)
        if step.retracted is not None:
            return self._voice.pick(phrases.ORDER_RETRACTED, old=keep(phrases.PAYMENTS[step.retracted]), pay=payment)
        bank = phrases.ORDER_REGARDLESS if self._scene.has_declined else phrases.ORDER
        return self._voice.pick(bank, pay=payment)

    def _status(self, step: Step) -> str:
        order, asks_payment = step.order or "", step.request is not None
        if step.withhold is not None:
            bank = phrases.STATUS_PAYMENT_WITHOUT_ORDER if asks_payment else phrases.STATUS_WITHOUT_ORDER
        elif self._scene.is_own_order(order):
            bank = phrases.STATUS_JUST_ORDERED
        elif self._scene.refused == "ORDER_NOT_FOUND":
            bank = phrases.STATUS_CORRECTED
        else:
            bank = phrases.STATUS_PAYMENT if asks_payment else phrases.STATUS
        return self._voice.pick(bank, order=keep(f"{{{order}}}"))

    def _decline(self, step: Step) -> str:
        request = step.request or ""
        is_aside = step.together and request == "식당 자리 예약"
        bank = talk.RESERVE_TOO if is_aside else talk.REFUSABLE[request].asks
        return self._voice.pick(bank, order=keep(f"{{{step.order}}}"))

    def _find_answer(self, step: Step) -> tuple[Bank, dict[str, str]]:
        match step.withhold:
            case "수량":
                return phrases.QUANTITY_ANSWERS, self._slots_of_add(step)
            case "메뉴":
                return phrases.DISH_ANSWERS, self._slots_of_add(step)
            case "전화번호":
                return phrases.PHONE_ANSWERS, {"phone": keep(str(step.fields["phone"]))}
            case "배송지":
                return phrases.ADDRESS_ANSWERS, {"addr": self._street(step.address or "")}
            case "결제 수단":
                return phrases.PAYMENT_ANSWERS, {"pay": keep(phrases.PAYMENTS[step.payment or "card"])}
            case _:
                return phrases.ORDER_ANSWERS, {"order": keep(f"{{{step.order}}}")}

    def _quote(self, tails: Bank, words: str | None) -> str:
        return "" if words is None else self._voice.pick(tails, request=keep(words))

    def _shop(self, restaurant: str) -> Name:
        return keep(self._scene.shop_name(restaurant))

    def _dish(self, step: Step) -> Name:
        return keep(self._scene.dish_name(step.menu or ""))

    def _count(self, step: Step) -> Name:
        return Name(count_dish(step.quantity or 1, self._scene.dish_name(step.menu or "")))

    def _count_line(self, step: Step) -> Name:
        return Name(count_dish(step.quantity or 1, self._scene.line_name(step.items[0])))

    def _dishes(self, step: Step) -> Name:
        names = [keep(self._scene.line_name(line)) for line in step.items]
        return Name("".join(f"{name}{choose_particle(name, '이랑')} " for name in names[:-1]) + names[-1])

    def _address(self, handle: str | None) -> Name:
        address = self._scene.address(handle or "")
        return keep("기본 배송지") if address.is_default and self._rng.random() < 0.4 else self._street(handle or "")

    def _street(self, handle: str) -> Name:
        street = self._scene.address(handle).line1
        return keep(street if self._rng.random() < _FULL_STREET_SHARE else " ".join(street.split()[-2:]))

    def _meal(self) -> str:
        hour = self._scene.brief.now.hour
        return self._rng.choice(next(words for until, words in phrases.MEALS if hour < until))


def _may_be_led_to(step: Step) -> bool:
    return step.intent in ("answer", "decline") and step.request not in talk.GREETING_REQUESTS
