"""Decides how counts are drawn: as an SVG of stacked bars, small enough to stand within a Markdown artifact.

`pygal` draws it. It is imported for the first plot: not every command needs one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Final

from datagen_core.dataset.funnel import Fate

COLORS: Final[dict[Fate, str]] = {
    "accepted": "#2a9d5c",
    "rejected": "#e0a030",
    "failed": "#c8504b",
    "pending": "#9aa5b1",
}
"""A colour for what becomes of requests, the same in every plot."""

_WIDTH: Final = 760
_EXTRA: Final = re.compile(r"<!--.*?-->|<script.*?</script>", re.DOTALL)
"""A comment names the day of drawing, and a script is for pages in which a plot moves."""


def draw_bars(bars: Sequence[str], parts: Mapping[Fate, Sequence[int]]) -> str:
    """Return an SVG of horizontal bars, the first on top; each of `parts`, stacked in order, has a number a bar.

    The same numbers give the same bytes.
    """
    import pygal
    from pygal.style import Style

    style = Style(
        background="white",
        plot_background="white",
        opacity="1",
        colors=tuple(COLORS[name] for name in parts),
        font_family="sans-serif",
        label_font_size=13,
        major_label_font_size=13,
        legend_font_size=13,
    )
    chart = pygal.HorizontalStackedBar(
        style=style,
        width=_WIDTH,
        height=90 + 30 * len(bars),
        explicit_size=True,
        legend_at_bottom=True,
        legend_at_bottom_columns=len(parts),
        margin=12,
        show_y_guides=True,
        js=(),
        no_prefix=True,
        value_formatter=_format,
    )
    chart.x_labels = list(reversed(bars))
    for name, counts in parts.items():
        chart.add(name, list(reversed(counts)))
    return _EXTRA.sub("", chart.render(is_unicode=True))


def embed_plot(svg: str, title: str) -> str:
    """Return the plot as a Markdown image that holds its own data: the UI has no place to keep a file."""
    return f"![{title}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"


def _format(value: float) -> str:
    return f"{value:,.0f}"
