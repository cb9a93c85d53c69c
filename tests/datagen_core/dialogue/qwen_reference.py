"""Renders with the official Qwen chat templates, as transformers does: what our renderer is compared with.

The templates are read from the `trl` package without importing it (`pip install --no-deps trl==1.16.0`).
"""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path

import pytest
from jinja2 import Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from datagen_core.dialogue.qwen import QwenTemplate

_FILES: dict[QwenTemplate, str] = {
    "qwen2.5": "qwen2_5.jinja",
    "qwen3": "qwen3.jinja",
    "qwen3-2507": "qwen3_instruct_2507.jinja",
}


def has_reference() -> bool:
    return importlib.util.find_spec("trl") is not None


needs_reference = pytest.mark.skipif(not has_reference(), reason="needs pip install --no-deps trl==1.16.0")


def render_reference(messages: list[dict[str, object]], tools: object, template: QwenTemplate) -> str:
    return _load(template).render(messages=messages, tools=tools, add_generation_prompt=False)


def render_reference_record(record: dict[str, object], template: QwenTemplate) -> str:
    """Render the inline form: the system prompt, then the messages as they stand."""
    messages = [{"role": "system", "content": record["system_prompt"]}, *record["messages"]]  # pyright: ignore
    return render_reference(messages, record.get("tools"), template)


@cache
def _load(template: QwenTemplate) -> Template:
    spec = importlib.util.find_spec("trl")
    assert spec is not None
    assert spec.submodule_search_locations
    source = Path(spec.submodule_search_locations[0], "chat_templates", _FILES[template]).read_text(encoding="utf-8")
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.from_string(source)
