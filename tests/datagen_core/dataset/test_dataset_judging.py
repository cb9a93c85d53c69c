"""Judging: real answers are accepted, each outcome is counted once, and rounds add up to one run."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.batch.requests import RequestOptions
from datagen_core.checks import RULES
from datagen_core.config import TOOL_NAMES
from datagen_core.dataset.facts import gather_card_facts
from datagen_core.dataset.funnel import Funnel, merge_funnels, read_funnel
from datagen_core.dataset.judging import JudgedFiles, judge_file, name_siblings
from datagen_core.dataset.rounds import FAILURE_NOTES, merge_run, write_next_requests
from datagen_core.dataset.validating import validate_file
from datagen_core.dataset.verdicts import describe_rejection, judge_answer
from datagen_core.environment import Opening
from datagen_core.errors import InputFileError
from datagen_core.files import write_json_array, write_jsonl
from datagen_core.scenarios import Scenario, write_scenarios

ANSWERS = Path(__file__).parents[2] / "fixtures" / "answers"
ANSWERED: list[dict[str, Any]] = [
    json.loads(path.read_text(encoding="utf-8")) for path in sorted(ANSWERS.glob("*.json"))
]
FIXTURES = [fixture for fixture in ANSWERED if "-7-" in fixture["scenario"]["id"]]


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


@pytest.mark.parametrize("fixture", ANSWERED, ids=lambda fixture: fixture["scenario"]["id"])
def test_answers_of_a_language_model_get_the_verdict_expected(fixture: dict[str, Any]) -> None:
    verdict = judge_answer(_scenario(fixture), _answer(fixture))
    broken = sorted({violation.rule for violation in verdict.violations if violation.severity == "E"})
    assert (verdict.fate, broken) == (fixture["expected"], fixture.get("broken", []))


def test_record_has_exactly_the_fields_of_the_format_and_keeps_the_scenario() -> None:
    scenario = _scenario(FIXTURES[0])
    record = judge_answer(scenario, _answer(FIXTURES[0]), provider="simulator").record
    assert record is not None
    assert list(record) == ["tools", "uid", "dates", "system_prompt", "messages", "meta"]
    assert record["dates"] == scenario.date
    assert {message["role"] for message in record["messages"]} == {"user", "assistant"}
    meta = record["meta"]
    assert (meta["scenario_id"], meta["model"], meta["simulated"]) == (scenario.id, "gpt-6-luna", True)
    assert meta["writer"] == "script"
    assert Opening.model_validate(meta["opening"]) == scenario.opening


@pytest.mark.parametrize("outcome", ["refused", "truncated", "filtered", "error", "expired", "cancelled", "missing"])
def test_what_is_no_answer_is_failed_not_rejected(outcome: str) -> None:
    verdict = judge_answer(_scenario(FIXTURES[0]), _answer(FIXTURES[0], outcome=outcome))
    assert (verdict.fate, verdict.reason) == ("failed", outcome)


_DEEP = '{"turns": [{"role": "call", "tool": "get_cart", "args": {"x": ' + "[" * 1_000 + "]" * 1_000 + "}}]}"


@pytest.mark.parametrize("text", ["", "죄송합니다", '{"turns": []}', "\ud800", "[" * 100_000, _DEEP])
def test_an_unreadable_answer_breaks_s01(text: str) -> None:
    verdict = judge_answer(_scenario(FIXTURES[0]), _answer(FIXTURES[0], text=text))
    assert verdict.fate == "rejected"
    assert [v.rule for v in verdict.violations] == ["S01"]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["R1", "M1", "S1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=9,
)
_NAMES = st.sampled_from(["restaurant_id", "menu_item_id", "quantity", "cart_item_ids", "snapshot", "query"])


@given(
    tool=st.sampled_from(TOOL_NAMES) | st.text(max_size=5),
    args=st.dictionaries(_NAMES | st.text(max_size=5), _VALUES, max_size=4),
    depth=st.integers(0, 30),
    answer=st.dictionaries(st.sampled_from(["provider", "usage", "model", "batch_id", "error"]), _VALUES, max_size=3),
)
def test_whatever_is_answered_gets_a_verdict_that_can_be_written(
    tool: str, args: dict[str, object], depth: int, answer: dict[str, object]
) -> None:
    nested: object = "C1"
    for _ in range(depth):
        nested = [nested]
    call = {"role": "call", "tool": tool, "args": {**args, "address_id": nested}}
    text = json.dumps({"turns": [{"role": "customer", "text": "네"}, call, {"role": "counsellor", "text": "네"}]})
    scenario = _scenario(FIXTURES[0])
    verdict = judge_answer(scenario, _answer(FIXTURES[0], text=text))
    assert verdict.fate == "rejected"
    row = describe_rejection(scenario, _answer(FIXTURES[0], text=text), verdict)
    assert orjson.loads(orjson.dumps(row))["fate"] == "rejected"
    assert judge_answer(scenario, {**_answer(FIXTURES[0]), **answer}).record is not None


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
    assert rows[0]["scenario"] == _scenario(FIXTURES[0]).model_dump(mode="json")
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
    assert (judged.dataset.rows, judged.rejected.rows) == (2, 1)
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


def test_an_element_of_another_type_is_an_error_that_says_what_was_expected(run: Path) -> None:
    write_json_array(run / "r.json", [["(고객) 안녕하세요"]])
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


def test_the_provider_an_answer_names_comes_before_the_one_given() -> None:
    scenario = _scenario(FIXTURES[0])
    named = judge_answer(scenario, _answer(FIXTURES[0], provider="simulator"), provider="openai").record
    given = judge_answer(scenario, _answer(FIXTURES[0]), provider="openai").record
    assert named is not None
    assert given is not None
    assert (named["meta"]["provider"], named["meta"]["simulated"]) == ("simulator", True)
    assert (given["meta"]["provider"], given["meta"]["simulated"]) == ("openai", False)


@pytest.mark.parametrize(
    ("order", "line"),
    [((0, 0), 3), ((0, 1, 1), 4), ((5, 1, 5), 4), ((1, 5, 0, 5), 5)],
    ids=["first", "adjacent", "out of order", "after an earlier one"],
)
def test_a_custom_id_that_comes_twice_is_an_error(run: Path, order: tuple[int, ...], line: int) -> None:
    twice = f"{FIXTURES[order[-1]]['scenario']['id']}.r1"
    with pytest.raises(InputFileError, match=rf"line {line}, field 'custom_id'.*'{twice}' stands twice"):
        _judge(run, [_answer(FIXTURES[n]) for n in order], "twice")
    assert not (run / "twice" / "dataset.jsonl").exists()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)], ids=["in order", "out of order"])
def test_of_two_accepted_answers_to_a_scenario_the_first_becomes_a_record(run: Path, order: tuple[int, ...]) -> None:
    answers = [_answer(FIXTURES[n], number) for n in order for number in (1, 2, 3)[: 1 + 2 * (n == 0)]]
    judged = _judge(run, answers, "both", counts_pending=False)
    rows = [json.loads(line) for line in Path(judged.dataset.path).read_text(encoding="utf-8").splitlines()]
    assert [row["meta"]["scenario_id"] for row in rows] == [FIXTURES[n]["scenario"]["id"] for n in order]
    assert {row["meta"]["round"] for row in rows} == {1}
    refused = [json.loads(line) for line in Path(judged.rejected.path).read_text(encoding="utf-8").splitlines()]
    assert [(row["fate"], row["reason"], row["violations"]) for row in refused] == [("rejected", "duplicate", [])] * 2
    funnel = read_funnel(Path(judged.funnel.path))
    assert (funnel.total.accepted, funnel.total.rejected, funnel.scenarios, funnel.missing) == (3, 2, 3, 0)
    assert funnel.is_balanced()
    assert (
        write_next_requests(run / "n.jsonl", Path(judged.rejected.path), RequestOptions("m"), round_number=4).rows == 0
    )


def test_merging_rounds_keeps_the_first_record_of_a_scenario(run: Path) -> None:
    first = [_bad(FIXTURES[0]), _answer(FIXTURES[1])]
    second = [_answer(FIXTURES[0], 2), _answer(FIXTURES[1], 2)]
    rounds = [_judge(run, answers, f"r{i}", counts_pending=False) for i, answers in enumerate((first, second))]
    files = merge_run([run / f"r{i}" / "result_lst.json" for i in range(2)], rounds, run / "merged", scenarios=2)
    again = judge_file(run / "scenarios.jsonl", run / "merged" / "result_lst.json", run / "again", counts_pending=False)
    assert Path(files.judged.dataset.path).read_bytes() == Path(again.dataset.path).read_bytes()
    assert Path(files.judged.funnel.path).read_bytes() == Path(again.funnel.path).read_bytes()
    funnel = read_funnel(Path(files.judged.funnel.path))
    assert (funnel.total.accepted, funnel.total.rejected, funnel.missing) == (2, 2, 0)
    rows = [json.loads(line) for line in Path(files.judged.rejected.path).read_text(encoding="utf-8").splitlines()]
    assert [(row["custom_id"][-2:], row["reason"]) for row in rows] == [("r1", None), ("r2", "duplicate")]
    judged_rows = [json.loads(line) for line in Path(again.rejected.path).read_text(encoding="utf-8").splitlines()]
    assert [row["custom_id"] for row in rows] == [row["custom_id"] for row in judged_rows]
    assert (
        write_next_requests(run / "n.jsonl", Path(files.judged.rejected.path), RequestOptions("m"), round_number=3).rows
        == 1
    )


def test_validation_finds_a_scenario_that_stands_in_two_rows(run: Path) -> None:
    judged = _judge(run, [_answer(fixture) for fixture in FIXTURES[:3]], "three", counts_pending=False)
    lines = Path(judged.dataset.path).read_bytes().splitlines()
    (run / "d.jsonl").write_bytes(b"\n".join([*lines, lines[1]]))
    report = validate_file(run / "d.jsonl")
    assert (report.n_rows, report.n_sound) == (4, 3)
    [finding] = [finding for finding in report.violations if finding.severity == "E"]
    assert (finding.line, finding.rule, finding.turn) == (4, "U01", None)
    assert "line 2" in finding.message


def _scenario_rows(path: Path, n_skipped: int) -> list[str]:
    """Write scenarios with FIXTURES[0] first and FIXTURES[1] last; return the ids of those between."""
    between = [f"training-7-{number:06d}" for number in range(n_skipped)]
    template = _scenario(FIXTURES[2])
    write_scenarios(
        path,
        (
            scenario
            for part in (
                [_scenario(FIXTURES[0])],
                (template.model_copy(update={"id": scenario_id}) for scenario_id in between),
                [_scenario(FIXTURES[1])],
            )
            for scenario in part
        ),
    )
    return between


def _measure(run: Path, n_skipped: int, *, counts_pending: bool) -> int:
    _scenario_rows(run / "scenarios.jsonl", n_skipped)
    write_json_array(run / "r.json", [_answer(FIXTURES[0], 2), _answer(FIXTURES[1], 2)])
    tracemalloc.start()
    try:
        judge_file(run / "scenarios.jsonl", run / "r.json", run / "out", counts_pending=counts_pending)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("counts_pending", [True, False])
def test_scenarios_passed_over_are_not_kept(tmp_path: Path, counts_pending: bool) -> None:
    _measure(tmp_path, 2, counts_pending=counts_pending)
    few, many = (_measure(tmp_path, count, counts_pending=counts_pending) for count in (200, 2_000))
    assert many < 2 * few


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_round_s_funnel_counts_the_scenarios_it_has_answers_for(tmp_path: Path, order: tuple[int, int]) -> None:
    _scenario_rows(tmp_path / "scenarios.jsonl", 50)
    answers = [_answer(FIXTURES[n], 2) for n in order]
    for counts_pending, n_scenarios, n_pending in ((False, 2, 0), (True, 52, 50)):
        judged = _judge(tmp_path, answers, "two", counts_pending=counts_pending)
        funnel = read_funnel(Path(judged.funnel.path))
        assert (funnel.scenarios, funnel.total.accepted, funnel.total.pending) == (n_scenarios, 2, n_pending)
        assert funnel.is_balanced()


def test_a_truncated_answer_gets_twice_the_room_each_time(run: Path) -> None:
    for round_number, options, expected in (
        (2, RequestOptions("m"), 16_000),
        (3, RequestOptions("m"), 32_000),
        (4, RequestOptions("m"), 64_000),
        (9, RequestOptions("m"), 64_000),
        (2, RequestOptions("m", max_output_tokens=100_000), 100_000),
    ):
        before = round_number - 1
        answers = [_answer(FIXTURES[0], before, outcome="truncated"), _answer(FIXTURES[2], before, outcome="refused")]
        judged = _judge(run, answers, "cut")
        write_next_requests(run / "n.jsonl", Path(judged.rejected.path), options, round_number=round_number)
        bodies = [json.loads(line)["body"] for line in (run / "n.jsonl").read_text(encoding="utf-8").splitlines()]
        limits = [body["max_completion_tokens"] for body in bodies]
        assert limits == [expected, options.max_output_tokens]


@pytest.mark.parametrize(
    ("name", "siblings"),
    [
        ("dataset.jsonl", ("rejected.jsonl", "funnel.json")),
        ("gold_dataset.jsonl", ("gold_rejected.jsonl", "gold_funnel.json")),
        ("mine.jsonl", ("mine_rejected.jsonl", "mine_funnel.json")),
    ],
)
def test_a_dataset_s_name_decides_its_siblings(run: Path, name: str, siblings: tuple[str, str]) -> None:
    assert name_siblings(name) == siblings
    judged = _judge(run, [_answer(FIXTURES[0])], "one", dataset_name=name)
    assert tuple(Path(a.path).name for a in (judged.dataset, judged.rejected, judged.funnel)) == (name, *siblings)


def test_two_datasets_in_a_folder_keep_their_own_files(run: Path) -> None:
    training = _judge(run, [_bad(FIXTURES[0])], "one")
    gold = _judge(run, [_answer(FIXTURES[1])], "one", dataset_name="gold_dataset.jsonl")
    assert all(a.is_intact() for a in (training.dataset, training.rejected, training.funnel, gold.dataset))


def test_the_card_tells_the_seed_of_the_scenarios(run: Path) -> None:
    judged = _judge(run, [_answer(FIXTURES[0])], "one")
    record = orjson.loads(Path(judged.dataset.path).read_bytes())
    dataset = run / "d.jsonl"
    for scenario_id, seed, expected in (("training-77-000001", 42, 77), ("mine", 42, 42), ("gold-0-000001", None, 0)):
        record["meta"]["scenario_id"] = scenario_id
        write_jsonl(dataset, [record])
        assert gather_card_facts(dataset, None, title="t", seed=seed).seed == expected
    record["meta"]["scenario_id"] = "mine"
    write_jsonl(dataset, [record])
    with pytest.raises(InputFileError, match="no record tells the seed"):
        gather_card_facts(dataset, None, title="t")


def test_a_round_that_asked_already_is_not_asked_in_other_words(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged = _judge(run, [_bad(FIXTURES[0]), _answer(FIXTURES[2], outcome="truncated")], "one")
    requests = run / "again.jsonl"
    first = write_next_requests(requests, Path(judged.rejected.path), RequestOptions("m"), round_number=2)
    monkeypatch.setitem(FAILURE_NOTES, "truncated", "다른 말로 쓴 안내입니다.")
    assert write_next_requests(requests, Path(judged.rejected.path), RequestOptions("m"), round_number=2) == first
    fewer = _judge(run, [_bad(FIXTURES[0])], "fewer")
    assert write_next_requests(requests, Path(fewer.rejected.path), RequestOptions("m"), round_number=2).rows == 1
