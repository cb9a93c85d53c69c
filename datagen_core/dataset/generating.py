"""Decides what the first step writes: the scenarios, and the batch input file that asks for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson
from pydantic import BaseModel, ConfigDict

from datagen_core.batch.requests import RequestOptions, build_request
from datagen_core.dataset.lookup import iter_answers
from datagen_core.files import Artifact, describe_written, replace_file
from datagen_core.mixing import DEFAULT_SAMPLING, Sampling
from datagen_core.scenarios import Profile, sample_scenarios

REQUESTS_NAME: Final[dict[Profile, str]] = {"training": "batch_input.jsonl", "gold": "gold_batch_input.jsonl"}
SCENARIOS_NAME: Final[dict[Profile, str]] = {"training": "scenarios.jsonl", "gold": "gold_scenarios.jsonl"}
STATUS_NAME: Final[dict[Profile, str]] = {
    "training": "batch_input_status.json",
    "gold": "gold_batch_input_status.json",
}


class GeneratedFiles(BaseModel):
    """What generating wrote."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenarios: Artifact
    requests: Artifact


def generate_files(
    profile: Profile,
    count: int,
    requests: Path,
    options: RequestOptions,
    *,
    seed: int,
    sampling: Sampling = DEFAULT_SAMPLING,
    advance: Callable[[int], None] | None = None,
) -> GeneratedFiles:
    """Sample scenarios and write them beside the requests. Same arguments, same bytes, in any process.

    For gold, `count` is per category and `sampling` has no say. `advance` is called with 1 after each scenario.
    """
    path, n_scenarios = requests.parent / SCENARIOS_NAME[profile], 0
    # The scenarios come to stand first: requests without them could not be judged.
    with replace_file(requests) as asked, replace_file(path) as drawn:
        for scenario in sample_scenarios(profile, count, seed=seed, sampling=sampling):
            drawn.write(orjson.dumps(scenario.model_dump(mode="json"), option=orjson.OPT_APPEND_NEWLINE))
            asked.write(orjson.dumps(build_request(scenario, options), option=orjson.OPT_APPEND_NEWLINE))
            n_scenarios += 1
            if advance is not None:
                advance(1)
    return GeneratedFiles(
        scenarios=describe_written(path, drawn, n_scenarios), requests=describe_written(requests, asked, n_scenarios)
    )


def find_scenarios(results: Path) -> Path | None:
    """Return the scenario file beside a result file that its answers belong to, by the first answer's id; None if gone.

    Raises:
        InputFileError: the result file is missing or damaged.
    """
    for _, answer in iter_answers(results):
        profile = str(answer["custom_id"]).partition("-")[0]
        names = (name for known, name in SCENARIOS_NAME.items() if known == profile)
        return next((path for name in names if (path := results.parent / name).is_file()), None)
    return next((path for name in SCENARIOS_NAME.values() if (path := results.parent / name).is_file()), None)
