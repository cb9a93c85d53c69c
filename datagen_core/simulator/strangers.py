"""Decides what the simulator answers to a request that is no brief of ours: a sentence, or JSON of the schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import orjson

from datagen_core.files import JsonObject

_DEEPEST: Final = 12
_SENTENCE: Final = "안녕하세요. 배달 앱 상담 대본을 쓰는 시뮬레이터입니다. 준비된 상황이 아니어서 짧게 답해 드립니다."
_EMPTY: Final[Mapping[str, object]] = {"boolean": False, "null": None}
_BY_FORMAT: Final[Mapping[str, str]] = {
    "date-time": "2026-01-01T00:00:00+09:00",
    "date": "2026-01-01",
    "time": "00:00:00+09:00",
    "email": "user@example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.com",
}


def answer_stranger(body: Mapping[str, object]) -> str:
    """Return a Korean sentence, or, where the body asks for JSON, the least that its schema allows."""
    wanted = _find_format(body)
    if wanted.get("type") == "json_object":
        return "{}"
    inner = wanted.get("json_schema")
    schema = wanted.get("schema") or (cast("JsonObject", inner).get("schema") if isinstance(inner, dict) else None)
    if wanted.get("type") != "json_schema" or not isinstance(schema, dict):
        return _SENTENCE
    root = cast("JsonObject", schema)
    return orjson.dumps(_fill(root, root, 0)).decode()


def _find_format(body: Mapping[str, object]) -> JsonObject:
    text = body.get("text")
    inner = cast("JsonObject", text).get("format") if isinstance(text, dict) else None
    found = body.get("response_format") or inner
    return cast("JsonObject", found) if isinstance(found, dict) else {}


def _fill(schema: object, root: JsonObject, depth: int) -> object:
    """Return a small value of the schema; patterns and conditions are not read."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return None
    node = cast("JsonObject", schema)
    if "$ref" in node:
        return _fill(_follow(str(node["$ref"]), root), root, depth + 1)
    for key in ("const", "default"):
        if key in node:
            return node[key]
    for key in ("enum", "examples", "anyOf", "oneOf", "allOf"):
        choices = node.get(key)
        if isinstance(choices, list) and choices:
            first = cast("list[object]", choices)[0]
            return first if key in ("enum", "examples") else _fill(first, root, depth + 1)
    named = node.get("type", "object" if "properties" in node else "null")
    kinds = cast("list[object]", named) if isinstance(named, list) else [named]
    return _fill_type(str(kinds[0] if kinds else None), node, root, depth)


def _fill_type(kind: str, node: JsonObject, root: JsonObject, depth: int) -> object:
    if kind == "object":
        properties = node.get("properties")
        required = cast("list[str]", node.get("required") or [])
        known = cast("JsonObject", properties) if isinstance(properties, dict) else {}
        return {name: _fill(known.get(name), root, depth + 1) for name in required}
    if kind == "array":
        count = node.get("minItems", 0)
        return [_fill(node.get("items"), root, depth + 1)] * (count if isinstance(count, int) else 0)
    if kind == "string":
        least = node.get("minLength", 0)
        text = _BY_FORMAT.get(str(node.get("format")), "예시")
        return text.ljust(least, ".") if isinstance(least, int) else text
    if kind in ("integer", "number"):
        lowest = node.get("minimum", 0)
        return lowest if isinstance(lowest, int | float) and lowest > 0 else 0
    return _EMPTY.get(kind)


def _follow(reference: str, root: JsonObject) -> object:
    found: object = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        if part:
            found = cast("JsonObject", found).get(part) if isinstance(found, dict) else None
    return found
