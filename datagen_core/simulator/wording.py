"""Decides how the customer names things: dishes, restaurants, streets, numbers, the meal of the hour."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Final

from datagen_core.plans import Step
from datagen_core.simulator import phrases
from datagen_core.simulator.korean import Name, choose_particle, count_alone, count_dish
from datagen_core.simulator.phrases import Bank
from datagen_core.simulator.scene import Scene
from datagen_core.simulator.voices import Voice, keep

_FULL_STREET_SHARE: Final = 0.3
_DEFAULT_SHARE: Final = 0.4


class Wording:
    """One customer's words for things. Those who ask for something build upon it."""

    def __init__(self, scene: Scene, rng: Random, voice: Voice) -> None:
        self._scene = scene
        self._rng = rng
        self._voice = voice

    def _slots_of_add(self, step: Step) -> dict[str, str]:
        menu = step.menu or ""
        return {
            "shop": self._shop(self._scene.shop_of(menu)),
            "dish": self._dish(step),
            "qty": self._count(step.quantity, menu),
            "alone": Name(count_alone(step.quantity or 1)),
            "meal": self._meal(),
        }

    def _criteria(self, filters: Mapping[str, str | float | bool]) -> str:
        parts: list[str] = []
        for name, value in filters.items():
            bank = phrases.CRITERIA.get(str(value) if name == "sort" else name, (f"{value}",))
            spoken = f"{value:g}" if isinstance(value, float) else str(value)
            parts.append(self._rng.choice(bank).format(min_rating=spoken))
        return " ".join(parts)

    def _quote(self, tails: Bank, words: str | None) -> str:
        return "" if words is None else self._voice.pick(tails, request=keep(words))

    def _shop(self, restaurant: str) -> Name:
        return keep(self._scene.shop_name(restaurant))

    def _dish(self, step: Step) -> Name:
        return keep(self._scene.dish_name(step.menu or ""))

    def _count(self, quantity: int | None, menu: str) -> Name:
        return Name(count_dish(quantity or 1, self._scene.dish_name(menu)))

    def _count_line(self, step: Step) -> Name:
        return Name(count_dish(step.quantity or 1, self._scene.line_name(step.items[0])))

    def _dishes(self, step: Step) -> Name:
        names = [keep(self._scene.line_name(line)) for line in step.items]
        return Name("".join(f"{name}{choose_particle(name, '이랑')} " for name in names[:-1]) + names[-1])

    def _address(self, handle: str) -> Name:
        says_default = self._rng.random() < _DEFAULT_SHARE
        return keep("기본 배송지") if says_default and self._scene.is_default(handle) else self._street(handle)

    def _street(self, handle: str) -> Name:
        street = self._scene.street(handle)
        return keep(street if self._rng.random() < _FULL_STREET_SHARE else " ".join(street.split()[-2:]))

    def _meal(self) -> str:
        hour = self._scene.brief.now.hour
        return self._rng.choice(next(words for until, words in phrases.MEALS if hour < until))
