"""Decides how the counsellor tells that the backend refused: what is wrong, and what could be done instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, cast

from datagen_core.config import ErrorCode
from datagen_core.files import JsonObject
from datagen_core.plans import Step
from datagen_core.simulator.korean import Name
from datagen_core.simulator.speaker import Exchange, Speaker

_MONEY: Final = re.compile(r"[\d,]+원")
_SORRY: Final = ("죄송합니다.", "죄송하지만", "안타깝지만", "아쉽게도", "확인해 보니")


class RefusalTeller(Speaker):
    """Tells of a step that came to nothing."""

    def tell(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Say why the step failed; the question at the end hands over to the customer."""
        code = step.refused
        if code in ("MENU_ITEM_UNAVAILABLE", "MENU_ITEM_NOT_FOUND"):
            return self._tell_dish(step)
        if code in ("RESTAURANT_CLOSED", "RESTAURANT_NOT_FOUND"):
            return self._tell_shop(step)
        if code == "BELOW_MINIMUM":
            return self._tell_minimum(exchanges)
        if code == "CART_ITEM_NOT_FOUND":
            return self._tell_line(step)
        if code == "ADDRESS_NOT_FOUND":
            return self._tell_address(step)
        return self._pick(*_FIXED[code or "INVALID_ARGUMENT"])

    def _tell_dish(self, step: Step) -> str:
        scene = self._scene
        menu = step.menu or ""
        restaurant = scene.shop_of(menu)
        dish, shop = Name(scene.dish_name(menu)), Name(scene.shop_name(restaurant))
        left = [str(entry["name"]) for entry in scene.menus.get(restaurant, ()) if entry["name"] != str(dish)]
        wanted = {scene.dish_name(other.menu) for other in scene.brief.steps if other.menu}
        names = Name(", ".join(sorted(left, key=lambda name: name not in wanted)[: self._rng.choice((2, 3))]))
        if step.refused == "MENU_ITEM_NOT_FOUND":
            why = self._pick(
                f"{dish:은} 방금 {shop} 메뉴에서 빠져 담을 수 없습니다.",
                f"{shop}에서 {dish:을} 더는 팔지 않아 담지 못했습니다.",
                f"{dish:이} 메뉴에서 사라져 담을 수 없었습니다.",
            )
        else:
            why = self._pick(
                f"{dish:은} 지금 품절이라 담을 수 없습니다.",
                f"{shop}의 {dish:이} 품절되어 담지 못했습니다.",
                f"{dish:은} 품절되었습니다.",
            )
        return f"{self._be_sorry(why)} " + self._pick(
            f"{names} 같은 메뉴는 어떠세요?",
            f"대신 {names} 중에서 고르시겠어요?",
            f"다른 메뉴로는 {names} 등이 있습니다. 어떤 것으로 하시겠어요?",
            f"{names:은} 주문하실 수 있습니다. 바꿔 담아 드릴까요?",
        )

    def _tell_shop(self, step: Step) -> str:
        scene = self._scene
        restaurant = step.restaurant or (scene.shop_of(step.menu) if step.menu else scene.cart_shop() or "R1")
        # The cart shows no restaurant's name: at the checkout it is only the restaurant of what is in it.
        shop = Name(scene.shop_name(restaurant) if step.intent != "checkout" else "담아 두신 식당")
        if step.refused == "RESTAURANT_NOT_FOUND":
            why = self._pick(
                f"{shop:은} 지금 이 주소로 배달하지 않는 식당입니다.",
                f"{shop:이} 더는 배달 목록에 없어 진행할 수 없습니다.",
                f"{shop:을} 찾을 수 없습니다. 배달을 중단한 것으로 보입니다.",
            )
        elif step.intent == "checkout":
            why = self._pick(
                "담아 두신 식당이 방금 영업을 마쳐 결제를 준비할 수 없습니다.",
                "장바구니에 담긴 메뉴의 식당이 지금 영업하지 않아 주문하실 수 없습니다.",
            )
        else:
            why = self._pick(
                f"{shop:은} 지금 영업하지 않아 담을 수 없습니다.",
                f"{shop:이} 지금 문을 닫아 {self._name_wish(step)} 담지 못했습니다.",
                f"{shop:은} 영업 시간이 아니라 주문하실 수 없습니다.",
            )
        return f"{self._be_sorry(why)} " + self._pick(
            "다른 식당에서 고르시겠어요?",
            "다른 곳으로 하시겠어요?",
            "다른 식당을 말씀해 주시면 도와드리겠습니다.",
            "어떤 식당으로 바꿔 드릴까요?",
        )

    def _name_wish(self, step: Step) -> str:
        return f"{Name(self._scene.dish_name(step.menu)):을}" if step.menu else "메뉴를"

    def _tell_minimum(self, exchanges: Sequence[Exchange]) -> str:
        message = str(cast("JsonObject", cast("JsonObject", exchanges[-1].response)["error"])["message"])
        amounts = _MONEY.findall(message)
        if len(amounts) != 2:
            return "죄송합니다. 최소 주문 금액에 미치지 못해 아직 주문하실 수 없습니다. 더 담으시겠어요?"
        minimum, subtotal = amounts
        return self._pick(
            f"죄송합니다. 최소 주문 금액은 {minimum}인데 지금은 {subtotal}이라 주문하실 수 없습니다. 더 담으시겠어요?",
            f"지금 담긴 금액이 {subtotal}이라 최소 주문 금액 {minimum}에 미치지 못합니다. 더 담으시겠어요?",
            f"이 식당은 {minimum}부터 주문하실 수 있는데 현재 {subtotal}입니다. 어떻게 하시겠어요?",
            f"{minimum} 이상 담으셔야 주문이 됩니다. 지금은 {subtotal}인데 메뉴를 더 담아 드릴까요?",
        )

    def _tell_line(self, step: Step) -> str:
        dishes = Name(", ".join(self._scene.line_name(line) for line in step.items))
        if step.intent == "remove":
            return self._be_sorry(
                self._pick(
                    f"{dishes:은} 이미 장바구니에서 빠져 있습니다. 남은 메뉴를 확인해 드릴까요?",
                    f"장바구니에 {dishes:이} 없어 뺄 것이 없습니다. 장바구니를 다시 볼까요?",
                    f"{dishes:은} 지금 장바구니에 없는 항목입니다. 담긴 메뉴를 다시 보시겠어요?",
                )
            )
        return self._be_sorry(
            self._pick(
                f"{dishes:이} 장바구니에서 빠져 있어 수량을 바꾸지 못했습니다. 다시 담아 드릴까요?",
                f"장바구니에 {dishes:이} 남아 있지 않아 바꿀 수 없습니다. 다시 담으시겠어요?",
                f"{dishes:은} 지금 장바구니에 없는 항목이라 수량을 바꿀 수 없습니다. 새로 담을까요?",
            )
        )

    def _tell_address(self, step: Step) -> str:
        street = Name(self._scene.street(step.address or ""))
        return self._be_sorry(
            self._pick(
                f"{street:은} 지금 저장되어 있지 않은 배송지라 쓸 수 없습니다. 다른 배송지로 받으시겠어요?",
                f"{street} 배송지가 지워져 결제를 준비하지 못했습니다. 어느 주소로 보내 드릴까요?",
                f"{street:을} 배송지에서 찾을 수 없습니다. 다른 배송지를 말씀해 주시겠어요?",
            )
        )

    def _be_sorry(self, why: str) -> str:
        return f"{self._pick(*_SORRY)} {why}"


_FIXED: Final[dict[ErrorCode, tuple[str, ...]]] = {
    "CART_EMPTY": (
        "죄송하지만 장바구니가 비어 있어 결제를 준비할 수 없습니다. 어떤 메뉴를 담아 드릴까요?",
        "확인해 보니 지금 장바구니에 담긴 메뉴가 없습니다. 드시고 싶은 메뉴를 말씀해 주시겠어요?",
        "장바구니가 비어 있습니다. 메뉴를 먼저 담으셔야 주문하실 수 있는데, 무엇을 담을까요?",
    ),
    "INVALID_ARGUMENT": (
        "죄송하지만 한 번에 999개까지만 담을 수 있습니다. 수량을 줄여 드릴까요?",
        "한 메뉴의 수량은 999개까지라 그만큼은 담을 수 없습니다. 몇 개로 하시겠어요?",
        "말씀하신 수량은 담을 수 없습니다. 수량은 999개까지인데, 어떻게 하시겠어요?",
    ),
    "ORDER_NOT_FOUND": (
        "죄송합니다. 말씀하신 번호로는 주문을 찾을 수 없습니다. 주문 번호를 다시 확인해 주시겠어요?",
        "그 번호의 주문이 없습니다. 주문 번호를 다시 한번 봐 주시겠어요?",
        "말씀하신 주문 번호로 조회되는 주문이 없습니다. 다른 번호가 있는지 봐 주시겠어요?",
    ),
    "FORBIDDEN": (
        "죄송하지만 그 번호는 고객님의 주문이 아니라 확인해 드릴 수 없습니다. 고객님의 주문 번호가 있으신가요?",
        "그 주문은 로그인하신 고객님의 것이 아니어서 상태를 볼 수 없습니다. 다른 주문 번호를 알려 주시겠어요?",
        "확인해 보니 다른 분의 주문 번호입니다. 고객님이 하신 주문의 번호를 말씀해 주시겠어요?",
    ),
    "SNAPSHOT_INVALID": (
        "죄송합니다. 준비한 결제 정보가 만료되어 주문이 들어가지 않았습니다. 결제를 다시 준비했습니다.",
        "결제 정보가 더는 맞지 않아 주문하지 못했습니다. 같은 내용으로 다시 준비했습니다.",
        "앞서 준비한 결제가 만료되어 아직 주문되지 않았습니다. 다시 준비한 내용을 말씀드리겠습니다.",
    ),
}
"""Refusals that need no name: by code, what to say."""
