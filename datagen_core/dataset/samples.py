"""Decides how accepted dialogues are laid out for reading: one text file a record, as the model is trained on it."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

from datagen_core.dialogue.qwen import QwenTemplate, render_qwen
from datagen_core.errors import ConfigError, InputFileError, OutputError
from datagen_core.files import Artifact, describe, read_jsonl

_OURS: Final = re.compile(r"sample_\d{4,}\.txt")
_ADVICE: Final = "Make the file again with `datagen`, or correct the line."


def render_samples(dataset: Path, folder: Path, template: QwenTemplate) -> Artifact:
    """Write `sample_0001.txt` … , one a record in the file's order, and return the folder's artifact.

    The numbers have four digits, or as many as the last one needs. The folder is written beside its place and then
    takes it as a whole, so that no file of an earlier, longer run stays.

    Raises:
        ConfigError: the folder holds something that this function did not write; nothing is touched.
        InputFileError: the dataset is missing, or a line is no record.
        OutputError: the folder cannot be written; what stood there before is unchanged.
    """
    _check_is_ours(folder)
    n_rows = sum(1 for _ in read_jsonl(dataset, advice=_ADVICE))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.", suffix=".tmp") as name:
            fresh = Path(name) / "fresh"
            fresh.mkdir()
            _write_files(dataset, fresh, template, width=max(4, len(str(n_rows))))
            _swap(fresh, folder, Path(name) / "before")
    except OSError as error:
        raise OutputError(folder, error.strerror or str(error)) from error
    return describe(folder, n_rows)


def _check_is_ours(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ConfigError(f"{folder} is no folder. Move it away, or choose another folder for the samples.")
    if not folder.exists():
        return
    for child in sorted(folder.iterdir()):
        if not _OURS.fullmatch(child.name) or not child.is_file() or child.is_symlink():
            raise ConfigError(
                f"{folder} holds {child.name!r}, which is no sample, and the folder is replaced as a whole. "
                "Move that file away, or choose another folder for the samples."
            )


def _write_files(dataset: Path, folder: Path, template: QwenTemplate, *, width: int) -> None:
    for number, (line, record) in enumerate(read_jsonl(dataset, advice=_ADVICE), start=1):
        try:
            text = render_qwen(record, template)
        except ValueError as error:
            raise InputFileError(dataset, f"{error}", line=line, advice=_ADVICE) from error
        (folder / f"sample_{number:0{width}}.txt").write_text(text, encoding="utf-8", newline="")


def _swap(fresh: Path, folder: Path, before: Path) -> None:
    """Put `fresh` in the place of `folder`; if that fails, what stood there returns."""
    if not folder.exists():
        fresh.rename(folder)
        return
    folder.rename(before)
    try:
        fresh.rename(folder)
    except OSError:
        before.rename(folder)
        raise
    shutil.rmtree(before)
