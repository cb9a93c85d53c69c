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
    r"(?<![A-Za-z0-9_.-])[RMACOSX][1-9][0-9]{0,2}(?![A-Za-z0-9_]|[.-][A-Za-z0-9])"
    r"(?!\s?(?:동|호|층|관|블록|단지|게이트|구역|라인|홀|형|등급|사이즈|용지|출구))"
)
"""A handle of a script. `A형`, `101동` and `M 사이즈` have no such form; `A1동` and `A4용지` are real words."""


class _Leak(NamedTuple):
    what: str
    pattern: re.Pattern[str]


_CODES: Final = "|".join(ERROR_CODES)
_LEAKS: Final = (
    _Leak("a placeholder", re.compile(r"\{\{?\s*[A-Za-z가-힣][A-Za-z0-9가-힣_. ]{0,40}\}\}?|\$\{|<[A-Z][A-Z_]{2,}>")),
    _Leak("JSON", re.compile(r"\{\s*\"|\"\s*:\s*(?:[\"\[{\d-]|true|false|null)|[\[{]\s*[\[{]\s*\"|\"\s*\}")),
    _Leak("a code fence", re.compile(r"```|~~~")),
    _Leak("an error code", re.compile(rf"(?<![A-Za-z0-9_])(?:{_CODES})(?![A-Za-z0-9_])")),
    _Leak("talk of a language model", re.compile(r"언어\s?모델|(?i:as an AI|language model)")),
    _Leak("the mark of a speaker", re.compile(r"\((?:고객|AI\s?상담사|function_(?:call|response))\)")),
    _Leak(
        "the mark of a speaker",
        re.compile(r"^[\s#*]*(?:assistant|user|system|human|AI|AI\s?상담사|상담사|어시스턴트)\**\s?[:：]", re.I | re.M),
    ),
)
_COUNSELLOR_LEAKS: Final = (
    _Leak(
        "talk of a language model",
        re.compile(r"(?:AI|인공\s?지능)\s?모델|학습\s?데이터|학습된 데이터|ChatGPT|OpenAI|\bGPT-?\d"),
    ),
    _Leak(
        "a placeholder",
        re.compile(
            r"\[(?:고객|식당|메뉴|주문|배송지|금액|주소|이름|상호|전화|날짜|시간)[가-힣 ]{0,8}\]|[○◯〇]{2,}"
            r"|(?<![A-Za-z])(?:OO|OOO|XX|XXX)(?=님|원|개|점|식당|씨)"
        ),
    ),
    _Leak(
        "a heading of the prompt",
        re.compile(r"\[(?:순서|상황|분량|종류|지금)\]|(?<![A-Za-z])(?:withhold|retracted)(?![A-Za-z])"),
    ),
)
_MACHINE_WORD: Final = re.compile(
    r"(?<![A-Za-z0-9_@./-])(?:(?!tool_|function_)[a-z]+(?:_[a-z0-9]+)+|null|None|undefined|NaN|true|false"
    r"|pending|paid|preparing|delivering|delivered|cancelled|refunded|relevance)(?![A-Za-z0-9_@/-]|\.[A-Za-z])"
)
"""A field's name or a value of the tools, which the counsellor says in Korean."""

_MAY_LEAK: Final = re.compile(r"[A-Za-z{}\[\]\"$<`~:：○◯〇]|모델|학습|\(고객\)").search


@rule(
    "T01",
    "No string holds a special token of a chat template.",
    korean="<|im_end|>, <think> 같은 특수 토큰을 쓰지 않습니다.",
    needs_structure=False,
)
def check_special_tokens(case: Case) -> Iterator[Finding]:
    """Find special tokens in the system prompt, texts, calls and responses: the template does not escape them."""
    whole = "\n".join(text for _, text in case.texts)
    for turn, text in case.texts if any(sign in whole for sign in _SIGNS) else ():
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
    for turn, text in case.texts:
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
    for turn, text in iter_spoken(case, "customer", "counsellor") if _MAY_LEAK(read_written(case).said) else ():
        if _MAY_LEAK(text):
            yield from _find_leaks(case, turn, text, names)
    yield from _find_prompt_lines(case)


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
    parts = [re.escape(name) for name in names if "_" in name]
    return (_Leak("a tool's name", re.compile("|".join([*parts, *whole]))),)


def _was_shown(case: Case, token: str, turn: int) -> bool:
    """Tell whether a response before the turn holds the token: then it is a name of the domain (`M1 세트`)."""
    shown = (text for index, text in case.texts if index is not None and index < turn and _is_response(case, index))
    return any(re.search(rf"(?<![A-Za-z0-9_.-]){token}(?![A-Za-z0-9_])", text) for text in shown)


def _is_response(case: Case, index: int) -> bool:
    return case.turns[index].role == "response"


def _find_prompt_lines(case: Case) -> Iterator[Finding]:
    if not case.is_delivery:
        return
    lines = _list_prompt_lines(case.dialogue.system_prompt.partition("\n고객 ID:")[0])
    for turn, text in iter_spoken(case, "counsellor"):
        leaked = next((line for line in lines if line in text), None) if len(text) >= _SHORTEST_LINE else None
        if leaked is not None:
            yield Finding(turn, f"the text repeats the system prompt: {leaked!r}")


@lru_cache(maxsize=64)
def _list_prompt_lines(instructions: str) -> tuple[str, ...]:
    """Return the lines long enough to be told from common words, without bullets and the stop at the end."""
    lines = (line.lstrip("-*• ").rstrip(". ") for line in instructions.splitlines())
    return tuple(line for line in lines if len(line) >= _SHORTEST_LINE and " " in line)


_SHORTEST_LINE: Final = 20
