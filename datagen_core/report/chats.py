"""Decides which dialogues of a dataset are shown as samples, and how: as a chat, one line a turn."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from datagen_core.batch.wire import as_object
from datagen_core.dialogue.models import Dialogue
from datagen_core.dialogue.record import RecordError, from_record
from datagen_core.errors import InputFileError
from datagen_core.files import JsonObject, parse_line, read_lines
from datagen_core.report.lines import write_turn
from datagen_core.report.markdown import Page, escape, escape_code, write_count

SAMPLES: Final = 3

_ADVICE: Final = "Make the file again with `datagen`, or correct the line."
_MOST_TURNS: Final = 60
_LONGEST_NAME: Final = 60
_LONGEST_TITLE: Final = 120
_LONGEST_TEXT: Final = 600


class _Drawn(NamedTuple):
    """A row and its lot; the smallest lots are drawn."""

    lot: bytes
    number: int
    kind: str
    row: JsonObject


def render_chats(dataset: Path, *, seed: str, title: str) -> str:
    """Return three dialogues of a `dataset.jsonl` as Markdown, of different kinds where there are so many.

    `seed` decides which, such as the file's SHA-256: the same file shows the same ones. It is read once.

    Raises:
        InputFileError: the file is missing, or a row that was drawn is no record.
    """
    page = Page()
    page.add(f"# {escape(title, _LONGEST_TITLE)}", name="the title")
    drawn = _draw(dataset, seed)
    if not drawn:
        page.add("The dataset is empty.", name="the summary")
    for one in drawn:
        meta = as_object(one.row.get("meta"))
        dialogue = _read(dataset, one)
        name = str(meta.get("scenario_id"))
        facts = [one.kind, meta.get("category"), meta.get("topic"), dialogue.date]
        told = ", ".join(escape(str(fact), _LONGEST_NAME) for fact in facts if fact is not None)
        page.add(f"## {escape(name, _LONGEST_NAME)}\n\n{told}", name="a dialogue's heading")
        page.add_list(_iter_lines(dialogue), name=f"turns of {escape(name, _LONGEST_NAME)}")
    return page.render()


def _draw(dataset: Path, seed: str) -> list[_Drawn]:
    """Return the rows with the smallest lots, in the file's order: one a kind, then any, while there are too few kinds.

    Where enough kinds were seen, most lines are not even parsed.
    """
    by_kind: dict[str, _Drawn] = {}
    best: list[_Drawn] = []
    for number, line in read_lines(dataset, _ADVICE):
        lot = hashlib.sha256(f"{seed}:{number}".encode()).digest()
        has_all = len(by_kind) == SAMPLES
        if not line.strip() or (has_all and lot > max(one.lot for one in by_kind.values())):
            continue
        row = parse_line(dataset, number, line, _ADVICE)
        one = _Drawn(lot, number, str(as_object(row.get("meta")).get("kind")), row)
        by_kind[one.kind] = min(one, by_kind.get(one.kind, one), key=_lot)
        if len(by_kind) > SAMPLES:
            del by_kind[max(by_kind.values(), key=_lot).kind]
        if not has_all:
            best = sorted([*best, one], key=_lot)[:SAMPLES]
    found = {one.number: one for one in [*by_kind.values(), *best]}
    return sorted(list(found.values())[:SAMPLES], key=lambda one: one.number)


def _lot(drawn: _Drawn) -> bytes:
    return drawn.lot


def _read(dataset: Path, drawn: _Drawn) -> Dialogue:
    try:
        return from_record(drawn.row)
    except RecordError as error:
        raise InputFileError(dataset, str(error), line=drawn.number, advice=_ADVICE) from error


def _iter_lines(dialogue: Dialogue) -> Iterator[str]:
    """Yield a list's entries; the customer's own id, the same in every call, is left out."""
    for turn in dialogue.turns[:_MOST_TURNS]:
        line = write_turn(turn, hidden=[dialogue.uid])
        is_speech = line.role in ("customer", "counsellor")
        show = escape if is_speech else escape_code
        who = f"**{line.role}:**" if is_speech else f"{line.role}:"
        yield f"{who} {show(line.text, _LONGEST_TEXT)}"
    if len(dialogue.turns) > _MOST_TURNS:
        yield f"*and {write_count(len(dialogue.turns) - _MOST_TURNS, 'more turn')}*"
