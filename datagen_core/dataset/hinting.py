"""Decides what the next round's request says of a rejected answer: each broken rule's hint, with what was at fault.

Violations are told in English, and may name real ids; the writer knows Korean hints, handles and its own words. So of
a message only those words are passed on that the writer has in front of it: its own, quoted, and the plan's names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

from datagen_core.checks import RULES
from datagen_core.config import ERROR_CODES, PAYMENT_METHODS, TOOL_NAMES, TOOLS
from datagen_core.dialogue.script import Script, ScriptTurn, parse_script

MOST_RULES: Final = 5
"""Rules named in one request; with the note's heading six lines. What is said to be wrong first is often the cause."""

_MOST_DETAILS: Final = 2
_PRIVACY: Final = "I"
"""Rules against personal data: what they found is not sent anywhere again."""

_LONGEST_DETAIL: Final = 70
_LONGEST_CALL: Final = 160


def _list_arguments() -> Iterator[str]:
    for function in (cast("dict[str, dict[str, object]]", tool["function"]) for tool in TOOLS):
        yield from cast("dict[str, object]", function["parameters"]["properties"])


_WORDS: Final = sorted(
    {*TOOL_NAMES, *_list_arguments(), *ERROR_CODES, *PAYMENT_METHODS} - {"user_id", "query", "at"},
    key=len,
    reverse=True,
)
"""Names that stand in the prompt too; without those that are words of an English sentence, or never written."""

_DETAIL: Final = re.compile(
    rf"(?P<call>(?:{'|'.join(TOOL_NAMES)})\(\{{[^\n]*?\}}\))|'(?P<single>[^'\n]+)'|\"(?P<double>[^\"\n]+)\""
    rf"|(?<![\w-])(?P<word>{'|'.join(_WORDS)}|[RMACOSX][1-9][0-9]{{0,2}})(?![\w-])"
)
_UNSAFE: Final = re.compile(r"[<>|\x00-\x1f\x7f]|[0-9a-f]{8}-[0-9a-f]{4}-")


def hint_problems(violations: Iterable[Mapping[str, object]], text: object) -> list[str]:
    """Return one Korean line for each rule that rejected an answer, at most `MOST_RULES`, without repetition.

    `violations` are rows of `rejected.jsonl`; warnings and rules of another version are left out. `text` is the
    answer, of whatever type a damaged file holds.
    """
    answer = text if isinstance(text, str) else ""
    script = parse_script(answer)
    details: dict[str, list[str]] = {}
    for violation in violations:
        rule = str(violation.get("rule"))
        if violation.get("severity") != "E" or rule not in RULES:
            continue
        found = details.setdefault(RULES[rule].korean, [])
        if rule[0] == _PRIVACY:
            continue
        found += [detail for detail in _find_details(violation, script, answer) if detail not in found]
    return [_render(hint, found) for hint, found in list(details.items())[:MOST_RULES]]


def _render(hint: str, details: list[str]) -> str:
    return f"{hint} (걸린 곳: {', '.join(details[:_MOST_DETAILS])})" if details else hint


def _find_details(violation: Mapping[str, object], script: Script, answer: str) -> list[str]:
    """Return what a message names that the writer knows; where it names nothing, the line at fault."""
    found: list[str] = []
    for match in _DETAIL.finditer(str(violation.get("message"))):
        quoted = match["single"] or match["double"]
        if quoted is None:
            known = match["word"] or match["call"]
            found += [] if _UNSAFE.search(known) else [_shorten(known, _LONGEST_CALL)]
        elif quoted in answer and not _UNSAFE.search(quoted):
            found.append(f"“{_shorten(quoted)}”")
    if found:
        return list(dict.fromkeys(found))
    turn = _find_turn(script, violation.get("turn"))
    if turn is None:
        return []
    if turn.role == "call":
        return [call.tool for call in turn.calls if call.tool in TOOL_NAMES]
    return [] if _UNSAFE.search(turn.text) else [f"“{_shorten(turn.text)}”"]


def _find_turn(script: Script, place: object) -> ScriptTurn | None:
    """Return the script's turn that became the dialogue's turn `place`; a turn of calls became two."""
    if not isinstance(place, int):
        return None
    index = 0
    for turn in script.turns:
        index += 2 if turn.role == "call" else 1
        if place < index:
            return turn
    return None


def _shorten(text: str, most: int = _LONGEST_DETAIL) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= most else f"{folded[:most]}…"
