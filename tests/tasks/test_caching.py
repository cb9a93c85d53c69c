"""Cache keys: a stage's contents, parameters and folder decide; the names of its input files do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from prefect.context import TaskRunContext

from datagen_core.batch.models import Submitted
from datagen_core.batch.requests import RequestOptions
from datagen_core.files import Artifact
from datagen_core.providers import ProviderChoice
from tasks.caching import stage_cache

ONE = Artifact(path="a/one.jsonl", sha256="1" * 64, rows=1, bytes=1)
MOVED = ONE.model_copy(update={"path": "b/two.jsonl"})
OTHER = ONE.model_copy(update={"sha256": "2" * 64})


def key(stage: str = "stage", version: int = 1, **inputs: object) -> str:
    found = stage_cache(stage, version).compute_key(cast("TaskRunContext", None), cast("dict[str, Any]", inputs), {})
    assert found is not None
    return found


def _submitted(shard: Artifact, batch_id: str = "b", submitted_at: float = 0.0) -> Submitted:
    return Submitted(key="k.0", batch_id=batch_id, input_file_id="f", shard=shard, submitted_at=submitted_at)


def test_content_decides_not_the_path() -> None:
    assert key(requests=ONE) == key(requests=MOVED) != key(requests=OTHER)
    assert key(files=[ONE, OTHER]) != key(files=[OTHER, ONE])


def test_stage_and_version_are_part_of_the_key() -> None:
    assert len({key("a", x=1), key("b", x=1), key("a", 2, x=1)}) == 3


def test_where_to_write_is_too_so_that_a_copied_run_does_not_point_back() -> None:
    assert key(x=1, folder=Path("a")) == key(x=1, folder=Path("a").absolute()) != key(x=1, folder=Path("b"))


def test_a_key_is_one_file_name() -> None:
    assert "/" not in key("a", x="/", folder=Path("/a/b"))


@pytest.mark.parametrize("changed", [{"model": "other"}, {"endpoint": "/v1/responses"}, {"max_output_tokens": 1}])
def test_parameters_are(changed: dict[str, Any]) -> None:
    options = RequestOptions("m")
    assert key(options=options) != key(options=options._replace(**changed))


def test_a_submission_is_its_batch() -> None:
    assert key(s=_submitted(ONE)) == key(s=_submitted(MOVED, submitted_at=9.0)) != key(s=_submitted(ONE, "c"))


def test_a_provider_is_its_name_and_only_the_simulator_its_mistakes() -> None:
    simulator = ProviderChoice(provider="simulator", state_dir="a", mistakes=0.1)
    openai = ProviderChoice(provider="openai", state_dir="a", mistakes=0.1)
    moved, other = {"state_dir": "b", "pace_seconds": 9.0}, {"mistakes": 0.2}
    assert key(c=openai) != key(c=openai.model_copy(update={"base_url": "https://elsewhere.example/v1"}))
    assert key(c=simulator) != key(c=openai)
    assert key(c=simulator) == key(c=simulator.model_copy(update=moved)) != key(c=simulator.model_copy(update=other))
    assert key(c=openai) == key(c=openai.model_copy(update=other))
