"""Decides whether texts hold what breaks training: special tokens, stray tags, handles, tool names (T01 to T03)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from datagen_core.checks.case import Case, iter_spoken
from datagen_core.checks.registry import Finding, rule
from datagen_core.checks.written import read_written
from datagen_core.config import ERROR_CODES

_BRACKETS: Final = tuple(f"[{name}]" for name in ("BOS", "EOS", "PAD", "UNK", "MASK", "SEP", "CLS"))
_SPECIAL: Final = re.compile(
    r"[<＜]\s?[|｜]\s?[A-Za-z0-9_▁ ]{2,40}\s?[|｜]|[|｜](?:im_start|im_end|im_sep|endoftext|eot_id)[|｜]"
    r"|[<＜]\s?/?\s?(?:think|thinking|reasoning|scratchpad)\s?[>＞]"
    r"|\[/?\s?INST\s?\]|\[/?(?:TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS|SYSTEM_PROMPT)\]"
    r"|<</?SYS>>|</?s>|<(?:bos|eos|pad|unk|mask|sep|cls)>|\[(?:BOS|EOS|PAD|UNK|MASK|SEP|CLS)\]"
    r"|<(?:start|end)_of_turn>|<0x[0-9A-F]{2}>|(?<![A-Za-z_])im_(?:start|end|sep)(?![A-Za-z_])",
    re.IGNORECASE,
)
"""Tokens of Qwen, and of the other chat formats that web text is full of; also wide, spaced or cut off."""

_SIGNS: Final = ("<", "＜", "|", "｜", "im_", "[/", "[INST", "[ INST", "[inst", "[TOOL", "[AVAIL", "[SYS", *_BRACKETS)

_TAG: Final = re.compile(r"</?(?:tool_call|tool_response|tools)>")
_LOOSE_TAG: Final = re.compile(
    r"(?:[<＜\[{]|&lt;)\s?/?\s?(?:tool|function)[_ -]?(?:call|response|result)s?\s?/?\s?(?:[>＞\]}=]|&gt;)"
    r"|[<＜]\s?/?\s?tools?\s?[>＞]|(?<![A-Za-z0-9_])(?:tool|function)_(?:call|response)s?(?![A-Za-z0-9_])",
    re.IGNORECASE,
)
"""What is meant as a tag; in words that are said only, since a tool's own data may speak of tool calls."""

_HANDLE: Final = re.compile(
    r"(?=[RMACOSX])(?<![A-Za-z0-9_.-])[RMACOSX][1-9][0-9]{0,2}(?![A-Za-z0-9_]|[.-][A-Za-z0-9])"
    r"(?!\s?(?:동|호|층|관|블록|단지|게이트|구역|라인|홀|형|등급|사이즈|용지|출구))"
)
"""A handle of a script. `A형`, `101동` and `M 사이즈` have no such form; `A1동` and `A4용지` are real words."""


class _Leak(NamedTuple):
    what: str
    pattern: re.Pattern[str]


# A pattern that begins with a look at the first character passes over the others ten times faster.
_CODES: Final = "|".join(ERROR_CODES)
_LEAKS: Final = (
    _Leak("a placeholder", re.compile(r"\{\{?\s*[A-Za-z가-힣][A-Za-z0-9가-힣_. ]{0,40}\}\}?|\$\{|<[A-Z][A-Z_]{2,}>")),
    _Leak(
        "JSON",
        re.compile(
            r"(?=[{\[\"])(?:\{\s*[\"'][^\"'{}]{1,40}[\"']\s*:|\{\s*\"|\"\s*:\s*(?:[\"\[{\d-]|true|false|null)|[\[{]\s*[\[{]\s*\"|\"\s*\})"
        ),
    ),
    _Leak("a code fence", re.compile(r"```|~~~")),
    _Leak("an error code", re.compile(rf"(?=[A-Z])(?<![A-Za-z0-9_])(?:{_CODES})(?![A-Za-z0-9_])")),
    _Leak("talk of a language model", re.compile(r"(?=[언AaLl])(?:언어\s?모델|(?i:as an AI|language model))")),
    _Leak("the mark of a speaker", re.compile(r"\((?:고객|AI\s?상담사|function_(?:call|response))\)")),
    _Leak(
        "the mark of a speaker",
        re.compile(r"^[\s#*]*(?:assistant|user|system|human|AI|AI\s?상담사|상담사|어시스턴트)\**\s?[:：]", re.I | re.M),
    ),
)
_SLOT: Final = (
    r"(?:고객|손님|식당|가게|상호|메뉴|음식|주문|결제|배송|배달|주소|상세|금액|가격|총액|합계|이름|성함|전화|연락처|번호|수량|개수|날짜"
    r"|일자|시간|시각|수단|요청|평점|항목|내용|값|링크|도로명|식별자)[가-힣 _0-9]{0,10}"
)
"""What a template leaves open, between brackets of any kind."""

_COUNSELLOR_LEAKS: Final = (
    _Leak(
        "a placeholder",
        re.compile(
            r"(?=[<‹＜〈《«\[［【{｛%#@(（\sTFXLN_$?.…넣채입기적작추여이])(?:"
            rf"[<‹＜〈《«\[［【{{｛%#@]\s?{_SLOT}\s?[>›＞〉》»\]］】}}｝%#@]"
            r"|[<‹＜〈«](?!tools?\b|tool[_ -]|function[_ -]|think|reason|scratch)[A-Za-z][A-Za-z _-]{1,30}[>›＞〉»]"
            r"|\[(?:insert|your|name|address|amount|price|date|time|order|phone|number|menu|customer)[a-z _-]{0,20}\]"
            rf"|(?:^|\s)[(（]{_SLOT}[)）]\s?(?:원|개|님|로|으로|을|를|에서?|입니다)"
            r"|(?<![A-Za-z])(?:TODO|FIXME|TBD|TBA|XXX+|lorem ipsum)(?![A-Za-z])|_{3,}|%[sd](?![A-Za-z])|%\([a-z_]+\)"
            r"|\{[0-9]*\}|#\{|@@|\$[A-Za-z]"
            r"|(?<![A-Za-z0-9])(?:[NX]{1,3}|\?{2,3})\s?(?:원|개|곳|분|인분)(?:입니다|을|를|이|으로|에서?|[ ,.!])"
            r"|(?<![0-9])(?:\.\.\.|…)\s?원(?:입|이|을|에)"
            r"|(?:넣을|채울|입력할|기입할|적을|작성할|추가할)\s?것(?=[.)\]!:]|$)|(?:넣을|채울|입력할|기입할)\s?자리"
            rf"|(?:여기에|이곳에)\s?{_SLOT}\s?[을를]?\s?(?:입력|삽입|기입)(?![가-힣]|\s?[하해])"
            r"|[(\[](?:생략|중략|이하 생략|추후 [가-힣]{2}|미정)[)\]])",
            re.IGNORECASE,
        ),
    ),
    _Leak(
        "talk of a language model",
        re.compile(r"(?=[AC인학OG])(?:(?:AI|인공\s?지능)\s?모델|학습\s?데이터|학습된 데이터|ChatGPT|OpenAI|\bGPT-?\d)"),
    ),
    _Leak(
        "a placeholder",
        re.compile(
            r"(?=[\[○◯〇OX])"
            r"(?:\[(?:고객|식당|메뉴|주문|배송지|금액|주소|이름|상호|전화|날짜|시간)[가-힣 ]{0,8}\]|[○◯〇]{2,}"
            r"|(?<![A-Za-z])(?:OO|OOO|XX|XXX)(?=님|원|개|점|식당|씨))"
        ),
    ),
    _Leak(
        "a heading of the prompt",
        re.compile(r"(?=[\[wr])(?:\[(?:순서|상황|분량|종류|지금)\]|(?<![A-Za-z])(?:withhold|retracted)(?![A-Za-z]))"),
    ),
)
_MACHINERY: Final = re.compile(
    r"(?=[ADbefjptBEFJPT각값개내다대데도디라로롤리마매메명모반백상설스시어에엔역예오응이인입저제주지첫출쿼토툴파페프플함호훈])"
    r"(?:프롬프트|(?:시스템|개발자)\s?(?:메시지|메세지|지시|지침|명령|규칙)"
    r"|(?:내부|주어진|입력된|설정된)\s?(?:지침|지시|명령|규칙|역할|설정값)|지시문|명령문|지시받은 대로"
    r"|API|엔드\s?포인트|스크립트|(?<![가-힣])(?:대본|각본)(?!점|가\b)|시나리오|역할극|롤플레이|페르소나|시뮬레이션"
    r"|모의 (?:대화|상담)"
    r"|(?<![가-힣])(?:제|저의|저에게 주어진)\s(?:지시|지침|규칙|명령|설정)"
    r"|(?<=[하쓰말])라고 (?:되어|적혀|쓰여|지시|명령|설정)"
    r"|(?<!조리)(?<!조리 )(?:함수|도구|툴|메서드|메소드)[를을의로]?\s?(?:호출|실행|응답|사용|결과|인자|목록|출력|정의)"
    r"|호출\s?(?:결과|인자|형식)|(?:응답|반환|리턴)\s?(?:코드|값|객체|필드|데이터|페이로드|본문)|(?:에러|오류|상태)\s?코드"
    r"|데이터를 반환|값을 반환|파라미터|매개\s?변수|(?<![가-힣])인자(?:값|를|로|가)|제이슨|(?i:json)"
    r"|데이터베이스|(?<![A-Za-z])DB(?![A-Za-z])|백엔드|쿼리|스키마|디버그|디버깅|로그\s?(?:출력|파일)|플레이스홀더"
    r"|토큰(?:이|을|\s?수)|(?i:prompt|function call|tool call|backend|payload|endpoint)"
    r"|(?:다음|이전|이번|마지막|첫)\s?턴|(?:다음|이전) 줄(?:입|은|을|이|로)"
    r"|(?:대화|상담)\s?(?:예시|데이터|생성)|(?:예시|출력)\s?(?:대화|형식)"
    r"|훈련\s?(?:용|데이터)|(?:모델|어시스턴트)(?:로서|의 역할|의 답변)|설정에 (?:따르면|따라) (?:저는|제))"
)
"""What the machinery is made of; a counsellor speaks of it only where the customer did."""

_MAY_TELL: Final = re.compile(
    r"프롬|시스템|개발자|지침|지시|명령|규칙|역할|설정|라고 "
    r"|API|엔드|스크립|대본|각본|시나리오|롤플|페르소나|시뮬|모의|함수"
    r"|도구|툴|메서드|메소드|호출|코드|반환|응답|리턴|파라미|변수|인자|제이슨|데이터|DB"
    r"|백엔드|쿼리|스키마|디버|로그|플레이스|토큰|턴|음 줄|전 줄|예시|출력|훈련"
    r"|모델|어시스|을 것|할 것|울 것|을 자리|울 자리|할 자리|기입|입력|삽입"
).search

_MACHINE_WORD: Final = re.compile(
    r"(?=[A-Za-z])(?<![A-Za-z0-9_@./-])(?:(?!tool_|function_)[a-z]+(?:_[a-z0-9]+)+"
    r"|(?!TOOL_|FUNCTION_|AVAILABLE_|SYSTEM_)[A-Z]+(?:_[A-Z0-9]+)+|null|None|undefined|NaN|true|false"
    r"|pending|paid|preparing|delivering|delivered|cancelled|refunded|relevance)(?![A-Za-z0-9_@/-]|\.[A-Za-z])"
)
"""A field's name or a value of the tools, which the counsellor says in Korean."""

_MAY_LEAK: Final = re.compile(
    r"[A-Za-z{}\[\]\"$<`~:：○◯〇‹＜〈《«【［｛%#@_모학(（?….]"
    r"(?:(?<=[^모학(（?….])|(?<=모)델|(?<=학)습|(?<=[(（])[가-힣 ]{2,16}[)）]|(?<=\?)\?|(?<=…)\s?원|(?<=\.)\.\.)"
).search


@rule(
    "T01",
    "No string holds a special token of a chat template.",
    korean="<|im_end|>, <think> 같은 특수 토큰을 쓰지 않습니다.",
    needs_structure=False,
)
def check_special_tokens(case: Case) -> Iterator[Finding]:
    """Find special tokens in the system prompt, texts, calls and responses: the template does not escape them."""
    sources = read_written(case).sources
    for turn, text in case.texts if any(sign in sources for sign in _SIGNS) else ():
        match = _SPECIAL.search(text)
        if match is not None:
            yield _tell(case, turn, "the special token", match[0])


@rule(
    "T02",
    "No <tool_call>, <tool_response> or <tools> stands outside its place.",
    korean="<tool_call> 같은 태그를 말이나 인자에 쓰지 않습니다.",
)
def check_tags(case: Case) -> Iterator[Finding]:
    """Find tags in the system prompt, in texts, and inside the values of calls and responses."""
    written = read_written(case)
    for turn, text in case.texts if "<" in written.sources or _may_tag(written.said) else ():
        match = _TAG.search(text) if "<" in text else None
        if match is None and turn is not None and case.turns[turn].text and _MAY_LEAK(text):
            match = _LOOSE_TAG.search(text)
        if match is not None:
            yield _tell(case, turn, "the tag", match[0])


@rule(
    "T03",
    "No text leaks handles, placeholders, tool names, JSON, error codes, the prompt, or talk of a language model.",
    korean="말에는 R1 같은 식별자, 도구 이름, JSON, 영문 코드를 쓰지 않고 이름과 우리말로 풀어 말합니다.",
)
def check_leaks(case: Case) -> Iterator[Finding]:
    """Find in the customer's and the counsellor's text what only machines say."""
    names = _compile_names(frozenset(case.tools.specs))
    said = read_written(case).said
    may_tell = case.is_delivery and _MAY_TELL(said) is not None
    for turn, text in iter_spoken(case, "customer", "counsellor") if may_tell or _MAY_LEAK(said) else ():
        if _MAY_LEAK(text) or (may_tell and _MAY_TELL(text)):
            yield from _find_leaks(case, turn, text, names)
    yield from _find_prompt_lines(case)


def _may_tag(said: str) -> bool:
    """Tell by the words that every loose tag holds."""
    folded = said.casefold()
    return "tool" in folded or "function" in folded


def _find_leaks(case: Case, turn: int, text: str, names: tuple[_Leak, ...]) -> Iterator[Finding]:
    is_counsellor = case.turns[turn].role == "counsellor"
    for what, pattern in (*_LEAKS, *names, *(_COUNSELLOR_LEAKS if is_counsellor else ())):
        match = pattern.search(text)
        if match is not None:
            yield Finding(turn, f"the text leaks {what}: {match[0]!r}")
    handle = next((m[0] for m in _HANDLE.finditer(text) if not _was_shown(case, m[0], turn)), None)
    if handle is not None:
        yield Finding(turn, f"the text leaks the handle {handle!r}")
    if is_counsellor and case.is_delivery:
        word = next((m[0] for m in _MACHINE_WORD.finditer(text) if not _was_said(case, m[0], turn)), None)
        if word is not None:
            yield Finding(turn, f"the text leaks a word of the tools: {word!r}")
        word = next((m[0] for m in _MACHINERY.finditer(text) if not _was_said(case, m[0], turn)), None)
        if word is not None:
            yield Finding(turn, f"the text leaks the prompt: {word!r}")


def _was_said(case: Case, word: str, turn: int) -> bool:
    return any(word in text for index, text in iter_spoken(case, "customer") if index < turn)


def _tell(case: Case, turn: int | None, what: str, found: str) -> Finding:
    return Finding(turn, f"{what} {found!r} stands in {_name_place(case, turn)}")


def _name_place(case: Case, turn: int | None) -> str:
    return "the system prompt" if turn is None else f"a turn of the {case.turns[turn].role}"


@lru_cache(maxsize=64)
def _compile_names(tools: frozenset[str]) -> tuple[_Leak, ...]:
    """Only names no Korean sentence would hold by chance count: `search` alone is a word."""
    names = sorted(name for name in tools if "_" in name or not name.islower())
    if not names:
        return ()
    whole = [rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])" for name in names if "_" not in name]
    parts = ["[_-]?".join(map(re.escape, name.split("_"))) for name in names if "_" in name]
    if not parts:
        return (_Leak("a tool's name", re.compile("|".join(whole))),)
    first = {name[0] for name in names if "_" in name}
    look = f"(?=[{''.join(sorted(first))}])" if all(letter.isascii() and letter.isalpha() for letter in first) else ""
    return (_Leak("a tool's name", re.compile("|".join([f"(?i:{look}(?:{'|'.join(parts)}))", *whole]))),)


def _was_shown(case: Case, token: str, turn: int) -> bool:
    """Tell whether a response before the turn holds the token: then it is a name of the domain (`M1 세트`)."""
    shown = (text for index, text in case.texts if index is not None and index < turn and _is_response(case, index))
    return any(re.search(rf"(?<![A-Za-z0-9_.-]){token}(?![A-Za-z0-9_])", text) for text in shown)


def _is_response(case: Case, index: int) -> bool:
    return case.turns[index].role == "response"


def _find_prompt_lines(case: Case) -> Iterator[Finding]:
    if not case.is_delivery:
        return
    said, instructions = read_written(case).said, case.dialogue.system_prompt.partition("\n고객 ID:")[0]
    lines = [line for line in _list_prompt_lines(instructions) if line in said]
    for turn, text in iter_spoken(case, "counsellor") if lines else ():
        leaked = next((line for line in lines if line in text), None) if len(text) >= _SHORTEST_LINE else None
        if leaked is not None:
            yield Finding(turn, f"the text repeats the system prompt: {leaked!r}")


@lru_cache(maxsize=64)
def _list_prompt_lines(instructions: str) -> tuple[str, ...]:
    """Return the lines long enough to be told from common words, without bullets and the stop at the end."""
    lines = (line.lstrip("-*• ").rstrip(". ") for line in instructions.splitlines())
    return tuple(line for line in lines if len(line) >= _SHORTEST_LINE and " " in line)


_SHORTEST_LINE: Final = 20
