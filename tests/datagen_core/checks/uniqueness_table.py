"""Reads the case table of the rules on the dataset: each entry has two dialogues, and tells what the second breaks.

`first` and `second` list what is said, the customer first and then each in turn; calls, as in the other table, stand
between. `meta` is both dialogues', `first_meta` and `second_meta` are added to it. `against` says where the first
stands: in the same dataset, in a `published` one, or in `gold`. `also` are further rules that the second breaks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from checks_table import Json, build_record

TABLE = Path(__file__).parent / "cases_dataset" / "uniqueness.json"

Place = Literal["dataset", "published", "gold"]


@dataclass(frozen=True)
class Pair:
    """One entry: two records, where the first one stands, and all rules that the second breaks."""

    rule: str
    name: str
    breaks: bool
    against: Place
    first: Json
    second: Json
    expected: frozenset[str]


def iter_pairs() -> Iterator[Pair]:
    for entry in cast("list[Json]", json.loads(TABLE.read_text(encoding="utf-8"))):
        rule, breaks = cast("str", entry["rule"]), cast("bool", entry["breaks"])
        broken = [*cast("list[str]", entry.get("also", [])), *([rule] if breaks else [])]
        yield Pair(
            rule=rule,
            name=cast("str", entry["case"]),
            breaks=breaks,
            against=cast("Place", entry.get("against", "dataset")),
            first=_build(entry, "first"),
            second=_build(entry, "second"),
            expected=frozenset(broken),
        )


def _build(entry: Mapping[str, object], which: Literal["first", "second"]) -> Json:
    meta = {**cast("Json", entry.get("meta", {})), **cast("Json", entry.get(f"{which}_meta", {}))}
    return build_record({"turns": list(_iter_turns(cast("list[str | Json]", entry[which]))), "meta": meta})


def _iter_turns(said: list[str | Json]) -> Iterator[Json]:
    speaker, other = "customer", "counsellor"
    for turn in said:
        if isinstance(turn, str):
            yield {speaker: turn}
            speaker, other = other, speaker
        else:
            yield turn
