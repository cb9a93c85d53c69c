"""Decides what is asked for again, and how the rounds' files become the run's files."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final, cast

from pydantic import BaseModel, ConfigDict

from datagen_core.batch.requests import RequestOptions, build_request, render_custom_id
from datagen_core.dataset.funnel import merge_funnels, read_funnel, write_funnel
from datagen_core.dataset.hinting import hint_problems
from datagen_core.dataset.judging import DEFAULT_PRICES, JudgedFiles
from datagen_core.dataset.lookup import order_of
from datagen_core.dataset.merging import merge_rows
from datagen_core.dataset.verdicts import DUPLICATE
from datagen_core.files import (
    Artifact,
    JsonObject,
    describe,
    describe_written,
    iter_json_array,
    read_jsonl,
    replace_file,
    validate_model,
    write_json_array,
    write_jsonl,
)
from datagen_core.pricing import PriceBook
from datagen_core.scenario_ids import render_substitute, split_substitute
from datagen_core.scenarios import Scenario, substitute_scenario

_ADVICE = "Run 'datagen preprocess' on that round's results again."

FAILURE_NOTES: Final = {"truncated": "대본이 길어 잘렸습니다. 더 짧게 씁니다."}

MOST_OUTPUT_TOKENS: Final = 64_000
"""Where doubling the room of truncated answers ends; no dialogue needs more."""


def write_next_requests(path: Path, rejected: Path, options: RequestOptions, *, round_number: int) -> Artifact:
    """Write the requests of a further round: each row of `rejected.jsonl` again, with what was wrong with it.

    A request that ended final (refused, filtered, an HTTP 4xx that does not pass) is never made again: a substitute
    for its scenario is asked for, without a word of what was refused. A truncated answer gets room that doubles
    round by round. A duplicate is not asked for again: its scenario has a record. A file that asks for the same
    scenarios already is kept as it is: it may be paid for, and other words for the same problems, in a newer version,
    would be another submission.

    Raises:
        InputFileError: a row of `rejected` is none, or has no scenario; names the line.
        ConfigError: nothing can stand in for a scenario, as its topic is none of ours.
    """
    asked = _count_if_asked(path, rejected, round_number)
    if asked is not None:
        return describe(path, asked)
    rows = (_build_next(rejected, line, row, options, round_number) for line, row in _iter_missing(rejected))
    return write_jsonl(path, rows)


def find_common_refusal(rejected: Path) -> str | None:
    """Return what the provider has against every request of a round; None where one of them ended otherwise.

    It holds for the round only if the round accepted nothing. Every row was then refused over HTTP for good (a 4xx: the
    model's name, a parameter, the key), so that substitutes would be refused as well.
    """
    first: JsonObject | None = None
    n_rows = n_same = 0
    for _, row in read_jsonl(rejected, advice=_ADVICE):
        if not _is_final(row) or row.get("reason") != "error":
            return None
        error = _error_of(row)
        first = error if first is None else first
        n_rows += 1
        n_same += error.get("code") == first.get("code")
    if first is None:
        return None
    status = f"HTTP {first['status']}, " if "status" in first else ""
    alike = "all" if n_same == n_rows else str(n_same)
    return (
        f"The provider refused each of the {n_rows} requests for good, {alike} of them with {status}code "
        f"{first.get('code')!r}: {first.get('message') or 'no message'}"
    )


def _build_next(
    rejected: Path, line: int, row: JsonObject, options: RequestOptions, round_number: int
) -> dict[str, object]:
    scenario = _read_scenario(rejected, line, row)
    if _is_final(row):
        substitute = substitute_scenario(scenario, _next_substitute(scenario.id))
        return build_request(substitute, options, round_number=round_number)
    if row.get("reason") == "truncated":
        options = options._replace(max_output_tokens=_double(options.max_output_tokens, round_number - 1))
    return build_request(scenario, options, round_number=round_number, problems=_describe_problems(row))


def _iter_missing(rejected: Path) -> Iterator[tuple[int, JsonObject]]:
    return ((line, row) for line, row in read_jsonl(rejected, advice=_ADVICE) if row.get("reason") != DUPLICATE)


def _is_final(row: JsonObject) -> bool:
    return row.get("class") == "final"


def _next_substitute(scenario_id: str) -> int:
    return split_substitute(scenario_id)[1] + 1


def _count_if_asked(path: Path, rejected: Path, round_number: int) -> int | None:
    """Return how many requests the file holds if they are those for the rejected rows, in order; else None."""
    if not path.exists():
        return None
    wanted = (_name_next(row, round_number) for _, row in _iter_missing(rejected))
    there = (row.get("custom_id") for _, row in read_jsonl(path, advice=_ADVICE))
    count = 0
    for want, have in zip_longest(wanted, there):
        if want is None or want != have:
            return None
        count += 1
    return count


def _name_next(row: JsonObject, round_number: int) -> str | None:
    """Return the custom_id of the request that comes after a rejected row; None where no scenario tells."""
    scenario = row.get("scenario")
    if not isinstance(scenario, dict):
        return None
    scenario_id = str(cast("JsonObject", scenario).get("id"))
    if _is_final(row):
        scenario_id = render_substitute(scenario_id, _next_substitute(scenario_id))
    return render_custom_id(scenario_id, round_number)


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


def merge_run(
    results: Sequence[Path],
    judged: Sequence[JudgedFiles],
    folder: Path,
    *,
    scenarios: int,
    prices: PriceBook = DEFAULT_PRICES,
) -> RunFiles:
    """Write the run's `result_lst.json`, `dataset.jsonl`, `rejected.jsonl` and `funnel.json` from its rounds'."""
    return RunFiles(
        results=merge_results(results, folder / "result_lst.json"),
        judged=merge_judged(judged, folder, scenarios=scenarios, prices=prices),
    )


def merge_results(rounds: Sequence[Path], output: Path) -> Artifact:
    """Write one `result_lst.json` from the rounds': scenario by scenario, a scenario's rounds in order."""
    return write_json_array(
        output,
        heapq.merge(*(_iter_results(path) for path in rounds), key=lambda result: order_of(str(result["custom_id"]))),
    )


def merge_judged(
    rounds: Sequence[JudgedFiles], folder: Path, *, scenarios: int, prices: PriceBook = DEFAULT_PRICES
) -> JudgedFiles:
    """Write the run's `dataset.jsonl`, `rejected.jsonl` and `funnel.json` from those of its rounds.

    Rows stand scenario by scenario, as judging the merged `result_lst.json` in one go would write them. Where a
    scenario has records in several rounds, that of the first stays; the others are counted as rejected, and stand in
    `rejected.jsonl` without text and scenario, which a record does not hold (`result_lst.json` has the text). The last
    row of a dialogue that no round accepted tells of all `attempts` at it. Every file is read once, in step with the
    others: memory holds a row of each.
    """
    funnel = merge_funnels((read_funnel(Path(judged.funnel.path)) for judged in rounds), scenarios=scenarios)
    n_accepted = n_rejected = 0
    with replace_file(folder / "dataset.jsonl") as dataset, replace_file(folder / "rejected.jsonl") as refuse:
        for is_record, line in merge_rows(
            [(Path(one.dataset.path), Path(one.rejected.path)) for one in rounds], funnel
        ):
            (dataset if is_record else refuse).write(line)
            n_accepted += is_record
            n_rejected += not is_record
    funnel.price(prices)
    return JudgedFiles(
        dataset=describe_written(folder / "dataset.jsonl", dataset, n_accepted),
        rejected=describe_written(folder / "rejected.jsonl", refuse, n_rejected),
        funnel=write_funnel(folder / "funnel.json", funnel),
    )


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


def _error_of(row: JsonObject) -> JsonObject:
    error = row.get("error")
    return cast("JsonObject", error) if isinstance(error, dict) else {}
