"""What stands in prefect.yaml fits the flows, and the form that the flows give is one a person can fill in."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from prefect import Flow

from flows.gold import gold
from flows.occasion import Occasion, fill_output_dir
from flows.parameters import GoldParameters, RunParameters, TrainingParameters
from flows.training import training

ROOT = Path(__file__).parents[2]
DOCUMENT = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
MODELS: dict[str, type[RunParameters]] = {"training": TrainingParameters, "gold": GoldParameters}
FLOWS: dict[str, Flow[..., Any]] = {"training": training, "gold": gold}


def find_flow(deployment: dict[str, Any]) -> Flow[..., Any]:
    path, _, name = deployment["entrypoint"].partition(":")
    found = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)
    assert isinstance(found, Flow)
    return found


def test_the_deployments_are_those_that_the_readme_names() -> None:
    names = {f"{find_flow(one).name}/{one['name']}" for one in DOCUMENT["deployments"]}
    assert names == {"training/nightly", "training/manual", "gold/manual"}
    assert "pull" not in DOCUMENT


@pytest.mark.parametrize("deployment", DOCUMENT["deployments"], ids=lambda one: f"{one['entrypoint']}-{one['name']}")
def test_a_deployments_parameters_are_its_flows(deployment: dict[str, Any]) -> None:
    flow = find_flow(deployment)
    assert set(deployment["parameters"]) <= set(inspect.signature(flow.fn).parameters)
    arguments = flow.validate_parameters(deployment["parameters"])
    parameters = MODELS[flow.name].gather(arguments)
    place = fill_output_dir(
        str(parameters.output_dir),
        Occasion(scheduled_at="2026-11-23T17:00:00Z", is_deployed=True),  # pyright: ignore[reportArgumentType]
        flow="gold" if flow.name == "gold" else "training",
        count=deployment["parameters"]["count"],
        seed=42,
        zone="Asia/Seoul",
    )
    assert "{" not in place
    jsonschema.validate(deployment["parameters"], flow.parameters.model_dump_for_openapi())


def test_nights_come_one_at_a_time_in_seoul_and_each_with_its_own_seed_and_folder() -> None:
    (nightly,) = [one for one in DOCUMENT["deployments"] if one["name"] == "nightly"]
    assert nightly["concurrency_limit"] == 1
    (schedule,) = nightly["schedules"]
    assert schedule["timezone"] == "Asia/Seoul"
    assert "seed" not in nightly["parameters"]
    assert "{date}" in nightly["parameters"]["output_dir"]


@pytest.mark.parametrize("name", FLOWS)
def test_signature_and_model_say_the_same(name: str) -> None:
    defaults = {key: parameter.default for key, parameter in inspect.signature(FLOWS[name].fn).parameters.items()}
    assert MODELS[name]().grouped() == defaults
    assert MODELS[name].gather(defaults) == MODELS[name]()


@pytest.mark.parametrize("name", FLOWS)
def test_every_parameter_is_described_in_the_form(name: str) -> None:
    schema = FLOWS[name].parameters.model_dump_for_openapi()
    groups = {f"#/definitions/{name}": definition for name, definition in schema["definitions"].items()}
    fields = {key: groups.get(field.get("$ref", ""), field) for key, field in schema["properties"].items()}
    for group in groups.values():
        fields |= {f"{group['title']}.{key}": field for key, field in group.get("properties", {}).items()}
    assert [key for key, field in fields.items() if not field.get("description")] == []
    assert "secret" not in str(schema).lower()


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"count": "many"},
        {"seed": -1},
        {"provider": "someone"},
        {"max_cost": 0},
        {"repo_id": "no-owner"},
        {"requests": {"max_rounds": 21}},
        {"requests": {"endpoint": "/v2"}},
        {"queue": {"poll_interval": 0}},
        {"queue": {"pol_interval": 1}},
        {"workers": {"task_runner": "celery"}},
        {"dialogues": {"mix": {"no_such_kind": 1}}},
    ],
    ids=str,
)
def test_wrong_values_are_refused_when_a_run_is_created(wrong: dict[str, Any]) -> None:
    # The server holds a new run's parameters against this schema.
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, training.parameters.model_dump_for_openapi())
