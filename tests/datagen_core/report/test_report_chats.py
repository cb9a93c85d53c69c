"""Sample dialogues: the same ones for the same file, of different kinds, readable, and never large."""

from __future__ import annotations

import re
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest
from golden_files import Golden
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_markdown import Shown
from report_rows import stored_text, write_dataset

from datagen_core.dialogue.models import Dialogue, ToolCall, Turn
from datagen_core.dialogue.record import to_record
from datagen_core.errors import InputFileError
from datagen_core.files import write_jsonl
from datagen_core.report import MAX_ARTIFACT_BYTES, render_chats
from datagen_core.report.lines import write_call, write_turn


def _kinds_shown(text: str) -> list[str]:
    lines = text.splitlines()
    return [lines[place + 2].split(",")[0] for place, line in enumerate(lines) if line.startswith("## ")]


def test_dialogues_read_as_the_golden_file_has_them(tmp_path: Path, golden: Golden) -> None:
    dataset = write_dataset(tmp_path / "dataset.jsonl", ["tool_use", "tool_use", "near_miss", "correction"])
    golden("report/samples.md", render_chats(dataset, seed="a sum", title="training-7: three dialogues"))


@settings(max_examples=50)
@given(kinds=st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=40), seed=stored_text)
def test_as_many_dialogues_and_kinds_are_shown_as_there_are(
    kinds: list[str], seed: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    dataset = write_dataset(tmp_path_factory.mktemp("run") / "dataset.jsonl", kinds)
    text = render_chats(dataset, seed=seed, title="t")
    shown = _kinds_shown(text)
    assert len(shown) == min(3, len(kinds))
    assert len(set(shown)) == min(3, len(set(kinds)))
    assert text == render_chats(dataset, seed=seed, title="t")


def test_another_seed_draws_other_dialogues_and_every_one_has_a_chance(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "dataset.jsonl", ["a", "b", "c", "d"] * 5)
    drawn = Counter[str]()
    for seed in range(200):
        text = render_chats(dataset, seed=f"{seed}", title="t")
        drawn.update(line for line in text.splitlines() if line.startswith("## "))
    assert len(drawn) == 20
    assert max(drawn.values()) < 4 * min(drawn.values())


def test_an_empty_dataset_shows_none(tmp_path: Path) -> None:
    (tmp_path / "dataset.jsonl").write_bytes(b"")
    assert "The dataset is empty." in render_chats(tmp_path / "dataset.jsonl", seed="s", title="t")


def test_a_row_that_is_no_record_is_an_error_that_names_its_line(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "dataset.jsonl", [{"messages": 5}])
    with pytest.raises(InputFileError, match="line 1"):
        render_chats(tmp_path / "dataset.jsonl", seed="s", title="t")


def test_memory_does_not_grow_with_rows(tmp_path: Path) -> None:
    peaks: list[int] = []
    for n_rows in (300, 6_000):
        dataset = write_dataset(tmp_path / f"{n_rows}.jsonl", ["a", "b", "c", "d"] * (n_rows // 4))
        render_chats(dataset, seed="s", title="t")
        tracemalloc.start()
        render_chats(dataset, seed="s", title="t")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 100_000


def test_the_customer_s_own_id_is_left_out_and_others_are_cut() -> None:
    uid, other = "29e76b93-8b5f-5c3f-9113-3e43cfde3390", "79e76b93-8b5f-5c3f-9113-3e43cfde3390"
    call = write_call("get_order_status", {"user_id": uid, "order_id": other, "n": 2, "note": "가" * 200}, hidden=[uid])
    assert call == f'get_order_status(order_id="79e76b93…", n=2, note="{"가" * 78}…)'


def test_values_that_are_no_json_do_not_stop_a_line() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert write_turn(Turn("response", responses=(deep, {1, 2}))).text.count("cannot be shown") == 2


@settings(max_examples=25)
@given(lines=st.lists(st.tuples(stored_text, stored_text), min_size=1, max_size=4))
def test_hostile_dialogues_stay_text(lines: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    text = render_chats(_write_hostile(tmp_path_factory.mktemp("run"), lines), seed="s", title="t")
    shown = Shown(text)
    entries = [
        line
        for line in text.splitlines()
        if re.match(r"- (\*\*(customer|counsellor):\*\*|call:|response:|\*and )", line)
    ]
    assert shown.elements.count("li") == len(entries) > 0
    assert set(shown.elements) <= {*("h1", "h2", "p", "strong", "em", "code", "br"), *("ul", "li")}
    assert shown.addresses == []


def test_endless_dialogues_stay_small_and_say_what_is_missing(tmp_path: Path) -> None:
    text = render_chats(_write_hostile(tmp_path, [("@" * 700, "\x1b" * 700)] * 20), seed="s", title="t")
    assert len(text.encode()) <= MAX_ARTIFACT_BYTES
    assert "more turns" in text


def _write_hostile(folder: Path, lines: list[tuple[str, str]]) -> Path:
    turns: list[Turn] = []
    for said, answered in lines:
        call = ToolCall("get_cart", {said: answered * 30})
        turns += [Turn("customer", text=f"a {said}"), Turn("call", calls=(call, call))]
        turns += [Turn("response", responses=(answered * 30, [said])), Turn("counsellor", text=f"b {answered}")]
    said, answered = lines[0]
    record = to_record(
        Dialogue(uid="u", date=said, system_prompt="", turns=tuple(turns)), {"kind": answered, "scenario_id": said}
    )
    write_jsonl(folder / "dataset.jsonl", [record] * 3)
    return folder / "dataset.jsonl"
