"""Files: whole or not at all, streamed, and errors that name line and column."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.errors import InputFileError
from datagen_core.files import (
    Artifact,
    describe,
    fingerprint,
    index_jsonl,
    iter_json_array,
    read_json,
    read_jsonl,
    read_jsonl_at,
    write_json_array,
    write_jsonl,
)

_JSON = st.none() | st.booleans() | st.text(st.characters(exclude_categories=["Cs"])) | st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5), st.integers(-(2**60), 2**60), max_size=3
)  # fmt: skip


@given(elements=st.lists(_JSON, max_size=6))
def test_array_reads_back_however_it_is_laid_out(
    tmp_path_factory: pytest.TempPathFactory, elements: list[object]
) -> None:
    path = tmp_path_factory.mktemp("array") / "a.json"
    write_json_array(path, elements)
    assert [element for _, element in iter_json_array(path, advice="")] == elements
    for option in (0, orjson.OPT_INDENT_2):
        path.write_bytes(orjson.dumps(elements, option=option))
        assert [element for _, element in iter_json_array(path, advice="")] == elements


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"a": 1}\n{"a": \n', r"line 2, column \d+: is not valid JSON.*Do this"),
        ('{"a": 1}\n\n[1]\n', r"line 3, column 1: expected a JSON object, found list. Do this"),
        ('{"a": "\udcff"}\n', r"line 1"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, content: str, expected: str) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputFileError, match=expected):
        list(read_jsonl(path, advice="Do this."))


def test_a_cut_off_array_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json_array(path, [{"a": 1}, {"b": 2}])
    path.write_bytes(path.read_bytes().removesuffix(b"]\n"))
    with pytest.raises(InputFileError, match="cut off"):
        list(iter_json_array(path, advice=""))


def test_a_missing_file_and_an_object_for_an_array_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="cannot be read"):
        list(iter_json_array(tmp_path / "none.json", advice=""))
    with pytest.raises(InputFileError, match="cannot be read"):
        read_json(tmp_path / "none.json", advice="")
    (tmp_path / "o.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputFileError, match="expected a JSON array, found dict"):
        list(iter_json_array(tmp_path / "o.json", advice=""))


def test_an_artifact_knows_whether_it_is_intact(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    artifact = write_jsonl(path, [{"a": 1}, {"a": 2}])
    assert artifact == Artifact(path=str(path), sha256=fingerprint(path), rows=2, bytes=16)
    assert artifact.is_intact()
    path.write_text("other", encoding="utf-8")
    assert not artifact.is_intact()
    path.unlink()
    assert not artifact.is_intact()


def test_a_folder_s_fingerprint_sees_names_and_contents(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a").write_text("1", encoding="utf-8")
    before = describe(folder, 1)
    (folder / "a").rename(folder / "b")
    assert not before.is_intact()


def test_lines_are_read_by_the_text_of_a_field(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text('{"id": "가", "n": 1}\n\n{"id": 3}\n{"id": "b", "n": 2}\n{"id": "가", "n": 3}', encoding="utf-8")
    places = index_jsonl(path, "id", advice="")
    assert {name: read_jsonl_at(path, place, advice="")["n"] for name, place in places.items()} == {"가": 1, "b": 2}
    with pytest.raises(InputFileError, match="byte 3"):
        read_jsonl_at(path, 3, advice="")
    path.write_text("{}\n[1]\n", encoding="utf-8")
    with pytest.raises(InputFileError, match="line 2, column 1: expected a JSON object"):
        index_jsonl(path, "id", advice="")
    with pytest.raises(InputFileError, match="byte 3"):
        read_jsonl_at(path, 3, advice="")
    with pytest.raises(InputFileError, match="cannot be read"):
        read_jsonl_at(tmp_path / "none", 0, advice="")
