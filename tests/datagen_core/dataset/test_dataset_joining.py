"""Joining: a round judged shard by shard gives the bytes of one judged in one go; a mix-up of shards is told."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from batch_helpers import ENDPOINT, make_error_row, make_request, make_row
from fake_provider import FakeProvider
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datagen_core.batch import BatchClient, BatchStatus, Submitted, check_batch, retrieve_results, submit_once
from datagen_core.batch.models import BatchCounts
from datagen_core.batch.reporting import BatchReport, ToldIds, ToldLines, read_retrieval, report_path, write_retrieval
from datagen_core.batch.requests import RequestOptions, build_request, render_custom_id
from datagen_core.dataset.funnel import read_funnel
from datagen_core.dataset.joining import RoundFiles, join_results, join_round
from datagen_core.dataset.judging import JudgedFiles, judge_file, judge_shard
from datagen_core.dataset.lookup import order_of
from datagen_core.dataset.rounds import merge_run, write_next_requests
from datagen_core.dataset.seeking import SeekingLookup, find_start
from datagen_core.dataset.verdicts import DUPLICATE
from datagen_core.errors import InputFileError
from datagen_core.files import write_json_array, write_jsonl
from datagen_core.pricing import PriceBook
from datagen_core.scenarios import Scenario, sample_training, substitute_scenario, write_scenarios
from datagen_core.simulator.writer import ScriptWriter

ANSWERS = Path(__file__).parents[2] / "fixtures" / "answers"
WARNED = json.loads((ANSWERS / "gold-11-000007.json").read_text(encoding="utf-8"))
"""An answer that is accepted with a warning."""
OPTIONS = RequestOptions("gpt-6-luna")
PRICES = PriceBook()
N_TWINS, N_SCRIPTS, N_TRANSCRIPTS = 3, 5, 2
N_SCENARIOS = N_TWINS * (N_SCRIPTS + 1 + N_TRANSCRIPTS)
NAMES = ("dataset.jsonl", "rejected.jsonl", "funnel.json")

FATES: dict[str, dict[str, object]] = {
    "good": {},
    "near": {},
    "spoilt": {},
    "refused": {"outcome": "refused", "text": "그건 쓸 수 없습니다."},
    "truncated": {"outcome": "truncated"},
    "missing": {"outcome": "missing", "text": None, "model": None, "usage": None},
    "failed": {
        "outcome": "error", "text": None, "model": None, "usage": None,
        "error": {"code": "batch_failed", "message": "no code: no message"},
    },
    "500": {"outcome": "error", "text": None, "error": {"code": "oops", "message": "x" * 900, "status": 500}},
    "odd": {"outcome": "answered", "text": None, "usage": {"prompt_tokens": 2.0**70, "completion_tokens": "3"}},
}  # fmt: skip


class Ask(NamedTuple):
    """A request: which scenario, which substitute for it, in which round, and how it ends."""

    number: int
    substitute: int
    round_number: int
    fate: str


@cache
def _scenarios() -> tuple[Scenario, ...]:
    """Return scenarios of which each has twins under other ids, so that the answer to one is right for all."""
    bases = [
        *sample_training(N_SCRIPTS, seed=5),
        Scenario.model_validate(WARNED["scenario"]),
        *(
            scenario.model_copy(update={"writer": "transcript", "parallel_calls": False})
            for scenario in sample_training(N_TRANSCRIPTS, seed=6)
        ),
    ]
    return tuple(
        base.model_copy(update={"id": _name(base, twin * len(bases) + place)})
        for twin in range(N_TWINS)
        for place, base in enumerate(bases)
    )


def _name(base: Scenario, number: int) -> str:
    profile = "gold" if base.category else "training"
    return f"{profile}-5-{number:06d}{'-t' if base.writer == 'transcript' else ''}"


@cache
def _write(number: int, substitute: int, fate: str) -> str:
    scenario = _scenarios()[number]
    asked = substitute_scenario(scenario, substitute) if substitute else scenario
    if scenario.category and not substitute and fate != "spoilt":
        text = WARNED["text"]
    else:
        twin = asked if substitute else _scenarios()[number % (N_SCENARIOS // N_TWINS)]
        request: dict[str, Any] = build_request(twin, OPTIONS)
        text = ScriptWriter(mistakes=float(fate == "spoilt")).answer(twin.id, request["body"]).text
    if fate == "near":
        text = (
            text.replace("(고객) ", "(고객) 저, ", 1)
            if text[:1] != "{"
            else text.replace('"text":"', '"text":"저, ', 1)
        )
    return text


def _answer(ask: Ask) -> dict[str, object]:
    scenario = _scenarios()[ask.number]
    asked = substitute_scenario(scenario, ask.substitute) if ask.substitute else scenario
    return {
        "custom_id": render_custom_id(asked.id, ask.round_number),
        "batch_id": f"batch_{ask.number // 5}",
        "provider": ("openai", "", "simulator")[ask.number % 3],
        "outcome": "answered",
        "text": _write(ask.number, ask.substitute, ask.fate),
        "error": None,
        "model": ("gpt-6-luna", "gpt-6.1-terra", "strange", None)[ask.number % 4],
        "usage": {"prompt_tokens": 100 + ask.number, "cached_tokens": 40, "completion_tokens": 7 * ask.number},
        **FATES[ask.fate],
    }


def _all_good(*numbers: int) -> list[Ask]:
    return [Ask(number, 0, 1, "good") for number in numbers]


def _put_in_order(asks: list[Ask]) -> list[Ask]:
    return sorted(asks, key=lambda ask: order_of(str(_answer(ask)["custom_id"])))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the scenarios, and datasets that some of the answers repeat or overlap with."""
    folder = tmp_path_factory.mktemp("stage")
    write_scenarios(folder / "scenarios.jsonl", sorted(_scenarios(), key=lambda scenario: order_of(scenario.id)))
    for name, numbers in (("earlier", (0, 9)), ("published", (2,)), ("gold", (3, 6))):
        write_json_array(folder / f"{name}.json", map(_answer, _put_in_order(_all_good(*numbers))))
        judged = judge_shard(folder / "scenarios.jsonl", folder / f"{name}.json", folder / name)
        rows = [orjson.loads(line) for line in Path(judged.dataset.path).read_bytes().splitlines()]
        if name != "earlier":
            rows = [{**row, "meta": {**row["meta"], "scenario_id": f"else-{place}"}} for place, row in enumerate(rows)]
        assert write_jsonl(folder / f"{name}.jsonl", rows).rows == len(numbers)
    return folder


def _report(n_requests: int) -> BatchReport:
    return BatchReport(
        batch_id="batch_1", status="completed", requests=n_requests, rows=n_requests,
        classes={"good": n_requests, "retryable": 0, "final": 0, "unknown": 0},
        duplicated=ToldIds(), foreign=ToldIds(), missing=ToldIds(), unreadable=ToldLines(),
        counts=BatchCounts(), counts_add_up=None, missing_files=(),
    )  # fmt: skip


def _cut(answers: Sequence[object], cuts: Sequence[int]) -> list[Sequence[object]]:
    places = [0, *sorted(cuts), len(answers)]
    return [answers[start:end] for start, end in pairwise(places)]


def _judge_shards(
    scenarios: Path, folder: Path, parts: Sequence[Sequence[object]]
) -> tuple[list[Path], list[JudgedFiles]]:
    paths = [folder / f"shard-{number}" / "result_lst.json" for number in range(len(parts))]
    for path, part in zip(paths, parts, strict=True):
        write_json_array(path, part)
        write_retrieval(report_path(path), [_report(len(part))])
    return paths, [judge_shard(scenarios, path, path.parent, provider="openai", prices=PRICES) for path in paths]


class Compared(NamedTuple):
    """What a round is compared with, as arguments."""

    earlier: tuple[Path, ...] = ()
    published: tuple[Path, ...] = ()
    gold: Path | None = None


ALONE = Compared()


def _hold_equal(
    scenarios: Path,
    folder: Path,
    answers: list[dict[str, object]],
    cuts: Sequence[int],
    compared: Compared = ALONE,
) -> RoundFiles:
    """Judge the answers in one go, and in shards, and hold one against the other, byte for byte."""
    whole = folder / "whole"
    write_json_array(whole / "result_lst.json", answers)
    options: dict[str, Any] = {"provider": "openai", "prices": PRICES, **compared._asdict()}
    in_one_go = judge_file(scenarios, whole / "result_lst.json", whole, counts_pending=False, **options)
    results, judged = _judge_shards(scenarios, folder, _cut(answers, cuts))
    joined = join_round(scenarios, results, judged, folder / "joined", **options)
    for name in ("result_lst.json", *NAMES):
        assert (folder / "joined" / name).read_bytes() == (whole / name).read_bytes(), name
    for expected, found in zip(in_one_go.model_dump().values(), joined.judged.model_dump().values(), strict=True):
        assert {**found, "path": ""} == {**expected, "path": ""}
    assert joined.results.is_intact()
    assert read_funnel(Path(joined.judged.funnel.path)).is_balanced()
    assert len(read_retrieval(folder / "joined" / "retrieval.json").batches) == len(cuts) + 1
    return joined


ASKS = st.lists(
    st.builds(
        Ask,
        st.integers(0, N_SCENARIOS - 1),
        st.sampled_from([0, 0, 0, 1]),
        st.sampled_from([1, 1, 2]),
        st.sampled_from(["good", "good", "good", "near", *FATES]),
    ),
    max_size=24,
    unique_by=lambda ask: ask[:3],
)
CUTS = st.sampled_from([1, 2, 3, 7]).flatmap(lambda n: st.lists(st.integers(0, 24), min_size=n - 1, max_size=n - 1))


def _hold_law(stage: Path, folder: Path, asks: list[Ask], cuts: list[int], order: str, kinds: frozenset[str]) -> None:
    """Hold the law for the asks in the order of a run's round, in any order of one round, or of several rounds."""
    if order != "rounds":
        asks = list({ask[:2]: ask._replace(round_number=2) for ask in asks}.values())
    if order == "sorted":
        asks = _put_in_order(asks)
    compared = Compared(
        earlier=(stage / "earlier.jsonl",) if "earlier" in kinds else (),
        published=(stage / "published.jsonl",) if "published" in kinds else (),
        gold=stage / "gold.jsonl" if "gold" in kinds else None,
    )
    _hold_equal(stage / "scenarios.jsonl", folder, [_answer(ask) for ask in asks], cuts, compared)


KINDS = st.frozensets(st.sampled_from(["earlier", "published", "gold"]))
ORDERS = st.sampled_from(["sorted", "sorted", "any", "rounds"])


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(asks=ASKS, cuts=CUTS, order=ORDERS, kinds=KINDS)
def test_judging_shards_and_joining_them_is_judging_in_one_go(
    stage: Path,
    tmp_path_factory: pytest.TempPathFactory,
    asks: list[Ask],
    cuts: list[int],
    order: str,
    kinds: frozenset[str],
) -> None:
    folder = tmp_path_factory.mktemp("law")
    _hold_law(stage, folder, asks, cuts, order, kinds)
    shutil.rmtree(folder)


@pytest.mark.slow
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(asks=ASKS, cuts=CUTS, order=ORDERS, kinds=KINDS)
def test_so_is_it_of_many_rounds(
    stage: Path,
    tmp_path_factory: pytest.TempPathFactory,
    asks: list[Ask],
    cuts: list[int],
    order: str,
    kinds: frozenset[str],
) -> None:
    folder = tmp_path_factory.mktemp("law")
    _hold_law(stage, folder, asks, cuts, order, kinds)
    shutil.rmtree(folder)


def _rows(path: str | Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in Path(path).read_bytes().splitlines()]


def test_whatever_can_repeat_is_found_across_the_borders_of_shards(stage: Path, tmp_path: Path) -> None:
    first, last = _all_good(0, 1, 2, 3, 4, 5, 7), _all_good(9, 11, 12, 13, 15, 21)
    asks = [*first, Ask(8, 0, 1, "near"), *last, Ask(4, 1, 1, "good"), Ask(6, 0, 1, "spoilt"), Ask(14, 0, 1, "failed")]
    asks = _put_in_order(asks)
    compared = Compared((stage / "earlier.jsonl",), (stage / "published.jsonl",), stage / "gold.jsonl")
    joined = _hold_equal(stage / "scenarios.jsonl", tmp_path, [_answer(ask) for ask in asks], [5, 9, 14], compared)
    funnel = read_funnel(Path(joined.judged.funnel.path))
    reasons = {row["custom_id"]: row["reason"] for row in _rows(joined.judged.rejected.path)}
    duplicates = {custom_id for custom_id, reason in reasons.items() if reason == DUPLICATE}
    assert duplicates == {"training-5-000000.r1", "training-5-000009.r1", "training-5-000004-s1.r1"}
    assert funnel.rules == {"P07": 1, "U01": 6, "U02": 1, "U03": 2}
    before = [read_funnel(tmp_path / f"shard-{number}" / "funnel.json") for number in range(4)]
    assert [sum(one.warnings.values()) for one in before] == [3, 0, 0, 0]
    assert funnel.warnings == {"P05": 1}
    assert (funnel.total.accepted, sum(one.total.accepted for one in before)) == (3, 15)


def test_a_shard_may_be_empty_refused_as_a_whole_or_without_a_dialogue_to_keep(stage: Path, tmp_path: Path) -> None:
    asks = [Ask(number, 0, 1, "failed" if 8 <= number < 12 else "good") for number in (0, 1, 8, 9, 10, 11, 12)]
    answers = [_answer(ask) for ask in asks]
    joined = _hold_equal(stage / "scenarios.jsonl", tmp_path / "some", answers, [2, 2, 6])
    assert (joined.judged.dataset.rows, joined.judged.rejected.rows) == (3, 4)
    assert _hold_equal(stage / "scenarios.jsonl", tmp_path / "none", [], [0, 0]).results.rows == 0
    alone = judge_shard(None, tmp_path / "none" / "whole" / "result_lst.json", tmp_path / "alone")
    assert (alone.dataset.rows, read_funnel(Path(alone.funnel.path)).total.requested) == (0, 0)


def test_the_attempts_at_a_dialogue_are_told_by_its_last_row_whichever_shard_it_is_in(
    stage: Path, tmp_path: Path
) -> None:
    asks = [Ask(0, 0, 1, "refused"), Ask(0, 1, 1, "spoilt"), Ask(1, 0, 1, "refused"), Ask(1, 1, 1, "good")]
    joined = _hold_equal(stage / "scenarios.jsonl", tmp_path, [_answer(ask) for ask in asks], [1, 3])
    rows = _rows(joined.judged.rejected.path)
    assert [[attempt["custom_id"] for attempt in row.get("attempts", [])] for row in rows] == [
        [],
        ["training-5-000000.r1", "training-5-000000-s1.r1"],
        [],
    ]


def test_models_beyond_those_told_by_name_are_counted_as_one_go_counts_them(stage: Path, tmp_path: Path) -> None:
    kind = _scenarios()[0].kind
    numbers = [
        number for number, scenario in enumerate(_scenarios()) if scenario.kind == kind and not scenario.category
    ]
    asks = [Ask(number, substitute, 1, "missing") for number in numbers for substitute in range(80 // len(numbers) + 1)]
    answers = [
        {**_answer(ask), "outcome": "refused", "model": f"model-{place % 60}", "usage": {"prompt_tokens": place + 1}}
        for place, ask in enumerate(_put_in_order(asks))
    ]
    assert len(answers) > 70
    joined = _hold_equal(stage / "scenarios.jsonl", tmp_path, answers, [11, 58])
    assert "many" in read_funnel(Path(joined.judged.funnel.path)).models


def _play(stage: Path, folder: Path, cuts: Sequence[int], n_rounds: int) -> tuple[list[Path], list[JudgedFiles]]:
    """Go through rounds as a run does, each judged in shards; without cuts, in one go."""
    scenarios, requests = stage / "scenarios.jsonl", folder / "r1.jsonl"
    drawn = sorted(_scenarios(), key=lambda scenario: order_of(scenario.id))
    write_jsonl(requests, (build_request(scenario, OPTIONS) for scenario in drawn))
    results, rounds = list[Path](), list[JudgedFiles]()
    for number in range(1, n_rounds + 1):
        answers = [_answer_request(place, row, number) for place, row in enumerate(_rows(requests))]
        earlier, here = [Path(one.dataset.path) for one in rounds], folder / f"r{number}"
        results.append(here / "result_lst.json")
        if cuts:
            paths, judged = _judge_shards(scenarios, here, _cut(answers, cuts))
            rounds.append(join_round(scenarios, paths, judged, here, earlier=earlier, prices=PRICES).judged)
        else:
            write_json_array(results[-1], answers)
            rounds.append(
                judge_file(
                    scenarios, results[-1], here,
                    provider="openai", counts_pending=False, earlier=earlier, prices=PRICES,
                )
            )  # fmt: skip
        requests = folder / f"r{number + 1}.jsonl"
        write_next_requests(requests, Path(rounds[-1].rejected.path), OPTIONS, round_number=number + 1)
    return results, rounds


def _answer_request(place: int, request: dict[str, Any], round_number: int) -> dict[str, object]:
    custom_id, mistakes = request["custom_id"], 0.4 / round_number
    text = ScriptWriter(mistakes=mistakes, seed=round_number).answer(custom_id, request["body"]).text
    fate = "refused" if (place + round_number) % 5 == 0 else "good"
    return {"custom_id": custom_id, "outcome": "answered", "text": text, "error": None, "model": "m", **FATES[fate]}


def test_rounds_judged_in_shards_ask_for_the_same_and_make_the_same_run(stage: Path, tmp_path: Path) -> None:
    runs = [_play(stage, tmp_path / name, cuts, 3) for name, cuts in (("whole", ()), ("shards", (1, 4, 9)))]
    for whole, shards in zip(*(rounds for _, rounds in runs), strict=True):
        for expected, found in zip(whole.model_dump().values(), shards.model_dump().values(), strict=True):
            assert found["sha256"] == expected["sha256"]
    for number in (2, 3, 4):
        wanted, asked = (tmp_path / name / f"r{number}.jsonl" for name in ("whole", "shards"))
        assert asked.read_bytes() == wanted.read_bytes() != b""
    merged = [merge_run(*run, tmp_path / f"run-{n}", scenarios=N_SCENARIOS) for n, run in enumerate(runs)]
    again = judge_file(stage / "scenarios.jsonl", Path(merged[1].results.path), tmp_path / "again", provider="openai")
    for expected, found in zip(merged[0].judged, merged[1].judged, strict=True):
        assert found[1].sha256 == expected[1].sha256
    assert merged[1].results.sha256 == merged[0].results.sha256
    assert (again.dataset.sha256, again.rejected.rows) == (
        merged[1].judged.dataset.sha256,
        merged[1].judged.rejected.rows,
    )


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as fake:
        yield fake


def test_results_retrieved_shard_by_shard_are_those_retrieved_together(provider: FakeProvider, tmp_path: Path) -> None:
    asked = (["c", "a", "b"], ["z"], ["x", "y"], ["q", "r"])
    with BatchClient(provider.base_url, provider.key, "fake:project", timeout=5) as client:
        shards = list[Submitted]()
        for number, ids in enumerate(asked):
            requests = write_jsonl(tmp_path / f"{number}.jsonl", map(make_request, ids))
            shards.append(submit_once(client, tmp_path / "ledger.jsonl", requests, endpoint=ENDPOINT))
        odd = [make_row("b", "\u2028 \\ /"), make_row("a"), make_row("a"), make_row("stranger"), b"{cut off"]
        provider.finish(shards[0].batch_id, output=odd, errors=[make_error_row("c", "server_error")])
        refusal = {"data": [{"code": "url_mismatch", "message": "no", "line": 1, "param": "url"}]}
        provider.finish(shards[1].batch_id, status="failed")
        next(batch for batch in provider.batches if batch["id"] == shards[1].batch_id)["errors"] = refusal
        provider.finish(shards[2].batch_id, output=[make_row("y")], status="expired")
        provider.finish(shards[3].batch_id, output=[], status="cancelled")
        pairs: list[tuple[Submitted, BatchStatus]] = [(shard, check_batch(client, shard)) for shard in shards]
        together = retrieve_results(client, pairs, tmp_path / "together" / "result_lst.json")
        apart = [tmp_path / f"shard-{number}" / "result_lst.json" for number in range(len(pairs))]
        for pair, path in zip(pairs, apart, strict=True):
            retrieve_results(client, [pair], path)
    joined = join_results(apart, tmp_path / "joined" / "result_lst.json")
    assert (joined.sha256, joined.rows, joined.bytes) == (together.sha256, 8, together.bytes)
    wanted, found = (tmp_path / name / "retrieval.json" for name in ("together", "joined"))
    assert found.read_bytes() == wanted.read_bytes()
    assert [batch.status for batch in read_retrieval(found).batches] == ["completed", "failed", "expired", "cancelled"]


@pytest.fixture
def shards(stage: Path, tmp_path: Path) -> tuple[list[Path], list[JudgedFiles]]:
    answers = [_answer(Ask(number, 0, 1, "refused" if number % 2 else "good")) for number in (0, 1, 2, 3, 4, 8)]
    return _judge_shards(stage / "scenarios.jsonl", tmp_path, _cut(answers, [3]))


Shards = tuple[list[Path], list[JudgedFiles]]


def _swap(shards: Shards) -> Shards:
    return shards[0], shards[1][::-1]


def _forget(shards: Shards) -> Shards:
    return shards[0], shards[1][:1]


def _judge_more(shards: Shards) -> Shards:
    return shards[0][:1], shards[1]


def _lose_file(shards: Shards) -> Shards:
    Path(shards[1][1].rejected.path).unlink()
    return shards


def _cut_file_off(shards: Shards) -> Shards:
    path = Path(shards[1][1].dataset.path)
    path.write_bytes(path.read_bytes()[:-9])
    return shards


def _take_records_for_rejections(shards: Shards) -> Shards:
    shutil.copy(shards[1][0].dataset.path, shards[1][0].rejected.path)
    return shards


def _spoil_rejection(shards: Shards) -> Shards:
    path = Path(shards[1][0].rejected.path)
    path.write_bytes(path.read_bytes().replace(b'"fate":"failed"', b'"fate":"lost"', 1))
    return shards


def _lose_report(shards: Shards) -> Shards:
    report_path(shards[0][1]).unlink()
    return shards


def _cut_results_off(shards: Shards) -> Shards:
    path = shards[0][1]
    path.write_bytes(path.read_bytes()[:-2])
    return shards


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (_swap, r"result_lst.json, line 2, .*another row in the place of 'training-5-000000.r1'"),
        (_forget, r"result_lst.json, line 5, .*another row in the place of 'training-5-000003.r1'"),
        (_judge_more, r"shard-1/dataset.jsonl, line 1.*no such answer"),
        (_lose_file, r"shard-1/rejected.jsonl.*cannot be read"),
        (_cut_file_off, r"shard-1/dataset.jsonl, line 2.*not valid JSON"),
        (_take_records_for_rejections, r"shard-0/rejected.jsonl, line 1.*is no rejection"),
        (_spoil_rejection, r"shard-0/rejected.jsonl, line 1, field 'fate'"),
        (_lose_report, r"shard-1/retrieval.json.*cannot be read"),
        (_cut_results_off, r"shard-1/result_lst.json.*not closed"),
    ],
)
def test_shards_that_are_not_those_of_the_round_are_told_and_nothing_is_written(
    stage: Path, tmp_path: Path, shards: Shards, harm: Callable[[Shards], Shards], told: str
) -> None:
    results, judged = harm(shards)
    with pytest.raises(InputFileError, match=told):
        join_round(stage / "scenarios.jsonl", results, judged, tmp_path / "joined")
    assert not any((tmp_path / "joined" / name).exists() for name in NAMES)
    is_in_results = harm in {_lose_report, _cut_results_off}
    assert {path.name for path in (tmp_path / "joined").iterdir()} == (
        set() if is_in_results else {"result_lst.json", "retrieval.json"}
    )


def test_a_custom_id_that_two_shards_answer_is_an_error(stage: Path, tmp_path: Path) -> None:
    answers = [_answer(ask) for ask in _all_good(0, 1, 2, 1)]
    results, judged = _judge_shards(stage / "scenarios.jsonl", tmp_path, _cut(answers, [2]))
    with pytest.raises(InputFileError, match=r"line 5, .*'training-5-000001.r1' stands twice"):
        join_round(stage / "scenarios.jsonl", results, judged, tmp_path / "joined")
    assert {path.name for path in (tmp_path / "joined").iterdir()} == {"retrieval.json", "result_lst.json"}


def test_joining_again_after_a_damaged_shard_was_judged_again_goes_well(
    stage: Path, tmp_path: Path, shards: Shards
) -> None:
    scenarios = stage / "scenarios.jsonl"
    wanted = join_round(scenarios, *shards, tmp_path / "joined")
    _cut_file_off(shards)
    with pytest.raises(InputFileError):
        join_round(scenarios, *shards, tmp_path / "joined")
    assert wanted.judged.dataset.is_intact()
    judge_shard(scenarios, shards[0][1], shards[0][1].parent, provider="openai", prices=PRICES)
    assert join_round(scenarios, *shards, tmp_path / "joined") == wanted


class Line(NamedTuple):
    """A line of a long file of scenarios, and where it begins."""

    scenario_id: str
    start: int


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Line]]:
    """Write a thousand scenarios, some 2 MB."""
    path, lines, start = tmp_path_factory.mktemp("long") / "scenarios.jsonl", list[Line](), 0
    template = _scenarios()[0]
    write_scenarios(path, (template.model_copy(update={"id": f"training-5-{n:06d}"}) for n in range(0, 2_000, 2)))
    for line in path.read_bytes().splitlines(keepends=True):
        lines.append(Line(orjson.loads(line)["id"], start))
        start += len(line)
    return path, lines


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(-1, 2_001))
def test_reading_begins_shortly_before_the_scenario_and_at_a_line(
    long_file: tuple[Path, list[Line]], number: int
) -> None:
    path, lines = long_file
    scenario_id = f"training-5-{max(number, 0):06d}"
    start = find_start(path, scenario_id)
    place = [line.start for line in lines].index(start)
    behind = max((line.start for line in lines if line.scenario_id <= scenario_id), default=0)
    assert 0 <= behind - lines[place].start <= 1 << 16
    found = SeekingLookup(path).find(scenario_id)
    assert (found is not None) == (max(number, 0) % 2 == 0 and number < 2_000)
    assert found is None or found.id == scenario_id


def test_a_shard_reads_only_its_own_part_of_the_scenarios(long_file: tuple[Path, list[Line]], tmp_path: Path) -> None:
    scenarios, path = long_file[0], tmp_path / "scenarios.jsonl"
    content = bytearray(scenarios.read_bytes())
    content[: 1 << 17] = b"?" * ((1 << 17) - 1) + b"\n"
    path.write_bytes(content)
    write_json_array(tmp_path / "r.json", [{"custom_id": f"training-5-{n:06d}.r1"} for n in (1_900, 1_904, 1_996)])
    assert judge_shard(path, tmp_path / "r.json", tmp_path / "out").rejected.rows == 3
    write_json_array(tmp_path / "r.json", [{"custom_id": "training-5-000100.r1"}])
    with pytest.raises(InputFileError, match=r"scenarios.jsonl, line 1, column 1"):
        judge_shard(path, tmp_path / "r.json", tmp_path / "out")


def test_what_is_wrong_with_a_scenario_in_a_shard_s_part_is_told_by_its_line(
    long_file: tuple[Path, list[Line]], tmp_path: Path
) -> None:
    path = tmp_path / "scenarios.jsonl"
    rows = _rows(long_file[0])
    write_jsonl(path, [*rows[:960], {**rows[960], "kind": "unheard of"}, *rows[961:]])
    write_json_array(tmp_path / "r.json", [{"custom_id": f"training-5-{n:06d}.r1"} for n in (1_910, 1_930)])
    with pytest.raises(InputFileError, match=r"scenarios.jsonl, line 961, field 'kind'"):
        judge_shard(path, tmp_path / "r.json", tmp_path / "out")


@pytest.mark.parametrize("ids", [[], ["b"], ["x", "training-5-000004", "a", "training-5-000000", "b"]])
def test_scenarios_in_any_order_are_found(tmp_path: Path, ids: list[str]) -> None:
    path, template = tmp_path / "scenarios.jsonl", _scenarios()[0]
    padding = [f"training-{n % 7}-{(n * 37) % 400:06d}" for n in range(300)]
    write_scenarios(path, (template.model_copy(update={"id": name}) for name in (*padding, *ids, *padding)))
    lookup = SeekingLookup(path)
    for name in (*ids, "training-3-000002", "nowhere"):
        found = lookup.find(name)
        assert (None if found is None else found.id) == (name if name in {*ids, *padding} else None)


def test_a_scenario_file_that_is_gone_is_told(tmp_path: Path) -> None:
    assert find_start(tmp_path / "gone.jsonl", "training-5-000001") == 0
    with pytest.raises(InputFileError, match=r"gone.jsonl: cannot be read"):
        SeekingLookup(tmp_path / "gone.jsonl").find("training-5-000001")


def _measure_join(folder: Path, n_shards: int) -> int:
    """Return the most memory that joining so many shards of forty answers takes."""
    template = _scenarios()[0]
    answers = [
        {"custom_id": f"training-5-{place:06d}.r1", "outcome": "answered", "text": "{}", "note": "x" * 2_000}
        for place in range(n_shards * 40)
    ]
    write_scenarios(folder / "s.jsonl", (template.model_copy(update={"id": a["custom_id"][:-3]}) for a in answers))
    results, judged = _judge_shards(folder / "s.jsonl", folder, _cut(answers, range(40, len(answers), 40)))
    tracemalloc.start()
    try:
        join_round(folder / "s.jsonl", results, judged, folder / "joined")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_shards(tmp_path: Path) -> None:
    _measure_join(tmp_path / "warm", 1)
    few, many = (_measure_join(tmp_path / str(n_shards), n_shards) for n_shards in (2, 12))
    assert many < 2 * few
