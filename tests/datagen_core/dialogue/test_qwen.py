from __future__ import annotations

from typing import Any

import pytest
from dialogue_strategies import any_text, dialogues
from hypothesis import given, settings
from hypothesis import strategies as st
from qwen_cases import QwenCase, read_cases
from qwen_reference import has_reference, needs_reference, render_reference_record

from datagen_core import config
from datagen_core.dialogue.models import Dialogue
from datagen_core.dialogue.qwen import QWEN_TEMPLATES, QwenTemplate, render_qwen
from datagen_core.dialogue.record import RecordError, to_record

CASES = read_cases()
templates = pytest.mark.parametrize("template", QWEN_TEMPLATES)


def named(cases: list[QwenCase]) -> list[Any]:
    return [pytest.param(case, id=case.name) for case in cases]


@needs_reference
@templates
@pytest.mark.parametrize("case", named(CASES))
def test_a_record_renders_as_the_official_template_does(case: QwenCase, template: QwenTemplate) -> None:
    assert render_qwen(case.record, template) == render_reference_record(case.record, template)


@templates
@pytest.mark.parametrize("case", named([case for case in CASES if case.has_golden]))
def test_a_record_renders_to_its_golden_file(case: QwenCase, template: QwenTemplate, golden: Any) -> None:
    if golden.is_updating:
        assert has_reference(), "Golden files come from the official templates: pip install --no-deps trl==1.16.0."
        golden(f"{case.name}.{template}.txt", render_reference_record(case.record, template))
        return
    golden(f"{case.name}.{template}.txt", render_qwen(case.record, template))


def check_equal(record: Any) -> None:
    for template in QWEN_TEMPLATES:
        assert render_qwen(record, template) == render_reference_record(record, template)


@needs_reference
@settings(max_examples=30)
@given(dialogues)
def test_any_dialogue_renders_as_the_official_template_does(dialogue: Dialogue) -> None:
    check_equal(to_record(dialogue, {}))


@pytest.mark.slow
@needs_reference
@settings(max_examples=400)
@given(dialogues)
def test_many_more_dialogues_render_as_the_official_template_does(dialogue: Dialogue) -> None:
    check_equal(to_record(dialogue, {}))


messages = st.lists(st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": any_text}))


@needs_reference
@given(messages=messages, prompt=any_text)
def test_any_messages_render_as_the_official_template_does(messages: list[dict[str, str]], prompt: str) -> None:
    check_equal({"system_prompt": prompt, "messages": messages, "tools": []})


@needs_reference
@templates
def test_the_domains_tools_render_as_the_official_template_does(template: QwenTemplate) -> None:
    record: Any = {"system_prompt": "상담사", "messages": [{"role": "user", "content": "안녕"}], "tools": config.TOOLS}
    assert render_qwen(record, template) == render_reference_record(record, template)


def test_only_hybrid_qwen3_adds_an_empty_thought_and_only_to_the_last_answer() -> None:
    (case,) = [case for case in CASES if case.name == "several_questions"]
    texts = {template: render_qwen(case.record, template) for template in QWEN_TEMPLATES}
    assert texts["qwen3"].count("<think>\n\n</think>\n\n") == 1
    assert texts["qwen3"].replace("<think>\n\n</think>\n\n", "") == texts["qwen3-2507"] == texts["qwen2.5"]


def test_the_case_table_is_large_enough_and_named_uniquely() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 24


@pytest.mark.parametrize(
    ("change", "field", "index"),
    [
        ({"system_prompt": None}, "system_prompt", None),
        ({"messages": "text"}, "messages", None),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "tool", "content": "b"}]}, "messages", 1),
        ({"messages": [{"role": "user", "content": None}]}, "messages", 0),
        ({"messages": [None]}, "messages", 0),
        ({"tools": "[]"}, "tools", None),
        ({"tools": ["x"]}, "tools", None),
    ],
)
def test_a_record_that_cannot_be_rendered_names_the_place(
    change: dict[str, Any], field: str, index: int | None
) -> None:
    sound: dict[str, Any] = {"system_prompt": "상담사", "messages": [], "tools": []}
    with pytest.raises(RecordError) as caught:
        render_qwen({**sound, **change}, "qwen3")
    assert (caught.value.field, caught.value.index) == (field, index)
    assert field in str(caught.value)


@pytest.mark.parametrize("field", ["system_prompt", "messages"])
def test_a_missing_field_is_named(field: str) -> None:
    record: dict[str, Any] = {"system_prompt": "상담사", "messages": [], "tools": []}
    del record[field]
    with pytest.raises(RecordError, match=f"field '{field}': is missing"):
        render_qwen(record, "qwen2.5")
