"""Requests that are no briefs of ours get short, valid answers."""

from __future__ import annotations

import jsonschema_rs
import orjson
import pytest

from datagen_core.simulator.writer import ScriptWriter

NESTED: dict[str, object] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 5},
        "kind": {"enum": ["b", "a"]},
        "count": {"type": "integer", "minimum": 2},
        "when": {"type": "string", "format": "date"},
        "note": {"type": ["null", "string"]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2},
        "next": {"$ref": "#/$defs/leaf"},
        "either": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        "fixed": {"const": 3},
    },
    "required": ["name", "kind", "count", "when", "note", "tags", "next", "either", "fixed"],
    "additionalProperties": False,
    "$defs": {"leaf": {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}},
}


def answer(body: dict[str, object]) -> str:
    found = ScriptWriter(mistakes=1.0).answer("row-1", body)
    assert (found.finish_reason, found.refusal, found.planted) == ("stop", None, None)
    return found.text


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": "Hello"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]},
        {"input": "Hello"},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Hello"}]}]},
        {"messages": []},
        {"messages": "nonsense", "response_format": 3},
        {"messages": [None, 3, {"role": "user", "content": None}], "text": []},
        {},
    ],
)
def test_a_plain_request_gets_a_polite_sentence(body: dict[str, object]) -> None:
    assert answer(body).endswith("니다.")


def test_a_chat_schema_is_satisfied() -> None:
    text = answer(
        {
            "messages": [{"role": "user", "content": "Hello"}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": NESTED}},
        }
    )
    jsonschema_rs.validator_for(NESTED).validate(orjson.loads(text))


def test_a_responses_schema_is_satisfied() -> None:
    text = answer({"input": "Hello", "text": {"format": {"type": "json_schema", "name": "x", "schema": NESTED}}})
    jsonschema_rs.validator_for(NESTED).validate(orjson.loads(text))


def test_a_json_object_is_given_where_one_is_asked_for() -> None:
    assert answer({"messages": [], "response_format": {"type": "json_object"}}) == "{}"


def test_a_schema_that_refers_to_itself_comes_to_an_end() -> None:
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}
    text = answer({"input": "x", "text": {"format": {"type": "json_schema", "schema": schema}}})
    assert text == "null"
