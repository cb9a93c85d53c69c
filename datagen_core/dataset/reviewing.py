"""Decides what a person's review does to a run: what is taken out, what is asked for instead, what is kept of it."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple, cast

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator

from datagen_core.batch.requests import read_custom_id, render_custom_id
from datagen_core.checks import case_from_record, check_dialogue
from datagen_core.dataset.funnel import Funnel, read_funnel, write_funnel
from datagen_core.dataset.judging import DEFAULT_PRICES, JudgedFiles
from datagen_core.dataset.lookup import Lookup, iter_answers, mark_last, name_dialogue, order_of
from datagen_core.dataset.merging import JudgedRow, iter_judged
from datagen_core.dataset.verdicts import DUPLICATE, Verdict, describe_rejection
from datagen_core.errors import ConfigError, InputFileError
from datagen_core.files import (
    Artifact,
    JsonObject,
    describe_written,
    iter_json_array,
    replace_file,
    validate_model,
    write_json_array,
)
from datagen_core.pricing import PriceBook
from datagen_core.scenario_ids import split_substitute

REVIEWS_NAME: Final = "reviews.json"
"""What the reviews are called in a run's folder."""

REVIEWER: Final = "reviewer"
"""The reason why an answer that breaks no rule is rejected: a person did not want it. A substitute is asked for."""

_MOST_TOLD: Final = 10
_LONGEST_TOLD: Final = 80
_RESULTS_ADVICE: Final = "Name the results that the round was judged from."
_SCENARIOS_ADVICE: Final = "Name the scenarios.jsonl that was written with the run's requests."
_REVIEWS_ADVICE: Final = "It is written by the run itself: move it away, or correct it."


class Review(BaseModel):
    """A person's answer; of a run's reviews the first has number 1.

    `rejected` names dialogues, by their scenarios' ids once `settle_review` has read them. `reviewed` is a checksum of
    what the person was shown: the answer is about nothing else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=1)
    reviewer: str | None = None
    approved: bool
    rejected: tuple[str, ...] = ()
    note: str = ""
    reviewed: str | None = None
    reviewed_at: str = Field(description="ISO 8601 with an offset, as '2026-11-23T09:00:00+09:00'.")

    @field_validator("reviewed_at")
    @classmethod
    def _check_moment(cls, value: str) -> str:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("the moment has no offset, as in '2026-11-23T09:00:00+09:00'")
        return moment.isoformat()


class Reviewed(BaseModel):
    """What a review left of a run: every round's files without what was rejected.

    `requests_from` has a row of `rejected.jsonl` for each dialogue that `write_next_requests` must ask for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    review: Review
    judged: tuple[JudgedFiles, ...]
    requests_from: Artifact


def identify(judged: Sequence[JudgedFiles]) -> str:
    """Return the checksum of what the rounds' datasets are together."""
    return hashlib.sha256("".join(one.dataset.sha256 for one in judged).encode()).hexdigest()


def write_reviews(path: Path, reviews: Sequence[Review]) -> Artifact:
    """Write a run's reviews, one a line.

    Raises:
        ConfigError: they are not numbered from 1 without a gap.
    """
    numbers = [review.number for review in reviews]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ConfigError(f"Reviews are numbered from 1 without a gap, got {', '.join(map(str, numbers))}.")
    return write_json_array(path, (review.model_dump(mode="json") for review in reviews))


def read_reviews(path: Path) -> tuple[Review, ...]:
    """Read a run's reviews.

    Raises:
        InputFileError: the file is missing, damaged, or its reviews are not numbered from 1; names the line.
    """
    reviews: list[Review] = []
    for line, element in iter_json_array(path, advice=_REVIEWS_ADVICE):
        review = validate_model(Review, element, path, line=line, advice=_REVIEWS_ADVICE)
        reviews.append(review)
        if review.number != len(reviews):
            problem = f"expected review {len(reviews)}, found {review.number}."
            raise InputFileError(path, problem, line=line, field="number", advice=_REVIEWS_ADVICE)
    return tuple(reviews)


def require_unreviewed(results: Path) -> None:
    """Return unless a person has rejected dialogues of the run whose answers these are: the rules alone accept them.

    Raises:
        ConfigError: somebody has.
        InputFileError: the reviews beside the answers are damaged.
    """
    path = results.parent / REVIEWS_NAME
    n_rejected = sum(len(review.rejected) for review in read_reviews(path)) if path.exists() else 0
    if n_rejected:
        raise ConfigError(
            f"A person has rejected {n_rejected} dialogues of this run ({path}), which would be accepted again here. "
            "To judge it anew, start the run again with the same parameters: it keeps to the reviews."
        )


def settle_review(judged: Sequence[JudgedFiles], review: Review) -> Review:
    """Return the review with each rejected dialogue under its scenario's id, as the run's dataset has it.

    A dialogue may be named by that id, by its request's custom_id, or by its sample's name; spaces around a name, and
    empty names, are passed over. The datasets are read once, in step, as merging the rounds does.

    Raises:
        ConfigError: the review approves and rejects at once, or a name is that of no dialogue of the dataset, of two,
            or of one named before; tells which.
        InputFileError: a dataset is missing or damaged.
    """
    names = [name for name in (text.strip() for text in review.rejected) if name]
    if not names:
        return review.model_copy(update={"rejected": ()})
    if review.approved:
        raise ConfigError(
            f"Review {review.number} approves the run and rejects {len(names)} of its dialogues. Reject none, or do "
            "not approve: what is rejected is replaced, and the run is shown again."
        )
    found = _find_named(judged, names)
    problems = _list_problems(names, found)
    if problems:
        raise ConfigError(
            f"Review {review.number} cannot be followed: {'; '.join(problems)}. Nothing was changed. Name a dialogue "
            f"by its scenario's id, as {read_custom_id(found.example)[0]!r}, by its custom_id, as {found.example!r}, "
            f"or by its sample, as {_name_sample(1, _count_records(judged))!r}."
        )
    return review.model_copy(update={"rejected": tuple(found.ids[name][0] for name in names)})


def apply_review(
    judged: Sequence[JudgedFiles],
    results: Sequence[Path],
    scenarios: Path,
    review: Review,
    folder: Path,
    *,
    prices: PriceBook = DEFAULT_PRICES,
) -> Reviewed:
    """Take what a review rejects out of the rounds' files, and return what stands for those from then on.

    `results` are the rounds' result files, `folder` is the run's: new files stand in `reviews/<review>/rounds/<round>`
    of it. A round that nothing is taken out of keeps its files, and no file is changed. Merging the rounds with those
    that answer `requests_from` gives a whole run again; a substitute is compared with what is left. Every file is read
    in step with the others: memory holds a row of each, and the rejected ids. Safe to repeat.

    Raises:
        ConfigError: as `settle_review`, or a review with this number was applied before; nothing is written.
        InputFileError: a file is missing or damaged, or answers and judged rows differ; names the line.
    """
    settled = settle_review(judged, review)
    home = folder / "reviews" / str(review.number)
    if any(Path(one.dataset.path).is_relative_to(home) for one in judged):
        raise ConfigError(f"Review {review.number} was applied to these files. The next one is {review.number + 1}.")
    dialogues = frozenset(split_substitute(scenario_id)[0] for scenario_id in settled.rejected)
    taking = _Taking(scenarios, dialogues, settled.note, prices)
    rounds = [
        _take_out(one, answers, taking, home / "rounds" / str(number)) if _concerns(one, dialogues) else one
        for number, (one, answers) in enumerate(zip(judged, results, strict=True), start=1)
    ]
    requests_from = _write_lines(home / "rejected.jsonl", _iter_wanted(rounds, dialogues))
    return Reviewed(review=settled, judged=tuple(rounds), requests_from=requests_from)


class _Taking(NamedTuple):
    """What is taken out of every round, and what is told of it."""

    scenarios: Path
    dialogues: frozenset[str]
    note: str
    prices: PriceBook


class _Found(NamedTuple):
    """Which dialogues names stand for; `kin` has the custom_id of a dialogue that stands there under another id."""

    ids: dict[str, list[str]]
    kin: dict[str, str]
    example: str


def _find_named(judged: Sequence[JudgedFiles], names: Sequence[str]) -> _Found:
    ids: dict[str, list[str]] = {name: [] for name in names}
    kin, example = dict.fromkeys(map(name_dialogue, names), ""), ""
    n_records = _count_records(judged)
    for place, row in enumerate(_iter_accepted(judged), start=1):
        scenario_id = str(cast("JsonObject", row.body["meta"])["scenario_id"])
        custom_id, sample = render_custom_id(scenario_id, row.order[-1]), _name_sample(place, n_records)
        for name in {scenario_id, custom_id, sample, f"{sample}.txt"} & ids.keys():
            ids[name].append(scenario_id)
        if row.dialogue in kin:
            kin[row.dialogue] = custom_id
        example = example or custom_id
    return _Found(ids, kin, example or "gold-42-000000.r1")


def _list_problems(names: Sequence[str], found: _Found) -> list[str]:
    none = [name for name in found.ids if not found.ids[name]]
    other = {name: found.kin[dialogue] for name in none if found.kin.get(dialogue := name_dialogue(name))}
    unknown = [name for name in none if name not in other]
    named = Counter(found.ids[name][0] for name in names if len(found.ids[name]) == 1)
    problems = [
        *([f"the dataset has no dialogue {_quote(unknown)}"] if unknown else []),
        *(f"of {_quote([name])} the dataset has {custom_id!r}" for name, custom_id in other.items()),
        *(f"{_quote([name])} may be {_quote(ids, ' or ')}" for name, ids in found.ids.items() if len(ids) > 1),
        *(f"{scenario_id!r} is named {count} times" for scenario_id, count in named.items() if count > 1),
    ]
    more = len(problems) - _MOST_TOLD
    return problems if more <= 0 else [*problems[:_MOST_TOLD], f"and {more} more like these"]


def _quote(names: Sequence[str], separator: str = ", ") -> str:
    told = [repr(name if len(name) <= _LONGEST_TOLD else name[:_LONGEST_TOLD] + "…") for name in names[:_MOST_TOLD]]
    more = f" and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else ""
    return separator.join(told) + more


def _name_sample(number: int, n_records: int) -> str:
    """Return a sample's name without its ending, as `render_samples` gives it."""
    return f"sample_{number:0{max(4, len(str(n_records)))}}"


def _count_records(judged: Sequence[JudgedFiles]) -> int:
    return sum(one.dataset.rows for one in judged)


def _iter_accepted(judged: Sequence[JudgedFiles]) -> Iterator[JudgedRow]:
    """Yield the records of the run's dataset in its order: of a dialogue's records the first."""
    rounds = (iter_judged(Path(one.dataset.path), is_record=True) for one in judged)
    last: str | None = None
    for row in heapq.merge(*rounds, key=attrgetter("order")):
        if row.dialogue != last:
            yield row
        last = row.dialogue


def _concerns(one: JudgedFiles, dialogues: frozenset[str]) -> bool:
    """Tell whether something is taken out of a round."""
    if not dialogues:
        return False
    records = iter_judged(Path(one.dataset.path), is_record=True)
    rejections = iter_judged(Path(one.rejected.path), is_record=False)
    return any(_is_meant(row, dialogues) for row in chain(records, rejections))


def _is_meant(row: JudgedRow, dialogues: frozenset[str]) -> bool:
    """Tell whether a row is taken out: a record, or what was rejected only for there being one.

    Otherwise the dialogue would count as there.
    """
    return row.dialogue in dialogues and (row.is_record or row.body.get("reason") == DUPLICATE)


def _take_out(one: JudgedFiles, results: Path, taking: _Taking, folder: Path) -> JudgedFiles:
    """Write a round's files without the dialogues that are taken out."""
    dataset, rejected, counts = (folder / Path(file.path).name for file in (one.dataset, one.rejected, one.funnel))
    funnel, lookup, n_kept, n_refused = read_funnel(Path(one.funnel.path)), Lookup(taking.scenarios), 0, 0
    with replace_file(dataset) as keep, replace_file(rejected) as refuse:
        for answer, row in _iter_answered(one, results):
            is_kept, line = row.is_record, row.line
            if _is_meant(row, taking.dialogues):
                is_kept, line = False, _render_rejection(taking, lookup, answer)
                _count_out(funnel, row)
            (keep if is_kept else refuse).write(line)
            n_kept += is_kept
            n_refused += not is_kept
    funnel.price(taking.prices)
    return JudgedFiles(
        dataset=describe_written(dataset, keep, n_kept),
        rejected=describe_written(rejected, refuse, n_refused),
        funnel=write_funnel(counts, funnel),
    )


def _render_rejection(taking: _Taking, lookup: Lookup, answer: JsonObject) -> bytes:
    """Return a row as `describe_rejection` writes it, with the note; final, so that a substitute is asked for.

    Raises:
        InputFileError: there is no scenario that another could stand in for.
    """
    scenario = lookup.find_asked(answer)
    if scenario is None:
        problem = f"has no scenario for {answer['custom_id']!r}."
        raise InputFileError(taking.scenarios, problem, advice=_SCENARIOS_ADVICE)
    told = describe_rejection(scenario, answer, Verdict("rejected", None, (), REVIEWER))
    return orjson.dumps({**told, "class": "final", "note": taking.note}, option=orjson.OPT_APPEND_NEWLINE)


def _count_out(funnel: Funnel, row: JudgedRow) -> None:
    """Count an answer as final, and one that was accepted as rejected."""
    n_good = funnel.classes.pop("good", 0)
    if n_good:
        funnel.classes["final"] = funnel.classes.get("final", 0) + 1
    if n_good > 1:
        funnel.classes["good"] = n_good - 1
    if not row.is_record:
        return
    meta = cast("JsonObject", row.body["meta"])
    category = meta.get("category")
    funnel.reject_accepted(
        round_number=row.order[-1],
        kind=str(meta.get("kind")),
        category=category if isinstance(category, str) else None,
        warned=[v.rule for v in check_dialogue(case_from_record(row.body)) if v.severity == "W"],
    )


def _iter_answered(one: JudgedFiles, results: Path) -> Iterator[tuple[JsonObject, JudgedRow]]:
    """Yield each answer with its row: judging writes one for every answer, in the answers' order.

    Raises:
        InputFileError: an answer has no row, or a row no answer.
    """
    records = iter_judged(Path(one.dataset.path), is_record=True)
    rejections = iter_judged(Path(one.rejected.path), is_record=False)
    record, rejection = next(records, None), next(rejections, None)
    for number, answer in iter_answers(results):
        order = order_of(str(answer["custom_id"]))
        if record is not None and record.order == order:
            yield answer, record
            record = next(records, None)
        elif rejection is not None and rejection.order == order:
            yield answer, rejection
            rejection = next(rejections, None)
        else:
            problem = f"{answer['custom_id']!r} is not what {one.dataset.path} and {one.rejected.path} have next."
            raise InputFileError(results, problem, line=number, field="custom_id", advice=_RESULTS_ADVICE)
    for left in (record, rejection):
        if left is not None:
            raise InputFileError(left.path, f"no answer in {results}.", line=left.number, advice=_RESULTS_ADVICE)


def _iter_wanted(rounds: Sequence[JudgedFiles], dialogues: frozenset[str]) -> Iterator[bytes]:
    """Yield the last row of each dialogue that was taken out, in the order of scenarios."""
    if not dialogues:
        return
    rejections = (iter_judged(Path(one.rejected.path), is_record=False) for one in rounds)
    merged = heapq.merge(*rejections, key=attrgetter("order"))
    meant = (row for row in merged if row.dialogue in dialogues and row.body.get("reason") == REVIEWER)
    for row, is_last in mark_last(meant, attrgetter("dialogue")):
        if is_last:
            yield row.line


def _write_lines(path: Path, lines: Iterable[bytes]) -> Artifact:
    count = 0
    with replace_file(path) as stream:
        for line in lines:
            stream.write(line)
            count += 1
    return describe_written(path, stream, count)
