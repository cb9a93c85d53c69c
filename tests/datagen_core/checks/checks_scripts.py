"""Writes flawless scripts for scenarios, with the plainest of words, so that nothing but the calls can be wrong."""

from __future__ import annotations

from datagen_core.dialogue.script import Script, ScriptCall, ScriptTurn
from datagen_core.environment import Environment
from datagen_core.reference import Rehearsal
from datagen_core.scenarios import Scenario


def write_script(scenario: Scenario) -> Script:
    """Return the script of a counsellor who does what the plan says, no more and no less."""
    rehearsal = Rehearsal(Environment(scenario.opening))
    turns: list[ScriptTurn] = []
    for step in scenario.steps:
        said = f"{{{step.order}}} 부탁해요" if step.order else "부탁해요"
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


def _speak(turns: list[ScriptTurn], said: str) -> None:
    """Let the customer say something, after the counsellor has answered what came before."""
    if turns:
        turns.append(ScriptTurn("counsellor", "네, 더 말씀해 주세요."))
    turns.append(ScriptTurn("customer", said))
