"""Markdown of artifacts: hostile text shows as itself, tables keep their shape, and nothing exceeds its size."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_markdown import Shown, squeeze
from report_rows import HOSTILE, any_text

from datagen_core.report.markdown import (
    MAX_ARTIFACT_BYTES,
    Page,
    Row,
    cut_rows,
    escape,
    escape_code,
    measure_rows,
    render_line,
    spell,
    tame,
)

_TABLE = {"table", "thead", "tbody", "tr", "th", "td", "br", "code"}


def _expect(text: str, limit: int = 300) -> str:
    """Return what a person should see of a text."""
    kept = text.strip()
    kept = kept if len(kept) <= limit else kept[: limit - 1] + "…"
    lines = re.split(r"\r\n|\r|\n", kept)
    return squeeze(" ".join("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) for line in lines))


def _show_in_table(*cells: str) -> Shown:
    return Shown(f"{render_line(['a'] * len(cells))}\n{render_line(['---'] * len(cells))}\n{render_line(cells)}\n")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_shows_as_itself_in_a_table(text: str) -> None:
    shown = _show_in_table(escape(text), escape_code(text), "last")
    assert [squeeze(cell) for cell in shown.tables[0][1]] == [_expect(text), _expect(text), "last"]


@given(any_text, any_text)
def test_no_text_breaks_a_table_or_becomes_anything_but_text(left: str, right: str) -> None:
    shown = _show_in_table(escape(left), escape_code(right), "last")
    assert [squeeze(cell) for cell in shown.tables[0][1]] == [_expect(left), _expect(right), "last"]
    assert set(shown.elements) <= _TABLE
    assert shown.addresses == []


@given(any_text.filter(lambda text: bool(text.strip())))
def test_no_text_becomes_anything_but_text_in_a_list_or_a_paragraph(text: str) -> None:
    alone, listed = Shown(escape(text)), Shown(f"- {escape(text)}\n  - said: {escape(text)}")
    assert squeeze(alone.text) == _expect(text)
    assert squeeze(listed.text) == squeeze(f"{_expect(text)} said: {_expect(text)}")
    assert set(alone.elements) <= {"p", "br"}
    assert set(listed.elements) <= {"ul", "li", "br"}
    assert alone.addresses == listed.addresses == []


@given(any_text, st.integers(min_value=1, max_value=40))
def test_spelled_text_holds_nothing_invisible_and_can_be_written_as_utf8(text: str, limit: int) -> None:
    spelled = spell(text, limit)
    assert spelled.isprintable()
    spelled.encode()
    assert len(spelled) <= limit * 10


@given(any_text)
def test_tamed_text_has_no_effect_where_markdown_is_read_and_where_it_is_not(text: str) -> None:
    tamed = tame(text, 80)
    shown = _show_in_table(tamed)
    assert set(shown.elements) <= {*_TABLE, "em", "strong"}
    assert len(tamed) <= 80


def test_a_provider_s_usual_names_are_not_changed_by_taming() -> None:
    assert tame("batch_6a1f0e-22.x", 80) == "batch_6a1f0e-22.x"
    assert tame("in_progress", 80) == "in_progress"


def test_a_megabyte_of_text_is_cut_with_dots() -> None:
    assert escape("가" * 1_000_000, 20) == "가" * 19 + "…"


@given(st.lists(st.tuples(any_text, any_text), max_size=30), st.integers(min_value=1_500, max_value=6_000))
def test_a_page_never_exceeds_its_limit_and_says_what_it_left_out(parts: list[tuple[str, str]], limit: int) -> None:
    page, everything = Page(limit), Page()
    for one in (page, everything):
        for name, text in parts:
            one.add(escape(text, 2_000) or "-", name=escape(name) or "-")
            one.add_table(["a", "b"], [[escape(text), escape_code(name)]] * 3, name="rows")
    text = page.render()
    assert len(text.encode()) <= limit
    assert ("Left out to keep this small" in text) == (text != everything.render())


def test_a_long_table_is_cut_between_rows_and_the_others_are_counted() -> None:
    page = Page(3_000)
    page.add_table(["number", "text"], [[f"{number}", "가나다라"] for number in range(1_000)], name="rows", right=[0])
    shown = Shown(page.render())
    n_shown = len(shown.tables[0]) - 1
    assert 50 < n_shown < 1_000
    assert {len(row) for row in shown.tables[0]} == {2}
    assert f"{1_000 - n_shown:,} more rows" in page.render()


def test_a_table_without_rows_is_left_out() -> None:
    page = Page()
    page.add_table(["number"], [], name="rows")
    assert page.render() == "\n"


@given(st.integers(min_value=0, max_value=400), st.integers(min_value=0, max_value=2_000))
def test_rows_of_a_table_artifact_stay_small_and_none_is_lost(n_rows: int, n_letters: int) -> None:
    rows: list[Row] = [{"place": place, "text": "가" * n_letters} for place in range(n_rows)]
    cut = cut_rows(rows, lambda place: {"place": n_rows - place, "text": "more"})
    assert measure_rows(cut) <= MAX_ARTIFACT_BYTES
    kept = [row for row in cut if row["text"] != "more"]
    assert cut == rows or (cut[:-1] == kept and cut[-1]["place"] == n_rows - len(kept))
    assert len(cut) <= 201
