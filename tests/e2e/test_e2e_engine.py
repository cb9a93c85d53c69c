"""The flow's side of the batch engine: dripping, caps, substitutes, refusals, and one run a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prefect.testing.utilities import prefect_test_harness
from running_flows import training

from datagen_core.dataset.validating import validate_file
from datagen_core.errors import CostCapError, FolderInUseError, ProviderError
from datagen_core.files import iter_json_array, read_jsonl
from datagen_core.locking import lock_folder
from datagen_core.simulator import Fault, SimulatorServer, SimulatorSettings
from datagen_core.simulator.writer import ScriptWriter
from flows.parameters import TrainingParameters

pytestmark = pytest.mark.slow

Start = Callable[..., SimulatorServer]


@pytest.fixture(scope="module", autouse=True)
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, prefect_test_harness(server_startup_timeout=180):
        patch.setenv("PREFECT_LOCAL_STORAGE_PATH", str(tmp_path_factory.mktemp("storage")))
        yield


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatorServer]:
    """Give a provider in its own right, which the flow reaches as the real one, with a key."""
    settings = SimulatorSettings(pace_seconds=0)
    with SimulatorServer(tmp_path / "provider", ScriptWriter(mistakes=0), settings) as started:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-any")
        monkeypatch.setenv("OPENAI_BASE_URL", started.base_url)
        yield started


def ask(folder: Path, count: int = 12, **changes: object) -> TrainingParameters:
    return TrainingParameters.model_validate(
        {"count": count, "provider": "openai", "poll_interval": 0.1, "output_dir": folder, **changes}
    )


def scripts(folder: Path) -> list[object]:
    return [(row["messages"], row["uid"]) for _, row in read_jsonl(folder / "dataset.jsonl", advice="")]


def created(folder: Path) -> list[str]:
    """Return the names of the batches that the ledger knows of, in order."""
    records = [record for _, record in read_jsonl(folder / "ledger.jsonl", advice="")]
    return [str(record["batch_id"]) for record in records if record.get("kind") == "batch"]


def test_dripping_gives_the_same_dialogues_as_all_at_once(server: SimulatorServer, tmp_path: Path) -> None:
    training(ask(tmp_path / "whole"))
    training(ask(tmp_path / "dripped", max_enqueued_tokens=25_000, max_in_flight=2))
    assert len(created(tmp_path / "whole")) == 1
    assert len(created(tmp_path / "dripped")) > 2
    assert scripts(tmp_path / "dripped") == scripts(tmp_path / "whole")


def test_other_limits_in_the_middle_send_nothing_twice(server: SimulatorServer, tmp_path: Path) -> None:
    server.faults.add(Fault(name="key_revoked", route="batches", skip=2))
    with pytest.raises(ProviderError, match="401"):
        training(ask(tmp_path / "run", max_enqueued_tokens=25_000, max_in_flight=1))
    first = created(tmp_path / "run")
    assert len(first) == 2
    server.faults.clear()
    training(ask(tmp_path / "run"))
    assert created(tmp_path / "run")[:2] == first
    asked = [element for _, element in iter_json_array(tmp_path / "run" / "result_lst.json", advice="")]
    assert len(asked) == 12
    assert validate_file(tmp_path / "run" / "dataset.jsonl").n_sound == 12


def test_a_cap_stops_before_anything_is_sent_and_a_higher_one_goes_on(server: SimulatorServer, tmp_path: Path) -> None:
    with pytest.raises(CostCapError, match=r"Raise --max-cost"):
        training(ask(tmp_path / "run", max_cost=0.001))
    assert not (tmp_path / "run" / "ledger.jsonl").exists() or created(tmp_path / "run") == []
    outcome = training(ask(tmp_path / "run", max_cost=1.0))
    cost = outcome.funnel.cost
    assert cost is not None
    assert cost.total is not None
    assert 0 < cost.total < 1
    assert outcome.funnel.missing == 0


def test_a_cap_that_a_later_round_would_pass_keeps_what_there_is(
    server: SimulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nine answers are cut off: the next round's room is twice as large, and dearer than the cap, which the first keeps.
    server.faults.add(Fault(name="rows_length", amount=9))
    monkeypatch.setenv("DATAGEN_PRICE_INPUT", "0")
    monkeypatch.setenv("DATAGEN_PRICE_OUTPUT", "1")
    outcome = training(ask(tmp_path / "run", max_cost=12 * 8_000 / 1e6))
    assert outcome.shortfall is not None
    assert "--max-cost" in outcome.shortfall
    assert outcome.funnel.total.accepted == 3
    assert len(scripts(tmp_path / "run")) == 3
    assert training(ask(tmp_path / "run", max_cost=5.0)).funnel.missing == 0


def test_what_is_refused_for_good_is_replaced_and_never_sent_again(server: SimulatorServer, tmp_path: Path) -> None:
    server.faults.add(Fault(name="rows_refused", amount=2), Fault(name="rows_400", amount=1))
    outcome = training(ask(tmp_path / "run"))
    assert (outcome.funnel.scenarios, outcome.funnel.missing) == (12, 0)
    ids = [str(row["meta"]["scenario_id"]) for _, row in read_jsonl(tmp_path / "run" / "dataset.jsonl", advice="")]  # type: ignore[index]
    replaced = [one for one in ids if one.endswith("-s1")]
    assert len(replaced) in (2, 3)
    assert [one.removesuffix("-s1") for one in ids] == [f"training-42-{index:06d}" for index in range(12)]
    assert outcome.funnel.classes["final"] == len(replaced)


def test_a_provider_that_refuses_every_request_is_not_asked_again(server: SimulatorServer, tmp_path: Path) -> None:
    server.faults.add(Fault(name="rows_400", amount=1.0, times=None))
    with pytest.raises(ProviderError, match=r"refused each of the 12 requests for good.*400"):
        training(ask(tmp_path / "run"))
    assert len(created(tmp_path / "run")) == 1


def test_the_second_run_on_a_folder_stops_and_names_the_first(server: SimulatorServer, tmp_path: Path) -> None:
    with (
        lock_folder(tmp_path / "run", holder="datagen run training"),
        pytest.raises(FolderInUseError, match=r"in use by another run \(datagen run training, process \d+"),
    ):
        training(ask(tmp_path / "run"))
    assert not (tmp_path / "run" / "ledger.jsonl").exists()


def test_every_missing_answer_is_told_with_all_its_attempts(server: SimulatorServer, tmp_path: Path) -> None:
    server.faults.add(Fault(name="rows_500", amount=1, times=None))
    outcome = training(ask(tmp_path / "run", count=3, max_rounds=3))
    assert outcome.funnel.missing == 1
    rejected = [row for _, row in read_jsonl(tmp_path / "run" / "rejected.jsonl", advice="")]
    told = [row["attempts"] for row in rejected if "attempts" in row]
    assert len(told) == 1
    assert json.dumps(told[0]).count('"retryable"') == 3
