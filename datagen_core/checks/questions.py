"""Decides what a counsellor's line does towards the customer: asks for something, refuses, or returns to the app."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from datagen_core.config import Withheld

_SENTENCE: Final = re.compile(r"[^.!?\n]+(?:\.(?=\d)[^.!?\n]+)*[.!?~]*")
# 무엇을 도와드릴까요? asks for nothing in particular, nor does 더 필요하신 것이 있으신가요?
_IDLE: Final = re.compile(
    r"(?:무엇을|뭘|뭐를|어떤 (?:도움|것|점|일|걸)\S*|어떻게|무슨 (?:도움|일)\S*)\s?(?:\S+\s)?(?:도와|필요|도움|궁금)\S*"
    r"|(?:더|다른|또)\s?(?:\S+\s){0,2}?(?:필요하|궁금하|도와|도움|원하)\S*(?:\s\S{1,4}){0,3}"
)
_REQUESTS: Final = re.compile(
    r"\?|[까나가]요|(?:알려|말씀|골라|선택|정해|확인|불러|적어|남겨|입력|가르쳐|보내)\s?(?:해\s?)?(?:주|부탁|달라)"
    r"|필요[합한해]|어떻게 되|빠져|빠졌|누락|모르|알아야|부탁드"
)
_ABOUT: Final[dict[Withheld, re.Pattern[str]]] = {
    "음식 종류": re.compile(
        r"종류|음식|메뉴|한식|중식|일식|분식|치킨|피자|카페|야식|드시|드실|당기|어떤 (?:식당|가게|집|곳)|먹"
    ),
    "식당": re.compile(r"식당|가게|매장|상호|어디|어느|곳|집"),
    "메뉴": re.compile(r"메뉴|음식|무엇|무얼|어떤|어느|뭘|뭐|무슨|담으실|드시|드실"),
    "옵션": re.compile(
        r"옵션|사이즈|크기|맛|어떤|어느|대(?:자|짜)?\b|소(?:자|짜)?\b|중(?:자|짜)?\b|[(]|용량|종류|가운데|중에|무엇|뭘"
    ),
    "수량": re.compile(r"몇|수량|개수|갯수|얼마나|얼마큼|얼만큼|[개그]?릇|인분"),
    "항목": re.compile(r"어떤|어느|무엇|뭘|뭐|무슨|메뉴|항목|중에|가운데"),
    "요청 사항": re.compile(r"요청|메모|문구|내용|어떻게|무엇|뭐라|뭘|어떤|전할|적"),
    "배송지": re.compile(r"배송지|주소|어디|어느|받으실|받으시|보내|배달지"),
    "주소": re.compile(r"주소|도로명|어디|지번|위치|배송지"),
    "상세 주소": re.compile(r"상세|동\s?호수|동과 호|호수|몇 (?:동|호|층)|동·호|층|나머지 주소|주소"),
    "받는 사람": re.compile(r"받으시는|받으실|받는|수령|성함|이름|누구|어느 분"),
    "전화번호": re.compile(r"전화|연락처|휴대폰|핸드폰|번호"),
    "비밀번호": re.compile(r"비밀\s?번호|비번|번호|현관"),
    "결제 수단": re.compile(
        r"결제\s?(?:수단|방법|방식)|(?:어떤|어느|무슨)\s?(?:수단|방법|방식|것)"
        r"|(?:무엇|뭐|뭘|어떤 것|어느 것|어떻게)(?:으로|로)?.{0,12}결제"
        r"|결제.{0,12}(?:무엇|뭐|뭘|어떤|어느|어떻게)|(?:카드|카카오|네이버|토스).{0,40}(?:중|가운데|어느|어떤|무엇)|지불"
    ),
    "주문 번호": re.compile(r"번호|몇 번"),
}

_REFUSES: Final = re.compile(
    r"수(?:는|가|도|조차)?\s?(?:가\s)?(?:없|어렵)|지\s?(?:는|도|를)?\s?(?:않|못)|어렵|어려[운울워움]|불가|불가능|못\s?[하해합드찾돕도]"
    r"|[^\s]+(?:은|는|이|가|도|까지)\s?(?:\S+\s)?(?:안\s?[돼됩되됨]|없[습어는고지으])|아닙니다|아니에요|아니라|아니어|아닌"
    r"|안\s?[돼됩되]|권한|범위|벗어나|밖의|제한|만\s?(?:도와|안내|가능|다루|답)|곤란|무리|모[릅르]|힘[들듭든]|기능(?:은|이)?\s?없|방법(?:은|이)?\s?없|없습니다"
)
_FEEBLE: Final = re.compile(
    r"도움이?\s?되[^.!?]*못|불편[^.!?]*(?:않|못)|아니(?:요|오)[.,! ]|걱정\S*\s?(?:않|마)|문제\s?없|어렵지\s?않"
)
_APP: Final = re.compile(
    r"배달|주문|식당|음식|메뉴|드시|드실|먹|맛집|장바구니|앱|치킨|피자|분식|식사|출출|배고프|시장하"
)
_PLEASANT: Final = re.compile(
    r"^\s*(?:네|예|아|앗|아이고|안녕|죄송|미안|감사|고맙|아쉽|반갑|별말씀|그러[시셨]|그렇)[^.!?]{0,24}[.!?~]*\s*$"
)


@lru_cache(maxsize=1024)
def asks_for(text: str, wanted: Withheld | None) -> bool:
    """Tell whether the line asks for what is wanted, or, where that is None, for anything in particular."""
    for sentence in _SENTENCE.findall(text):
        said = _IDLE.sub(" ", sentence)
        if said != sentence and not _HANGUL.search(said.replace("안녕하세요", "")):
            continue
        if not _REQUESTS.search(said):
            continue
        if any(about.search(said) for about in ((_ABOUT[wanted],) if wanted else _ABOUT.values())):
            return True
    return False


@lru_cache(maxsize=1024)
def refuses(text: str) -> bool:
    """Tell whether the line says that something cannot be done here; being sorry alone is not enough."""
    return _REFUSES.search(_FEEBLE.sub(" ", text)) is not None


@lru_cache(maxsize=1024)
def only_redirects(text: str) -> bool:
    """Tell whether the line speaks of nothing but the app, as a counsellor does who leads back to it."""
    sentences = [sentence for sentence in _SENTENCE.findall(text) if not _PLEASANT.match(sentence)]
    return bool(sentences) and all(_APP.search(sentence) for sentence in sentences)


_HANGUL: Final = re.compile("[가-힣]{2}")
