"""Decides how the counsellor tells of addresses, checkout, orders and what cannot be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from datagen_core.files import JsonObject
from datagen_core.plans import Step
from datagen_core.simulator import phrases, talk
from datagen_core.simulator.asking import describe_address
from datagen_core.simulator.closings import ENJOY
from datagen_core.simulator.korean import Name, write_money
from datagen_core.simulator.speaker import Exchange, Speaker

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


_NUMBER_USES: Final = (
    "진행 상태가 궁금하시면 주문 번호를 말씀해 주세요.",
    "주문 상태는 이 번호로 확인하실 수 있습니다.",
)


class OrderingTeller(Speaker):
    """Tells what came of saving addresses, checking out, ordering and asking after orders."""

    def tell_addresses(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Tell the saved addresses."""
        saved = cast("list[JsonObject]", exchanges[-1].response)
        if not saved:
            return "저장된 배송지가 없습니다. 새로 저장해 드릴까요?"
        listed = ", ".join(map(describe_address, saved))
        return self._pick(
            f"저장된 배송지는 {len(saved)}곳입니다. {listed}입니다.",
            f"배송지 {len(saved)}곳이 저장되어 있습니다. {listed}입니다.",
            f"네, {listed}, 이렇게 {len(saved)}곳이 저장되어 있습니다.",
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
        return self._tell_change(step, street)

    def _tell_change(self, step: Step, street: Name) -> str:
        fields = step.fields
        before = self._scene.brief.opening.addresses[int((step.address or "A1")[1:]) - 1]
        if "is_default" in fields:
            return self._pick(f"{street:을} 기본 배송지로 바꿨습니다.", f"네, 이제 기본 배송지는 {street}입니다.")
        if "gate_password" in fields:
            return self._pick(
                f"{street} 배송지에 공동 현관 비밀번호를 저장했습니다.",
                f"네, {street}의 공동 현관 비밀번호 {fields['gate_password']} 저장을 마쳤습니다.",
            )
        if "delivery_note" in fields:
            return self._pick(
                f"{street} 배송지에 '{fields['delivery_note']}' 요청을 저장했습니다.",
                f"네, {street} 배송지의 요청을 '{fields['delivery_note']}'로 남겼습니다.",
            )
        if fields["phone"] != before.phone:
            return self._pick(
                f"{street} 배송지의 연락처를 {Name(str(fields['phone'])):으로} 바꿨습니다.",
                f"네, {street} 연락처를 {Name(str(fields['phone'])):으로} 고쳤습니다.",
            )
        if fields["recipient_name"] != before.recipient_name:
            return self._pick(
                f"{street} 배송지의 받는 분을 {fields['recipient_name']} 님으로 바꿨습니다.",
                f"네, 이제 {street} 배송지의 받는 분은 {fields['recipient_name']} 님입니다.",
            )
        unit = Name(str(fields.get("line2", "")))
        return self._pick(
            f"{street}의 상세 주소를 {unit:으로} 바꿨습니다.",
            f"네, 배송지를 {street} {unit:으로} 고쳤습니다.",
            f"{street} 배송지의 상세 주소는 이제 {unit}입니다.",
        )

    def tell_checkout(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Tell the sum to be paid and where the order goes."""
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

    def ask_consent(self, upcoming: Step | None) -> str:
        """Ask whether to order, and how to pay unless the customer is going to leave that out."""
        if upcoming is not None and upcoming.withhold is not None:
            return self._pick(
                "이대로 주문할까요?",
                "이대로 주문을 진행해도 될까요?",
                "주문해 드릴까요?",
                "이 내용으로 주문하시겠어요?",
            )
        return self._pick(
            "이대로 주문할까요? 결제 수단도 말씀해 주세요.",
            "주문하시겠어요? 주문하시려면 결제 수단을 말씀해 주세요.",
            "이대로 주문을 진행해도 될까요? 결제는 카드, 카카오페이, 네이버페이, 토스가 가능합니다.",
            "이대로 주문할까요? 맞으시면 어떤 수단으로 결제하실지 알려 주세요.",
            "이 내용으로 주문해 드릴까요? 결제 수단을 골라 주세요.",
            "주문을 넣을까요? 카드, 카카오페이, 네이버페이, 토스 중 어떤 것으로 결제하시겠어요?",
        )

    def tell_order(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Tell that the order is placed, and its number."""
        order = self._scene.rehearsal.handles.handle_of(str(exchanges[-1].response))
        payment = Name(phrases.PAYMENTS[step.payment or "card"])
        number = f"{{{order}}}"
        told = self._pick(
            f"{payment:으로} 결제해 주문을 마쳤습니다. 주문 번호는 {number}입니다.",
            f"주문이 완료되었습니다. 결제는 {payment:으로} 했고, 주문 번호는 {number}입니다.",
            f"네, {payment:으로} 결제되어 주문이 들어갔습니다. 주문 번호는 {number}입니다.",
            f"주문을 넣었습니다. 주문 번호 {number}, 결제 수단은 {payment}입니다.",
            f"네, 주문되었습니다. 주문 번호는 {number}이고 {payment:으로} 결제했습니다.",
            f"{payment:으로} 결제하고 주문을 넣었습니다. 받으신 주문 번호는 {number}입니다.",
        )
        code = f" 결제사 식별값은 {step.pg_id}입니다." if step.pg_id else ""
        return told + code + self._pick("", *(f" {line}" for line in ENJOY), *(f" {line}" for line in _NUMBER_USES))

    def tell_status(self, step: Step, exchanges: Sequence[Exchange]) -> str:
        """Tell how an order and its payment stand."""
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
        which = self._name_of_two(step)
        if which:
            return self._pick(
                f"{which} 주문은 {_STATUS_WORDS[status]}입니다.", f"{which} 주문은 지금 {_STATUS_WORDS[status]}입니다."
            )
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

    def _name_of_two(self, step: Step) -> str:
        """Tell two orders of one line apart."""
        asked = [other for other in self._scene.brief.steps if other.intent == "status"]
        if len(asked) < 2 or not asked[1].together:
            return ""
        return "먼저 말씀하신" if step == asked[0] else "다음으로 말씀하신"

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
