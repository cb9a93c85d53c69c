"""Both flows through Prefect: n asked for, n got; reruns are cached; a kill costs nothing twice."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import HubServer
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.sorting import FlowRunSort
from prefect.settings import get_current_settings
from prefect.testing.utilities import prefect_test_harness
from running_flows import gold, training

from datagen_core.config import GOLD_CATEGORIES
from datagen_core.dataset.validating import validate_file
from datagen_core.errors import HubError, ShortfallError
from datagen_core.files import fingerprint, read_jsonl
from flows.parameters import GoldParameters, TrainingParameters

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    home = tmp_path_factory.mktemp("prefect")
    variables = {"PREFECT_LOCAL_STORAGE_PATH": str(home / "storage"), "DATAGEN_PROVIDER": "simulator"}
    with pytest.MonkeyPatch.context() as patch, prefect_test_harness(server_startup_timeout=180):
        for name, value in variables.items():
            patch.setenv(name, value)
        patch.delenv("OPENAI_API_KEY", raising=False)
        yield


def _states() -> dict[str, list[str]]:
    """Return the names of the states of the latest flow run's tasks, by task; the server learns of the end late."""
    deadline, before = time.monotonic() + 90, dict[str, list[str]]()
    while True:
        found = _read_states()
        going = {name for names in found.values() for name in names} & {"Pending", "Running", "AwaitingRetry"}
        if not going and found == before:  # task runs come late as well: two looks have to agree
            return found
        assert time.monotonic() < deadline, found
        before = found
        time.sleep(1.0)


def _read_states() -> dict[str, list[str]]:
    with get_client(sync_client=True) as client:
        latest = client.read_flow_runs(limit=1, sort=FlowRunSort.EXPECTED_START_TIME_DESC)[0]
        of_latest = FlowRunFilter(id=FlowRunFilterId(any_=[latest.id]))
        found: dict[str, list[str]] = {}
        for run in client.read_task_runs(flow_run_filter=of_latest, limit=200):
            found.setdefault(run.name.split()[0], []).append(str(run.state_name))
        return found


def _provider_requests(folder: Path) -> dict[str, int]:
    """Return how often each route of the simulator was asked, from its state on disk."""
    with sqlite3.connect(folder / ".simulator" / "state.sqlite3") as connection:
        rows = connection.execute("SELECT route, n FROM requests").fetchall()
    return {str(route): int(n) for route, n in rows}


def _batches(folder: Path) -> int:
    with sqlite3.connect(folder / ".simulator" / "state.sqlite3") as connection:
        return int(connection.execute("SELECT count(*) FROM batches").fetchone()[0])


def _files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): fingerprint(path) for path in folder.rglob("*") if path.is_file()}


def test_training_gives_what_was_asked_for_and_a_second_run_is_all_cached(tmp_path: Path) -> None:
    parameters = TrainingParameters(count=30, mistakes=0.3, poll_interval=0.2, output_dir=tmp_path / "run")
    funnel = training(parameters).funnel
    assert funnel.is_balanced()
    assert (funnel.total.accepted, funnel.missing) == (30, 0)
    assert len(funnel.rounds) > 1
    assert funnel.total.rejected + funnel.total.failed > 0
    validation = validate_file(tmp_path / "run" / "dataset.jsonl")
    assert (validation.n_rows, validation.n_sound) == (30, 30)
    ids = [row["meta"]["scenario_id"] for _, row in read_jsonl(tmp_path / "run" / "dataset.jsonl", advice="")]  # type: ignore[index]
    assert [str(one).partition("-s")[0] for one in ids] == [f"training-42-{index:06d}" for index in range(30)]
    assert len(list((tmp_path / "run" / "samples").iterdir())) == 30

    before, asked = _files(tmp_path / "run"), _provider_requests(tmp_path / "run")
    assert training(parameters).funnel == funnel
    assert {name for names in _states().values() for name in names} == {"Cached"}
    assert _files(tmp_path / "run") == before
    assert _provider_requests(tmp_path / "run") == asked


def test_removed_and_changed_files_are_made_again_without_paying(tmp_path: Path) -> None:
    parameters = TrainingParameters(count=12, mistakes=0.0, poll_interval=0.2, output_dir=tmp_path / "run")
    training(parameters)
    before = _files(tmp_path / "run")
    (tmp_path / "run" / "dataset.jsonl").unlink()
    (tmp_path / "run" / "batch_input_status.json").unlink()
    (tmp_path / "run" / "samples" / "sample_0001.txt").write_text("changed", encoding="utf-8")
    training(parameters)
    states = _states()
    assert states["merge"] != ["Cached"]
    assert set(states["submit"] + states["poll"] + states["retrieve"]) == {"Cached"}
    ours = {name: digest for name, digest in _files(tmp_path / "run").items() if not name.startswith(".")}
    assert ours == {name: digest for name, digest in before.items() if not name.startswith(".")}
    assert _batches(tmp_path / "run") == 1


def test_without_any_cache_the_ledger_still_pays_nothing_twice(tmp_path: Path) -> None:
    parameters = TrainingParameters(count=12, mistakes=0.0, poll_interval=0.2, output_dir=tmp_path / "run")
    training(parameters)
    before = (tmp_path / "run" / "dataset.jsonl").read_bytes()
    for path in (tmp_path / "run" / ".results").iterdir():
        path.unlink()
    training(parameters)
    assert _batches(tmp_path / "run") == 1
    assert (tmp_path / "run" / "dataset.jsonl").read_bytes() == before


def test_responses_endpoint_and_a_push_to_the_hub_end_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HubServer({"hf_writer": ("someone", "write")}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        Secret(value="hf_writer").save("hf-token", _sync=True)  # pyright: ignore[reportCallIssue]
        parameters = TrainingParameters(
            count=12,
            mistakes=0.0,
            poll_interval=0.2,
            endpoint="/v1/responses",
            template="qwen3",
            repo_id="someone/delivery",
            output_dir=tmp_path / "run",
        )
        training(parameters)
        assert hub.repos["someone/delivery"].private
        assert hub.n_requests("POST", "/commit/") == 1
        training(parameters)
        assert hub.n_requests("POST", "/commit/") == 1
    assert "<think>" in (tmp_path / "run" / "samples" / "sample_0001.txt").read_text(encoding="utf-8")
    for path in (tmp_path / "run").rglob("*"):
        assert path.is_dir() or b"hf_writer" not in path.read_bytes(), path


def test_a_failed_stage_is_rerun_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    parameters = TrainingParameters(
        count=12, mistakes=0.0, poll_interval=0.2, repo_id="someone/delivery", output_dir=tmp_path / "run"
    )
    with HubServer({"hf_writer": ("someone", "write")}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with pytest.raises(HubError, match="token"):
            training(parameters)
        monkeypatch.setenv("HF_TOKEN", "hf_writer")
        training(parameters)
        states = _states()
        assert states.pop("push") == ["Completed"]
        assert {name for names in states.values() for name in names} == {"Cached"}


def test_a_moved_run_goes_on_where_it_is_and_pays_nothing(tmp_path: Path) -> None:
    first = TrainingParameters(count=12, mistakes=0.0, poll_interval=0.2, output_dir=tmp_path / "run")
    training(first)
    before = (tmp_path / "run" / "dataset.jsonl").read_bytes()
    (tmp_path / "run").rename(tmp_path / "moved")
    training(first.model_copy(update={"output_dir": tmp_path / "moved"}))
    assert _batches(tmp_path / "moved") == 1
    assert (tmp_path / "moved" / "dataset.jsonl").read_bytes() == before
    assert not (tmp_path / "run").exists()


def test_gold_reaches_its_number_in_every_category(tmp_path: Path) -> None:
    funnel = gold(GoldParameters(count=2, mistakes=0.3, poll_interval=0.2, output_dir=tmp_path / "gold")).funnel
    assert {name: counts.accepted for name, counts in funnel.categories.items()} == dict.fromkeys(GOLD_CATEGORIES, 2)
    assert validate_file(tmp_path / "gold" / "dataset.jsonl").n_sound == 16


def test_gold_that_stays_short_fails_and_says_which_and_keeps_the_files(tmp_path: Path) -> None:
    with pytest.raises(ShortfallError, match=r"dialogues are missing after round 1 \(.*rejected.jsonl.*--max-rounds"):
        gold(GoldParameters(count=2, mistakes=1.0, max_rounds=1, poll_interval=0.2, output_dir=tmp_path / "gold"))
    funnel = json.loads((tmp_path / "gold" / "funnel.json").read_text(encoding="utf-8"))["total"]
    assert funnel["requested"] == 16 == funnel["accepted"] + funnel["rejected"] + funnel["failed"]
    more = GoldParameters(count=2, mistakes=1.0, max_rounds=2, poll_interval=0.2, output_dir=tmp_path / "gold")
    with pytest.raises(ShortfallError, match="after round 2"):
        gold(more)
    assert _batches(tmp_path / "gold") == 2


def test_kill_while_polling_then_the_same_command_finishes_with_one_batch(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "flows.cli", "run", "training", "--count", "12", "--mistakes", "0",
        "--poll-interval", "0.5", "--provider", "simulator", "--output-dir", str(tmp_path / "run"),
    ]  # fmt: skip
    # The harness's server: one that the killed process had started itself would be left behind.
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PREFECT_API_URL": str(get_current_settings().api.url),
        "PREFECT_LOGGING_LEVEL": "ERROR",
    }
    process = subprocess.Popen(
        command, env={**environment, "DATAGEN_SIMULATOR_PACE": "600"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        _wait_for(lambda: _is_polled(tmp_path / "run"), process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert not (tmp_path / "run" / "dataset.jsonl").exists()
    done = subprocess.run(
        command, env={**environment, "DATAGEN_SIMULATOR_PACE": "0"}, capture_output=True, text=True, check=False,
        timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert _batches(tmp_path / "run") == 1
    assert validate_file(tmp_path / "run" / "dataset.jsonl").n_sound == 12


def _is_polled(folder: Path) -> bool:
    try:
        return _provider_requests(folder).get("GET /v1/batches/{id}", 0) >= 2
    except sqlite3.OperationalError:
        return False


def _wait_for(condition: object, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 180
    while not condition():  # type: ignore[operator]
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"The run ended before it polled: {process.communicate()[0]!r}")
        time.sleep(0.05)
