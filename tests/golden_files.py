"""Compares what tests make with files that a person can read, and writes these anew on request."""

from __future__ import annotations

from pathlib import Path

import pytest


class Golden:
    """Compares text or bytes with a file under `tests/golden`, byte for byte, or writes it with `--update-golden`."""

    def __init__(self, folder: Path, *, is_updating: bool) -> None:
        self.folder = folder
        self.is_updating = is_updating

    def path(self, name: str) -> Path:
        return self.folder / name

    def read_text(self, name: str) -> str:
        """Return a golden file, or an input file that stands beside them, with its line ends as they are."""
        return self.path(name).read_bytes().decode()

    def __call__(self, name: str, actual: str | bytes) -> None:
        """Fail unless `actual` equals the file; a text is compared as text, so that the difference can be read."""
        path = self.path(name)
        if self.is_updating:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(actual.encode() if isinstance(actual, str) else actual)
            return
        if not path.exists():
            pytest.fail(f"No golden file {name}. Run pytest --update-golden once, read what it wrote, and commit it.")
        expected = path.read_bytes()
        if isinstance(actual, str):
            assert actual == expected.decode(), f"{name} differs; if that is meant, run pytest --update-golden."
        else:
            assert actual == expected, f"{name} differs; if that is meant, run pytest --update-golden."
