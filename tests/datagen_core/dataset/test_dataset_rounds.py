"""Rounds: asked for n, get n; what ended final is never sent again; what never came tells of every attempt at it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datagen_core.batch.outcomes import classify
from datagen_core.batch.requests import RequestOptions, build_request, read_custom_id
from datagen_core.checks import RULES
from datagen_core.config import GOLD_CATEGORIES, Writer
from datagen_core.dataset.funnel import Funnel, read_funnel
from datagen_core.dataset.generating import REQUESTS_NAME, generate_files
from datagen_core.dataset.judging import JudgedFiles, judge_file
from datagen_core.dataset.lookup import Lookup, name_dialogue, order_of
from datagen_core.dataset.rounds import (
    FAILURE_NOTES,
    RunFiles,
    find_common_refusal,
    merge_judged,
    merge_run,
    write_next_requests,
)
from datagen_core.dialogue.brief import render_brief
from datagen_core.files import write_json_array, write_jsonl
from datagen_core.mixing import Sampling
from datagen_core.scenarios import Profile, read_scenarios, substitute_scenario
from datagen_core.simulator.writer import ScriptWriter

ROOT = Path(__file__).parents[3]
OPTIONS = RequestOptions("gpt-6-luna")

FATES: dict[str, dict[str, object]] = {
    "answered": {},
    "spoilt": {"text": "{}"},
    "refused": {"outcome": "refused", "text": "그건 쓸 수 없습니다."},
    "filtered": {"outcome": "filtered"},
    "truncated": {"outcome": "truncated"},
    "expired": {"outcome": "expired", "text": None},
    "missing": {"outcome": "missing", "text": None},
    "400": {"outcome": "error", "text": None, "error": {"code": "invalid_value", "message": "no", "status": 400}},
    "429": {"outcome": "error", "text": None, "error": {"code": "rate_limit", "message": "later", "status": 429}},
    "500": {"outcome": "error", "text": None, "error": {"code": "oops", "message": "x" * 9_000, "status": 500}},
    "odd": {"outcome": "error", "text": None, "error": {"code": "flux", "message": "?"}},
}
FINAL = {"refused", "filtered", "400"}

Plan = Callable[[int, str], str]
"""The fate of a request by its round and custom_id."""


class Sent(NamedTuple):
    custom_id: str
    body: bytes
    fate: str


class Played(NamedTuple):
    """A run: what was sent in each round, the rounds' files, and the run's."""

    sent: list[list[Sent]]
    rounds: list[JudgedFiles]
    files: RunFiles
    folder: Path

    @property
    def funnel(self) -> Funnel:
        return read_funnel(Path(self.files.judged.funnel.path))


def _rows(path: str | Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in Path(path).read_bytes().splitlines()]


def _place(custom_id: str) -> int:
    return order_of(custom_id)[1]


def _answer(request: dict[str, Any], fate: str) -> dict[str, object]:
    text = ScriptWriter().answer(request["custom_id"], request["body"]).text
    return {"custom_id": request["custom_id"], "outcome": "answered", "text": text, "error": None, **FATES[fate]}


def _play(
    folder: Path, profile: Profile, count: int, plan: Plan, *, max_rounds: int, sampling: Sampling | None = None
) -> Played:
    """Go through the rounds as the flow does, answering by the plan."""
    requests = folder / "r1" / REQUESTS_NAME[profile]
    generated = generate_files(profile, count, requests, OPTIONS, seed=5, sampling=sampling or Sampling())
    sent, rounds, results = list[list[Sent]](), list[JudgedFiles](), list[Path]()
    for number in range(1, max_rounds + 1):
        asked = _rows(requests)
        fates = [plan(number, row["custom_id"]) for row in asked]
        results.append(folder / f"r{number}" / "result_lst.json")
        write_json_array(results[-1], (_answer(row, fate) for row, fate in zip(asked, fates, strict=True)))
        sent.append([Sent(r["custom_id"], orjson.dumps(r["body"]), fate) for r, fate in zip(asked, fates, strict=True)])
        rounds.append(
            judge_file(
                Path(generated.scenarios.path), results[-1], folder / f"r{number}", counts_pending=False,
                earlier=[Path(one.dataset.path) for one in rounds],
            )
        )  # fmt: skip
        if not rounds[-1].rejected.rows:
            break
        requests = folder / f"r{number + 1}" / REQUESTS_NAME[profile]
        write_next_requests(requests, Path(rounds[-1].rejected.path), OPTIONS, round_number=number + 1)
    files = merge_run(results, rounds, folder / "run", scenarios=generated.scenarios.rows)
    return Played(sent, rounds, files, folder)


def _by_dialogue(rows: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for dialogue, group in groupby(rows, key=lambda row: name_dialogue(row["custom_id"])):
        yield dialogue, list(group)


def _check_run(played: Played, n_wanted: int) -> None:
    """Hold a run against everything that its rounds promise."""
    funnel = played.funnel
    sent = [request for requests in played.sent for request in requests]
    dialogues = {name_dialogue(request.custom_id) for request in sent}
    accepted = [row["meta"]["scenario_id"] for row in _rows(played.files.judged.dataset.path)]
    named = {name_dialogue(scenario_id) for scenario_id in accepted}
    rejected = _rows(played.files.judged.rejected.path)

    assert len({request.custom_id for request in sent}) == len(sent) == len(accepted) + len(rejected)
    assert funnel.is_balanced()
    assert (funnel.scenarios, funnel.total.requested, funnel.total.accepted) == (n_wanted, len(sent), len(accepted))
    assert len(dialogues) == n_wanted == len(accepted) + funnel.missing
    assert len(named) == len(accepted)

    for number, requests in enumerate(played.sent):
        over = {request.body for request in requests if request.fate in FINAL}
        names = {request.custom_id.rpartition(".r")[0] for request in requests if request.fate in FINAL}
        later = [request for following in played.sent[number + 1 :] for request in following]
        assert not over & {request.body for request in later}
        assert not names & {request.custom_id.rpartition(".r")[0] for request in later}

    fates = {request.custom_id: request.fate for request in sent}
    told = dict(_by_dialogue(rejected))
    assert len(told) == len({name_dialogue(row["custom_id"]) for row in rejected})
    for dialogue, rows in told.items():
        assert [row["attempt"] for row in rows] == [read_custom_id(row["custom_id"])[1] for row in rows]
        assert all("attempts" not in row for row in rows[:-1])
        assert ("attempts" in rows[-1]) == (dialogue not in named)
        for attempt, row in zip(rows[-1].get("attempts", rows), rows, strict=True):
            assert (attempt["custom_id"], attempt["class"]) == (row["custom_id"], row["class"])
            assert row["class"] == classify({"outcome": "answered", **FATES[fates[row["custom_id"]]]})
            assert attempt["reason"] or attempt.get("rules") or row["violations"]
        if dialogue not in named:
            assert [attempt["round"] for attempt in rows[-1]["attempts"]] == list(range(1, len(played.sent) + 1))
    assert dialogues - named == {dialogue for dialogue in told if dialogue not in named}


def _check_joined(played: Played) -> None:
    """Hold the merged files against judging the merged answers in one go."""
    scenarios = next(played.folder.glob("r1/*scenarios.jsonl"))
    joined = judge_file(scenarios, Path(played.files.results.path), played.folder / "joined")
    assert Path(joined.dataset.path).read_bytes() == Path(played.files.judged.dataset.path).read_bytes()
    assert Path(joined.rejected.path).read_bytes() == Path(played.files.judged.rejected.path).read_bytes()
    assert Path(joined.funnel.path).read_bytes() == Path(played.files.judged.funnel.path).read_bytes()


RUNS = st.lists(st.lists(st.sampled_from(sorted(FATES)), min_size=5, max_size=5), min_size=1, max_size=5)
WRITERS = st.sampled_from(["script", "transcript"])


def _hold_run(folder: Path, fates: list[list[str]], writer: Writer) -> None:
    """Answer five scenarios by their fates in each round, and hold what comes of it against every promise."""

    def plan(number: int, custom_id: str) -> str:
        return fates[number - 1][_place(custom_id)]

    played = _play(folder, "training", 5, plan, max_rounds=len(fates), sampling=Sampling(writer=writer))
    _check_run(played, 5)
    _check_joined(played)


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(fates=RUNS, writer=WRITERS)
def test_every_wanted_dialogue_ends_accepted_or_with_all_its_attempts_told(
    tmp_path_factory: pytest.TempPathFactory, fates: list[list[str]], writer: Writer
) -> None:
    _hold_run(tmp_path_factory.mktemp("run"), fates, writer)


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(fates=RUNS, writer=WRITERS)
def test_so_does_every_one_of_many_runs(
    tmp_path_factory: pytest.TempPathFactory, fates: list[list[str]], writer: Writer
) -> None:
    _hold_run(tmp_path_factory.mktemp("run"), fates, writer)


def test_gold_has_as_many_of_each_category_as_asked_for_though_every_other_is_refused(tmp_path: Path) -> None:
    def plan(number: int, custom_id: str) -> str:
        return ("refused", "400")[number - 1] if _place(custom_id) % 2 and number < 3 else "answered"

    played = _play(tmp_path, "gold", 2, plan, max_rounds=6)
    _check_run(played, 2 * len(GOLD_CATEGORIES))
    records = _rows(played.files.judged.dataset.path)
    assert Counter(record["meta"]["category"] for record in records) == dict.fromkeys(GOLD_CATEGORIES, 2)
    assert {name for name, counts in played.funnel.categories.items() if counts.accepted == 2} == set(GOLD_CATEGORIES)
    assert sum(record["meta"]["scenario_id"].endswith("-s2") for record in records) == len(GOLD_CATEGORIES)


def test_a_substitute_starts_anew_without_the_hints_of_what_was_refused(tmp_path: Path) -> None:
    fates = [["spoilt"] * 2, ["truncated", "spoilt"], ["refused", "spoilt"], ["spoilt", "answered"], ["answered"] * 2]
    played = _play(tmp_path, "training", 2, lambda number, name: fates[number - 1][_place(name)], max_rounds=5)
    base = played.sent[0][0].custom_id.removesuffix(".r1")
    ids = [[request.custom_id.removeprefix(base[:-1]) for request in requests] for requests in played.sent]
    assert ids == [["0.r1", "1.r1"], ["0.r2", "1.r2"], ["0.r3", "1.r3"], ["0-s1.r4", "1.r4"], ["0-s1.r5"]]
    bodies = [[orjson.loads(request.body) for request in requests] for requests in played.sent]
    limits = [requests[0]["max_completion_tokens"] for requests in bodies]
    assert limits == [8_000, 8_000, 32_000, 8_000, 8_000]
    briefs = [requests[0]["messages"][1]["content"] for requests in bodies]
    scenario = Lookup(tmp_path / "r1" / "scenarios.jsonl").find(base)
    assert scenario is not None
    assert briefs[0] == render_brief(scenario)
    assert RULES["S01"].korean in briefs[1]
    assert FAILURE_NOTES["truncated"] in briefs[2]
    assert briefs[3] == render_brief(substitute_scenario(scenario, 1))
    assert RULES["S01"].korean in briefs[4]


def test_a_round_with_substitutes_that_was_written_is_kept(tmp_path: Path) -> None:
    played = _play(tmp_path, "training", 3, lambda *_: "refused", max_rounds=2)
    rejected, path = Path(played.rounds[0].rejected.path), tmp_path / "r2" / "batch_input.jsonl"
    before = path.stat().st_mtime_ns
    again = write_next_requests(path, rejected, OPTIONS._replace(model="another"), round_number=2)
    assert (again.rows, path.stat().st_mtime_ns) == (3, before)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    assert write_next_requests(path, rejected, OPTIONS, round_number=2).rows == 3
    assert [row["custom_id"][-6:] for row in _rows(path)] == ["-s1.r2"] * 3


def test_rows_of_an_older_version_are_asked_for_again_as_they_were(tmp_path: Path) -> None:
    played = _play(tmp_path, "training", 2, lambda *_: "refused", max_rounds=1)
    old = [{k: v for k, v in row.items() if k != "class"} for row in _rows(played.rounds[0].rejected.path)]
    write_jsonl(tmp_path / "old.jsonl", old)
    write_next_requests(tmp_path / "n.jsonl", tmp_path / "old.jsonl", OPTIONS, round_number=2)
    assert [row["custom_id"] for row in _rows(tmp_path / "n.jsonl")] == [f"{row['scenario']['id']}.r2" for row in old]


@pytest.mark.parametrize("late", [0, 1], ids=["the scenario itself comes late", "the substitute comes late"])
def test_of_a_scenario_and_its_substitute_the_first_accepted_is_the_dialogue(tmp_path: Path, late: int) -> None:
    fates = ("refused", "answered") if late == 0 else ("answered",)
    played = _play(tmp_path, "training", 1, lambda number, _: fates[number - 1], max_rounds=2)
    scenarios, results = tmp_path / "r1" / "scenarios.jsonl", tmp_path / "late" / "result_lst.json"
    [wanted] = read_scenarios(scenarios)
    request = build_request((wanted, substitute_scenario(wanted, 1))[late], OPTIONS, round_number=3)
    write_json_array(results, [_answer(request, "answered")])
    third = judge_file(scenarios, results, tmp_path / "late", counts_pending=False)
    assert third.dataset.rows == 1
    every = [*(tmp_path / f"r{number}" / "result_lst.json" for number in range(1, len(fates) + 1)), results]
    merged = merge_run(every, [*played.rounds, third], tmp_path / "merged", scenarios=1)
    joined = judge_file(scenarios, Path(merged.results.path), tmp_path / "joined")
    for files in (merged.judged, joined):
        funnel = read_funnel(Path(files.funnel.path))
        assert (funnel.total.accepted, funnel.total.rejected, funnel.missing) == (1, 1, 0)
        rows = _rows(files.rejected.path)
        assert "duplicate" in {row["reason"] for row in rows} <= {"refused", "duplicate"}
        assert not any("attempts" in row for row in rows)
        assert files.dataset.rows == 1


def test_a_duplicate_of_an_earlier_round_s_record_is_no_attempt_in_vain(tmp_path: Path) -> None:
    played = _play(tmp_path, "training", 1, lambda *_: "answered", max_rounds=1)
    judged = judge_file(
        tmp_path / "r1" / "scenarios.jsonl", Path(played.files.results.path), tmp_path / "again",
        earlier=[Path(played.files.judged.dataset.path)],
    )  # fmt: skip
    [row] = _rows(judged.rejected.path)
    assert (row["reason"], row["class"], row["attempt"], "attempts" in row) == ("duplicate", "good", 1, False)


def _refuse(tmp_path: Path, *fates: str) -> Path:
    played = _play(tmp_path, "training", len(fates), lambda _, name: fates[_place(name)], max_rounds=1)
    return Path(played.rounds[0].rejected.path)


def test_a_refusal_of_every_request_is_told_with_code_message_and_count(tmp_path: Path) -> None:
    told = find_common_refusal(_refuse(tmp_path, "400", "400", "400"))
    assert (
        told
        == "The provider refused each of the 3 requests for good, all of them with HTTP 400, code 'invalid_value': no"
    )


@pytest.mark.parametrize("other", ["refused", "filtered", "429", "500", "odd", "expired", "missing", "spoilt"])
def test_one_request_that_ended_otherwise_is_reason_enough_to_go_on(tmp_path: Path, other: str) -> None:
    assert find_common_refusal(_refuse(tmp_path, "400", "400", other)) is None


def test_nothing_rejected_is_no_refusal(tmp_path: Path) -> None:
    assert find_common_refusal(_refuse(tmp_path, "answered")) is None


def test_a_progress_bar_hears_of_every_answer_once(tmp_path: Path) -> None:
    """The third dialogue's second round tells that the file is joined of two, when two answers are judged already."""
    played = _play(
        tmp_path,
        "training",
        4,
        lambda number, name: "spoilt" if number == 1 and _place(name) > 1 else "answered",
        max_rounds=2,
    )
    for results, n_answers in ((tmp_path / "r1" / "result_lst.json", 4), (Path(played.files.results.path), 6)):
        steps: list[int] = []
        judge_file(tmp_path / "r1" / "scenarios.jsonl", results, tmp_path / "out", advance=steps.append)
        assert steps == [1] * n_answers


def test_the_next_round_has_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    played = _play(tmp_path, "training", 12, lambda *_: "filtered", max_rounds=2)
    code = (
        "import sys; from pathlib import Path; from datagen_core.batch.requests import RequestOptions;"
        "from datagen_core.dataset.rounds import write_next_requests;"
        "write_next_requests(Path(sys.argv[1]), Path(sys.argv[2]), RequestOptions('gpt-6-luna'), round_number=2)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "there.jsonl"), played.rounds[0].rejected.path]
    subprocess.run(command, check=True, cwd=ROOT, env={"PYTHONHASHSEED": "4711"})
    here, there = (
        hashlib.sha256(path.read_bytes()).digest()
        for path in (tmp_path / "r2" / "batch_input.jsonl", tmp_path / "there.jsonl")
    )
    assert here == there


def _measure_merge(folder: Path, record: dict[str, Any], n_rows: int) -> int:
    """Return the most memory that merging takes where every second dialogue has a record in each of two rounds."""
    rounds: list[JudgedFiles] = []
    for number in (1, 2):
        records = (
            {**record, "meta": {**record["meta"], "scenario_id": f"training-5-{place:06d}", "round": number}}
            for place in range(0, n_rows, 2)
        )
        refused = (
            {"custom_id": f"training-5-{place:06d}.r{number}", "fate": "failed", "reason": "error", "class": "unknown"}
            for place in range(1, n_rows, 2)
        )
        funnel = Funnel()
        funnel.count("accepted", round_number=number, kind=record["meta"]["kind"], category=None, n=n_rows // 2)
        rounds.append(
            JudgedFiles(
                dataset=write_jsonl(folder / f"{number}.jsonl", records),
                rejected=write_jsonl(folder / f"{number}-rejected.jsonl", refused),
                funnel=write_jsonl(folder / f"{number}-funnel.json", [funnel.model_dump(mode="json")]),
            )
        )
    tracemalloc.start()
    try:
        merged = merge_judged(rounds, folder / "merged", scenarios=n_rows)
        assert (merged.dataset.rows, merged.rejected.rows) == (n_rows // 2, n_rows // 2 * 3)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_merging_holds_a_row_of_each_file_and_no_duplicates(tmp_path: Path) -> None:
    played = _play(tmp_path, "training", 1, lambda *_: "answered", max_rounds=1)
    [record] = _rows(played.files.judged.dataset.path)
    _measure_merge(tmp_path, record, 4)
    few, many = (_measure_merge(tmp_path, record, n_rows) for n_rows in (20, 160))
    assert many < 1.5 * few
