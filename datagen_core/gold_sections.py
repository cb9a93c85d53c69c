"""Decides what a request says of its gold category, beside what its kind says: what must be shown, and an example."""

from __future__ import annotations

from typing import Final

from datagen_core.config import GoldCategory
from datagen_core.prompt_sections import Section, call, counsellor, customer, example

CATEGORY_SECTIONS: Final[dict[GoldCategory, Section]] = {
    "단순/연속 검색": Section(
        "이어지는 검색",
        "search_restaurants만 부른다. 고객의 조건이 바뀔 때마다 새로 부르고 결과를 알린다. 메뉴를 열거나 담지 않는다.",
        example(
            """\
[고객] 30대, 존댓말, 차분함, 입력: 보통, 양: 조금씩, 서두름: 보통, 말씨: 표준어
[지금] 2026-03-08 (일) 18:24
[식당]
R1 바다분식 | 분식 | 평점 4.2 | 영업 중(10:00~22:00) | 최소 8000 | 배달비 1500
  메뉴 생략(M1~M6)
R2 오름돈가스 | 일식 | 평점 4.4 | 영업 중(11:00~21:30) | 최소 12000 | 배달비 3000
  메뉴 생략(M7~M12)
R3 샛별김밥 | 분식 | 평점 4.6 | 영업 중(09:00~21:00) | 최소 9000 | 배달비 2000
  메뉴 생략(M13~M18)
[순서]
1. 검색 {"filters":{"category":"분식"}}
2. 좁히기 {"filters":{"category":"분식","sort":"rating"}}
3. 검색 {"filters":{"query":"돈가스"}}
[분량] 고객의 말 1~10번""",
            customer("분식집 있나요?"),
            call("search_restaurants", category="분식"),
            counsellor("네, 바다분식(평점 4.2)과 샛별김밥(평점 4.6) 두 곳이 있습니다."),
            customer("평점 높은 순으로 보여 주세요"),
            call("search_restaurants", category="분식", sort="rating"),
            counsellor("평점 높은 순으로 샛별김밥 4.6, 바다분식 4.2입니다."),
            customer("음 그냥 돈가스 먹을래요. 찾아 주세요"),
            call("search_restaurants", query="돈가스"),
            counsellor("돈가스는 오름돈가스 한 곳이 있습니다. 평점은 4.4, 배달비는 3,000원입니다."),
        ),
    ),
    "메뉴 조회": Section(
        "메뉴 보기",
        "고객은 식당을 상호 대신 앞의 검색 결과에서 가리킨다('두 번째 집 메뉴'). 상담사는 그 식당을 get_restaurant_detail로 열어 메뉴와 가격을 알린다.",
        example(
            """\
[고객] 20대, 존댓말, 피곤함, 입력: 문장부호 없음, 양: 한 번에, 서두름: 보통, 말씨: 표준어
[지금] 2026-03-09 (월) 12:07
[식당]
R1 바다분식 | 분식 | 평점 4.2 | 영업 중(10:00~22:00) | 최소 8000 | 배달비 1500
  메뉴 생략(M1~M6)
R2 샛별김밥 | 분식 | 평점 4.6 | 영업 중(09:00~21:00) | 최소 9000 | 배달비 2000
  M7 참치김밥 4500, M8 라면 4000, M9 떡볶이 5000(품절)
[순서]
1. 검색 {"filters":{"category":"분식"}}
2. 메뉴 {"restaurant":"R2","ordinal":2}
[분량] 고객의 말 1~8번""",
            customer("분식집 뭐 있어요"),
            call("search_restaurants", category="분식"),
            counsellor("바다분식(평점 4.2)과 샛별김밥(평점 4.6) 두 곳이 있고, 둘 다 영업 중입니다."),
            customer("두 번째 집 메뉴 알려 주세요"),
            call("get_restaurant_detail", restaurant_id="R2"),
            counsellor("샛별김밥의 메뉴는 참치김밥 4,500원, 라면 4,000원, 떡볶이 5,000원이고, 떡볶이는 품절입니다."),
        ),
    ),
    "장바구니 조작": Section(
        "장바구니 다루기",
        "담기, 변경, 빼기가 섞인다. 메뉴는 먼저 조회한 뒤에 담고, 바뀔 때마다 지금 담긴 것과 금액을 알린다.",
        example(
            """\
[고객] 20대, 반말, 무덤덤함, 입력: 보통, 양: 조금씩, 서두름: 급함, 말씨: 표준어
[지금] 2026-03-10 (화) 18:41
[식당]
R1 샛별김밥 | 분식 | 평점 4.6 | 영업 중(09:00~21:00) | 최소 9000 | 배달비 2000
  M1 참치김밥 4500, M2 라면 4000
[순서]
1. 담기 {"menu":"M1","quantity":1}
2. 담기 {"menu":"M2","quantity":2}
3. 변경 {"items":["C1"],"quantity":3}
4. 빼기 {"items":["C2"]}
[분량] 고객의 말 1~12번""",
            customer("샛별김밥 참치김밥 하나 담아줘"),
            call("search_restaurants", query="샛별김밥"),
            call("get_restaurant_detail", restaurant_id="R1"),
            call("add_to_cart", restaurant_id="R1", menu_item_id="M1", quantity=1),
            counsellor("참치김밥 1개를 담았습니다. 지금 금액은 4,500원입니다."),
            customer("라면 두 개도"),
            call("add_to_cart", restaurant_id="R1", menu_item_id="M2", quantity=2),
            counsellor("라면 2개를 더 담았습니다. 지금 금액은 12,500원입니다."),
            customer("김밥은 세 개로 바꿔줘"),
            call("update_cart_item", cart_item_id="C1", quantity=3),
            counsellor("참치김밥을 3개로 바꿨습니다. 지금 금액은 21,500원입니다."),
            customer("라면은 빼줘"),
            call("remove_cart_items", cart_item_ids=["C2"]),
            counsellor("라면을 뺐습니다. 참치김밥 3개, 13,500원이 남았습니다."),
        ),
    ),
    "주문 이력/상태": Section(
        "주문 상태",
        "주문 목록을 보는 도구는 없다. 주문 번호를 빼고 묻거나 주문 번호가 아닌 것을 대면 번호를 물어, 들은 다음에 조회한다.",
        example(
            """\
[고객] 50대, 존댓말, 화남, 입력: 보통, 양: 한 번에, 서두름: 급함, 말씨: 표준어
[지금] 2026-03-11 (수) 19:52
[지난 주문]
O1 delivering
[순서]
1. 조회 {"order":"O1","withhold":"주문 번호","mistaken":"4417"}
[분량] 고객의 말 1~8번""",
            customer("4417번 주문 왜 이렇게 안 와요?"),
            counsellor("불편을 드려 죄송합니다. 말씀하신 4417은 주문 번호가 아닙니다. 주문 번호를 알려 주시겠어요?"),
            customer("{O1} 이거요"),
            call("get_order_status", order_id="O1"),
            counsellor("확인해 보니 결제가 완료되었고 지금 배달 중입니다. 도착 시각은 제가 알 수 없어 죄송합니다."),
        ),
    ),
    "주문 처리": Section(
        "주문하기",
        "prepare_checkout의 총액을 알리고 동의를 받은 다음, 바로 그 스냅샷으로 place_order를 부른다.",
        example(
            """\
[고객] 30대, 존댓말, 들뜸, 입력: 느낌표, 양: 한 번에, 서두름: 급함, 말씨: 표준어
[지금] 2026-03-12 (목) 18:55
[식당]
R1 샛별김밥 | 분식 | 평점 4.6 | 영업 중(09:00~21:00) | 최소 9000 | 배달비 2000
  M1 참치김밥 4500, M2 라면 4000
[배송지]
A1 김민지 | 010-0123-4567 | 서울 한빛구 새솔로 21 | 302호 | 기본
[장바구니]
C1 M1 2개
[순서]
1. 결제준비 {"address":"A1","note":"벨은 누르지 말아 주세요"}
2. 주문 {"payment":"card"}
[분량] 고객의 말 1~8번""",
            customer("담아 둔 거 집으로 주문할게요! 벨은 누르지 말아 주세요!"),
            call("list_addresses"),
            call("prepare_checkout", address_id="A1", delivery_note="벨은 누르지 말아 주세요"),
            counsellor(
                "기본 배송지인 서울 한빛구 새솔로 21 302호로, '벨은 누르지 말아 주세요' 요청과 함께 준비했습니다. 음식값 9,000원에 배달비 2,000원을 더해 총 11,000원입니다. 어떤 결제 수단으로 주문할까요?"
            ),
            customer("네 카드로 주문해 주세요!"),
            call("place_order", snapshot="S1", payment_method="card"),
            counsellor("주문되었습니다. 주문 번호는 {O1}이고 11,000원이 카드로 결제되었습니다."),
        ),
    ),
    "멀티턴 복합": Section(
        "처음부터 끝까지",
        "검색, 메뉴, 담기, 결제 준비, 주문을 한 대화에서 차례로 모두 한다. 앞에서 나온 식별자를 그대로 이어 쓴다.",
        example(
            """\
[고객] 40대, 존댓말, 공손함, 입력: 보통, 양: 한 번에, 서두름: 보통, 말씨: 표준어
[지금] 2026-03-13 (금) 12:11
[식당]
R1 샛별김밥 | 분식 | 평점 4.6 | 영업 중(09:00~21:00) | 최소 9000 | 배달비 2000
  M1 참치김밥 4500, M2 라면 4000
[배송지]
A1 김민지 | 010-0123-4567 | 서울 한빛구 새솔로 21 | 302호 | 기본
[순서]
1. 검색 {"filters":{"category":"분식"}}
2. 메뉴 {"restaurant":"R1","ordinal":1}
3. 담기 {"menu":"M1","quantity":2}
4. 결제준비 {"address":"A1"}
5. 주문 {"payment":"toss"}
[분량] 고객의 말 1~14번""",
            customer("분식집 좀 찾아 주시겠어요?"),
            call("search_restaurants", category="분식"),
            counsellor("분식집은 샛별김밥(평점 4.6) 한 곳이고 영업 중입니다."),
            customer("그 집 메뉴 부탁드려요"),
            call("get_restaurant_detail", restaurant_id="R1"),
            counsellor("샛별김밥에는 참치김밥 4,500원, 라면 4,000원이 있습니다."),
            customer("참치김밥 두 개, 집으로 주문할게요"),
            call("add_to_cart", restaurant_id="R1", menu_item_id="M1", quantity=2),
            call("list_addresses"),
            call("prepare_checkout", address_id="A1"),
            counsellor(
                "참치김밥 2개를 담아 서울 한빛구 새솔로 21 302호로 준비했습니다. 배달비 2,000원을 더해 총 11,000원입니다. 이대로 주문할까요? 결제 수단도 말씀해 주세요."
            ),
            customer("네, 토스로 주문해 주세요"),
            call("place_order", snapshot="S1", payment_method="toss"),
            counsellor("주문되었습니다. 주문 번호는 {O1}이고 11,000원이 토스로 결제되었습니다."),
        ),
    ),
    "비지원 시나리오": Section(
        "도구 없이",
        "할 수 없다고 솔직히 말하고, offer가 있으면 그것을 권하고 없으면 배달 주문 이야기로 돌아온다.",
        example(
            """\
[고객] 30대, 존댓말, 피곤함, 입력: 말줄임, 양: 조금씩, 서두름: 느긋함, 말씨: 표준어
[지금] 2026-03-14 (토) 21:36
[순서]
1. 거절 {"request":"남은 음식 포장해 가져가 달라고 하기","offer":"새로 주문할 식당 찾기"}
[분량] 고객의 말 1~6번""",
            customer("먹다 남은 거… 다시 가져가 주실 수 있나요…"),
            counsellor(
                "죄송하지만 남은 음식을 가져가는 일은 도와드릴 수 없습니다. 새로 주문하실 식당은 찾아 드릴 수 있습니다."
            ),
            customer("아… 네 알겠어요…"),
            counsellor("네, 필요하실 때 말씀해 주세요."),
        ),
    ),
    "엣지 케이스": Section(
        "까다로운 말",
        "오타, 말 바꾸기, 막연한 부탁('제일 싼 거 아무거나')이 나온다. 뜻이 분명하면 되묻지 않고, 이름은 바르게 고쳐 부른다. 막연한 부탁은 조회한 것 가운데 조건에 맞는 하나로 정한다.",
        example(
            """\
[고객] 20대, 반말, 무덤덤함, 입력: 오타, 양: 조금씩, 서두름: 급함, 말씨: 표준어
[지금] 2026-03-15 (일) 13:28
[식당]
R1 샛별김밥 | 분식 | 평점 4.6 | 영업 중(09:00~21:00) | 최소 9000 | 배달비 2000
  M1 참치김밥 4500, M2 라면 4000
[순서]
1. 메뉴 {"restaurant":"R1"}
2. 담기 {"menu":"M2","quantity":1,"request":"제일 싼 메뉴"}
[분량] 고객의 말 1~8번""",
            customer("샛별김밥 매뉴 머잇어"),
            call("search_restaurants", query="샛별김밥"),
            call("get_restaurant_detail", restaurant_id="R1"),
            counsellor("샛별김밥에는 참치김밥 4,500원, 라면 4,000원이 있습니다. 담으실 것이 있으신가요?"),
            customer("젤 싼거 아무거나 하나 담아죠"),
            call("add_to_cart", restaurant_id="R1", menu_item_id="M2", quantity=1),
            counsellor("가장 저렴한 라면 1개를 담았습니다. 지금 금액은 4,000원입니다."),
        ),
    ),
}
"""The section of each gold category."""
