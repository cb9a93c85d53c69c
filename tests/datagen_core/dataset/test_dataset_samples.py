from __future__ import annotations

from pathlib import Path

import pytest
from dataset_rows import make_record, write_records

from datagen_core.dataset import render_samples
from datagen_core.dialogue.qwen import QWEN_TEMPLATES, QwenTemplate, render_qwen
from datagen_core.errors import ConfigError, InputFileError, OutputError
from datagen_core.files import write_jsonl


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("template", QWEN_TEMPLATES)
def test_each_record_becomes_its_training_text(tmp_path: Path, template: QwenTemplate) -> None:
    artifact = render_samples(write_records(tmp_path / "a.jsonl", 1, 2), tmp_path / "samples", template)
    assert names(tmp_path / "samples") == ["sample_0001.txt", "sample_0002.txt"]
    for number in (1, 2):
        written = (tmp_path / "samples" / f"sample_{number:04d}.txt").read_bytes()
        assert written == render_qwen(make_record(number), template).encode()
    assert artifact.rows == 2
    assert artifact.is_intact()
    assert names(tmp_path) == ["a.jsonl", "samples"]


def test_files_of_a_longer_run_do_not_stay(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    render_samples(write_records(tmp_path / "a.jsonl", 1, 2, 3), folder, "qwen3")
    render_samples(write_records(tmp_path / "a.jsonl", 3), folder, "qwen3")
    assert names(folder) == ["sample_0001.txt"]


def test_an_empty_dataset_gives_an_empty_folder(tmp_path: Path) -> None:
    artifact = render_samples(write_records(tmp_path / "a.jsonl"), tmp_path / "samples", "qwen3")
    assert (artifact.rows, names(tmp_path / "samples")) == (0, [])


@pytest.mark.slow
def test_many_records_get_more_digits(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    short = make_record(0) | {"messages": [{"role": "user", "content": "안녕"}]}
    write_jsonl(path, (short for _ in range(10_000)))
    render_samples(path, tmp_path / "samples", "qwen3")
    listed = names(tmp_path / "samples")
    assert (listed[0], listed[-1]) == ("sample_00001.txt", "sample_10000.txt")
    render_samples(write_records(path, 1), tmp_path / "samples", "qwen3")
    assert names(tmp_path / "samples") == ["sample_0001.txt"]


@pytest.mark.parametrize("name", ["notes.txt", "sample_1.txt", "sample_0001.txt.bak"])
def test_a_foreign_file_is_never_deleted(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    (folder / name).write_text("mine")
    with pytest.raises(ConfigError, match=name):
        render_samples(write_records(tmp_path / "a.jsonl", 1), folder, "qwen3")
    assert (folder / name).read_text() == "mine"


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "samples").write_text("mine")
    with pytest.raises(ConfigError, match="no folder"):
        render_samples(write_records(tmp_path / "a.jsonl", 1), tmp_path / "samples", "qwen3")


def test_a_bad_line_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    path, folder = write_records(tmp_path / "a.jsonl", 1, 2), tmp_path / "samples"
    before = render_samples(path, folder, "qwen3")
    path.write_bytes(path.read_bytes() + b'{"uid": "x"}\n')
    with pytest.raises(InputFileError, match="line 3"):
        render_samples(path, folder, "qwen3")
    assert before.is_intact()
    assert names(tmp_path) == ["a.jsonl", "samples"]


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        render_samples(write_records(tmp_path / "a.jsonl", 1), tmp_path / "file" / "samples", "qwen3")
