"""Decides which scenario an answer is for, which answers are for one dialogue, and which come twice.

Memory stays small where answers are sorted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeVar, cast

from datagen_core.batch.requests import read_custom_id
from datagen_core.errors import InputFileError
from datagen_core.files import JsonObject, index_jsonl, iter_json_array, read_jsonl_at, validate_model
from datagen_core.scenario_ids import read_seed, split_substitute
from datagen_core.scenarios import Scenario, read_scenarios, resample_scenario, substitute_scenario

_ADVICE: Final = "Retrieve the results again, or point --input at a result_lst.json that datagen wrote."
_SCENARIOS_ADVICE: Final = "Put the scenarios.jsonl that was written with the requests beside the results."
_PLACE: Final = re.compile(r"(.*)-([0-9]{1,9})((?:-x[0-9a-f]{8})?(?:-t)?)", re.DOTALL)

_BARE: Final = "transcript"
"""What the ids of transcripts begin with that stand in a result file without anything around them."""

Group = tuple[str, str | None]
"""Kind and category."""

Order = tuple[str, int, str, int, int]
"""Run, place in the run, dialogue, substitute, round. Of one dialogue the first three are the same."""

T = TypeVar("T")


class OutOfOrder(Exception):
    """Answers are not of one round, or do not stand in the order of scenarios: they have to be surveyed first."""


def order_of(custom_id: str) -> Order:
    """Return what sorts requests: substitutes stand right after the scenario that they stand in for."""
    scenario_id, round_number = read_custom_id(custom_id)
    dialogue, substitute = split_substitute(scenario_id)
    match = _PLACE.fullmatch(dialogue)
    if match is None:
        return dialogue, 0, dialogue, substitute, round_number
    return match[1] + match[3], int(match[2]), dialogue, substitute, round_number


def name_dialogue(custom_id: str) -> str:
    """Return the id of the dialogue that a request is for, whichever substitute it asks for."""
    return split_substitute(read_custom_id(custom_id)[0])[0]


def mark_last(rows: Iterable[T], dialogue_of: Callable[[T], Hashable]) -> Iterator[tuple[T, bool]]:
    """Yield each row, and whether it is the last of its dialogue; rows of a dialogue stand together."""
    held: list[T] = []
    for row in rows:
        if held:
            yield held[0], dialogue_of(held[0]) != dialogue_of(row)
        held = [row]
    for row in held:
        yield row, True


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
    """What is known of a result file before it is judged: its order and its rounds.

    `n_answers` counts the answers for each dialogue; only where they are out of order, so that they have to be counted.
    """

    is_sorted: bool
    rounds: tuple[int, ...]
    n_answers: Mapping[str, int]


class PlacedAnswer(NamedTuple):
    """An answer, the line it stands on, the dialogue it is for, and whether it is that dialogue's last in the file."""

    line: int
    answer: JsonObject
    dialogue: str
    is_last: bool

    @property
    def custom_id(self) -> str:
        """The id of its request."""
        return str(self.answer["custom_id"])


def survey_answers(path: Path) -> Survey:
    """Read the custom_ids once; ids are held only where the answers are out of order (files joined by hand).

    Raises:
        InputFileError: a custom_id stands twice; names the second line. Or as `iter_answers`.
    """
    rounds = set[int]()
    last: Order | None = None
    for _, answer in iter_answers(path):
        order = order_of(str(answer["custom_id"]))
        if last is not None and order <= last:
            return _survey_unsorted(path)
        rounds.add(order[-1])
        last = order
    return Survey(is_sorted=True, rounds=tuple(sorted(rounds)), n_answers={})


def _survey_unsorted(path: Path) -> Survey:
    requests, n_answers = set[tuple[str, int]](), Counter[str]()
    for line, answer in iter_answers(path):
        custom_id = str(answer["custom_id"])
        request = read_custom_id(custom_id)
        if request in requests:
            raise InputFileError(
                path, f"custom_id {custom_id!r} stands twice.", line=line, field="custom_id", advice=_ADVICE
            )
        requests.add(request)
        n_answers[name_dialogue(custom_id)] += 1
    rounds = tuple(sorted({number for _, number in requests}))
    return Survey(is_sorted=False, rounds=rounds, n_answers=n_answers)


def iter_placed(path: Path, survey: Survey | None) -> Iterator[PlacedAnswer]:
    """Yield every answer with its dialogue, in the file's order; one answer ahead is read.

    Without a survey the file is taken for what a round of a run writes: answers of one round, in order.

    Raises:
        OutOfOrder: without a survey, as soon as an answer tells that it is another file.
        InputFileError: as `iter_answers`.
    """
    if survey is not None and not survey.is_sorted:
        left = dict(survey.n_answers)
        for line, answer in iter_answers(path):
            dialogue = name_dialogue(str(answer["custom_id"]))
            left[dialogue] -= 1
            yield PlacedAnswer(line, answer, dialogue, is_last=not left[dialogue])
        return
    answers = _iter_round_in_order(path) if survey is None else _iter_dialogues(path)
    for (line, answer, dialogue), is_last in mark_last(answers, lambda row: row[2]):
        yield PlacedAnswer(line, answer, dialogue, is_last)


def _iter_dialogues(path: Path) -> Iterator[tuple[int, JsonObject, str]]:
    for line, answer in iter_answers(path):
        yield line, answer, name_dialogue(str(answer["custom_id"]))


def _iter_round_in_order(path: Path) -> Iterator[tuple[int, JsonObject, str]]:
    last: Order | None = None
    for line, answer in iter_answers(path):
        order = order_of(str(answer["custom_id"]))
        if last is not None and (order <= last or order[-1] != last[-1]):
            raise OutOfOrder
        yield line, answer, order[2]
        last = order


class Lookup:
    """Finds scenarios by id in one pass over their file: answers come in the scenarios' order.

    No scenario that is passed over is kept. Where answers come in another order, the file is gone through once more for
    where each scenario stands. Without a file scenarios are sampled anew.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._ahead: Iterator[Scenario] = read_scenarios(path) if path is not None else iter(())
        self._wanted: tuple[str, Scenario | None] = ("", None)
        self._current: Scenario | None = None
        self._places: dict[str, int] | None = None
        self._passed: Counter[Group] = Counter()

    def find(self, scenario_id: str) -> Scenario | None:
        """Return the scenario; None where there is none with this id.

        A substitute is drawn from the scenario it stands in for: it is not in the file.
        """
        if self._current is None or self._current.id != scenario_id:
            dialogue, number = split_substitute(scenario_id)
            if self._wanted[0] != dialogue:
                found = resample_scenario(dialogue) if self._path is None else self._search(self._path, dialogue)
                self._wanted = (dialogue, found)
            wanted = self._wanted[1]
            self._current = wanted if wanted is None or not number else substitute_scenario(wanted, number)
        return self._current

    def find_asked(self, answer: Mapping[str, object]) -> Scenario | None:
        """Return the scenario that an answer is for; None where there is none, or it is a transcript on its own."""
        return None if is_bare(answer) else self.find(read_custom_id(str(answer.get("custom_id")))[0])

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


def is_strange(scenario: Scenario | None, answer: Mapping[str, object], seed: int | None) -> bool:
    """Tell whether an answer belongs to no scenario of the run with this seed; a transcript on its own needs none."""
    if scenario is None:
        return not is_bare(answer)
    return seed is not None and read_seed(scenario.id) != seed


def _read_scenario_at(path: Path, offset: int) -> Scenario:
    row = read_jsonl_at(path, offset, advice=_SCENARIOS_ADVICE)
    return validate_model(Scenario, row, path, advice=_SCENARIOS_ADVICE)
