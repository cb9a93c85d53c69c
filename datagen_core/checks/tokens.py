"""Decides whether texts hold what breaks training: special tokens, stray tags, handles, tool names (T01 to T03)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from datagen_core.checks.case import Case, iter_spoken
from datagen_core.checks.registry import Finding, rule
from datagen_core.config import ERROR_CODES

_SPECIAL: Final = re.compile(
    r"<\|[A-Za-z0-9_]{1,40}\|>|</?think>|\[/?INST\]|<</?SYS>>|</?s>|<(?:bos|eos|pad|unk)>|<(?:start|end)_of_turn>"
)
"""Tokens of Qwen, and of the other chat formats that web text is full of."""

_TAG: Final = re.compile(r"</?(?:tool_call|tool_response|tools)>")

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
    _Leak("an error code", re.compile(rf"(?<![A-Za-z0-9_])(?:{_CODES})(?![A-Za-z0-9_])")),
    _Leak("talk of a language model", re.compile(r"언어\s?모델|(?i:as an AI|language model)")),
)


@rule(
    "T01",
    "No string holds a special token of a chat template.",
    korean="<|im_end|>, <think> 같은 특수 토큰을 쓰지 않습니다.",
    needs_structure=False,
)
def check_special_tokens(case: Case) -> Iterator[Finding]:
    """Find special tokens in the system prompt, texts, calls and responses: the template does not escape them."""
    return _find_in_all(case, _SPECIAL, "the special token")


@rule(
    "T02",
    "No <tool_call>, <tool_response> or <tools> stands outside its place.",
    korean="<tool_call> 같은 태그를 말이나 인자에 쓰지 않습니다.",
)
def check_tags(case: Case) -> Iterator[Finding]:
    """Find tags in the system prompt, in texts, and inside the values of calls and responses."""
    return _find_in_all(case, _TAG, "the tag")


@rule(
    "T03",
    "No text leaks handles, placeholders, tool names, JSON, error codes, the prompt, or talk of a language model.",
    korean="말에는 R1 같은 식별자, 도구 이름, JSON, 영문 코드를 쓰지 않고 이름과 우리말로 풀어 말합니다.",
)
def check_leaks(case: Case) -> Iterator[Finding]:
    """Find in the customer's and the counsellor's text what only machines say."""
    names = _compile_names(case)
    for turn, text in iter_spoken(case, "customer", "counsellor"):
        for what, pattern in (*_LEAKS, *names):
            match = pattern.search(text)
            if match is not None:
                yield Finding(turn, f"the text leaks {what}: {match[0]!r}")
        handle = next((m[0] for m in _HANDLE.finditer(text) if not _was_shown(case, m[0], turn)), None)
        if handle is not None:
            yield Finding(turn, f"the text leaks the handle {handle!r}")
    yield from _find_prompt_lines(case)


def _find_in_all(case: Case, pattern: re.Pattern[str], what: str) -> Iterator[Finding]:
    for turn, text in case.texts:
        match = pattern.search(text)
        if match is not None:
            yield Finding(turn, f"{what} {match[0]!r} stands in {_name_place(case, turn)}")


def _name_place(case: Case, turn: int | None) -> str:
    return "the system prompt" if turn is None else f"a turn of the {case.turns[turn].role}"


def _compile_names(case: Case) -> tuple[_Leak, ...]:
    """Only names no Korean sentence would hold by chance count: `search` alone is a word."""
    names = sorted(name for name in case.tools.specs if "_" in name or not name.islower())
    if not names:
        return ()
    pattern = "|".join(map(re.escape, names))
    return (_Leak("a tool's name", re.compile(rf"(?<![A-Za-z0-9_])(?:{pattern})(?![A-Za-z0-9_])")),)


def _was_shown(case: Case, token: str, turn: int) -> bool:
    """Tell whether a response before the turn holds the token: then it is a name of the domain (`M1 세트`)."""
    shown = (text for index, text in case.texts if index is not None and index < turn and _is_response(case, index))
    return any(re.search(rf"(?<![A-Za-z0-9_.-]){token}(?![A-Za-z0-9_])", text) for text in shown)


def _is_response(case: Case, index: int) -> bool:
    return case.turns[index].role == "response"


def _find_prompt_lines(case: Case) -> Iterator[Finding]:
    if not case.is_delivery:
        return
    lines = [line.lstrip("- ") for line in case.dialogue.system_prompt.splitlines()]
    whole = [line for line in lines if len(line) >= 20 and " " in line]
    for turn, text in iter_spoken(case, "counsellor"):
        leaked = next((line for line in whole if line in text), None)
        if leaked is not None:
            yield Finding(turn, f"the text repeats the system prompt: {leaked!r}")
