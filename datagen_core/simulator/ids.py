"""Decides what files and batches are called: by the seed and a running number, so that like runs have like ids."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

Kind = Literal["file", "batch"]
_PREFIXES: dict[Kind, str] = {"file": "file-", "batch": "batch_"}


def make_id(kind: Kind, seed: int, number: int) -> str:
    """Return the id of the input file or batch that is the `number`-th of its kind in a state folder, from 1."""
    return _PREFIXES[kind] + _digest(f"{kind}:{seed}:{number}")


def make_result_id(batch_id: str, kind: Literal["output", "error"]) -> str:
    """Return the id of one of a batch's two result files."""
    return _PREFIXES["file"] + _digest(f"{kind}:{batch_id}")


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()
