from __future__ import annotations

from itertools import pairwise

import pytest
import yaml
from dataset_rows import FACTS
from huggingface_hub import DatasetCard
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from datagen_core.dataset import CardFacts, render_card
from datagen_core.dataset.card import LONGEST_NOTE, ReviewFacts, RunFacts, SplitTotals


def front_matter(card: str) -> dict[str, object]:
    _, block, _ = card.split("---\n", 2)
    return yaml.safe_load(block)


def run_of(split: str, n_rows: int, *, simulated: bool = False) -> RunFacts:
    return RunFacts(
        run_id=f"run-{split}",
        split=split,
        n_rows=n_rows,
        kinds={"tool_use": n_rows},
        categories={},
        provider="openai",
        model="m|n",
        simulated=simulated,
        seed=1,
    )


def test_front_matter_says_what_the_hub_wants_to_know() -> None:
    fields = front_matter(render_card(FACTS))
    assert fields["license"] == "apache-2.0"
    assert fields["language"] == ["ko"]
    assert fields["pretty_name"] == "Delivery dialogues"
    assert fields["task_categories"] == ["text-generation"]
    assert "function-calling" in str(fields["tags"])
    assert fields["size_categories"] == ["n<1K"]
    assert fields["configs"] == [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}]
    assert "dataset_info" not in fields


def test_front_matter_states_the_sizes_of_all_splits() -> None:
    splits = [SplitTotals("train", 1500, 90_000, 30_000), SplitTotals("test", 80, 8_000, 4_000)]
    fields = front_matter(render_card(FACTS, splits=splits))
    info = fields["dataset_info"]
    assert isinstance(info, dict)
    assert [(split["name"], split["num_examples"]) for split in info["splits"]] == [("train", 1500), ("test", 80)]
    assert (info["download_size"], info["dataset_size"]) == (34_000, 98_000)
    assert [feature["name"] for feature in info["features"]][:2] == ["id", "tools"]
    assert fields["size_categories"] == ["1K<n<10K"]
    assert fields["configs"] == [
        {
            "config_name": "default",
            "data_files": [{"split": "train", "path": "data/train-*"}, {"split": "test", "path": "data/test-*"}],
        }
    ]


@pytest.mark.parametrize(
    ("n_rows", "label"), [(999, "n<1K"), (1000, "1K<n<10K"), (10_000, "10K<n<100K"), (5_000_000, "1M<n<10M")]
)
def test_size_category_has_an_exclusive_upper_bound(n_rows: int, label: str) -> None:
    assert front_matter(render_card(FACTS.model_copy(update={"n_rows": n_rows})))["size_categories"] == [label]


def test_simulated_data_says_so() -> None:
    assert "**Simulated.**" not in render_card(FACTS)
    assert "These dialogues were written by a scripted simulator" in render_card(
        FACTS.model_copy(update={"simulated": True})
    )


def test_an_earlier_simulated_run_is_not_forgotten() -> None:
    card = render_card(FACTS, runs=[run_of("train", 4, simulated=True), run_of("train", 6)])
    assert "4 of these 10 dialogues were written by a scripted simulator" in card
    assert "| tool_use | 10 |" in card


def test_body_shows_fields_funnel_and_versions() -> None:
    card = render_card(FACTS, repo_id="team/x")
    for column in ("id", "tools", "uid", "dates", "system_prompt", "messages", "meta"):
        assert f"| `{column}` |" in card
    assert "| requested | 5 |" in card
    assert "| rules | 3 |" in card
    assert 'load_dataset("team/x", split="train")' in card


def test_a_bar_in_a_name_does_not_break_the_table() -> None:
    assert "| m\\|n |" in render_card(FACTS, runs=[run_of("train", 1)])


def test_a_title_that_looks_like_yaml_stays_a_title() -> None:
    title = "가: [b] # c"
    assert front_matter(render_card(FACTS.model_copy(update={"title": title})))["pretty_name"] == title


def test_a_title_is_one_line() -> None:
    with pytest.raises(ValueError, match="title"):
        CardFacts.model_validate(FACTS.model_dump() | {"title": "a\n---"})


def review_of(number: int = 1, *, note: str = "", reviewer: str = "") -> ReviewFacts:
    return ReviewFacts(
        number=number,
        reviewer=reviewer,
        reviewed_at="2026-11-23T09:00:00+09:00",
        approved=number > 1,
        n_rejected=1_200 if number == 1 else 0,
        note=note,
    )


def render_reviewed(*reviews: ReviewFacts) -> str:
    return render_card(FACTS.model_copy(update={"reviews": reviews}))


def read_blocks(card: str) -> tuple[list[str], list[str], list[list[str]], list[str]]:
    """Return headings, code blocks, table rows and raw HTML, as a reader of Markdown sees them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(card.split("---\n", 2)[2])
    inline = [child for token in tokens for child in token.children or ()]
    followed = list(pairwise(tokens))
    headings = [text.content for token, text in followed if token.type == "heading_open"]
    rows: list[list[str]] = []
    for token, text in followed:
        if token.type == "tr_open":
            rows.append([])
        if token.type in {"th_open", "td_open"}:
            rows[-1].append("".join(child.content for child in text.children or ()))
    html = [token.content for token in [*tokens, *inline] if token.type in {"html_block", "html_inline"}]
    links = [str(token.attrs) for token in inline if token.type in {"link_open", "image"}]
    return headings, [token.content for token in tokens if token.type == "code_block"], rows, html + links


def test_reviews_stand_in_the_card_and_without_one_nothing_of_them() -> None:
    assert "eview" not in render_card(FACTS)
    card = render_reviewed(review_of(note="3번 말투가 딱딱합니다.\n\n  다시."), review_of(2))
    headings, code, rows, html = read_blocks(card)
    assert "Review of the latest run" in headings
    assert ["review", "time", "approved", "rejected"] in rows
    assert ["1", "2026-11-23T09:00:00+09:00", "no", "1,200"] in rows
    assert ["2", "2026-11-23T09:00:00+09:00", "yes", "0"] in rows
    assert code == ["3번 말투가 딱딱합니다.\n\n  다시.\n"]
    assert (card.count("Note of review"), html) == (1, [])


def test_who_reviewed_stands_there_where_anybody_is_named() -> None:
    _, _, rows, _ = read_blocks(render_reviewed(review_of(), review_of(2, reviewer="김 검수")))
    assert ["review", "time", "by", "approved", "rejected"] in rows
    assert [row[2] for row in rows if row[1:2] == ["2026-11-23T09:00:00+09:00"]] == ["", "김 검수"]


HOSTILE = [
    "---\ntitle: x\nlicense: mit\n---\n# Fake",
    "\n\n---\nlicense: mit\n---\n",
    "<script>alert(1)</script>\n<!--",
    "</code></pre><img src=x onerror=alert(1)>",
    "```\n# x\n~~~\n````````\n# y",
    "- a\n\n# b\n\n1. c\n\n    d",
    "[x](javascript:alert(1)) ![](http://127.0.0.1/t.png) <http://127.0.0.1>\n\n[x]: http://127.0.0.1",
    "| a | b |\n| --- | --- |\n| c | d |",
    "a\r# b\r\n# c\x0b# d\x0c# e\x85# f\u2028# g\u2029# h\x1c# i",
    "\u202e\u2066\u200b\x00\x1b[31m\U000e0041",
    "\t# x\n   # y\n\ufeff# z",
    "`" * 500,
    "&#35; x\n===\n***\n> q",
    "\\",
]


def hold_note(note: str, reviewer: str) -> None:
    """Hold a card with a note against the same card with a harmless one: only the code and the name may differ."""
    card, harmless = (render_reviewed(review_of(note=n, reviewer=r)) for n, r in ((note, reviewer), ("n", "r")))
    headings, code, rows, html = read_blocks(card)
    assert html == []
    assert headings == read_blocks(harmless)[0]
    assert len(code) <= 1
    assert [len(row) for row in rows if row[:1] == ["1"]] == [5 if reviewer else 4]
    assert len(rows) == len(read_blocks(harmless)[2])
    assert "## Limits" in card
    assert front_matter(card) == front_matter(harmless)
    assert DatasetCard(card).data.to_dict() == DatasetCard(harmless).data.to_dict()


@pytest.mark.parametrize("text", HOSTILE)
def test_neither_a_note_nor_a_name_means_anything_but_itself(text: str) -> None:
    hold_note(text, "r")
    hold_note("n", text)
    hold_note(text, text)


@given(note=st.text(max_size=60) | st.text("`~#-|<>[]()!&:\n\r \t=*_\\", max_size=40), name=st.text(max_size=20))
def test_so_it_is_with_any_text(note: str, name: str) -> None:
    hold_note(note, name)


def test_a_note_is_shown_as_written_but_for_what_cannot_be_seen() -> None:
    [shown] = read_blocks(render_reviewed(review_of(note="<b>가</b>\u202e\x00 | *b*\r\n\t---  \n")))[1]
    assert shown == "<b>가</b> | *b*\n\t---\n"
    [row] = [row for row in read_blocks(render_reviewed(review_of(reviewer="a|b <c> \\|d")))[2] if row[0] == "1"]
    assert row[2] == "a|b <c> \\|d"


def test_a_long_note_is_cut() -> None:
    card = render_reviewed(review_of(note="가" * 100_000, reviewer="나" * 100_000))
    assert "가" * LONGEST_NOTE + "…\n" in card
    assert len(card) < len(render_card(FACTS)) + LONGEST_NOTE + 1_000
