"""Progress of a round's shards: every shard counts once, thousands stay small, and no server's words do harm."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from report_rows import any_text

from datagen_core.batch.models import BatchCounts, BatchStatus, Shard, Submitted
from datagen_core.report import MAX_ARTIFACT_BYTES, build_progress
from datagen_core.report.markdown import measure_rows

NOW = 1_796_000_000.0
SHARD = Shard(path="shard.jsonl", sha256="0" * 64, rows=200, bytes=1)


def _submit(batch_id: str, *, minutes_ago: float = 10) -> Submitted:
    return Submitted(
        key="0.0", batch_id=batch_id, input_file_id="file-1", shard=SHARD, submitted_at=NOW - 60 * minutes_ago
    )


def _hear(status: str, completed: int = 0, failed: int = 0, finished_at: float | None = None) -> BatchStatus:
    counts = BatchCounts(total=200, completed=completed, failed=failed)
    return BatchStatus(batch_id="batch", status=status, counts=counts, finished_at=finished_at)


def test_each_shard_has_a_row_below_all_of_them_together() -> None:
    submitted = {0: _submit("batch_a"), 1: _submit("batch_b"), 2: _submit("batch_c", minutes_ago=0.5)}
    heard = {0: _hear("completed", 198, 2, finished_at=NOW - 120), 1: _hear("in_progress", 57, 1)}
    progress = build_progress([SHARD] * 4, submitted, heard, now=NOW, next_looks={0: NOW, 1: NOW + 90, 2: NOW + 60})
    assert [list(row.values()) for row in progress.rows] == [
        ["all", "1 of 4 ended", 255, 3, 800, "32%", 10.0, "00:54:20 UTC", ""],
        ["1", "completed", 198, 2, 200, "100%", 8.0, "", "batch_a"],
        ["2", "in_progress", 57, 1, 200, "29%", 10.0, "00:54:50 UTC", "batch_b"],
        ["3", "submitted", 0, 0, 200, "0%", 0.5, "00:54:20 UTC", "batch_c"],
        ["4", "waiting", 0, 0, 200, "0%", 0.0, "", ""],
    ]
    assert list(progress.rows[0]) == [
        *("shard", "status", "done", "failed", "requests", "share", "minutes", "next look", "batch"),
    ]
    assert progress.summary == (
        "258 of 800 requests are done. Shards: 1 completed, 1 in_progress, 1 submitted, 1 waiting."
    )


def test_counts_that_cannot_be_are_no_share_above_all_of_it() -> None:
    rows = build_progress([SHARD], {0: _submit("b")}, {0: _hear("in_progress", 900, 5)}, now=NOW).rows
    assert rows[1]["share"] == "100%"
    assert rows[1]["next look"] == ""


def test_a_server_that_counts_nothing_leaves_the_share_open_at_the_end() -> None:
    rows = build_progress([SHARD], {0: _submit("b")}, {0: _hear("completed")}, now=NOW).rows
    assert rows[1]["share"] == "-"


def test_a_clock_that_ran_backwards_makes_no_negative_time() -> None:
    rows = build_progress([SHARD], {0: _submit("b", minutes_ago=-5)}, {}, now=NOW).rows
    assert rows[1]["minutes"] == 0.0


def test_no_shards_are_no_rows() -> None:
    assert build_progress([], {}, {}, now=NOW).rows == []


def test_of_thousands_of_shards_those_of_concern_have_a_row_and_the_others_are_added_up() -> None:
    submitted = {place: _submit(f"batch_{place:032x}") for place in range(1_900)}
    heard = {place: _hear("completed", 200) for place in range(1_500)}
    heard |= {place: _hear("in_progress", 20) for place in range(1_500, 1_900)} | {1_700: _hear("failed")}
    rows = build_progress(
        [SHARD] * 2_000, submitted, heard, now=NOW, next_looks=dict.fromkeys(range(2_000), NOW + 60)
    ).rows
    assert len(rows) == 202
    assert (rows[1]["shard"], rows[1]["status"]) == ("1701", "failed")
    assert {row["status"] for row in rows[2:201]} == {"in_progress"}
    assert rows[-1]["shard"] == "and 1,800 more"
    for name in ("done", "failed", "requests"):
        assert sum(int(row[name]) for row in rows[1:]) == rows[0][name]
    assert measure_rows(rows) < 60_000


@settings(max_examples=25)
@given(st.lists(st.tuples(any_text, any_text), min_size=1, max_size=6), st.sampled_from([1, 40, 200]))
def test_whatever_a_server_calls_things_all_shards_are_counted_and_rows_stay_small(
    names: list[tuple[str, str]], times: int
) -> None:
    names = names * times
    submitted = {place: _submit(batch_id * 50) for place, (batch_id, _) in enumerate(names)}
    heard = {place: _hear(status * 50, 3, 2) for place, (_, status) in enumerate(names)}
    progress = build_progress([SHARD] * len(names), submitted, heard, now=NOW, next_looks=dict.fromkeys(submitted, NOW))
    assert measure_rows(progress.rows) <= MAX_ARTIFACT_BYTES
    assert sum(int(row["done"]) for row in progress.rows[1:]) == 3 * len(names) == progress.rows[0]["done"]
    assert "<" not in "".join(str(value) for row in progress.rows for value in row.values())
    assert len(progress.summary.encode()) < 10_000
