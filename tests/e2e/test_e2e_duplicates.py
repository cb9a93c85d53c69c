"""A run that repeats what is published, or gold, asks again in other words, and ends with as many as were wanted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.testing.utilities import prefect_test_harness
from running_flows import training

from datagen_core.dataset.validating import validate_file
from datagen_core.errors import InputFileError
from datagen_core.files import read_jsonl, write_jsonl
from flows.parameters import TrainingParameters

pytestmark = pytest.mark.slow

COUNT = 8


@pytest.fixture(scope="module", autouse=True)
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    home = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as patch, prefect_test_harness(server_startup_timeout=180):
        patch.setenv("PREFECT_LOCAL_STORAGE_PATH", str(home / "storage"))
        patch.setenv("DATAGEN_PROVIDER", "simulator")
        patch.delenv("OPENAI_API_KEY", raising=False)
        yield


def _run(folder: Path, **more: Any) -> TrainingParameters:
    return TrainingParameters(count=COUNT, mistakes=0, poll_interval=0.2, output_dir=folder, **more)


def test_what_is_published_or_gold_is_told_in_other_words(tmp_path: Path) -> None:
    training(_run(tmp_path / "first"))
    rows = (row for _, row in read_jsonl(tmp_path / "first" / "dataset.jsonl", advice=""))
    # The same dialogues as another run's: under their own ids they would be themselves.
    other = [{**row, "meta": {"scenario_id": f"other-{number}"}} for number, row in enumerate(rows)]
    write_jsonl(tmp_path / "other" / "dataset.jsonl", other)
    for name, rule in (("published", "U01"), ("gold_path", "U03")):
        given: dict[str, Any] = {name: [tmp_path / "other"] if name == "published" else tmp_path / "other"}
        parameters = _run(tmp_path / name, **given)
        funnel = training(parameters).funnel
        assert (funnel.total.accepted, funnel.missing) == (COUNT, 0)
        assert funnel.rounds[1].rejected == COUNT
        assert funnel.rules[rule] >= COUNT
        against = {"published": [tmp_path / "other"]} if name == "published" else {"gold": tmp_path / "other"}
        report = validate_file(tmp_path / name, **against)  # type: ignore[arg-type]
        assert (report.n_rows, report.n_sound) == (COUNT, COUNT)
        assert training(parameters).funnel == funnel


def test_a_dataset_that_is_not_there_is_said_before_anything_is_written(tmp_path: Path) -> None:
    for given in ({"published": [tmp_path / "none"]}, {"gold_path": tmp_path / "none"}):
        with pytest.raises(InputFileError, match="none: is not there"):
            training(_run(tmp_path / "run", **given))
    assert not (tmp_path / "run").exists()
