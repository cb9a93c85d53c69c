"""Decides which strings of a dialogue somebody wrote, so that rules on texts need not read what a backend said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple, cast

from datagen_core.checks.case import Case
from datagen_core.dialogue.models import Role

_ID: Final = re.compile(r"[0-9A-Fa-f][0-9A-Fa-f]{7}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
"""Begins with a bare class of characters, so that a search skips all others in C."""

_ID_LENGTH: Final = 36
_KEPT_AS: Final = "_written"


class WrittenTurn(NamedTuple):
    """What stands in one turn: the words of a speaker, or the calls or responses as one JSON text."""

    turn: int
    role: Role
    text: str


class Written(NamedTuple):
    """All that was written, by turn and as one text each, in which one look finds most dialogues clean.

    `said` are the words of both speakers, `whole` is every turn, `plain` the same without UUIDs. `sources` is whatever
    a string of the dialogue can come from but the catalogue: the system prompt, the opening and `whole`.
    """

    turns: tuple[WrittenTurn, ...]
    said: str
    whole: str
    plain: str
    sources: str


def read_written(case: Case) -> Written:
    """Return every turn but those whose responses the backend gave again when its calls were executed again.

    What our backend says comes from its catalogue, from the opening and from arguments, which are looked at themselves.
    Kept beside the case's own views, since six rules ask.
    """
    views = cast("dict[str, object]", vars(case))
    found = views.get(_KEPT_AS)
    if isinstance(found, Written):
        return found
    proven = _list_proven(case)
    turns = tuple(
        WrittenTurn(index, case.turns[index].role, text)
        for index, text in case.texts
        if index is not None and index not in proven
    )
    said = "\n".join(turn.text for turn in case.turns if turn.text)
    whole = "\n".join(turn.text for turn in turns)
    sources = "\n".join((case.dialogue.system_prompt, *_list_opening(case), whole))
    written = Written(turns, said, whole, _ID.sub(" ", whole), sources)
    views[_KEPT_AS] = written
    return written


@lru_cache(maxsize=1024)
def blank_ids(text: str) -> str:
    """Return the text with a space in the place of each UUID, whose digits are nobody's."""
    return _ID.sub(" ", text) if len(text) >= _ID_LENGTH else text


def _list_opening(case: Case) -> Iterator[str]:
    """Yield the words of the opening, which the backend repeats in its responses."""
    if case.opening is not None:
        for address in case.opening.addresses:
            yield from (address.recipient_name, address.phone, address.line1, address.line2 or "")
        yield from (line.special_request or "" for line in case.opening.cart)


def _list_proven(case: Case) -> set[int]:
    """Return the response turns in which every response is proven."""
    if case.replay is None:
        return set()
    if all(case.replay.is_same):
        return {exchange.response_turn for exchange in case.exchanges}
    pairs = list(zip(case.exchanges, case.replay.is_same, strict=True))
    doubtful = {exchange.response_turn for exchange, is_same in pairs if not is_same}
    return {exchange.response_turn for exchange, _ in pairs} - doubtful
