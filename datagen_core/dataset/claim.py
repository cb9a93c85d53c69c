"""Decides which run a folder belongs to, so that no run writes over answers that another one has paid for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from datagen_core.batch.sharding import has_submitted
from datagen_core.errors import ConfigError
from datagen_core.files import read_json, write_json

CLAIM_NAME: Final = "run.json"


def claim_folder(folder: Path, facts: Mapping[str, str | int | float | None], *, ledger: Path) -> None:
    """Write what decides the run's requests into `run.json`, or hold it against what stands there.

    A run that has submitted nothing yet, by its ledger, is written over.

    Raises:
        ConfigError: the folder holds a run that was asked for otherwise; names each difference.
        InputFileError: `run.json` is damaged.
        OutputError: the folder cannot be written.
    """
    path = folder / CLAIM_NAME
    if not path.exists() or not has_submitted(ledger):
        write_json(path, dict(facts))
        return
    known = read_json(path, advice="Choose another --output-dir, or move this folder away.")
    before = cast("dict[str, object]", known) if isinstance(known, dict) else {}
    changed = [f"{name} {before.get(name)} (now {value})" for name, value in facts.items() if before.get(name) != value]
    if changed:
        raise ConfigError(
            f"{folder} holds a run with {', '.join(changed)}. Another run in it would write over its answers. "
            "Choose another --output-dir, or move the folder away."
        )
