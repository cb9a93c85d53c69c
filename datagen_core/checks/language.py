"""Decides whether texts and arguments are in Korean, and the counsellor's register is constant (L01 to L04)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple, cast

import regex

from datagen_core.checks.case import Case, iter_spoken
from datagen_core.checks.evidence import find_uuids
from datagen_core.checks.politeness import find_casual
from datagen_core.checks.registry import Finding, Severity, rule
from datagen_core.checks.written import read_written
from datagen_core.config import NO_CALL_KINDS, TOOLS

LEAST_SHARE: Final = 0.5
USUAL_SHARE: Final = 0.6

BRANDS: Final = frozenset({"bbq", "bhc", "kfc", "gs25", "gs", "cu", "ssg", "pay", "sk", "kt", "lg", "toss", "naver"})
"""Brands that Korean texts write in Latin letters; they count as neither Korean nor foreign."""

_FEWEST_LETTERS: Final = 8
"""In a line of fewer letters a name decides the share, and it says nothing; in a dialogue that takes more of them."""

_FEWEST_LETTERS_OF_ALL: Final = 60
_FEWEST_WORDS: Final = 3
"""Beside Korean, one or two foreign words are a name."""

_FEWEST_CUSTOMER_LETTERS: Final = 12
_NOTHING: Final[frozenset[str]] = frozenset()
_OTHER_WORD: Final = regex.compile(r"[\p{L}--\p{Hangul}]+", regex.V1)
_MAY_BE_FOREIGN: Final = re.compile(r"[^\x00-@[-`{-\xBF\u2000-\u206F\u2190-\u2BFF\u3000-\u303F가-힣ㄱ-ㆎ]").search
_KOREAN_RUN: Final = regex.compile(r"\p{Hangul}+")
_LATIN_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9'’&-]*")
_NO_WORDS: Final = regex.compile(
    r"https?://\S+|www\.\S+|\S+@\S+|\{[^{}]*\}|[<＜][^<>＜＞]{0,60}[>＞]|\w*_\w*|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
)
_MAY_HOLD_NO_WORD: Final = re.compile(r"[@{<＜_-]|//|www").search
"""Finds a part of whatever `_NO_WORDS` takes out."""


class Letters(NamedTuple):
    """How many letters of a text are Korean, how many are others, and how many words the others make."""

    korean: int
    other: int
    words: int

    @property
    def share(self) -> float:
        """The Korean share; 1 where there are no letters."""
        total = self.korean + self.other
        return self.korean / total if total else 1.0


@rule(
    "L01",
    f"At least {LEAST_SHARE:.0%} of the letters said are Korean ({USUAL_SHARE:.0%} without a warning).",
    korean="고객도 상담사도 한국어로 말합니다.",
    families=("delivery",),
)
def check_korean(case: Case) -> Iterator[Finding]:
    """Find counsellor's lines, customer's lines and whole dialogues that are not in Korean.

    Ids, addresses of the web, brands, and words that the customer or a response wrote before do not count as letters.
    A customer may name or paste foreign words; a line without any Korean is nobody's who asks a Korean counsellor,
    but where a translation is asked for, which is off the subject (`NO_CALL_KINDS`).
    """
    if not _MAY_BE_FOREIGN(read_written(case).said):
        return
    spoken = [(index, turn.role, turn.text) for index, turn in enumerate(case.turns) if turn.text]
    found: list[Finding] = []
    total = Letters(0, 0, 0)
    for index, role, text in spoken:
        letters = count_letters(text, _NOTHING)
        if role == "counsellor" and letters.share < USUAL_SHARE:
            letters = count_letters(text, _list_known_words(case, index))
            found += _judge(index, letters, "the counsellor's line", _FEWEST_LETTERS)
        elif role == "customer" and letters.korean == 0 and letters.other >= _FEWEST_CUSTOMER_LETTERS:
            found.append(_find_customer(case, index))
        total = Letters(*(one + other for one, other in zip(total, letters, strict=True)))
    yield from found or _judge(None, total, "the dialogue", _FEWEST_LETTERS_OF_ALL)


def _judge(turn: int | None, letters: Letters, what: str, fewest: int) -> list[Finding]:
    if letters.korean + letters.other < fewest or letters.share >= USUAL_SHARE:
        return []
    if letters.korean and letters.words < _FEWEST_WORDS:
        return []
    severity: Severity = "E" if letters.share < LEAST_SHARE else "W"
    return [Finding(turn, f"{letters.share:.0%} of the letters of {what} are Korean", severity)]


def _find_customer(case: Case, turn: int) -> Finding:
    is_told = case.kind is not None and case.kind not in NO_CALL_KINDS
    return Finding(turn, "the customer's line holds no Korean", "E" if is_told else "W")


@lru_cache(maxsize=1024)
def count_letters(text: str, known: frozenset[str]) -> Letters:
    """Return the letters of a text without ids, addresses of the web, brands and the words known, in lower case."""
    plain = _NO_WORDS.sub(" ", text) if _MAY_HOLD_NO_WORD(text) else text
    if known or _LATIN_WORD.search(plain):
        skipped = known | BRANDS
        plain = _LATIN_WORD.sub(lambda match: " " if match[0].casefold() in skipped else match[0], plain)
    words = _OTHER_WORD.findall(plain)
    return Letters(sum(map(len, _KOREAN_RUN.findall(plain))), sum(map(len, words)), len(words))


def _list_known_words(case: Case, turn: int) -> frozenset[str]:
    """Return the Latin words that customers and responses wrote before a turn, in lower case."""
    return frozenset(
        match[0].casefold()
        for index, text in case.texts
        if index is not None and index < turn and case.turns[index].role in ("customer", "response")
        for match in _LATIN_WORD.finditer(text)
    )


_BROKEN: Final = regex.compile(
    r"[\p{Cc}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{NChar}\p{DI}\uFFFD\u2800\uFFF9-\uFFFB\U000E0000-\U000E0FFF--[\n\t\u200D\uFE0E\uFE0F]]"
    r"|(?<![\p{Emoji}\p{Extended_Pictographic}])[\uFE0E\uFE0F]"
    r"|(?<![\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F])\u200D|\u200D(?!\p{Extended_Pictographic})",
    regex.V1,
)
"""Characters that nobody types: controls, private use, lone surrogates, invisible ones (what Unicode calls
default-ignorable, and the empty Braille cell); joiners and variation selectors only beside emoji."""

_FLAG: Final = regex.compile(r"\U0001F3F4[\U000E0020-\U000E007F]+")
_ESCAPED_CONTROL: Final = regex.compile(r"(?<!\\)(?:\\\\)*\\(?:u00[01][0-9a-f]|[bfr])")
_FOREIGN: Final = regex.compile(
    r"[\p{L}--[\p{Hangul}\p{Latin}\p{Common}\p{Inherited}]][\p{L}\p{M}--[\p{Hangul}\p{Latin}]]+", regex.V1
)
"""Two letters or more of another script; single ones stand in emoticons, in 大 and in +α."""

_FOREIGN_LETTER: Final = regex.compile(r"[\p{L}--[\p{Hangul}\p{Latin}\p{Common}\p{Inherited}\p{Greek}]]", regex.V1)
_UNUSUAL: Final = re.compile(r"[^\n -~가-힣ㄱ-ㅣㅥ-ㆎ·…‘’“”–—]")  # between ㅣ and ㅥ stands the invisible filler


@rule(
    "L02",
    "There are no runs of a foreign script, no replacement, control or invisible characters.",
    korean="한자, 일본어 같은 다른 문자나 보이지 않는 문자를 쓰지 않습니다.",
)
def check_characters(case: Case) -> Iterator[Finding]:
    """Find characters that nobody types, in any domain; in ours also words in a script that is not Korean or Latin.

    The counsellor writes not even a single Hanja that neither customer nor response wrote before.
    """
    written = read_written(case)
    if "\\" not in written.whole and not _UNUSUAL.search(written.whole):
        return
    for turn, role, text in written.turns:
        is_json = role in ("call", "response")
        if is_json and "\\" in text and (match := _ESCAPED_CONTROL.search(text)):
            yield Finding(turn, f"a turn of the {role} holds the control character {match[0]!r}")
        if _UNUSUAL.search(text):
            yield from (Finding(turn, problem) for problem in find_strange_characters(text))
            if case.is_delivery:
                yield from _find_foreign(case, turn, text, role)


@lru_cache(maxsize=1024)
def find_strange_characters(text: str) -> tuple[str, ...]:
    """Return what is wrong with the characters of a text, whatever its language."""
    match = _BROKEN.search(_FLAG.sub("", text))
    return () if match is None else (f"the text holds the character U+{ord(match[0][0]):04X}",)


def _find_foreign(case: Case, turn: int, text: str, role: str) -> Iterator[Finding]:
    match = _FOREIGN.search(text)
    if match is None and role == "counsellor":
        match = next((m for m in _FOREIGN_LETTER.finditer(text) if not _was_written(case, m[0], turn)), None)
    if match is not None:
        yield Finding(turn, f"the turn of the {role} holds {match[0]!r}, which is not Korean")


def _was_written(case: Case, letter: str, turn: int) -> bool:
    return any(letter in text for index, text in case.texts if index is not None and index < turn)


_Parameters = Mapping[str, Mapping[str, Mapping[str, object]]]


def _name_free_arguments(tool: Mapping[str, object]) -> tuple[str, frozenset[str]]:
    function = cast("Mapping[str, object]", tool["function"])
    properties = cast("_Parameters", function["parameters"])["properties"]
    free = (name for name, spec in properties.items() if spec["type"] == "string" and not _CLOSING & spec.keys())
    return cast("str", function["name"]), frozenset(free)


_CLOSING: Final = frozenset({"enum", "pattern", "format"})
_FREE_ARGUMENTS: Final = dict(map(_name_free_arguments, TOOLS))
"""The arguments of each tool that hold words."""

_LATIN_RUN: Final = re.compile(r"[A-Za-z][A-Za-z]+")


@rule(
    "L03",
    "Argument values keep the customer's Korean.",
    severity="W",
    korean="인자에는 고객이 말한 우리말을 그대로 넣습니다.",
    families=("delivery",),
)
def check_values(case: Case) -> Iterator[Finding]:
    """Find Latin words in arguments that neither the customer nor a response wrote."""
    for exchange in case.exchanges:
        for name in _FREE_ARGUMENTS.get(exchange.call.name, ()):
            value = exchange.call.arguments.get(name)
            if not isinstance(value, str) or not _LATIN_RUN.search(value) or any(find_uuids(value)):
                continue
            before = "\n".join(_list_seen(case, exchange.turn)).casefold()
            words = (match[0] for match in _LATIN_RUN.finditer(value))
            strange = next((w for w in words if w.casefold() not in before and w.casefold() not in BRANDS), None)
            if strange is not None:
                yield Finding(exchange.turn, f"{name} is {value!r}, and nobody said {strange!r}")


def _list_seen(case: Case, turn: int) -> Iterator[str]:
    for index, text in case.texts:
        if index is not None and index < turn and case.turns[index].role in ("customer", "response"):
            yield text


@rule(
    "L04",
    "The counsellor's register is constant 존댓말.",
    severity="W",
    korean="상담사의 모든 문장은 -습니다, -요처럼 높임말로 끝냅니다.",
    families=("delivery",),
)
def check_register(case: Case) -> Iterator[Finding]:
    """Find sentences of the counsellor that end in 반말; names, lists and fragments have no register."""
    for turn, text in iter_spoken(case, "counsellor"):
        casual = find_casual(text)
        if casual is not None:
            yield Finding(turn, f"the counsellor speaks 반말: {casual!r}")
