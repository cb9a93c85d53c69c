"""Decides how the counsellor asks for what the customer left out, with what is known by then named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, cast

from datagen_core.config import Withheld
from datagen_core.files import JsonObject
from datagen_core.plans import Step
from datagen_core.simulator.korean import Name, write_money
from datagen_core.simulator.phrases import Bank
from datagen_core.simulator.speaker import Exchange, Speaker

SIZE: Final = re.compile(r"\((소|중|대|M|L)\)$")


class Asker(Speaker):
    """Asks one question."""

    def ask(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Return the question after what the customer left out of the step; `exchanges` were looked up before."""
        if step.mistaken is not None:
            return self._pick(*_NOT_AN_ORDER)
        match step.withhold:
            case "수량":
                return self._ask_quantity(step)
            case "메뉴":
                return self._ask_dish(step)
            case "식당":
                return self._ask_shop(step)
            case "옵션":
                return self._ask_size(step, exchanges)
            case "항목":
                return self._ask_line(step, exchanges)
            case "요청 사항":
                return self._ask_request(step)
            case "배송지":
                return self._ask_address(step, exchanges)
            case None:
                return ""
            case _:
                return self._pick(*_FIXED[step.withhold])

    def _ask_quantity(self, step: Step) -> str:
        if step.intent == "update":
            dish = Name(self._scene.line_name(step.items[0]))
            return self._pick(
                f"{dish:을} 몇 개로 바꿔 드릴까요?",
                f"네, {dish} 수량을 몇 개로 할까요?",
                f"{dish:은} 몇 개로 변경할까요?",
            )
        dish = Name(self._scene.dish_name(step.menu or ""))
        return self._pick(
            f"{dish:을} 몇 개 담아 드릴까요?",
            f"{dish:은} 몇 개 필요하신가요?",
            f"네, {dish} 수량을 알려 주시겠어요?",
            f"{dish} 몇 개로 담으면 될까요?",
        )

    def _ask_dish(self, step: Step) -> str:
        shop = self._scene.shop_name(self._scene.shop_of(step.menu or ""))
        return self._pick(
            f"{shop}에서 어떤 메뉴를 담아 드릴까요?",
            "담으실 메뉴와 수량을 말씀해 주시겠어요?",
            f"네, {shop}의 어떤 메뉴를 몇 개 담을까요?",
            "어떤 메뉴로 담아 드릴지 알려 주시겠어요?",
        )

    def _ask_shop(self, step: Step) -> str:
        dish = Name(self._scene.dish_name(step.menu or ""))
        return self._pick(
            f"어느 식당의 {dish:으로} 담아 드릴까요?",
            f"{dish:을} 담을 식당을 말씀해 주시겠어요?",
            f"네, {dish:을} 어느 식당에서 주문하시겠어요?",
            f"생각해 두신 식당이 있으신가요? 어느 식당의 {dish}인지 알려 주세요.",
        )

    def _ask_size(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        base = Name(SIZE.sub("", self._scene.dish_name(step.menu or "")))
        if not exchanges:
            return self._pick(
                f"{base:은} 어떤 크기로 담아 드릴까요?",
                f"네, {base} 크기를 말씀해 주시겠어요?",
                f"{base} 어느 사이즈로 할까요?",
            )
        menus = cast("list[JsonObject]", cast("JsonObject", exchanges[-1].response)["menus"])
        sizes = [entry for entry in menus if SIZE.sub("", str(entry["name"])) == str(base)]
        told = Name(", ".join(f"{entry['name']} {write_money(cast('int', entry['price']))}" for entry in sizes))
        return self._pick(
            f"{base:은} {told:이} 있습니다. 어떤 크기로 담아 드릴까요?",
            f"크기를 골라 주시겠어요? {told:이} 있습니다.",
            f"{told} 가운데 어느 사이즈로 할까요?",
        )

    def _ask_line(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        verb = "빼 드릴까요" if step.intent == "remove" else "바꿔 드릴까요"
        if not exchanges:
            return self._pick(f"어떤 메뉴를 {verb}?", f"네, 장바구니에서 어느 메뉴를 {verb}?")
        lines = cast("list[JsonObject]", cast("JsonObject", exchanges[-1].response)["items"])
        told = Name(", ".join(f"{line['menu_name']} {line['quantity']}개" for line in lines))
        return self._pick(
            f"장바구니에 {told:이} 있습니다. 어떤 메뉴를 {verb}?",
            f"지금 담긴 것은 {told}입니다. 어느 것을 {verb}?",
            f"{told} 가운데 어떤 메뉴를 {verb}?",
        )

    def _ask_request(self, step: Step) -> str:
        dish = Name(self._scene.line_name(step.items[0]))
        return self._pick(
            f"{dish}에 어떤 요청을 남겨 드릴까요?",
            f"네, {dish} 요청 사항을 말씀해 주시겠어요?",
            "요청하실 내용을 그대로 말씀해 주시면 적어 두겠습니다. 어떤 내용인가요?",
            "뭐라고 적어 드리면 될까요?",
        )

    def _ask_address(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        is_change = step.intent == "save_address"
        if not exchanges:
            return self._pick(*(_WHICH_ADDRESS if is_change else _WHERE_TO))
        saved = cast("list[JsonObject]", exchanges[-1].response)
        listed = Name(", ".join(map(describe_address, saved)))
        question = "어느 배송지를 고쳐 드릴까요?" if is_change else "어디로 보내 드릴까요?"
        return self._pick(
            f"저장된 배송지로 {listed:이} 있습니다. {question}",
            f"{listed}, 이렇게 저장되어 있습니다. {question}",
            f"배송지가 {len(saved)}곳 있습니다. {listed} 가운데 {question}",
        )


def describe_address(address: JsonObject) -> str:
    """Return an address as it is told: street, unit, and whether it is the default."""
    line2 = f" {address['line2']}" if address["line2"] else ""
    return f"{address['line1']}{line2}{'(기본)' if address['is_default'] else ''}"


_WHERE_TO: Final[Bank] = (
    "어느 배송지로 보내 드릴까요?",
    "받으실 배송지를 말씀해 주시겠어요?",
    "네, 어디로 배달해 드릴까요?",
)
_WHICH_ADDRESS: Final[Bank] = (
    "어느 배송지의 상세 주소를 고쳐 드릴까요?",
    "고치실 배송지가 어느 주소인지 말씀해 주시겠어요?",
    "네, 어느 배송지를 바꿔 드릴까요?",
)
_NOT_AN_ORDER: Final[Bank] = (
    "말씀하신 번호는 주문 번호가 아닌 것 같습니다. 주문 번호를 다시 확인해 주시겠어요?",
    "그 번호로는 주문을 조회할 수 없습니다. 주문을 마쳤을 때 받으신 긴 주문 번호를 알려 주시겠어요?",
    "주문 번호는 영문과 숫자가 섞인 긴 번호입니다. 주문 번호를 다시 말씀해 주시겠어요?",
    "조회하려면 주문 번호가 필요한데, 말씀하신 것은 주문 번호의 형식이 아닙니다. 주문 번호가 어떻게 되나요?",
)
_FIXED: Final[dict[Withheld, Bank]] = {
    "음식 종류": (
        "어떤 음식 종류로 찾아 드릴까요?",
        "드시고 싶은 음식 종류가 있으신가요? 한식, 중식, 치킨처럼 말씀해 주세요.",
        "네, 어떤 음식이 당기시나요? 종류를 말씀해 주시면 찾아 드리겠습니다.",
        "무엇을 드시고 싶으세요? 음식 종류를 알려 주시겠어요?",
    ),
    "전화번호": (
        "받는 분의 전화번호도 알려 주시겠어요?",
        "저장하려면 연락처가 필요합니다. 전화번호를 말씀해 주시겠어요?",
        "네, 받으시는 분의 연락처는 어떻게 되나요?",
        "전화번호가 빠져 있습니다. 전화번호를 알려 주시겠어요?",
    ),
    "받는 사람": (
        "받는 분의 성함을 알려 주시겠어요?",
        "받는 사람 이름은 어떻게 저장할까요?",
        "네, 받으시는 분 이름이 어떻게 되나요?",
        "받는 분 성함이 빠져 있습니다. 누구 앞으로 저장할까요?",
    ),
    "주소": (
        "저장할 주소를 알려 주시겠어요?",
        "네, 주소가 어떻게 되나요?",
        "도로명 주소를 상세 주소까지 말씀해 주시겠어요?",
        "어느 주소로 저장해 드릴까요?",
    ),
    "상세 주소": (
        "동이나 호수 같은 상세 주소는 어떻게 되나요?",
        "상세 주소도 알려 주시겠어요?",
        "네, 몇 동 몇 호인지 상세 주소를 말씀해 주시겠어요?",
        "상세 주소가 빠져 있습니다. 어떻게 저장할까요?",
    ),
    "비밀번호": (
        "공동 현관 비밀번호를 알려 주시겠어요?",
        "네, 저장할 비밀번호가 어떻게 되나요?",
        "비밀번호를 말씀해 주시면 저장하겠습니다. 비밀번호가 무엇인가요?",
    ),
    "결제 수단": (
        "결제는 카드, 카카오페이, 네이버페이, 토스 가운데 어떤 것으로 하시겠어요?",
        "결제 수단을 골라 주시겠어요? 카드, 카카오페이, 네이버페이, 토스가 가능합니다.",
        "네, 어떤 수단으로 결제해 드릴까요? 카드, 카카오페이, 네이버페이, 토스 중에 말씀해 주세요.",
        "결제 수단을 아직 말씀하지 않으셨습니다. 카드, 카카오페이, 네이버페이, 토스 중 무엇으로 할까요?",
    ),
    "주문 번호": (
        "확인해 드리겠습니다. 주문 번호를 알려 주시겠어요?",
        "주문 번호를 말씀해 주시면 바로 조회해 드리겠습니다. 주문 번호가 어떻게 되나요?",
        "조회하려면 주문 번호가 필요합니다. 번호를 알려 주시겠어요?",
        "네, 주문 번호가 어떻게 되시나요?",
    ),
}
"""What is asked alike whatever else is known."""
