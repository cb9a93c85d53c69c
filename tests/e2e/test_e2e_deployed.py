"""Deployments on a real server with a real worker: watched, retried, repeated, refused, scheduled, and approved."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
from hub_server import HubServer
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import PrefectHTTPStatusError
from prefect_server import PrefectServer, Worker, make_template, wait_for

from datagen_core.config import GOLD_CATEGORIES
from datagen_core.dataset.reviewing import read_reviews, write_reviews
from datagen_core.dataset.validating import validate_file
from datagen_core.files import read_jsonl

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SEOUL = ZoneInfo("Asia/Seoul")
STAGES = {
    "generate training",
    "shard round 1",
    "submit shard 1.1",
    "record status of round 1",
    "poll shard 1.1 (12/12)",
    "retrieve shard 1.1",
    "preprocess shard 1.1",
    "join round 1",
    "merge",
    "render qwen2.5",
}
SUMMARIES = [
    "Wrote batch_input_status.json: 1 batches, 0 ended",
    "Submitted 12 rows",
    "is completed: 12 of 12 answered",
    "Retrieved 12 answers",
    "Accepted 12, not accepted 0",
    "Round 1: accepted 12, not accepted 0",
    "The run has 12 dialogues of 12",
    "Wrote batch_input_status.json: 1 batches, 1 ended",
    "Rendered 12 samples",
    "The run has 6 artifacts",
]
"""One line a stage, in the run's log."""

Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer({"hf_writer": ("someone", "write")}) as hub:
        yield hub


@pytest.fixture(scope="module")
def prefect(hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    template = make_template(tmp_path_factory.getbasetemp().parent)
    variables = {"DATAGEN_SIMULATOR_PACE": "0.05", "HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_writer"}
    with PrefectServer(tmp_path_factory.mktemp("prefect"), template=template, variables=variables) as server:
        server.deploy()
        yield server


@pytest.fixture(scope="module", autouse=True)
def worker(prefect: PrefectServer) -> Iterator[Worker]:
    with prefect.worker("steady") as worker:
        yield worker


class Schedule(NamedTuple):
    """A deployment whose cron fires every minute, and where its runs' folders are made."""

    deployment: UUID
    folder: Path


@pytest.fixture(scope="module", autouse=True)
def schedule(prefect: PrefectServer, worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Schedule:
    """Begin a schedule with the first test, so that the last finds two of its minutes over."""
    folder = tmp_path_factory.mktemp("scheduled")
    with prefect.client() as client:
        manual = client.read_deployment_by_name("training/manual")
        deployment = client.create_deployment(
            flow_id=manual.flow_id,
            name="every-minute",
            schedules=[DeploymentScheduleCreate(schedule=CronSchedule(cron="* * * * *", timezone="Asia/Seoul"))],
            parameters={"count": 3, "output_dir": f"{folder}/{{date}}-{{time}}-{{seed}}", "requests": {"mistakes": 0}},
            work_pool_name=manual.work_pool_name,
            path=manual.path,
            entrypoint=manual.entrypoint,
            pull_steps=manual.pull_steps,
            parameter_openapi_schema=manual.parameter_openapi_schema,
        )
    return Schedule(deployment, folder)


def ask(folder: Path, **changes: object) -> dict[str, object]:
    parameters = {"count": 12, "output_dir": str(folder), "requests": {"mistakes": 0}, "queue": {"poll_interval": 0.2}}
    return parameters | changes


def provider_requests(folder: Path) -> dict[str, int]:
    """Return how often each route of the embedded simulator was asked."""
    with sqlite3.connect(folder / ".simulator" / "state.sqlite3") as connection:
        rows = connection.execute("SELECT route, n FROM requests").fetchall()
    return {str(route): int(n) for route, n in rows}


def n_batches(folder: Path) -> int:
    with sqlite3.connect(folder / ".simulator" / "state.sqlite3") as connection:
        return int(connection.execute("SELECT count(*) FROM batches").fetchone()[0])


def summarize(prefect: PrefectServer, run: UUID) -> list[str]:
    """Return the summaries found in a run's log, each as often as it stands there."""
    return [summary for line in prefect.messages(run) for summary in SUMMARIES if summary in line]


def read_states(prefect: PrefectServer, run: UUID) -> dict[str, str]:
    """Return the states of a run's task runs; a poll's name tells how far it came, which is left out here."""
    return {name.partition(" (")[0]: seen.state for name, seen in prefect.task_states(run).items()}


def read_artifacts(prefect: PrefectServer, run: UUID) -> dict[str, object]:
    """Return what a run's page shows in the end, by key."""
    asked = {"flow_runs": {"id": {"any_": [str(run)]}}}
    found = httpx.post(f"{prefect.url}/artifacts/filter", json=asked).raise_for_status().json()
    return {one["key"]: one["data"] for one in found if "-round-" not in one["key"]}


def ids(folder: Path) -> list[str]:
    rows = read_jsonl(folder / "dataset.jsonl", advice="")
    return [str(row["meta"]["scenario_id"]) for _, row in rows]  # type: ignore[index]


def seconds_running(prefect: PrefectServer, run: UUID) -> float:
    """Return how long a run took from Running to its end, the last time it ran."""
    with prefect.client() as client:
        states = client.read_flow_run_states(run)
    began = max(state.timestamp for state in states if state.is_running())
    return (max(state.timestamp for state in states) - began).total_seconds()


def test_a_watched_run_gives_the_dataset_and_repeated_is_all_cached(
    prefect: PrefectServer, tmp_path: Path, record_property: Record
) -> None:
    folder = tmp_path / "run"
    run, said = prefect.run("training/manual", ask(folder))
    assert "Completed" in said
    assert validate_file(folder / "dataset.jsonl").n_sound == 12
    assert len(list((folder / "samples").iterdir())) == 12
    seen = prefect.read(run)
    assert seen.expected_start_time is not None
    assert seen.name == f"training-{seen.expected_start_time.astimezone(SEOUL):%Y-%m-%d}-12"
    assert "datagen" in seen.tags
    assert {name: one.state for name, one in prefect.task_states(run).items()} == dict.fromkeys(STAGES, "Completed")
    assert wait_for(lambda: set(SUMMARIES) <= set(summarize(prefect, run))), prefect.messages(run)
    assert sorted(summarize(prefect, run)) == sorted(SUMMARIES)
    record_property("first run, seconds from Running to Completed", seconds_running(prefect, run))

    # Measured is all that a run does on a running server, without the worker's pick-up and its process's imports.
    asked = provider_requests(folder)
    again, _ = prefect.run("training/manual", ask(folder))
    assert set(read_states(prefect, again).values()) == {"Cached"}
    assert provider_requests(folder) == asked
    assert read_artifacts(prefect, again) == read_artifacts(prefect, run), "the repeated run shows the same"
    record_property("repeated run, seconds from Running to Completed", seconds_running(prefect, again))


def test_a_stage_that_failed_is_retried_alone(prefect: PrefectServer, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "samples").write_text("in the way of the folder", encoding="utf-8")
    run = prefect.create("training/manual", ask(folder))
    began = prefect.read(run).expected_start_time
    prefect.wait(run, "Failed")
    before, asked = read_states(prefect, run), provider_requests(folder)
    assert before.pop("render qwen2.5") == "Failed"
    assert set(before.values()) == {"Completed"}

    (folder / "samples").unlink()
    done = prefect.command("flow-run", "retry", str(run))
    assert done.returncode == 0, done.stdout + done.stderr
    assert prefect.wait(run, "Completed").expected_start_time == began
    after = read_states(prefect, run)
    assert after.pop("render qwen2.5") == "Completed"
    assert after == dict.fromkeys(before, "Cached")
    assert provider_requests(folder) == asked
    assert len(list((folder / "samples").iterdir())) == 12


@pytest.mark.parametrize(
    ("deployment", "wrong"),
    [
        ("training/manual", {"count": 0}),
        ("training/manual", {"count": "many"}),
        ("training/manual", {"seed": -1}),
        ("training/manual", {"provider": "somebody"}),
        ("training/manual", {"max_cost": 0}),
        ("training/manual", {"repo_id": "no-owner"}),
        ("training/manual", {"requests": {"max_rounds": 21}}),
        ("training/manual", {"requests": {"writer": "essay"}}),
        ("training/manual", {"queue": {"poll_intervall": 1}}),
        ("training/manual", {"dialogues": {"mix": {"unheard-of": 1}}}),
        ("training/manual", {"publication": {"template": "qwen1"}}),
        ("gold/manual", {"approval": {"require_approval": "perhaps"}}),
        ("gold/manual", {"approval": {"approval_hours": 0}}),
    ],
    ids=str,
)
def test_wrong_parameters_are_refused_at_creation(
    prefect: PrefectServer, deployment: str, wrong: Mapping[str, object]
) -> None:
    before = count_runs(prefect)
    with pytest.raises(PrefectHTTPStatusError) as caught:
        prefect.create(deployment, wrong)
    assert caught.value.response.status_code in {409, 422}
    assert count_runs(prefect) == before


@pytest.mark.parametrize("wrong", ["count=0", "counts=12"])
def test_wrong_parameters_are_refused_on_the_command_line(prefect: PrefectServer, wrong: str) -> None:
    before = count_runs(prefect)
    done = prefect.command("deployment", "run", "training/manual", "-p", wrong)
    assert done.returncode == 1
    assert wrong.partition("=")[0] in done.stdout + done.stderr
    assert count_runs(prefect) == before


def count_runs(prefect: PrefectServer) -> int:
    """Return how many runs there are, without those of the schedule."""
    with prefect.client() as client:
        return sum(not run.auto_scheduled for run in client.read_flow_runs(limit=200))


def test_a_refused_benchmark_is_not_pushed_and_after_a_retry_asks_again(
    prefect: PrefectServer, hub: HubServer, tmp_path: Path
) -> None:
    run = prefect.create("gold/manual", ask_gold(tmp_path / "gold", "someone/refused"))
    prefect.wait(run, "Suspended")
    prefect.resume(run, {"approve": False, "reject": [], "note": "Too short", "reviewer": "Kim"})
    failed = prefect.wait(run, "Failed")
    assert failed.state is not None
    assert "Kim did not approve the benchmark: Too short." in str(failed.state.message)
    assert "someone/refused" not in hub.repos

    prefect.retry(run)
    prefect.wait(run, "Suspended")
    prefect.resume(run, {"approve": True, "reject": [], "note": "Long enough.", "reviewer": "Lee"})
    prefect.wait(run, "Completed")
    assert hub.repos["someone/refused"].private
    card = hub.repos["someone/refused"].files["README.md"].content.decode()
    assert "Lee" in card
    assert "Long enough." in card


def test_rejected_dialogues_are_replaced_and_asked_about_again(
    prefect: PrefectServer, hub: HubServer, tmp_path: Path
) -> None:
    folder = tmp_path / "gold"
    run = prefect.create("gold/manual", ask_gold(folder, "someone/replaced"))
    prefect.wait(run, "Suspended")
    first = ids(folder)
    assert len(first) == len(GOLD_CATEGORIES)
    answer(prefect, run, "review-1", reject=["sample_0099"], note="A slip.")
    answer(prefect, run, "review-1", reject=[first[2], "sample_0006"], note="Odd.")
    await_question(prefect, run, "review-2")
    second = ids(folder)
    assert len(second) == len(GOLD_CATEGORIES)
    assert not {first[2], first[5]} & set(second)
    assert set(first) - {first[2], first[5]} <= set(second)
    assert "someone/replaced" not in hub.repos
    answer(prefect, run, "review-2", reject=[], note="")
    prefect.wait(run, "Completed")
    assert [one.note for one in read_reviews(folder / "reviews.json")] == ["Odd.", ""]
    validation = validate_file(folder / "dataset.jsonl")
    assert (validation.n_rows, validation.n_sound) == (len(GOLD_CATEGORIES),) * 2
    assert hub.n_requests("POST", "someone/replaced/commit/") == 1
    assert n_batches(folder) == 2

    # Answers that were given are not asked for again, and nothing is made twice.
    again = prefect.create("gold/manual", ask_gold(folder, "someone/replaced"))
    prefect.wait(again, "Completed")
    assert set(read_states(prefect, again).values()) == {"Cached"}
    assert ids(folder) == second

    # An approval of other dialogues than those that are there is none.
    given = read_reviews(folder / "reviews.json")
    write_reviews(folder / "reviews.json", [given[0], given[1].model_copy(update={"reviewed": "0" * 64})])
    outdated = prefect.create("gold/manual", ask_gold(folder, "someone/replaced"))
    await_question(prefect, outdated, "review-2")


_answered: dict[UUID, str] = {}


def await_question(prefect: PrefectServer, run: UUID, key: str) -> str:
    """Return the key of the pause in which the run waits for a review that was not answered here before."""
    seen = ""

    def is_asked() -> bool:
        nonlocal seen
        state = prefect.wait(run, "Suspended", "Scheduled", "Pending", "Running", "Resuming").state
        seen = str(state.state_details.pause_key) if state is not None and state.is_paused() else ""
        return seen.startswith(f"{key}-") and _answered.get(run) != seen

    assert wait_for(is_asked)
    return seen


def answer(prefect: PrefectServer, run: UUID, key: str, *, reject: list[str], note: str) -> None:
    _answered[run] = await_question(prefect, run, key)
    prefect.resume(run, {"approve": True, "reject": reject, "note": note, "reviewer": "Kim"})


def ask_gold(folder: Path, repo_id: str) -> dict[str, object]:
    return ask(folder, count=1, repo_id=repo_id, approval={"require_approval": True})


def test_a_cron_schedule_fires_each_minute_with_a_seed_of_its_own(prefect: PrefectServer, schedule: Schedule) -> None:
    assert wait_for(lambda: len(read_scheduled(prefect, schedule, "Completed")) >= 2)
    with prefect.client() as client:
        client.pause_deployment(schedule.deployment)
    runs = read_scheduled(prefect, schedule, "Completed")
    moments = [run.expected_start_time for run in runs]
    assert all(run.auto_scheduled for run in runs)
    assert moments[1] - moments[0] == timedelta(minutes=1)  # type: ignore[operator]
    for run in runs:
        require_own_folder(run, schedule.folder)

    prefect.retry(runs[0].id)
    again = prefect.wait(runs[0].id, "Completed")
    assert (again.run_count, again.expected_start_time) == (2, runs[0].expected_start_time)
    assert set(read_states(prefect, again.id).values()) == {"Cached"}


def read_scheduled(prefect: PrefectServer, schedule: Schedule, state: str) -> list[FlowRun]:
    of_schedule = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[schedule.deployment]))
    with prefect.client() as client:
        runs = client.read_flow_runs(flow_run_filter=of_schedule, limit=200)
    return sorted((run for run in runs if run.state_name == state), key=lambda run: str(run.expected_start_time))


def require_own_folder(run: FlowRun, parent: Path) -> None:
    """Assert that the run's seed is its minute, and that its folder is named after that."""
    moment = run.expected_start_time
    assert moment is not None
    seed = int(moment.timestamp()) // 60
    folder = parent / f"{moment.astimezone(SEOUL):%Y-%m-%d-%H%M}-{seed}"
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["seed"] == seed
    assert validate_file(folder / "dataset.jsonl").n_sound == 3
