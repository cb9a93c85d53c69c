"""A lost or damaged ledger is written anew from the provider; the old one is never destroyed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from batch_helpers import ENDPOINT, FakeTime, make_request, make_row
from fake_provider import FakeProvider
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datagen_core.batch import BatchClient, Submitted, submission_key, submit_once
from datagen_core.batch.ledger import open_ledger
from datagen_core.batch.ledger_view import read_ledger
from datagen_core.batch.rebuilding import Rebuilt, rebuild_ledger
from datagen_core.batch.request_files import find_request_files
from datagen_core.errors import BatchError, LedgerError, OutputError, ProviderError
from datagen_core.files import Artifact, write_jsonl

PLACES = ("batch_input.jsonl", "gold_batch_input.jsonl", "rounds/2/batch_input.jsonl", "shards/shard-0001.jsonl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def clock(provider: FakeProvider) -> FakeTime:
    clock = FakeTime()
    provider.clock = clock
    return clock


@pytest.fixture
def shards(folder: Path) -> list[Artifact]:
    return [write_jsonl(folder / place, [make_request(f"id-{number}")]) for number, place in enumerate(PLACES)]


@pytest.fixture
def submit(client: BatchClient, clock: FakeTime, folder: Path) -> Callable[..., Submitted]:
    def run(shard: Artifact, *, generation: int = 0, ledger: Path = folder / "ledger.jsonl") -> Submitted:
        told = {"run": "r-1", "round": "1"}
        return submit_once(
            client,
            ledger,
            shard,
            endpoint=ENDPOINT,
            metadata=told,
            generation=generation,
            clock=clock,
            sleep=clock.sleep,
        )

    return run


@pytest.fixture
def rebuild(client: BatchClient, clock: FakeTime, folder: Path) -> Callable[..., Rebuilt]:
    return lambda **options: rebuild_ledger(client, folder, clock=clock, **options)


Submit = Callable[..., Submitted]
Rebuild = Callable[..., Rebuilt]


def n_creations(provider: FakeProvider) -> int:
    return len([call for call in provider.calls if call.method == "POST"])


def test_a_lost_ledger_is_found_again_whole(
    provider: FakeProvider, submit: Submit, rebuild: Rebuild, shards: list[Artifact], folder: Path
) -> None:
    submitted = [submit(shard) for shard in shards]
    (folder / "ledger.jsonl").unlink()
    provider.page_size = 3
    rebuilt = rebuild()
    assert {found.batch_id for found in rebuilt.matched} == {one.batch_id for one in submitted}
    assert {found.shard for found in rebuilt.matched} == {shard.path for shard in shards}
    assert (rebuilt.backup, rebuilt.known, rebuilt.n_looked_at) == (None, (), 4)
    rows = read_ledger(folder).rows
    assert {(row.state, row.run, row.round) for row in rows} == {("submitted", "r-1", "1")}
    n_before = n_creations(provider)
    assert [submit(shard).batch_id for shard in shards] == [one.batch_id for one in submitted]
    assert n_creations(provider) == n_before


def test_a_damaged_ledger_keeps_its_sound_lines_and_a_copy(
    submit: Submit, rebuild: Rebuild, shards: list[Artifact], folder: Path
) -> None:
    submitted = [submit(shard) for shard in shards]
    path = folder / "ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    gone = next(number for number, line in enumerate(lines) if b'"batch"' in line)
    lines[gone] = b"\x00" * 40 + b"\n"
    path.write_bytes(b"".join(lines))
    damaged = path.read_bytes()
    with pytest.raises(LedgerError, match=f"line {gone + 1}"):
        submit(shards[0])
    rebuilt = rebuild()
    assert [line.line for line in rebuilt.damaged] == [gone + 1]
    assert len(rebuilt.known) == len(shards) - 1
    assert [found.batch_id for found in rebuilt.matched] == [submitted[0].batch_id]
    assert rebuilt.backup is not None
    assert Path(rebuilt.backup).read_bytes() == damaged
    assert Path(rebuilt.backup).name.startswith("ledger.jsonl.bak-2026")
    assert [submit(shard).batch_id for shard in shards] == [one.batch_id for one in submitted]
    after = path.read_bytes()
    assert rebuild().matched == ()
    assert path.read_bytes() == after, "a ledger that lacks nothing is left alone"


def test_copies_of_the_same_second_do_not_replace_each_other(
    submit: Submit, rebuild: Rebuild, shards: list[Artifact], folder: Path
) -> None:
    submit(shards[0])
    path = folder / "ledger.jsonl"
    for number in range(3):
        path.write_bytes(path.read_bytes() + b"damage %d\n" % number)
        rebuild()
    copies = sorted(folder.glob("ledger.jsonl.bak-*"))
    assert [copy.read_bytes().splitlines()[-1] for copy in copies] == [b"damage 0", b"damage 1", b"damage 2"]


def test_what_is_found_is_sorted_by_what_it_is(
    provider: FakeProvider, submit: Submit, rebuild: Rebuild, shards: list[Artifact], folder: Path, clock: FakeTime
) -> None:
    old = submit(shards[0])
    provider.finish(old.batch_id, [make_row("id-0")])
    del provider.files[str(provider.batches[0]["output_file_id"])]
    clock.now += 29.5 * 86_400
    refused = submit(shards[1])
    provider.finish(refused.batch_id, status="failed")
    stepping = submit(shards[2])
    provider.finish(stepping.batch_id, status="failed")
    living = submit(shards[2], generation=1)
    kept = submit(shards[3])
    clock.now += 60
    twin = provider.create_batch(provider.bodies("POST", "/batches")[-1])
    foreign = submit(write_jsonl(folder.parent / "other.jsonl", [make_request("x")]), ledger=folder.parent / "l.jsonl")
    provider.create_batch({"endpoint": ENDPOINT, "input_file_id": "f", "completion_window": "24h"})
    (folder / "ledger.jsonl").unlink()
    rebuilt = rebuild()
    assert [found.batch_id for found in rebuilt.expired] == [old.batch_id]
    assert [found.batch_id for found in rebuilt.refused] == [refused.batch_id]
    assert {found.batch_id for found in rebuilt.matched} == {stepping.batch_id, living.batch_id, kept.batch_id}
    assert [found.batch_id for found in rebuilt.doubles] == [twin["id"]]
    assert [found.batch_id for found in rebuilt.foreign] == [foreign.batch_id]
    assert rebuilt.n_looked_at == len(provider.batches)
    assert all(batch["status"] != "cancelling" for batch in provider.batches)
    rebuild(cancel_doubles=True)
    assert [batch["id"] for batch in provider.batches if batch["status"] == "cancelling"] == [twin["id"]]


def test_an_announced_creation_stays_announced(
    provider: FakeProvider, submit: Submit, rebuild: Rebuild, shards: list[Artifact], folder: Path
) -> None:
    provider.batch_faults.append("lost")
    with pytest.raises(BatchError):
        submit(shards[0])
    path = folder / "ledger.jsonl"
    path.write_bytes(path.read_bytes() + b"damage\n")
    provider.n_hidden_lists = 3
    assert rebuild().matched == ()
    assert [row.state for row in read_ledger(folder).rows] == ["intent"]
    provider.n_hidden_lists = 0
    submit(shards[0])
    assert len(provider.batches) == 1


def test_without_a_header_only_batches_that_the_provider_has_are_believed(
    provider: FakeProvider, submit: Submit, rebuild: Rebuild, shards: list[Artifact], folder: Path
) -> None:
    submitted = submit(shards[0])
    path = folder / "ledger.jsonl"
    key = submission_key(shards[1])
    record = {"kind": "batch", "key": key, "time": 1.0, "batch_id": "batch_elsewhere", "submitted_at": 1.0}
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([b"?\n", *lines[1:], orjson.dumps(record) + b"\n"]))
    rebuilt = rebuild()
    assert (rebuilt.known, rebuilt.unverified) == ((submitted.batch_id,), ("batch_elsewhere",))
    assert {row.batch_id for row in read_ledger(folder).rows} == {submitted.batch_id}


def test_a_run_that_works_on_the_ledger_is_left_in_peace(
    client: BatchClient, submit: Submit, shards: list[Artifact], folder: Path
) -> None:
    submit(shards[0])
    with (
        open_ledger(folder / "ledger.jsonl", client.identity),
        pytest.raises(LedgerError, match="locked by another run"),
    ):
        rebuild_ledger(client, folder, lock_timeout=0.0)


@pytest.mark.parametrize(
    "head", [b'{"version":1,"identity":"fake:another"}', b'{"version":2,"identity":"fake:project"}']
)
def test_a_ledger_of_another_project_or_version_is_left_as_it_is(
    head: bytes, submit: Submit, rebuild: Rebuild, shards: list[Artifact], folder: Path
) -> None:
    submit(shards[0])
    path = folder / "ledger.jsonl"
    path.write_bytes(head + b"\n" + path.read_bytes().split(b"\n", 1)[1] + b"damage\n")
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=r"belongs to|version 1, found 2"):
        rebuild()
    assert path.read_bytes() == before


def test_a_provider_out_of_reach_changes_nothing(
    submit: Submit, shards: list[Artifact], folder: Path, free_base_url: str
) -> None:
    submit(shards[0])
    path = folder / "ledger.jsonl"
    path.write_bytes(path.read_bytes() + b"damage\n")
    before = path.read_bytes()
    with (
        BatchClient(free_base_url, "sk-test", "fake:project", timeout=2, read_retries=0) as client,
        pytest.raises(ProviderError, match="No answer"),
    ):
        rebuild_ledger(client, folder)
    assert path.read_bytes() == before
    assert not list(folder.glob("*.bak-*"))


def test_a_batch_that_is_no_shards_of_this_folder_is_refused_by_name(
    provider: FakeProvider, submit: Submit, rebuild: Rebuild, shards: list[Artifact]
) -> None:
    submit(shards[0])
    stranger = provider.create_batch({"endpoint": ENDPOINT, "input_file_id": "f-9", "completion_window": "24h"})
    with pytest.raises(BatchError, match=rf"{stranger['id']}.*'f-9'.*Nothing was changed"):
        rebuild(batch_ids=[str(stranger["id"])])


def test_where_no_metadata_is_kept_batches_are_known_by_their_files(
    provider: FakeProvider, submit: Submit, rebuild: Rebuild, shards: list[Artifact], folder: Path
) -> None:
    provider.keeps_metadata = False
    submitted = [submit(shard) for shard in shards]
    (folder / "ledger.jsonl").unlink()
    assert {found.batch_id for found in rebuild().matched} == {one.batch_id for one in submitted}


def test_a_folder_without_ledger_and_batches_gets_none(rebuild: Rebuild, shards: list[Artifact], folder: Path) -> None:
    assert rebuild().matched == ()
    assert not (folder / "ledger.jsonl").exists()


def test_request_files_are_told_from_others(shards: list[Artifact], folder: Path) -> None:
    write_jsonl(folder / "dataset.jsonl", [{"messages": []}])
    write_jsonl(folder / ".hidden.jsonl", [make_request("h")])
    (folder / "empty.jsonl").touch()
    (folder / "odd.jsonl").write_bytes(b"\xff\xfe\n[1]\n")
    (folder / "folder.jsonl").mkdir()
    assert find_request_files(folder) == {shard.sha256[:40]: Path(shard.path) for shard in shards}


def test_a_folder_below_a_file_is_an_error(client: BatchClient, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        rebuild_ledger(client, tmp_path / "file" / "ledger.jsonl")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.lists(st.tuples(st.integers(50, 1_200), st.binary(max_size=6), st.integers(0, 300)), max_size=3))
def test_however_a_ledger_is_damaged_rebuilding_brings_every_batch_back(
    damage: list[tuple[int, bytes, int]], client: BatchClient, provider: FakeProvider, tmp_path: Path
) -> None:
    folder = tmp_path / "fuzzed"
    path = folder / "ledger.jsonl"
    shard = write_jsonl(folder / "batch_input.jsonl", [make_request("a")])
    path.unlink(missing_ok=True)
    batch_id = submit_once(client, path, shard, endpoint=ENDPOINT).batch_id
    for place, inserted, n_removed in damage:
        content = path.read_bytes()
        path.write_bytes(content[:place] + inserted + content[place + n_removed :])
    rebuild_ledger(client, folder)
    n_before = n_creations(provider)
    found = submit_once(client, path, shard, endpoint=ENDPOINT, sleep=lambda _: None).batch_id
    assert found == batch_id or b"batch_" in path.read_bytes(), "an id that was altered is an id all the same"
    assert n_creations(provider) == n_before
