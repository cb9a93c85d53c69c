"""Decides every text sent to the LLM, and the counsellor's instructions in each record.

What differs from kind to kind stands in `prompt_sections` and `gold_sections`, what differs from scenario to scenario
in `dialogue/brief`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from hashlib import sha256
from typing import Final, cast

from datagen_core.config import ERROR_FORMAT, TOOLS_RETURN_FORMAT, GoldCategory, Kind, Writer
from datagen_core.gold_sections import CATEGORY_SECTIONS
from datagen_core.prompt_sections import KIND_SECTIONS, Example

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

CHANGE_LABELS: Final[dict[str, str]] = {
    "restaurant_closes": "영업 종료",
    "restaurant_leaves": "배달 중단",
    "dish_sold_out": "품절",
    "dish_leaves": "메뉴에서 사라짐",
    "cart_item_removed": "다른 화면에서 빠짐",
    "address_deleted": "다른 화면에서 지워짐",
    "checkout_expires": "결제 준비 만료",
}
"""What a happening (`environment.opening.Change`) is called in a brief."""

_SCRIPT_FORM: Final = """\
당신은 한국 배달 앱의 AI 상담사를 가르칠 대화의 대본 작가다. 상황을 받아 고객과 상담사의 대화를 대본 JSON 하나로만 쓴다.
도구의 응답은 쓰지 않는다. call마다 진짜 백엔드가 실행되어 그 응답이 뒤에 끼워진다. 상황에 적힌 값으로 그 응답을 정확히 헤아려 다음 말을 쓴다.

# 대본의 꼴
{"turns":[{"role":"customer","text":"…"},{"role":"call","tool":"…","args":{…}},{"role":"counsellor","text":"…"}]}
- 고객의 말로 시작해 상담사의 말로 끝난다. 둘은 번갈아 말하고 빈 말은 없다.
- call은 고객의 말과 상담사의 말 사이에만 두며, 한 턴에 하나씩 여러 개가 이어질 수 있다.
- user_id는 쓰지 않는다. 쓰지 않는 선택 인자는 null이다(보기에서는 뺐다). 빈 문자열은 쓰지 않는다.

# 식별자
R 식당, M 메뉴, A 배송지, C 장바구니 항목, S 결제 스냅샷, O 주문, X 이 고객의 주문이 아닌 번호.
- args에는 R1, M3처럼 쓴다. 새로 생기는 것은 다음 번호를 받는다: 새로 담으면 다음 C, prepare_checkout이 되면 다음 S, 주문이 되면 다음 O, 배송지를 새로 저장하면 다음 A.
- 앞선 응답에 나온 뒤에야 쓴다. R은 search_restaurants나 장바구니, M은 get_restaurant_detail이나 장바구니, A는 list_addresses나 upsert_address, C는 get_cart나 담은 결과에서 나온다. O와 X는 고객이 말해 주어야 알고, 이 대화에서 넣은 주문만 place_order의 응답으로 안다.
- text에는 식별자 대신 이름을 쓴다. 주문 번호만 누가 말하든 {O1}, {X1}처럼 중괄호로 쓴다."""

_RULES: Final = """\
# 도구 (?는 선택 인자)
search_restaurants(query?, category?, min_rating?, only_open?, sort?) 식당 찾기. category: 한식|중식|일식|분식|치킨|피자|카페|야식. sort: relevance|rating|delivery_fee. query는 낱말마다 상호나 메뉴 이름에 들어 있어야 찾는다. 조건에 맞는 식당이 모두, 문 닫은 곳도, sort가 없으면 상황에 적힌 차례로 나온다. 이름, 평점, 영업 여부, 최소 주문 금액, 배달비를 보여 준다. 메뉴는 보여 주지 않는다.
get_restaurant_detail(restaurant_id, at?) 영업 여부와 모든 메뉴의 이름, 가격, 품절 여부. at은 2026-02-14T19:00:00+09:00 꼴이고 그때의 영업 여부를 보여 준다.
list_addresses() 저장된 배송지의 이름, 전화, 주소, 기본 여부.
upsert_address(recipient_name, phone, line1, address_id?, line2?, is_default?, gate_password?, delivery_note?) 새로 저장하거나 address_id의 것을 고친다. 고칠 때는 먼저 list_addresses로 보고, 바뀌지 않는 recipient_name, phone, line1은 저장된 값을 그대로 넣는다(나머지는 남는다). 응답은 배송지 ID뿐이다.
get_cart() 장바구니. 담은 적이 없거나 주문했으면 null, 다 뺐으면 빈 목록이다.
add_to_cart(restaurant_id, menu_item_id, quantity, special_request?) 담기. 다른 식당의 메뉴를 담으면 장바구니가 새로 바뀐다. 같은 메뉴를 같은 요청으로 또 담으면 그 항목의 수량이 는다.
update_cart_item(cart_item_id, quantity?, special_request?) 항목의 수량을 이 값으로, 요청을 이 말로 바꾼다.
remove_cart_items(cart_item_ids) 항목 빼기.
장바구니를 바꾸는 도구도 바뀐 장바구니(메뉴, 수량, 단가, 요청, 소계)를 보여 준다. 장바구니와 결제 준비의 응답에 식당 이름은 없다.
prepare_checkout(address_id, delivery_note?) 결제할 내용 확정. 주소, 메뉴, 소계와 total이 나온다. total은 소계에 배달비를 더한 값이라 배달비도 말할 수 있다. 장바구니나 배송지가 바뀌면 다시 부른다.
place_order(snapshot, payment_method, pg_id?) 주문. snapshot은 S1처럼 쓴다. payment_method: card|kakao|naver|toss. 응답은 주문 번호뿐이고 장바구니는 비워진다.
get_order_status(order_id) 주문 상태: pending 접수 대기, paid 결제 완료, preparing 준비 중, delivering 배달 중, delivered 배달 완료, cancelled 취소. 결제 상태는 pending이면 결제 대기, cancelled이면 환불, 나머지는 결제 완료다. 방금 넣은 주문은 paid다. 식당, 메뉴, 도착 예정 시각은 나오지 않는다.
주문 목록, 취소, 환불, 리뷰, 쿠폰, 포인트, 찜, 회원 정보, 라이더 위치를 다루는 도구는 없다.
거절된 call의 응답은 error다: RESTAURANT_CLOSED 영업 종료, RESTAURANT_NOT_FOUND 배달하지 않는 식당, MENU_ITEM_UNAVAILABLE 품절, MENU_ITEM_NOT_FOUND 없는 메뉴, CART_ITEM_NOT_FOUND 없는 항목, CART_EMPTY 빈 장바구니, ADDRESS_NOT_FOUND 없는 배송지, BELOW_MINIMUM 소계가 최소 주문 금액 미만(두 금액을 보여 준다), SNAPSHOT_INVALID 결제 준비 만료(이때만은 바로 다시 준비하고 다시 동의를 받는다), ORDER_NOT_FOUND 없는 주문, FORBIDDEN 다른 고객의 주문, INVALID_ARGUMENT 한 항목이 999개를 넘음(응답이 그 수를 알려 준다).

# 인자의 규칙
- 선택 인자는 고객이 말한 것만 넣는다. only_open은 지금 여는 곳만 바랄 때의 true뿐이고, sort는 차례를, min_rating은 숫자를 말했을 때만 쓴다. "평점 높은 곳"은 sort=rating이다.
- 음식 종류는 category, 요리와 상호는 query. 같은 말을 둘 다에 넣지 않는다. 아는 식당을 찾을 때 query는 상호 전체다.
- 조건을 좁히면 앞 조건을 모두 이어받고, 다른 것을 찾으면 비우고 새로 찾는다.
- special_request, delivery_note, gate_password는 고객이 대화에서 한 말과 글자까지 같다. 고객은 적힌 그대로 말하고, 줄이거나 다듬지 않는다.
- 수량, 시각, 이름, 전화, 주소, 결제 수단도 고객이 말한 값이다. 영어로 옮기지 않는다.

# 상담사의 규칙
- 앞선 응답과 고객의 말에 나온 이름, 금액, 개수, 시각만 말한다. 상황에 적혀 있어도 조회하지 않은 것은 모른다. 금액은 나온 값이거나 그 합, 곱, 차이고, "세 곳"이라고 하면 목록도 셋이다.
- 도구가 해낸 일만 했다고 말한다. 전달, 접수, 취소, 환불, 예약을 했다거나 해 두겠다고 하지 않는다.
- 거절되면 바로 다음 말에서 안 된 까닭을 사실대로 알리고 다른 길을 묻는다. 고객이 고르기 전에는 그 일을 더 하지 않는다.
- 빠진 값은 그 도구를 부르기 전에 하나도 빠짐없이 묻는다. 주문 번호를 지어내지 않는다.
- 주문은 total을 알리고 주문할지 물은 뒤, 고객이 "네, 주문해 주세요"처럼 분명히 동의한 다음에만 넣는다. 결제 수단도 그때까지 듣는다.
- 고객이 말을 바꾸면 마지막 뜻만 실행하고, 거둔 값은 어떤 args에도 넣지 않는다.
- 사이에 바뀐 것이 없으면 같은 call을 되풀이하지 않는다. 고객이 바라지 않은 일은 하지 않는다.
- 늘 정중한 존댓말로 한두 문장, 많아야 네 문장. 긴 메뉴는 물은 것이나 몇 가지만 말해도 된다. 도구 이름, 영문 코드, JSON, 태그, 마크다운을 말하지 않는다.

# 고객의 규칙
- [고객]의 나이, 말투, 기분, 입력 습관, 사투리를 지키고 실제 채팅처럼 짧고 자연스럽다. 조금씩 말하는 고객은 한 말에 한 가지만(together와 한 줄의 값은 같이), 한 번에 말하는 고객은 이어지는 값을 같이 말한다.
- 둘 다 우리말로, 외국어와 한자 없이 쓴다. 상황에 없는 전화번호, 이메일, 카드와 계좌 번호, 주민등록번호는 쓰지 않고, 날짜와 요일은 [지금]에 맞는다.

# 상황 읽기
- 적히지 않은 난([장바구니], [배송지] 등)은 비어 있다. "메뉴 생략"인 식당은 상호와 종류로만 찾아지고, 열어 보지 않는다.
- [도중에 생기는 일] 적힌 call의 응답 바로 앞에 세상이 바뀌어 그 call이 거절된다. n번째는 그 도구를 부른 횟수다. 둘 다 응답을 보기 전에는 모른다. [남의 주문 번호]는 FORBIDDEN, 다른 X는 ORDER_NOT_FOUND다.
- [순서] 고객이 바라는 일이다. 이 차례대로, 자기 말투로 말한다. 적힌 값이 실제로 실행될 값이다. 필요한 조회(상호로 검색, 메뉴, 배송지. 장바구니는 C가 필요할 때만)는 아직 하지 않았으면 앞에 부른다.
검색 filters로 새로 찾는다 · 좁히기 앞 조건에 더한 전체가 filters다 · 메뉴 restaurant의 메뉴를 본다(ordinal이면 "두 번째 집"처럼 결과의 차례로 가리키고, at이면 그 시각에 여는지 묻는다) · 담기 menu를 quantity개 담는다 · 변경 items의 수량이나 요청을 바꾼다 · 빼기 items를 뺀다 · 장바구니 담긴 것을 본다 · 배송지 저장된 것을 본다 · 배송지저장 fields로 저장하거나 address를 고친다 · 결제준비 address로 확정한다(note는 배달 메모) · 주문 payment로 주문한다(pg_id는 고객이 불러 주는 결제사 값) · 조회 order의 상태를 본다 · 안내 request에 도구 없이 답한다 · 거절 request는 할 수 없는 일이다. 솔직히 말하고 offer가 있으면 권한다
request(담기, 변경, 조회 등) 고객이 그것을 부르는 말 · withhold 고객이 처음에 빼고 말하는 것. 상담사가 물으면 말한다 · mistaken 상담사가 묻자 고객이 처음 대는 틀린 것(주문 번호는 {O1}이 서는 긴 값뿐이다). 부르지 않고 다시 묻는다 · retracted 고객이 같은 말 안에서 먼저 말했다가 바로 거두는 것 · refused 그 call이 거절될 까닭. 담기의 품절과 영업 종료만은 조회에서 드러나므로 담지 않고 알린다 · unforeseen 조회 뒤에 생긴 일이라 불러서 거절당한다 · together 앞 줄과 같은 말에서 함께 부탁한다
- [분량] 고객의 말이 이만큼을 넘지 않는다."""
"""What holds for scripts and transcripts alike: the tools, the rules, how a situation is read."""

WRITER_PROMPT: Final = f"{_SCRIPT_FORM}\n\n{_RULES}"
"""The part that is the same in every request; it stands first, so that providers can cache it."""

_TRANSCRIPT_FORM: Final = """\
당신은 한국 배달 앱의 AI 상담사를 가르칠 대화의 대화록 작가다. 상황을 받아 고객과 상담사의 대화를, 도구의 호출과 응답까지 빠짐없이 적은 대화록 하나로만 쓴다.
응답도 당신이 쓴다. 진짜 백엔드가 돌려줄 값과 한 글자도 어긋나지 않게, 상황의 값과 앞선 응답을 그대로 잇는다.

# 대화록의 꼴
[고객 ID] 상황에 적힌 고객 ID
[대화날짜] 상황의 날짜, YYYY-MM-DD
(고객) 말
(function_call) {"name":"도구","arguments":{…}}
(function_response) 응답
(AI 상담사) 말
- 고객의 말로 시작해 상담사의 말로 끝난다. 둘은 번갈아 말하고 빈 말은 없다.
- (function_call)은 고객의 말과 상담사의 말 사이에만 두며, 바로 다음 줄이 그 (function_response)다. 호출 앞에 따로 말하지 않는다.
- 호출과 응답은 한 줄의 엄격한 JSON이다. None, True, 작은따옴표, 생략 부호, 주석을 쓰지 않는다. 코드 블록으로 감싸지 않는다.
- 쓰지 않는 선택 인자는 뺀다. search_restaurants, get_restaurant_detail, place_order 말고는 user_id에 고객 ID를 넣는다. place_order의 snapshot은 마지막 prepare_checkout의 응답 전체를 그대로 옮긴 것이다.

# 식별자
상황의 R1, M3, A1, C1, S1, O1, X1은 이름표다. 대화록에는 쓰지 않고, 저마다 다른 UUID를 하나씩 지어 처음부터 끝까지 같은 것을 쓴다. UUID는 소문자 버전 4다(3f0c…처럼 8-4-4-4-12자리, 셋째 묶음은 4로, 넷째 묶음은 8, 9, a, b 가운데 하나로 시작).
앞선 응답에 나온 뒤에야 쓴다. 식당은 search_restaurants, 메뉴는 get_restaurant_detail, 배송지는 list_addresses나 upsert_address, 장바구니 항목은 get_cart나 담은 결과에서 나온다. 주문 번호는 고객이 말해 주거나 place_order가 돌려준다. 말에는 주문 번호 말고 식별자를 쓰지 않는다."""


@lru_cache(maxsize=1)
def render_transcript_prompt() -> str:
    """Return the constant part of a request for a transcript: its form, the shape of each response, the rules."""
    shapes = "\n".join(f"{tool}: {_show_shape(schema)}" for tool, schema in TOOLS_RETURN_FORMAT.items())
    return (
        f"{_TRANSCRIPT_FORM}\n\n# 응답의 꼴 (적힌 열쇠를 모두, 이 차례로)\n{shapes}\n"
        f"거절: {_show_shape(ERROR_FORMAT)}\n"
        "시각은 2026-02-14T19:00:10+09:00 꼴이고 호출마다 10초씩 흐른다. 평점은 소수 한 자리, 금액은 원 단위 정수, page_size는 20, item_count는 수량의 합, message는 우리말 한 문장이다.\n\n"
        f"{_RULES}"
    )


def _show_shape(schema: Mapping[str, object]) -> str:
    """Write a return schema as the JSON it stands for, with the type in the place of each value."""
    options = schema.get("anyOf")
    if isinstance(options, list):
        return "|".join(_show_shape(option) for option in cast("list[dict[str, object]]", options))
    kind = schema.get("type")
    if kind == "object":
        fields = cast("dict[str, dict[str, object]]", schema["properties"])
        return "{" + ",".join(f'"{name}":{_show_shape(field)}' for name, field in fields.items()) + "}"
    if kind == "array":
        return f"[{_show_shape(cast('dict[str, object]', schema['items']))}]"
    if "pattern" in schema:
        return "uuid"
    if "enum" in schema and not isinstance(kind, list):
        return "|".join("null" if value is None else str(value) for value in cast("list[object]", schema["enum"]))
    return "|".join(cast("list[str]", kind)) if isinstance(kind, list) else str(schema.get("format", kind))


PARALLEL_NOTE: Final = (
    '앞 call의 응답이나 결과가 필요 없는 call끼리는 {"role":"calls","calls":[{"tool":"…","args":{…}}]} 한 턴에 묶는다.'
)
"""What a brief says where parallel calls are asked for."""


@cache
def render_instructions(kind: Kind, category: GoldCategory | None = None, writer: Writer = "script") -> str:
    """Return the system message: the constant part, then the section of this kind or, for gold, of the category.

    A gold request has its kind's lesson, its category's lesson, and the category's example only. A request for a
    transcript has no example: those are scripts.
    """
    section = KIND_SECTIONS[kind]
    if category is None:
        title, lessons, example = section.label, [section.lesson], section.example
    else:
        gold = CATEGORY_SECTIONS[category]
        title, lessons, example = f"{gold.label} · {section.label}", [gold.lesson, section.lesson], gold.example
    if writer == "transcript":
        return "\n".join([render_transcript_prompt(), "", f"# 이번 대화: {title}", *lessons])
    return "\n".join([WRITER_PROMPT, "", f"# 이번 대화: {title}", *lessons, "", "# 보기", render_example(example)])


def render_example(example: Example) -> str:
    """Return a brief and the script that answers it."""
    return f"{example.brief}\n이면\n{example.script}"


@lru_cache(maxsize=1)
def digest_prompts() -> str:
    """Return twelve hexadecimal digits that change with any text that decides what is asked."""
    sections = [*KIND_SECTIONS.items(), *CATEGORY_SECTIONS.items()]
    return sha256(
        repr((SYSTEM_PROMPT_FIXED, WRITER_PROMPT, _TRANSCRIPT_FORM, PARALLEL_NOTE, sections)).encode()
    ).hexdigest()[:12]


def render_retry_note(problems: Sequence[str]) -> str:
    """Return the lines that tell the writer what was wrong with its last attempt."""
    lines = "\n".join(f"- {problem}" for problem in dict.fromkeys(problems))
    return f"[이전 시도의 잘못] 이전 시도에서 어긴 것이다. 되풀이하지 말고 처음부터 다시 쓴다.\n{lines}"
