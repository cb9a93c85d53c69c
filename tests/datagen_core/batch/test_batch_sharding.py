"""A request file is cut once: what was submitted stays in its shards, whatever the limits become."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from batch_helpers import make_request

from datagen_core.batch.sharding import ShardLimits, shard_requests
from datagen_core.errors import InputFileError


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    path = tmp_path / "batch_input.jsonl"
    path.write_bytes(b"".join(orjson.dumps(make_request(f"row-{n}")) + b"\n" for n in range(6)))
    return path


def cut(requests: Path, limits: ShardLimits) -> list[tuple[int, str]]:
    shards = shard_requests(requests, requests.parent / "shards", limits, requests.parent / "ledger.jsonl")
    assert all(shard.is_intact() for shard in shards)
    return [(shard.rows, shard.sha256) for shard in shards]


def submit_something(requests: Path) -> None:
    (requests.parent / "ledger.jsonl").write_text('{"version": 1}\n{"kind": "intent"}\n', encoding="utf-8")


def test_limits_count_until_something_was_submitted(requests: Path) -> None:
    assert [rows for rows, _ in cut(requests, ShardLimits())] == [6]
    assert [rows for rows, _ in cut(requests, ShardLimits(max_requests=2))] == [2, 2, 2]


def test_what_was_submitted_stays_cut_as_it_was(requests: Path) -> None:
    before = cut(requests, ShardLimits(max_requests=2))
    submit_something(requests)
    assert cut(requests, ShardLimits()) == before
    assert cut(requests, ShardLimits(max_requests=3)) == before


def test_another_request_file_is_cut_by_the_limits_of_now(requests: Path) -> None:
    cut(requests, ShardLimits(max_requests=2))
    submit_something(requests)
    requests.write_bytes(requests.read_bytes() + orjson.dumps(make_request("row-7")) + b"\n")
    assert [rows for rows, _ in cut(requests, ShardLimits(max_requests=5))] == [5, 2]


def test_a_damaged_note_is_named_and_nothing_is_cut(requests: Path) -> None:
    cut(requests, ShardLimits())
    submit_something(requests)
    (requests.parent / "shards" / "batch_input-cut.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputFileError, match=r"batch_input-cut.json, field 'digest'"):
        cut(requests, ShardLimits(max_requests=1))


def test_tokens_are_counted_on_the_way(requests: Path) -> None:
    shards = shard_requests(requests, requests.parent / "shards", ShardLimits(), requests.parent / "ledger.jsonl")
    assert all(shard.prompt_tokens > 0 and shard.max_output_tokens > 0 for shard in shards)
