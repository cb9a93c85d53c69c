"""Decides what a request says of its own kind: what to teach, and an example that shows it.

Each example is a brief as `dialogue/brief` writes it (without its kind) and a script that a test performs and judges.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import orjson

from datagen_core.config import Kind


class Example(NamedTuple):
    """A brief, and the script that a flawless writer answers."""

    brief: str
    script: str


class Section(NamedTuple):
    """What one kind or gold category adds to a request."""

    label: str
    lesson: str
    example: Example


def customer(text: str) -> dict[str, object]:
    """Return a turn of a script."""
    return {"role": "customer", "text": text}


def counsellor(text: str) -> dict[str, object]:
    """Return a turn of a script."""
    return {"role": "counsellor", "text": text}


def call(tool: str, **arguments: object) -> dict[str, object]:
    """Return a turn of a script; optional arguments that are null are left out."""
    return {"role": "call", "tool": tool, "args": arguments}


def example(brief: str, *turns: dict[str, object]) -> Example:
    """Return an example, its script written as compact JSON."""
    return Example(brief, orjson.dumps({"turns": turns}).decode())


KIND_SECTIONS: Final[dict[Kind, Section]] = {
    "tool_use": Section(
        "바로 하기",
        "필요한 값이 고객의 말에 다 있다. 되묻지 않고 바로 도구를 불러 결과를 알린다. 주문 동의와 아직 듣지 못한 결제 수단만 따로 묻는다.",
        example(
            """\
[고객] 40대, 존댓말, 무덤덤함, 입력: 짧게, 양: 한 번에, 서두름: 급함, 말씨: 표준어
[지금] 2026-03-04 (수) 12:14
[식당]
R1 샛별김밥 | 분식 | 평점 4.6 | 영업 중(09:00~21:00) | 최소 9000 | 배달비 2000
  M1 참치김밥 4500, M2 라면 4000
[순서]
1. 담기 {"menu":"M1","quantity":2,"special_request":"단무지 빼 주세요"}
[분량] 고객의 말 1~6번""",
            customer("샛별김밥 참치김밥 두 개요. 단무지 빼 주세요"),
            call("search_restaurants", query="샛별김밥"),
            call("get_restaurant_detail", restaurant_id="R1"),
            call("add_to_cart", restaurant_id="R1", menu_item_id="M1", quantity=2, special_request="단무지 빼 주세요"),
            counsellor(
                "샛별김밥 참치김밥 2개를 '단무지 빼 주세요' 요청과 함께 담았습니다. 지금 금액은 9,000원입니다. 더 담으실 것이 있으신가요?"
            ),
            customer("됐어요"),
            counsellor("네, 주문하실 때 말씀해 주세요."),
        ),
    ),
    "clarification": Section(
        "되묻기",
        "고객은 withhold에 적힌 값을 빼고 부탁한다. 상담사는 그 값을 콕 집어 묻고, 답을 듣기 전에는 그 값이 드는 도구를 부르지 않는다. 고를 것을 보여 줄 조회는 먼저 해도 된다.",
        example(
            """\
[고객] 30대, 반말, 차분함, 입력: 보통, 양: 조금씩, 서두름: 보통, 말씨: 표준어
[지금] 2026-03-04 (수) 18:08
[식당]
R1 샛별김밥 | 분식 | 평점 4.6 | 영업 중(09:00~21:00) | 최소 9000 | 배달비 2000
  M1 참치김밥 4500, M2 라면 4000
[배송지]
A1 김민지 | 010-0123-4567 | 서울 한빛구 새솔로 21 | 302호 | 기본
A2 김민지 | 010-0123-4567 | 서울 누리구 달빛로 135 | 2층
[장바구니]
C1 M1 2개
[순서]
1. 결제준비 {"address":"A2","withhold":"배송지"}
2. 주문 {"payment":"kakao"}
[분량] 고객의 말 1~8번""",
            customer("담아둔 거 주문하려고"),
            call("list_addresses"),
            counsellor(
                "저장된 배송지가 두 곳입니다. 서울 한빛구 새솔로 21 302호와 서울 누리구 달빛로 135 2층 중 어디로 보내 드릴까요?"
            ),
            customer("달빛로"),
            call("prepare_checkout", address_id="A2"),
            counsellor(
                "서울 누리구 달빛로 135 2층으로 준비했습니다. 음식값 9,000원에 배달비 2,000원을 더해 총 11,000원입니다. 이대로 주문할까요? 결제 수단도 말씀해 주세요."
            ),
            customer("응 카카오로 주문해줘"),
            call("place_order", snapshot="S1", payment_method="kakao"),
            counsellor("주문되었습니다. 주문 번호는 {O1}이고 11,000원이 카카오로 결제되었습니다."),
        ),
    ),
    "direct_answer": Section(
        "바로 답하기",
        "도구를 부르지 않고 바로 답한다. 아는 것은 위 도구로 할 수 있는 일과 결제 수단뿐이다. 식당, 메뉴, 금액, 시간을 지어내지 않는다.",
        example(
            """\
[고객] 10대, 반말, 들뜸, 입력: ㅋㅋ, 양: 조금씩, 서두름: 보통, 말씨: 표준어
[지금] 2026-03-07 (토) 17:21
[순서]
1. 안내 {"request":"식당을 어떻게 찾는지 묻기"}
[분량] 고객의 말 1~6번""",
            customer("여기서 식당 어케 찾아? ㅋㅋ"),
            counsellor(
                "드시고 싶은 음식 종류나 메뉴, 상호를 말씀해 주시면 제가 찾아 드립니다. 평점이나 배달비 순으로도 볼 수 있습니다."
            ),
            customer("오 ㅇㅋㅇㅋ"),
            counsellor("네, 드시고 싶은 것이 생기면 말씀해 주세요."),
        ),
    ),
    "unsupported": Section(
        "할 수 없는 일",
        "도구를 하나도 부르지 않는다. 그 일은 할 수 없다고 솔직히 말하고 offer를 권한다. 고객은 알겠다고만 하고 권한 일을 부탁하지 않는다.",
        example(
            """\
[고객] 40대, 존댓말, 공손함, 입력: 보통, 양: 한 번에, 서두름: 보통, 말씨: 표준어
[지금] 2026-03-04 (수) 10:35
[순서]
1. 거절 {"request":"식당이 문을 열면 알림 받기","offer":"상호로 식당을 찾아 영업 여부 보기"}
[분량] 고객의 말 1~6번""",
            customer("단골집이 문 열면 알림을 보내 주실 수 있을까요?"),
            counsellor(
                "죄송하지만 알림은 보내 드릴 수 없습니다. 상호를 말씀해 주시면 지금 영업 중인지는 찾아봐 드릴 수 있습니다."
            ),
            customer("아 네 알겠습니다. 괜찮아요"),
            counsellor("네, 필요하실 때 편하게 말씀해 주세요."),
        ),
    ),
    "off_domain": Section(
        "상관없는 이야기",
        "배달 앱과 상관없는 부탁이다. 도구를 부르지 않고, 부탁한 내용에 답하지도 않는다. 짧게 사양하고 배달 주문 이야기로 돌아온다.",
        example(
            """\
[고객] 50대, 존댓말, 화남, 입력: 보통, 양: 한 번에, 서두름: 급함, 말씨: 표준어
[지금] 2026-03-04 (수) 14:26
[순서]
1. 거절 {"request":"고장 난 보일러 고치는 법 묻기"}
[분량] 고객의 말 1~6번""",
            customer("보일러가 또 고장이에요. 어떻게 고쳐요?"),
            counsellor(
                "불편하시겠지만 보일러에 대해서는 제가 도와드릴 수 없습니다. 식당과 메뉴를 찾거나 주문하시는 일은 도와드리겠습니다."
            ),
            customer("됐어요 그럼"),
            counsellor("네, 배달 주문이 필요하시면 말씀해 주세요."),
        ),
    ),
    "near_miss": Section(
        "비슷하지만 다른 일",
        "비슷해 보이는 도구가 있어도 그것으로는 고객이 바라는 일이 되지 않는다. 주문 번호를 들었어도 도구를 하나도 부르지 않는다. 할 수 없다고 밝히고 offer를 할 수 있다고 알리며, 고객은 그것을 바라지 않는다.",
        example(
            """\
[고객] 20대, 존댓말, 들뜸, 입력: ㅎㅎ와 이모티콘, 양: 한 번에, 서두름: 보통, 말씨: 표준어
[지금] 2026-03-06 (금) 19:43
[지난 주문]
O1 delivering
[순서]
1. 거절 {"order":"O1","request":"주문 번호를 대며 라이더 이름 묻기","offer":"그 번호로 배달 상태 조회"}
[분량] 고객의 말 1~6번""",
            customer("{O1} 이거 가져오시는 라이더분 이름이 뭐예요? ㅎㅎ"),
            counsellor(
                "죄송하지만 라이더의 이름은 제가 알 수 없습니다. 원하시면 그 번호로 배달 상태는 조회해 드릴 수 있습니다."
            ),
            customer("아 그건 괜찮아요 ㅎㅎ 😊"),
            counsellor("네, 다른 도움이 필요하시면 말씀해 주세요."),
        ),
    ),
    "partial": Section(
        "일부만 되는 일",
        "할 수 있는 일은 도구로 하고, 할 수 없는 일은 할 수 없다고 분명히 밝힌다. 할 수 없는 일을 비슷한 도구로 대신하지 않는다.",
        example(
            """\
[고객] 40대, 반말, 차분함, 입력: 짧게, 양: 한 번에, 서두름: 보통, 말씨: 표준어
[지금] 2026-03-04 (수) 19:12
[지난 주문]
O1 preparing
[순서]
1. 조회 {"order":"O1"}
2. 거절 {"request":"그 주문에 메뉴 추가","offer":"새 주문으로 담기","together":true}
[분량] 고객의 말 1~6번""",
            customer("{O1} 어디까지 됐어? 콜라도 하나 추가해줘"),
            call("get_order_status", order_id="O1"),
            counsellor(
                "결제가 완료되어 지금 준비 중입니다. 이미 들어간 주문에 콜라를 더하는 것은 도와드릴 수 없고, 새 주문으로 담아 드릴 수는 있습니다."
            ),
            customer("그럼 됐어"),
            counsellor("네, 필요하시면 말씀해 주세요."),
        ),
    ),
    "follow_up": Section(
        "이어 말하기",
        "고객은 앞에 나온 것을 이름 대신 '그걸로', '두 번째 집', '아까 그거', '하나 빼줘'처럼 가리킨다. 상담사는 이미 본 것에서 찾고, 본 것을 되묻거나 다시 조회하지 않는다.",
        example(
            """\
[고객] 20대, 반말, 들뜸, 입력: 느낌표, 양: 조금씩, 서두름: 급함, 말씨: 표준어
[지금] 2026-03-05 (목) 12:33
[식당]
R1 바다분식 | 분식 | 평점 4.2 | 영업 중(10:00~22:00) | 최소 8000 | 배달비 1500
  메뉴 생략(M1~M6)
R2 샛별김밥 | 분식 | 평점 4.6 | 영업 중(09:00~21:00) | 최소 9000 | 배달비 2000
  M7 참치김밥 4500, M8 라면 4000
[순서]
1. 검색 {"filters":{"category":"분식"}}
2. 메뉴 {"restaurant":"R2","ordinal":2}
3. 담기 {"menu":"M8","quantity":2}
[분량] 고객의 말 1~10번""",
            customer("분식집 찾아줘!"),
            call("search_restaurants", category="분식"),
            counsellor(
                "분식집은 바다분식(평점 4.2, 배달비 1,500원)과 샛별김밥(평점 4.6, 배달비 2,000원) 두 곳입니다. 둘 다 영업 중입니다."
            ),
            customer("두 번째 집 메뉴!!"),
            call("get_restaurant_detail", restaurant_id="R2"),
            counsellor("샛별김밥에는 참치김밥 4,500원, 라면 4,000원이 있습니다. 담으실 것이 있으신가요?"),
            customer("라면 그걸로 두 개!"),
            call("add_to_cart", restaurant_id="R2", menu_item_id="M8", quantity=2),
            counsellor("라면 2개를 담았습니다. 지금 금액은 8,000원입니다."),
        ),
    ),
    "correction": Section(
        "말 바꾸기",
        "고객이 마음을 바꾼다. 순서의 다음 줄이 바뀐 마음이다. retracted는 같은 말에서 거두는 것이라 실행하지 않고, 이미 한 일은 빼기나 변경으로 바로잡는다. 상담사는 마지막으로 정한 뜻만 실행하고 그것만 확인해 준다.",
        example(
            """\
[고객] 30대, 반말, 무덤덤함, 입력: 띄어쓰기 없음, 양: 조금씩, 서두름: 보통, 말씨: 표준어
[지금] 2026-03-04 (수) 20:17
[식당]
R1 샛별김밥 | 분식 | 평점 4.6 | 영업 중(09:00~21:00) | 최소 9000 | 배달비 2000
  M1 참치김밥 4500, M2 라면 4000
[순서]
1. 담기 {"menu":"M1","quantity":1,"retracted":"M2"}
[분량] 고객의 말 1~6번""",
            customer("샛별김밥라면하나…아니다참치김밥하나로담아줘"),
            call("search_restaurants", query="샛별김밥"),
            call("get_restaurant_detail", restaurant_id="R1"),
            call("add_to_cart", restaurant_id="R1", menu_item_id="M1", quantity=1),
            counsellor("샛별김밥 참치김밥 1개를 담았습니다. 지금 금액은 4,500원입니다."),
            customer("응그거면돼"),
            counsellor("네, 주문하실 때 말씀해 주세요."),
        ),
    ),
    "error_recovery": Section(
        "거절당한 뒤 잇기",
        "백엔드가 거절하거나 조회에서 안 된다는 것이 드러난다. 상담사는 그 까닭을 알리고 다른 길을 물으며, 고객이 고른 길로 이어 간다.",
        example(
            """\
[고객] 60대, 존댓말, 차분함, 입력: 보통, 양: 조금씩, 서두름: 느긋함, 말씨: 충청도
[지금] 2026-03-04 (수) 13:05
[식당]
R1 샛별김밥 | 분식 | 평점 4.6 | 영업 중(09:00~21:00) | 최소 9000 | 배달비 2000
  M1 참치김밥 4500, M2 라면 4000
[도중에 생기는 일]
- add_to_cart 1번째 호출 직전: M1 품절
[순서]
1. 담기 {"menu":"M1","quantity":1,"refused":"MENU_ITEM_UNAVAILABLE","unforeseen":true}
2. 담기 {"menu":"M2","quantity":1}
[분량] 고객의 말 1~8번""",
            customer("샛별김밥서 참치김밥 하나 담아 주셔유"),
            call("search_restaurants", query="샛별김밥"),
            call("get_restaurant_detail", restaurant_id="R1"),
            call("add_to_cart", restaurant_id="R1", menu_item_id="M1", quantity=1),
            counsellor("죄송합니다. 참치김밥이 품절되어 담지 못했습니다. 다른 메뉴로 담아 드릴까요?"),
            customer("그럼 라면 하나 주셔유"),
            call("add_to_cart", restaurant_id="R1", menu_item_id="M2", quantity=1),
            counsellor("네, 라면 1개를 담았습니다. 지금 금액은 4,000원입니다."),
        ),
    ),
}
"""The section of each kind; the label also stands in a brief, where it names the kind."""
