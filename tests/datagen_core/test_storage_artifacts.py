from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from pydantic import BaseModel, ConfigDict
from s3_server import S3Server

from datagen_core.batch.models import Shard, Submitted
from datagen_core.errors import FolderInUseError, InputFileError, LeaseLostError, StorageError
from datagen_core.files import Artifact, describe
from datagen_core.storage import fetch, is_intact, localize, mirror_path, publishing, relocate


class Pair(NamedTuple):
    first: Artifact
    second: Artifact | None


class Judged(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: Artifact
    shards: list[Shard]
    pair: Pair
    named: dict[str, Artifact]
    maybe: Artifact | None = None
    note: str = "memory://data/run/a"


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DATAGEN_SCRATCH_DIR", str(tmp_path / "scratch"))
    MemoryFileSystem.store.clear()
    yield
    MemoryFileSystem.store.clear()


def _make(location: str, content: bytes = b"1\n") -> Artifact:
    folder, _, name = location.rpartition("/")
    with publishing(folder) as here:
        (here / name).write_bytes(content)
    return describe(here / name, 1)


def _list_paths(value: object) -> list[str]:
    assert isinstance(value, Judged)
    found = [value.dataset, *value.shards, value.pair.first, *value.named.values()]
    return [artifact.path for artifact in found]


def test_every_artifact_in_a_value_is_named_by_url_outside_and_by_path_inside(tmp_path: Path) -> None:
    urls = [f"memory://data/run/{name} #한" for name in "abcd"]
    dataset, shard, first, named = (_make(url) for url in urls)
    (tmp_path / "local").write_bytes(b"1\n")
    local = describe(tmp_path / "local", 1)
    shards = [Shard(**shard.model_dump(), prompt_tokens=3)]
    judged = Judged(dataset=dataset, shards=shards, pair=Pair(first, None), named={"x": named, "y": local})
    relocated = relocate(judged)
    assert _list_paths(relocated) == [*urls, str(tmp_path / "local")]
    assert type(relocated.shards[0]) is Shard
    assert relocated.shards[0].prompt_tokens == 3
    assert isinstance(relocated.pair, Pair)
    assert relocated.model_copy() == Judged.model_validate(relocated.model_dump())
    assert localize(relocated) == judged
    assert relocate(relocated) == relocated
    assert _list_paths(judged)[0] == dataset.path


@pytest.mark.parametrize("value", [None, 3, "memory://data/run/a", [], (), {"a": None}, {1, 2}])
def test_a_value_without_artifacts_stays(value: object) -> None:
    assert relocate(value) == value
    assert localize(value) == value


def test_a_submission_holds_its_shard_by_url() -> None:
    shard = Shard(**_make("memory://data/run/shard.jsonl").model_dump())
    submitted = Submitted(key="k.0", batch_id="b", input_file_id="f", shard=shard, submitted_at=0.0)
    assert relocate([submitted])[0].shard.path == "memory://data/run/shard.jsonl"
    assert localize(relocate((submitted,))) == (submitted,)


def test_an_artifact_of_other_bytes_is_not_localized() -> None:
    artifact = relocate(_make("memory://data/run/a"))
    _make("memory://data/run/a", b"2\n")
    with pytest.raises(StorageError, match="memory://data/run/a: holds something else"):
        localize([artifact])


def test_an_artifact_is_intact_while_the_store_holds_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local, artifact = _make("memory://data/run/a"), relocate(_make("memory://data/run/a"))
    folder = describe(mirror_path("memory://data/run"), 1).model_copy(update={"path": "memory://data/run"})
    assert is_intact(local)
    assert is_intact(artifact)
    assert is_intact(folder)
    monkeypatch.setenv("DATAGEN_SCRATCH_DIR", str(tmp_path / "other"))
    assert is_intact(artifact)
    assert is_intact(folder)
    _make("memory://data/run/b")
    assert is_intact(artifact)
    assert not is_intact(folder)
    _make("memory://data/run/a", b"2\n")
    assert not is_intact(artifact)
    monkeypatch.setenv("DATAGEN_SCRATCH_DIR", str(tmp_path / "scratch"))
    assert not is_intact(artifact)
    MemoryFileSystem.store.clear()
    assert not is_intact(artifact)
    assert not is_intact(folder)
    assert is_intact(local) is Path(local.path).exists()


def test_a_file_whose_version_is_known_is_not_downloaded_to_see_that_it_is_intact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with S3Server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        server.make_bucket("data")
        artifact = relocate(_make("s3://data/run/a"))
        assert is_intact(artifact)
        assert server.n_requests("GET", "run/a") == 0
        monkeypatch.setenv("DATAGEN_SCRATCH_DIR", str(tmp_path / "other"))
        assert is_intact(artifact)
        assert server.n_requests("GET", "run/a") == 1
        mirror_path(artifact.path).unlink()
        assert is_intact(artifact)
        assert server.n_requests("GET", "run/a") == 1
        assert fetch(artifact.path).read_bytes() == b"1\n"
        server.write("data", "run/a", b"2\n")
        assert not is_intact(artifact)
        server.client.delete_object(Bucket="data", Key="run/a")
        assert not is_intact(artifact)


@pytest.mark.parametrize(
    "error",
    [
        StorageError("s3://data/run", "is away.", advice="Wait."),
        LeaseLostError("s3://data/run", "it was removed"),
        FolderInUseError("s3://data/run", holder="datagen gold"),
        InputFileError("a.jsonl", "is torn.", advice="Mend it.", line=3),
    ],
)
def test_an_error_travels_from_a_worker_as_it_is(error: Exception) -> None:
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)
