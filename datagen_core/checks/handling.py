"""Decides whether the counsellor owns up to what a tool refused (R02)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from datagen_core.checks.case import Case, Exchange
from datagen_core.checks.fields import as_object
from datagen_core.checks.registry import Finding, rule
from datagen_core.environment import is_error

_DENIES: Final = re.compile(
    r"못|없(?!으[신시세])|안\s?[되돼됩된될]|불가|어렵|힘들|품절|매진|소진|마감|종료|닫[혔았힌은]|쉬는|휴무|끝났|부족|미달|모자|미치지|"
    r"최소|초과|넘[어는]|죄송|아쉽|유감|안타깝|실패|오류|만료|거절|잘못|틀[리린렸]|맞지|다릅|달라|제한|비어|사라|아니|아닙|않(?!으[신시세])|이미[^.!?]{0,12}빠져|"
    r"sorry|unable|could\s?n['o]t|can\s?not|can['’]t|\bnot\b|\bno\b|fail|error|invalid|unfortunately|problem",
    re.IGNORECASE,
)
"""What a text says of something that did not work, or why."""

_SMOOTHLY: Final = re.compile(
    r"(?:문제|이상|차질|무리|어려움|막힘|지장|빠짐|걱정)\s?없(?:이|습니다|어요|고|으니)|어김없이|틀림없이"
    r"|(?:다|모두|전부|잘)\s?끝났|걱정하지\s?(?:마|않)|no problem",
    re.IGNORECASE,
)
"""Words of success that look like words of what did not work."""

_ASKS: Final = re.compile(r"[?？]|주세요|주시겠|까요|시겠|나요|다시|다른|대신|부터|please|instead|again", re.IGNORECASE)
"""What a text says that asks, or offers something else."""

_LETTERS: Final = re.compile(r"[가-힣A-Za-z]")
_DONE: Final = r"[은는을를이가도]?\s?(?:까지\s?)?(?:완료|했|하였|되었|됐|해\s?드렸|해\s?두었|해\s?놓았)"

_DID: Final = r"(?:되었|됐|되어\s있|했|하였|해\s?드렸|해\s?두었|완료|끝났|마쳤|성공)"
_ALL_DONE: Final = re.compile(
    r"(?<![안못])(?<![안못]\s)"
    r"(?:(?:다|모두|전부|잘|바로|이미|방금|정상|정상적으로|성공적으로|(?:문제|이상)\s?없이|무사히|(?:요청|말씀)하신\s?대로)"
    rf"\s?(?:처리|반영|적용|완료|진행|해결|준비|등록|변경|마무리)?\s?[가는를이]?\s?{_DID}"
    rf"|(?:처리|반영|적용|해결|마무리|작업|요청)[이가도는은를을]?\s?(?:모두|다|잘|전부|정상적으로)?\s?{_DID}"
    r"|완료(?:되었|됐|했|하였|입니다|예요|이에요)|해\s?드렸(?:습|어요|고|으니))|\b(?:all )?done\b|completed|success",
    re.IGNORECASE,
)
"""What a text says of any work that was done."""

_PRETENCES: Final = {
    name: re.compile(pattern)
    for name, pattern in {
        "add_to_cart": rf"담[았겼]|담아\s?(?:드렸|놓|뒀|두었)|추가{_DONE}|넣었|넣어\s?드렸",
        "update_cart_item": rf"바[꿨뀌뀐꾸]|바꿔\s?드렸|(?:변경|수정|조정){_DONE}|늘렸|줄였",
        "remove_cart_items": rf"[뺐빠]|빼\s?(?:드렸|두었|놓)|(?:삭제|제거){_DONE}|비[웠워]",
        "upsert_address": rf"(?:저장|등록|수정|변경|설정){_DONE}|바[꿨꾸]",
        "prepare_checkout": rf"준비(?:가\s?끝|{_DONE})|(?:총|모두|합계|총액[은는])\s?[\d,만천백 ]+원(?:입|이)",
        "place_order": rf"(?:주문|결제|접수){_DONE}|주문[을이]?\s?(?:접수|성공|넣었|들어갔)",
        "get_order_status": rf"배달\s?중입|준비\s?(?:중|하고)|(?:배달|결제|접수){_DONE}",
    }.items()
}
"""What a text says where a tool's work was done; only together with no word of what did not work is it a pretence."""

_LOOKS: Final = frozenset({"search_restaurants", "get_restaurant_detail", "list_addresses", "get_cart"})


@rule(
    "R02",
    "An error response is handled in the next text.",
    severity="W",
    korean="도구가 거절하면 바로 다음 말에서 안 된 것과 그 까닭을 알리거나 되묻습니다. 된 것처럼 말하지 않습니다.",
)
def check_errors_handled(case: Case) -> Iterator[Finding]:
    """Find refusals that the counsellor's next text says nothing of, or talks of as if the work were done.

    A refusal that the same tool made good before anything was said, or that was a mere look-up where another tool then
    answered, need not be mentioned.
    """
    for place, exchange in enumerate(case.exchanges):
        if not _is_refusal(exchange.response):
            continue
        turn = next(
            (n for n in range(exchange.response_turn, len(case.turns)) if case.turns[n].role == "counsellor"), None
        )
        if turn is None:
            continue
        later = [other for other in case.exchanges[place + 1 :] if other.turn < turn]
        problem = _judge(exchange, [other for other in later if not _is_refusal(other.response)], case.turns[turn].text)
        if problem is not None:
            yield Finding(turn, f"{exchange.call.name} was refused, and {problem}")


def _judge(refused: Exchange, answered: list[Exchange], text: str) -> str | None:
    name = refused.call.name
    denies, asks, pretends = _read(name, text, has_answers=bool(answered))
    if any(other.call.name == name for other in answered) or denies:
        return None
    if pretends:
        return "the text speaks as if it was done"
    if asks or (answered and (name in _LOOKS or name not in _PRETENCES)):
        return None
    return "the text says nothing of it" if _LETTERS.search(text) is not None else None


@lru_cache(maxsize=1024)
def _read(name: str, text: str, *, has_answers: bool) -> tuple[bool, bool, bool]:
    """Return whether a text says what did not work, whether it asks, and whether it speaks as if the work was done.

    Where other calls had answers, a plain `다 되었습니다` may speak of those.
    """
    pretence = _PRETENCES.get(name)
    is_pretence = pretence is not None and pretence.search(text) is not None
    is_pretence = is_pretence or (not has_answers and _ALL_DONE.search(text) is not None)
    return _DENIES.search(_SMOOTHLY.sub(" ", text)) is not None, _ASKS.search(text) is not None, is_pretence


def _is_refusal(response: object) -> bool:
    """Tell whether a response is an error; tools of other domains may leave `error` empty where there is none."""
    return is_error(response) and bool(as_object(response)["error"])
