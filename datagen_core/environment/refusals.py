"""Decides how the backend refuses a call: an error code and a Korean sentence for the counsellor."""

from __future__ import annotations

from typing import Final

from datagen_core.config import ErrorCode
from datagen_core.files import JsonObject

_MESSAGES: Final[dict[ErrorCode, str]] = {
    "INVALID_ARGUMENT": "요청 값이 올바르지 않습니다.",
    "FORBIDDEN": "로그인한 고객의 정보만 다룰 수 있습니다.",
    "RESTAURANT_NOT_FOUND": "해당 식당을 찾을 수 없습니다.",
    "RESTAURANT_CLOSED": "지금은 영업하지 않는 식당입니다.",
    "MENU_ITEM_NOT_FOUND": "이 식당에 없는 메뉴입니다.",
    "MENU_ITEM_UNAVAILABLE": "품절되어 지금은 주문할 수 없는 메뉴입니다.",
    "CART_ITEM_NOT_FOUND": "장바구니에 없는 항목입니다.",
    "CART_EMPTY": "장바구니가 비어 있습니다.",
    "ADDRESS_NOT_FOUND": "저장되지 않은 배송지입니다.",
    "BELOW_MINIMUM": "최소 주문 금액에 미치지 못합니다.",
    "SNAPSHOT_INVALID": "결제 정보가 마지막으로 준비한 내용과 다릅니다. 결제를 다시 준비해 주세요.",
    "ORDER_NOT_FOUND": "해당 주문을 찾을 수 없습니다.",
}


def refuse(code: ErrorCode, message: str | None = None) -> JsonObject:
    """Return the error response; the message never repeats what the caller sent, only what the backend knows."""
    return {"error": {"code": code, "message": message or _MESSAGES[code]}}
