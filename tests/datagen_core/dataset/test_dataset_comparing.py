"""Comparing: with what is kept, what is published and what is gold; judged in rounds or in one go, the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from datagen_core.batch.requests import RequestOptions
from datagen_core.checks import RULES
from datagen_core.dataset.comparing import Comparison
from datagen_core.dataset.deduplicating import Fingerprint, fingerprint_record
from datagen_core.dataset.funnel import read_funnel
from datagen_core.dataset.judging import JudgedFiles, judge_file
from datagen_core.dataset.rounds import merge_run, write_next_requests
from datagen_core.dataset.verdicts import DUPLICATE
from datagen_core.errors import InputFileError
from datagen_core.files import write_json_array, write_jsonl
from datagen_core.scenarios import Scenario, write_scenarios

ANSWERS = Path(__file__).parents[2] / "fixtures" / "answers"
FIXTURES: list[dict[str, Any]] = [
    json.loads(path.read_text(encoding="utf-8")) for path in sorted(ANSWERS.glob("training-7-*.json"))[:3]
]
GOAL = [{"type": "cart_holds", "lines": [{"menu": "M3", "quantity": 2}]}]


def _record(said: str, scenario_id: str | None = None, **meta: object) -> dict[str, object]:
    messages = [{"role": "user", "content": said}, {"role": "assistant", "content": f"네, {said}"}]
    return {"messages": messages, "meta": {"scenario_id": scenario_id, **meta}}


def _print(record: dict[str, object], name: str = "one") -> Fingerprint:
    fingerprint = fingerprint_record(record, name)
    assert fingerprint is not None
    return fingerprint


def _judge(comparison: Comparison, record: dict[str, object]) -> list[tuple[str, str, int | None]]:
    return [(v.rule, v.severity, v.turn) for v in comparison.judge(_print(record))]


SAID = "우리 동네에서 평점 높은 치킨집 세 곳만 찾아 주시겠어요?"
NEAR = "우리 동네에서 평점 높은 치킨집 세 곳만 찾아 주시겠어요"
LIKE = "우리 동네에서 평점 높은 치킨집 네 곳만 찾아 주시겠어요?"
OTHER = "장바구니에 담긴 것 좀 다 비워 줄래"


def test_a_repetition_breaks_u01_or_u02_and_only_what_was_kept_counts() -> None:
    with Comparison() as comparison:
        assert _judge(comparison, _record(SAID, "a")) == []
        assert _judge(comparison, _record(SAID, "b")) == []
        comparison.keep(_print(_record(SAID, "a")))
        assert comparison.has_scenario("a")
        assert not comparison.has_scenario("b")
        assert _judge(comparison, _record(SAID, "b")) == [("U01", "E", None)]
        assert _judge(comparison, _record(OTHER, "a")) == [("U01", "E", None)]
        assert _judge(comparison, _record(NEAR, "b")) == [("U02", "E", None)]
        assert _judge(comparison, _record(LIKE, "b")) == []
        assert _judge(comparison, _record(OTHER)) == []


def test_published_rows_are_not_repeated_but_a_published_scenario_is_itself(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "dataset.jsonl", [_record(SAID, "a"), _record(OTHER)])
    for published in (tmp_path, tmp_path / "dataset.jsonl"):
        with Comparison(published=[published]) as comparison:
            assert _judge(comparison, _record(SAID, "b")) == [("U01", "E", None)]
            assert _judge(comparison, _record(NEAR, "b")) == [("U02", "E", None)]
            assert _judge(comparison, _record(SAID, "a")) == []
            assert _judge(comparison, _record(OTHER, "a")) == []
            assert _judge(comparison, _record(OTHER, "c")) == [("U01", "E", None)]
            assert "of a published dataset" in comparison.judge(_print(_record(NEAR, "b")))[0].message


def test_overlap_with_gold_breaks_u03_by_words_or_by_task(tmp_path: Path) -> None:
    world = {"seed": 7, "user_id": "u", "now": "2026-02-14T19:10:00+09:00", "restaurants": [1, 2]}
    gold = [_record(SAID, "g", goal=GOAL, opening=world), _record(OTHER, "h")]
    write_jsonl(tmp_path / "gold_dataset.jsonl", gold)
    with Comparison(gold=tmp_path) as comparison:
        assert comparison.has_gold
        assert _judge(comparison, _record(LIKE)) == [("U03", "E", None)]
        assert _judge(comparison, _record("전혀 다른 부탁이에요", goal=GOAL, opening=world)) == [("U03", "E", None)]
        assert _judge(comparison, _record("전혀 다른 부탁이에요", goal=GOAL, opening={**world, "seed": 8})) == []
        comparison.keep(_print(_record(LIKE)))
        assert _judge(comparison, _record(LIKE)) == [("U01", "E", None), ("U03", "E", None)]


def test_without_gold_and_published_only_the_own_rows_count(tmp_path: Path) -> None:
    with Comparison() as comparison:
        assert not comparison.has_gold
        assert _judge(comparison, _record(SAID, goal=GOAL, opening={})) == []
    write_jsonl(tmp_path / "empty.jsonl", [])
    (tmp_path / "garbage.jsonl").write_text('{"messages": 3}\nno JSON\n', encoding="utf-8")
    for name in ("nothing.jsonl", "empty.jsonl", "garbage.jsonl"):
        with pytest.raises(InputFileError, match=name):
            Comparison(published=[tmp_path / name])
        with pytest.raises(InputFileError, match=name):
            Comparison(gold=tmp_path / name)
    with Comparison(earlier=[tmp_path / "empty.jsonl"]) as comparison:
        assert _judge(comparison, _record(SAID)) == []


TWINS = 4
"""Scenarios of one fixture under other ids, so that the same answer is right for all of them."""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_scenarios(tmp_path / "scenarios.jsonl", (_scenario(n, twin) for n in range(3) for twin in range(TWINS)))
    return tmp_path


def _id(number: int, twin: int) -> str:
    return f"training-7-{number * TWINS + twin:06d}"


def _scenario(number: int, twin: int) -> Scenario:
    return Scenario.model_validate(FIXTURES[number]["scenario"]).model_copy(update={"id": _id(number, twin)})


def _answer(
    number: int, twin: int, round_number: int = 1, *, is_good: bool = True, words: str = ""
) -> dict[str, object]:
    text = FIXTURES[number]["text"] if is_good else "{}"
    if words:
        turns = json.loads(text)["turns"]
        turns[0]["text"] = f"{words} {turns[0]['text']}"
        text = json.dumps({"turns": turns}, ensure_ascii=False)
    return {"custom_id": f"{_id(number, twin)}.r{round_number}", "outcome": "answered", "text": text}


def _judge_round(
    run: Path, name: str, answers: list[dict[str, object]], earlier: Sequence[JudgedFiles] = (), **more: Any
) -> JudgedFiles:
    write_json_array(run / name / "result_lst.json", answers)
    return judge_file(
        run / "scenarios.jsonl", run / name / "result_lst.json", run / name,
        counts_pending=False, earlier=[Path(one.dataset.path) for one in earlier], **more,
    )  # fmt: skip


def _rows(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def _ids(judged: JudgedFiles) -> list[str]:
    return [row["meta"]["scenario_id"] for row in _rows(judged.dataset.path)]


def test_the_earlier_of_two_stays_and_the_other_is_asked_for_again_in_other_words(run: Path) -> None:
    judged = _judge_round(run, "one", [_answer(0, 0), _answer(0, 1), _answer(1, 0)])
    assert _ids(judged) == [_id(0, 0), _id(1, 0)]
    [rejected] = _rows(judged.rejected.path)
    assert (rejected["reason"], [v["rule"] for v in rejected["violations"] if v["severity"] == "E"]) == (None, ["U01"])
    assert _id(0, 0) in rejected["violations"][-1]["message"]
    assert read_funnel(Path(judged.funnel.path)).rules == {"U01": 1}
    write_next_requests(run / "n.jsonl", Path(judged.rejected.path), RequestOptions("m"), round_number=2)
    [request] = _rows(str(run / "n.jsonl"))
    assert request["custom_id"] == f"{_id(0, 1)}.r2"
    assert RULES["U01"].korean in request["body"]["messages"][1]["content"]


def test_rounds_compare_with_earlier_rounds_and_equal_judging_their_answers_joined(run: Path) -> None:
    first = [_answer(0, 0, is_good=False), _answer(0, 1), _answer(0, 2), _answer(1, 0), _answer(2, 0, is_good=False)]
    second = [_answer(0, 0, 2), _answer(0, 2, 2), _answer(1, 0, 2), _answer(2, 0, 2)]
    third = [_answer(0, 0, 3, words="저기요, 바쁘신데 죄송하지만 잠깐 여쭤볼게요."), _answer(0, 2, 3)]
    rounds: list[JudgedFiles] = []
    for number, answers in enumerate((first, second, third)):
        rounds.append(_judge_round(run, f"r{number}", answers, rounds))
    assert [_ids(judged) for judged in rounds] == [[_id(0, 1), _id(1, 0)], [_id(2, 0)], [_id(0, 0)]]
    reasons = [row["reason"] for row in _rows(rounds[1].rejected.path)]
    assert reasons == [None, None, DUPLICATE]
    files = merge_run([run / f"r{n}" / "result_lst.json" for n in range(3)], rounds, run / "merged", scenarios=12)
    again = judge_file(run / "scenarios.jsonl", run / "merged" / "result_lst.json", run / "again")
    assert Path(files.judged.dataset.path).read_bytes() == Path(again.dataset.path).read_bytes()
    merged, joined = (_rows(one.rejected.path) for one in (files.judged, again))
    verdicts = [
        [(row["custom_id"], row["reason"], len(row["violations"])) for row in rows] for rows in (merged, joined)
    ]
    assert verdicts[0] == verdicts[1]
    for one in (files.judged, again):
        funnel = read_funnel(Path(one.funnel.path))
        assert funnel.is_balanced()
        assert (funnel.total.accepted, funnel.rules["U01"]) == (4, 4)


def test_answers_in_any_order_of_several_rounds_prefer_the_earlier_round(run: Path) -> None:
    judged = _judge_round(run, "odd", [_answer(0, 1, 2), _answer(0, 0, 1), _answer(1, 0, 1)])
    assert _ids(judged) == [_id(0, 0), _id(1, 0)]


def test_published_and_gold_datasets_are_given_by_path(run: Path) -> None:
    before = _judge_round(run, "before", [_answer(0, 0), _answer(1, 0)])
    rows = [{**row, "meta": {**row["meta"], "scenario_id": "gold-1-000001"}} for row in _rows(before.dataset.path)]
    write_jsonl(run / "other.jsonl", rows)
    answers = [_answer(0, 1), _answer(2, 0)]
    published = _judge_round(run, "published", answers, published=[run / "other.jsonl"])
    gold = _judge_round(run, "gold", answers, gold=run / "other.jsonl")
    for judged, rule in ((published, "U01"), (gold, "U03")):
        assert _ids(judged) == [_id(2, 0)]
        assert read_funnel(Path(judged.funnel.path)).rules == {rule: 1}
    assert _ids(_judge_round(run, "alone", answers)) == [_id(0, 1), _id(2, 0)]


def test_judging_again_what_is_published_rejects_nothing(run: Path) -> None:
    answers = [_answer(n, 0) for n in range(3)]
    first = _judge_round(run, "one", answers)
    again = _judge_round(run, "two", answers, published=[Path(first.dataset.path)])
    assert Path(first.dataset.path).read_bytes() == Path(again.dataset.path).read_bytes()
    assert orjson.loads(Path(again.funnel.path).read_bytes())["rules"] == {}
