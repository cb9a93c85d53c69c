from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.errors import ConfigError
from datagen_core.storage import check_location, fetch, is_remote, join_location, location_of, mirror_path, publishing
from datagen_core.storage.locations import is_shared

CHARACTERS = st.characters(min_codepoint=32, exclude_characters="/\x7f", exclude_categories=["Cs"])
NAMES = st.text(CHARACTERS, min_size=1).filter(
    lambda name: name not in {".", ".."} and "::" not in name and "?versionId=" not in name
)


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATAGEN_SCRATCH_DIR", str(tmp_path / "scratch"))
    return tmp_path / "scratch"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("s3://bucket/run", True),
        ("memory://run", True),
        ("file:///tmp/run", True),
        ("simplecache::s3://bucket/run", True),
        ("output/run", False),
        ("/output/run", False),
        ("./s3://bucket", False),
        ("s3:/bucket", False),
        ("C:/run", False),
        ("", False),
    ],
)
def test_a_location_is_remote_if_it_begins_with_a_scheme(location: str, expected: bool) -> None:
    assert is_remote(location) is expected


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ("s3://bucket/a/../../b", r"has '\.\.' in it"),
        ("s3://bucket/./b", r"has '\.' in it"),
        ("s3://bucket//b", "empty name"),
        ("s3://", "empty name"),
        ("s3:///run", "empty name"),
        ("s3://bucket/a::b", "misread"),
        ("s3://bucket/a?versionId=3", "misread"),
        ("s3://bucket/a\nb", "character"),
        ("s3://bucket/a\udc80", "character"),
        ("nowhere://bucket/run", "no store is known by nowhere://"),
        ("simplecache::s3://bucket/run", "no store is known"),
        ("file://tmp/run", "not absolute"),
        ("s3:/bucket/run", "lost a slash. Write s3://"),
        ("gs://bucket/run", "package that is not installed .*gcsfs"),
    ],
)
def test_a_location_that_cannot_be_used_is_refused_with_the_reason(location: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        check_location(location)
    with pytest.raises(ConfigError, match=problem):
        mirror_path(location)
    with pytest.raises(ConfigError, match=problem):
        fetch(location)
    with pytest.raises(ConfigError, match=problem), publishing(location):
        pytest.fail("a place that cannot be used was given")


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="carries a password") as caught:
        check_location("sftp://kim:geheim@host/run")
    assert "geheim" not in str(caught.value)


def test_without_s3fs_the_command_that_installs_it_is_told() -> None:
    code = (
        "import sys; sys.modules['s3fs'] = None\n"
        "from datagen_core.errors import ConfigError\n"
        "from datagen_core.storage import fetch\n"
        "try: fetch('s3://bucket/run')\n"
        "except ConfigError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'s3://bucket/run' needs a package that is not installed" in done.stdout
    assert "\"pip install 'datagen[s3]'\"" in done.stdout


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("s3://bucket/run/", "s3://bucket/run"),
        ("s3://bucket", "s3://bucket"),
        ("memory:///run", "memory://run"),
        ("file:///tmp/run", "file:///tmp/run"),
        ("s3://bucket/한국어 a#b?c%20d[1]*", "s3://bucket/한국어 a#b?c%20d[1]*"),
        ("../output", "../output"),
    ],
)
def test_a_location_has_one_spelling(location: str, expected: str) -> None:
    assert check_location(location) == expected


@given(names=st.lists(NAMES, min_size=1, max_size=4), scheme=st.sampled_from(["s3://", "memory://", "file:///"]))
def test_a_mirror_stands_below_scratch_and_leads_back_to_its_url(names: list[str], scheme: str) -> None:
    url = scheme + "/".join(names)
    mirror = mirror_path(url)
    scratch = Path(os.environ["DATAGEN_SCRATCH_DIR"])
    assert mirror.relative_to(scratch / scheme.partition(":")[0]).parts == tuple(names)
    assert location_of(mirror) == url
    assert join_location(scheme + names[0], *names[1:]) == url


def test_only_what_stands_below_scratch_has_a_url(scratch: Path, tmp_path: Path) -> None:
    assert location_of(tmp_path / "run") == str(tmp_path / "run")
    assert location_of(Path("run")) == "run"
    assert location_of(scratch) == str(scratch)
    assert location_of(scratch / "known.sqlite3") == str(scratch / "known.sqlite3")
    assert location_of(scratch / "s3" / ".." / ".." / "run") == str(scratch / "s3" / ".." / ".." / "run")
    assert location_of(scratch / "s3" / "bucket" / "x" / ".." / "run") == "s3://bucket/run"


def test_a_mirror_is_known_by_its_real_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setenv("DATAGEN_SCRATCH_DIR", str(tmp_path / "link"))
    assert location_of(tmp_path / "real" / "s3" / "bucket" / "run") == "s3://bucket/run"
    assert location_of(mirror_path("s3://bucket/run")) == "s3://bucket/run"


def test_a_name_joined_to_a_url_cannot_leave_it() -> None:
    assert join_location("s3://bucket/run", "rounds/1", "a#b") == "s3://bucket/run/rounds/1/a#b"
    assert join_location("out", "rounds", "1") == str(Path("out/rounds/1"))
    for name in ("..", "a/../../b", "/etc"):
        with pytest.raises(ConfigError):
            join_location("s3://bucket/run", name)


def test_without_a_named_scratch_folder_it_is_this_users_own_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATAGEN_SCRATCH_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with publishing("memory://own/run") as folder:
        (folder / "a").write_bytes(b"1")
    scratch = tmp_path / f"datagen-scratch-{os.getuid()}"
    assert folder == scratch / "memory" / "own" / "run"
    assert scratch.stat().st_mode & 0o777 == 0o700
    scratch.chmod(0o777)
    with pytest.raises(ConfigError, match="not a folder of yours alone"):
        fetch("memory://own/run")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dataset.jsonl", True),
        ("samples/sample_0001.txt", True),
        ("ledger.jsonl", True),
        (".datagen.json", True),
        ("a.tmp", True),
        (".dataset.jsonl.k3j_x9aa.tmp", False),
        (".samples.k3j_x9aa.tmp/fresh/sample_0001.txt", False),
        (".result_lst.json.download-k3jx9/output.jsonl", False),
        (".push.abc/shard.parquet", False),
        (".lock", False),
        ("rounds/1/.lock.json", False),
        ("ledger.jsonl.lock", False),
        (".simulator/state.sqlite3", False),
        (".local/batches/1.json", False),
        (".results/abc", False),
        (".lease.json", False),
    ],
)
def test_locks_and_half_written_files_are_not_shared(name: str, expected: bool) -> None:
    assert is_shared(name) is expected
