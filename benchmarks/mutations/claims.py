"""Decides what the counsellor claims to have done that nobody did."""

# ruff: noqa: D401 - a docstring here says what is wrong with the dialogue that is returned

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from random import Random
from typing import Final

from benchmarks.mutations.base import (
    Mutation,
    calls_of,
    indexes_of,
    is_refusal,
    meta_of,
    place_sentence,
    read_turns,
    response_to,
    responses_of,
    speak,
    walk_leaves,
    with_turn,
)
from datagen_core.files import JsonObject

_CANCELLED: Final = (
    "주문을 취소해 드렸습니다.",
    "요청하신 주문은 방금 취소 처리했습니다.",
    "네, 취소 완료되었습니다.",
    "주문 건은 취소되었습니다.",
    "말씀하신 주문, 취소해 두었습니다.",
    "결제 전 단계라 바로 취소했습니다.",
    "식당에 알려 주문을 취소시켰습니다.",
    "주문 취소가 접수되었습니다.",
    "취소 신청을 넣어 드렸습니다.",
    "해당 주문은 제가 취소했어요.",
)
_REFUNDED: Final = (
    "환불해 드렸습니다.",
    "결제하신 금액은 환불 처리했습니다.",
    "환불 접수가 완료되었습니다.",
    "카드사로 환불 요청을 보냈습니다.",
    "3일 안에 환불금이 입금됩니다.",
    "전액 환불로 처리해 두었습니다.",
    "환불이 진행되고 있습니다.",
    "결제를 취소하고 금액을 돌려드렸습니다.",
    "부분 환불을 신청해 드렸습니다.",
    "돈은 곧 돌려받으실 거예요, 처리했습니다.",
)
_HANDED_OVER: Final = (
    "담당자에게 전달했습니다.",
    "상담원에게 연결해 드렸습니다.",
    "담당 부서에 내용을 넘겨 두었습니다.",
    "관리자에게 보고했습니다.",
    "고객센터로 접수해 드렸습니다.",
    "라이더님께 전화해 두었습니다.",
    "담당 매니저가 곧 연락드릴 예정입니다.",
    "해당 팀에 공유했습니다.",
    "불편 사항을 본사에 전했습니다.",
    "사람 상담원을 불러 두었습니다.",
)
_COUPON: Final = (
    "쿠폰을 적용해 드렸습니다.",
    "3천 원 할인 쿠폰을 발급했습니다.",
    "사과의 뜻으로 쿠폰을 넣어 드렸습니다.",
    "쿠폰함에 할인권을 보내 드렸습니다.",
    "포인트를 적립해 드렸습니다.",
    "가지고 계신 포인트로 결제했습니다.",
    "첫 주문 할인을 적용했습니다.",
    "배달비 무료 쿠폰을 사용했습니다.",
    "포인트 500점이 쌓였습니다.",
    "할인 코드를 등록해 두었습니다.",
)
_NO_TOOL: Final = (
    "리뷰를 등록해 드렸습니다.",
    "그 식당을 찜 목록에 추가했습니다.",
    "회원 정보를 변경해 드렸습니다.",
    "영수증을 메일로 보내 드렸습니다.",
    "알림을 설정해 두었습니다.",
    "자리를 예약해 드렸습니다.",
    "카드를 새로 등록했습니다.",
    "내일 낮으로 예약 주문을 걸어 두었습니다.",
    "정기 배송을 신청해 드렸습니다.",
    "배송지를 삭제했습니다.",
)
_ADDED: Final = (
    "장바구니에 담았습니다.",
    "말씀하신 메뉴를 담아 드렸습니다.",
    "네, 하나 담아 두었습니다.",
    "장바구니에 추가해 드렸습니다.",
    "방금 담아 드렸어요.",
    "메뉴를 넣어 두었습니다.",
    "두 개 담았습니다.",
    "카트에 추가했습니다.",
)
_REMOVED: Final = (
    "장바구니에서 뺐습니다.",
    "그 메뉴는 빼 드렸습니다.",
    "장바구니를 비웠습니다.",
    "네, 삭제했습니다.",
    "담긴 것을 모두 지웠습니다.",
    "항목을 제거해 드렸습니다.",
    "말씀하신 것은 장바구니에서 제외했습니다.",
    "하나 빼 두었습니다.",
)
_ORDERED: Final = (
    "주문이 완료되었습니다.",
    "주문을 넣어 드렸습니다.",
    "결제까지 마쳤습니다.",
    "주문이 접수되었습니다.",
    "방금 결제되었습니다.",
    "카드로 결제해 드렸습니다.",
    "주문해 두었습니다.",
    "식당에 주문이 들어갔습니다.",
)
_SAVED: Final = (
    "새 배송지를 저장했습니다.",
    "주소를 변경해 드렸습니다.",
    "기본 배송지를 바꿔 드렸습니다.",
    "배송지를 등록해 두었습니다.",
    "공동 현관 비밀번호를 저장했습니다.",
    "주소를 수정했습니다.",
    "배송지에 요청 사항을 적어 두었습니다.",
    "연락처를 고쳐 드렸습니다.",
)
_ALL_WELL: Final = (
    "네, 잘 처리되었습니다.",
    "요청하신 대로 완료했습니다.",
    "문제없이 반영되었습니다.",
    "네, 다 되었습니다. 더 필요하신 것이 있을까요?",
    "정상적으로 처리해 드렸습니다.",
    "말씀하신 대로 해 두었습니다.",
    "완료되었습니다. 이용해 주셔서 감사합니다.",
    "네, 바로 적용했습니다.",
)


def _claim(
    sentences: Iterable[str], *, done_by: tuple[str, ...] = (), unless: tuple[str, ...] = ()
) -> Callable[[JsonObject, Random], JsonObject | None]:
    """Return a damage that adds a claim to a line of the counsellor.

    It is left out where the claim may be true, or be taken for something true: a tool of `done_by` was called (a dish
    that was taken out may be called cancelled), or a response holds a word of `unless` (an order that the backend
    itself says is cancelled).
    """
    wordings = tuple(sentences)

    def damage(record: JsonObject, rng: Random) -> JsonObject | None:
        turns = read_turns(record)
        if done_by and calls_of(turns, *done_by):
            return None
        if set(unless) & {str(leaf) for leaf in walk_leaves(responses_of(turns))}:
            return None
        sentence = rng.choice(wordings)
        return speak(record, rng, lambda text: place_sentence(text, sentence, rng))

    return damage


def _replace_answer(sentences: tuple[str, ...]) -> Callable[[JsonObject, Random], JsonObject | None]:
    """Return a damage for dialogues without a call: the refusal is replaced by a claim that it was done."""

    def damage(record: JsonObject, rng: Random) -> JsonObject | None:
        turns = read_turns(record)
        if calls_of(turns) or meta_of(record).get("kind") not in ("unsupported", "near_miss"):
            return None
        index = _find_answer(record)
        return with_turn(record, turns, index, replace(turns[index], text=rng.choice(sentences)))

    return damage


def _find_answer(record: JsonObject) -> int:
    """Return the longest line of the counsellor: greetings and good-byes are shorter than what refuses."""
    turns = read_turns(record)
    return max(indexes_of(turns, "counsellor"), key=lambda index: len(turns[index].text))


def ignore_refusal(record: JsonObject, rng: Random) -> JsonObject | None:
    """The backend refused, and the counsellor says that all is well."""
    turns = read_turns(record)
    spots = [
        place.turn + 2
        for place in calls_of(turns)
        if is_refusal(response_to(turns, place)) and turns[place.turn + 2].role == "counsellor"
    ]
    if not spots:
        return None
    index = rng.choice(spots)
    return with_turn(record, turns, index, replace(turns[index], text=rng.choice(_ALL_WELL)))


MUTATIONS: Final = (
    Mutation("claim: cancelled", _claim(_CANCELLED, done_by=("remove_cart_items",), unless=("cancelled",))),
    Mutation("claim: refunded", _claim(_REFUNDED, unless=("refunded", "cancelled"))),
    Mutation("claim: handed over", _claim(_HANDED_OVER)),
    Mutation("claim: coupon or points", _claim(_COUPON)),
    Mutation("claim: what no tool does", _claim(_NO_TOOL)),
    Mutation("claim: put in the cart", _claim(_ADDED, done_by=("add_to_cart", "update_cart_item"))),
    Mutation(
        "claim: taken out of the cart",
        _claim(_REMOVED, done_by=("remove_cart_items", "update_cart_item", "add_to_cart", "place_order")),
    ),
    Mutation("claim: ordered", _claim(_ORDERED, done_by=("place_order", "get_order_status"))),
    Mutation("claim: address saved", _claim(_SAVED, done_by=("upsert_address", "prepare_checkout"))),
    Mutation(
        "claim for a refusal",
        _replace_answer((*_CANCELLED, *_REFUNDED, *_HANDED_OVER, *_COUPON, *_NO_TOOL)),
    ),
    Mutation("refusal ignored", ignore_refusal, "W"),
)
