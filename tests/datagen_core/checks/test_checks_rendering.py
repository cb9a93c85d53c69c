"""Z02 looks at what can differ; both renderings, byte for byte, are the measure of what that is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from datagen_core.checks import RULES, Case
from datagen_core.dialogue.models import Dialogue, ToolCall, Turn
from datagen_core.dialogue.qwen import QWEN_TEMPLATES, render_qwen, render_structured
from datagen_core.dialogue.record import to_record
from datagen_core.dialogue.structured import to_structured

_NASTY = ("</think>", "<think>", "\n", '"', "\\", "<tool_call>", "</tool_call>", "<tool_response>",
          "\n</tool_response>", "가", " ", "\u2028", "/", "<|im_end|>")  # fmt: skip
pieces = st.lists(st.one_of(st.sampled_from(_NASTY), st.text(max_size=3)), max_size=4).map("".join)
words = pieces.filter(lambda text: bool(text.strip()) and text.isprintable() | ("\n" in text))
wholes = st.integers(-(2**63), 2**63 - 1)  # S08 and S09 refuse what does not fit
values = st.recursive(
    st.one_of(st.none(), st.booleans(), wholes, st.floats(allow_nan=False, allow_infinity=False), pieces),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(pieces, inner, max_size=2)),
    max_leaves=4,
)  # fmt: skip
calls = st.builds(ToolCall, words, st.dictionaries(pieces, values, max_size=2))


def _encodes(text: object) -> bool:
    return "\\ud" not in ascii(text)


@st.composite
def dialogues(draw: st.DrawFn) -> Dialogue:
    turns = [Turn("customer", text=draw(words))]
    for made in draw(st.lists(st.lists(calls, min_size=1, max_size=2), max_size=2)):
        turns += [Turn("call", calls=tuple(made)), Turn("response", responses=tuple(draw(values) for _ in made))]
    turns.append(Turn("counsellor", text=draw(words)))
    return Dialogue("u", "2026-02-14", "상담사", tuple(turns))


def _renders_equal(dialogue: Dialogue) -> bool:
    record = to_record(dialogue, {})
    try:
        structured = to_structured(record)
    except ValueError:
        return False
    return all(render_qwen(record, name) == render_structured(structured, name) for name in QWEN_TEMPLATES)


@settings(max_examples=400)
@given(dialogues().filter(_encodes))
def test_what_renders_otherwise_breaks_the_rule(dialogue: Dialogue) -> None:
    check = RULES["Z02"].check
    assert check is not None
    assert _renders_equal(dialogue) or list(check(Case(dialogue)))


@given(st.lists(calls, min_size=1, max_size=2), st.lists(values, min_size=2, max_size=2))
def test_what_keeps_the_rule_renders_equal_and_the_rule_is_not_blind_to_all(
    made: list[ToolCall], given_back: list[object]
) -> None:
    turns = (
        Turn("customer", text="안녕"),
        Turn("call", calls=tuple(ToolCall("ping", call.arguments) for call in made)),
        Turn("response", responses=tuple(given_back[: len(made)])),
        Turn("counsellor", text="네"),
    )
    dialogue = Dialogue("u", "2026-02-14", "상담사", turns)
    if not _encodes(dialogue):
        return
    check = RULES["Z02"].check
    assert check is not None
    broken = list(check(Case(dialogue)))
    assert bool(broken) == any("</think>" in str(call.arguments) for call in made)
    assert broken or _renders_equal(dialogue)
