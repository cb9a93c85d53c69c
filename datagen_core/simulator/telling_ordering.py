"""Decides how the counsellor tells of addresses, checkout, orders and what cannot be done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, cast

from datagen_core.files import JsonObject
from datagen_core.plans import Step
from datagen_core.simulator import phrases, talk
from datagen_core.simulator.korean import Name, write_money
from datagen_core.simulator.speaker import Exchange, Speaker

_MONEY: Final = re.compile(r"[\d,]+원")
_STATUS_WORDS: Final = {
    "pending": "접수를 기다리고 있는 상태",
    "paid": "결제가 완료된 상태",
    "preparing": "준비 중인 상태",
    "delivering": "배달 중인 상태",
    "delivered": "배달이 완료된 상태",
    "cancelled": "취소된 상태",
}
_PAYMENT_WORDS: Final = {
    "pending": "결제는 아직 대기 중입니다.",
    "paid": "결제는 정상적으로 완료되었습니다.",
    "refunded": "결제하신 금액은 환불된 상태입니다.",
}


class OrderingTeller(Speaker):
    """Tells what came of saving addresses, checking out, ordering and asking after orders."""

    def tell_addresses(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Tell the saved addresses."""
        saved = cast("list[JsonObject]", exchanges[-1].response)
        if not saved:
            return "저장된 배송지가 없습니다. 새로 저장해 드릴까요?"
        listed = ", ".join(_describe_address(address) for address in saved)
        return self._pick(
            f"저장된 배송지는 {len(saved)}곳입니다. {listed}입니다.",
            f"배송지 {len(saved)}곳이 저장되어 있습니다. {listed}입니다.",
            f"네, {listed}, 이렇게 {len(saved)}곳이 저장되어 있습니다.",
        )

    def ask_address(self, exchanges: Sequence[Exchange]) -> str:
        """Ask for the address, naming the saved ones where they were looked up."""
        if not exchanges:
            return self._pick(
                "어느 배송지로 보내 드릴까요?",
                "받으실 배송지를 말씀해 주시겠어요?",
                "네, 어디로 배달해 드릴까요?",
            )
        saved = cast("list[JsonObject]", exchanges[-1].response)
        listed = Name(", ".join(map(_describe_address, saved)))
        return self._pick(
            f"저장된 배송지로 {listed:이} 있습니다. 어디로 보내 드릴까요?",
            f"어느 배송지로 받으시겠어요? {listed} 중에 골라 주세요.",
            f"배송지를 먼저 정해 주세요. {listed}, 이렇게 저장되어 있습니다.",
        )

    def tell_save(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Tell which address was saved, or what of it was changed."""
        fields = step.fields
        street = Name(str(fields["line1"]))
        unit = Name(str(fields.get("line2", "")))
        if step.address is None:
            return self._pick(
                f"{fields['recipient_name']} 님 앞으로 {street} {unit} 배송지를 저장했습니다.",
                f"네, {street} {unit:을} 새 배송지로 저장했습니다. 연락처는 {fields['phone']}입니다.",
                f"새 배송지를 저장했습니다. {street} {unit}, 받는 분은 {fields['recipient_name']} 님입니다.",
            )
        if "is_default" in fields:
            return self._pick(f"{street:을} 기본 배송지로 바꿨습니다.", f"네, 이제 기본 배송지는 {street}입니다.")
        if "gate_password" in fields:
            return self._pick(
                f"{street} 배송지에 공동 현관 비밀번호를 저장했습니다.",
                f"네, {street}의 공동 현관 비밀번호 {fields['gate_password']} 저장을 마쳤습니다.",
            )
        return self._pick(
            f"{street}의 상세 주소를 {unit:으로} 바꿨습니다.",
            f"네, 배송지를 {street} {unit:으로} 고쳤습니다.",
        )

    def tell_checkout(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Tell the sum to be paid and where the order goes, or why it cannot be ordered yet."""
        if step.refused is not None:
            return self._tell_below_minimum(exchanges[-1].response)
        snapshot = cast("JsonObject", exchanges[-1].response)
        lines = ", ".join(
            f"{line['menu_name']} {line['quantity']}개" for line in cast("list[JsonObject]", snapshot["items"])
        )
        price, total = write_money(cast("int", snapshot["subtotal"])), write_money(cast("int", snapshot["total"]))
        fee = "배달비 없이" if price == total else "배달비를 더해"
        line2 = snapshot["delivery_line2"]
        street = Name(f"{snapshot['delivery_line1']} {line2}" if line2 else str(snapshot["delivery_line1"]))
        note = f" '{snapshot['delivery_note']}' 메모도 넣었습니다." if snapshot["delivery_note"] else ""
        return (
            self._pick(
                f"{lines}, 상품 금액 {price}에 {fee} 총 {total}입니다. 배송지는 {street}입니다.",
                f"배송지는 {street}이고, 담으신 것은 {lines}입니다. 상품 금액 {price}에 {fee} 모두 {total}입니다.",
                f"결제하실 금액은 {fee} 총 {total}입니다. {lines}, 배송지는 {street}입니다.",
            )
            + note
        )

    def _tell_below_minimum(self, response: object) -> str:
        message = str(cast("JsonObject", cast("JsonObject", response)["error"])["message"])
        amounts = _MONEY.findall(message)
        if len(amounts) != 2:
            return "죄송합니다. 최소 주문 금액에 미치지 못해 아직 주문하실 수 없습니다. 더 담으시겠어요?"
        minimum, subtotal = amounts
        return self._pick(
            f"죄송합니다. 최소 주문 금액은 {minimum}인데 지금은 {subtotal}이라 아직 주문하실 수 없습니다.",
            f"지금 담긴 금액이 {subtotal}이라 최소 주문 금액 {minimum}에 미치지 못합니다. 더 담으시겠어요?",
            f"이 식당은 {minimum}부터 주문하실 수 있는데 현재 {subtotal}입니다. 어떻게 하시겠어요?",
        )

    def ask_consent(self, upcoming: Step | None) -> str:
        """Ask whether to order, and how to pay unless the customer is going to leave that out."""
        if upcoming is not None and upcoming.withhold is not None:
            return self._pick("이대로 주문할까요?", "이대로 주문을 진행해도 될까요?", "주문해 드릴까요?")
        return self._pick(
            "이대로 주문할까요? 결제 수단도 말씀해 주세요.",
            "주문하시려면 결제 수단을 말씀해 주세요.",
            "이대로 진행해도 될까요? 결제는 카드, 카카오페이, 네이버페이, 토스가 가능합니다.",
            "맞으시면 어떤 수단으로 결제하실지 알려 주세요.",
        )

    def tell_order(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Tell that the order is placed, and its number."""
        order = self._scene.rehearsal.handles.handle_of(str(exchanges[-1].response))
        payment = Name(phrases.PAYMENTS[step.payment or "card"])
        number = f"{{{order}}}"
        return self._pick(
            f"{payment:으로} 결제해 주문을 마쳤습니다. 주문 번호는 {number}입니다. 맛있게 드세요.",
            f"주문이 완료되었습니다. 결제는 {payment:으로} 했고, 주문 번호는 {number}입니다.",
            f"네, {payment:으로} 결제되어 주문이 들어갔습니다. 주문 번호는 {number}입니다.",
            f"주문을 넣었습니다. 주문 번호 {number}, 결제 수단은 {payment}입니다. 맛있게 드세요.",
        )

    def tell_status(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Tell how an order and its payment stand."""
        if step.refused is not None:
            return self._pick(
                "죄송합니다. 말씀하신 번호로는 주문을 찾을 수 없습니다. 주문 번호를 다시 확인해 주시겠어요?",
                "그 번호의 주문이 없습니다. 번호를 한 번만 더 확인해 주시겠어요?",
                "말씀하신 주문 번호로 조회되는 주문이 없습니다. 다른 번호가 있는지 봐 주시겠어요?",
            )
        response = cast("JsonObject", exchanges[-1].response)
        status, payment = str(response["status"]), str(response["payment_status"])
        if self._scene.is_own_order(step.order or ""):
            # Whether it is still paid or already being prepared depends on an id that the brief does not show.
            return self._pick(
                "방금 하신 주문은 결제가 완료되어 정상적으로 진행되고 있습니다.",
                "확인해 보니 결제까지 잘 끝났고 주문도 문제없이 진행 중입니다.",
                "결제가 완료되었고 주문이 정상적으로 들어가 있습니다.",
            )
        paid = _PAYMENT_WORDS[payment]
        if step.request is not None:
            return self._pick(
                f"{paid} 주문은 지금 {_STATUS_WORDS[status]}입니다.",
                f"네, 확인해 보니 {paid} 주문은 {_STATUS_WORDS[status]}입니다.",
                f"조회해 보니 {paid}",
            )
        return self._pick(
            f"확인해 보니 지금 {_STATUS_WORDS[status]}입니다.",
            f"그 주문은 현재 {_STATUS_WORDS[status]}입니다.",
            f"조회해 보니 주문은 {_STATUS_WORDS[status]}입니다. {paid}",
        )

    def tell_decline(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Say what cannot be done, and offer what can."""
        request = talk.REFUSABLE[step.request or ""]
        what = Name(request.what)
        refusal = self._pick(
            f"죄송하지만 {what:은} 여기서 도와드릴 수 없습니다.",
            f"{what:은} 제가 도와드릴 수 없는 일입니다. 죄송합니다.",
            f"아쉽지만 이 상담에서는 {what:을} 할 수 없습니다.",
            f"죄송합니다. {what:은} 제가 할 수 없습니다.",
        )
        if not request.offer:
            return f"{refusal} " + self._pick(
                "배달 주문과 관련해 필요하신 것이 있으면 말씀해 주세요.",
                "대신 드시고 싶은 음식이 있으면 식당을 찾아 드리겠습니다.",
                "식당 찾기나 주문이 필요하시면 바로 도와드리겠습니다.",
                "저는 배달 주문을 돕고 있습니다. 주문하실 음식이 있으실까요?",
            )
        is_aside = step.together and step.request == "식당 자리 예약"
        offer = Name("찾은 식당에서 배달로 주문하시는 것" if is_aside else request.offer)
        if step.together:
            return f"{refusal} " + self._pick(f"대신 {offer:은} 도와드릴 수 있습니다.", f"{offer:은} 가능합니다.")
        return f"{refusal} " + self._pick(
            f"대신 {offer:은} 도와드릴 수 있습니다.",
            f"원하시면 {offer:은} 가능합니다.",
            f"제가 할 수 있는 일로는 {offer:이} 있습니다.",
            f"{offer:은} 도와드릴 수 있는데, 필요하신가요?",
        )


def _describe_address(address: JsonObject) -> str:
    line2 = f" {address['line2']}" if address["line2"] else ""
    return f"{address['line1']}{line2}{'(기본)' if address['is_default'] else ''}"
