"""Reads Markdown as a browser would show it: which elements it has, and what stands in the cells of its tables."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from markdown_it import MarkdownIt

_READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_READER.validateLink = lambda url: True  # the UI shows pictures that hold their own data, which this one would not
_ADDRESS = re.compile(r"(https?://|www\.)[-.\w]|[-.\w+]@[-\w]+\.[-\w]", re.IGNORECASE)
"""What GitHub's flavour makes a link of where it stands in one piece of text."""


class Shown(HTMLParser):
    """What is shown of a Markdown text. `texts` are its pieces, which tags and comments part, `text` all of them."""

    def __init__(self, markdown: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.texts: list[str] = []
        self.text = ""
        self.tables: list[list[list[str]]] = []
        self.images: list[str] = []
        self.links: list[str] = []
        self._is_cell = False
        self.feed(_READER.render(markdown))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        given = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.images.append(given.get("src", ""))
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._is_cell = True
        if tag == "br":
            self._write(" ")

    def handle_endtag(self, tag: str) -> None:
        self._is_cell = self._is_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        self._write(data)

    def _write(self, text: str) -> None:
        self.text += text
        if self._is_cell:
            self.tables[-1][-1][-1] += text

    @property
    def addresses(self) -> list[str]:
        """Pieces of text outside links that a reader of GitHub's flavour would make a link of."""
        return [text for text in self.texts if _ADDRESS.search(text)] if not self.links else []


def squeeze(text: str) -> str:
    """Return a text with every space as one, as HTML shows it."""
    return " ".join(text.split())
