"""Decides in which words the customer looks for restaurants and fills the cart."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from datagen_core.config import ErrorCode
from datagen_core.plans import Step
from datagen_core.simulator import phrases, phrases_asked
from datagen_core.simulator.asking import SIZE
from datagen_core.simulator.korean import ORDINALS, Name, count_alone, tell_moment
from datagen_core.simulator.phrases import Bank
from datagen_core.simulator.voices import keep
from datagen_core.simulator.wording import Wording

_MANY: Final = 100
_MORE: Final = ("하나 더", "그거 하나 더")


class ShoppingWishes(Wording):
    """Lines about restaurants, menus and the cart."""

    def search(self, step: Step) -> str:
        """Ask for restaurants."""
        filters = step.filters
        query, category = str(filters.get("query", "")), str(filters.get("category", ""))
        criteria = self._criteria({name: value for name, value in filters.items() if name not in ("query", "category")})
        place, crave = phrases.PLACES.get(category, (f"{query} 파는 집", query))
        slots = {"place": keep(place), "crave": keep(crave), "meal": self._meal(), "query": keep(query)}
        if step.withhold is not None:
            return self._voice.pick(phrases_asked.SEARCH_WITHOUT_CATEGORY, meal=self._meal())
        if step.retracted is not None:
            old = phrases.PLACES.get(step.retracted, (step.retracted, step.retracted))[1]
            bank = phrases.SEARCH_RETRACTED if category else phrases.SEARCH_DISH_RETRACTED
            return self._voice.pick(bank, old=keep(old), **slots)
        if criteria:
            return self._voice.pick(phrases.SEARCH_CRITERIA, crit=criteria, **slots)
        if category:
            bank = phrases.SEARCH_CATEGORY_AGAIN if self._scene.listed else phrases.SEARCH_CATEGORY
            return self._voice.pick(bank, **slots)
        if any(shop.name == query for shop in self._scene.brief.shops.values()):
            return self._voice.pick(phrases.SEARCH_SHOP, **slots)
        return self._voice.pick(phrases.SEARCH_AGAIN if self._scene.listed else phrases.SEARCH_DISH, **slots)

    def search_both(self, first: Step, second: Step) -> str:
        """Ask for two kinds of restaurants at once."""
        places = [phrases.PLACES[str(step.filters["category"])] for step in (first, second)]
        slots = {"first": keep(places[0][0]), "second": keep(places[1][0])}
        return self._voice.pick(phrases.SEARCH_BOTH, crave=keep(places[0][1]), other=keep(places[1][1]), **slots)

    def narrow(self, step: Step) -> str:
        """Add to what was searched for."""
        known = self._scene.filters
        added = {name: value for name, value in step.filters.items() if known.get(name) != value}
        return self._voice.pick(phrases.NARROW, crit=self._criteria(added))

    def menu(self, step: Step) -> str:
        """Ask for a menu, or whether a restaurant is open at a time."""
        scene, voice = self._scene, self._voice
        slots = {"shop": self._shop(step.restaurant or ""), "meal": self._meal()}
        if step.at is not None:
            moment = datetime.fromisoformat(step.at)
            when = tell_moment(moment, scene.brief.now)
            if step.request is not None:
                return voice.pick(phrases.MENU_AT_THERE, when=when, which=Name(step.request))
            bank = phrases.MENU_AT if moment > scene.brief.now else phrases.MENU_AT_PAST
            return voice.pick(bank, when=when, **slots)
        if step.request is not None:
            return voice.pick(phrases.MENU_CALLED, which=Name(step.request))
        if step.ordinal is not None and len(scene.listed) > 1:
            bank = phrases.MENU_ORDINAL_NEXT if scene.n_menus else phrases.MENU_ORDINAL
            return voice.pick(bank, nth=ORDINALS[step.ordinal])
        if scene.refused is not None:
            return voice.pick(phrases.MENU_INSTEAD, **slots)
        if scene.listed == [step.restaurant]:
            return voice.pick(phrases.MENU_THERE)
        return voice.pick(phrases.MENU_NAMED, **slots)

    def compare(self, first: Step, second: Step) -> str:
        """Ask for two menus at once."""
        slots = {"first": self._shop(first.restaurant or ""), "second": self._shop(second.restaurant or "")}
        return self._voice.pick(phrases.MENU_COMPARE, **slots)

    def add(self, step: Step) -> str:
        """Ask for a dish."""
        slots = self._slots_of_add(step)
        if step.retracted is not None:
            is_number = step.retracted.isdecimal()
            menu = step.menu or ""
            slots["old"] = self._count(int(step.retracted), menu) if is_number else self._dish_of(step.retracted)
        if step.withhold == "옵션":
            base = SIZE.sub("", self._scene.dish_name(step.menu or ""))
            slots["base"] = keep(base)
        if step.ordinal is not None:
            slots["nth"] = ORDINALS[step.ordinal]
        if step.request is not None:
            slots["which"] = Name(step.request)
        return self._voice.pick(self._bank_of_add(step), **slots) + self._quote(
            phrases.REQUEST_TAILS, step.special_request
        )

    def _dish_of(self, menu: str) -> Name:
        return keep(self._scene.dish_name(menu))

    def _bank_of_add(self, step: Step) -> Bank:
        scene = self._scene
        is_here = scene.shop == scene.shop_of(step.menu or "")
        if step.retracted is not None:
            return phrases.ADD_QUANTITY_RETRACTED if step.retracted.isdecimal() else phrases.ADD_RETRACTED
        if step.withhold is not None:
            return phrases_asked.ADD_WITHOUT[step.withhold]
        if step.request is not None:
            return phrases.ADD_EXTREME
        if step.ordinal is not None:
            return phrases.ADD_ORDINAL if len(scene.listed) > 1 else phrases.ADD_THERE
        if scene.refused is not None:
            return _AFTER.get(scene.refused) or (phrases.ADD_INSTEAD if is_here else phrases.ADD_INSTEAD_ELSEWHERE)
        if (step.quantity or 1) >= _MANY:
            return phrases.ADD_MANY
        if scene.cart_shop() not in (None, scene.shop_of(step.menu or "")):
            return phrases.ADD_SWITCH
        if is_here:
            return phrases.ADD_ALSO if scene.added else phrases.ADD_HERE
        return phrases.ADD_MORE if scene.cart_shop() else phrases.ADD_NAMED

    def add_both(self, first: Step, second: Step) -> str:
        """Ask for two dishes at once."""
        named = {"first": self._dish(first), "first_qty": self._count(first.quantity, first.menu or "")}
        bank = phrases.ADD_TOGETHER if self._scene.shop is None else phrases.ADD_TOGETHER_HERE
        return self._voice.pick(bank, **named, **self._slots_of_add(second))

    def swap(self, first: Step, second: Step) -> str:
        """Ask for a dish in place of another."""
        is_second_thought = self._scene.brief.kind == "correction"
        bank = phrases.SWAP_ON_SECOND_THOUGHT if is_second_thought else phrases.SWAP
        return self._voice.pick(bank, old=self._dishes(first), **self._slots_of_add(second))

    def reach_minimum(self, change: Step, checkout: Step) -> str:
        """Ask for more, and for the checkout again."""
        address = self._address(checkout.address or "")
        if change.intent == "add":
            return self._voice.pick(phrases.ADD_TO_MINIMUM, addr=address, **self._slots_of_add(change))
        slots = {"dish": self._dishes(change), "qty": self._count_line(change)}
        return self._voice.pick(phrases.UPDATE_TO_MINIMUM, addr=address, **slots)

    def update(self, step: Step) -> str:
        """Ask for another quantity or another wish for a dish in the cart."""
        dish = self._dishes(step)
        if step.withhold is not None:
            count = keep(count_alone(step.quantity or 1)) if step.quantity else Name("")
            return self._voice.pick(phrases_asked.UPDATE_WITHOUT[step.withhold], dish=dish, count=count)
        if step.special_request is not None:
            return self._update_request(step, dish)
        return self._voice.pick(self._bank_of_update(step), dish=dish, qty=self._count_line(step))

    def _update_request(self, step: Step, dish: Name) -> str:
        said = keep(step.special_request or "")
        if step.retracted is not None:
            old = keep(step.retracted)
            return self._voice.pick(phrases.UPDATE_REQUEST_RETRACTED, dish=dish, request=said, old=old)
        is_that = step.items[0] in self._scene.added and len(self._scene.cart_lines()) == 1
        bank = phrases.UPDATE_REQUEST_THAT if is_that else phrases.UPDATE_REQUEST
        return self._voice.pick(bank, dish=dish, request=said, said=said)

    def _bank_of_update(self, step: Step) -> Bank:
        scene = self._scene
        is_alone = len(scene.cart_lines()) == 1
        if scene.refused is not None:
            return phrases.UPDATE_FEWER
        if step.request in _MORE:
            return phrases.ONE_MORE_THAT if is_alone else phrases.ONE_MORE
        if step.request is not None:
            return phrases.ONE_LESS_THAT if is_alone else phrases.ONE_LESS
        if scene.brief.kind == "correction":
            return phrases.UPDATE_QUANTITY_ON_SECOND_THOUGHT
        if step.items[0] not in scene.added:
            return phrases.UPDATE_QUANTITY
        return phrases.UPDATE_QUANTITY_THAT if is_alone else phrases.UPDATE_QUANTITY_OF_THOSE

    def remove(self, step: Step) -> str:
        """Ask for dishes to be taken out."""
        scene = self._scene
        lines = scene.cart_lines()
        if step.withhold is not None:
            return self._voice.pick(phrases_asked.REMOVE_WITHOUT_LINE)
        if step.request == "전부":
            return self._voice.pick(phrases.CLEAR_CART)
        if step.request is not None:
            return self._voice.pick(phrases.REMOVE_CALLED, which=Name(step.request))
        is_first = len(lines) > 1 and step.items == (lines[0],) and lines[0] in scene.added
        bank = phrases.REMOVE_THAT if is_first else phrases.REMOVE
        return self._voice.pick(bank, dishes=self._dishes(step))

    def cart(self, step: Step) -> str:
        """Ask what is in the cart."""
        return self._voice.pick(phrases.CART if self._scene.refused is None else phrases.CART_AFTER)


_AFTER: Final[dict[ErrorCode, Bank]] = {
    "INVALID_ARGUMENT": phrases.ADD_FEWER,
    "CART_ITEM_NOT_FOUND": phrases.ADD_BACK,
    "CART_EMPTY": phrases.ADD_FIRST,
}
"""Lines for a dish after a refusal that was not about a dish or a restaurant."""
