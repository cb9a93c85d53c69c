"""Decides how text that nobody vouches for stands in an artifact: as text, and never more of it than fits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from datagen_core.batch.outcomes import shorten

MAX_ARTIFACT_BYTES: Final = 200_000
"""An artifact's size in UTF-8 at most. Prefect holds every version of one in its database, and a browser shows it."""

Row = dict[str, str | int | float]
"""A row of a table artifact; all rows of a table have the same keys, for the first one's become its columns."""

_ESCAPES: Final = {**{letter: f"\\{letter}" for letter in "\\`*_[]~|"}, "<": "&lt;", ">": "&gt;", "&": "&amp;"}
_SPECIAL: Final = re.compile(r"[\\`*\[\]~<>&|]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""An underscore within a word is nothing but itself."""

_LINKING: Final = re.compile(r"(?<=https)(?=:)|(?<=http)(?=:)|(?<=ftp)(?=:)|(?<=www)(?=\.)|(?<=\S)(?=@)", re.IGNORECASE)
"""Where an empty comment stops a reader from making a link of an address that it finds in plain text.

A comment that stood first would make raw HTML of the whole line.
"""

_LEADING: Final = re.compile(r"^[0-9]{1,9}(?=[.)])|^(?=[#+=-])")
"""What makes a heading, a list or a ruler of a paragraph if it stands first."""

_WILD: Final = re.compile(r"[^\w .,()%…-]")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_NOTE_BYTES: Final = 1_000
"""Room that is kept for telling what was left out."""


def spell(text: str, limit: int) -> str:
    r"""Return at most `limit` characters in which nothing is invisible: what has no shape of its own stands as `\x1b`.

    So control characters, marks that turn the direction of writing, and half surrogate pairs do nothing.
    """
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in shorten(text, limit))


def tame(text: str, limit: int) -> str:
    """Return a text for a table artifact's cell, which Prefect's older UI reads as Markdown and the newer one as text.

    So nothing can be escaped: all but letters, digits and a few marks become `?`.
    """
    return _WILD.sub("?", shorten(text, limit))


def escape(text: str, limit: int = 300) -> str:
    """Return a text that shows as itself in a paragraph, a list's line or a table's cell, and is nothing else there.

    Neither Markdown, HTML nor addresses in it have an effect. It is one line; line ends become `<br>`.
    """
    lines = _LINE_END.split(shorten(text.strip(), limit))
    return _LEADING.sub(r"\g<0>\\", "<br>".join(_escape_line(spell(line, limit)) for line in lines))


def escape_code(text: str, limit: int = 300) -> str:
    """Return the same in a fixed-width font.

    A span between backticks cannot hold every text within a table, an HTML element can.
    """
    return f"<code>{escape(text, limit)}</code>" if text.strip() else ""


def render_line(cells: Iterable[str]) -> str:
    """Return a table's line; the cells are Markdown already."""
    return f"| {' | '.join(cells)} |"


def write_count(count: int, noun: str) -> str:
    """Return a number with what it counts, in the singular or the plural."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class Page:
    """A Markdown text that stays under a limit in bytes: what does not fit is left out, and named at its end."""

    def __init__(self, limit: int = MAX_ARTIFACT_BYTES) -> None:
        self._blocks: list[str] = []
        self._room = limit - _NOTE_BYTES
        self._left_out: list[str] = []

    def add(self, block: str, *, name: str) -> None:
        """Add a block, or its `name` to what is left out."""
        size = len(block.encode()) + 2
        if size > self._room:
            self._left_out.append(name)
            return
        self._room -= size
        self._blocks.append(block)

    def add_table(
        self, head: Sequence[str], rows: Iterable[Sequence[str]], *, name: str, right: Iterable[int] = ()
    ) -> None:
        """Add a table with as many rows as fit; the columns of `right` hold numbers. One without rows is none."""
        numbers = set(right)
        ruler = ["---:" if place in numbers else "---" for place in range(len(head))]
        self._add_lines([render_line(head), render_line(ruler)], map(render_line, rows), name=name)

    def add_list(self, entries: Iterable[str], *, name: str) -> None:
        """Add a list with as many entries as fit. Unlike a table's cells, which a UI may cut, its lines are wrapped."""
        self._add_lines([], (f"- {entry}" for entry in entries), name=name)

    def _add_lines(self, head: Sequence[str], lines: Iterable[str], *, name: str) -> None:
        kept, size, n_over = list(head), sum(len(line.encode()) + 1 for line in head), 0
        for line in lines:
            size += len(line.encode()) + 1
            n_over += size >= self._room
            if not n_over:
                kept.append(line)
        if n_over:
            self._left_out.append(f"{n_over:,} more {name}")
        if len(kept) > len(head):
            self.add("\n".join(kept), name=name)

    def render(self) -> str:
        """Return the text."""
        blocks = list(self._blocks)
        if self._left_out:
            blocks.append(f"*Left out to keep this small: {self._name_left_out()}.*")
        return "\n\n".join(blocks) + "\n"

    def _name_left_out(self) -> str:
        named, size = list[str](), 0
        for name in self._left_out:
            size += len(name.encode()) + 2
            if size > _NOTE_BYTES - 200:
                return ", ".join([*named, f"and {len(self._left_out) - len(named):,} more parts"])
            named.append(name)
        return ", ".join(named)


def cut_rows(rows: Sequence[Row], add_up: Callable[[int], Row], *, most: int = 200) -> list[Row]:
    """Return the first rows of a table artifact that fit, `most` at most, and one for the others.

    `add_up` makes that row of all from the given place on.
    """
    kept, size = 0, 0
    for row in rows[:most]:
        size += _measure(row)
        if size > MAX_ARTIFACT_BYTES - 2 * _NOTE_BYTES:
            break
        kept += 1
    return list(rows) if kept == len(rows) else [*rows[:kept], add_up(kept)]


def measure_rows(rows: Sequence[Row]) -> int:
    """Return how many bytes a table artifact has: Prefect writes it as JSON in ASCII."""
    return sum(map(_measure, rows)) + 2


def _measure(row: Row) -> int:
    return len(json.dumps(row)) + 2


def _escape_line(line: str) -> str:
    parts = (_SPECIAL.sub(lambda match: _ESCAPES[match[0]], part) for part in _LINKING.split(line))
    return "<!-- -->".join(parts)
