"""Draws dialogues for property tests: any text and any JSON, with the structure that the performer gives."""

from __future__ import annotations

from hypothesis import strategies as st

from datagen_core.dialogue.inline import is_call_content, is_response_content
from datagen_core.dialogue.models import Dialogue, ToolCall, Turn

AWKWARD = (
    "<tool_call>\n", "\n</tool_call>", "<tool_response>\n", "\n</tool_response>", "<think>", "</think>", "\n", "\u2028",
    '"', "\\", "<", "&", "'", "🍜", "김치찌개 두 개요", "{", "}", "{{", "{%", "<|im_end|>", "\x00", "\x7f",
)  # fmt: skip

any_text = st.lists(st.one_of(st.text(max_size=8), st.sampled_from(AWKWARD)), max_size=5).map("".join)
any_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), any_text),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(any_text, inner, max_size=3)),
    max_leaves=4,
)
any_object = st.dictionaries(any_text, any_json, max_size=3)
tool_names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_-]{0,20}", fullmatch=True)
tool_calls = st.builds(ToolCall, tool_names, any_object)
plain_text = any_text.filter(
    lambda text: bool(text.strip()) and not is_call_content(text) and not is_response_content(text)
)
tool_specs = st.lists(
    st.builds(lambda name, spec: {"type": "function", "function": {"name": name, **spec}}, tool_names, any_object),
    max_size=2,
).map(tuple)


@st.composite
def exchanges(draw: st.DrawFn) -> list[Turn]:
    """Draw a customer's line, calls with their responses, and the counsellor's answer."""
    turns = [Turn("customer", text=draw(plain_text))]
    for calls in draw(st.lists(st.lists(tool_calls, min_size=1, max_size=3), max_size=3)):
        turns.append(Turn("call", calls=tuple(calls)))
        turns.append(Turn("response", responses=tuple(draw(any_json) for _ in calls)))
    turns.append(Turn("counsellor", text=draw(plain_text)))
    return turns


dialogues = st.builds(
    lambda uid, date, prompt, rounds, cut, tools: Dialogue(
        uid, date, prompt, tuple(turn for turns in rounds for turn in turns)[: cut or None], tools
    ),
    uid=st.uuids().map(str),
    date=st.dates().map(str),
    prompt=any_text,
    rounds=st.lists(exchanges(), min_size=1, max_size=3),
    cut=st.integers(0, 5),
    tools=tool_specs,
)
"""Whole dialogues, and ones cut off in the middle (a dangling call or response)."""
