"""The Prefect UI in a real browser: a run's page, the form that starts one, its artifacts, a review, its buttons."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
from browser import Form, PrefectUi, open_browser, unfold
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect_server import PrefectServer, Worker, make_template, wait_for

from datagen_core.batch.wire import as_object
from datagen_core.dataset.reviewing import read_reviews
from datagen_core.dataset.validating import validate_file
from datagen_core.files import JsonObject
from datagen_core.report import MAX_ARTIFACT_BYTES

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

COUNT: Final = 40
SHARD: Final = 10
HANGUL: Final = re.compile("[가-힣]")
SLOW: Final = {"env": {"DATAGEN_SIMULATOR_PACE": "20"}}
"""Job variables of a run whose batch takes a minute, whether anybody looks at it or not."""


class Runs(NamedTuple):
    """Runs that were started together, as each takes long to start."""

    training: UUID
    gold: UUID
    failing: UUID
    slow: UUID


class Field(NamedTuple):
    """A parameter as a deployment's schema has it; `choices` are the values of a closed set."""

    name: str
    description: str
    choices: list[str]


class _Looking:
    """Keeps a picture of the page when a test fails."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        ui = item.funcargs.get("ui")
        if report.when == "call" and report.failed and isinstance(ui, PrefectUi):
            picture = Path(str(item.funcargs["tmp_path"])) / "failed.png"
            ui.page.screenshot(path=picture)
            report.sections.append(("picture of the page", f"{picture}\n{ui.read()[:3000]}"))
        return report


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    template = make_template(tmp_path_factory.getbasetemp().parent)
    with PrefectServer(tmp_path_factory.mktemp("prefect"), template=template) as server:
        server.deploy()
        yield server


@pytest.fixture(scope="module")
def worker(prefect: PrefectServer) -> Iterator[Worker]:
    with prefect.worker("steady") as worker:
        yield worker


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def runs(prefect: PrefectServer, worker: Worker, folder: Path) -> Runs:
    """Start a training run, a review, a run that cannot write its samples, and one that waits long for its batch."""
    failing = folder / "failing"
    failing.mkdir()
    (failing / "samples").write_text("in the way")
    return Runs(
        training=start(
            prefect,
            "training/manual",
            folder / "training",
            count=COUNT,
            queue={"shard_size": SHARD},
            requests={"mistakes": 0.3},
        ),
        gold=start(prefect, "gold/manual", folder / "gold", count=1, approval={"require_approval": True}),
        failing=start(prefect, "training/manual", failing, count=2, requests={"mistakes": 0}),
        slow=start(prefect, "training/manual", folder / "slow", SLOW, count=2, requests={"mistakes": 0}),
    )


@pytest.fixture(scope="module")
def browser(
    prefect: PrefectServer, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrefectUi]:
    looking = _Looking()
    request.config.pluginmanager.register(looking)
    with open_browser(prefect.url, tmp_path_factory.mktemp("browser")) as ui:
        yield ui
    request.config.pluginmanager.unregister(looking)


@pytest.fixture
def ui(browser: PrefectUi, tmp_path: Path) -> PrefectUi:
    """Return the browser; the page is kept as a picture in `tmp_path` where the test fails."""
    return browser


def start(
    prefect: PrefectServer,
    deployment: str,
    folder: Path,
    job_variables: Mapping[str, object] | None = None,
    **parameters: object,
) -> UUID:
    with prefect.client() as client:
        found = client.read_deployment_by_name(deployment)
        told = {**parameters, "provider": "simulator", "output_dir": str(folder)}
        created = client.create_flow_run_from_deployment(
            found.id, parameters=told, job_variables=dict(job_variables or {})
        )
    return created.id


def submit(prefect: PrefectServer, form: Form, folder: Path) -> UUID:
    """Submit a form that makes a run in the folder, and return the run's id.

    A server whose SQLite database is locked may refuse and have made the run all the same.
    """
    for _ in range(3):
        form.press("Submit")
        if wait_for(lambda: find_run(prefect, folder) is not None, 20):
            break
    run = find_run(prefect, folder)
    assert run is not None
    return run


def find_run(prefect: PrefectServer, folder: Path) -> UUID | None:
    found = [one["id"] for one in read_runs(prefect) if as_object(one["parameters"]).get("output_dir") == str(folder)]
    return UUID(str(found[0])) if found else None


def read_runs(prefect: PrefectServer) -> list[JsonObject]:
    """Return all runs of deployments without a schedule."""
    asked = {"deployments": {"name": {"any_": ["manual"]}}}
    return list(httpx.post(f"{prefect.url}/flow_runs/filter", json=asked).raise_for_status().json())


def wait_until_polling(prefect: PrefectServer, run: UUID) -> None:
    prefect.wait(run, "Running")
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[run]))

    def is_polling() -> bool:
        with prefect.client() as client:
            return any(one.name.startswith("poll ") for one in client.read_task_runs(flow_run_filter=wanted))

    if not wait_for(is_polling):
        prefect.fail(run, "It does not poll.")


def find_deployment(prefect: PrefectServer, name: str) -> UUID:
    with prefect.client() as client:
        return client.read_deployment_by_name(name).id


def read_artifacts(prefect: PrefectServer, run: UUID) -> dict[str, dict[str, object]]:
    """Return a run's artifacts by key."""
    asked = {"flow_runs": {"id": {"any_": [str(run)]}}}
    return {str(one["key"]): one for one in httpx.post(f"{prefect.url}/artifacts/filter", json=asked).json()}


def list_fields(schema: JsonObject, definitions: JsonObject) -> Iterator[Field]:
    """Yield every parameter, and those of groups after their group."""
    for name, value in as_object(schema["properties"]).items():
        told = as_object(value)
        group = as_object(definitions.get(str(told.get("$ref")).rpartition("/")[2]))
        kinds = [told, *map(as_object, cast("list[object]", told.get("anyOf", [])))]
        choices = [str(one) for kind in kinds for one in cast("list[object]", kind.get("enum", [])) if one is not None]
        yield Field(name, str((group or told)["description"]), choices)
        if group:
            yield from list_fields(group, definitions)


def test_a_suspended_run_gives_its_process_back_and_goes_on_when_resumed(
    prefect: PrefectServer, worker: Worker, runs: Runs, folder: Path, ui: PrefectUi
) -> None:
    wait_until_polling(prefect, runs.slow)
    ui.open_run(runs.slow)
    assert ui.press("Suspend").send("Submit", "set_state").ok
    ui.see("Suspended")
    assert wait_for(lambda: not worker.find_flows(runs.slow))
    ui.open_run(runs.slow)
    assert ui.press("Resume").send("Submit", "/resume").ok
    prefect.wait(runs.slow, "Completed")
    ui.see("Completed")
    assert validate_file(folder / "slow" / "dataset.jsonl").n_sound == 2


def test_a_run_has_a_name_that_tells_a_graph_and_a_line_of_log_for_its_stages(
    prefect: PrefectServer, runs: Runs, ui: PrefectUi
) -> None:
    done = prefect.wait(runs.training, "Completed")
    assert done.expected_start_time is not None
    day = done.expected_start_time.astimezone(ZoneInfo("Asia/Seoul"))
    ui.open_run(runs.training)
    ui.see(f"training-{day:%Y-%m-%d}-{COUNT}")
    ui.see("Completed")
    graph = ui.page.locator("canvas").first
    assert wait_for(lambda: ui.count_green(graph) > 1000, 30), "the graph shows nothing that is completed"
    unfold(ui.page.locator(".logs-sort")).get_by_text("Newest to oldest").click()
    for line in ("Rendered 40 samples", "The run has 40 dialogues of 40", re.compile(r"Round \d: accepted \d+")):
        ui.see(line)
    ui.open_run(runs.training, "task-runs")
    for stage in ("submit", "retrieve", "preprocess"):
        ui.page.get_by_placeholder("Search by run name").fill("shard 1.1")
        ui.see(f"{stage} shard 1.1")
    ui.see(f"poll shard 1.1 ({SHARD}/{SHARD})")


def test_the_form_has_every_parameter_with_its_description_and_closed_sets_as_dropdowns(
    prefect: PrefectServer, ui: PrefectUi
) -> None:
    for name in ("training/manual", "gold/manual"):
        with prefect.client() as client:
            deployment = client.read_deployment_by_name(name)
        schema = as_object(deployment.parameter_openapi_schema)
        fields = list(list_fields(schema, as_object(schema["definitions"])))
        form = ui.open_form(deployment.id)
        for field in fields:
            form.require_description(field.name, field.description)
            if field.choices:
                assert [one for one in form.read_choices(field.name) if one in field.choices] == field.choices
        assert {"count", "provider", "max_rounds", "task_runner"} <= {field.name for field in fields}
        assert sum(bool(field.choices) for field in fields) == 5


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("count", 0, "'count'. Failure reason: 0 is less than the minimum of 1"),
        ("max_rounds", 99, "'requests.max_rounds'. Failure reason: 99 is greater than the maximum of 20"),
        ("repo_id", "no-owner", "'no-owner' is not valid"),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason_and_starts_nothing(
    field: str, value: object, told: str, prefect: PrefectServer, ui: PrefectUi
) -> None:
    deployment = find_deployment(prefect, "training/manual")
    before = len(read_runs(prefect))
    form = ui.open_form(deployment)
    form.fill(field, value)
    form.press("Submit")
    ui.see(told)
    assert len(read_runs(prefect)) == before


def test_a_run_that_was_started_in_the_form_is_cancelled_and_tells_of_its_batches(
    prefect: PrefectServer, worker: Worker, folder: Path, ui: PrefectUi
) -> None:
    form = ui.open_form(find_deployment(prefect, "training/manual"))
    form.fill("count", 3)
    form.choose("provider", "simulator")
    form.fill("output_dir", folder / "form")
    form.fill("mistakes", 1)
    form.fill("max_rounds", 20)
    run = submit(prefect, form, folder / "form")
    assert prefect.read(run).parameters["requests"]["max_rounds"] == 20
    wait_until_polling(prefect, run)
    ui.open_run(run)
    modal = ui.press("Cancel")
    assert modal.send("Confirm", "set_state").ok
    prefect.wait(run, "Cancelled")
    ui.see("Cancelled")
    assert wait_for(lambda: not worker.find_flows(run))
    assert wait_for(lambda: any(re.search(r"^Batch batch_\w+ .*cancel", line) for line in prefect.messages(run)))


def test_every_artifact_is_small_and_reads_well(
    prefect: PrefectServer, runs: Runs, folder: Path, ui: PrefectUi
) -> None:
    prefect.wait(runs.training, "Completed")
    artifacts = read_artifacts(prefect, runs.training)
    sizes = {key: len(json.dumps(one["data"], ensure_ascii=False).encode()) for key, one in artifacts.items()}
    assert all(size <= MAX_ARTIFACT_BYTES == 200_000 for size in sizes.values()), sizes
    expected = {
        "training-progress-round-1": ["100%"],
        "training-shards-round-1": ["completed", "4 of 4 ended"],
        "training-funnel": ["40 of", "round", "tool_use"],
        "training-funnel-table": ["requested", "accepted"],
        "training-rejections": ["such as", "customer"],
        "training-samples": ["customer", "counsellor", "training-42-"],
        "training-cost": ["Nothing is billed", "gpt-6-luna"],
        "training-links": [str(folder / "training" / "dataset.jsonl"), "batch_"],
    }
    assert expected.keys() <= artifacts.keys()
    ui.open_run(runs.training, "artifacts")
    for key in expected:
        ui.see(key)
    ui.open("artifacts")
    for key in expected:
        ui.see(key)
    for key, parts in expected.items():
        text = ui.open_artifact(str(artifacts[key]["id"])).inner_text()
        assert [part for part in parts if part not in text] == [], key


def test_the_funnel_is_drawn_and_dialogues_are_in_korean(prefect: PrefectServer, runs: Runs, ui: PrefectUi) -> None:
    prefect.wait(runs.training, "Completed")
    artifacts = read_artifacts(prefect, runs.training)
    funnel = ui.open_artifact(str(artifacts["training-funnel"]["id"]))
    plot = funnel.locator("img").first
    assert wait_for(lambda: bool(plot.evaluate("(image) => image.complete && image.naturalWidth > 300")), 30)
    assert ui.count_green(plot) > 1000
    assert ui.find_cut(funnel) == []
    samples = ui.open_artifact(str(artifacts["training-samples"]["id"]))
    assert samples.get_by_role("heading", level=2).count() == 3
    assert len(HANGUL.findall(samples.inner_text())) > 100
    assert ui.find_cut(samples) == []


def test_a_person_rejects_a_dialogue_and_approves_the_next_time(
    prefect: PrefectServer, runs: Runs, folder: Path, ui: PrefectUi
) -> None:
    def is_asked(number: int, attempt: int = 1) -> bool:
        state = prefect.read(runs.gold).state
        key = "" if state is None else str(state.state_details.pause_key)
        return key.startswith(f"review-{number}-") and key.endswith(f"-{attempt}")

    assert wait_for(lambda: is_asked(1))
    ui.open_run(runs.gold)
    ui.see("Suspended")
    modal = ui.press("Resume")
    ui.see(re.compile("8 dialogues"))
    ui.see(re.compile("Push the benchmark as it is"))
    modal.add("reject", "sample_0099")
    modal.fill("note", "The second one is odd.")
    modal.fill("reviewer", "Kim")
    assert modal.send("Submit", "/resume").ok
    assert wait_for(lambda: is_asked(1, attempt=2))
    ui.open_run(runs.gold)
    modal = ui.press("Resume")
    ui.see(re.compile("the dataset has no dialogue 'sample_0099'"))
    modal.fill("reject", "sample_0002")
    modal.fill("note", "The second one is odd.")
    modal.fill("reviewer", "Kim")
    assert modal.send("Submit", "/resume").ok
    assert wait_for(lambda: is_asked(2))
    ui.open_run(runs.gold)
    modal = ui.press("Resume")
    modal.switch_on("approve")
    modal.fill("note", "All eight are good now.")
    modal.fill("reviewer", "Kim")
    assert modal.send("Submit", "/resume").ok
    prefect.wait(runs.gold, "Completed")
    ui.see("Completed")
    first, second = read_reviews(folder / "gold" / "reviews.json")
    assert (first.approved, len(first.rejected), first.note) == (False, 1, "The second one is odd.")
    assert (second.approved, second.reviewer, second.note) == (True, "Kim", "All eight are good now.")
    records = (folder / "gold" / "dataset.jsonl").read_text("utf-8").splitlines()
    names = [json.loads(line)["meta"]["scenario_id"] for line in records]
    assert len(names) == 8
    assert first.rejected[0] not in names


def test_the_retry_button_runs_only_what_failed_and_what_follows(
    prefect: PrefectServer, runs: Runs, folder: Path, ui: PrefectUi
) -> None:
    prefect.wait(runs.failing, "Failed")
    (folder / "failing" / "samples").unlink()
    ui.open_run(runs.failing)
    ui.see("Failed")
    assert ui.press("Retry").send("Retry", "set_state").ok
    prefect.wait(runs.failing, "Completed")
    ui.see("Completed")
    states = {name: seen.state for name, seen in prefect.task_states(runs.failing).items()}
    executed = {name for name, state in states.items() if state != "Cached"}
    assert {name.partition(" ")[0] for name in executed} == {"render"}, states
    assert len(states) > len(executed)
