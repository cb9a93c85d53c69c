"""Decides how rows of several rounds become those of the run: in whose order, which stay records, what is told."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, cast

import orjson

from datagen_core.batch.requests import render_custom_id
from datagen_core.checks import case_from_record, check_dialogue
from datagen_core.dataset.attempts import AttemptLog
from datagen_core.dataset.funnel import Funnel
from datagen_core.dataset.lookup import Order, mark_last, order_of
from datagen_core.dataset.verdicts import DUPLICATE
from datagen_core.errors import InputFileError
from datagen_core.files import JsonObject, parse_line, read_lines

_ADVICE = "Run 'datagen preprocess' on that round's results again."


class JudgedRow(NamedTuple):
    """A line of a dataset or of its rejections, and where it stands; `number` counts lines from 1."""

    order: Order
    is_record: bool
    body: JsonObject
    line: bytes
    path: Path
    number: int

    @property
    def dialogue(self) -> str:
        """The id of the dialogue that was asked for."""
        return self.order[2]


def merge_rows(rounds: Sequence[tuple[Path, Path]], funnel: Funnel) -> Iterator[tuple[bool, bytes]]:
    """Yield (whether it is a record, line) for each row of the rounds' files, a dataset and its rejections each.

    Of a dialogue's records the first stays one; the others are counted as rejected in `funnel`, the sum of the rounds'.
    The last rejection of a dialogue without a record tells of all attempts at it.

    Raises:
        InputFileError: a file is missing or damaged.
    """
    attempts = AttemptLog()
    for row, is_last in mark_last(_iter_rows(rounds), attrgetter("dialogue")):
        if row.is_record and not attempts.is_accepted(row.dialogue):
            attempts.accept(row.dialogue)
            yield True, row.line
            rejection = None
        else:
            rejection = row.body
            if row.is_record:
                _reject_accepted(funnel, row.body)
                rejection = _describe_duplicate(row.body)
            elif row.body.get("reason") == DUPLICATE:
                attempts.accept(row.dialogue)
            attempts.add(row.dialogue, rejection)
        told = attempts.close(row.dialogue) if is_last else []
        if rejection is not None:
            yield False, _render_rejection(rejection, told)


def iter_judged(path: Path, *, is_record: bool) -> Iterator[JudgedRow]:
    """Yield the rows that judging wrote: of a dataset, or of its rejections.

    Raises:
        InputFileError: the file is missing or damaged, or a row is not of that kind.
    """
    order = _record_order if is_record else _row_order
    for number, line in read_lines(path, _ADVICE):
        if not line.strip():
            continue
        body = parse_line(path, number, line, _ADVICE)
        try:
            yield JudgedRow(order(body), is_record, body, line, path, number)
        except (KeyError, TypeError):
            what = "record" if is_record else "rejection"
            raise InputFileError(path, f"is no {what} that judging wrote.", line=number, advice=_ADVICE) from None


def _iter_rows(rounds: Sequence[tuple[Path, Path]]) -> Iterator[JudgedRow]:
    """Yield the rows of all rounds, dialogue by dialogue."""
    datasets = [iter_judged(dataset, is_record=True) for dataset, _ in rounds]
    rejections = [iter_judged(rejected, is_record=False) for _, rejected in rounds]
    return heapq.merge(*datasets, *rejections, key=attrgetter("order"))


def _row_order(row: JsonObject) -> Order:
    return order_of(str(row["custom_id"]))


def _record_order(row: JsonObject) -> Order:
    meta = _meta_of(row)
    return order_of(render_custom_id(str(meta["scenario_id"]), _round_of(meta)))


def _render_rejection(row: JsonObject, attempts: Sequence[object]) -> bytes:
    """Return the row with all attempts at its dialogue in place of those that its own round knew of."""
    kept = {name: value for name, value in row.items() if name != "attempts"}
    return orjson.dumps({**kept, "attempts": attempts} if attempts else kept, option=orjson.OPT_APPEND_NEWLINE)


def _describe_duplicate(record: JsonObject) -> JsonObject:
    """Return the row of `rejected.jsonl`, keys as `describe_rejection` writes them."""
    meta = _meta_of(record)
    return {
        "custom_id": render_custom_id(str(meta["scenario_id"]), _round_of(meta)),
        "fate": "rejected",
        "reason": DUPLICATE,
        "class": "good",
        "attempt": _round_of(meta),
        "violations": [],
        "text": None,
        "error": None,
        "model": meta.get("model"),
        "batch_id": meta.get("batch_id"),
        "usage": meta.get("usage"),
        "scenario": None,
    }


def _reject_accepted(funnel: Funnel, record: JsonObject) -> None:
    meta = _meta_of(record)
    category = meta.get("category")
    funnel.reject_accepted(
        round_number=_round_of(meta),
        kind=str(meta.get("kind")),
        category=category if isinstance(category, str) else None,
        warned=[v.rule for v in check_dialogue(case_from_record(record)) if v.severity == "W"],
    )


def _meta_of(record: JsonObject) -> JsonObject:
    return cast("JsonObject", record["meta"])


def _round_of(meta: JsonObject) -> int:
    number = meta.get("round")
    return number if isinstance(number, int) else 1
