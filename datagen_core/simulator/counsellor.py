"""Decides what the counsellor of a scripted dialogue says: answers, offers, greetings, in short 존댓말."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from datagen_core.plans import Intent, Step
from datagen_core.simulator import closings, talk
from datagen_core.simulator.asking import Asker
from datagen_core.simulator.scene import Scene
from datagen_core.simulator.speaker import Exchange, Speaker
from datagen_core.simulator.telling_ordering import OrderingTeller
from datagen_core.simulator.telling_refusals import RefusalTeller
from datagen_core.simulator.telling_shopping import ShoppingTeller

_OFFER_MORE_SHARE = 0.6
_LATE = 22
_FRIDAY = 4


class Counsellor(Speaker):
    """The counsellor's words; draws from the generator given."""

    def __init__(self, scene: Scene, rng: Random) -> None:
        super().__init__(scene, rng)
        self._shopping = ShoppingTeller(scene, rng)
        self._ordering = OrderingTeller(scene, rng)
        self._refusals = RefusalTeller(scene, rng)
        self.asker = Asker(scene, rng)
        self._tellers: Mapping[Intent, Callable[[Step, Sequence[Exchange]], str]] = {
            "search": self._shopping.tell_search,
            "narrow": self._shopping.tell_search,
            "menu": self._shopping.tell_menu,
            "add": self._shopping.tell_add,
            "update": self._shopping.tell_update,
            "remove": self._shopping.tell_remove,
            "cart": self._shopping.tell_cart,
            "addresses": self._ordering.tell_addresses,
            "save_address": self._ordering.tell_save,
            "checkout": self._ordering.tell_checkout,
            "order": self._ordering.tell_order,
            "status": self._ordering.tell_status,
            "answer": lambda step, _: self._pick(*talk.ANSWERABLE[step.request or ""].answers),
            "decline": self._ordering.tell_decline,
        }

    def tell(self, step: Step, exchanges: Sequence[Exchange], *, with_sum: bool = True) -> str:
        """Return what is to be said after a step's calls; `with_sum` adds what the cart now costs."""
        if step.refused is not None:
            return self._refusals.tell(step, exchanges)
        told = self._tellers[step.intent](step, exchanges)
        changes_cart = step.intent in ("add", "update", "remove")
        return f"{told} {self._shopping.sum_up(exchanges)}".strip() if changes_cart and with_sum else told

    def offer_more(self, step: Step, upcoming: Step | None) -> str:
        """Return the question, if any, with which the counsellor hands over to the customer after a step."""
        if step.intent == "checkout" and step.refused is None:
            return self._ordering.ask_consent(upcoming)
        if step.refused is not None or step.intent in ("answer", "decline", "order"):
            return ""
        if self._rng.random() > _OFFER_MORE_SHARE:
            return ""
        if upcoming is None:
            return self._pick(*closings.ANYTHING_ELSE)
        if step.intent in ("search", "narrow"):
            is_one = len(self._scene.listed) == 1
            return self._pick(*(closings.AFTER_FIND if is_one else closings.AFTER_SEARCH))
        if step.intent == "menu":
            return self._pick(*closings.AFTER_MENU)
        return self._pick(*closings.AFTER_ADD, *closings.GO_ON) if step.intent == "add" else self._pick(*closings.GO_ON)

    def greet(self) -> str:
        """Return the answer to a bare greeting."""
        return self._pick(*closings.WELCOMES)

    def take_leave(self, *, has_helped: bool, has_ordered: bool) -> str:
        """Return a last word: an answer, then a wish or an offer that fits the hour and the day."""
        now = self._scene.brief.now
        answers = closings.ANSWERS if has_helped else closings.REGRETS
        wishes = list(closings.COME_BACK)
        if has_ordered:
            wishes += closings.ENJOY * 2
        if now.hour >= _LATE or now.hour < closings.DAWN:
            wishes += closings.GOOD_NIGHT
        elif now.weekday() > _FRIDAY:
            wishes += closings.GOOD_WEEKEND
        else:
            wishes += closings.GOOD_DAY
        return f"{self._pick(*answers)} {self._pick(*wishes)}".strip()
