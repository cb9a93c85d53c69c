"""Decides which scenario an answer is for and which answers come twice; memory stays small where answers are sorted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, cast

from datagen_core.batch.requests import read_custom_id
from datagen_core.errors import InputFileError
from datagen_core.files import JsonObject, index_jsonl, iter_json_array, read_jsonl_at, validate_model
from datagen_core.scenarios import Scenario, read_scenarios, resample_scenario

_ADVICE: Final = "Retrieve the results again, or point --input at a result_lst.json that datagen wrote."
_SCENARIOS_ADVICE: Final = "Put the scenarios.jsonl that was written with the requests beside the results."
_PLACE: Final = re.compile(r"(.*)-([0-9]{1,9})", re.DOTALL)

_BARE: Final = "transcript"
"""What the ids of transcripts begin with that stand in a result file without anything around them."""

Group = tuple[str, str | None]
"""Kind and category."""


def order_of(custom_id: str) -> tuple[str, int, str, int]:
    """Return what sorts requests: run, place in the run, scenario id, round. No two scenarios share the first three."""
    scenario_id, round_number = read_custom_id(custom_id)
    match = _PLACE.fullmatch(scenario_id)
    if match is None:
        return scenario_id, 0, scenario_id, round_number
    return match[1], int(match[2]), scenario_id, round_number


def iter_answers(path: Path) -> Iterator[tuple[int, JsonObject]]:
    """Yield (line, element) of a `result_lst.json`; each has a string `custom_id`.

    An element that is nothing but a text is a transcript, and gets an id by its place.

    Raises:
        InputFileError: the file is missing or damaged, or an element is no answer.
    """
    for place, (line, element) in enumerate(iter_json_array(path, advice=_ADVICE), start=1):
        if isinstance(element, str):
            yield line, {"custom_id": f"{_BARE}-{place:06d}", "outcome": "answered", "text": element}
            continue
        answer = cast("JsonObject", element) if isinstance(element, dict) else {}
        if not isinstance(answer.get("custom_id"), str):
            raise InputFileError(
                path, "expected an object with a string 'custom_id'.", line=line, field="custom_id", advice=_ADVICE
            )
        yield line, answer


def iter_round(path: Path, number: int) -> Iterator[JsonObject]:
    """Yield the elements of one round.

    Raises:
        InputFileError: as `iter_answers`.
    """
    return (answer for _, answer in iter_answers(path) if read_custom_id(str(answer["custom_id"]))[1] == number)


class Survey(NamedTuple):
    """What is known of a result file before it is judged: its order, its rounds, and how many scenarios it answers."""

    is_sorted: bool
    n_scenarios: int
    rounds: tuple[int, ...]


def survey_answers(path: Path) -> Survey:
    """Read the custom_ids once; ids are held only where the answers are out of order (files joined by hand).

    Raises:
        InputFileError: a custom_id stands twice; names the second line. Or as `iter_answers`.
    """
    n_scenarios, rounds = 0, set[int]()
    last: tuple[str, int, str, int] | None = None
    for _, answer in iter_answers(path):
        order = order_of(str(answer["custom_id"]))
        if last is not None and order <= last:
            return _survey_unsorted(path)
        n_scenarios += last is None or order[:3] != last[:3]
        rounds.add(order[3])
        last = order
    return Survey(is_sorted=True, n_scenarios=n_scenarios, rounds=tuple(sorted(rounds)))


def _survey_unsorted(path: Path) -> Survey:
    requests = set[tuple[str, int]]()
    for line, answer in iter_answers(path):
        custom_id = str(answer["custom_id"])
        request = read_custom_id(custom_id)
        if request in requests:
            raise InputFileError(
                path, f"custom_id {custom_id!r} stands twice.", line=line, field="custom_id", advice=_ADVICE
            )
        requests.add(request)
    rounds = tuple(sorted({number for _, number in requests}))
    return Survey(is_sorted=False, n_scenarios=len({scenario_id for scenario_id, _ in requests}), rounds=rounds)


class History:
    """Tells which scenarios were answered before; of sorted answers it holds the last scenario only."""

    def __init__(self, *, is_sorted: bool) -> None:
        self._is_sorted = is_sorted
        self._answered: set[str] = set()

    def enter(self, scenario_id: str) -> bool:
        """Note an answer; tell whether it is the scenario's first."""
        if scenario_id in self._answered:
            return False
        if self._is_sorted:
            self._answered.clear()
        self._answered.add(scenario_id)
        return True


class Lookup:
    """Finds scenarios by id in one pass over their file: answers come in the scenarios' order.

    No scenario that is passed over is kept. Where answers come in another order, the file is gone through once more for
    where each scenario stands. Without a file scenarios are sampled anew.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._ahead: Iterator[Scenario] = read_scenarios(path) if path is not None else iter(())
        self._current: Scenario | None = None
        self._places: dict[str, int] | None = None
        self._passed: Counter[Group] = Counter()

    def find(self, scenario_id: str) -> Scenario | None:
        """Return the scenario; None where there is none with this id."""
        if self._current is None or self._current.id != scenario_id:
            self._current = (
                resample_scenario(scenario_id) if self._path is None else self._search(self._path, scenario_id)
            )
        return self._current

    def count_groups(self) -> Counter[Group]:
        """Return how many scenarios of each kind and category the file holds; it is read to its end."""
        for _ in self._pass_on():
            pass
        return self._passed.copy()

    def _search(self, path: Path, scenario_id: str) -> Scenario | None:
        if self._places is None:
            for scenario in self._pass_on():
                if scenario.id == scenario_id:
                    return scenario
            self._places = index_jsonl(path, "id", advice=_SCENARIOS_ADVICE)
        offset = self._places.get(scenario_id)
        return None if offset is None else _read_scenario_at(path, offset)

    def _pass_on(self) -> Iterator[Scenario]:
        for scenario in self._ahead:
            self._passed[group_of(scenario)] += 1
            yield scenario


def group_of(scenario: Scenario | None) -> Group:
    """Return the scenario's kind and category; a transcript on its own is of unknown kind."""
    return ("unknown", None) if scenario is None else (scenario.kind, scenario.category)


def is_bare(answer: Mapping[str, object]) -> bool:
    """Tell whether an answer is a transcript on its own, which no scenario asked for."""
    return str(answer.get("custom_id")).startswith(f"{_BARE}-")


def _read_scenario_at(path: Path, offset: int) -> Scenario:
    row = read_jsonl_at(path, offset, advice=_SCENARIOS_ADVICE)
    return validate_model(Scenario, row, path, advice=_SCENARIOS_ADVICE)
