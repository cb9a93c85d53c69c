from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from batch_helpers import make_request, read_lines

from datagen_core.batch import split_requests
from datagen_core.errors import InputFileError
from datagen_core.files import Artifact, write_jsonl


def test_file_that_fits_is_its_own_only_shard(write_requests: Callable[..., Artifact], tmp_path: Path) -> None:
    requests = write_requests("a", "b")
    assert split_requests(Path(requests.path), tmp_path / "shards") == [requests]
    assert not (tmp_path / "shards").exists()


def test_shards_joined_are_the_file_again(write_requests: Callable[..., Artifact], tmp_path: Path) -> None:
    requests = write_requests(*(f"s-{number}" for number in range(7)))
    shards = split_requests(Path(requests.path), tmp_path / "shards", max_requests=3)
    assert [Path(shard.path).name for shard in shards] == [f"shard-000{number}.jsonl" for number in (1, 2, 3)]
    assert [shard.rows for shard in shards] == [3, 3, 1]
    assert all(shard.is_intact() for shard in shards)
    assert b"".join(Path(shard.path).read_bytes() for shard in shards) == Path(requests.path).read_bytes()


def test_shards_keep_within_the_bytes(write_requests: Callable[..., Artifact], tmp_path: Path) -> None:
    requests = write_requests(*(f"s-{number}" for number in range(9)))
    limit = requests.bytes // 4
    shards = split_requests(Path(requests.path), tmp_path / "shards", max_bytes=limit)
    assert all(shard.bytes <= limit for shard in shards)
    assert sum(shard.rows for shard in shards) == 9


def test_same_file_gives_the_same_shards(write_requests: Callable[..., Artifact], tmp_path: Path) -> None:
    requests = Path(write_requests("a", "b", "c").path)
    first = split_requests(requests, tmp_path / "one", max_requests=2)
    again = split_requests(requests, tmp_path / "two", max_requests=2)
    assert [shard.sha256 for shard in first] == [shard.sha256 for shard in again]


def test_last_line_without_a_break_gets_one_in_its_shard(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(make_request(name)) for name in "abc"))
    assert split_requests(path, tmp_path)[0].rows == 3
    last = split_requests(path, tmp_path / "shards", max_requests=2)[1]
    assert read_lines(Path(last.path)) == [make_request("c")]
    assert Path(last.path).read_bytes().endswith(b"}\n")


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ({"custom_id": 7}, "field 'custom_id'"),
        ({"custom_id": "x" * 65}, "field 'custom_id'"),
        ({"custom_id": ""}, "field 'custom_id'"),
        ({"custom_id": "a"}, "'a' stands on line 1 already"),
        ({"method": "GET"}, "field 'method'"),
        ({"url": None}, "field 'url'"),
        ({"url": "/v1/responses"}, "a file holds requests for one URL"),
        ({"body": "text"}, "field 'body'"),
        ({"body": {"messages": []}}, "field 'body.model'"),
        ({"body": {"model": "other"}}, "a file holds one model"),
    ],
)
def test_request_that_no_provider_takes_is_named(line: dict[str, object], where: str, tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    write_jsonl(path, [make_request("a"), {**make_request("b"), **line}])
    with pytest.raises(InputFileError) as caught:
        split_requests(path, tmp_path)
    assert where in str(caught.value)
    assert caught.value.line == 2


@pytest.mark.parametrize(("text", "column"), [(b'{"custom_id": "b",}', 18), (b"", 1), (b"[1]", 1)])
def test_line_that_is_no_object_is_named_with_its_column(text: bytes, column: int, tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_bytes(orjson.dumps(make_request("a")) + b"\n" + text + b"\n")
    with pytest.raises(InputFileError, match=f"line 2, column {column}"):
        split_requests(path, tmp_path)


@pytest.mark.parametrize("content", [b"", None])
def test_missing_and_empty_files_are_errors(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputFileError):
        split_requests(path, tmp_path)


def test_line_longer_than_a_shard_is_an_error(write_requests: Callable[..., Artifact], tmp_path: Path) -> None:
    requests = write_requests("a")
    with pytest.raises(InputFileError, match="line 1"):
        split_requests(Path(requests.path), tmp_path, max_bytes=50)


def test_custom_id_is_unique_across_shards_too(write_requests: Callable[..., Artifact], tmp_path: Path) -> None:
    requests = write_requests("a", "b", "c", "d", "e", "b")
    with pytest.raises(InputFileError, match=r"line 6.*'b' stands on line 2 already"):
        split_requests(Path(requests.path), tmp_path / "shards", max_requests=2)
    assert not (tmp_path / "shards").exists()


def test_memory_does_not_grow_with_the_number_of_shards(tmp_path: Path) -> None:
    def measure_peak(n_requests: int) -> int:
        path = tmp_path / f"{n_requests}.jsonl"
        write_jsonl(path, (make_request(f"s-{number}") for number in range(n_requests)))
        tracemalloc.start()
        try:
            split_requests(path, tmp_path / str(n_requests), max_requests=1_000)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    measure_peak(1_000)
    few, many = measure_peak(2_000), measure_peak(12_000)
    assert many < few * 1.5
