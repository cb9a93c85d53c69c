from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest
from batch_helpers import ENDPOINT, make_request, read_lines
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.batch import split_requests
from datagen_core.batch.models import Shard
from datagen_core.errors import InputFileError, OutputError
from datagen_core.files import Artifact, JsonObject, fingerprint, write_jsonl


class _Tokens(NamedTuple):
    prompt: int
    max_output: int


def _count(request: JsonObject) -> _Tokens:
    """Read what a request costs from its own body, so that a test can say it."""
    body = request["body"]
    assert isinstance(body, dict)
    return _Tokens(int(body["tokens"]), 1_000)


def _write_costly(path: Path, *tokens: int) -> Path:
    body = {"model": "m", "messages": []}
    write_jsonl(path, [make_request(f"s-{n}", body={**body, "tokens": each}) for n, each in enumerate(tokens)])
    return path


def test_file_that_fits_is_its_own_only_shard(write_requests: Callable[..., Artifact], tmp_path: Path) -> None:
    requests = write_requests("a", "b")
    assert split_requests(Path(requests.path), tmp_path / "shards") == [Shard(**requests.model_dump())]
    assert not (tmp_path / "shards").exists()


@pytest.mark.parametrize("max_bytes", [800, 190_000_000])
def test_shards_joined_are_the_file_again(
    write_requests: Callable[..., Artifact], tmp_path: Path, max_bytes: int
) -> None:
    requests = write_requests(*(f"s-{number}" for number in range(7)))
    shards = split_requests(Path(requests.path), tmp_path / "shards", max_requests=3, max_bytes=max_bytes)
    assert [Path(shard.path).name for shard in shards] == [f"batch_input-000{number}.jsonl" for number in (1, 2, 3)]
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
    assert split_requests(path, tmp_path) == [
        Shard(path=str(path), sha256=fingerprint(path), rows=3, bytes=path.stat().st_size)
    ]
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
    assert list((tmp_path / "shards").iterdir()) == []


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


def test_shards_keep_within_the_prompts_tokens_and_say_what_they_cost(tmp_path: Path) -> None:
    path = _write_costly(tmp_path / "r.jsonl", 60, 40, 1, 99, 100)
    shards = split_requests(path, tmp_path / "shards", max_tokens=100, count=_count)
    assert [(shard.rows, shard.prompt_tokens, shard.max_output_tokens) for shard in shards] == [
        (2, 100, 2_000), (2, 100, 2_000), (1, 100, 1_000),
    ]  # fmt: skip
    assert b"".join(Path(shard.path).read_bytes() for shard in shards) == path.read_bytes()
    whole = split_requests(path, tmp_path / "shards", max_tokens=300, count=_count)
    assert [(shard.path, shard.rows, shard.prompt_tokens) for shard in whole] == [(str(path), 5, 300)]


def test_request_with_more_tokens_than_a_shard_is_named_before_anything_is_written(tmp_path: Path) -> None:
    path = _write_costly(tmp_path / "r.jsonl", 60, 50, 101)
    with pytest.raises(InputFileError, match=r"line 3.*'s-2' has 101 prompt tokens.*may have 100.*Shorten.*raise"):
        split_requests(path, tmp_path / "shards", max_tokens=100, count=_count)
    assert list((tmp_path / "shards").iterdir()) == []


def test_tokens_that_nobody_counts_cannot_be_bounded(tmp_path: Path) -> None:
    path = _write_costly(tmp_path / "r.jsonl", 1)
    with pytest.raises(ValueError, match="count"):
        split_requests(path, tmp_path / "shards", max_tokens=100)


@pytest.mark.parametrize("ending", [b"\n", b""])
def test_request_longer_than_a_shard_is_named_with_its_size(ending: bytes, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    long = orjson.dumps(make_request("long", note="가" * 2_000_000))
    path.write_bytes(orjson.dumps(make_request("a")) + b"\n" + long + ending)
    with pytest.raises(InputFileError, match=rf"line 2, .*request 'long' has {len(long) + 1} bytes.*may have 500\."):
        split_requests(path, tmp_path / "shards", max_bytes=500)
    assert len(split_requests(path, tmp_path / "shards", max_bytes=len(long) + 1)) == 2
    with pytest.raises(InputFileError, match=f"may have {len(long)}"):
        split_requests(path, tmp_path / "shards", max_bytes=len(long))


def test_a_line_without_end_is_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with path.open("wb") as stream:
        stream.truncate(300_000_000)  # a hole: zeros, and no line break
    tracemalloc.start()
    try:
        with pytest.raises(InputFileError, match="line 1: the request has 300000001 bytes"):
            split_requests(path, tmp_path / "shards", max_bytes=1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_wrong_line_late_in_the_file_leaves_no_shard_and_no_temporary_file(tmp_path: Path) -> None:
    path, folder = tmp_path / "r.jsonl", tmp_path / "shards"
    write_jsonl(path, [make_request(f"s-{number}") for number in range(9)])
    before = split_requests(path, folder, max_requests=4)
    write_jsonl(path, [*(make_request(f"t-{number}") for number in range(9)), make_request("t-0")])
    with pytest.raises(InputFileError, match="line 10"):
        split_requests(path, folder, max_requests=2)
    assert sorted(file.name for file in folder.iterdir()) == [Path(shard.path).name for shard in before]
    assert all(shard.is_intact() for shard in before)


@pytest.mark.parametrize(("max_requests", "left"), [(3, ["r-0001.jsonl", "r-0002.jsonl", "r-0003.jsonl"]), (9, [])])
def test_shards_of_an_earlier_cut_are_gone_and_other_files_stay(
    max_requests: int, left: list[str], tmp_path: Path
) -> None:
    path, folder = tmp_path / "r.jsonl", tmp_path / "shards"
    write_jsonl(path, [make_request(f"s-{number}") for number in range(9)])
    assert len(split_requests(path, folder, max_requests=1)) == 9
    others = ["gold_r-0007.jsonl", "r-0007.jsonl.bak", "r-7.jsonl", "rr-0007.jsonl"]
    for name in others:
        (folder / name).write_text("kept", encoding="utf-8")
    (folder / "r-0099.jsonl").mkdir()
    shards = split_requests(path, folder, max_requests=max_requests)
    assert sorted(file.name for file in folder.iterdir()) == sorted([*left, *others, "r-0099.jsonl"])
    assert all(shard.is_intact() for shard in shards)


def test_two_request_files_share_a_folder_without_touching_each_other_s_shards(
    write_requests: Callable[..., Artifact], tmp_path: Path
) -> None:
    training = write_requests("a", "b", "c")
    gold = write_requests("d", "e", name="gold_batch_input.jsonl")
    shards = split_requests(Path(training.path), tmp_path / "shards", max_requests=1)
    for n_requests in (1, 9):
        split_requests(Path(gold.path), tmp_path / "shards", max_requests=n_requests)
        assert all(shard.is_intact() for shard in shards)


def test_a_file_that_changes_under_the_cut_is_an_error(tmp_path: Path) -> None:
    path, folder = tmp_path / "r.jsonl", tmp_path / "shards"
    _write_costly(path, *[50] * 4)

    def count_and_change(request: JsonObject) -> _Tokens:
        if request["custom_id"] == "s-2":
            path.write_bytes(path.read_bytes().replace(b"s-0", b"S-0"))
        return _count(request)

    with pytest.raises(InputFileError, match="was changed while it was read"):
        split_requests(path, folder, max_tokens=100, count=count_and_change)
    assert list(folder.iterdir()) == []


def test_more_shards_than_a_process_may_have_open_files(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    write_jsonl(path, [make_request(f"s-{number}") for number in range(300)])
    n_open: list[int] = []

    def count(_: JsonObject) -> _Tokens:
        n_open.append(len(list(Path("/proc/self/fd").iterdir())))
        return _Tokens(1, 1)

    shards = split_requests(path, tmp_path / "shards", max_tokens=1, count=count)
    assert len(shards) == 300
    assert max(n_open) - n_open[0] <= 3


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    write_jsonl(path, [make_request("a"), make_request("b")])
    with pytest.raises(OutputError, match="could not be written"):
        split_requests(path, path / "shards", max_requests=1)


def test_each_line_is_read_once_where_the_size_tells_that_the_file_does_not_fit(tmp_path: Path) -> None:
    """A pipe can be read only once; its size, 0, says that it fits, so the whole comes in one shard."""
    path = tmp_path / "pipe.jsonl"
    os.mkfifo(path)
    lines = b"".join(orjson.dumps(make_request(f"s-{number}")) + b"\n" for number in range(50))
    feeder = threading.Thread(target=path.write_bytes, args=(lines,))
    feeder.start()
    (shard,) = split_requests(path, tmp_path / "shards")
    feeder.join()
    assert (shard.rows, shard.bytes) == (50, len(lines))


def test_azure_s_url_without_a_version_is_taken(write_requests: Callable[..., Artifact], tmp_path: Path) -> None:
    requests = write_requests("a", "b", url=ENDPOINT.removeprefix("/v1"))
    assert split_requests(Path(requests.path), tmp_path)[0].rows == 2


_KILLED = """
import os, signal, sys
from pathlib import Path
from datagen_core.batch.shards import split_requests
event, remaining = sys.argv[3], int(sys.argv[4])

def watch(name, arguments):
    global remaining
    if name == event and ".tmp" in str(arguments[0]):
        remaining -= 1
        if remaining == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
split_requests(Path(sys.argv[1]), Path(sys.argv[2]), max_requests=2)
"""


@pytest.mark.parametrize(("event", "n_times"), [("open", 1), ("open", 4), ("os.rename", 1), ("os.rename", 3)])
def test_a_killed_split_is_made_good_by_the_next(event: str, n_times: int, tmp_path: Path) -> None:
    path, folder = tmp_path / "r.jsonl", tmp_path / "shards"
    write_jsonl(path, [make_request(f"s-{number}") for number in range(9)])
    command = [sys.executable, "-c", _KILLED, str(path), str(folder), event, str(n_times)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    published = sorted(folder.glob("r-*.jsonl"))
    assert len(published) == (n_times - 1 if event == "os.rename" else 0)
    shards = split_requests(path, folder, max_requests=2)
    assert [Path(shard.path) for shard in shards] == sorted(folder.glob("r-*.jsonl"))
    assert all(shard.is_intact() for shard in shards)
    assert b"".join(Path(shard.path).read_bytes() for shard in shards) == path.read_bytes()


_FILL = """
import resource, sys
from pathlib import Path
from datagen_core.batch.shards import split_requests
from datagen_core.errors import OutputError
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
try:
    split_requests(Path(sys.argv[1]), Path(sys.argv[2]), max_requests=int(sys.argv[3]))
except OutputError as error:
    print(error)
"""


@pytest.mark.parametrize("max_requests", [5, 50])
def test_a_disk_that_takes_no_more_leaves_no_part_of_a_shard(max_requests: int, tmp_path: Path) -> None:
    path, folder = tmp_path / "r.jsonl", tmp_path / "shards"
    write_jsonl(path, [make_request(f"s-{number}") for number in range(60)])
    command = [sys.executable, "-c", _FILL, str(path), str(folder), str(max_requests)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if max_requests == 5:  # every shard is small enough
        assert said == ""
        assert len(list(folder.iterdir())) == 12
    else:
        assert "r-0001.jsonl: could not be written (File too large)" in said
        assert list(folder.iterdir()) == []


_SIZES = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 30)), min_size=1, max_size=25)


@given(rows=_SIZES, max_requests=st.integers(1, 6), max_bytes=st.integers(500, 1_500), max_tokens=st.integers(30, 90))
def test_no_cut_breaks_a_limit_loses_a_byte_or_wastes_room(
    rows: list[tuple[int, int]],
    max_requests: int,
    max_bytes: int,
    max_tokens: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    path = folder / "r.jsonl"

    def requests() -> Iterator[object]:
        for number, (length, tokens) in enumerate(rows):
            yield make_request(f"s-{number}", body={"model": "m", "tokens": tokens, "text": "x" * length})

    whole = write_jsonl(path, requests())
    shards = split_requests(
        path, folder / "shards", max_requests=max_requests, max_bytes=max_bytes, max_tokens=max_tokens, count=_count
    )
    assert b"".join(Path(shard.path).read_bytes() for shard in shards) == path.read_bytes()
    assert all(shard.is_intact() and shard.bytes == Path(shard.path).stat().st_size for shard in shards)
    assert sum(shard.rows for shard in shards) == whole.rows
    assert sum(shard.prompt_tokens for shard in shards) == sum(tokens for _, tokens in rows)
    for shard in shards:
        assert shard.rows <= max_requests
        assert shard.bytes <= max_bytes
        assert shard.prompt_tokens <= max_tokens
    for shard, after in pairwise(shards):
        line = Path(after.path).read_bytes().partition(b"\n")[0]
        is_full = shard.rows == max_requests or shard.bytes + len(line) + 1 > max_bytes
        assert is_full or shard.prompt_tokens + _count(orjson.loads(line)).prompt > max_tokens
