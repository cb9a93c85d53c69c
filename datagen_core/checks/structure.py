"""Decides whether a dialogue hangs together (S01 to S09): its fields, its roles, every call answered, strict JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from datagen_core.checks.case import Case
from datagen_core.checks.registry import Finding, rule
from datagen_core.dialogue.models import Role
from datagen_core.environment import json_problem

_NEXT: Final[dict[Role, frozenset[Role]]] = {
    "customer": frozenset({"call", "counsellor"}),
    "call": frozenset({"response"}),
    "response": frozenset({"call", "counsellor"}),
    "counsellor": frozenset({"customer"}),
}


@rule(
    "S01",
    "The answer parses; its required fields are there; it has messages.",
    korean="정해진 JSON 꼴을 그대로 지키고 필요한 값을 모두 씁니다.",
    needs_structure=False,
)
def check_readable(case: Case) -> Iterator[Finding]:
    """Find what could not be read: the answer, a field, `meta`, an opening that no backend can stand at."""
    yield from (Finding(None, problem) for problem in case.unreadable)
    yield from _find_problems(case, "S01")
    if not case.turns and not case.unreadable and not case.problems:
        yield Finding(None, "there are no messages")
    if not case.dialogue.system_prompt.strip() and not case.unreadable:
        yield Finding(None, "the system prompt is empty")
    elif case.is_delivery and case.dialogue.uid not in case.dialogue.system_prompt:
        yield Finding(None, f"the system prompt does not name the customer {case.dialogue.uid}")
    if isinstance(case.stage, str):
        yield Finding(None, case.stage)


@rule(
    "S02",
    "Roles are user and assistant; a response stands only after a call.",
    korean="대본에는 고객, 호출, 상담사의 말만 쓰고 응답은 쓰지 않습니다.",
    needs_structure=False,
)
def check_roles(case: Case) -> Iterator[Finding]:
    """Find strange roles, and responses that answer nothing."""
    yield from _find_problems(case, "S02")
    reported = {problem.index for problem in case.problems}
    for index, turn in enumerate(case.turns):
        if turn.role == "response" and index not in reported and (index == 0 or case.turns[index - 1].role != "call"):
            yield Finding(index, "a response stands without a call before it")


@rule(
    "S03",
    "It starts with the customer; user and assistant alternate strictly.",
    korean="고객의 말로 시작하고 고객과 상담사가 번갈아 말합니다.",
    needs_structure=False,
)
def check_alternation(case: Case) -> Iterator[Finding]:
    """Find turns out of order, but for what S02 (a response first) and S04 (a call not answered) name."""
    turns = case.turns
    if turns and turns[0].role != "customer":
        yield Finding(0, f"the first turn is of the {turns[0].role}, expected the customer")
    for index in range(1, len(turns)):
        before, now = turns[index - 1].role, turns[index].role
        if now not in _NEXT[before] and before != "call" and now != "response":
            yield Finding(index, f"a turn of the {now} follows one of the {before}")


@rule(
    "S04",
    "Every call is answered exactly once before anyone speaks again.",
    korean="호출은 고객의 말과 상담사의 말 사이에만 둡니다.",
    needs_structure=False,
)
def check_answered(case: Case) -> Iterator[Finding]:
    """Find calls after which anything but a response stands."""
    for index in range(1, len(case.turns)):
        if case.turns[index - 1].role == "call" and case.turns[index].role != "response":
            yield Finding(index - 1, f"the call is not answered: a turn of the {case.turns[index].role} follows")


@rule(
    "S05",
    "There are as many responses as calls, in call order.",
    korean="한 번에 하나의 호출만 씁니다.",
    needs_structure=False,
)
def check_counts(case: Case) -> Iterator[Finding]:
    """Find response turns that hold more or fewer responses than the calls before them."""
    reported = {problem.index for problem in case.problems}
    for index in range(1, len(case.turns)):
        calls, responses = case.turns[index - 1], case.turns[index]
        if calls.role != "call" or responses.role != "response" or reported & {index - 1, index}:
            continue
        if len(calls.calls) != len(responses.responses):
            yield Finding(index, f"{len(calls.calls)} calls have {len(responses.responses)} responses")


@rule(
    "S06",
    "It ends with counsellor text; no call dangles.",
    korean="마지막은 상담사의 말로 끝냅니다.",
    needs_structure=False,
)
def check_ending(case: Case) -> Iterator[Finding]:
    """Find a last turn that is not the counsellor's text."""
    if case.turns and case.turns[-1].role != "counsellor":
        yield Finding(len(case.turns) - 1, f"the last turn is of the {case.turns[-1].role}, expected the counsellor")


@rule("S07", "No turn is empty.", korean="빈 말을 쓰지 않습니다.", needs_structure=False)
def check_empty(case: Case) -> Iterator[Finding]:
    """Find turns without text, calls or responses."""
    yield from _find_problems(case, "S07")
    reported = {problem.index for problem in case.problems}
    for index, turn in enumerate(case.turns):
        if index not in reported and not turn.text.strip() and not turn.calls and not turn.responses:
            yield Finding(index, f"the turn of the {turn.role} is empty")


@rule(
    "S08",
    "An inlined call or response parses back to itself: tags balanced, the message trimmed exactly, strict JSON.",
    korean="호출의 인자는 올바른 JSON으로 씁니다.",
    needs_structure=False,
)
def check_inline(case: Case) -> Iterator[Finding]:
    """Find damaged blocks, calls without a name, and arguments that JSON in UTF-8 cannot hold or that nest too deep."""
    yield from _find_problems(case, "S08")
    is_parsed = case.performed is not None  # then calls stood in a script, which is strict JSON
    for index, turn in enumerate(case.turns):
        for call in turn.calls:
            problem = None if is_parsed else json_problem(call.arguments) or json_problem(call.name)
            if problem is not None or not call.name:
                yield Finding(index, f"the call is no strict JSON: {problem or 'its name is empty'}")


@rule(
    "S09",
    "Responses are strict JSON: no None, NaN or True.",
    korean="응답은 쓰지 않습니다.",
    needs_structure=False,
)
def check_strict_json(case: Case) -> Iterator[Finding]:
    """Find responses that are Python rather than JSON, that JSON in UTF-8 cannot hold, or that nest too deep."""
    yield from _find_problems(case, "S09")
    if case.performed is not None:  # what the backend answers is strict JSON: its own tests hold that
        return
    for index, turn in enumerate(case.turns):
        for response in turn.responses:
            problem = json_problem(response)
            if problem is not None:
                yield Finding(index, f"the response is no strict JSON: {problem}")


def _find_problems(case: Case, rule_id: str) -> Iterable[Finding]:
    if not case.problems:  # as in nearly every dialogue
        return ()
    return (Finding(found.index, found.message) for found in case.problems if found.rule_id == rule_id)
