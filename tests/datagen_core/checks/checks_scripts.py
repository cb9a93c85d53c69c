"""Writes flawless scripts for scenarios, with the plainest of words, so that nothing but the calls can be wrong."""

from __future__ import annotations

from datagen_core.dialogue.script import Script, ScriptCall, ScriptTurn
from datagen_core.environment import Environment
from datagen_core.plans import Step
from datagen_core.reference import Rehearsal
from datagen_core.scenarios import Scenario


def write_script(scenario: Scenario) -> Script:
    """Return the script of a counsellor who does what the plan says, no more and no less."""
    rehearsal = Rehearsal(Environment(scenario.opening))
    turns: list[ScriptTurn] = []
    for step in scenario.steps:
        said = f"{_words_of(step)} 부탁해요"
        if not step.together:
            _speak(turns, said)
        calls = rehearsal.plan(step)
        if step.withhold is not None:
            _speak(turns, said)
        for call in calls:
            rehearsal.execute(call)
            turns.append(ScriptTurn("call", calls=(ScriptCall(call.tool, dict(call.arguments)),)))
    turns.append(ScriptTurn("counsellor", "네, 알겠습니다."))
    return Script(turns=tuple(turns))


def _words_of(step: Step) -> str:
    """Return what has to be said for the step's optional arguments to be the customer's own."""
    filters = step.filters
    words = [
        f"{{{step.order}}}" if step.order else None,
        {"rating": "평점 높은 순", "delivery_fee": "배달비 싼 순"}.get(str(filters.get("sort"))),
        "지금 영업하는 곳" if "only_open" in filters else None,
        f"평점 {filters['min_rating']:g} 이상" if "min_rating" in filters else None,
        step.special_request,
        step.note,
    ]
    return ", ".join(word for word in words if word)


def _speak(turns: list[ScriptTurn], said: str) -> None:
    """Let the customer say something, after the counsellor has answered what came before."""
    if turns:
        turns.append(ScriptTurn("counsellor", "네, 더 말씀해 주세요."))
    turns.append(ScriptTurn("customer", said))
