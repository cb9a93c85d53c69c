"""Decides whether a Korean text is in 존댓말: how each of its sentences ends."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from datagen_core.checks.morphology import analyse

_QUOTED: Final = re.compile(
    r"'[^'\n]{1,200}'|‘[^’\n]{1,200}’|\"[^\"\n]{1,200}\"|“[^”\n]{1,200}”|「[^」\n]{1,200}」|\([^()\n]{1,80}\)"
)
_SENTENCE: Final = re.compile(r"(?P<words>(?:[^.?!~…？！。\n]+|(?<=[0-9])[.](?=[0-9]))+)(?P<mark>[.?!~…？！。\n]*)")
_SPOKEN: Final = re.compile(r".*[가-힣]")
"""A sentence up to its last syllable."""

_POLITE: Final = re.compile(r"(?:요|죠|십시오|십쇼|[가-힣]니다|[가-힣]니까)$")
_LONGEST_POLITE: Final = 3
_FORMAL_BEFORE: Final = 17
"""The place of ㅂ among the final consonants of a Hangul syllable (Unicode 3.12): 습니다, 입니까, but not 아니다."""

_CASUAL_LAST: Final = frozenset(
    "어아야지다해게래까니냐자라네군데걸돼줘봐가와써여려져쳐켜펴나마렴구든걸응음임함됨냥셈대재래거고서면"
)
"""Syllables a 반말 sentence can end in; a noun may too, so the morphemes decide."""

_FIRST_SYLLABLE: Final = 0xAC00
_FINALS: Final = 28


@lru_cache(maxsize=1024)
def find_casual(text: str) -> str | None:
    """Return the first sentence that ends in 반말; None where all are polite, or have no verb."""
    plain = _QUOTED.sub(" ", text) if _has_quotes(text) else text
    for sentence in _SENTENCE.finditer(plain):
        words = _SPOKEN.match(sentence["words"])
        if words is None or words[0][-1] not in _CASUAL_LAST or _is_polite(words[0]):
            continue
        mark = "?" if "?" in sentence["mark"] else "."
        if _ends_casually(words[0], mark):
            return sentence["words"].strip()
    return None


def _has_quotes(text: str) -> bool:
    return any(sign in text for sign in "'‘\"“「(")


def _is_polite(spoken: str) -> bool:
    match = _POLITE.search(spoken, max(0, len(spoken) - _LONGEST_POLITE))
    if match is None:
        return False
    ending = match[0]
    return len(ending) != 3 or ending[1] != "니" or (ord(ending[0]) - _FIRST_SYLLABLE) % _FINALS == _FORMAL_BEFORE


def _ends_casually(spoken: str, mark: str) -> bool:
    """Ask the morphemes: of 반말 are a final ending (EF), 응, and the `했음` that makes a noun of a past tense."""
    morphemes = [morpheme for morpheme in analyse(spoken[-_LONGEST_TAIL:] + mark) if morpheme.tag != "SF"]
    if not morphemes:
        return False
    last = morphemes[-1]
    if last.tag == "EF":
        return not _POLITE.search(last.form) and last.form not in _POLITE_ENDINGS
    if last.tag == "ETN":
        return len(morphemes) > 1 and morphemes[-2].tag == "EP"
    # The morphemes of 있니? are read as in 있으니, which ends no question.
    return (last.tag == "EC" and mark == "?") or (last.tag == "IC" and last.form in _CASUAL_WORDS)


_LONGEST_TAIL: Final = 80
_POLITE_ENDINGS: Final = frozenset({"ᆸ니다", "ᆸ니까", "습니다", "습니까", "ᆸ시오", "오", "소"})
_CASUAL_WORDS: Final = frozenset({"응", "어", "그래", "야"})
