"""Decides what a round's shards show of themselves while their batches run: one row each, those of many as groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from datagen_core.batch.models import ENDED_STATUSES, BatchStatus, Shard, Submitted
from datagen_core.report.markdown import Row, cut_rows, escape, tame

MOST_SHARDS: Final = 200
"""Shards with a row of their own; the UI shows ten rows at a time."""

NO_LOOKS: Final[Mapping[int, float]] = MappingProxyType({})

_WAITING: Final = "waiting"
_LONGEST_NAME: Final = 80
_MOST_STATUSES: Final = 8
_ORDER: Final = (
    *("failed", "expired", "cancelled", "cancelling"),
    *("in_progress", "finalizing", "validating"),
    *("", _WAITING, "completed"),
)
"""How shards are shown of which there are too many: what a person may have to see to first; "" is any other status."""


class Progress(NamedTuple):
    """Rows for a table, all shards together and then each, and the same in a line of Markdown."""

    rows: list[Row]
    summary: str


class _Shown(NamedTuple):
    """A shard as it is shown; `minutes` is how long its batch runs, or ran."""

    number: int
    status: str
    done: int
    failed: int
    requests: int
    minutes: float
    next_look: float | None
    batch: str


def build_progress(
    shards: Sequence[Shard],
    submitted: Mapping[int, Submitted],
    heard: Mapping[int, BatchStatus],
    *,
    now: float,
    next_looks: Mapping[int, float] = NO_LOOKS,
) -> Progress:
    """Return how far a round's shards are.

    `submitted` and `heard` are by the shard's place in `shards`, from 0; a shard without a submission waits for room.
    Times are epoch seconds; `next_looks` are when the batches that go on are asked for next, about. Of more than 200
    shards those of concern have a row, and the last row adds the others up.
    """
    shown = [
        _look_at(place, shard, submitted.get(place), heard.get(place), now=now, next_look=next_looks.get(place))
        for place, shard in enumerate(shards)
    ]
    if not shown:
        return Progress([], "No shards.")
    ordered = shown if len(shown) <= MOST_SHARDS else sorted(shown, key=_rank)
    rows = [_to_row(str(one.number), one) for one in ordered]

    def add_up_from(place: int) -> Row:
        return _to_row(f"and {len(ordered) - place:,} more", _add_up(ordered[place:]))

    return Progress([_to_row("all", _add_up(shown)), *cut_rows(rows, add_up_from, most=MOST_SHARDS)], _summarize(shown))


def _look_at(
    place: int,
    shard: Shard,
    submitted: Submitted | None,
    status: BatchStatus | None,
    *,
    now: float,
    next_look: float | None,
) -> _Shown:
    if submitted is None:
        return _Shown(place + 1, _WAITING, 0, 0, shard.rows, 0.0, None, "")
    counts = status.counts if status is not None else None
    is_ended = status is not None and status.is_ended
    end = status.finished_at if status is not None and is_ended and status.finished_at is not None else now
    return _Shown(
        number=place + 1,
        status="submitted" if status is None else tame(status.status, _LONGEST_NAME),
        done=counts.completed if counts else 0,
        failed=counts.failed if counts else 0,
        requests=shard.rows,
        minutes=round(max(0.0, end - submitted.submitted_at) / 60, 1),
        next_look=None if is_ended else next_look,
        batch=tame(submitted.batch_id, _LONGEST_NAME),
    )


def _rank(shown: _Shown) -> tuple[int, int]:
    return _ORDER.index(shown.status if shown.status in _ORDER else ""), shown.number


def _to_row(name: str, shown: _Shown) -> Row:
    """Return the row; what matters most stands first, as the UI's column is narrow."""
    return {
        "shard": name,
        "status": shown.status,
        "done": shown.done,
        "failed": shown.failed,
        "requests": shown.requests,
        "share": _share(shown),
        "minutes": shown.minutes,
        "next look": "" if shown.next_look is None else _write_clock(shown.next_look),
        "batch": shown.batch,
    }


def _share(shown: _Shown) -> str:
    """Return how much is done by the provider's own count, which some servers do not give and which need not add up."""
    done = shown.done + shown.failed
    if not shown.requests or (not done and shown.status in ENDED_STATUSES):
        return "-"
    return f"{min(1.0, done / shown.requests):.0%}"


def _add_up(shown: Sequence[_Shown]) -> _Shown:
    n_ended = sum(one.status in ENDED_STATUSES for one in shown)
    return _Shown(
        number=0,
        status=f"{n_ended:,} of {len(shown):,} ended",
        done=sum(one.done for one in shown),
        failed=sum(one.failed for one in shown),
        requests=sum(one.requests for one in shown),
        minutes=max(one.minutes for one in shown),
        next_look=min((one.next_look for one in shown if one.next_look is not None), default=None),
        batch="",
    )


def _summarize(shown: Sequence[_Shown]) -> str:
    """Name the most frequent statuses; there is no end to those that a server may invent."""
    statuses = Counter(one.status for one in shown).most_common()
    named = [f"{count:,} {escape(status)}" for status, count in statuses[:_MOST_STATUSES]]
    n_other = sum(count for _, count in statuses[_MOST_STATUSES:])
    named += [f"{n_other:,} other"] if n_other else []
    total = _add_up(shown)
    return f"{total.done + total.failed:,} of {total.requests:,} requests are done. Shards: {', '.join(named)}."


def _write_clock(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S} UTC"
