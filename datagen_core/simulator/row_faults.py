"""Decides which rows of a batch meet which fault, and what it makes of their answers and of their lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import blake2b
from typing import IO, Final, NamedTuple, cast

import orjson

from datagen_core.files import JsonObject
from datagen_core.simulator.answers import Answer
from datagen_core.simulator.faults import Fault, FaultName

HTTP_FAULTS: Final[dict[FaultName, int]] = {"rows_400": 400, "rows_429": 429, "rows_500": 500}
KEEPING: Final[frozenset[FaultName]] = frozenset({"body_as_string", "rows_doubled", "rows_foreign"})
"""Faults after which a client still has the writer's answer."""
_PAD_BLOCK: Final = b"x" * (1 << 16)
_TEXT_STARTS: Final = (b'"content":"', b'"text":"')


class RowFault(NamedTuple):
    """What befalls one row; `size` is the length of its line in bytes, for `huge_row`."""

    name: FaultName
    size: int


def choose_rows(faults: Iterable[Fault], custom_ids: list[str], seed: int) -> dict[int, RowFault]:
    """Return the faults by the number of the row in `custom_ids`.

    Of each fault, the rows with the lowest digest of seed, fault and custom id: so the same ids wherever the same rows
    are asked for, and exactly as many as were wanted. No row meets two faults: the later one takes what is left.
    """
    chosen: dict[int, RowFault] = {}
    for fault in faults:
        if fault.kind.scope != "rows":
            continue
        free = [number for number in range(len(custom_ids)) if number not in chosen]
        free.sort(key=lambda number: (_digest(f"{seed}:{fault.name}:{custom_ids[number]}"), number))
        for number in free[: fault.count(len(custom_ids))]:
            chosen[number] = RowFault(fault.name, fault.size)
    return chosen


def change_answer(answer: Answer, name: FaultName | None) -> Answer:
    """Return what the model says instead; what a client will not read was not planted either."""
    if name is not None and name not in KEEPING:
        answer = replace(answer, planted=None)
    if name == "rows_length":
        return replace(answer, text=answer.text[: len(answer.text) // 2], finish_reason="length")
    if name == "rows_refused":
        return Answer("", refusal="죄송하지만 이 요청은 도와드릴 수 없습니다.")
    if name == "rows_filtered":
        return Answer("", finish_reason="content_filter")
    return Answer("") if name == "rows_empty" else answer


def write_row(stream: IO[bytes], line: bytes, fault: RowFault | None) -> int:
    """Write a row's line as its fault leaves it, and return how many bytes that were; a huge one is never held."""
    if fault is None:
        return stream.write(line)
    if fault.name == "huge_row":
        return _write_huge(stream, line, fault.size)
    change = _LINES.get(fault.name)
    return stream.write(line if change is None else change(line))


def _write_huge(stream: IO[bytes], line: bytes, size: int) -> int:
    """Fill up the answer's text; a line without one (of an error) gets white space at its end."""
    at, block = _find_text(line), _PAD_BLOCK
    if at is None:
        at, block = len(line) - 1, b" " * len(_PAD_BLOCK)
    left = max(size - len(line), 0)
    written = stream.write(line[:at])
    while left > 0:
        n_bytes = stream.write(block[:left])
        left, written = left - n_bytes, written + n_bytes
    return written + stream.write(line[at:])


def _find_text(line: bytes) -> int | None:
    ends = [line.find(start) + len(start) for start in _TEXT_STARTS if start in line]
    return min(ends, default=None)


def _stringify_body(line: bytes) -> bytes:
    row = cast(JsonObject, orjson.loads(line))
    response = row["response"]
    if isinstance(response, dict):
        body = cast(JsonObject, response).get("body")
        row["response"] = {**cast(JsonObject, response), "body": orjson.dumps(body).decode()}
    return _render(row)


def _add_foreign(line: bytes) -> bytes:
    row = cast(JsonObject, orjson.loads(line))
    name = f"foreign-{_digest(str(row['custom_id'])).hex()}"
    return line + _render({**row, "id": f"batch_req_{name}", "custom_id": name})


def _break_utf8(line: bytes) -> bytes:
    at = _find_text(line) or len(line) // 2
    return line[:at] + b"\xff\xc0\xed\xa0\x80" + line[at:]


def _drop_response(line: bytes) -> bytes:
    row = cast(JsonObject, orjson.loads(line))
    return _render({"id": row["id"], "custom_id": row["custom_id"]})


def _render(row: JsonObject) -> bytes:
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()


_LINES: Final[dict[FaultName, Callable[[bytes], bytes]]] = {
    "body_as_string": _stringify_body,
    "rows_missing": lambda line: b"",
    "rows_doubled": lambda line: line * 2,
    "rows_foreign": _add_foreign,
    "invalid_utf8": _break_utf8,
    "rows_no_response": _drop_response,
}
