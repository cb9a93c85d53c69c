"""Decides what is asked for again, and how the rounds' files become the run's files."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final, cast

from pydantic import BaseModel, ConfigDict

from datagen_core.batch.requests import RequestOptions, build_request, render_custom_id
from datagen_core.checks import case_from_record, check_dialogue
from datagen_core.dataset.funnel import Funnel, merge_funnels, read_funnel, write_funnel
from datagen_core.dataset.hinting import hint_problems
from datagen_core.dataset.judging import JudgedFiles
from datagen_core.dataset.lookup import order_of
from datagen_core.dataset.verdicts import DUPLICATE
from datagen_core.files import (
    Artifact,
    JsonObject,
    describe,
    iter_json_array,
    read_jsonl,
    validate_model,
    write_json_array,
    write_jsonl,
)
from datagen_core.scenarios import Scenario

_ADVICE = "Run 'datagen preprocess' on that round's results again."

FAILURE_NOTES: Final = {
    "truncated": "대본이 길어 잘렸습니다. 더 짧게 씁니다.",
    "refused": "대본 쓰기를 거절했습니다. 지어낸 인물과 가게의 평범한 배달 상담이므로 그대로 씁니다.",
    "filtered": "내용 거름망에 걸렸습니다. 순한 말로 씁니다.",
}


MOST_OUTPUT_TOKENS: Final = 64_000
"""Where doubling the room of truncated answers ends; no dialogue needs more."""


def write_next_requests(path: Path, rejected: Path, options: RequestOptions, *, round_number: int) -> Artifact:
    """Write the requests of a further round: each row of `rejected.jsonl` again, with what was wrong with it.

    A truncated answer gets twice the room of the round before. A duplicate is not asked for again: its scenario has a
    record. A file that asks for the same scenarios already is kept as it is: it may be paid for, and other words for
    the same problems, in a newer version, would be another submission.
    """
    asked = _count_if_asked(path, rejected, round_number)
    if asked is not None:
        return describe(path, asked)
    roomy = options._replace(max_output_tokens=_double(options.max_output_tokens, round_number - 1))

    def rows() -> Iterator[dict[str, object]]:
        for line, row in read_jsonl(rejected, advice=_ADVICE):
            reason = row.get("reason")
            if reason != DUPLICATE:
                yield build_request(
                    _read_scenario(rejected, line, row),
                    roomy if reason == "truncated" else options,
                    round_number=round_number,
                    problems=_describe_problems(row),
                )

    return write_jsonl(path, rows())


def _count_if_asked(path: Path, rejected: Path, round_number: int) -> int | None:
    """Return how many requests the file holds if they are those for the rejected rows, in order; else None."""
    if not path.exists():
        return None
    wanted = (
        render_custom_id(str(cast("JsonObject", row["scenario"])["id"]), round_number)
        for _, row in read_jsonl(rejected, advice=_ADVICE)
        if row.get("reason") != DUPLICATE and isinstance(row.get("scenario"), dict)
    )
    there = (row.get("custom_id") for _, row in read_jsonl(path, advice=_ADVICE))
    count = 0
    for want, have in zip_longest(wanted, there):
        if want != have:
            return None
        count += 1
    return count


def _double(limit: int, times: int) -> int:
    for _ in range(times):
        if limit >= MOST_OUTPUT_TOKENS:
            return limit
        limit = min(limit * 2, MOST_OUTPUT_TOKENS)
    return limit


class RunFiles(BaseModel):
    """A run's files at its end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    results: Artifact
    judged: JudgedFiles


def merge_run(results: Sequence[Path], judged: Sequence[JudgedFiles], folder: Path, *, scenarios: int) -> RunFiles:
    """Write the run's `result_lst.json`, `dataset.jsonl`, `rejected.jsonl` and `funnel.json` from its rounds'."""
    return RunFiles(
        results=merge_results(results, folder / "result_lst.json"),
        judged=merge_judged(judged, folder, scenarios=scenarios),
    )


def merge_results(rounds: Sequence[Path], output: Path) -> Artifact:
    """Write one `result_lst.json` from the rounds': scenario by scenario, a scenario's rounds in order."""
    return write_json_array(output, heapq.merge(*(_iter_results(path) for path in rounds), key=_row_order))


def merge_judged(rounds: Sequence[JudgedFiles], folder: Path, *, scenarios: int) -> JudgedFiles:
    """Write the run's `dataset.jsonl`, `rejected.jsonl` and `funnel.json` from those of its rounds.

    Rows stand scenario by scenario, as judging the merged `result_lst.json` in one go would write them. Where a
    scenario has records in several rounds, that of the first stays; the others are counted as rejected, and stand in
    `rejected.jsonl` without text and scenario, which a record does not hold (`result_lst.json` has the text).
    """
    datasets = [_iter_rows(judged.dataset.path) for judged in rounds]
    rejections = [_iter_rows(judged.rejected.path) for judged in rounds]
    duplicates: list[JsonObject] = []
    dataset = write_jsonl(folder / "dataset.jsonl", _iter_firsts(heapq.merge(*datasets, key=_record_order), duplicates))
    refused = [_describe_duplicate(record) for record in duplicates]
    funnel = _sum_funnels(rounds, scenarios)
    for record in duplicates:
        _reject_accepted(funnel, record)
    return JudgedFiles(
        dataset=dataset,
        rejected=write_jsonl(folder / "rejected.jsonl", heapq.merge(*rejections, refused, key=_row_order)),
        funnel=write_funnel(folder / "funnel.json", funnel),
    )


def _iter_firsts(records: Iterator[JsonObject], duplicates: list[JsonObject]) -> Iterator[JsonObject]:
    """Yield the first record of each scenario; the others, which follow it, are put into `duplicates`."""
    last: str | None = None
    for record in records:
        scenario_id = str(_meta_of(record)["scenario_id"])
        if scenario_id == last:
            duplicates.append(record)
        else:
            last = scenario_id
            yield record


def _describe_duplicate(record: JsonObject) -> JsonObject:
    """Return the row of `rejected.jsonl`, keys as `describe_rejection` writes them."""
    meta = _meta_of(record)
    return {
        "custom_id": render_custom_id(str(meta["scenario_id"]), _round_of(meta)),
        "fate": "rejected",
        "reason": DUPLICATE,
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


def _sum_funnels(rounds: Sequence[JudgedFiles], scenarios: int) -> Funnel:
    return merge_funnels((read_funnel(Path(judged.funnel.path)) for judged in rounds), scenarios=scenarios)


def _describe_problems(row: JsonObject) -> list[str]:
    reason = row.get("reason")
    if isinstance(reason, str):
        note = FAILURE_NOTES.get(reason)
        return [note] if note else []
    violations = cast("list[dict[str, object]]", row.get("violations") or [])
    return hint_problems(violations, row.get("text"))


def _read_scenario(path: Path, line: int, row: JsonObject) -> Scenario:
    return validate_model(Scenario, row.get("scenario"), path, line=line, field="scenario", advice=_ADVICE)


def _iter_results(path: Path) -> Iterator[JsonObject]:
    for _, element in iter_json_array(path, advice="Retrieve that round's results again."):
        yield cast("JsonObject", element)


def _iter_rows(path: str) -> Iterator[JsonObject]:
    for _, row in read_jsonl(Path(path), advice=_ADVICE):
        yield row


def _row_order(row: JsonObject) -> tuple[str, int, str, int]:
    return order_of(str(row["custom_id"]))


def _record_order(row: JsonObject) -> tuple[str, int, str, int]:
    meta = _meta_of(row)
    return order_of(render_custom_id(str(meta["scenario_id"]), _round_of(meta)))


def _meta_of(record: JsonObject) -> JsonObject:
    return cast("JsonObject", record["meta"])


def _round_of(meta: JsonObject) -> int:
    number = meta.get("round")
    return number if isinstance(number, int) else 1
