"""Decides which words stand in the place of a restaurant's or a dish's name, and whether anybody has heard of them.

Names that were shown are masked first, so that sound texts are left with everyday words. What remains in the place of
a name (before a price, a quantity, a rating, `에서`, within a list) is a stranger unless it is an everyday word, was
heard before, or is no noun, of which the morphological library decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from datagen_core.checks.amounts import find_amounts
from datagen_core.checks.case import Case, hear_before
from datagen_core.checks.everyday import SHOP_ENDS, ends_shops, is_everyday, looks_like_shop, strip_particles
from datagen_core.checks.morphology import analyse
from datagen_core.checks.numerals import find_counts
from datagen_core.checks.sums import fold
from datagen_core.checks.unheard import find_unheard
from datagen_core.environment.catalogue import build_catalogue
from datagen_core.environment.catalogue_names import BRANCHES

DISH: Final = "\ue000"
SHOP: Final = "\ue001"
"""What stands for each character of a dish's, of a restaurant's name that was shown."""

_NAME: Final = f"[{DISH}{SHOP}]"
_WORD: Final = r"[가-힣A-Za-z0-9&]+"
_OPEN: Final = r"(?=[^.!?,]{0,18}(?:영업|문을|최소\s?주문|배달비|평점|열려|닫))"
# What follows where a restaurant is named. The class it begins with lets a search skip all other letters.
_AT_SHOP: Final = (
    rf"(?=[에의은는이가\s(])(?:에서|에는|의\s?(?={DISH}|(?:어떤\s)?메뉴)|\s(?=메뉴[는은가도]|메뉴판)|[은는이가]\s{_OPEN}"
    r"|\s?(?=\((?:평점|별점|배달비|최소)))"
)
_SIZED: Final = r"(?:\([^()]{1,8}\))?"
# Each is what stands right after a word in the place of a name: to look back from these is ten times faster.
_PLACE: Final = re.compile(_AT_SHOP)
# 나비골 마라탕에는: a dish's name that serves as the end of a restaurant's.
_BEFORE_NAME: Final = re.compile(rf"\s{DISH}+(?:{_AT_SHOP}|\s(?={DISH}))")
_BEFORE_DISH: Final = re.compile(rf"\s(?={DISH})")
_CARRIED: Final = re.compile(
    r"(?=[을를은는도에\s])(?:[을를은는도]\s(?:장바구니에서?\s|추가로\s|모두\s|다\s)?(?:담았|담아|담을|뺐|빼\s|추가|삭제했|넣었|넣어)"
    r"|에?\s(?:요청|몇\s?(?:개|그릇|인분|마리)))"
)
_JOINED: Final = re.compile(rf"(?:(?:과|와|이랑|랑|하고)\s|\+|,\s){_NAME}")
_TAIL: Final = re.compile(rf"({_WORD})(?:{_SIZED})$")
_LAST_WORD: Final = re.compile(
    rf"({_WORD}){_SIZED}[을를은는이가도]?(?:\s(?:세트|수량[을은이]?|이제|모두|총|각각|추가로|더))*\s?$"
)
_PREVIOUS: Final = re.compile(rf"({_WORD})\s$")
_RATED: Final = re.compile(r"\s?\((?:평점|별점|배달비|최소)")
_QUOTED: Final = re.compile(r"['‘“\"]([^'\"’”]{2,20})['’”\"]\s?(?:이라는|라는|이란|란)\s?(?:식당|가게|곳|집|메뉴|음식)")
# Beside a name: 떡볶이와 순대, 떡볶이+순대; in a list, up to the next comma or the list's end.
_BESIDE: Final = re.compile(
    rf"{_NAME}(?:(?:과|와|이랑|랑|하고)\s|\+)({_WORD})"
    rf"|{_NAME}(?:\([^()]*\))?,\s({_WORD}(?:\+{_WORD})?(?:\s{_WORD})?)"
    r"(?=,|\(|입니다|이고|이며|이에요|\s등|\s중에?서?\s|\s같은|까지\s)"
)
_REACH: Final = 24
_NO_WORD: Final = frozenset(("", " ", DISH, SHOP, DISH * 2, SHOP * 2))
"""What no unknown word ends with: nothing, a space, a name that was shown."""
_EXAMPLE: Final = re.compile(r"예를 들|예:|예시|처럼")
_END: Final = re.compile(r"(?<=[.!?])\s|\n")
_SIZE: Final = re.compile(r"\([^()]*\)$")
_BRANCH: Final = re.compile(rf"\s(?:{'|'.join(BRANCHES)}|[가-힣]{{1,4}}점)$")

_NOUNS: Final = frozenset(("NNG", "NNP", "SL", "XSN", "XR"))


def find_strangers(case: Case, turn: int, text: str) -> Iterator[str]:
    """Yield every name of a restaurant or dish in a text that neither a response nor the customer has named before."""
    masked = _mask(text, *_names_before(case, turn))
    for word, start, is_shop in _list_places(text, masked):
        stranger = _judge(
            case, turn, word, text[:start], is_shop=is_shop, is_rated=_RATED.match(text, start + len(word)) is not None
        )
        if stranger is not None:
            yield stranger
    yield from _find_unshown_shops(case, turn, masked)
    unheard = find_unheard(masked)
    if unheard:
        heard = _hear(case, turn)
        yield from (name for name in unheard if fold(name) not in heard)


def _names_before(case: Case, turn: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the restaurants' and the dishes' names shown before a turn, with what they are called for short."""
    evidence = case.evidence
    shops = (name for name, ids in evidence.shops.items() if min(ids.values()) < turn)
    dishes = (name for name, first in evidence.dishes.items() if first < turn)
    return _with_short_forms(tuple(shops)), _with_short_forms(tuple(dishes))


@lru_cache(maxsize=1024)
def _with_short_forms(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names, and names without branch and size, the longest first."""
    short = {_SIZE.sub("", name) for name in names} | {_BRANCH.sub("", name) for name in names}
    return tuple(sorted({name for name in (*names, *short) if len(name) > 1}, key=len, reverse=True))


def _mask(text: str, shops: tuple[str, ...], dishes: tuple[str, ...]) -> str:
    """Put masks of the same length in the place of names, so that every offset stays what it was."""
    for mask, names in ((SHOP, shops), (DISH, dishes)):
        for name in names:
            if name in text:
                text = text.replace(name, mask * len(name))
    return text


@lru_cache(maxsize=1024)
def _list_places(text: str, masked: str) -> tuple[tuple[str, int, bool], ...]:
    """Return (word, where it starts, whether it is the place of a restaurant) of what no example gives."""
    return tuple(
        (word, start, is_shop)
        for word, start, is_shop in _find_places(text, masked)
        if not (is_everyday(word) and not (is_shop and ends_shops(word)))
        and not _EXAMPLE.search(_sentence_around(masked, start))
    )


def _find_places(text: str, masked: str) -> Iterator[tuple[str, int, bool]]:
    """Yield (word, where it starts, whether it is the place of a restaurant)."""
    has_dish = DISH in masked
    yield from _look_back(masked, _PLACE, is_shop=True)
    yield from _look_back(masked, _CARRIED, is_shop=False)
    if "라는" in masked or "란" in masked:
        yield from ((match[1], match.start(1), True) for match in _QUOTED.finditer(masked))
    if has_dish:
        yield from _look_back(masked, _BEFORE_NAME, is_shop=False)
        yield from (found for found in _look_back(masked, _BEFORE_DISH, is_shop=True) if found[0].endswith(SHOP_ENDS))
    if has_dish or SHOP in masked:
        yield from _look_back(masked, _JOINED, is_shop=False)
        for match in _BESIDE.finditer(masked):
            yield (match[1] or match[2]).split()[0], match.start(1 if match[1] else 2), False
    starts = [amount.start for amount in find_amounts(text)]
    starts += [count.start for count in find_counts(text) if count.is_sure]
    for start in starts:
        if masked[max(0, start - 2) : start].strip() in _NO_WORD:
            continue
        match = _LAST_WORD.search(masked, max(0, start - _REACH), start)
        if match:
            yield match[1], match.start(1), False


def _look_back(masked: str, anchor: re.Pattern[str], *, is_shop: bool) -> Iterator[tuple[str, int, bool]]:
    """Yield the word that ends where each match begins."""
    for match in anchor.finditer(masked):
        start = match.start()
        if masked[start - 1 : start] in _NO_WORD:
            continue
        word = _TAIL.search(masked, max(0, start - _REACH), start)
        if word:
            yield word[1], word.start(1), is_shop


def _sentence_around(text: str, place: int) -> str:
    start = max((match.end() for match in _END.finditer(text, 0, place)), default=0)
    end = _END.search(text, place)
    return text[start : end.start() if end else len(text)]


def _hear(case: Case, turn: int) -> str:
    """Return, folded, all that was shown and said before a turn, names first."""
    shops, dishes = _names_before(case, turn)
    parts = [*shops, *dishes, *hear_before(case, turn)]
    parts += [
        text
        for (index, text), spoken in zip(case.texts[1:], case.turns[:turn], strict=False)
        if index is not None and spoken.role == "response"
    ]
    return fold(" | ".join(parts))


def _judge(case: Case, turn: int, word: str, before: str, *, is_shop: bool, is_rated: bool) -> str | None:
    """Return the stranger's name, or None: it was heard, or is no noun, or may be an everyday one."""
    heard = _hear(case, turn)
    stem = _find_heard(word, heard)
    if is_shop and (stem is not None or ends_shops(word)):
        return _compare_words(case, turn, stem or word, before, heard, is_rated=is_rated)
    if stem is not None or not _is_name(word, is_shop=is_shop):
        return None
    bare = _cut_particles(word)
    return None if is_everyday(bare) or _find_heard(bare, heard) else bare


def _compare_words(case: Case, turn: int, stem: str, before: str, heard: str, *, is_rated: bool = False) -> str | None:
    """Walk back from the last word of a restaurant's name: 나비골 옛날통닭 is not 여우비 옛날통닭."""
    names = [name.split() for name, ids in case.evidence.shops.items() if min(ids.values()) < turn]
    ends = [words[:-1] for words in names if words and words[-1] == stem]
    tail = stem
    if is_rated and not ends and ends_shops(stem) and not stem.endswith("집"):
        return stem
    for _ in range(3):
        match = _PREVIOUS.search(before[-24:])
        if match is None:
            return None
        previous, tail = match[1], f"{match[1]} {tail}"
        ends = [words[:-1] for words in ends if words and words[-1] == previous]
        if not ends and is_everyday(previous):
            return None
        if not ends:
            is_known = _find_heard(previous, heard) is not None
            return tail if not is_known and _is_noun(previous) and not _ends_in_particle(previous) else None
        before = before[: -len(match[0])]
    return None


def _find_heard(word: str, heard: str) -> str | None:
    return next((stem for stem in (word, *strip_particles(word)) if len(stem) > 1 and fold(stem) in heard), None)


def _is_name(word: str, *, is_shop: bool) -> bool:
    if not is_shop:
        return _is_noun(word)
    if looks_like_shop(word):
        return True
    morphemes = analyse(word)
    return bool(morphemes) and morphemes[-1].tag == "NNP"


def _is_noun(word: str) -> bool:
    """Tell whether a word is a noun, once its particles are off."""
    morphemes = [morpheme for morpheme in analyse(word) if not morpheme.tag.startswith(("J", "VCP", "EF"))]
    return bool(morphemes) and morphemes[-1].tag in _NOUNS


def _cut_particles(word: str) -> str:
    """Return a word without its particles, whichever they are: 메뉴마다, 떡볶이부터."""
    end = len(word)
    for morpheme in reversed(analyse(word)):
        if morpheme.tag[0] != "J" or morpheme.start == 0:
            break
        end = morpheme.start
    return word[:end]


def _ends_in_particle(word: str) -> bool:
    return analyse(word)[-1].tag[0] in "JE"


def _find_unshown_shops(case: Case, turn: int, masked: str) -> Iterator[str]:
    """Yield restaurants of the catalogue that exist, but were neither shown nor named by the customer."""
    if case.opening is None:
        return
    shops, any_start = _list_shops(case.opening.catalogue_seed)
    if any_start.search(masked) is None:
        return
    for start in [start for start in shops if start in masked]:
        for name in shops[start]:
            if fold(name) in fold(masked) and fold(name) not in _hear(case, turn):
                yield name


@lru_cache(maxsize=64)
def _list_shops(seed: int) -> tuple[dict[str, list[str]], re.Pattern[str]]:
    """Return the names, without branch, of every restaurant of a catalogue by their first two syllables.

    The pattern finds whether a text holds any of these beginnings.
    """
    shops: dict[str, list[str]] = {}
    for restaurant in build_catalogue(seed).restaurants:
        name = _BRANCH.sub("", restaurant.name)
        shops.setdefault(name[:2], []).append(name)
    return shops, re.compile("|".join(map(re.escape, shops)))
