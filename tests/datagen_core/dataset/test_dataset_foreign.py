"""Rows of OpenAI's form: read into ours, with what is wrong named by rule and message; a table tells which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen_core.dataset.reading_foreign import read_row
from datagen_core.dataset.validating import validate_file
from datagen_core.dataset.verdicts import judge_answer
from datagen_core.dialogue.inline import parse_responses
from datagen_core.dialogue.structured import to_structured
from datagen_core.scenarios import Scenario

FOLDER = Path(__file__).parent
CASES: list[dict[str, Any]] = json.loads((FOLDER / "foreign_cases.json").read_text(encoding="utf-8"))
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "Tell the weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TOOLS = [{"type": "function", "function": WEATHER}]
ANSWERS = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((FOLDER.parents[1] / "fixtures" / "answers").glob("*.json"))
]


def _errors(row: dict[str, Any]) -> list[tuple[str, int | None]]:
    _, violations = read_row(row).judge()
    return sorted((v.rule, v.turn) for v in violations if v.severity == "E")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_table(case: dict[str, Any]) -> None:
    row = {"messages": case["messages"], "tools": TOOLS}
    assert _errors(row) == sorted((rule, turn) for rule, turn in case["broken"])
    if "responses" in case:
        contents = [message["content"] for message in read_row(row).record["messages"]]  # type: ignore[union-attr]
        assert parse_responses(contents[2]) == case["responses"]


@pytest.mark.parametrize(
    "tools",
    [TOOLS, [WEATHER], json.dumps(TOOLS), [json.dumps(WEATHER)], [json.dumps(TOOLS[0])]],
    ids=["wrapped", "bare", "JSON text", "a JSON text each", "a wrapped JSON text each"],
)
def test_tools_are_read_however_they_are_written(tools: object) -> None:
    good, unknown = CASES[0], next(case for case in CASES if case["broken"] == [["C01", 2]])
    for key in ("tools", "functions"):
        case, violations = read_row({"messages": good["messages"], key: tools}).judge()
        assert [v for v in violations if v.severity == "E"] == []
        assert list(case.tools.specs) == ["get_weather"]
        assert not case.is_delivery
        assert _errors({"messages": unknown["messages"], key: tools}) == [("C01", 2)]


@pytest.mark.parametrize("fixture", ANSWERS[::3], ids=lambda fixture: fixture["scenario"]["id"])
def test_our_own_structured_export_reads_back_to_the_same_messages(fixture: dict[str, Any]) -> None:
    answer = {"custom_id": "x.r1", "outcome": "answered", "text": fixture["text"]}
    record = judge_answer(Scenario.model_validate(fixture["scenario"]), answer).record
    assert record is not None
    structured = json.loads(json.dumps(to_structured(record), ensure_ascii=False))
    reading = read_row(structured)
    assert reading.record["messages"] == record["messages"]
    assert reading.record["system_prompt"] == record["system_prompt"]
    case, violations = reading.judge()
    assert case.is_delivery
    assert [v for v in violations if v.severity == "E"] == []
    assert read_row(dict(record)).record == record


def test_of_another_s_meta_nothing_is_read() -> None:
    row = {"messages": CASES[0]["messages"], "tools": TOOLS, "meta": {"kind": 5, "opening": "a shop"}}
    assert _errors(row) == []


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["[", "{}", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_CALL = st.fixed_dictionaries(
    {},
    optional={
        "id": _JSON | st.just("a"),
        "function": _JSON | st.fixed_dictionaries({"name": _JSON, "arguments": _JSON}),
        "name": _JSON,
        "arguments": _JSON,
    },
)
_MESSAGE = _JSON | st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool", "function", "developer"]) | _JSON},
    optional={
        "content": _JSON,
        "tool_calls": _JSON | st.lists(_CALL, max_size=3),
        "function_call": _CALL,
        "tool_call_id": _JSON | st.just("a"),
    },
)


@settings(max_examples=300)
@given(
    row=st.fixed_dictionaries(
        {"messages": st.lists(_MESSAGE, max_size=6) | _JSON},
        optional=dict.fromkeys(("tools", "functions", "uid", "dates", "system_prompt", "system", "meta"), _JSON),
    ),
    is_columnar=st.booleans(),
)
def test_any_row_is_read_and_judged(row: dict[str, Any], is_columnar: bool) -> None:
    _, violations = read_row(row, is_columnar=is_columnar).judge()
    assert all(v.message for v in violations)


def test_parquet_that_the_library_datasets_wrote_is_read(tmp_path: Path) -> None:
    from datasets import Dataset

    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Seoul"}'}}
    row = {
        "messages": [
            {"role": "user", "content": "Weather in Seoul?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": '{"degrees": 3}'},
            {"role": "assistant", "content": "It has 3 degrees."},
        ],
        "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}],
    }
    row["messages"].insert(0, {"role": "system", "content": "You know the weather."})
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    Dataset.from_json(str(tmp_path / "rows.jsonl"), cache_dir=str(tmp_path)).to_parquet(str(tmp_path / "rows.parquet"))
    assert validate_file(tmp_path / "rows.parquet").n_sound == 1
