"""Decides whether a customer's line agrees to an order: what is said last counts, be it a yes, a no or neither."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise, takewhile
from typing import Final, Literal

from datagen_core.checks.morphology import Morpheme, analyse

Agreement = Literal["wish", "choice", "yes"]
"""A wish to order says it all; a choice or a yes agrees to what was asked right before."""

_LONGEST: Final = 600
"""A line is read from so many characters before its end: what is said last counts."""

# `_YES`, `_REFUSES` and `_DOUBTS` read the line as it stands, the others without spaces, which customers set as they
# please. A negative look-ahead after a part of a word keeps another word out: 하면, 했고, 할까 ask for nothing.
_START: Final = r"(?:^|[^가-힣a-z0-9])"
_END: Final = r"(?=[^가-힣a-z0-9?？]|[ㅋㅎㅠㅜ]|$)"
_ORDER: Final = r"(?:주문|결[제재]|(?<!금)계산|진행|구매)"
_THAT: Final = r"(?:[그고]렇게|[그이고]대로|(?:(?<![가-힣])|(?<=[네넵응요럼냥]))[그이][걸거]로)"
_METHOD: Final = r"(?:카드|카카오|카페이|카톡|네이버|네페|토스|페이|kakao|naver|toss|card|pay)(?:페이|뱅크)?"
_HASTE: Final = r"(?:좀|다|바로|빨리|빨랑|얼른|어서|그냥|걍|후딱|지금|그렇게|그대로|이대로|요청|확정|접수)*"
_GIVE: Final = (
    r"(?:[줘죠쥬조]|주(?!지|신|던|었|셨|면|기|는|문|시면)|주(?:시)?면(?:감사|고[맙마]|좋|[돼되됩])"
    r"|다오|달(?!라[고는니]))"
)
_MILD: Final = r"(?:[용여유요버봐](?![?？])|라(?!고|면|는)|도(?![되돼될됨괜좋]))"
"""해라, 해요, and 해도, which is dialect for 해줘 unless 되나요 follows."""

_WISH: Final = (
    r"(?:하(?:[께자죠쟈]|지요|겠|고[싶파]|십시|시[죠지]|[세셔]|려[고구]|렵니|는[걸것거]|도록|쇼|이소)"
    rf"|할(?:[게께래거꺼것]|라[고요])|합(?:시다|니다)|해(?:{_GIVE}|{_MILD}|야[지겠죠]|{_END})"
    rf"|[넣너]어(?:{_GIVE}|{_MILD}|{_END})|[넣너](?:을[게께래]|자|겠|으[세시]))"
)
_REQUEST: Final = re.compile(
    rf"{_ORDER}[을를도은는이만]?{_HASTE}"
    rf"(?:{_WISH}|부탁(?!했)|바[랍래라]|원[해합]|고고|ㄱ|가[자즈]|이?[요용욥여]?{_END})"
    rf"|시켜(?:{_GIVE}|{_MILD}|{_END})|시킬[게께래]|시키(?:[자죠쟈]|겠|십|세|도록)"
)
"""A wish to order or to pay, in so many words."""

_CHOICE: Final = re.compile(
    rf"{_THAT}{_HASTE}(?:{_WISH}|부탁(?!했)|{_GIVE}|가[자죠시]|갈[게께래]|갑시|[요용ㄱ]|고고|{_END})"
    rf"|{_METHOD}(?:으?로|에서){_HASTE}(?:{_WISH}|할(?!까(?:싶|생각|하|고민|말|봐)|지|수|때)|부탁(?!했)|{_GIVE}|갈[게께래]|가[자죠]|갑|[요용여](?![?？])|{_END})"
    rf"|{_METHOD}(?:이?[요용여욥](?![?？])|입니다|[예이]에요|ㄱ|{_END})"
)
"""A choice of what was offered: this as it stands, or a way to pay."""

_ASSENT: Final = re.compile(
    rf"(?:{_START}|빨리|얼른|바로|어서|그냥|걍|그럼|이제|[네넵응콜]){_WISH}"
    rf"|오케|옥[케키]|오키|ㅇㅋ|{_START}ok|ㄱㄱ|고고|{_START}콜(?![가-힣])|(?:{_START}|[네넵응])(?:잘)?부탁(?!하나|했|한|드렸)"
    r"|물론|당연|동의|찬성|그러(?:시죠|세요|자|죠|지요|게|십시)"
    r"|(?<![안못])(?:괜찮|좋(?!은데|긴|을|겠)|조아|맞(?:아|습|다|네|음|지|는|죠))(?![^.!…~,]{0,8}[?？])"
)
_YES: Final = re.compile(
    r"(?:^|[.!?~…,ㅋㅎㅠㅜ^]\s*|(?:^|\s)(?:음|아|오|와|그럼|자|앗|아하|허허)\s+)"
    r"(?:네|넵|넹|넨|녜|넴|옙|예|응|웅|엉|엥|어|ㅇ|그래요?|그랴|그려|그럼요|암|기래|하모|yes|yep|yeah)+"
    r"(?=[^가-힣a-z0-9]|[ㅋㅎㅠㅜㅇ]|$)(?!\s*[?？])(?!\s*(?:개|시|명|번|판|마리|그릇|잔|병|줄|캔|조각)(?![가-힣]))"
)
_REFUSES: Final = re.compile(
    rf"(?:{_ORDER}|시키|그렇게|그러)[은는을를도]?\s*(?:하|시키)?지\s*[는도]?\s*(?:마|말|않|못|안)"
    rf"|(?:^|[.!?~…,]|아니|아뇨|요)\s*하지\s*[는도]?\s*(?:마|말)|[넣주]지\s*[는도]?\s*(?:마|말)|싶지\s*[는도]?\s*않"
    rf"|{_ORDER}[은는을를]?\s*(?:안|못|말)(?!\s*[되돼])"
    r"|(?:^|[.!?~…,]\s*|(?:^|\s)(?:저|난|나|전|저는|나는|그냥|그럼|역시|아니|아뇨|아니요|네|음|아|오늘은?|이번엔?|근데)\s*)"
    rf"(?:안|못)\s*(?:하|할|해|합|한다|시[킬켜키]|{_ORDER}|살[게래]|사요|먹을)"
    r"|취소(?!\s*[되가될는된됐안못]|할\s*수|\s*수수)|관[두둘둬]|그만|보류|포기|(?<![가-힣])[됐됬](?:어|습|네|고|다|음|$)"
    r"|잠[깐시](?:만|요|[\s.!~…,ㅋㅠ]|$)|잠만|기다려\s*(?:봐|주|요|줘|$)|기달|스톱|멈춰"
    r"|(?:아니|아뇨|아녀|아이)(?:(?![이그]대로)[^?]){0,9}괜찮|생각(?:해|좀|을|중|이|\s)|고민|(?:나중에|다음에|담에|이따가?)\s*(?:다시\s*)?(?:할|하|시[킬키켜]|주문|결제|올)"
)
"""Words that take an order back, or put it off."""

_DOUBTS: Final = re.compile(
    r"아니(?!면)|아뇨|아녀|아냐|아닙|아이다|ㄴㄴ|노노|싫|비싸|비싼|모르겠|글쎄|별로|패스|필요\s*없|말고|나중에|다음에|담에|이따"
    r"|아직(?:은)?\s*(?:안|아니|모르|결정|고민|이르|정하|요|[.!…]|$)|안\s*[돼되](?!나|요\?|죠|지)|부담|못\s*정"
    r"|(?:다른|딴)[^.!?]{0,8}(?:볼|보[여고]|찾|고[르를])"
)
_WILL: Final = (
    r"(?:할\s*[게께래거것]|하(?:겠|려|[자죠]|는\s*[게걸]|고\s*싶)|시[킬키]|할까"
    r"|결정|연락|말씀|다시|[볼올]\s*[게께래거])"
)
_WORDS: Final = r"(?:[^\s.!?,]{1,6}(?<![고데니까라면])\s+){0,2}"
_PUTS_OFF: Final = re.compile(
    r"(?:나중에?|이따가?|있다가?|다음[번에]?에?|담에|내일|모레|주말에|퇴근[^\s]{0,3}|(?:시간|분)\s*[뒤후]에?|그[때땐]|저녁\s?때)"
    r"(?!에?\s*(?:또|도\s|한\s?번\s?더))"
    rf"(?:[은는도나]?\s*{_WORDS}(?:{_ORDER}[은는을를도]?\s*)?{_WILL}|[요.!…~])"
    rf"|아직[^.!?]{{0,14}}(?:하지|지)\s*[는도]?\s*(?:마|말|않|못)|아직[^.!?]{{0,10}}(?:이[르른]|일러|모르|고민|생각|보류|못)"
    r"|(?:생각|고민)(?:을|은|도|만)?\s*(?:좀|조금|더|한번)*\s*(?:해|하)?\s*(?:볼[게께래]|볼\s*시간"
    r"|보고(?!\s*있었)|봐야|봤으면|할\s*(?:게|시간|래|거)|하고|해야|하겠|필요)"
    r"|(?:금액|총액|가격|얼마인지)만\s*(?:알|보|궁금)|지금[^.!?,]{0,4}말고"
    r"|(?:둘러|물어|여쭤|여쭈어|의논|상의|상담|확인|비교|알아)(?:해|하)?\s*"
    r"(?:보고|봐야|볼[게께래]|하고\s*(?:나서|다시|연락|할|(?:주문|결제)할|결정))"
    rf"|(?:결정|마음|맘|정하[진지])[은을도]?\s*(?:아직|못|안)|{_ORDER}(?:은|는|을|를|만)?\s*(?:하지|지)\s*[는도]?\s*(?:마|말)"
    rf"|보류|미[룰뤄루]|{_ORDER}(?:하기)?\s*전에\s*(?:먼저|좀|다시|확인\s?[할하해])|기다려\s*(?:주(?!셔)|봐)"
)
"""Words that put the order off; what follows (카드로 할 거예요) tells how it would be paid then."""

_IF_EVER: Final = re.compile(r"그때|그땐|되면|한다면|할\s?때|하게\s?[돼된]|[하시키]면|나중|다음|이따")
_RETURNS: Final = re.compile(
    r"아니(?!면)|아뇨|아냐|그냥|걍|역시|에이|보니|지금|바로|당장|결심|(?<!못)(?<!못 )(?<!안)(?<!안 )정했"
)
"""A second thought after it takes the delay back: `조금 더 생각해 볼게요. 아니, 그냥 카드로요`."""

_PLANNED: Final = re.compile(r"[^\s.!?]{1,3}\s?[을를]?\s?할\s?(?:[거것]|예정|생각|듯)")
"""A plan (결제할 거예요) is less than a wish where the order was put off before."""

_COUNTER: Final = r"(?:개|그릇|인분|판|마리|줄|조각|잔|세트|병|캔)"
_ALTERS: Final = re.compile(
    rf"(?:담아|추가해?|골라|바꿔|빼|{_COUNTER}(?:만|씩)?[넣너]어)(?:{_GIVE}|도)|장바구니에[넣너담]|늘려|줄여"
    rf"|(?:하나|둘|[한두세네]{_COUNTER}|\d{_COUNTER})(?:으?로|만|더)?(?:넣어|담아|추가)"
    r"|(?:총액|금액|가격|얼마|얼만)[^.!?]{0,6}(?:알려|확인[해하부좀]|봐|보여)|얼마(?!나)|얼만"
)
"""A wish that changes what is ordered, or a sum that has to be heard first; others (a receipt) take no order back."""

_SEEKS: Final = re.compile(
    rf"(?:담아|추가해?|골라|찾아|열어|읽어|잡아|끊어|보여|바꿔|빼|{_COUNTER}(?:만|씩)?[넣너]어)(?:{_GIVE}|도)"
    r"|장바구니에[넣너담]|늘려|줄여|준비(?:해|부탁|하)"
    rf"|(?:하나|둘|[한두세네]{_COUNTER}|\d{_COUNTER})(?:으?로|만|더)?(?:해|부탁|넣어|담아|추가)"
    r"|(?:총액|금액|가격|얼마|얼만)[^.!?]{0,6}(?:알려|확인[해하부좀]|봐|보여)|얼마(?!나)|얼만|환불|예약|볼수"
)
"""A wish for something else first: another cart, a sum, a list."""

_STRAYS: Final = re.compile(
    rf"{_SEEKS.pattern}|[알들]려|보여|추천|메뉴|번호|평점|리뷰|취소|변경|수정|등록|저장|확인해|도와|물어|궁금"
    r"|알[겠겟긋것았]|이해|수고|안녕|올게|둘게|볼게|어쩔수|이거면|[?？]"
)
"""What a mere yes does not come with: any other wish, a question, a farewell."""

_NUMBERS: Final = re.compile(r"\d{3,4}-?\d{4}|[0-9a-f]{8}-[0-9a-f]{4}")
"""A phone or order number: `이걸로` means the number then."""

_IS_ROOT: Final = re.compile(rf"{_ORDER}|시[키켜]")
_WILLS: Final = ("ᆯ게", "ᆯ께", "ᆯ래", "ᆸ시다", "자")
_STEPS: Final = frozenset({"처리", "확정", "진행", "완료", "접수", "요청", "승인"})
"""What may stand between ordering and what is asked; any other noun (주문 번호, 결제 금액) is what is wanted itself."""

_THINGS: Final = frozenset({"NNG", "NNP", "NP", "SN", "JKB"})
_NEGATIONS: Final = frozenset({"안", "못", "않", "말", "못하"})


@lru_cache(maxsize=1024)
def read_agreement(line: str) -> Agreement | None:
    """Return how a line agrees to an order, None where it does not.

    A wish to order settles it unless a refusal or another wish follows. So does a choice of what was offered (이대로,
    카드로) unless a doubt follows, and a mere yes where the line says nothing else: `아니요 그대로 주문해 주세요` does,
    `네 근데 잠깐만요` does not. A line that speaks of ordering in none of these ways is taken apart into morphemes.
    """
    text = unicodedata.normalize("NFC", line[-_LONGEST:]).casefold().strip()
    places = [place for place, letter in enumerate(text) if not letter.isspace()]
    tight = "".join(text[place] for place in places)
    refused = max((match.end() - 1 for match in _REFUSES.finditer(text)), default=-1)
    requested = _last(_REQUEST, tight, places)
    if _is_put_off(text, requested if requested >= 0 else _last(_CHOICE, tight, places), is_wish=requested >= 0):
        return None
    if requested >= 0:
        return "wish" if requested > max(refused, _last(_ALTERS, tight, places)) else None
    sought = _last(_SEEKS, tight, places)
    doubted = max(refused, _last(_DOUBTS, text))
    chosen = _last(_CHOICE, tight, places)
    is_number = _NUMBERS.search(tight) is not None
    if chosen >= 0:
        return "choice" if chosen > max(doubted, sought) and not is_number else None
    assented = max(_last(_ASSENT, tight, places), _last(_YES, text))
    if assented >= 0:
        return "yes" if assented > doubted and not is_number and _STRAYS.search(tight) is None else None
    is_open = max(refused, sought) < 0 and _IS_ROOT.search(tight) is not None
    return "wish" if is_open and _wants_to_order(text) else None


def _is_put_off(text: str, agreed: int, *, is_wish: bool) -> bool:
    """Tell whether the line puts the order off, and nothing after that takes the delay back.

    A wish after it takes it back unless it is for another time (그때 결제할게요); a mere choice or a plan
    (결제할 거예요) only with a second thought before it (아니, 그냥 카드로요).
    """
    end = max((match.end() for match in _PUTS_OFF.finditer(text)), default=None)
    if end is None or agreed < end:
        return end is not None
    is_firm = is_wish and _PLANNED.match(text, agreed) is None
    return _IF_EVER.search(text, end, agreed) is not None or (
        not is_firm and _RETURNS.search(text, end, agreed) is None
    )


def _last(pattern: re.Pattern[str], text: str, places: list[int] | None = None) -> int:
    """Return where the last match begins, in the line as it stands; -1 without one."""
    start = max((match.start() for match in pattern.finditer(text)), default=-1)
    return places[start] if places is not None and 0 <= start < len(places) else start


def _wants_to_order(text: str) -> bool:
    """Tell whether ordering is asked for as a favour (… 주세요) or willed (… 할게), and not denied nor past."""
    morphemes = analyse(text)
    start = next((n for n, morpheme in enumerate(morphemes) if _IS_ROOT.match(morpheme.form)), len(morphemes))
    rest = list(takewhile(lambda morpheme: morpheme.tag != "SF", morphemes[start:]))
    if any(map(_denies, rest)) or any(one.tag in _THINGS and one.form not in _STEPS for one in rest[1:]):
        return False
    if any(one.tag in ("ETN", "ETM") or one.form == "면" for one in rest[:3]):
        return False
    pairs = pairwise(rest)
    favour = any(one.tag == "VX" and one.form == "주" and other.tag in ("EF", "EP", "EC") for one, other in pairs)
    return favour or any(one.tag in ("EF", "EC") and one.form.startswith(_WILLS) for one in rest)


def _denies(morpheme: Morpheme) -> bool:
    return morpheme.form in _NEGATIONS or (morpheme.tag == "EP" and morpheme.form in ("었", "았"))
