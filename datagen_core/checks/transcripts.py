"""Decides how a transcript is judged: what its header lacks is filled in, and nothing of it is executed."""

from __future__ import annotations

import re
from datetime import date, timedelta
from hashlib import blake2b
from typing import Final

from datagen_core.checks.case import Case
from datagen_core.config import TOOLS, USER_IDS, UUID_PATTERN
from datagen_core.dialogue.models import Dialogue
from datagen_core.dialogue.transcript import Transcript, parse_transcript
from datagen_core.prompts import render_system_prompt
from datagen_core.scenarios import Scenario

_FIRST_DAY: Final = date(2026, 1, 1)


def case_from_transcript(text: str, scenario: Scenario | None) -> Case:
    """Return the case of a transcript; the scenario, where there is one, says which kind of dialogue was asked for.

    It has neither opening nor goal: its responses are the model's own, and are held against their calls and each
    other only. A customer id or a date that is not in the header is the scenario's, else that of the calls, else
    one that belongs to the text.
    """
    found = parse_transcript(text)
    problem = found.problem
    uid = found.uid or (scenario.uid if scenario is not None else _find_user(found)) or _choose_user(text)
    day = found.date or (scenario.date if scenario is not None else _choose_day(text))
    if problem is None and not _is_date(day):
        problem = f"the transcript's date {day} is not in the calendar"
    if problem is None and re.fullmatch(UUID_PATTERN, uid) is None:
        problem = f"the transcript's customer id {uid} is no lower-case UUID"
    if problem is not None:
        empty = Dialogue(uid=uid, date=day, system_prompt="", turns=())
        dialogue, problems = empty, ()
    else:
        dialogue = Dialogue(uid, day, render_system_prompt(uid, day), found.turns, tuple(TOOLS))
        problems = found.problems
    return Case(
        dialogue,
        problems=problems,
        unreadable=() if problem is None else (problem,),
        forbidden_tools=scenario.forbidden_tools if scenario is not None else (),
        kind=scenario.kind if scenario is not None else None,
        category=scenario.category if scenario is not None else None,
        max_customer_turns=scenario.max_customer_turns if scenario is not None else None,
    )


def _find_user(transcript: Transcript) -> str | None:
    """Return the first `user_id` of a call."""
    given = (call.arguments.get("user_id") for turn in transcript.turns for call in turn.calls)
    return next((value for value in given if isinstance(value, str)), None)


def _choose_user(text: str) -> str:
    return USER_IDS[_hash(text) % len(USER_IDS)]


def _choose_day(text: str) -> str:
    return (_FIRST_DAY + timedelta(days=_hash(text) % 365)).isoformat()


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
