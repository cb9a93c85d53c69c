"""The funnel: its rows add up, its plot is an SVG that holds itself, and a damaged one stays small."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

from golden_files import Golden
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_markdown import Shown
from report_rows import HOSTILE, any_text, make_funnel

from datagen_core.dataset.funnel import Counts, Funnel
from datagen_core.report import MAX_ARTIFACT_BYTES, build_funnel_rows, render_funnel
from datagen_core.report.funnel import draw_funnel
from datagen_core.report.markdown import measure_rows

_PLOT = re.compile(r"\(data:image/svg\+xml;base64,([^)]+)\)")


def _read_labels(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]


def test_funnel_reads_as_the_golden_file_has_it(golden: Golden) -> None:
    golden("report/funnel.md", _PLOT.sub("(the plot)", render_funnel(make_funnel(), title="training-42: requests")))


def test_plot_stands_within_the_text_and_names_every_bar_with_its_number() -> None:
    text = render_funnel(make_funnel(), title="requests")
    images = Shown(text).images
    assert len(images) == 1
    found = _PLOT.search(text)
    assert found is not None
    svg = base64.b64decode(found[1]).decode()
    assert svg == draw_funnel(make_funnel())
    labels = _read_labels(svg)
    for label in ("requested 14", "answered 11", "accepted 9", "round 1: 11", "round 2: 3", "rejected", "pending"):
        assert label in labels
    assert not re.search(r"(?:href|src)\s*=\s*['\"]https?:|<script|@import", svg)


def test_plot_of_one_round_does_not_say_the_same_twice() -> None:
    funnel = Funnel(scenarios=3)
    funnel.count("accepted", round_number=1, kind="tool_use", category=None, n=3)
    assert not any(label.startswith("round") for label in _read_labels(draw_funnel(funnel)))


def test_later_rounds_are_drawn_together() -> None:
    funnel = Funnel(scenarios=3)
    for number in range(1, 41):
        funnel.count("accepted", round_number=number, kind="tool_use", category=None, n=2)
    labels = _read_labels(draw_funnel(funnel))
    assert "round 12: 2" in labels
    assert "rounds 13 to 40: 56" in labels


def test_rows_tell_of_all_requests_by_round_kind_and_category() -> None:
    rows = build_funnel_rows(make_funnel())
    assert [(row["group"], row["name"], row["requested"]) for row in rows] == [
        ("all", "", 14),
        ("round", "1", 11),
        ("round", "2", 3),
        ("kind", "near_miss", 3),
        ("kind", "tool_use", 11),
        ("category", "식당 검색", 11),
    ]
    head = ["group", "name", "requested", "answered", "accepted", "rejected", "failed", "pending", "yield"]
    assert list(rows[0].items()) == list(zip(head, ["all", "", 14, 11, 9, 2, 2, 1, "64%"], strict=True))


def test_an_empty_funnel_has_no_plot_and_no_division_by_zero() -> None:
    text = render_funnel(Funnel(), title="requests")
    assert Shown(text).images == []
    assert "0 of the 0 dialogues" in text
    assert build_funnel_rows(Funnel())[0]["yield"] == "-"


@settings(max_examples=25)
@given(st.dictionaries(any_text, st.integers(min_value=0, max_value=2**60), max_size=8))
def test_names_that_nobody_chose_stay_text(names: dict[str, int]) -> None:
    funnel = Funnel(scenarios=1)
    for name, count in names.items():
        funnel.kinds[name] = Counts(requested=count, accepted=count)
    shown = Shown(render_funnel(funnel, title="".join(names)))
    assert {len(row) for table in shown.tables for row in table} <= {8}
    assert shown.addresses == []
    assert sum(int(row["requested"]) for row in build_funnel_rows(funnel)) == sum(names.values())


def test_a_funnel_with_thousands_of_names_stays_small_and_loses_no_count() -> None:
    funnel = Funnel(scenarios=1)
    for number in range(3_000):
        funnel.kinds[f"{number}{HOSTILE[number % len(HOSTILE)] * 5}"] = Counts(requested=number, accepted=number)
        funnel.rounds[number] = Counts(requested=number, failed=number)
    funnel.total = Counts(requested=1, accepted=1)
    text, rows = render_funnel(funnel, title="t"), build_funnel_rows(funnel)
    assert len(text.encode()) <= MAX_ARTIFACT_BYTES
    assert "more rows by kind" in text
    assert measure_rows(rows) <= MAX_ARTIFACT_BYTES
    assert sum(int(row["requested"]) for row in rows) == 1 + 2 * sum(range(3_000))
