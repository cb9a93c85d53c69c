"""Decides where in a scenario file a reader begins: a shard of a long run need not read what stands before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

import orjson

from datagen_core.dataset.lookup import Lookup, Order, order_of
from datagen_core.files import JsonObject
from datagen_core.scenarios import Scenario, read_scenarios
from datagen_core.writing import BUFFER_BYTES

_CLOSE: Final = 1 << 16
"""Bytes before a scenario that may be read for nothing; some 40 scenarios, 2 ms."""


class SeekingLookup(Lookup):
    """Finds scenarios as `Lookup` does, but begins at the first that is asked for. Its groups count only what it read.

    A file in the order of ids, as runs write it, is bisected; in another the scenario is not met on the way, so that
    the whole file is gone through.
    """

    def __init__(self, path: Path | None) -> None:
        super().__init__(path)
        self._has_begun = False

    def _search(self, path: Path, scenario_id: str) -> Scenario | None:
        if not self._has_begun:
            self._has_begun = True
            self._ahead = _read_from(path, find_start(path, scenario_id))
        return super()._search(path, scenario_id)


def find_start(path: Path, scenario_id: str) -> int:
    """Return at which byte to begin so that the scenario comes soon: its line or one a little before, 0 if in doubt.

    It takes some twenty short reads of a file of any size. Never raises: whoever reads the file from its beginning
    says what is wrong with it.
    """
    try:
        with path.open("rb") as stream:
            return _bisect(stream, stream.seek(0, 2), order_of(scenario_id))
    except (OSError, ValueError):
        return 0


def _bisect(stream: BinaryIO, size: int, wanted: Order) -> int:
    """Return the beginning of a line; behind `start` stands a line not beyond the wanted one, from `end` on none."""
    start, end = 0, size
    while end - start > _CLOSE:
        middle = (start + end) // 2
        stream.seek(middle)
        stream.readline()
        line_start = stream.tell()
        if line_start >= end:
            end = middle + 1
        elif _read_order(stream.readline()) > wanted:
            end = line_start
        else:
            start = line_start
    return start


def _read_order(line: bytes) -> Order:
    """Return the order of the scenario on a line.

    Raises:
        ValueError: the line is no scenario.
    """
    row = cast(object, orjson.loads(line))
    scenario_id = cast(JsonObject, row).get("id") if isinstance(row, dict) else None
    if not isinstance(scenario_id, str):
        raise ValueError("expected an object with an id")
    return order_of(scenario_id)


def _read_from(path: Path, start: int) -> Iterator[Scenario]:
    """Yield the scenarios of the lines from a byte on; a line that is none is named by reading from the beginning."""
    if not start:
        yield from read_scenarios(path)
        return
    with path.open("rb", BUFFER_BYTES) as stream:
        stream.seek(start)
        for line in stream:
            try:
                scenario = Scenario.model_validate(orjson.loads(line)) if line.strip() else None
            except ValueError:
                yield from read_scenarios(path)
                return
            if scenario is not None:
                yield scenario
