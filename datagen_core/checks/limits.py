"""Decides whether a dialogue stays within a sound size and moves on (Z01)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from datagen_core.checks.case import Case
from datagen_core.checks.registry import Finding, rule

MOST_CALLS: Final = 12
"""Calls after one customer line; 5 is the most in 38 answers of an LLM and 1,000 of the simulator's writer."""

LONGEST_TEXT: Final = 600
"""Characters of one spoken line; 217 is the most in the same dialogues. Nobody reads more in a chat."""

MOST_TURNS: Final = 60
"""Turns of one dialogue; 24 is the most in the same dialogues."""

LONGEST_DIALOGUE: Final = 60_000
"""Characters of a whole dialogue: about the 32,768 tokens that Qwen2.5 and Qwen3 read at once (their model cards)."""

_LOOP: Final = re.compile(r"(.{4,40}?)\1{9,}", re.DOTALL)
_SHORTEST_LOOP: Final = 200
_SHORTEST_REPEAT: Final = 10


@rule(
    "Z01",
    "Turns, calls and lengths are within limits, and no exchange is said twice in a row.",
    korean="고객의 말을 [분량]에 적힌 횟수 안에서 끝내고, 같은 말을 되풀이하지 않습니다.",
    needs_structure=False,
)
def check_length(case: Case) -> Iterator[Finding]:
    """Find more customer turns than the scenario allows, and exchanges repeated word for word.

    Warnings are for what is nearly degenerate: calls without end, very long lines, and lines that turn in circles.
    """
    spoken = sum(turn.role == "customer" for turn in case.turns)
    if case.max_customer_turns is not None and spoken > case.max_customer_turns:
        yield Finding(None, f"the customer speaks {spoken} times, at most {case.max_customer_turns} are allowed")
    if len(case.turns) > MOST_TURNS:
        yield Finding(None, f"there are {len(case.turns)} turns, more than {MOST_TURNS}", "W")
    size = sum(len(text) for _, text in case.texts)
    if size > LONGEST_DIALOGUE:
        yield Finding(None, f"the dialogue has {size:,} characters, more than {LONGEST_DIALOGUE:,}", "W")
    yield from _find_many_calls(case)
    yield from _find_long_lines(case)
    yield from _find_repeats(case)


def _find_many_calls(case: Case) -> Iterator[Finding]:
    calls = 0
    for index, turn in enumerate(case.turns):
        calls = 0 if turn.role == "customer" else calls + len(turn.calls)
        if turn.calls and calls > MOST_CALLS >= calls - len(turn.calls):
            yield Finding(index, f"more than {MOST_CALLS} calls follow one customer line", "W")


def _find_long_lines(case: Case) -> Iterator[Finding]:
    for index, turn in enumerate(case.turns):
        if len(turn.text) > LONGEST_TEXT:
            yield Finding(index, f"the text has {len(turn.text):,} characters, more than {LONGEST_TEXT}", "W")
        loop = _LOOP.search(turn.text[: 2 * LONGEST_TEXT]) if len(turn.text) >= _SHORTEST_LOOP else None
        if loop is not None:
            yield Finding(index, f"the text repeats {loop[1]!r} again and again", "W")


def _find_repeats(case: Case) -> Iterator[Finding]:
    """Find a customer line and its answer that both stand once more right after."""
    turns = case.turns
    for index in range(3, len(turns)):
        line, answer = turns[index - 1], turns[index]
        if (
            answer.role == "counsellor"
            and line.role == "customer"
            and answer == turns[index - 2]
            and line == turns[index - 3]
            and len(answer.text) >= _SHORTEST_REPEAT
        ):
            yield Finding(index, f"the exchange before is said again, word for word: {answer.text[:40]!r}")
