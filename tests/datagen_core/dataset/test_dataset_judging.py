"""Judging: real answers are accepted, each outcome is counted once, and rounds add up to one run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from datagen_core.batch.requests import RequestOptions
from datagen_core.checks import RULES
from datagen_core.dataset.funnel import Funnel, merge_funnels, read_funnel
from datagen_core.dataset.judging import JudgedFiles, judge_answer, judge_file
from datagen_core.dataset.rounds import FAILURE_NOTES, merge_run, write_next_requests
from datagen_core.dataset.validating import validate_file
from datagen_core.errors import InputFileError
from datagen_core.files import write_json_array
from datagen_core.scenarios import Scenario, write_scenarios

ANSWERS = Path(__file__).parents[2] / "fixtures" / "answers"
FIXTURES: list[dict[str, Any]] = [
    json.loads(path.read_text(encoding="utf-8")) for path in sorted(ANSWERS.glob("*.json"))
]


def _scenario(fixture: dict[str, Any]) -> Scenario:
    return Scenario.model_validate(fixture["scenario"])


def _answer(fixture: dict[str, Any], round_number: int = 1, **changes: object) -> dict[str, object]:
    return {
        "custom_id": f"{fixture['scenario']['id']}.r{round_number}",
        "batch_id": "batch_1",
        "outcome": "answered",
        "text": fixture["text"],
        "error": None,
        "model": "gpt-6-luna",
        "usage": {"prompt_tokens": 10, "cached_tokens": 4, "completion_tokens": 3},
        **changes,
    }


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture["scenario"]["id"])
def test_answers_of_a_language_model_get_the_verdict_expected(fixture: dict[str, Any]) -> None:
    verdict = judge_answer(_scenario(fixture), _answer(fixture))
    assert (verdict.fate, [v for v in verdict.violations if v.severity == "E"]) == (fixture["expected"], [])


def test_record_has_exactly_the_fields_of_the_format_and_keeps_the_scenario() -> None:
    scenario = _scenario(FIXTURES[0])
    record = judge_answer(scenario, _answer(FIXTURES[0]), provider="simulator").record
    assert record is not None
    assert list(record) == ["tools", "uid", "dates", "system_prompt", "messages", "meta"]
    assert record["dates"] == scenario.date
    assert {message["role"] for message in record["messages"]} == {"user", "assistant"}
    meta = record["meta"]
    assert (meta["scenario_id"], meta["model"], meta["simulated"]) == (scenario.id, "gpt-6-luna", True)
    assert orjson.loads(orjson.dumps(meta["opening"])) == FIXTURES[0]["scenario"]["opening"]


@pytest.mark.parametrize("outcome", ["refused", "truncated", "filtered", "error", "expired", "cancelled", "missing"])
def test_what_is_no_answer_is_failed_not_rejected(outcome: str) -> None:
    verdict = judge_answer(_scenario(FIXTURES[0]), _answer(FIXTURES[0], outcome=outcome))
    assert (verdict.fate, verdict.reason) == ("failed", outcome)


@pytest.mark.parametrize("text", ["", "죄송합니다", '{"turns": []}', "\ud800", "[" * 100_000])
def test_an_unreadable_answer_breaks_s01(text: str) -> None:
    verdict = judge_answer(_scenario(FIXTURES[0]), _answer(FIXTURES[0], text=text))
    assert verdict.fate == "rejected"
    assert [v.rule for v in verdict.violations] == ["S01"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_scenarios(tmp_path / "scenarios.jsonl", map(_scenario, FIXTURES))
    return tmp_path


def _judge(run: Path, answers: list[dict[str, object]], name: str, **options: Any) -> JudgedFiles:
    write_json_array(run / name / "result_lst.json", answers)
    return judge_file(run / "scenarios.jsonl", run / name / "result_lst.json", run / name, **options)


def _bad(fixture: dict[str, Any], round_number: int = 1) -> dict[str, object]:
    return _answer(fixture, round_number, text=fixture["text"].replace('"turns"', '"turn"'))


def test_funnel_counts_every_request_once(run: Path) -> None:
    answers = [_answer(FIXTURES[0]), _bad(FIXTURES[1]), _answer(FIXTURES[2], outcome="truncated")]
    judged = _judge(run, answers, "one")
    funnel = read_funnel(Path(judged.funnel.path))
    assert funnel.is_balanced()
    assert funnel.total.model_dump() == {
        "requested": 18, "accepted": 1, "rejected": 1, "failed": 1, "pending": 15,
    }  # fmt: skip
    assert (funnel.scenarios, funnel.missing, funnel.failures, funnel.rules) == (18, 17, {"truncated": 1}, {"S01": 1})
    assert funnel.tokens.model_dump() == {"prompt": 30, "cached": 12, "completion": 9}
    assert (judged.dataset.rows, judged.rejected.rows) == (1, 2)


def test_rejected_rows_hold_scenario_text_and_violations_and_are_asked_for_again(run: Path) -> None:
    judged = _judge(run, [_bad(FIXTURES[0]), _answer(FIXTURES[2], outcome="truncated")], "one")
    rows = [json.loads(line) for line in Path(judged.rejected.path).read_text(encoding="utf-8").splitlines()]
    assert [row["fate"] for row in rows] == ["rejected", "failed"]
    assert rows[0]["scenario"] == FIXTURES[0]["scenario"]
    assert rows[0]["violations"][0]["rule"] == "S01"
    assert '"turn"' in rows[0]["text"]
    requests = run / "again.jsonl"
    write_next_requests(requests, Path(judged.rejected.path), RequestOptions("m"), round_number=2)
    again = [json.loads(line) for line in requests.read_text(encoding="utf-8").splitlines()]
    assert [row["custom_id"] for row in again] == [f"{FIXTURES[i]['scenario']['id']}.r2" for i in (0, 2)]
    assert RULES["S01"].korean in again[0]["body"]["messages"][1]["content"]
    assert FAILURE_NOTES["truncated"] in again[1]["body"]["messages"][1]["content"]


def test_merged_rounds_equal_judging_the_merged_answers(run: Path) -> None:
    first = [_bad(f) if i % 3 == 0 else _answer(f) for i, f in enumerate(FIXTURES)]
    second = [_bad(f, 2) if i % 6 == 0 else _answer(f, 2) for i, f in enumerate(FIXTURES) if i % 3 == 0]
    third = [_answer(f, 3) for i, f in enumerate(FIXTURES) if i % 6 == 0]
    rounds = [_judge(run, answers, f"r{i}", counts_pending=False) for i, answers in enumerate((first, second, third))]
    files = merge_run([run / f"r{i}" / "result_lst.json" for i in range(3)], rounds, run / "merged", scenarios=18)
    again = judge_file(run / "scenarios.jsonl", run / "merged" / "result_lst.json", run / "again")
    for merged, judged in zip(
        (files.judged.dataset, files.judged.rejected, files.judged.funnel),
        (again.dataset, again.rejected, again.funnel),
        strict=True,
    ):
        assert Path(merged.path).read_bytes() == Path(judged.path).read_bytes()
    funnel = read_funnel(Path(files.judged.funnel.path))
    assert (funnel.total.accepted, funnel.missing, funnel.total.rejected) == (18, 0, 9)
    assert validate_file(Path(files.judged.dataset.path)).n_sound == 18


def test_answers_in_any_order_are_judged_and_unknown_ones_are_an_error(run: Path) -> None:
    judged = _judge(run, [_answer(FIXTURES[5]), _answer(FIXTURES[1]), _answer(FIXTURES[5], 2)], "odd")
    assert judged.dataset.rows == 3
    with pytest.raises(InputFileError, match=r"line 2, field 'custom_id'.*'training-1-000000.r1'"):
        _judge(run, [{"custom_id": "training-1-000000.r1"}], "unknown")
    assert not (run / "unknown" / "dataset.jsonl").exists()


def test_without_the_scenario_file_ids_are_enough_and_the_seed_is_held(run: Path) -> None:
    scenario_id = "training-42-000003"
    write_json_array(run / "r.json", [{"custom_id": f"{scenario_id}.r1", "outcome": "expired"}])
    judged = judge_file(None, run / "r.json", run / "out", seed=42)
    row = json.loads(Path(judged.rejected.path).read_text(encoding="utf-8"))
    assert row["scenario"]["id"] == scenario_id
    with pytest.raises(InputFileError, match="with seed 43"):
        judge_file(None, run / "r.json", run / "out", seed=43)


def test_plain_text_elements_are_an_error_that_says_what_was_expected(run: Path) -> None:
    write_json_array(run / "r.json", ["(고객) 안녕하세요"])
    with pytest.raises(InputFileError, match=r"r.json, line 2, field 'custom_id': expected an object"):
        judge_file(run / "scenarios.jsonl", run / "r.json", run / "out")


def test_funnels_add_up() -> None:
    one, two = Funnel(scenarios=2), Funnel(scenarios=1)
    one.count("accepted", round_number=1, kind="tool_use", category="주문 처리")
    one.count("failed", round_number=1, kind="partial", category=None)
    two.count("accepted", round_number=2, kind="partial", category=None)
    merged = merge_funnels([one, two], scenarios=2)
    assert merged.is_balanced()
    assert (merged.total.requested, merged.total.accepted, merged.missing, sorted(merged.rounds)) == (3, 2, 0, [1, 2])
    merged.kinds["partial"].failed += 1
    assert not merged.is_balanced()
