"""Decides the domain: its tools and what they return, topics, kinds, gold categories, people. Change the domain here first."""

from __future__ import annotations

import uuid
from typing import Final, Literal, get_args

Category = Literal["한식", "중식", "일식", "분식", "치킨", "피자", "카페", "야식"]
CATEGORIES: Final[tuple[Category, ...]] = get_args(Category)

Sort = Literal["relevance", "rating", "delivery_fee"]
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)

PaymentMethod = Literal["card", "kakao", "naver", "toss"]
PAYMENT_METHODS: Final[tuple[PaymentMethod, ...]] = get_args(PaymentMethod)

OrderStatus = Literal["pending", "paid", "preparing", "delivering", "delivered", "cancelled"]
ORDER_STATUSES: Final[tuple[OrderStatus, ...]] = get_args(OrderStatus)

Kind = Literal[
    "tool_use",
    "clarification",
    "direct_answer",
    "unsupported",
    "off_domain",
    "near_miss",
    "partial",
    "follow_up",
    "correction",
    "error_recovery",
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

KIND_MIX: Final[dict[Kind, float]] = {
    "tool_use": 0.26,
    "clarification": 0.13,
    "direct_answer": 0.06,
    "unsupported": 0.08,
    "off_domain": 0.05,
    "near_miss": 0.06,
    "partial": 0.08,
    "follow_up": 0.12,
    "correction": 0.08,
    "error_recovery": 0.08,
}
"""The share of each kind in a training run. Ours: about a quarter of the dialogues teach when not to call."""

NO_CALL_KINDS: Final[frozenset[Kind]] = frozenset({"direct_answer", "unsupported", "off_domain", "near_miss"})

GoldCategory = Literal[
    "단순/연속 검색",
    "메뉴 조회",
    "장바구니 조작",
    "주문 이력/상태",
    "주문 처리",
    "멀티턴 복합",
    "비지원 시나리오",
    "엣지 케이스",
]
GOLD_CATEGORIES: Final[tuple[GoldCategory, ...]] = get_args(GoldCategory)

UUID_PATTERN: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
"""A lower-case RFC 4122 UUID of any version."""

USER_IDS: Final[tuple[str, ...]] = tuple(
    str(uuid.uuid5(uuid.UUID("6d5b8a0e-2f43-4c0b-9a57-0d5b1c1f7a10"), f"user-{number}")) for number in range(64)
)

_ID: Final[dict[str, object]] = {"type": "string", "pattern": UUID_PATTERN}


def _id(description: str) -> dict[str, object]:
    return {**_ID, "description": description}


def _tool(name: str, description: str, properties: dict[str, object], required: list[str]) -> dict[str, object]:
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": False,
            },
        },
    }


_USER: Final = _id("로그인한 고객의 ID. 시스템 안내에 적힌 값을 그대로 쓴다.")
_TEXT: Final[dict[str, object]] = {"type": "string", "minLength": 1}


def _text(description: str) -> dict[str, object]:
    return {**_TEXT, "description": description}


TOOLS: Final[list[dict[str, object]]] = [
    _tool(
        "search_restaurants",
        "고객 주소로 배달되는 식당을 조건에 맞게 찾는다. 말하지 않은 조건은 넣지 않는다.",
        {
            "query": _text("요리, 브랜드, 상호처럼 자유롭게 찾을 말"),
            "category": {"type": "string", "enum": list(CATEGORIES), "description": "음식 종류"},
            "min_rating": {
                "type": "number",
                "minimum": 0,
                "maximum": 5,
                "description": "고객이 숫자로 말한 최소 평점",
            },
            "only_open": {"type": "boolean", "description": "지금 영업 중인 곳만 원할 때 true"},
            "sort": {
                "type": "string",
                "enum": list(SORTS),
                "description": "정렬: relevance 관련도, rating 평점 높은 순, delivery_fee 배달비 낮은 순",
            },
        },
        [],
    ),
    _tool(
        "get_restaurant_detail",
        "식당 한 곳의 영업 여부와 전체 메뉴, 가격, 품절 여부를 본다.",
        {
            "restaurant_id": _id("search_restaurants가 돌려준 식당 ID"),
            "at": {
                "type": "string",
                "format": "date-time",
                "description": "영업 여부를 알고 싶은 시각(ISO 8601, +09:00). 생략하면 지금",
            },
        },
        ["restaurant_id"],
    ),
    _tool("list_addresses", "고객이 저장해 둔 배송지를 모두 본다.", {"user_id": _USER}, ["user_id"]),
    _tool(
        "upsert_address",
        "배송지를 새로 저장한다. address_id를 주면 그 배송지를 고친다.",
        {
            "user_id": _USER,
            "recipient_name": _text("받는 사람 이름"),
            "phone": {"type": "string", "pattern": "^01[016789]-[0-9]{3,4}-[0-9]{4}$", "description": "받는 사람 전화"},
            "line1": _text("도로명 주소"),
            "address_id": _id("고칠 배송지의 ID"),
            "line2": _text("동, 호수 같은 상세 주소"),
            "is_default": {"type": "boolean", "description": "기본 배송지로 삼을지"},
            "gate_password": _text("공동 현관 비밀번호"),
            "delivery_note": _text("이 배송지에 늘 전할 요청. 고객의 말 그대로"),
        },
        ["user_id", "recipient_name", "phone", "line1"],
    ),
    _tool("get_cart", "고객의 장바구니를 본다. 없으면 null이다.", {"user_id": _USER}, ["user_id"]),
    _tool(
        "add_to_cart",
        "메뉴를 장바구니에 담는다. 다른 식당의 메뉴를 담으면 장바구니가 새로 바뀐다.",
        {
            "user_id": _USER,
            "restaurant_id": _id("메뉴가 속한 식당 ID"),
            "menu_item_id": _id("get_restaurant_detail이 돌려준 메뉴 ID"),
            "quantity": {"type": "integer", "minimum": 1, "description": "수량"},
            "special_request": _text("그 메뉴에 대한 요청. 고객의 말 그대로"),
        },
        ["user_id", "restaurant_id", "menu_item_id", "quantity"],
    ),
    _tool(
        "update_cart_item",
        "장바구니에 담긴 항목의 수량이나 요청을 바꾼다.",
        {
            "user_id": _USER,
            "cart_item_id": _id("장바구니 항목 ID"),
            "quantity": {"type": "integer", "minimum": 1, "description": "바꿀 수량"},
            "special_request": _text("바꿀 요청. 고객의 말 그대로"),
        },
        ["user_id", "cart_item_id"],
    ),
    _tool(
        "remove_cart_items",
        "장바구니에서 항목을 뺀다.",
        {
            "user_id": _USER,
            "cart_item_ids": {
                "type": "array",
                "items": dict(_ID),
                "minItems": 1,
                "description": "뺄 장바구니 항목 ID 목록",
            },
        },
        ["user_id", "cart_item_ids"],
    ),
    _tool(
        "prepare_checkout",
        "장바구니와 배송지로 결제할 내용을 확정해 스냅샷을 만든다. 아직 주문되지 않는다.",
        {
            "user_id": _USER,
            "address_id": _id("배송지 ID"),
            "delivery_note": _text("이번 배달에 대한 요청. 고객의 말 그대로"),
        },
        ["user_id", "address_id"],
    ),
    _tool(
        "place_order",
        "고객이 분명히 동의한 뒤 주문하고 결제한다.",
        {
            "snapshot": {"type": "object", "description": "prepare_checkout이 돌려준 그대로"},
            "payment_method": {"type": "string", "enum": list(PAYMENT_METHODS), "description": "결제 수단"},
            "pg_id": _text("고객이 말한 결제사 식별값"),
        },
        ["snapshot", "payment_method"],
    ),
    _tool(
        "get_order_status",
        "주문 번호로 주문과 결제의 상태를 본다. 주문 목록을 보는 도구는 없다.",
        {"user_id": _USER, "order_id": _id("고객이 말했거나 place_order가 돌려준 주문 번호")},
        ["user_id", "order_id"],
    ),
]
tools: Final = TOOLS

TOOL_NAMES: Final[tuple[str, ...]] = (
    "search_restaurants",
    "get_restaurant_detail",
    "list_addresses",
    "upsert_address",
    "get_cart",
    "add_to_cart",
    "update_cart_item",
    "remove_cart_items",
    "prepare_checkout",
    "place_order",
    "get_order_status",
)


def _closed(properties: dict[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_STRING: Final[dict[str, object]] = {"type": "string"}
_NULLABLE: Final[dict[str, object]] = {"type": ["string", "null"]}
_BOOL: Final[dict[str, object]] = {"type": "boolean"}
_WON: Final[dict[str, object]] = {"type": "integer", "minimum": 0}
_COUNT: Final[dict[str, object]] = {"type": "integer", "minimum": 0}
_RATING: Final[dict[str, object]] = {"type": "number", "minimum": 0, "maximum": 5}
_CATEGORY: Final[dict[str, object]] = {"type": "string", "enum": list(CATEGORIES)}
_TIME: Final[dict[str, object]] = {"type": "string", "format": "date-time"}

_CART_ITEM: Final = _closed(
    {
        "cart_item_id": _ID,
        "menu_item_id": _ID,
        "menu_name": _STRING,
        "quantity": {"type": "integer", "minimum": 1},
        "unit_price_snapshot": _WON,
        "special_request": _NULLABLE,
        "line_total": _WON,
    }
)
_CART_FIELDS: Final[dict[str, object]] = {
    "cart_id": _ID,
    "user_id": _ID,
    "restaurant_id": _ID,
    "items": {"type": "array", "items": _CART_ITEM},
    "item_count": _COUNT,
    "subtotal": _WON,
}

TOOLS_RETURN_FORMAT: Final[dict[str, dict[str, object]]] = {
    "search_restaurants": _closed(
        {
            "items": {
                "type": "array",
                "items": _closed(
                    {
                        "restaurant_id": _ID,
                        "name": _STRING,
                        "category": _CATEGORY,
                        "rating_avg": _RATING,
                        "is_open": _BOOL,
                        "min_order_amount": _WON,
                        "delivery_fee": _WON,
                    }
                ),
            },
            "pagination": _closed(
                {"page": _COUNT, "page_size": _COUNT, "total_items": _COUNT, "total_pages": _COUNT}
            ),
            "applied_filters": _closed(
                {
                    "query": _NULLABLE,
                    "category": {"enum": [*CATEGORIES, None]},
                    "min_rating": {"type": ["number", "null"]},
                    "only_open": {"type": ["boolean", "null"]},
                    "sort": {"enum": [*SORTS, None]},
                }
            ),
        }
    ),
    "get_restaurant_detail": _closed(
        {
            "restaurant_id": _ID,
            "name": _STRING,
            "category": _CATEGORY,
            "rating_avg": _RATING,
            "is_open": _BOOL,
            "checked_at": _TIME,
            "menus": {
                "type": "array",
                "items": _closed({"menu_item_id": _ID, "name": _STRING, "price": _WON, "is_available": _BOOL}),
            },
        }
    ),
    "list_addresses": {
        "type": "array",
        "items": _closed(
            {
                "address_id": _ID,
                "user_id": _ID,
                "recipient_name": _STRING,
                "phone": _STRING,
                "line1": _STRING,
                "line2": _NULLABLE,
                "is_default": _BOOL,
            }
        ),
    },
    "upsert_address": _ID,
    "get_cart": {"anyOf": [_closed(_CART_FIELDS), {"type": "null"}]},
    "add_to_cart": _closed(_CART_FIELDS),
    "update_cart_item": _closed(_CART_FIELDS),
    "remove_cart_items": _closed({**_CART_FIELDS, "removed_cart_item_ids": {"type": "array", "items": _ID}}),
    "prepare_checkout": _closed(
        {
            "user_id": _ID,
            "cart_id": _ID,
            "restaurant_id": _ID,
            "address_id": _ID,
            "delivery_recipient_name": _STRING,
            "delivery_phone": _STRING,
            "delivery_line1": _STRING,
            "delivery_line2": _NULLABLE,
            "delivery_note": _NULLABLE,
            "items": {"type": "array", "items": _CART_ITEM, "minItems": 1},
            "subtotal": _WON,
            "total": _WON,
        }
    ),
    "place_order": _ID,
    "get_order_status": _closed(
        {
            "order_id": _ID,
            "status": {"type": "string", "enum": list(ORDER_STATUSES)},
            "payment_status": {
                "type": "string",
                "enum": ["pending", "paid", "failed", "cancelled", "refunded"],
            },
            "paid_at": {"anyOf": [_TIME, {"type": "null"}]},
            "created_at": _TIME,
        }
    ),
}
tools_return_format: Final = TOOLS_RETURN_FORMAT

ErrorCode = Literal[
    "INVALID_ARGUMENT",
    "FORBIDDEN",
    "RESTAURANT_NOT_FOUND",
    "RESTAURANT_CLOSED",
    "MENU_ITEM_NOT_FOUND",
    "MENU_ITEM_UNAVAILABLE",
    "CART_ITEM_NOT_FOUND",
    "CART_EMPTY",
    "ADDRESS_NOT_FOUND",
    "BELOW_MINIMUM",
    "SNAPSHOT_INVALID",
    "ORDER_NOT_FOUND",
]
ERROR_CODES: Final[tuple[ErrorCode, ...]] = get_args(ErrorCode)

ERROR_FORMAT: Final[dict[str, object]] = _closed(
    {"error": _closed({"code": {"type": "string", "enum": list(ERROR_CODES)}, "message": _STRING})}
)
