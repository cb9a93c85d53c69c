from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import traceback
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from dataset_rows import FACTS, make_record, write_records
from hub_server import Blob, HubServer, Role

from datagen_core.dataset import CardFacts, PushReport, push_dataset
from datagen_core.dataset.parquet import compare_shard, read_shard, write_shard
from datagen_core.errors import DatagenError, HubError, InputFileError
from datagen_core.files import write_jsonl

TOKEN, READER, STRANGER = "hf_writer", "hf_reader", "hf_stranger"
REPO = "team/dialogues"


@pytest.fixture(scope="module")
def server() -> Iterator[HubServer]:
    users: dict[str, tuple[str, Role]] = {
        TOKEN: ("team", "write"),
        READER: ("team", "read"),
        STRANGER: ("other", "write"),
    }
    with HubServer(users) as running:
        yield running


@pytest.fixture
def hub(server: HubServer) -> HubServer:
    server.reset()
    return server


def push(
    hub: HubServer,
    path: Path,
    *,
    run_id: str = "run-1",
    token: str | None = TOKEN,
    repo_id: str = REPO,
    private: bool = True,
    split: str = "train",
    card: CardFacts = FACTS,
) -> PushReport:
    return push_dataset(
        path, repo_id, private=private, token=token, endpoint=hub.url, card=card, split=split, run_id=run_id
    )


def load(hub: HubServer, home: Path, split: str = "train") -> dict[str, list[dict[str, object]]]:
    """Load the dataset over HTTP with the public library, which can reach nothing but the loopback hub."""
    environment = os.environ | {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": READER,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1",
    }
    script = Path(__file__).with_name("hub_reader.py")
    done = subprocess.run(
        [sys.executable, script, REPO, split], env=environment, capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def as_records(rows: list[dict[str, object]]) -> list[bytes]:
    """Return the records in the rows as bytes, so that 1, 1.0 and true differ."""
    return [
        orjson.dumps(
            {
                name: json.loads(str(value)) if name in {"tools", "meta"} else value
                for name, value in row.items()
                if name != "id"
            }
        )
        for row in rows
    ]


def test_what_was_pushed_loads_back_row_by_row_and_grows(hub: HubServer, tmp_path: Path) -> None:
    first = push(hub, write_records(tmp_path / "a.jsonl", *range(5)))
    second = push(hub, write_records(tmp_path / "b.jsonl", *range(8)), run_id="run-2")
    gold = push(hub, write_records(tmp_path / "gold.jsonl", 100, 101), split="test", run_id="gold-1")

    loaded = load(hub, tmp_path / "home")

    assert (first.rows, first.added, first.skipped) == (5, 5, 0)
    assert (second.rows, second.added, second.skipped) == (8, 3, 5)
    assert (gold.rows, gold.added) == (2, 2)
    assert loaded["columns"] == ["id", "tools", "uid", "dates", "system_prompt", "messages", "meta"]
    assert [row["id"] for row in loaded["rows"]] == [f"s-{number:06d}" for number in range(8)]
    assert as_records(loaded["rows"]) == [orjson.dumps(make_record(number)) for number in range(8)]
    assert list(hub.repos[REPO].files) == [
        ".gitattributes",
        "data/train-run-1.parquet",
        "README.md",
        "data/train-run-2.parquet",
        "data/test-gold-1.parquet",
    ]


def test_the_same_file_again_changes_nothing(hub: HubServer, tmp_path: Path) -> None:
    path = write_records(tmp_path / "a.jsonl", 1, 2, 3)
    first = push(hub, path)
    again = push(hub, path)
    assert again == first.model_copy(update={"added": 0, "skipped": 3})
    assert list(hub.repos[REPO].commits)[1:] == [first.commit]
    assert hub.n_requests("POST", "/commit/") == 1


def test_a_push_is_one_commit_of_shard_and_card(hub: HubServer, tmp_path: Path) -> None:
    report = push(hub, write_records(tmp_path / "a.jsonl", 1))
    assert hub.repos[REPO].messages == ["initial commit", "Add 1 rows of run-1"]
    assert set(hub.repos[REPO].commits[report.commit]) == {".gitattributes", "README.md", "data/train-run-1.parquet"}
    assert report.url == f"{hub.url}/datasets/{REPO}"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.jsonl"]


def test_a_run_that_grew_keeps_what_it_published(hub: HubServer, tmp_path: Path) -> None:
    push(hub, write_records(tmp_path / "a.jsonl", 1, 2))
    report = push(hub, write_records(tmp_path / "a.jsonl", 1, 2, 3))
    shards = [path for path in hub.repos[REPO].files if path.endswith(".parquet")]
    assert shards == ["data/train-run-1.parquet", "data/train-run-1-2.parquet"]
    assert (report.rows, report.added) == (3, 1)


def test_only_the_ids_of_published_shards_are_read(hub: HubServer, tmp_path: Path) -> None:
    path, chance = tmp_path / "a.jsonl", random.Random(1)
    write_jsonl(path, (make_record(number) | {"system_prompt": chance.randbytes(2000).hex()} for number in range(600)))
    push(hub, path)
    hub.n_bytes_served = 0
    push(hub, path)
    assert 0 < hub.n_bytes_served < len(hub.repos[REPO].files["data/train-run-1.parquet"].content) / 5


def test_pushers_at_the_same_time_both_arrive(hub: HubServer, tmp_path: Path) -> None:
    push(hub, write_records(tmp_path / "a.jsonl", 1))
    paths = {run: write_records(tmp_path / f"{run}.jsonl", 1, 5, number) for run, number in (("x", 10), ("y", 20))}
    hub.hold_commits = 2
    reports: dict[str, PushReport] = {}

    def run_push(run: str) -> None:
        reports[run] = push(hub, paths[run], run_id=run)

    threads = [threading.Thread(target=run_push, args=(run,)) for run in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert hub.n_requests("POST", "/commit/") == 4
    assert sorted(report.added for report in reports.values()) == [1, 2]
    assert max(report.rows for report in reports.values()) == 4
    ids = [
        str(row["id"])
        for path, blob in hub.repos[REPO].files.items()
        if path.endswith(".parquet")
        for row in read_blob(blob, tmp_path)
    ]
    assert sorted(ids) == ["s-000001", "s-000005", "s-000010", "s-000020"]


def read_blob(blob: Blob, folder: Path) -> list[dict[str, object]]:
    path = folder / "blob.parquet"
    path.write_bytes(blob.content)
    return list(read_shard(path))


def test_a_repository_that_never_rests_is_given_up(hub: HubServer, tmp_path: Path) -> None:
    hub.fail["/commit/"] = [412, 409, 412, 412, 412]
    with pytest.raises(HubError, match="changed 5 times"):
        push(hub, write_records(tmp_path / "a.jsonl", 1))


def test_a_new_repository_is_private_unless_public_is_asked_for(hub: HubServer, tmp_path: Path) -> None:
    path = write_records(tmp_path / "a.jsonl", 1)
    push_dataset(path, REPO, token=TOKEN, endpoint=hub.url, card=FACTS, run_id="r")
    push(hub, path, repo_id="team/open", private=False)
    assert hub.repos[REPO].private
    assert not hub.repos["team/open"].private


def test_a_private_push_never_goes_to_a_public_repository(hub: HubServer, tmp_path: Path) -> None:
    path = write_records(tmp_path / "a.jsonl", 1)
    push(hub, path, private=False)
    with pytest.raises(HubError, match="is public"):
        push(hub, write_records(tmp_path / "b.jsonl", 2))
    assert len(hub.repos[REPO].commits) == 2


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("hf_unknown", "answered 401 .* set it as HF_TOKEN"),
        (READER, "answered 403 .* write access to team"),
        (STRANGER, "answered 403 .* write access to team"),
        (None, "needs a token"),
        ("hf_two\nlines", "HF_TOKEN holds"),
    ],
)
def test_a_wrong_token_is_explained_and_never_shown(
    hub: HubServer, tmp_path: Path, token: str | None, said: str
) -> None:
    with pytest.raises(HubError, match=said) as caught:
        push(hub, write_records(tmp_path / "a.jsonl", 1), token=token)
    assert not hub.repos
    assert token is None or token not in "".join(traceback.format_exception(caught.value))


def test_an_unreachable_hub_is_explained(tmp_path: Path) -> None:
    with HubServer({}) as stopped:
        pass
    with pytest.raises(HubError, match=r"cannot be reached .* HF_ENDPOINT"):
        push(stopped, write_records(tmp_path / "a.jsonl", 1))


def test_offline_mode_is_explained(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="Unset HF_HUB_OFFLINE"):
        push(hub, write_records(tmp_path / "a.jsonl", 1))
    assert not hub.requests


def test_a_failing_hub_says_that_it_should_pass(hub: HubServer, tmp_path: Path) -> None:
    hub.fail["/commit/"] = [503]
    with pytest.raises(HubError, match=r"answered 503 .* push again in a few minutes"):
        push(hub, write_records(tmp_path / "a.jsonl", 1))
    assert push(hub, write_records(tmp_path / "a.jsonl", 1)).added == 1


@pytest.mark.parametrize("repo_id", ["dialogues", "team/dia logues", "team/a/b", "팀/대화", "../x/y", ""])
def test_a_bad_repository_id_is_refused_before_any_request(hub: HubServer, tmp_path: Path, repo_id: str) -> None:
    with pytest.raises(HubError, match="no repository id"):
        push(hub, write_records(tmp_path / "a.jsonl", 1), repo_id=repo_id)
    assert not hub.requests


@pytest.mark.parametrize("run_id", ["../up", "a/b", "", "한글"])
def test_a_run_id_that_is_no_file_name_is_refused(hub: HubServer, tmp_path: Path, run_id: str) -> None:
    with pytest.raises(HubError, match="cannot name a file"):
        push(hub, write_records(tmp_path / "a.jsonl", 1), run_id=run_id)


def test_another_dataset_in_the_repository_is_left_alone(hub: HubServer, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    push(hub, write_records(tmp_path / "a.jsonl", 1))
    pq.write_table(pa.table({"text": ["hello"]}), tmp_path / "other.parquet")
    repo = hub.repos[REPO]
    other = Blob((tmp_path / "other.parquet").read_bytes(), True)
    repo.commit(repo.files | {"data/train-00000.parquet": other}, "by hand")
    with pytest.raises(HubError, match="another dataset"):
        push(hub, write_records(tmp_path / "b.jsonl", 2))


def change(field: str, value: object) -> dict[str, object]:
    return make_record(2) | {field: value}


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (change("dates", 20260214), "line 2, field 'dates'"),
        (change("messages", [{"role": "user", "content": None}]), "line 2, field 'messages'"),
        (change("messages", [{"role": "user", "content": "a", "name": "b"}]), "line 2, field 'messages'"),
        (change("meta", {"kind": "tool_use"}), "line 2, field 'meta.scenario_id'"),
        (change("extra", 1), "line 2, field 'extra': is not part"),
        ({"uid": "x"}, "line 2, field 'tools': is missing"),
        (make_record(1), "line 2, field 'meta.scenario_id': repeats"),
    ],
)
def test_a_line_that_is_no_record_is_named_and_nothing_is_created(
    hub: HubServer, tmp_path: Path, record: dict[str, object], said: str
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in (make_record(1), record)))
    with pytest.raises(InputFileError, match=said):
        push(hub, path)
    assert not hub.repos


@pytest.mark.parametrize("content", [None, b"", b"\n"])
def test_a_file_without_rows_is_refused(hub: HubServer, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputFileError):
        push(hub, path)
    assert not hub.repos


def nothing(_: object) -> bytes:
    return b"{}"


def test_a_row_that_differs_from_the_file_is_named(tmp_path: Path) -> None:
    path, shard = write_records(tmp_path / "a.jsonl", *range(700)), tmp_path / "shard.parquet"
    write_shard(path, shard, known=frozenset(), describe=nothing)
    compare_shard(path, shard, known=frozenset())
    records = [make_record(number) for number in range(700)]
    meta = records[650]["meta"]
    assert isinstance(meta, dict)
    meta["usage"]["rate"] = 1
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    with pytest.raises(HubError, match="line 651, field 'meta'"):
        compare_shard(path, shard, known=frozenset())


@pytest.mark.parametrize("n_rows", [2, 4])
def test_rows_that_come_or_go_are_noticed(tmp_path: Path, n_rows: int) -> None:
    path, shard = write_records(tmp_path / "a.jsonl", 0, 1, 2), tmp_path / "shard.parquet"
    write_shard(path, shard, known=frozenset(), describe=nothing)
    write_records(path, *range(n_rows))
    with pytest.raises(HubError, match="differ in number"):
        compare_shard(path, shard, known=frozenset())


def test_the_card_tells_of_every_run(hub: HubServer, tmp_path: Path) -> None:
    simulated = FACTS.model_copy(update={"simulated": True, "provider": "simulator", "seed": 7})
    push(hub, write_records(tmp_path / "a.jsonl", 1, 2, 3), card=simulated)
    push(hub, write_records(tmp_path / "b.jsonl", 4, 5), run_id="run-2")
    readme = hub.repos[REPO].files["README.md"].content.decode()
    assert "3 of these 5 dialogues were" in readme
    assert "| run-1 | train | 3 | simulator | gpt-6-luna | 7 | yes |" in readme
    assert "| run-2 | train | 2 | openai | gpt-6-luna | 11 | no |" in readme
    assert "| tool_use | 3 |" in readme
    assert "num_examples: 5" in readme
    assert f'load_dataset("{REPO}", split="train")' in readme


def test_every_refusal_is_a_datagen_error(hub: HubServer, tmp_path: Path) -> None:
    path = write_records(tmp_path / "a.jsonl", 1)
    for part in ("/api/datasets/", "/api/repos/create", "/preupload/", "/lfs/objects/batch", "/api/validate-yaml"):
        hub.fail = {part: [400]}
        with pytest.raises(DatagenError, match="push again"):
            push(hub, path)
    assert all(len(repo.commits) == 1 for repo in hub.repos.values())


def test_memory_does_not_grow_with_rows(tmp_path: Path) -> None:
    def peak(n_rows: int) -> int:
        path = write_records(tmp_path / "a.jsonl", *range(n_rows))
        tracemalloc.start()
        write_shard(path, tmp_path / "shard.parquet", known=frozenset(), describe=nothing)
        compare_shard(path, tmp_path / "shard.parquet", known=frozenset())
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(1)
    assert peak(4000) < 2 * peak(1000)
