"""Decides which words tell of an act the counsellor may claim, and which tools do that act.

Longer than a rule is: it is one table of Korean words. Sources: the eleven tools, and the claims that models made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

CHANGES: Final = frozenset({"add_to_cart", "update_cart_item", "remove_cart_items"})
MUTATIONS: Final = CHANGES | {"upsert_address", "prepare_checkout", "place_order"}
NOTES: Final = "notes"
"""Stands among an act's tools for any successful call that carried a request, a note or a gate password."""
ANY_CALL: Final = "any call"
"""Stands among an act's tools for any call, refused ones too: a look that found nothing was a look."""


class Act(NamedTuple):
    """Something a counsellor may claim. `verbs` are the roots that claim it, `tools` those whose success backs it.

    With `is_promise_false`, promising it is as untrue as claiming it: no tool ever does it.
    """

    name: str
    verbs: frozenset[str]
    tools: frozenset[str] = frozenset()
    is_promise_false: bool = False


class Mention(NamedTuple):
    """A word of an act at `place` in `sentence`, which begins at `start` of the text; quotations are blanked."""

    act: str
    word: str
    place: int
    sentence: str
    start: int


def _verbs(words: str) -> frozenset[str]:
    return frozenset(words.split())


_CARRYING: Final = _verbs(
    "처리 접수 신청 요청 완료 진행 적용 사용 등록 작성 남기 올리 넣 추가 저장 "
    "발급 지급 마치 끝내 끝나 돕 이루어지 나가 들어가 보내 발송 변경 삭제 반영 "
    "승인 확정 잡 걸 끊 조치 이체 입금 성공 시작 마무리 하 되 드리 쓰 부르 "
    "호출 차감 적립 환불 예약 가입 연결 해결 취소 보상 교환 전달 해지 탈퇴 "
    "도와주 도와드리 돌려드리 돌리 선물 지우 빼 바꾸 받 쌓이 달 찜 찜하 충전 "
    "송금 예매 "
)
_ENDING: Final = _verbs("하 되 완료 마치 마무리 끝나 끝내 끝 처리 진행 성공 이루어지 드리")

ACTS: Final[dict[str, Act]] = {
    "cancel": Act("a cancellation", _CARRYING | {"확인"}, is_promise_false=True),
    "refund": Act("a refund", _CARRYING | {"확인"}, is_promise_false=True),
    "never": Act("what no tool does", _CARRYING, is_promise_false=True),
    "unseen": Act("coupons, points or reviews", _CARRYING | _verbs("확인 조회 찾 불러오 읽"), is_promise_false=True),
    "contact": Act(
        "a call or message to somebody", _verbs("연락 전화 통화 가 드리 하 남기 취하 오"), is_promise_false=True
    ),
    "report": Act(
        "words passed on",
        _verbs("전달 전하 알리 말씀 말씀드리 문의 통보 보고 건의 신고 얘기 이야기 요청 부탁 확인 하 드리"),
        frozenset({NOTES}),
    ),
    "receive": Act("something received", _ENDING | {"접수"}, frozenset({"place_order", "get_order_status"})),
    "memo": Act(
        "a note taken", _ENDING | _verbs("메모 기록 남기 적 넣 저장 등록 추가"), frozenset({NOTES, "upsert_address"})
    ),
    "pay": Act("a payment", _ENDING | _verbs("결제 승인"), frozenset({"place_order"})),
    "order": Act(
        "an order", _ENDING | _verbs("주문 넣 들어가 접수 확정"), frozenset({"place_order", "get_order_status"})
    ),
    "ship": Act("a delivery", _ENDING | _verbs("배달 배송 출발 도착 시작 나가")),
    "add": Act("something put in the cart", _ENDING | _verbs("담 담기 추가 넣 올리"), CHANGES - {"remove_cart_items"}),
    "remove": Act(
        "something taken out", _ENDING | _verbs("빼 빠지 삭제 제거 제외 지우 비우 비워지 덜"),
        frozenset({"remove_cart_items", "update_cart_item"}),
    ),
    "change": Act(
        "a change",
        _ENDING | _verbs("변경 수정 바꾸 바뀌 고치 늘리 줄이 조정 교체 갱신 반영 설정 적용 옮기 지정"),
        MUTATIONS,
    ),
    "save": Act("something saved", _ENDING | _verbs("저장 등록 입력"), frozenset({"upsert_address"})),
    "note": Act(
        "a request noted", _verbs("남기 적 기재 작성 표시"), frozenset({NOTES, "upsert_address"})
    ),
    "prepare": Act(
        "a checkout prepared", _ENDING | {"준비"}, frozenset({"prepare_checkout", "place_order", "get_order_status"})
    ),
    "search": Act("a look-up", _verbs("찾 검색 조회 확인 살펴보 살피 알아보"), frozenset({ANY_CALL})),
    "process": Act(
        "something carried out", _ENDING | _verbs("해결 조치 반영"), MUTATIONS | {"get_order_status"}
    ),
}  # fmt: skip

# Each alternative begins with a letter, which lets the search skip what begins with none of them.
_WORDS_OF: Final[dict[str, str]] = {
    "cancel": "취소",
    "refund": r"환불|돌려\s?드[렸리릴]|보상(?=\s?(?:해|하|을|이|처|금|했|완|됐|되))|배상",
    "unseen": r"쿠폰(?!\s?없)|포인트|리뷰|후기|적립금",
    "never": "예약|예매|탈퇴|발급|구독|가입|해지|적립|연결|즐겨찾기|영수증|계산서|충전|송금|입금"
    "|교환|재배달|재발송|차감|택시"
    r"|별점(?=을|\s?다|\s?등|\s?남)|찜(?=\s?(?:목록|해|하|했))|선물(?=\s?(?:하|했|해|로|을|완))"
    r"|할인(?=\s?(?:을|이|도|까지)?\s?(?:적용|해|했|되|됐|받))",
    "contact": r"연락(?!\s?처)|전화(?!\s?번호)|통화",
    "report": r"전달|전했|전해|알[렸려]|말씀\s?드|말씀해\s?[놓두뒀놨]|문의|통보|보고(?=했|해|드|하)|건의|신고"
    "|얘기해|이야기해|요청해|요청했|부탁[했해드]",
    "receive": "접수",
    "memo": "메모|기록",
    "pay": "결제",
    "order": r"주문(?!\s?번호)",
    "ship": "배[달송](?!지)|출발|도착",
    "add": "담[았겼아긴는음]|담겨|추가|넣[었어음는]|올려",
    "remove": r"뺐|빼|뺌|뺀|빠[졌진]|삭제|제거|지[웠워]|비[웠워]|제외(?=했|해\s?[드두놓뒀놨]|되었|됐|하였|돼)",
    "change": "변경|수정|바[꿨꾸꿔꿈뀌뀐]|고[쳤치쳐침]|늘[렸려리]|줄[였여이]"
    "|조정|교체|갱신|반영|설정|적용|옮[겼겨]|지정",
    "save": "저장|등록|입력",
    "note": "남[겼겨]|적[었어]|기재|작성|표시",
    "prepare": "준비",
    "search": "찾[았아은]|검색|조회|확인|살펴|알아[보봤본]",
    "process": "처리|진행|완료|마[쳤치쳐]|마무리|해결|조치|(?<!영업[이은도] )(?<!영업 )끝[냈났내]",
}
_ANY_WORD: Final = re.compile("|".join(_WORDS_OF.values()))
_WORDS: Final = re.compile("|".join(f"(?P<{act}>{words})" for act, words in _WORDS_OF.items()))
_FALSE_WHEN_PROMISED: Final = re.compile(
    "|".join(words for act, words in _WORDS_OF.items() if act == "report" or ACTS[act].is_promise_false)
)
_QUOTE: Final = re.compile("['\"‘“「『]")
_QUOTED: Final = re.compile(
    r"'[^'\n]{1,120}'|\"[^\"\n]{1,120}\"|‘[^’\n]{1,120}’|“[^”\n]{1,120}”|「[^」\n]{1,120}」|『[^』\n]{1,120}』"
)
_SENTENCE: Final = re.compile(r"[^.!?\n]+(?:\.(?=\d)[^.!?\n]+)*[.!?~]*")
_TOLD: Final = "".join(
    chr(code) for code in range(0xAC00, 0xD7A4) if (code - 0xAC00) % 28 == 20 and chr(code) not in "있겠"
)
# A past tense always has a syllable that ends in ㅆ; the others tell of a state or of what goes on.
_DONE: Final = re.compile(
    rf"[{_TOLD}]|완료|성공|[은된한난둔진인운]\s?(?:상태|것으로|걸로)|중[이입인]|중\s*(?:[.!~]|$)|결과|보니"
    r"|(?:[어아여겨려워해져돼]|고)\s?있[습어음는]|[됨함음뺌꿈](?=\s*(?:[.!~]|$))"
)
_PROMISED: Final = re.compile(
    r"겠|게요|게\s*[.!~]|게$|거예요|거에요|겁니다|것입니다|예정|[니어여에해줘]요|니다|중[이입]"
)
_CANNOT: Final = re.compile(
    r"수(?:는|가|도|도 )?\s?없|지\s?(?:는|도)?\s?(?:않|못)|어렵|어려|불가|못\s?[하해합]|없[습어는]|아니|아닙"
)


def find_known_words(words: str) -> bool:
    """Tell whether the words hold a word of an act in the table."""
    return _ANY_WORD.search(words) is not None


def iter_sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text, its quotations blanked."""
    for sentence in _SENTENCE.finditer(_QUOTED.sub(" ", text) if _QUOTE.search(text) else text):
        if not sentence[0].endswith("?"):
            yield sentence[0]


@lru_cache(maxsize=1024)
def find_mentions(text: str) -> tuple[Mention, ...]:
    """Return the words of acts that a counsellor's text may claim or promise, by cheap tests; most claim nothing."""
    blanked = _QUOTED.sub(lambda match: " " * len(match[0]), text) if _QUOTE.search(text) else text
    found: list[Mention] = []
    for sentence in _SENTENCE.finditer(blanked):
        words = sentence[0]
        is_told = _DONE.search(words) is not None
        for match in (_ANY_WORD if is_told else _FALSE_WHEN_PROMISED).finditer(words):
            place = match.start()
            act = _name_act(words, place)
            if (is_told and _DONE.search(words, place)) or (may_be_promised(act) and _may_promise(words, place)):
                found.append(Mention(act, match[0], place, words, sentence.start()))
    return tuple(found)


def _name_act(words: str, place: int) -> str:
    match = _WORDS.match(words, place)
    return str(match.lastgroup) if match else ""


def _may_promise(words: str, place: int) -> bool:
    return _PROMISED.search(words, place) is not None and not _CANNOT.search(words, place)


def may_be_promised(act: str) -> bool:
    """Tell whether a promise of the act, not only a claim, is worth a look."""
    return act == "report" or ACTS[act].is_promise_false
