"""The examples in the prompt are flawless: performed, they do what their brief asks for and break no rule."""

from __future__ import annotations

import pytest

from datagen_core.checks import check_dialogue
from datagen_core.checks.case import Case
from datagen_core.config import GOLD_CATEGORIES, KINDS, NO_CALL_KINDS, TOOLS, GoldCategory, Kind
from datagen_core.dialogue.models import Dialogue, ToolCall, Turn
from datagen_core.dialogue.script import parse_script
from datagen_core.environment import Environment
from datagen_core.gold_sections import CATEGORY_SECTIONS
from datagen_core.plans import PlannedCall
from datagen_core.prompt_sections import KIND_SECTIONS, Section
from datagen_core.prompts import render_system_prompt
from datagen_core.reference import Rehearsal
from datagen_core.simulator.reading import Brief, read_brief

KIND_OF_CATEGORY: dict[GoldCategory, Kind] = {
    "단순/연속 검색": "tool_use",
    "메뉴 조회": "follow_up",
    "장바구니 조작": "tool_use",
    "주문 이력/상태": "clarification",
    "주문 처리": "tool_use",
    "멀티턴 복합": "tool_use",
    "비지원 시나리오": "unsupported",
    "엣지 케이스": "tool_use",
}
EXAMPLES: list[tuple[Kind, GoldCategory | None, Section]] = [
    *((kind, None, section) for kind, section in KIND_SECTIONS.items()),
    *((KIND_OF_CATEGORY[name], name, section) for name, section in CATEGORY_SECTIONS.items()),
]
NAMES = [category or kind for kind, category, _ in EXAMPLES]


def _read(kind: Kind, section: Section) -> Brief:
    text = section.example.brief.replace("[순서]", f"[종류] {KIND_SECTIONS[kind].label}\n[순서]")
    brief = read_brief(text)
    assert brief is not None, text
    return brief


def _perform(brief: Brief, script: str) -> tuple[Dialogue, list[PlannedCall]]:
    rehearsal = Rehearsal(Environment(brief.opening, brief.catalogue))
    turns, called = list[Turn](), list[PlannedCall]()
    parsed = parse_script(script)
    assert parsed.problem is None
    for turn in parsed.turns:
        for call in turn.calls:
            planned = PlannedCall(call.tool, call.arguments, is_asked=True)
            real = rehearsal.fill(call.tool, call.arguments)
            turns += [
                Turn("call", calls=(ToolCall(call.tool, real),)),
                Turn("response", responses=(rehearsal.execute(planned),)),
            ]
            called.append(planned)
        if not turn.calls:
            text = turn.text
            for number in range(1, 4):
                text = text.replace(f"{{O{number}}}", str(rehearsal.handles.resolve(f"O{number}")))
            turns.append(Turn(turn.role, text=text))
    uid, day = brief.opening.user_id, brief.opening.now[:10]
    system_prompt = render_system_prompt(uid, day)
    return Dialogue(uid=uid, date=day, system_prompt=system_prompt, turns=tuple(turns), tools=tuple(TOOLS)), called


@pytest.mark.parametrize(("kind", "category", "section"), EXAMPLES, ids=NAMES)
def test_example_breaks_no_rule(kind: Kind, category: GoldCategory | None, section: Section) -> None:
    brief = _read(kind, section)
    dialogue, _ = _perform(brief, section.example.script)
    case = Case(dialogue, kind=kind, category=category, max_customer_turns=brief.max_customer_turns)
    assert check_dialogue(case) == []


@pytest.mark.parametrize(("kind", "category", "section"), EXAMPLES, ids=NAMES)
def test_example_makes_the_calls_of_its_plan_and_no_other(
    kind: Kind, category: GoldCategory | None, section: Section
) -> None:
    brief = _read(kind, section)
    rehearsal = Rehearsal(Environment(brief.opening, brief.catalogue))
    planned: list[PlannedCall] = []
    for step in brief.steps:
        for call in rehearsal.plan(step):
            rehearsal.execute(call)
            planned.append(call)
    _, called = _perform(brief, section.example.script)
    assert [call[:2] for call in called] == [call[:2] for call in planned]
    assert bool(called) == (kind not in NO_CALL_KINDS)


def test_every_kind_and_category_has_a_section_of_its_own() -> None:
    assert tuple(KIND_SECTIONS) == KINDS
    assert tuple(CATEGORY_SECTIONS) == GOLD_CATEGORIES
    sections = [*KIND_SECTIONS.values(), *CATEGORY_SECTIONS.values()]
    for part in (
        [section.label for section in sections],
        [section.lesson for section in sections],
        [section.example.script for section in sections],
    ):
        assert len(set(part)) == len(sections)
