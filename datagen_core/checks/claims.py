"""Decides whether what the counsellor claims to have done was done by a call (G03)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final, cast

from datagen_core.checks.acts import ACTS, ANY_CALL, CHANGES, NOTES, Mention, find_mentions
from datagen_core.checks.case import Case, hear_before, iter_spoken
from datagen_core.checks.deeds import Done, carries_note
from datagen_core.checks.registry import Finding, rule
from datagen_core.checks.speech import Predicate, read_predicates
from datagen_core.checks.sums import fold
from datagen_core.checks.unknown_acts import find_unknown_acts

# Words after which the verb says something else of the noun: 쿠폰 없이 주문했습니다, 취소 가능 여부를 확인했습니다.
_BREAKS: Final = re.compile(
    r"대신|말고|없이|외에|제외|여부|방법|가능|불가|규정|정책|수수료|준비|번호|안내|관련|대기|페이지|전에|절차는"
)
_ASKED: Final = frozenset({"요청", "말씀", "부탁", "원하", "바라", "문의", "신청", "필요"})
_STAFF: Final = re.compile(
    r"담당|본사|센터|상담원|상담사|관리자|부서|운영팀|[가-힣]팀(?:에|께|으로)|카드사|결제사|책임자|매니저"
)
_PEOPLE: Final = re.compile(
    r"(?:담당\S{0,4}|본사|\S{0,2}센터|상담원|관리자|\S{0,3}부서|\S{1,3}팀|카드사|결제사|책임자|매니저|식당|가게|매장|사장|점주|업주|주방"
    r"|업체|라이더|기사|배달원)(?:님|분|들|측|쪽)*(?:(?:에게|께|한테|측에|쪽에)(?![가-힣])|(?:에|으로|로)도?\s(?:[^\s]+[을를도]\s)?(?:[가-힣]{2}\s)?$)"
)
_TAKES_OUT: Final = frozenset({"remove_cart_items", "update_cart_item"})
"""Calls after which something was, in a way, cancelled."""

_ARRIVED: Final = re.compile(r"완료|도착|끝")
_BECAME: Final = re.compile(r"(?:[가이은는도]\s)?\s?(?:처리|완료)?\s?[된되됐]")
_STANDS: Final = re.compile(r"(?:되어|돼)\s?있")
_COMPLAINT: Final = re.compile(
    r"취소|환불|문의|민원|불만|불편|신고|의견|건의|클레임|보상|요청(?!하신)|사항|이물질|내용"
)
_STRANGE_OBJECT: Final = re.compile(
    r"회원\s?정보|계정|닉네임|이메일|(?:새|신용|체크)\s?카드|카드[를을는]|카드\s?등록|계좌|단골"
)
_OBJECTS: Final = (
    (re.compile(r"주소|배송지|연락처|전화\s?번호|휴대폰|수령|받는\s?분|받으시는\s?분|현관|비밀\s?번호|동호수|배송\s?정보|배달지"),
     frozenset({"upsert_address", "prepare_checkout"})),
    (re.compile(r"요청(?!하|대로|\s?주)|메모|문구|메시지"), frozenset({NOTES})),
    (re.compile(r"결제\s?(?:수단|방법|방식)"), frozenset({"place_order", "prepare_checkout"})),
    (re.compile(r"조건|필터|검색"), frozenset({"search_restaurants"})),
)  # fmt: skip
_QUANTITY: Final = re.compile(
    r"수량|(?:\d|[한두세네섯곱덟홉열])\s?(?:개|그릇|인분|잔|판|줄|병|마리|조각)로|(?:잔|판|인분|그릇|병)으로"
)
# 떡볶이는 이제 2개입니다 and 이제 기본 배송지는 회사입니다 claim a change without a verb.
_NOW: Final = re.compile(
    r"이제\s(?:\d{1,3}|한|두|세|네)\s?(?:개|그릇|인분|잔|판|줄|병|마리|조각)입니다|이제\s(?P<address>기본\s?배송지[는가])"
)
_STANDING: Final = re.compile(
    r"(?:방금|지금|조금 전에?)\s(?:넣으신|하신|주문하신|넣은|들어온)?\s?주문[은이의]?\s[^.!?]{0,12}?"
    r"(?:결제\s?(?:완료|대기)|결제가 (?:완료|끝)|접수|(?:준비|조리|배달) 중|배달 완료|환불)[^.!?]{0,8}"
    r"(?:입니다|습니다|예요|이에요)"
)
"""How an order stands, which only an order or a look at its status can tell."""

_MONEY_BACK: Final = re.compile(
    r"(?:돈|금액|비용|대금|결제액)[은을이도]?\s[^.!?]{0,8}?(?:돌려받으|돌려받게|들어오|들어올|입금되|입금될|되돌아|돌아오|돌아올)"
    r"[^.!?]{0,4}\s?(?:거|것|겁|예정|됩니다|돼요)"
)
"""A promise of money back, which no tool keeps."""

_LOOKED_UP: Final = re.compile(
    r"주문(?!\s?번호)|결제|메뉴|식당|가게|매장|장바구니|배송지|주소|배달|위치|상태|내역|재고|영업|가격|라이더|기사|배송|품절"
)
# 도와드릴 준비가 되어 있습니다: ready to help, nothing prepared.
_READY_TO: Final = re.compile(r"[릴할줄볼될]\s*$")
# No tool takes these away.
_KEPT: Final = re.compile(
    r"(?:배송지|주소|계정|회원\s?정보|카드|주문\s?(?:내역|기록)|이력)[을를은도]?\s?(?:\S{1,4}\s)?$"
)
_FROM_CART: Final = re.compile(r"장바구니|주문에서|담")
_ORDER_OF: Final = re.compile(r"(?:주문|결제|예약|신청)\S?\s(?:\S{1,4}\s)?$")


@rule(
    "G03",
    "A claim of something done needs the call that did it, and nothing is promised that no tool does.",
    korean="호출이 성공한 일만 했다고 말합니다. 취소·환불·전달·연락처럼 도구가 없는 일은 하겠다고도 하지 않습니다.",
    families=("delivery",),
)
def check_claims(case: Case) -> Iterator[Finding]:
    """Find claims that no call before them backs; source: the rules learnt. Quotations and questions claim nothing."""
    done = Done()
    for turn, text in iter_spoken(case, "counsellor"):
        for said in find_unknown_acts(text):
            yield Finding(turn, f"claims what no tool does: {said!r}")
        mentions = find_mentions(text)
        now = _NOW.search(text) if "이제" in text else None
        standing = _STANDING.search(text) if "주문" in text else None
        money_back = _MONEY_BACK.search(text)
        if money_back is not None:
            yield Finding(turn, f"promises money back, which no call brings: {money_back[0]!r}")
        if not mentions and now is None and standing is None:
            continue
        done.advance(case.exchanges, turn)
        done.forget_lines(len(hear_before(case, turn)))
        if now is not None and not _is_so_now(now, done):
            yield Finding(turn, f"claims a change, which no call backs: {now[0]!r}")
        if standing is not None and "place_order" not in done.tools and not done.statuses:
            yield Finding(turn, f"tells how an order stands, which nothing showed: {standing[0]!r}")
        seen: set[tuple[int, int]] = set()
        for mention in mentions:
            predicate = _find_lie(case, mention, done, turn)
            place = (mention.start, predicate.start if predicate else -1)
            if predicate is not None and place not in seen:
                seen.add(place)
                said = mention.sentence[mention.place : predicate.end].strip()
                verb = "promises" if predicate.mood == "promise" else "claims"
                yield Finding(turn, f"{verb} {ACTS[mention.act].name}, which no call backs: {said!r}")


def _is_so_now(now: re.Match[str], done: Done) -> bool:
    if now["address"]:
        return "upsert_address" in done.tools
    return "update_cart_item" in done.tools or bool(done.recent & CHANGES)


def _find_lie(case: Case, mention: Mention, done: Done, turn: int) -> Predicate | None:
    """Return the predicate that claims what was not done; the cheap tests come first, morphemes last."""
    act = ACTS[mention.act]
    head = mention.sentence[: mention.place]
    if mention.act == "remove" and _KEPT.search(head):
        return _read_claim(mention)
    if mention.word == "제외" and not _FROM_CART.search(head):
        return None
    if not act.is_promise_false and mention.act != "report" and _is_backed(mention, head, done):
        return _find_other_dish(case, mention, done, turn)
    if _is_seen_state(mention, done):
        return None
    if mention.act == "add" and mention.word[0] == "넣" and _ORDER_OF.search(head):
        return None  # 주문을 넣었습니다: the word 주문 claims it
    if mention.act == "search" and mention.word == "확인" and not _LOOKED_UP.search(head):
        return None
    if mention.act == "report" and mention.word[:2] not in ("전달", "전했", "전해") and not _PEOPLE.search(head):
        return None
    predicate = _read_claim(mention)
    if predicate is None or _is_excused(case, mention, predicate, head, done):
        return None
    return predicate


def _is_seen_state(mention: Mention, done: Done) -> bool:
    """Tell by cheap tests whether the words only repeat what a status or a cart showed."""
    rest = mention.sentence[mention.place :]
    match mention.act:
        case "pay":
            return "pay:paid" in done.statuses
        case "ship":
            is_over = "delivered" in done.statuses
            return is_over or ("delivering" in done.statuses and not _ARRIVED.search(rest))
        case "cancel":
            return "cancelled" in done.statuses and _BECAME.match(rest, 2) is not None
        case "refund":
            return "pay:refunded" in done.statuses and _BECAME.match(rest, 2) is not None
        case "add":
            return bool(done.carts) and mention.word == "담겨"
        case "save" | "change" | "note" | "memo":
            return bool(done.tools) and _STANDS.match(rest, len(mention.word)) is not None
        case _:
            return False


def _read_claim(mention: Mention) -> Predicate | None:
    """Return the predicate that the word belongs to where it says that the act is done, or promises it."""
    act = ACTS[mention.act]
    for predicate in read_predicates(mention.sentence):
        if predicate.end <= mention.place:
            continue
        if predicate.is_attribute and predicate.root in _ASKED:
            continue
        between = mention.sentence[mention.place + len(mention.word) : predicate.start]
        if predicate.root not in act.verbs or _BREAKS.search(between):
            return None
        return predicate if _is_claimed(mention, predicate) else None
    return None


def _is_claimed(mention: Mention, predicate: Predicate) -> bool:
    if predicate.is_honorific and not predicate.is_passive:
        return False
    if predicate.mood == "done":
        return True
    if mention.act == "unseen" and predicate.root in ("확인", "조회", "찾", "읽", "불러오"):
        return False
    if predicate.mood == "promise":
        return mention.act == "report" or ACTS[mention.act].is_promise_false
    is_itself = mention.word.startswith(predicate.root) or (mention.act == "unseen" and predicate.is_passive)
    return predicate.mood == "present" and ACTS[mention.act].is_promise_false and is_itself


def _is_excused(case: Case, mention: Mention, predicate: Predicate, head: str, done: Done) -> bool:
    """Tell whether a status read, or the cart, makes the claim true after all."""
    match mention.act:
        case "cancel":
            return _is_cancelled(mention, predicate, head, done)
        case "refund":
            return predicate.is_passive and "pay:refunded" in done.statuses
        case "pay":
            return any(status in done.statuses for status in ("pay:paid", "pay:refunded"))
        case "ship":
            is_over = predicate.root in ("완료", "도착", "끝나", "끝") and predicate.mood == "done"
            return "delivered" in done.statuses or (not is_over and "delivering" in done.statuses)
        case "report":
            return _is_passed_on(case, predicate, head, done)
        case "prepare":
            return _READY_TO.search(head) is not None
        case "add" | "remove":
            return done.has_moved() if mention.act == "remove" else predicate.root == "담기" and bool(done.carts)
        case "save" | "change" | "note" | "memo":
            return (predicate.is_state or (predicate.is_passive and predicate.is_attribute)) and bool(done.tools)
        case _:
            return False


def _is_cancelled(mention: Mention, predicate: Predicate, head: str, done: Done) -> bool:
    by_shop = re.search(r"식당|가게|매장|업체|사장", head) is not None
    if predicate.mood == "done" and (predicate.is_passive or by_shop) and "cancelled" in done.statuses:
        return True
    is_order = re.search(r"주문|결제|예약|배달", mention.sentence[: predicate.end]) is not None
    return not is_order and predicate.mood == "done" and bool(done.recent & _TAKES_OUT)


def _is_passed_on(case: Case, predicate: Predicate, head: str, done: Done) -> bool:
    if _STAFF.search(head):
        return False
    if predicate.mood == "done":
        return NOTES in done.tools
    return any(carries_note(exchange) for exchange in case.exchanges)


def _is_backed(mention: Mention, head: str, done: Done) -> bool:
    """Tell whether a call did what the word means here: what is changed or saved depends on the object."""
    tools = ACTS[mention.act].tools
    if mention.act == "receive" and _COMPLAINT.search(head):
        return False
    if mention.act in ("change", "save", "note", "memo") or mention.word in ("추가", "넣었", "넣어"):
        if _STRANGE_OBJECT.search(head):
            return False
        if _QUANTITY.search(mention.sentence):
            return "update_cart_item" in done.tools or bool(done.recent & CHANGES)
        objects = [backing for pattern, backing in _OBJECTS if pattern.search(head)]
        if objects:
            tools = frozenset[str]().union(*objects)
    return bool(tools & done.tools) or (ANY_CALL in tools and done.n_calls > 0)


def _find_other_dish(case: Case, mention: Mention, done: Done, turn: int) -> Predicate | None:
    """Return the claim that puts in, or takes out, a known dish that no cart shows there, or shows gone."""
    if mention.act not in ("add", "remove") or mention.word in ("올려", "비웠", "비워"):
        return None
    known = done.moved_names() if mention.act == "remove" else frozenset[str]().union(*done.carts)
    if not _name_strangers(case, mention.sentence[: mention.place], known, turn):
        return None
    predicate = _read_claim(mention)
    if predicate is None or predicate.mood != "done":
        return None
    before = [other.end for other in _predicates_outside(case, mention.sentence) if other.end <= predicate.start]
    region = mention.sentence[max(before, default=0) : predicate.start]
    region = re.split(r"대신|말고|빼고|제외하고", region)[-1]
    return predicate if _name_strangers(case, region, known, turn) else None


def _predicates_outside(case: Case, sentence: str) -> Iterator[Predicate]:
    """Yield the predicates that are no part of a dish's name: 라면 is taken for an ending, 볶음 for a verb."""
    spans = [(place, place + len(name)) for name in case.evidence.prices if (place := sentence.find(name)) >= 0]
    for predicate in read_predicates(sentence):
        if not any(predicate.start < end and start < predicate.end for start, end in spans):
            yield predicate


def _name_strangers(case: Case, region: str, known: Collection[str], turn: int) -> bool:
    """Tell whether the words name a dish that a response showed and that is none of the known."""
    words = fold(region)
    prices = case.evidence.prices
    names = [name for name in prices if len(name) > 1 and fold(name) in words]
    if all(name in known for name in names):
        return False
    names = [name for name in names if prices[name][0].turn < turn]
    allowed = {fold(name) for name in known}
    for name in sorted({*allowed, *map(fold, _restaurant_names(case))}, key=len, reverse=True):
        words = words.replace(name, "\0")
    for name in sorted(map(fold, names), key=len, reverse=True):
        if name in words and name not in allowed:
            if not any(name in held for held in allowed):
                return True
            words = words.replace(name, "\0")
    return False


def _restaurant_names(case: Case) -> Iterator[str]:
    for exchange in case.exchanges:
        if isinstance(exchange.response, dict):
            response = cast("dict[str, object]", exchange.response)
            items = response.get("items")
            for entry in (response, *(cast("list[object]", items) if isinstance(items, list) else ())):
                fields = cast("dict[str, object]", entry) if isinstance(entry, dict) else {}
                name = fields.get("name")
                if isinstance(name, str) and len(name) > 1 and "restaurant_id" in fields:
                    yield name
