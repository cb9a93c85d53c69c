"""Decides how Korean words are taken apart, by the library kiwipiepy; asked only where a cheap test leaves doubt."""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import NamedTuple, cast

from kiwipiepy import Kiwi, Token

_LOCK = Lock()
_N_TAGS = 64
"""More than there are tags."""


class Morpheme(NamedTuple):
    """A morpheme as it stands from `start` to `end`; `tag` is of the Sejong set (NNG, VV, EP, EF …)."""

    form: str
    tag: str
    start: int
    end: int


@lru_cache(maxsize=1024)
def analyse(text: str) -> tuple[Morpheme, ...]:
    """Return the morphemes of a text, in order. About 1 ms a sentence; the first call loads the model (seconds)."""
    with _LOCK:
        tokens = cast("list[Token]", _load().tokenize(text))
    return tuple(Morpheme(token.form, token.tag, token.start, token.end) for token in tokens)


@lru_cache(maxsize=1)
def _load() -> Kiwi:
    return Kiwi(num_workers=1, load_default_dict=False, load_typo_dict=False, load_multi_dict=False)


@lru_cache(maxsize=1024)
def is_in_dictionary(noun: str) -> bool:
    """Tell whether the library knows every morpheme of a word, instead of having guessed one.

    A guessed morpheme carries the number of its tag as its id; those of the dictionary begin above the tags.
    """
    with _LOCK:
        tokens = cast("list[Token]", _load().tokenize(noun))
    return all(token.id >= _N_TAGS for token in tokens)
