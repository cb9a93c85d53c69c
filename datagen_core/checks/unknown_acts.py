"""Decides whether a sentence claims an act that is none of the counsellor's: what no tool does is a lie by default."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from datagen_core.checks.acts import find_known_words, iter_sentences
from datagen_core.checks.morphology import analyse
from datagen_core.checks.speech import Predicate, read_predicates

_PAST_ENDING: Final = re.compile("습니다|어요|고[ ,]|으며|지만|으니|는데|네요|답니다|어서")
_STAFF: Final = re.compile(
    r"담당|본사|고객\s?센터|상담원|상담사|관리자|부서|운영팀|해당\s?팀|전담|책임자|매니저|상급자|윗선|사람|직원"
)
_TO_STAFF: Final = re.compile(
    r"(?:담당|본사|센터|상담원|상담사|관리자|부서|팀|책임자|매니저|상급자|윗선|직원)\S{0,3}?(?:에게|께|한테|에|으로|로|을|를|와|과)(?:\s|$)"
)
_OTHERS: Final = re.compile(
    r"(?:^|\s)(?!(?:제|저희|저|상담사|상담원)가)\S+(?:이|가|께서|에서|측은|측이)(?=\s|$)"
    r"|(?:식당|가게|매장|사장님?|업체|라이더|기사님?|고객님?|손님|시스템|앱|은행|카드사|[점집관])[은는](?=\s|$)"
)
_OBJECT: Final = re.compile(r"[가-힣)\d][을를](?=\s)|[가-힣](?:에게|께|한테)(?=\s)")
_TOLD_SYLLABLE: Final = re.compile(
    "[" + "".join(chr(c) for c in range(0xAC00, 0xD7A4) if (c - 0xAC00) % 28 == 20 and chr(c) not in "있겠") + "]"
)
_PROMISE: Final = re.compile(r"겠습니다|겠어요|게요")

# What a counsellor says, thinks, sees, shows, regrets; and what happens by itself.
_HARMLESS: Final = frozenset(
    (  # noqa: SIM905
        "대로 가 가지 감사 감안 강조 갖추 같 거르 거부 거절 걱정 걸러내 걸리 검색 검토 겪 결제 계산 고려 고르 고맙 "
        "고민 고치 골라내 곱하 공감 구분 구성 기다리 기대 기쁘 기억 끝내 끼치 나 나누 나열 나오 남 남기 넓히 넘 "
        "넣 노력 놀라 놓 놓치 누락 느끼 늘리 늦 늦추 닫 담 담기 답 답변 당황 대답 대응 대조 더하 덧붙이 도와드리 "
        "도와주 도착 돌려놓 돕 되 되돌리 되묻 되짚 두 둘러보 드리 듣 뜨 마감 마치 만나 만들 만료 말씀 말씀드리 "
        "맞추 맡 먹 멈추 명시 모르 모으 못하 문의 묻 물어보 미루 바꾸 바라 반갑 반복 받 발생 밝히 변경 보 보류 "
        "보여드리 보여주 보이 복구 복원 뵙 부탁 분류 비교 비우 빠뜨리 빼 뽑 사과 살피 상담 생각 생기 서두르 선택 "
        "설명 세 소개 소통 수정 쉬 시도 시작 시키 실수 실패 쓰이 아니 아쉽 안내 안심 알 알려드리 알려주 알리 "
        "알아듣 알아보 애쓰 양해 얘기 언급 얻 없 여쭈 여쭙 열 오 오해 완료 요약 요청 원복 원하 유지 응대 이 "
        "이야기 이야기하 이해 인사 인지 읽 읽어보 있 잊 잘못 재확인 저장 적 적히 점검 정렬 정리 제공 제안 제외 "
        "제한 조정 조합 조회 좁히 종료 죄송 주 주문 준비 줄이 중단 즐겁 즐기 지나 지키 질문 집계 집중 짚 차단 "
        "착각 참고 찾 찾아보 채우 초과 초기화 추가 추리 추천 출발 틀리 파악 판단 펼치 포함 표시 품절 하 합산 합치 "
        "헷갈리 혼동 확보 확인 환영 훑 훑어보 "
    ).split()
)


@lru_cache(maxsize=1024)
def find_unknown_acts(text: str) -> tuple[str, ...]:
    """Return the words that claim an act outside of what tools do, and promises to bring in other people.

    The verbs that `acts` knows are left to their own tests. Morphemes are asked for only where a verb is unknown.
    """
    return tuple(said for sentence in iter_sentences(text) if _may_claim(sentence) for said in _find_in(sentence))


def _may_claim(sentence: str) -> bool:
    for told in _TOLD_SYLLABLE.finditer(sentence):
        if _PAST_ENDING.match(sentence, told.end()) and not find_known_words(_words_around(sentence, told.end())):
            return True
    return _STAFF.search(sentence) is not None and (
        _PROMISE.search(sentence) is not None or _TOLD_SYLLABLE.search(sentence) is not None
    )


def _words_around(sentence: str, place: int) -> str:
    """Return the last word up to the place, with the one before it where that is a verb that this one helps."""
    words = sentence[:place].split()
    is_helping = words[-1][:1] in "드두뒀놓놨" and len(words) > 1
    return " ".join(words[-2:] if is_helping else words[-1:])


def _find_in(sentence: str) -> Iterator[str]:
    before = 0
    for predicate in read_predicates(sentence):
        head = sentence[before : predicate.start]
        before = predicate.end
        if _is_foreign_act(sentence, predicate, head):
            yield sentence[predicate.start - len(head[-14:]) : predicate.end].strip()


def _is_foreign_act(sentence: str, predicate: Predicate, head: str) -> bool:
    said = sentence[predicate.start : predicate.end]
    if predicate.root in _HARMLESS or predicate.is_attribute or predicate.is_honorific or find_known_words(said):
        return False
    is_to_staff = _TO_STAFF.search(head) is not None
    if predicate.mood == "promise":
        return is_to_staff and _is_action(sentence, predicate)
    if predicate.mood != "done" or predicate.is_state or _OTHERS.search(head):
        return False
    if predicate.is_passive and not is_to_staff:
        return False
    is_noun = said.startswith(
        (f"{predicate.root}했", f"{predicate.root}하", f"{predicate.root}해", f"{predicate.root}드")
    )
    helps = predicate.is_given or re.search(r"\s?(?:두었|뒀|놓았|놨|두고|놓고)", said[1:]) is not None
    return (is_noun or helps or is_to_staff or _OBJECT.search(head) is not None) and _is_action(sentence, predicate)


def _is_action(sentence: str, predicate: Predicate) -> bool:
    """Tell whether the predicate is a verb: 저렴했습니다 describes."""
    inside = [
        token.tag.partition("-")[0] for token in analyse(sentence) if predicate.start <= token.start < predicate.end
    ]
    return ("VV" in inside or "XSV" in inside) and not any(tag in ("VA", "XSA", "VCP", "VCN") for tag in inside)
