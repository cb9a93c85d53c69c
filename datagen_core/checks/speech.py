"""Decides what a Korean sentence does with a verb: says it is done, promises it, or leaves it open."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from datagen_core.checks.morphology import Morpheme, analyse

Mood = Literal["done", "promise", "present", "open"]
"""`done`: told as done or going on; `present`: told as a plain fact; `open`: denied, asked, possible or if."""


class Predicate(NamedTuple):
    """A verb with its endings as it stands from `start` to `end`.

    `root` is the verb's stem, or the noun before 하다, 되다 and 드리다. `is_passive`: it happens, nobody does it.
    `is_honorific`: the customer does it. `is_attribute`: it describes the noun that follows. `is_given`: 드리다 helps.
    `is_state`: it is so as found (담겨 있습니다).
    """

    root: str
    start: int
    end: int
    mood: Mood
    is_passive: bool = False
    is_honorific: bool = False
    is_attribute: bool = False
    is_given: bool = False
    is_state: bool = False


class _Ending(NamedTuple):
    mood: Mood | Literal["joined"]
    place: int
    is_honorific: bool = False
    is_attribute: bool = False
    is_given: bool = False
    is_state: bool = False


_PAST: Final = frozenset({"었", "았", "였", "었었", "았었"})
_LIGHT: Final = frozenset({"하", "되", "드리", "시키", "받"})
_PASSIVE: Final = frozenset({"되", "나가", "들어가", "이루어지", "끝나", "담기", "바뀌", "빠지", "넘어가", "비워지"})
_JOINING: Final = frozenset({"고", "며", "으며", "면서", "으면서", "어", "아", "여", "어서", "아서", "여서"})
_LINKING: Final = frozenset({"어", "아", "여", "고", "지", "게"})
_OPEN: Final = frozenset(
    {"면", "으면", "다면", "려면", "으려면", "어야", "아야", "여야", "거든", "려고", "으려고", "도록", "게", "는지",
     "ᆫ지", "은지", "ᆯ지", "을지", "나", "다고", "ᆫ다고", "라고", "냐고", "자고", "으라고", "어도", "아도", "여도",
     "거나", "든지", "ᆫ다면", "는다면", "라면", "고자", "던지", "다가"}
)  # fmt: skip
_STATES: Final = frozenset({"상태", "것", "거", "걸", "결과", "상황", "참"})
_HOPES: Final = frozenset({"것", "거", "예정"})
_ORDERS: Final = ("세요", "십시오", "시죠", "까", "까요", "나요", "가요", "래", "래요", "자", "라")
_NOT: Final = frozenset({"않", "못하", "없", "아니", "말"})
_REACH: Final = 4
_NONE: Final = Morpheme("", "", -1, -1)


@lru_cache(maxsize=1024)
def read_predicates(sentence: str) -> tuple[Predicate, ...]:
    """Return the predicates of one sentence, in order. About 1 ms: it asks the morphological library.

    A predicate joined to the next (빼고 담았습니다) takes its mood and its subject's honour from there.
    """
    tokens = analyse(sentence)
    is_question = sentence.rstrip(" ~)").endswith("?")
    found: list[tuple[Predicate, bool]] = []
    for place in range(len(tokens)):
        read = _read_nominal(tokens, place, is_question) or _read_verb(tokens, place, is_question)
        if read is not None:
            found.append(read)
    predicates: list[Predicate] = []
    for predicate, is_joined in reversed(found):
        if is_joined and predicates:
            after = predicates[0]
            predicates.insert(0, predicate._replace(mood=after.mood, is_honorific=after.is_honorific))
        else:
            predicates.insert(0, predicate)
    return tuple(predicates)


def _read_verb(tokens: Sequence[Morpheme], place: int, is_question: bool) -> tuple[Predicate, bool] | None:
    token = tokens[place]
    tag = token.tag.partition("-")[0]
    if tag not in ("VV", "VA", "XSV", "XSA", "VCP", "VCN") or _is_helper(tokens, place):
        return None
    root, start = token.form, token.start
    if tag in ("XSV", "XSA", "VCP") or (tag == "VV" and root in _LIGHT):
        noun = _noun_before(tokens, place)
        if noun is not None:
            root, start = noun.form, noun.start
    ending = _read_ending(tokens, place + 1, is_question)
    is_denied = tag == "VCN" or (
        place > 0 and tokens[place - 1].form in ("안", "못") and tokens[place - 1].tag == "MAG"
    )
    mood: Mood = "open" if is_denied or ending.mood == "joined" else ending.mood
    end = tokens[min(ending.place, len(tokens) - 1)].end
    predicate = Predicate(
        root,
        start,
        end,
        mood,
        token.form in _PASSIVE,
        ending.is_honorific,
        ending.is_attribute,
        ending.is_given,
        ending.is_state,
    )
    return predicate, ending.mood == "joined" and not is_denied


def _read_nominal(tokens: Sequence[Morpheme], place: int, is_question: bool) -> tuple[Predicate, bool] | None:
    """Read `취소 완료!`, `결제 완료입니다` and `처리 중입니다`, which tell of something without a verb."""
    token, after = tokens[place], _at(tokens, place + 1)
    if token.form not in ("완료", "성공", "중") or after.tag not in ("", "SF", "SP", "SE", "SW", "VCP", "SO"):
        return None
    if token.form == "중" and (token.tag != "NNB" or place == 0 or not tokens[place - 1].tag.startswith("N")):
        return None
    root = tokens[place - 1] if token.form == "중" else token
    mood: Mood = "open" if is_question or _is_denied_after(tokens, place + 1) else "done"
    return Predicate(root.form, root.start, token.end, mood, is_passive=True), False


def _is_helper(tokens: Sequence[Morpheme], place: int) -> bool:
    """Tell whether the verb helps the one before (담아 드리다), so that it is no predicate of its own."""
    if place == 0 or tokens[place - 1].tag != "EC":
        return False
    link, form = tokens[place - 1].form, tokens[place].form
    return link in ("어", "아", "여") and form in ("드리", "두", "놓", "주", "버리", "보", "있", "가지", "지")


def _noun_before(tokens: Sequence[Morpheme], place: int) -> Morpheme | None:
    for token in reversed(tokens[max(0, place - _REACH) : place]):
        if token.tag.startswith("N") or token.tag == "XR":
            return token
        if token.tag[:1] not in ("J", "X") and token.tag != "MAG":
            return None
    return None


def _read_ending(tokens: Sequence[Morpheme], place: int, is_question: bool) -> _Ending:
    """Read the endings from `place` on, over helping verbs, up to the one that decides."""
    is_past = is_hoped = honours = is_given = is_state = False
    while place < len(tokens):
        form, tag, after = tokens[place].form, tokens[place].tag, _at(tokens, place + 1)
        if tag == "EP":
            is_past, is_hoped = is_past or form in _PAST, is_hoped or form == "겠"
            honours = honours or form in ("시", "으시")
        elif tag == "EC" and form in _LINKING and (after.tag.startswith("VX") or _is_helper(tokens, place + 1)):
            if form == "지" or after.form in ("싶", "못하", "않", "말"):
                return _Ending("open", place + 1, honours)
            is_state = is_state or (after.form == "있" and form != "고")
            is_past = is_past or after.form == "있"
            is_given = is_given or after.form == "드리"
            place += 1
        elif tag == "EC" and form == "도록" and after.form == "하":
            place += 1  # 전달하도록 하겠습니다 promises as 전달하겠습니다 does
        elif tag in ("EC", "EF", "ETM", "ETN"):
            mood = _judge(tokens, place, is_past, is_hoped, is_question)
            return _Ending(mood, place, honours, tag == "ETM", is_given, is_state)
        else:
            break
        place += 1
    return _Ending("done" if is_past else "open", place - 1, honours, is_given=is_given)


def _judge(
    tokens: Sequence[Morpheme], place: int, is_past: bool, is_hoped: bool, is_question: bool
) -> Mood | Literal["joined"]:
    form, tag = tokens[place].form, tokens[place].tag
    told: Mood = "done" if is_past else "promise" if is_hoped else "present"
    if tag == "EC":
        if form in _OPEN or (form == "지" and _is_denied_after(tokens, place + 1)):
            return "open"
        if form in _JOINING and not is_past and not is_hoped:
            return "joined"
        return "done" if form in ("니", "으니") and tokens[place - 1].form == "보" else told
    if tag == "EF":
        if is_question or form.endswith(_ORDERS):
            return "open"
        if form.startswith(("ᆯ게", "을게")):
            return "promise"
        return "done" if form in ("ᆷ", "음") else told
    if tag == "ETN":
        return "done" if is_past or _at(tokens, place + 1).tag in ("", "SF") else "open"
    return _judge_attribute(tokens, place, is_past)


def _judge_attribute(tokens: Sequence[Morpheme], place: int, is_past: bool) -> Mood:
    """Judge what describes a noun: 취소된 상태 tells, 취소할 예정 promises, 취소할 수 does neither."""
    form, noun = tokens[place].form, _at(tokens, place + 1)
    if _is_denied_after(tokens, place + 2):
        return "open"
    if form in ("ᆯ", "을"):
        return "promise" if noun.form in _HOPES and not is_past else "open"
    if form == "는":
        return "done" if noun.form == "중" and noun.tag == "NNB" else "open"
    is_told = noun.form in _STATES or _at(tokens, place + 2).tag == "VCP"
    return "done" if form in ("ᆫ", "은") and is_told else "open"


def _is_denied_after(tokens: Sequence[Morpheme], place: int) -> bool:
    return any(
        token.form in _NOT or (token.form in ("못", "안") and token.tag == "MAG")
        for token in tokens[place : place + _REACH]
    )


def _at(tokens: Sequence[Morpheme], place: int) -> Morpheme:
    return tokens[place] if 0 <= place < len(tokens) else _NONE
