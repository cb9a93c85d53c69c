"""Decides how a run's funnel is shown: what became of its requests, drawn, and by round, kind and category."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from datagen_core.dataset.funnel import Counts, Fate, Funnel
from datagen_core.report.markdown import Page, Row, cut_rows, escape, tame, write_count
from datagen_core.report.plots import draw_bars, embed_plot

MOST_ROUNDS_DRAWN: Final = 12

_FATES: Final[tuple[Fate, ...]] = ("accepted", "rejected", "failed", "pending")
_HEAD: Final = ("requested", "answered", "accepted", "rejected", "failed", "pending", "yield")
_LONGEST_NAME: Final = 60
_LONGEST_TITLE: Final = 120


def build_funnel_rows(funnel: Funnel) -> list[Row]:
    """Return the funnel's rows for a table: all requests, then those of each round, kind and category."""
    counted = list(_iter_counts(funnel))
    rows = [_to_row(group, name, counts) for group, name, counts in counted]

    def add_up_from(place: int) -> Row:
        return _to_row("", f"and {len(rows) - place:,} more", _add_up(counts for *_, counts in counted[place:]))

    return cut_rows(rows, add_up_from)


def render_funnel(funnel: Funnel, *, title: str) -> str:
    """Return the funnel as Markdown: a summary, the plot, and tables by round, kind and category."""
    page = Page()
    page.add(f"# {escape(title, _LONGEST_TITLE)}", name="the title")
    page.add(_summarize(funnel), name="the summary")
    if funnel.total.requested:
        page.add(embed_plot(draw_funnel(funnel), "What became of the requests"), name="the plot")
    rounds = [(f"{number}", counts) for number, counts in sorted(funnel.rounds.items())]
    _add_table(page, "round", [*rounds, ("all", funnel.total)])
    _add_table(page, "kind", sorted(funnel.kinds.items()))
    _add_table(page, "category", sorted(funnel.categories.items()))
    return page.render()


def draw_funnel(funnel: Funnel) -> str:
    """Return an SVG: how many requests were made, answered and accepted; below, what became of each round's.

    Rounds beyond the twelfth are drawn together.
    """
    total = funnel.total
    answered = Counts(requested=_answered(total), accepted=total.accepted, rejected=total.rejected)
    accepted = Counts(requested=total.accepted, accepted=total.accepted)
    bars = {"requested": total, "answered": answered, "accepted": accepted}
    if len(funnel.rounds) > 1:
        bars |= {"": Counts(), **_join_late(funnel)}
    labels = [f"{name} {counts.requested:,}" if name else "" for name, counts in bars.items()]
    parts: dict[Fate, list[int]] = {fate: [getattr(counts, fate) for counts in bars.values()] for fate in _FATES}
    return draw_bars(labels, parts)


def _iter_counts(funnel: Funnel) -> Iterator[tuple[str, str, Counts]]:
    yield "all", "", funnel.total
    for number, counts in sorted(funnel.rounds.items()):
        yield "round", str(number), counts
    for name, counts in sorted(funnel.kinds.items()):
        yield "kind", name, counts
    for name, counts in sorted(funnel.categories.items()):
        yield "category", name, counts


def _join_late(funnel: Funnel) -> dict[str, Counts]:
    rounds = sorted(funnel.rounds.items())
    early, late = rounds[:MOST_ROUNDS_DRAWN], rounds[MOST_ROUNDS_DRAWN:]
    bars = {f"round {number}:": counts for number, counts in early}
    if late:
        bars[f"rounds {late[0][0]} to {late[-1][0]}:"] = _add_up(counts for _, counts in late)
    return bars


def _summarize(funnel: Funnel) -> str:
    total = funnel.total
    missing = "" if funnel.missing <= 0 else f"; {funnel.missing:,} are missing"
    return (
        f"**{total.accepted:,} of the {funnel.scenarios:,} dialogues wanted are there{missing}.** "
        f"{write_count(total.requested, 'request')} in {write_count(len(funnel.rounds), 'round')}: "
        f"{total.accepted:,} accepted ({_share(total)}), {total.rejected:,} rejected, {total.failed:,} failed, "
        f"{total.pending:,} pending."
    )


def _add_table(page: Page, name: str, counted: Iterable[tuple[str, Counts]]) -> None:
    rows = ([escape(key, _LONGEST_NAME), *_cells(counts)] for key, counts in counted)
    page.add_table([name, *_HEAD], rows, name=f"rows by {name}", right=range(1, len(_HEAD) + 1))


def _cells(counts: Counts) -> list[str]:
    return [f"{value:,}" if isinstance(value, int) else value for value in _values(counts)]


def _values(counts: Counts) -> tuple[int | str, ...]:
    """Return what stands below `_HEAD`."""
    return (
        counts.requested,
        _answered(counts),
        counts.accepted,
        counts.rejected,
        counts.failed,
        counts.pending,
        _share(counts),
    )


def _to_row(group: str, name: str, counts: Counts) -> Row:
    return {"group": group, "name": tame(name, _LONGEST_NAME), **dict(zip(_HEAD, _values(counts), strict=True))}


def _answered(counts: Counts) -> int:
    return counts.accepted + counts.rejected


def _share(counts: Counts) -> str:
    return f"{counts.accepted / counts.requested:.0%}" if counts.requested else "-"


def _add_up(parts: Iterable[Counts]) -> Counts:
    total = Counts()
    for part in parts:
        for fate in _FATES:
            total.add(fate, getattr(part, fate))
    return total
