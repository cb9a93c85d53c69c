"""Decides what the customer of a scripted dialogue says: which line for which step, and how it is led up to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from datagen_core.plans import Intent, Step
from datagen_core.simulator import phrases, phrases_asked, talk
from datagen_core.simulator.asking import SIZE
from datagen_core.simulator.korean import Name, count_dish
from datagen_core.simulator.phrases import Bank
from datagen_core.simulator.scene import Scene
from datagen_core.simulator.voices import Voice, keep
from datagen_core.simulator.wishes_ordering import OrderingWishes
from datagen_core.simulator.wishes_shopping import ShoppingWishes

_REACTIVE: Final[frozenset[Intent]] = frozenset({"menu", "add", "remove", "checkout", "cart", "addresses"})
_ALREADY_REACTING: Final = tuple("아음오그좋응네별너어할하생마미잠역방처고월뭐")
_REACTION_SHARE: Final = 0.3
_LEAD_SHARE: Final = 0.6


class Customer:
    """One customer: draws from the generator given, so the same generator gives the same lines."""

    def __init__(self, scene: Scene, rng: Random) -> None:
        self._scene = scene
        self._rng = rng
        self._voice = Voice(scene.brief.persona, rng)
        self._shopping = ShoppingWishes(scene, rng, self._voice)
        self._ordering = OrderingWishes(scene, rng, self._voice)
        self._lines: Mapping[Intent, Callable[[Step], str]] = {
            "search": self._shopping.search,
            "narrow": self._shopping.narrow,
            "menu": self._shopping.menu,
            "add": self._shopping.add,
            "update": self._shopping.update,
            "remove": self._shopping.remove,
            "cart": self._shopping.cart,
            "addresses": lambda _: self._voice.pick(phrases.ADDRESSES),
            "save_address": self._ordering.save_address,
            "checkout": self._ordering.checkout,
            "order": self._ordering.order,
            "status": self._ordering.status,
            "answer": lambda step: self._voice.pick(talk.ANSWERABLE[step.request or ""].asks),
            "decline": self._ordering.decline,
        }
        self._pairs: Mapping[tuple[Intent, ...], Callable[[Step, Step], str]] = {
            ("add", "add"): self._shopping.add_both,
            ("remove", "add"): self._shopping.swap,
            ("update", "checkout"): self._shopping.reach_minimum,
            ("add", "checkout"): self._shopping.reach_minimum,
            ("menu", "menu"): self._shopping.compare,
            ("search", "search"): self._shopping.search_both,
            ("cart", "addresses"): lambda _, __: self._voice.pick(phrases.CART_AND_ADDRESSES),
            ("status", "status"): self._ordering.two_statuses,
            ("save_address", "checkout"): self._ordering.save_and_check_out,
            ("order", "checkout"): lambda order, _: self._ordering.order(order),
        }
        """What is said of two steps at once. A checkout after an order that expired is the counsellor's own."""

    def ask(self, group: Sequence[Step], *, is_first: bool) -> str:
        """Return the line in which the customer asks for one step, or for several at once."""
        pair = self._pairs.get(tuple(step.intent for step in group))
        line = pair(*group) if pair else " ".join(self._lines[step.intent](step) for step in group)
        if _may_be_led_to(group[0]) and self._rng.random() < _LEAD_SHARE:
            is_question = line.endswith("?") and not re.search(r"[.?] ", line)
            lead = self._voice.pick(talk.LEADS if is_question else talk.OPENINGS)
            return self._voice.spell(lead + line)
        if not is_first and self._may_react(group[0], line):
            line = self._voice.pick(phrases.REACTIONS) + line
        return self._voice.spell(line, is_first=is_first)

    def answer(self, step: Step) -> str:
        """Return the answer to the counsellor's question after what the step withheld."""
        bank = phrases_asked.find_answers(step)
        return self._voice.spell(self._voice.pick(bank, **self._slots_of_answer(step)), is_request=False)

    def say(self, bank: Bank) -> str:
        """Return a line of a bank without slots."""
        return self._voice.spell(self._voice.pick(bank), is_request=False)

    def _may_react(self, step: Step, line: str) -> bool:
        is_plain = step.intent in _REACTIVE and not line.startswith(_ALREADY_REACTING)
        return is_plain and self._scene.refused is None and self._rng.random() < _REACTION_SHARE

    def _slots_of_answer(self, step: Step) -> dict[str, str]:
        scene = self._scene
        slots: dict[str, str] = {name: keep(str(value)) for name, value in step.fields.items()}
        if step.menu is not None:
            size = SIZE.search(scene.dish_name(step.menu))
            shop = keep(scene.shop_name(scene.shop_of(step.menu)))
            slots |= {"dish": keep(scene.dish_name(step.menu)), "shop": shop, "size": keep(size[1] if size else "")}
            slots["qty"] = Name(count_dish(step.quantity or 1, scene.dish_name(step.menu)))
        if step.items:
            slots["dish"] = keep(scene.line_name(step.items[0]))
            slots["qty"] = Name(count_dish(step.quantity or 1, scene.line_name(step.items[0])))
        if step.special_request is not None:
            slots["request"] = keep(step.special_request)
        if step.address is not None:
            slots["addr"] = keep(" ".join(scene.street(step.address).split()[-2:]))
        if step.payment is not None:
            slots["pay"] = keep(phrases.PAYMENTS[step.payment])
        if "category" in step.filters:
            slots["crave"] = keep(phrases.PLACES[str(step.filters["category"])][1])
        return slots | {"order": keep(f"{{{step.order}}}")}


def _may_be_led_to(step: Step) -> bool:
    return step.intent in ("answer", "decline") and step.request not in talk.GREETING_REQUESTS
