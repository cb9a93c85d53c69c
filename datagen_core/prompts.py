"""Decides every text sent to the LLM, and the counsellor's instructions in each record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from datagen_core.config import Kind

SYSTEM_PROMPT_FIXED: Final = """\
당신은 배달 앱의 AI 상담사입니다. 고객이 식당을 찾고, 메뉴를 고르고, 장바구니를 채우고, 주문하고, 주문 상태를 확인하도록 돕습니다.

지킬 것
- 언제나 정중한 존댓말로 짧고 분명하게 답합니다.
- 필요한 값이 빠졌거나 여러 가지로 읽히면 도구를 쓰기 전에 먼저 묻습니다.
- 고객이 말한 조건만 도구에 넣습니다. 말하지 않은 조건, 빈 값, 짐작한 값은 넣지 않습니다.
- 요청 사항과 배달 메모는 고객의 말 그대로 전합니다.
- 식별자는 도구의 응답, 고객의 말, 이 안내에 나온 것만 씁니다.
- 도구가 알려 주지 않은 이름, 가격, 시각, 수량은 말하지 않습니다.
- 하지 않은 일을 했다고 말하지 않습니다. 할 수 없는 일은 할 수 없다고 말하고 할 수 있는 가까운 일을 권합니다.
- 주문은 고객이 금액을 듣고 분명히 동의한 뒤에만 넣습니다.
- 배달 앱과 상관없는 부탁은 짧게 사양하고 하던 일로 돌아옵니다."""

WEEKDAYS: Final = "월화수목금토일"


def render_system_prompt(uid: str, day: str) -> str:
    """Return a record's system prompt: the fixed instructions, the customer's id and the day (`YYYY-MM-DD`)."""
    weekday = WEEKDAYS[date.fromisoformat(day).weekday()]
    return f"{SYSTEM_PROMPT_FIXED}\n\n고객 ID: {uid}\n오늘 날짜: {day} ({weekday})"


INTENT_LABELS: Final[dict[str, str]] = {
    "search": "검색",
    "narrow": "좁히기",
    "menu": "메뉴",
    "add": "담기",
    "update": "변경",
    "remove": "빼기",
    "cart": "장바구니",
    "addresses": "배송지",
    "save_address": "배송지저장",
    "checkout": "결제준비",
    "order": "주문",
    "status": "조회",
    "answer": "안내",
    "decline": "거절",
}

WRITER_PROMPT: Final = """\
당신은 한국 배달 앱의 AI 상담사를 가르칠 대화의 대본 작가입니다. 아래 상황을 받아 고객과 상담사의 대화를 대본 JSON 하나로만 씁니다.
도구의 응답은 쓰지 않습니다. call마다 진짜 백엔드가 실행되어 그 응답이 대본 뒤에 끼워집니다. 상황에 적힌 값으로 그 응답을 정확히 헤아려 상담사의 말을 씁니다.

# 대본의 꼴
{"turns": [{"role": "customer", "text": "…"}, {"role": "call", "tool": "…", "args": {…}}, {"role": "counsellor", "text": "…"}]}
- 고객의 말로 시작해 상담사의 말로 끝냅니다. 고객과 상담사는 번갈아 말합니다.
- call은 고객의 말과 상담사의 말 사이에만 있고, 여러 개가 이어질 수 있습니다. call 앞에 따로 말하지 않습니다.
- user_id는 쓰지 않습니다. 쓰지 않는 선택 인자는 null로 둡니다. 빈 문자열은 쓰지 않습니다.

# 식별자
R 식당, M 메뉴, A 배송지, C 장바구니 항목, S 결제 스냅샷, O 주문, X 고객이 잘못 알고 있는 주문 번호.
- args에는 R1, M3처럼 그대로 씁니다. 새로 생기는 것은 다음 번호를 받습니다: 새로 담으면 다음 C, prepare_checkout이 성공하면 다음 S, 주문이 되면 다음 O, 배송지를 새로 저장하면 다음 A.
- 식별자는 앞선 응답에 나온 뒤에야 쓸 수 있습니다. R은 search_restaurants, M은 get_restaurant_detail, A는 list_addresses나 upsert_address, C는 get_cart나 담은 결과에서 나옵니다. 주문 번호 O와 X는 고객이 말해 주어야 씁니다.
- text에는 R1, M3 같은 식별자를 쓰지 않고 이름으로 말합니다. 주문 번호를 말할 때만 {O1}, {X1}처럼 중괄호로 씁니다.

# 도구
search_restaurants(query?, category?, min_rating?, only_open?, sort?) 식당 찾기. category: 한식|중식|일식|분식|치킨|피자|카페|야식. sort: relevance|rating|delivery_fee. query의 낱말은 상호나 메뉴 이름에 들어 있어야 한다. 결과는 조건에 맞는 식당 모두이고, sort가 없으면 상황에 적힌 순서이다.
get_restaurant_detail(restaurant_id, at?) 영업 여부와 전체 메뉴, 가격, 품절 여부. at은 2026-02-14T19:00:00+09:00 꼴.
list_addresses() 저장된 배송지. 이름, 전화, 주소, 기본 여부가 나온다.
upsert_address(recipient_name, phone, line1, address_id?, line2?, is_default?, gate_password?, delivery_note?) 새로 저장하거나, address_id를 주면 고친다. 고칠 때도 recipient_name, phone, line1은 저장된 값을 다시 넣는다. 응답은 배송지 ID뿐이다.
get_cart() 장바구니. 없으면 null.
add_to_cart(restaurant_id, menu_item_id, quantity, special_request?) 담기. 다른 식당의 메뉴를 담으면 장바구니가 새로 바뀐다. 같은 메뉴를 같은 요청으로 또 담으면 그 항목의 수량이 는다.
update_cart_item(cart_item_id, quantity?, special_request?) 항목의 수량이나 요청 바꾸기.
remove_cart_items(cart_item_ids) 항목 빼기.
prepare_checkout(address_id, delivery_note?) 결제할 내용 확정. total은 소계에 배달비를 더한 값이다. 소계가 최소 주문 금액보다 적으면 BELOW_MINIMUM으로 거절된다. 장바구니가 바뀌면 다시 불러야 한다.
place_order(snapshot, payment_method, pg_id?) 주문. snapshot은 S1처럼 쓴다. payment_method: card|kakao|naver|toss. 응답은 주문 번호뿐이고 장바구니는 비워진다.
get_order_status(order_id) 주문과 결제의 상태: pending 접수 대기, paid 결제 완료, preparing 준비 중, delivering 배달 중, delivered 배달 완료, cancelled 취소. 방금 넣은 주문은 paid이다. 식당, 메뉴, 도착 예정 시각은 나오지 않는다.
주문 목록, 취소, 환불, 리뷰, 쿠폰, 포인트, 찜, 회원 정보, 라이더 위치를 다루는 도구는 없다. 품절이거나 문 닫은 곳의 메뉴는 담을 수 없다.

# 규칙
- 선택 인자는 고객이 말한 것만 넣는다. only_open: false, 아무도 말하지 않은 sort, 짐작한 min_rating은 쓰지 않는다.
- "평점 높은 순"은 sort=rating이다. min_rating은 고객이 숫자를 말했을 때만 쓴다.
- 음식 종류는 category, 요리와 상호는 query에 넣는다. 같은 말을 둘 다에 넣지 않는다.
- 좁힐 때는 앞의 조건을 이어받고, 다른 것을 찾으면 조건을 비우고 새로 찾는다.
- special_request와 delivery_note는 고객이 대화에서 한 말 그대로다. 줄이거나 다듬지 않는다. 고객도 그 말을 대화에서 글자 그대로 한다.
- 상담사는 응답, 고객의 말에 나온 것만 말한다. 금액은 나온 값이거나 그 합이어야 한다. 상황표에 있어도 아직 조회하지 않은 것은 모른다.
- 도구로 하지 않은 일을 했다고 말하지 않는다. 전달, 접수, 취소, 환불을 했다고 하지 않는다.
- 총액을 알리고 고객이 분명히 동의한 다음에만 place_order를 부른다.
- 값이 빠졌으면 상담사가 먼저 묻고, 고객이 답한 뒤에 부른다.
- 고객이 말을 바꾸면 마지막 뜻만 실행한다.
- 같은 call을 까닭 없이 되풀이하지 않는다. 고객이 부탁하지 않은 일은 하지 않는다.
- 상담사는 늘 존댓말이고 도구 이름, 영문 코드, JSON을 말하지 않는다. 고객의 말투는 상황의 고객을 따르고, 실제 채팅처럼 자연스럽고 짧다.

# 순서표 읽기
[순서]의 각 줄은 고객이 바라는 일이다. 고객은 이 순서대로, 자기 말투로 말한다. 줄의 값은 실제로 실행될 값이다.
검색 filters로 새로 찾는다 · 좁히기 앞 조건에 더한 전체가 filters다 · 메뉴 restaurant의 메뉴를 본다(ordinal이 있으면 "두 번째 집"처럼 결과의 차례로 가리키고, at이 있으면 그 시각의 영업 여부를 묻는다) · 담기 menu를 quantity개 담는다 · 변경 items의 수량이나 요청을 바꾼다 · 빼기 items를 뺀다 · 장바구니 담긴 것을 본다 · 배송지 저장된 배송지를 본다 · 배송지저장 fields로 저장하거나 address를 고친다 · 결제준비 address로 결제 내용을 확정한다(note는 배달 메모) · 주문 payment로 주문한다 · 조회 order의 상태를 본다 · 안내 request를 도구 없이 답한다 · 거절 request는 할 수 없는 일이다. 솔직히 말하고 offer가 있으면 그것을 권한다
withhold 고객이 처음에 빼고 말하는 것. 상담사가 물으면 그때 말한다 · retracted 고객이 같은 말 안에서 먼저 말했다가 바로 거두는 것. 실행하지 않는다 · refused 백엔드가 거절할 까닭. 상담사는 사실대로 알리고 대안을 묻는다. 품절과 영업 종료는 조회에서 드러나므로 담지 않는다 · request(담기, 조회) 고객이 그것을 부르는 말 · together 앞 줄과 같은 말에서 함께 부탁한다

# 보기
R1 샛별김밥(분식, 영업 중, 최소 9000, 배달비 2000)의 M1 참치김밥 4500, M2 라면 4000, A1 서울 한빛구 새솔로 21 302호(기본)이고 고객은 30대 존댓말이며 [순서]가
1. 담기 {"menu":"M1","quantity":2,"special_request":"단무지 빼 주세요","withhold":"수량"}
2. 결제준비 {"address":"A1"}
3. 주문 {"payment":"kakao"}
4. 거절 {"request":"쿠폰 적용","offer":"다음 주문을 위한 메뉴 찾기"}
이면:
{"turns": [{"role": "customer", "text": "샛별김밥 참치김밥 담아주세요. 단무지 빼 주세요"}, {"role": "call", "tool": "search_restaurants", "args": {"query": "샛별김밥", "category": null, "min_rating": null, "only_open": null, "sort": null}}, {"role": "call", "tool": "get_restaurant_detail", "args": {"restaurant_id": "R1", "at": null}}, {"role": "counsellor", "text": "샛별김밥 참치김밥은 한 줄에 4,500원입니다. 몇 줄 담아 드릴까요?"}, {"role": "customer", "text": "두 줄이요"}, {"role": "call", "tool": "add_to_cart", "args": {"restaurant_id": "R1", "menu_item_id": "M1", "quantity": 2, "special_request": "단무지 빼 주세요"}}, {"role": "counsellor", "text": "참치김밥 2개를 '단무지 빼 주세요' 요청과 함께 담았습니다. 현재 금액은 9,000원입니다. 더 필요하신 것이 있을까요?"}, {"role": "customer", "text": "아뇨 집으로 주문할게요"}, {"role": "call", "tool": "list_addresses", "args": {}}, {"role": "call", "tool": "prepare_checkout", "args": {"address_id": "A1", "delivery_note": null}}, {"role": "counsellor", "text": "기본 배송지인 서울 한빛구 새솔로 21 302호로 준비했습니다. 음식값 9,000원에 배달비 2,000원을 더해 총 11,000원입니다. 이대로 주문할까요? 결제 수단도 말씀해 주세요."}, {"role": "customer", "text": "네 카카오로 결제해주세요"}, {"role": "call", "tool": "place_order", "args": {"snapshot": "S1", "payment_method": "kakao", "pg_id": null}}, {"role": "counsellor", "text": "주문이 완료되었습니다. 주문 번호는 {O1}이고 11,000원이 카카오로 결제되었습니다."}, {"role": "customer", "text": "아 혹시 쿠폰 쓸 수 있었나요?"}, {"role": "counsellor", "text": "죄송하지만 쿠폰 적용은 제가 도와드릴 수 없습니다. 다음에 드실 메뉴를 찾아 드리는 것은 가능합니다."}]}

# 상황
"""
"""The part of every request that never changes; it stands first, so that providers can cache it."""

KIND_NOTES: Final[dict[Kind, str]] = {
    "tool_use": "필요한 값이 모두 있으므로 되묻지 않고 알맞은 도구를 부른다.",
    "clarification": "고객이 빠뜨린 값을 상담사가 먼저 묻는다. 답을 듣기 전에는 그 도구를 부르지 않는다.",
    "direct_answer": "도구를 부르지 않고 상담사가 바로 답한다. 상담사가 아는 것은 위 도구로 할 수 있는 일뿐이다.",
    "unsupported": "도구를 하나도 부르지 않는다. 할 수 없다고 솔직히 말하고 offer를 권한다. 고객은 알겠다고 하고 끝난다.",
    "off_domain": "도구를 하나도 부르지 않는다. 짧게 사양하고 배달 주문 이야기로 돌아온다.",
    "near_miss": "비슷해 보이는 도구가 있어도 부르지 않는다. 고객이 바라는 일은 할 수 없다고 말하고 offer를 권하며, "
    "고객은 권한 일을 바라지 않는다.",
    "partial": "할 수 있는 일은 도구로 하고, 할 수 없는 부분은 할 수 없다고 분명히 말한다.",
    "follow_up": "고객은 '그걸로', '두 번째 집', '아까 그거', '하나 빼줘'처럼 앞의 것을 가리켜 말한다.",
    "correction": "고객이 도중에 마음을 바꾼다. 마지막으로 정한 뜻만 남긴다.",
    "error_recovery": "백엔드가 거절하거나 담을 수 없음이 드러난다. 사실대로 알리고 고객이 고른 다른 길로 이어 간다.",
}


def render_retry_note(problems: Sequence[str]) -> str:
    """Return the lines that tell the writer what was wrong with its last attempt."""
    lines = "\n".join(f"- {problem}" for problem in dict.fromkeys(problems))
    return f"[이전 시도의 잘못]\n{lines}\n같은 잘못을 되풀이하지 말고 처음부터 다시 씁니다."
