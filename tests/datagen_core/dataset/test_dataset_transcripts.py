"""Transcripts: asked for, answered by the simulator, judged without being executed, and on their own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import cast

import pytest

from datagen_core.batch.requests import RequestOptions, build_request, render_custom_id
from datagen_core.checks import case_from_record, case_from_transcript, check_dialogue
from datagen_core.config import USER_IDS
from datagen_core.dataset.funnel import read_funnel
from datagen_core.dataset.judging import judge_file
from datagen_core.dataset.validating import validate_file
from datagen_core.dataset.verdicts import Verdict, judge_answer
from datagen_core.dialogue.transcript import parse_transcript
from datagen_core.files import read_jsonl, write_json_array
from datagen_core.scenarios import Sampling, Scenario, resample_scenario, sample_scenarios, write_scenarios
from datagen_core.simulator.writer import ScriptWriter

TRANSCRIPTS = Sampling(writer="transcript")


def write_transcript(scenario: Scenario) -> str:
    line = build_request(scenario, RequestOptions(model="simulated"))
    return ScriptWriter().answer(str(line["custom_id"]), cast("dict[str, object]", line["body"])).text


@pytest.fixture(scope="module")
def written() -> list[tuple[Scenario, str]]:
    drawn = [
        *sample_scenarios("training", 100, seed=6, sampling=TRANSCRIPTS),
        *sample_scenarios("gold", 2, seed=6, sampling=TRANSCRIPTS),
    ]
    return [(scenario, write_transcript(scenario)) for scenario in drawn]


def judge(scenario: Scenario | None, text: str) -> Verdict:
    custom_id = render_custom_id(scenario.id, 1) if scenario else "transcript-000001"
    return judge_answer(scenario, {"custom_id": custom_id, "outcome": "answered", "text": text})


def errors(verdict: Verdict) -> set[str]:
    return {violation.rule for violation in verdict.violations if violation.severity == "E"}


def test_a_request_asks_for_plain_text_and_shows_the_shape_of_every_response() -> None:
    (scenario,) = sample_scenarios("training", 1, seed=6, sampling=TRANSCRIPTS)
    body = cast("dict[str, object]", build_request(scenario, RequestOptions(model="m"))["body"])
    assert "response_format" not in body
    system, user = (message["content"] for message in cast("list[dict[str, str]]", body["messages"]))
    assert "(function_response)" in system
    assert 'add_to_cart: {"cart_id":uuid' in system
    assert '{"turns"' not in system
    assert f"[고객 ID] {scenario.uid}" in user


def test_an_id_says_that_a_transcript_is_asked_for() -> None:
    (scenario,) = sample_scenarios("training", 1, seed=6, sampling=TRANSCRIPTS)
    assert scenario.id.endswith("-t")
    assert resample_scenario(scenario.id) == scenario


def test_flawless_transcripts_are_accepted_and_say_that_nothing_was_executed(
    written: list[tuple[Scenario, str]],
) -> None:
    for scenario, text in written:
        verdict = judge(scenario, text)
        assert verdict.fate == "accepted", (scenario.id, verdict.violations)
        assert verdict.record is not None
        meta = verdict.record["meta"]
        assert (meta["writer"], meta["opening"], meta["goal"], meta["kind"]) == ("transcript", None, [], scenario.kind)
        assert errors(Verdict("accepted", None, tuple(check_dialogue(case_from_record(verdict.record))), None)) == set()


@pytest.mark.parametrize(
    ("old", "new", "rules"),
    [
        ('"subtotal": ', '"subtotal": 1', {"K01"}),
        ('"quantity": ', '"quantity": 1', {"R03"}),
        ('"line_total"', '"line_sum"', {"R01"}),
    ],
)
def test_invented_responses_are_held_against_calls_and_each_other(
    written: list[tuple[Scenario, str]], old: str, new: str, rules: set[str]
) -> None:
    found = Counter[str]()
    for scenario, text in written:
        place = text.find("(function_response)", text.find("add_to_cart"))
        if "add_to_cart" in text and old in text[place:]:
            damaged = text[:place] + text[place:].replace(old, new, 1)
            found.update(errors(judge(scenario, damaged)))
    assert rules <= set(found)


def test_a_transcript_is_never_taken_where_a_script_was_asked_for(written: list[tuple[Scenario, str]]) -> None:
    scenario, text = written[0]
    scripted = scenario.model_copy(update={"writer": "script"})
    assert errors(judge(scripted, text)) == {"S01"}


def test_plain_texts_need_no_scenario(tmp_path: Path, written: list[tuple[Scenario, str]]) -> None:
    texts = [text for _, text in written[:20]]
    write_json_array(tmp_path / "result_lst.json", [*texts, "대화를 만들 수 없습니다."])
    judged = judge_file(None, tmp_path / "result_lst.json", tmp_path)
    funnel = read_funnel(Path(judged.funnel.path))
    assert (funnel.total.accepted, funnel.total.rejected, list(funnel.kinds)) == (20, 1, ["unknown"])
    rows = [row for _, row in read_jsonl(tmp_path / "dataset.jsonl", advice="")]
    first = cast("dict[str, object]", rows[0]["meta"])
    assert (first["scenario_id"], first["kind"], first["writer"]) == ("transcript-000001", None, "transcript")
    (rejected,) = (row for _, row in read_jsonl(tmp_path / "rejected.jsonl", advice=""))
    assert (rejected["custom_id"], rejected["scenario"]) == ("transcript-000021", None)
    assert validate_file(tmp_path / "dataset.jsonl").n_sound == 20


def test_answers_and_plain_texts_may_stand_in_one_file(tmp_path: Path, written: list[tuple[Scenario, str]]) -> None:
    scenarios = [scenario for scenario, _ in written[:3]]
    write_scenarios(tmp_path / "scenarios.jsonl", scenarios)
    answers = [
        {"custom_id": render_custom_id(scenario.id, 1), "outcome": "answered", "text": text}
        for scenario, text in written[:3]
    ]
    write_json_array(tmp_path / "result_lst.json", [*answers, written[5][1]])
    judged = judge_file(tmp_path / "scenarios.jsonl", tmp_path / "result_lst.json", tmp_path)
    assert judged.dataset.rows == 4


def test_what_a_header_lacks_is_filled_in(written: list[tuple[Scenario, str]]) -> None:
    scenario, text = next((s, t) for s, t in written if '"user_id"' in t)
    headless = text.split("\n", 2)[2]
    assert parse_transcript(headless).uid is None
    with_scenario = case_from_transcript(headless, scenario).dialogue
    assert (with_scenario.uid, with_scenario.date) == (scenario.uid, scenario.date)
    alone = case_from_transcript(headless, None).dialogue
    assert alone.uid == scenario.uid  # from the calls
    assert alone == case_from_transcript(headless, None).dialogue
    talk = case_from_transcript("(고객) 안녕\n(AI 상담사) 안녕하세요.", None).dialogue
    assert talk.uid in USER_IDS


@pytest.mark.parametrize("header", ["[대화날짜] 2026-02-30", "[고객 ID] 3F0C9D0E-8A15-4A0E-9D7B-2A5A6A1C7E01"])
def test_a_header_that_cannot_be_is_an_s01(header: str) -> None:
    assert errors(judge(None, f"{header}\n(고객) 안녕\n(AI 상담사) 안녕하세요. 무엇을 도와드릴까요?")) == {"S01"}
