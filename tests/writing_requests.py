"""Writes request files for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from datagen_core.batch.requests import RequestOptions, build_request
from datagen_core.files import Artifact, write_jsonl
from datagen_core.scenarios import Scenario


def write_requests(
    path: Path,
    scenarios: Iterable[Scenario],
    options: RequestOptions,
    *,
    round_number: int = 1,
    problems: Mapping[str, Sequence[str]] | None = None,
) -> Artifact:
    """Write a batch input file; `problems` holds, by scenario id, what was wrong with the last attempt."""
    known = problems or {}
    return write_jsonl(
        path,
        (
            build_request(scenario, options, round_number=round_number, problems=known.get(scenario.id, ()))
            for scenario in scenarios
        ),
    )
