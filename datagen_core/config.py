"""Decides the domain: its tools, topics, kinds, gold categories and people. Change the domain here first.

Longer than our modules are: it is one table of constants, and the original pipeline promises them in one file.
"""

from __future__ import annotations

import uuid
from typing import Final, Literal, NamedTuple, get_args

Category = Literal["한식", "중식", "일식", "분식", "치킨", "피자", "카페", "야식"]
CATEGORIES: Final[tuple[Category, ...]] = get_args(Category)

Sort = Literal["relevance", "rating", "delivery_fee"]
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)

PaymentMethod = Literal["card", "kakao", "naver", "toss"]
PAYMENT_METHODS: Final[tuple[PaymentMethod, ...]] = get_args(PaymentMethod)

OrderStatus = Literal["pending", "paid", "preparing", "delivering", "delivered", "cancelled"]
ORDER_STATUSES: Final[tuple[OrderStatus, ...]] = get_args(OrderStatus)

Writer = Literal["script", "transcript"]
"""What the LLM is asked to write: a script that the backend performs, or a transcript with responses it invents."""

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

Withheld = Literal[
    "음식 종류",
    "식당",
    "메뉴",
    "옵션",
    "수량",
    "항목",
    "요청 사항",
    "배송지",
    "주소",
    "상세 주소",
    "받는 사람",
    "전화번호",
    "비밀번호",
    "결제 수단",
    "주문 번호",
]
WITHHELD: Final[tuple[Withheld, ...]] = get_args(Withheld)
"""What a customer may leave out until asked. 옵션 is a dish's size, 항목 a line of the cart, 주소 the street."""

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
            "pagination": _closed({"page": _COUNT, "page_size": _COUNT, "total_items": _COUNT, "total_pages": _COUNT}),
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


class Topic(NamedTuple):
    """What a dialogue is about: a stable key, the Korean label, and the kinds that can be asked about it."""

    key: str
    label: str
    kinds: tuple[Kind, ...]


QUESTION_TOPICS: Final[tuple[Topic, ...]] = (
    Topic("search_category", "음식 종류로 식당 찾기", ("tool_use", "correction")),
    Topic("search_open", "지금 문 연 곳만 찾기", ("tool_use",)),
    Topic("search_rating", "평점 높은 순으로 보기", ("tool_use",)),
    Topic("search_fee", "배달비 싼 순으로 보기", ("tool_use",)),
    Topic("search_min_rating", "평점 몇 점 이상만 찾기", ("tool_use",)),
    Topic("search_set", "여러 조건으로 한 번에 찾기", ("tool_use",)),
    Topic("search_two", "두 종류의 식당을 같이 찾기", ("tool_use",)),
    Topic("search_narrow", "찾은 결과를 차츰 좁히기", ("tool_use", "follow_up")),
    Topic("search_what", "무엇을 먹을지 정하지 않고 식당 찾기", ("clarification",)),
    Topic("search_dish", "먹고 싶은 요리로 식당 찾기", ("tool_use", "correction")),
    Topic("search_relevance", "요리로 찾아 관련도순으로 보기", ("tool_use",)),
    Topic("search_shop", "상호로 식당 찾기", ("tool_use",)),
    Topic("search_to_cart", "요리로 찾은 집에서 바로 담기", ("tool_use", "follow_up")),
    Topic("menu_prices", "식당의 메뉴와 가격 보기", ("tool_use",)),
    Topic("compare_menus", "두 식당의 메뉴 견주기", ("tool_use",)),
    Topic("menu_ordinal", "앞서 나온 몇 번째 집의 메뉴 보기", ("follow_up",)),
    Topic("opening_hours", "어느 시각에 문을 여는지 묻기", ("tool_use",)),
    Topic("hours_there", "메뉴를 본 집이 언제 여는지 묻기", ("follow_up",)),
    Topic("add_one", "메뉴 하나 담기", ("tool_use", "clarification", "correction")),
    Topic("add_size", "크기를 말하지 않고 담기", ("clarification",)),
    Topic("add_where", "식당을 말하지 않고 담기", ("clarification",)),
    Topic("add_request", "요청 사항과 함께 담기", ("tool_use",)),
    Topic("add_several", "여러 메뉴 담기", ("tool_use", "follow_up")),
    Topic("cheapest", "가장 싼 메뉴 고르기", ("tool_use", "follow_up")),
    Topic("dearest", "가장 비싼 메뉴 고르기", ("follow_up",)),
    Topic("cart_view", "장바구니 확인하기", ("tool_use",)),
    Topic("cart_and_addresses", "주문 전에 장바구니와 배송지 확인하기", ("tool_use",)),
    Topic("quantity", "담은 수량 바꾸기", ("tool_use", "clarification", "follow_up", "correction")),
    Topic("quantity_at_once", "수량을 말하자마자 고치기", ("correction",)),
    Topic("one_more", "담은 것을 하나 더하기", ("follow_up",)),
    Topic("one_less", "담은 것을 하나 빼기", ("follow_up",)),
    Topic("request_change", "담은 메뉴의 요청 바꾸기", ("tool_use", "clarification", "correction")),
    Topic("request_that", "방금 담은 것에 요청 더하기", ("follow_up",)),
    Topic("remove", "담은 메뉴 빼기", ("tool_use", "clarification", "follow_up")),
    Topic("remove_ordinal", "장바구니를 보고 몇 번째 것 빼기", ("follow_up",)),
    Topic("clear_cart", "장바구니 비우기", ("tool_use",)),
    Topic("swap", "담은 메뉴를 다른 것으로 바꾸기", ("tool_use", "correction")),
    Topic("switch_shop", "다른 식당으로 갈아타기", ("tool_use", "correction")),
    Topic("top_up", "담아 둔 것에 더 담아 주문하기", ("tool_use",)),
    Topic("address_list", "저장한 배송지 보기", ("tool_use",)),
    Topic("address_new", "새 배송지 저장하기", ("tool_use", "clarification", "correction")),
    Topic("address_street", "주소를 다 말하지 않고 배송지 저장하기", ("clarification",)),
    Topic("address_fix", "배송지 고치기", ("tool_use", "clarification")),
    Topic("address_default", "기본 배송지 바꾸기", ("tool_use",)),
    Topic("gate_password", "공동 현관 비밀번호 저장하기", ("tool_use", "clarification")),
    Topic("address_note", "배송지에 늘 전할 요청 저장하기", ("tool_use",)),
    Topic("first_address", "배송지를 처음 저장하고 주문하기", ("tool_use",)),
    Topic("same_address", "방금 저장한 배송지로 주문하기", ("follow_up",)),
    Topic("checkout_total", "결제 전에 총액 확인하기", ("tool_use",)),
    Topic("checkout_note", "배달 요청을 남기고 주문하기", ("tool_use", "correction")),
    Topic("checkout_address", "어느 배송지로 받을지 정하기", ("clarification", "correction")),
    Topic("payment", "결제 수단을 골라 주문하기", ("tool_use", "clarification", "correction")),
    Topic("company_payment", "결제사 식별값을 대며 주문하기", ("tool_use",)),
    Topic("full_cycle", "찾기부터 주문까지 한 번에", ("tool_use",)),
    Topic("order_status", "주문 상태 묻기", ("tool_use", "clarification")),
    Topic("payment_status", "결제가 되었는지 묻기", ("tool_use", "clarification")),
    Topic("order_number_wrong", "주문 번호가 아닌 번호를 대며 상태 묻기", ("clarification",)),
    Topic("two_orders", "두 주문의 상태 묻기", ("tool_use",)),
    Topic("after_order", "방금 한 주문의 상태 묻기", ("follow_up",)),
    Topic("sold_out", "품절된 메뉴 대신 고르기", ("error_recovery",)),
    Topic("dish_gone", "사라진 메뉴 대신 고르기", ("error_recovery",)),
    Topic("closed_shop", "문 닫은 식당 대신 고르기", ("error_recovery",)),
    Topic("closed_meanwhile", "결제하려는데 문 닫은 식당", ("error_recovery",)),
    Topic("shop_gone", "배달을 그만둔 식당 대신 고르기", ("error_recovery",)),
    Topic("line_gone", "다른 화면에서 빠진 장바구니 항목", ("error_recovery",)),
    Topic("empty_cart", "빈 장바구니로 결제하려 하기", ("error_recovery",)),
    Topic("address_gone", "다른 화면에서 지운 배송지", ("error_recovery",)),
    Topic("below_minimum", "최소 주문 금액 채우기", ("error_recovery",)),
    Topic("checkout_expired", "만료된 결제를 다시 준비하기", ("error_recovery",)),
    Topic("too_many", "담을 수 있는 수량을 넘는 단체 주문", ("error_recovery",)),
    Topic("wrong_order_id", "잘못 알고 있던 주문 번호 바로잡기", ("error_recovery",)),
    Topic("foreign_order", "다른 사람의 주문 번호로 묻기", ("error_recovery",)),
    Topic("status_and_cancel", "상태를 보고 취소까지 바라기", ("partial",)),
    Topic("status_and_rider", "상태를 보고 라이더와 통화까지 바라기", ("partial",)),
    Topic("payment_and_refund", "결제를 확인하고 환불까지 바라기", ("partial",)),
    Topic("order_and_coupon", "주문하며 쿠폰까지 바라기", ("partial",)),
    Topic("checkout_and_eta", "총액과 함께 도착 시각까지 바라기", ("partial",)),
    Topic("order_and_receipt", "주문하며 영수증까지 바라기", ("partial",)),
    Topic("search_and_reserve", "식당을 찾고 예약까지 바라기", ("partial",)),
    Topic("search_and_review", "식당을 찾고 리뷰까지 바라기", ("partial",)),
    Topic("menu_and_calories", "메뉴와 함께 칼로리까지 바라기", ("partial",)),
    Topic("add_and_allergy", "담으며 알레르기 성분까지 묻기", ("partial",)),
    Topic("cart_and_points", "장바구니를 보고 포인트까지 쓰기를 바라기", ("partial",)),
    Topic("address_and_move", "배송지를 저장하고 지난 주문까지 옮겨 주기를 바라기", ("partial",)),
    Topic("about_service", "상담사와 할 수 있는 일 묻기", ("direct_answer",)),
    Topic("how_it_works", "앱에서 되는 일의 방식 묻기", ("direct_answer",)),
    Topic("small_talk", "인사와 감사, 앱 안의 잡담", ("direct_answer",)),
    Topic("cannot_do", "앱이 여기서 못 하는 일", ("unsupported",)),
    Topic("look_alike", "도구로 될 듯하지만 안 되는 일", ("near_miss",)),
    Topic("elsewhere", "앱과 상관없는 일", ("off_domain",)),
)


class Unsupported(NamedTuple):
    """Something no tool does: what the customer wants, and the nearest thing that can be offered (empty off-domain)."""

    request: str
    offer: str


UNSUPPORTED_IN_DOMAIN: Final[tuple[Unsupported, ...]] = (
    Unsupported("보유한 쿠폰 확인과 적용", "쿠폰 없이 총액을 확인하고 주문하기"),
    Unsupported("포인트 적립 내역 조회", "장바구니 금액 확인"),
    Unsupported("지난 주문 목록 전체 보기", "주문 번호를 알려 주면 그 주문의 상태 조회"),
    Unsupported("이미 넣은 주문 취소", "주문 번호로 진행 상태 조회"),
    Unsupported("결제한 금액 환불", "주문 번호로 결제 상태 조회"),
    Unsupported("라이더의 현재 위치 추적", "주문 번호로 배달 상태 조회"),
    Unsupported("라이더와 전화 연결", "주문 번호로 배달 상태 조회"),
    Unsupported("식당 리뷰 읽기", "평점 높은 순으로 식당 찾기"),
    Unsupported("리뷰 작성과 별점 남기기", "다른 식당이나 메뉴 찾기"),
    Unsupported("식당을 찜 목록에 저장", "상호로 식당 찾기"),
    Unsupported("회원 정보의 휴대폰 번호 변경", "배송지에 적힌 연락처 고치기"),
    Unsupported("회원 탈퇴", "배송지나 장바구니 정리"),
    Unsupported("카드를 새로 등록", "카드, 카카오, 네이버, 토스 가운데 결제 수단 고르기"),
    Unsupported("현금이나 만나서 결제", "카드, 카카오, 네이버, 토스로 결제하기"),
    Unsupported("식당 자리 예약", "배달되는 식당 찾기"),
    Unsupported("음식의 칼로리와 영양 성분 안내", "식당의 메뉴와 가격 안내"),
    Unsupported("알레르기 유발 성분 확인", "담을 때 요청 사항 남기기"),
    Unsupported("배달 도착 예정 시각을 분 단위로 안내", "주문 번호로 진행 상태 조회"),
    Unsupported("내일 시각을 정해 예약 배달", "지금 주문하기"),
    Unsupported("이미 출발한 주문의 배송지 변경", "다음 주문에 쓸 배송지 저장"),
    Unsupported("영수증과 세금계산서 발급", "주문 번호로 결제 상태 조회"),
    Unsupported("선물하기로 친구에게 보내기", "친구의 주소를 배송지로 저장하고 주문하기"),
    Unsupported("정기 구독 할인 가입", "배달비 낮은 순으로 식당 찾기"),
    Unsupported("음식에 이물질이 나왔다는 보상 요구", "주문 번호로 주문 상태 조회"),
    Unsupported("식당 사장님에게 직접 말 전하기", "주문할 때 배달 요청 남기기"),
    Unsupported("배달비 깎아 주기", "배달비 낮은 순으로 식당 찾기"),
    Unsupported("주문한 메뉴를 다른 것으로 바꾸기", "주문 번호로 진행 상태 조회"),
    Unsupported("덜 온 메뉴를 다시 보내 주기", "주문 번호로 주문 상태 조회"),
    Unsupported("늦은 배달 독촉하기", "주문 번호로 배달 상태 조회"),
    Unsupported("사람 상담원과 연결", "식당 찾기와 주문을 바로 돕기"),
    Unsupported("두 카드로 나누어 결제하기", "한 가지 수단으로 결제하기"),
    Unsupported("사진을 보고 같은 음식 찾기", "요리 이름으로 식당 찾기"),
)

UNSUPPORTED_OFF_DOMAIN: Final[tuple[Unsupported, ...]] = (
    Unsupported("내일 날씨 알려 주기", ""),
    Unsupported("주식 종목 추천", ""),
    Unsupported("영어 문장 번역", ""),
    Unsupported("축구 경기 결과 알려 주기", ""),
    Unsupported("택시 부르기", ""),
    Unsupported("수학 숙제 풀어 주기", ""),
    Unsupported("기차표 예매", ""),
    Unsupported("노래 추천", ""),
    Unsupported("감기에 먹을 약 추천", ""),
    Unsupported("자기소개서 고쳐 주기", ""),
    Unsupported("영화 예매", ""),
    Unsupported("로또 번호 골라 주기", ""),
    Unsupported("운동 방법 알려 주기", ""),
    Unsupported("여행지 추천", ""),
    Unsupported("휴대폰 요금제 비교", ""),
    Unsupported("부동산 시세 묻기", ""),
    Unsupported("컴퓨터 오류 고치기", ""),
    Unsupported("오늘의 운세 보기", ""),
    Unsupported("길 찾기와 버스 시간 묻기", ""),
    Unsupported("집에서 만드는 요리법 묻기", ""),
)

UNSUPPORTED_SCENARIOS: Final[tuple[Unsupported, ...]] = UNSUPPORTED_IN_DOMAIN + UNSUPPORTED_OFF_DOMAIN

NEAR_MISSES: Final[tuple[Unsupported, ...]] = (
    Unsupported("주문 번호를 대며 환불 요구", "그 번호로 결제 상태 조회"),
    Unsupported("주문 번호를 대며 취소 요구", "그 번호로 진행 상태 조회"),
    Unsupported("주문 번호를 대며 라이더 위치 묻기", "그 번호로 배달 상태 조회"),
    Unsupported("주문 번호를 대며 배송지 변경 요구", "그 번호로 진행 상태 조회"),
    Unsupported("식당 리뷰를 읽어 달라고 하기", "평점 높은 순으로 식당 찾기"),
    Unsupported("식당 전화번호 묻기", "식당의 메뉴와 영업 여부 안내"),
    Unsupported("지난번과 똑같이 다시 주문해 달라고 하기", "메뉴를 알려 주면 새로 담아 주문하기"),
    Unsupported("배송지를 지워 달라고 하기", "배송지 고치기"),
    Unsupported("주문 번호를 대며 결제 수단을 바꿔 달라고 하기", "그 번호로 결제 상태 조회"),
    Unsupported("주문 번호를 대며 메뉴를 추가해 달라고 하기", "새로 담아 주문하기"),
    Unsupported("주문 번호를 대며 영수증 요구", "그 번호로 결제 상태 조회"),
    Unsupported("주문 번호를 대며 무엇을 시켰는지 묻기", "그 번호로 진행 상태 조회"),
    Unsupported("식당의 배달 가능 지역 넓혀 달라고 하기", "지금 배달되는 식당 찾기"),
    Unsupported("저장한 배송지에서 식당까지 거리 묻기", "배달비 낮은 순으로 식당 찾기"),
    Unsupported("평점을 고쳐 달라고 하기", "평점 높은 순으로 식당 찾기"),
    Unsupported("문 닫은 식당을 열리면 알려 달라고 하기", "어느 시각에 영업하는지 확인"),
)
"""Requests that look as if a tool could do them; taking that tool would be wrong."""

SMALL_TALK: Final[tuple[Unsupported, ...]] = (
    Unsupported("누구인지 묻기", ""),
    Unsupported("무엇을 할 수 있는지 묻기", ""),
    Unsupported("무엇을 할 수 없는지 묻기", ""),
    Unsupported("사람인지 기계인지 묻기", ""),
    Unsupported("어떤 음식 종류가 있는지 묻기", ""),
    Unsupported("어떤 순서로 정렬할 수 있는지 묻기", ""),
    Unsupported("취소나 환불도 여기서 되는지 묻기", ""),
    Unsupported("반말로 말해도 되는지 묻기", ""),
    Unsupported("어떤 결제 수단이 되는지 묻기", ""),
    Unsupported("주문하는 순서 묻기", ""),
    Unsupported("한 번에 두 식당에서 시킬 수 있는지 묻기", ""),
    Unsupported("주문 번호를 어디에 쓰는지 묻기", ""),
    Unsupported("최소 주문 금액이 무엇인지 묻기", ""),
    Unsupported("총액에 무엇이 들어가는지 묻기", ""),
    Unsupported("배송지를 여러 곳 저장할 수 있는지 묻기", ""),
    Unsupported("요청 사항은 어디에 남기는지 묻기", ""),
    Unsupported("인사하고 나중에 다시 오겠다고 하기", ""),
    Unsupported("도와줘서 고맙다고 하기", ""),
    Unsupported("맛있게 먹었다고 말하기", ""),
    Unsupported("배고프다고 말하기", ""),
    Unsupported("무엇을 먹을지 고민이라고 말하기", ""),
    Unsupported("잘못 들어왔다고 말하기", ""),
    Unsupported("수고가 많다고 말하기", ""),
    Unsupported("답이 빠르다고 칭찬하기", ""),
)
"""Lines within the app that need no tool, eight about the counsellor, eight about the app, eight of small talk."""


class Persona(NamedTuple):
    """How a customer talks: how politely, in what mood, how typed, how much at once, how hurried, in what dialect."""

    age: str
    register: Literal["존댓말", "반말"]
    mood: str
    typing: str
    amount: Literal["한 번에", "조금씩"] = "한 번에"
    pace: Literal["급함", "보통", "느긋함"] = "보통"
    dialect: Literal["표준어", "경상도", "전라도", "충청도"] = "표준어"


PERSONAS: Final[tuple[Persona, ...]] = (
    Persona("20대", "반말", "무덤덤함", "오타", "조금씩", "급함"),
    Persona("30대", "존댓말", "차분함", "보통", "한 번에", "보통"),
    Persona("60대", "존댓말", "조심스러움", "또박또박", "조금씩", "느긋함"),
    Persona("10대", "반말", "들뜸", "ㅋㅋ", "조금씩", "보통"),
    Persona("40대", "존댓말", "무덤덤함", "짧게", "한 번에", "급함"),
    Persona("50대", "존댓말", "화남", "보통", "한 번에", "급함"),
    Persona("20대", "존댓말", "들뜸", "ㅎㅎ와 이모티콘", "한 번에", "보통"),
    Persona("30대", "반말", "무덤덤함", "띄어쓰기 없음", "조금씩", "보통"),
    Persona("70대", "반말", "느긋함", "또박또박", "조금씩", "느긋함"),
    Persona("40대", "존댓말", "공손함", "보통", "한 번에", "보통"),
    Persona("30대", "존댓말", "피곤함", "말줄임", "조금씩", "느긋함"),
    Persona("50대", "반말", "차분함", "보통", "한 번에", "보통", "경상도"),
    Persona("60대", "존댓말", "차분함", "보통", "조금씩", "느긋함", "충청도"),
    Persona("40대", "반말", "들뜸", "보통", "한 번에", "보통", "전라도"),
    Persona("50대", "존댓말", "공손함", "짧게", "한 번에", "급함", "경상도"),
    Persona("20대", "반말", "화남", "느낌표", "조금씩", "급함"),
    Persona("10대", "존댓말", "조심스러움", "말줄임", "조금씩", "보통"),
    Persona("30대", "존댓말", "들뜸", "느낌표", "한 번에", "급함"),
    Persona("20대", "존댓말", "피곤함", "문장부호 없음", "한 번에", "보통"),
    Persona("40대", "반말", "차분함", "짧게", "한 번에", "보통"),
)
"""Twenty, because the rarest kind has twenty scenarios in 400: each kind then meets each persona."""

RECIPIENTS: Final[tuple[str, ...]] = (
    "김민지", "이서준", "박하은", "최도윤", "정수아", "강지호", "조은서", "윤시우", "장예린", "임건우",
    "한지안", "오현서", "서유나", "신재윤", "권나은", "황태오", "안소율", "송민재", "류다인", "홍가람",
)  # fmt: skip
"""Invented people; every recipient in the data is one of these."""

PHONE_PREFIX: Final = "010-0"
"""Every phone number in the data begins so: no subscriber number begins with 0, so none can be a real one."""

STREETS: Final[tuple[str, ...]] = (
    "서울 한빛구 새솔로 21", "서울 한빛구 가온길 8", "서울 누리구 달빛로 135", "서울 누리구 솔바람길 17",
    "서울 도담구 은하로 302", "서울 도담구 별내길 44", "경기 다온시 푸른로 56", "경기 다온시 햇살길 9",
    "부산 미르구 물결로 77", "부산 미르구 갈매길 12", "대구 아름구 느티로 210", "인천 바람구 등대로 33",
    "대전 시나브로구 한밭길 61", "광주 온새미구 무등길 5", "서울 한빛구 윤슬로 140", "경기 마루시 들꽃길 28",
)  # fmt: skip
"""Invented streets of invented districts."""

UNITS: Final[tuple[str, ...]] = (
    "101동 1203호", "302호", "2층", "7층", "B동 504호", "203동 801호", "지하 1층", "1105호",
)  # fmt: skip
