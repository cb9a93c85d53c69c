"""Decides the columns of the published dataset, and how a row of `dataset.jsonl` becomes one of Parquet and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import orjson

from datagen_core.dialogue.record import RECORD_KEYS
from datagen_core.errors import InputFileError
from datagen_core.files import JsonObject

if TYPE_CHECKING:
    from datasets import Features

COLUMNS: Final = ("id", *RECORD_KEYS)
"""The columns of a shard: the scenario's id, then the record's own keys in their order."""

_JSON_COLUMNS: Final = frozenset({"tools", "meta"})
ADVICE: Final = "Make the file again with `datagen`, or correct the line."


def build_features() -> Features:
    """Return the explicit features of `COLUMNS`.

    `tools` and `meta` are JSON strings: their shape differs from row to row, and Arrow would fill what one row lacks
    with nulls. Dates stay strings.
    """
    from datasets import Features, List, Value

    text = Value("string")
    columns: dict[str, object] = dict.fromkeys(COLUMNS, text)
    return Features(columns | {"messages": List({"role": text, "content": text})})


def encode_row(path: Path, line: int, record: JsonObject) -> dict[str, object]:
    """Return the record as a row of `COLUMNS`.

    Raises:
        InputFileError: a field is missing, unknown or of another type; names line and field.
    """
    for name in [*RECORD_KEYS, *record]:
        if (name in record) != (name in RECORD_KEYS):
            problem = "is missing." if name in RECORD_KEYS else "is not part of a record."
            raise InputFileError(path, problem, line=line, field=name, advice=ADVICE)
    row: dict[str, object] = {"id": _read_id(path, line, record["meta"])}
    for name in RECORD_KEYS:
        value = record[name]
        if name in _JSON_COLUMNS:
            row[name] = orjson.dumps(value).decode()
        elif _is_messages(value) if name == "messages" else isinstance(value, str):
            row[name] = value
        else:
            expected = "a list of {role, content}, both strings" if name == "messages" else "a string"
            raise InputFileError(path, f"expected {expected}.", line=line, field=name, advice=ADVICE)
    return row


def decode_row(row: JsonObject) -> JsonObject:
    """Return the record that a row of a shard holds: the inverse of `encode_row`."""
    return {name: orjson.loads(cast(str, row[name])) if name in _JSON_COLUMNS else row[name] for name in RECORD_KEYS}


def find_difference(record: JsonObject, row: JsonObject) -> str | None:
    """Return the first field in which a row of a shard differs from its record; types and inner key order count."""
    decoded = decode_row(row)
    for name in [*record, *decoded]:
        if name not in record or name not in decoded or orjson.dumps(record[name]) != orjson.dumps(decoded[name]):
            return name
    return None


def id_of(record: JsonObject) -> str | None:
    """Return the id of the record's scenario, or None where it has none."""
    meta = record.get("meta")
    scenario = cast(JsonObject, meta).get("scenario_id") if isinstance(meta, dict) else None
    return scenario if isinstance(scenario, str) else None


def _read_id(path: Path, line: int, meta: object) -> str:
    scenario = id_of({"meta": meta})
    if not scenario:
        problem = "expected the scenario's id, a string."
        raise InputFileError(path, problem, line=line, field="meta.scenario_id", advice=ADVICE)
    return scenario


def _is_messages(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(message, dict)
        and list(cast(JsonObject, message)) == ["role", "content"]
        and all(isinstance(text, str) for text in cast(JsonObject, message).values())
        for message in cast(list[object], value)
    )
