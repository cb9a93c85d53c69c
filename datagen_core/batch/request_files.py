"""Decides which files of a run's folder are request files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from datagen_core.batch.ledger import LEDGER_NAME
from datagen_core.batch.records import parse_object
from datagen_core.files import fingerprint

_PLACES: Final = ("*.jsonl", "shards/*.jsonl", "rounds/*/*.jsonl", "rounds/*/shards/*.jsonl")


def find_request_files(folder: Path) -> dict[str, Path]:
    """Return the request files of a run's folder, its rounds and shards, by the 40 hex digits of their bytes."""
    files: dict[str, Path] = {}
    for place in _PLACES:
        for path in sorted(folder.glob(place)):
            if not path.name.startswith((".", LEDGER_NAME)) and _is_request_file(path):
                files.setdefault(fingerprint(path)[:40], path)
    return files


def _is_request_file(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        first = parse_object(stream.readline())
    return isinstance(first.get("custom_id"), str) and isinstance(first.get("body"), dict)
