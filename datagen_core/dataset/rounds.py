"""Decides what is asked for again, and how the rounds' files become the run's files."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from datagen_core.batch.requests import RequestOptions, build_request, read_custom_id
from datagen_core.checks import RULES
from datagen_core.dataset.funnel import Funnel, merge_funnels, read_funnel, write_funnel
from datagen_core.dataset.judging import JudgedFiles
from datagen_core.errors import InputFileError
from datagen_core.files import Artifact, JsonObject, iter_json_array, read_jsonl, write_json_array, write_jsonl
from datagen_core.scenarios import Scenario

_ADVICE = "Run 'datagen preprocess' on that round's results again."

FAILURE_NOTES: Final = {
    "truncated": "대본이 길어 잘렸습니다. 더 짧게 씁니다.",
    "refused": "대본 쓰기를 거절했습니다. 지어낸 인물과 가게의 평범한 배달 상담이므로 그대로 씁니다.",
    "filtered": "내용 거름망에 걸렸습니다. 순한 말로 씁니다.",
}


def write_next_requests(path: Path, rejected: Path, options: RequestOptions, *, round_number: int) -> Artifact:
    """Write the requests of a further round: each row of `rejected.jsonl` again, with what was wrong with it."""

    def rows() -> Iterator[dict[str, object]]:
        for line, row in read_jsonl(rejected, advice=_ADVICE):
            scenario = _read_scenario(rejected, line, row)
            yield build_request(scenario, options, round_number=round_number, problems=_describe_problems(row))

    return write_jsonl(path, rows())


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
    streams = [_iter_results(path) for path in rounds]
    merged = heapq.merge(*streams, key=lambda row: _order(str(row["custom_id"])))
    return write_json_array(output, merged)


def merge_judged(rounds: Sequence[JudgedFiles], folder: Path, *, scenarios: int) -> JudgedFiles:
    """Write the run's `dataset.jsonl`, `rejected.jsonl` and `funnel.json` from those of its rounds.

    Rows stand scenario by scenario, as judging the merged `result_lst.json` in one go would write them.
    """
    datasets = [_iter_rows(judged.dataset.path) for judged in rounds]
    rejections = [_iter_rows(judged.rejected.path) for judged in rounds]
    return JudgedFiles(
        dataset=write_jsonl(folder / "dataset.jsonl", heapq.merge(*datasets, key=_record_order)),
        rejected=write_jsonl(
            folder / "rejected.jsonl", heapq.merge(*rejections, key=lambda row: _order(str(row["custom_id"])))
        ),
        funnel=write_funnel(folder / "funnel.json", _sum_funnels(rounds, scenarios)),
    )


def _sum_funnels(rounds: Sequence[JudgedFiles], scenarios: int) -> Funnel:
    return merge_funnels((read_funnel(Path(judged.funnel.path)) for judged in rounds), scenarios=scenarios)


def _describe_problems(row: JsonObject) -> list[str]:
    reason = row.get("reason")
    if isinstance(reason, str):
        note = FAILURE_NOTES.get(reason)
        return [note] if note else []
    violations = cast("list[dict[str, object]]", row.get("violations") or [])
    return [RULES[str(v["rule"])].korean for v in violations if v.get("severity") == "E" and v.get("rule") in RULES]


def _read_scenario(path: Path, line: int, row: JsonObject) -> Scenario:
    try:
        return Scenario.model_validate(row.get("scenario"))
    except ValidationError as error:
        raise InputFileError(
            path, f"{error.errors()[0]['msg']}.", line=line, field="scenario", advice=_ADVICE
        ) from error


def _iter_results(path: Path) -> Iterator[JsonObject]:
    for _, element in iter_json_array(path, advice="Retrieve that round's results again."):
        yield cast("JsonObject", element)


def _iter_rows(path: str) -> Iterator[JsonObject]:
    for _, row in read_jsonl(Path(path), advice=_ADVICE):
        yield row


def _record_order(row: JsonObject) -> tuple[str, int, int]:
    return _order(str(cast("JsonObject", row["meta"])["scenario_id"]))


def _order(custom_id: str) -> tuple[str, int, int]:
    """Sort by run, place in the run, round."""
    scenario_id, round_number = read_custom_id(custom_id)
    run, _, index = scenario_id.rpartition("-")
    return run, int(index) if index.isascii() and index.isdigit() else 0, round_number
