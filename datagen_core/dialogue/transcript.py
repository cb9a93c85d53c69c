"""Decides how a dialogue is read from a transcript, in which a model wrote the responses itself, and written as one."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, cast

from datagen_core.config import TOOLS_RETURN_FORMAT
from datagen_core.dialogue.inline import render_json
from datagen_core.dialogue.models import Dialogue, Role, ToolCall, Turn
from datagen_core.dialogue.record import MessageProblem
from datagen_core.environment import json_problem, response_errors

Mark = Literal["uid", "date", "customer", "counsellor", "call", "response"]

MAX_LENGTH: Final = 400_000
"""Characters of an answer that is still read; a dialogue of 200 turns takes less."""

_MARKS: Final[dict[str, Mark]] = {
    "고객id": "uid", "고객": "customer", "ai상담사": "counsellor", "상담사": "counsellor", "대화날짜": "date",
    "function_call": "call", "functioncall": "call", "function_response": "response", "functionresponse": "response",
}  # fmt: skip
_WIDE: Final = str.maketrans("（）［］｛｝：", "()[]{}:")
_MARK: Final = re.compile(
    r"^[ \t>*_#-]*[(\[] ?(?P<name>고객 ?ID|대화 ?날짜|고객|AI ?상담사|상담사|function[_ ]?call|function[_ ]?response)"
    r" ?[)\]][ \t*_]*:?[ \t]*",
    re.MULTILINE | re.IGNORECASE,
)
_FENCE: Final = re.compile(r"^[ \t]*```[A-Za-z]*[ \t]*$\n?", re.MULTILINE)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE: Final = re.compile(r"(\d{4})\s?[-./년]\s?(\d{1,2})\s?[-./월]\s?(\d{1,2})")
_CALL_NAMES: Final = ("name", "tool", "function")
_CALL_ARGUMENTS: Final = ("arguments", "args", "parameters", "input")


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was read: the header's uid and date where they stand there, the turns, and what could not be read.

    A call or a response that cannot be read still gives a turn, with its words as text, so that problems and turns
    stay side by side. `problem` is why nothing could be read at all.
    """

    uid: str | None = None
    date: str | None = None
    turns: tuple[Turn, ...] = ()
    problems: tuple[MessageProblem, ...] = ()
    problem: str | None = None


class _Part(NamedTuple):
    mark: Mark
    body: str


def parse_transcript(text: str) -> Transcript:
    """Read an answer. Never raises: what cannot be read becomes a problem.

    Forgiven are Windows line ends, brackets of full width, code fences, emphasis and words before the first mark,
    JSON that Python wrote, one call or a list of them, calls one after the other before their responses, and what the
    counsellor says right before a call: a record has no place for it.
    """
    if len(text) > MAX_LENGTH:
        return Transcript(problem=f"the transcript has {len(text)} characters, expected at most {MAX_LENGTH}")
    parts = list(_split(text))
    uid = next((found[0] for part in parts if part.mark == "uid" and (found := _UUID.search(part.body))), None)
    date = next(
        (_write_date(found) for part in parts if part.mark == "date" and (found := _DATE.search(part.body))), None
    )
    spoken = [part for part in parts if part.mark not in ("uid", "date")]
    if not spoken:
        return Transcript(uid, date, problem="the transcript has no line such as (고객) or (AI 상담사)")
    reader = _Reader()
    for part in _drop_announcements(spoken):
        reader.read(part)
    return Transcript(uid, date, tuple(reader.turns), tuple(reader.problems))


def is_transcript(text: str) -> bool:
    """Tell whether a text is meant as a transcript: a line of the customer or the counsellor is marked in it."""
    return any(part.mark in ("customer", "counsellor") for part in _split(text[:MAX_LENGTH]))


def render_transcript(dialogue: Dialogue) -> str:
    """Write a dialogue as a transcript; `parse_transcript` reads it back where no text holds a mark.

    Raises:
        InlineError: an argument or a response is no JSON value.
    """
    lines = [f"[고객 ID] {dialogue.uid}", f"[대화날짜] {dialogue.date}"]
    for turn in dialogue.turns:
        match turn.role:
            case "customer":
                lines.append(f"(고객) {turn.text}")
            case "counsellor":
                lines.append(f"(AI 상담사) {turn.text}")
            case "call":
                calls = [{"name": call.name, "arguments": call.arguments} for call in turn.calls]
                lines.append(f"(function_call) {render_json(calls[0] if len(calls) == 1 else calls)}")
            case "response":
                lines.append(f"(function_response) {render_json(list(turn.responses))}")
    return "\n".join(lines)


def _split(text: str) -> Iterator[_Part]:
    """Yield what stands after each mark, up to the next; what stands before the first is passed over."""
    plain = _FENCE.sub("", text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff"))
    found = list(_MARK.finditer(plain.translate(_WIDE)))
    ends = [*(match.start() for match in found), len(plain)]
    for match, end in zip(found, ends[1:], strict=True):
        name = match["name"].replace(" ", "").lower()
        body = plain[match.end() : end]
        yield _Part(_MARKS[name], body.strip())


def _drop_announcements(parts: Sequence[_Part]) -> list[_Part]:
    """Leave out what the counsellor says right before a call ("찾아보겠습니다")."""
    following = [*parts[1:], None]
    return [
        part
        for part, after in zip(parts, following, strict=True)
        if not (part.mark == "counsellor" and after is not None and after.mark == "call")
    ]


def _write_date(match: re.Match[str]) -> str:
    return f"{match[1]}-{int(match[2]):02d}-{int(match[3]):02d}"


class _Reader:
    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.problems: list[MessageProblem] = []

    def read(self, part: _Part) -> None:
        match part.mark:
            case "customer" | "counsellor":
                self.turns.append(Turn(part.mark, text=unicodedata.normalize("NFC", part.body)))
            case "call":
                self._read_calls(part.body)
            case "response":
                self._read_responses(part.body)
            case "uid" | "date":
                pass

    def _read_calls(self, body: str) -> None:
        value, problem = _read_value(body)
        calls = [_read_call(entry) for entry in _as_list(value)] if problem is None else []
        problem = problem or next((call for call in calls if isinstance(call, str)), None)
        if problem is None and not calls:
            problem = "the list of calls is empty"
        good = tuple(call for call in calls if isinstance(call, ToolCall))
        self._enter(Turn("call", calls=good) if problem is None else Turn("call", text=body), "S08", problem)

    def _read_responses(self, body: str) -> None:
        value, problem = _read_value(body)
        problem = problem or json_problem(value)
        if problem is not None:
            self._enter(Turn("response", text=body), "S09", problem)
            return
        called = self._calls_open()
        self._enter(Turn("response", responses=_unwrap(value, called)), "S09", None)

    def _calls_open(self) -> tuple[ToolCall, ...]:
        """Return the calls that have no response yet."""
        last = self.turns[-1] if self.turns else None
        if last is not None and last.role == "call":
            return last.calls
        if last is not None and last.role == "response" and len(self.turns) > 1:
            return self.turns[-2].calls[len(last.responses) :]
        return ()

    def _enter(self, turn: Turn, rule_id: Literal["S08", "S09"], problem: str | None) -> None:
        """Add the turn; calls after calls, and responses of calls that are still open, belong to the turn before."""
        last = self.turns[-1] if self.turns else None
        merges = last is not None and problem is None and last.role == turn.role and (last.calls or last.responses)
        if last is not None and merges and (turn.role == "call" or len(self._calls_open()) >= len(turn.responses)):
            self.turns[-1] = Turn(turn.role, calls=last.calls + turn.calls, responses=last.responses + turn.responses)
            return
        self.turns.append(turn)
        if problem is not None:
            self.problems.append(MessageProblem(len(self.turns) - 1, rule_id, f"{_NAMES[turn.role]}: {problem}"))


_NAMES: Final[dict[Role, str]] = {"call": "function_call", "response": "function_response"}


def _read_value(body: str) -> tuple[object, str | None]:
    """Return the JSON value, or the Python literal, that stands after any words; and why there is none."""
    bare = body.strip()
    if _UUID.fullmatch(bare) is not None:
        return bare, None
    start = next((place for place, letter in enumerate(bare.translate(_WIDE)) if letter in "{["), 0)
    for text in dict.fromkeys((bare, bare[start:], bare[start:].translate(_WIDE))):
        try:
            return cast("object", json.loads(text, parse_constant=_refuse)), None
        except (ValueError, RecursionError):
            pass
        try:
            return cast("object", ast.literal_eval(text)), None
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None, f"no JSON value: {bare[:60]!r}"


def _refuse(constant: str) -> object:
    raise ValueError(constant)


def _as_list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _read_call(value: object) -> ToolCall | str:
    """Read `{"name", "arguments"}` and the other usual spellings of it."""
    if not isinstance(value, dict):
        return f"a call is {type(value).__name__}, expected an object with name and arguments"
    fields = cast("dict[str, object]", value)
    inner = fields.get("function")
    if isinstance(inner, dict):
        fields = cast("dict[str, object]", inner)
    name = next((fields[key] for key in _CALL_NAMES if isinstance(fields.get(key), str)), None)
    arguments = next((fields[key] for key in _CALL_ARGUMENTS if key in fields), None)
    if isinstance(arguments, str):
        arguments = _read_value(arguments)[0]
    if not isinstance(name, str) or not name or not isinstance(arguments, dict):
        return 'a call has no "name" and "arguments"'
    given = cast("dict[str, object]", arguments)
    known = {*_CALL_NAMES, *_CALL_ARGUMENTS, "id", "type", "index"}
    unknown = next((key for key in fields if key not in known), None)
    if unknown is not None:
        return f"a call has the unknown key {unknown!r}"
    problem = json_problem(given)
    return f"the arguments are no strict JSON: {problem}" if problem else ToolCall(name, given)


def _unwrap(value: object, called: Sequence[ToolCall]) -> tuple[object, ...]:
    """Return one response a call. A list of one element a call is unwrapped, unless the tool itself returns a list."""
    if not isinstance(value, list):
        return (value,)
    elements = cast("list[object]", value)
    is_whole = bool(called) and called[0].name in TOOLS_RETURN_FORMAT and not response_errors(called[0].name, elements)
    if is_whole and len(called) <= 1:
        return (elements,)
    is_wrapped = len(elements) == max(1, len(called)) or (len(elements) == 1 and not is_whole)
    return tuple(elements) if is_wrapped else (elements,)
