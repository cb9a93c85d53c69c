"""Decides what the counsellor of a scripted dialogue says: answers, questions, greetings, in short 존댓말."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from datagen_core.plans import Intent, Step
from datagen_core.simulator import talk
from datagen_core.simulator.korean import Name
from datagen_core.simulator.scene import Scene
from datagen_core.simulator.speaker import Exchange, Speaker
from datagen_core.simulator.telling_ordering import OrderingTeller
from datagen_core.simulator.telling_shopping import ShoppingTeller


class Counsellor(Speaker):
    """The counsellor's words; draws from the generator given."""

    def __init__(self, scene: Scene, rng: Random) -> None:
        super().__init__(scene, rng)
        self._shopping = ShoppingTeller(scene, rng)
        self._ordering = OrderingTeller(scene, rng)
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
        told = self._tellers[step.intent](step, exchanges)
        changes_cart = step.intent in ("add", "update", "remove") and step.refused is None
        return f"{told} {self._shopping.sum_up(exchanges)}".strip() if changes_cart and with_sum else told

    def ask_for(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Return the question after what the customer left out of the step."""
        match step.withhold:
            case "수량":
                dish = Name(self._scene.dish_name(step.menu or ""))
                return self._pick(
                    f"{dish:을} 몇 개 담아 드릴까요?",
                    f"{dish:은} 몇 개 필요하신가요?",
                    f"네, {dish} 수량을 알려 주시겠어요?",
                    f"{dish} 몇 개로 담으면 될까요?",
                )
            case "메뉴":
                shop = self._scene.shop_name(self._scene.shop_of(step.menu or ""))
                return self._pick(
                    f"{shop}에서 어떤 메뉴를 담아 드릴까요?",
                    "담으실 메뉴와 수량을 말씀해 주시겠어요?",
                    f"네, {shop}의 어떤 메뉴를 몇 개 담을까요?",
                    "어떤 메뉴로 담아 드릴지 알려 주시겠어요?",
                )
            case "전화번호":
                return self._pick(
                    "받는 분의 전화번호도 알려 주시겠어요?",
                    "저장하려면 연락처가 필요합니다. 전화번호를 말씀해 주시겠어요?",
                    "네, 받으시는 분의 연락처는 어떻게 되나요?",
                    "전화번호가 빠져 있습니다. 번호를 알려 주시면 저장하겠습니다.",
                )
            case "배송지":
                return self._ordering.ask_address(exchanges)
            case "결제 수단":
                return self._pick(
                    "결제는 카드, 카카오페이, 네이버페이, 토스 가운데 어떤 것으로 하시겠어요?",
                    "결제 수단을 골라 주시겠어요? 카드, 카카오페이, 네이버페이, 토스가 가능합니다.",
                    "네, 어떤 수단으로 결제해 드릴까요? 카드, 카카오페이, 네이버페이, 토스 중에 말씀해 주세요.",
                )
            case _:
                return self._pick(
                    "확인해 드리겠습니다. 주문 번호를 알려 주시겠어요?",
                    "주문 번호를 말씀해 주시면 바로 조회해 드리겠습니다.",
                    "조회하려면 주문 번호가 필요합니다. 번호를 알려 주시겠어요?",
                    "네, 주문 번호가 어떻게 되시나요?",
                )

    def offer_more(self, step: Step, upcoming: Step | None) -> str:
        """Return the question, if any, with which the counsellor hands over to the customer after a step."""
        if step.intent == "checkout" and step.refused is None:
            return self._ordering.ask_consent(upcoming)
        if step.refused is not None or step.intent in ("answer", "decline", "order"):
            return ""
        if upcoming is None:
            return self._pick(
                "더 필요하신 것이 있을까요?", "", "더 도와드릴 일이 있을까요?", "필요하신 것이 더 있으면 말씀해 주세요."
            )
        if step.intent in ("search", "narrow"):
            return self._pick("메뉴를 보고 싶으신 곳이 있을까요?", "어떤 곳이 좋으세요?", "더 좁혀 드릴까요?", "")
        if step.intent == "menu":
            return self._pick(
                "어떤 것으로 하시겠어요?",
                "마음에 드시는 메뉴가 있을까요?",
                "더 궁금하신 메뉴가 있으면 말씀해 주세요.",
                "",
            )
        return self._pick("더 필요하신 것이 있을까요?", "더 담으실 것이 있을까요?" if step.intent == "add" else "", "")

    def greet(self) -> str:
        """Return the answer to a bare greeting."""
        return self._pick(
            "안녕하세요. 무엇을 도와드릴까요?",
            "네, 안녕하세요. 어떤 도움이 필요하신가요?",
            "안녕하세요, 배달 앱 상담사입니다. 편하게 말씀해 주세요.",
            "네, 말씀해 주세요. 무엇을 도와드릴까요?",
        )

    def take_leave(self, *, has_helped: bool) -> str:
        """Return a last word."""
        if not has_helped:
            return self._pick(
                "네, 도움이 되어 드리지 못해 죄송합니다. 다른 일이 있으면 말씀해 주세요.",
                "네, 알겠습니다. 필요하시면 언제든 다시 말씀해 주세요.",
                "이해해 주셔서 감사합니다. 주문하실 때 다시 찾아 주세요.",
                "네, 언제든 편하게 찾아 주세요. 감사합니다.",
            )
        return self._pick(
            "네, 이용해 주셔서 감사합니다. 좋은 하루 보내세요.",
            "감사합니다. 필요하시면 언제든 다시 말씀해 주세요.",
            "네, 언제든 편하게 찾아 주세요. 감사합니다.",
            "도움이 되었다니 다행입니다. 좋은 시간 보내세요.",
            "네, 알겠습니다. 편안한 하루 보내세요.",
        )
