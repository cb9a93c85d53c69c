"""Reviews: what a person rejects is taken out and asked for anew, and the run is whole again, as often as they look."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from datagen_core.batch.requests import RequestOptions, build_request
from datagen_core.config import GOLD_CATEGORIES
from datagen_core.dataset.card import render_card
from datagen_core.dataset.facts import gather_card_facts
from datagen_core.dataset.funnel import Funnel, read_funnel
from datagen_core.dataset.generating import generate_files
from datagen_core.dataset.judging import JudgedFiles, judge_file
from datagen_core.dataset.lookup import Lookup, name_dialogue, order_of
from datagen_core.dataset.reviewing import (
    REVIEWER,
    REVIEWS_NAME,
    Review,
    Reviewed,
    apply_review,
    read_reviews,
    require_unreviewed,
    settle_review,
    write_reviews,
)
from datagen_core.dataset.rounds import RunFiles, merge_run, write_next_requests
from datagen_core.dataset.samples import render_samples
from datagen_core.dataset.validating import validate_file
from datagen_core.dialogue.brief import render_brief
from datagen_core.errors import ConfigError, InputFileError
from datagen_core.files import write_json_array, write_jsonl
from datagen_core.pricing import PriceBook
from datagen_core.scenarios import Profile, Scenario, substitute_scenario, write_scenarios
from datagen_core.simulator.writer import ScriptWriter

OPTIONS = RequestOptions("gpt-6-luna")
MOMENT = "2026-11-23T09:00:00+09:00"
NOTE = "말투가 딱딱하고 주문 확인을 두 번 합니다."

WARNED = "gold-11-000007.json"

Row = dict[str, Any]


def _rows(path: str | Path) -> list[Row]:
    return [orjson.loads(line) for line in Path(path).read_bytes().splitlines()]


def _ids(path: str | Path) -> list[str]:
    return [row["meta"]["scenario_id"] for row in _rows(path)]


def _review(number: int, *rejected: str, approved: bool = False, note: str = NOTE) -> Review:
    return Review(number=number, approved=approved, rejected=rejected, note=note, reviewed_at=MOMENT)


class Playing:
    """A run that is played as the flow does it: rounds until nothing is missing, then reviews and further rounds."""

    def __init__(self, folder: Path, profile: Profile = "gold", count: int = 2) -> None:
        self.folder = folder
        self.requests = folder / "rounds" / "1" / "requests.jsonl"
        self.scenarios = Path(generate_files(profile, count, self.requests, OPTIONS, seed=5).scenarios.path)
        self.results: list[Path] = []
        self.judged: list[JudgedFiles] = []
        self.n_wanted = len(_rows(self.requests))

    def answer(self, spoil: Callable[[str], str] = lambda _: "answered") -> JudgedFiles:
        """Answer the round asked for: `spoil` tells the outcome by custom_id, or `spoilt` for an answer without use."""
        number = len(self.judged) + 1
        path = self.folder / "rounds" / str(number) / "result_lst.json"
        write_json_array(path, (self.write_answer(row, spoil(row["custom_id"])) for row in _rows(self.requests)))
        earlier = [Path(one.dataset.path) for one in self.judged]
        self.judged.append(judge_file(self.scenarios, path, path.parent, counts_pending=False, earlier=earlier))
        self.results.append(path)
        return self.judged[-1]

    def ask(self, rejected: str) -> list[Row]:
        """Write the requests of the next round from rejected rows."""
        number = len(self.judged) + 1
        self.requests = self.folder / "rounds" / str(number) / "requests.jsonl"
        write_next_requests(self.requests, Path(rejected), OPTIONS, round_number=number)
        return _rows(self.requests)

    def complete(self, spoil: Callable[[str], str] = lambda _: "answered") -> RunFiles:
        """Go through rounds until nothing is missing, and merge them."""
        for _ in range(9):
            judged = self.answer(spoil)
            if not judged.rejected.rows:
                return self.merge()
            self.ask(judged.rejected.path)
        raise AssertionError("the rounds came to no end")

    def review(self, review: Review, **options: Any) -> Reviewed:
        """Apply a review, and go on from what it left."""
        reviewed = apply_review(self.judged, self.results, self.scenarios, review, self.folder, **options)
        self.judged = list(reviewed.judged)
        return reviewed

    def merge(self) -> RunFiles:
        return merge_run(self.results, self.judged, self.folder, scenarios=self.n_wanted)

    def write_answer(self, request: Row, outcome: str) -> dict[str, object]:
        text = ScriptWriter().answer(request["custom_id"], request["body"]).text
        usage = {"prompt_tokens": 1_000, "cached_tokens": 0, "completion_tokens": 200}
        answer = {"custom_id": request["custom_id"], "outcome": "answered", "text": text, "error": None, "usage": usage}
        changes = {"answered": {}, "spoilt": {"text": "{}"}}
        return {**answer, "model": "m", **changes.get(outcome, {"outcome": outcome})}


def _check_round(one: JudgedFiles, results: Path) -> Funnel:
    """Hold a round's files against each other and against its answers."""
    funnel, accepted, refused = read_funnel(Path(one.funnel.path)), _rows(one.dataset.path), _rows(one.rejected.path)
    asked = [answer["custom_id"] for answer in json.loads(results.read_bytes())]
    told = [f"{row['meta']['scenario_id']}.r{row['meta']['round']}" for row in accepted]
    told += [row["custom_id"] for row in refused]
    assert sorted(told) == sorted(asked)
    assert [row["custom_id"] for row in refused] == [one for one in asked if one in {r["custom_id"] for r in refused}]
    assert funnel.is_balanced()
    assert all(counts.is_balanced() for counts in funnel.categories.values())
    assert (one.dataset.rows, one.rejected.rows) == (len(accepted), len(refused))
    assert one.dataset.is_intact()
    assert one.rejected.is_intact()
    assert one.funnel.is_intact()
    fates = Counter(row["fate"] for row in refused)
    assert funnel.total.accepted == len(accepted)
    assert (funnel.total.rejected, funnel.total.failed) == (fates["rejected"], fates["failed"])
    assert Counter(funnel.classes) == Counter(row["class"] for row in refused) + Counter({"good": len(accepted)})
    return funnel


def _check_run(playing: Playing, files: RunFiles, count: int) -> None:
    """Hold a whole gold run against what it promises."""
    funnel = read_funnel(Path(files.judged.funnel.path))
    records = _rows(files.judged.dataset.path)
    assert funnel.is_balanced()
    assert (funnel.scenarios, funnel.total.accepted, funnel.missing) == (playing.n_wanted, playing.n_wanted, 0)
    assert funnel.total.requested == files.results.rows == len(records) + files.judged.rejected.rows
    assert Counter(row["meta"]["category"] for row in records) == dict.fromkeys(GOLD_CATEGORIES, count)
    assert len({name_dialogue(scenario_id) for scenario_id in _ids(files.judged.dataset.path)}) == playing.n_wanted
    assert "duplicate" not in {row["reason"] for row in _rows(files.judged.rejected.path)}
    assert not any("attempts" in row for row in _rows(files.judged.rejected.path))
    assert validate_file(Path(files.judged.dataset.path)).n_sound == playing.n_wanted


def _play(folder: Path) -> Playing:
    """Return a gold run of 16 in two rounds: the first dialogue was spoilt, the second refused, before they came."""

    def spoil(custom_id: str) -> str:
        fates = {(0, 1): "spoilt", (1, 1): "refused"}
        return fates.get((order_of(custom_id)[1], order_of(custom_id)[-1]), "answered")

    playing = Playing(folder)
    playing.complete(spoil)
    return playing


@pytest.fixture
def playing(tmp_path: Path) -> Playing:
    return _play(tmp_path)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Playing:
    """Give such a run to tests that write nothing into its folder."""
    return _play(tmp_path_factory.mktemp("unchanged"))


def _snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_a_person_rejects_is_replaced_and_the_run_is_whole_again_and_once_more(playing: Playing) -> None:
    before = _rows(playing.merge().judged.dataset.path)
    ids = [row["meta"]["scenario_id"] for row in before]
    assert [(order_of(one)[1], one[-3:]) for one in ids[:2]] == [(0, "000"), (1, "-s1")]
    # One that came in round 1, one that came in round 2, and one that is a substitute already.
    reviewed = playing.review(_review(1, ids[7], ids[0], ids[1]))
    assert reviewed.review.rejected == (ids[7], ids[0], ids[1])
    for one, results in zip(playing.judged, playing.results, strict=True):
        _check_round(one, results)

    asked = playing.ask(reviewed.requests_from.path)
    wanted = [f"{ids[0]}-s1.r3", f"{ids[1].removesuffix('-s1')}-s2.r3", f"{ids[7]}-s1.r3"]
    assert [row["custom_id"] for row in asked] == wanted
    playing.answer()
    assert not playing.judged[-1].rejected.rows
    files = playing.merge()
    _check_run(playing, files, 2)
    now = _ids(files.judged.dataset.path)
    assert sorted(set(ids) - set(now)) == sorted((ids[0], ids[1], ids[7]))
    assert sorted(set(now) - set(ids)) == sorted(name.removesuffix(".r3") for name in wanted)
    kept = [row for row in before if row["meta"]["scenario_id"] in now]
    assert [row for row in _rows(files.judged.dataset.path) if row["meta"]["scenario_id"] in ids] == kept

    # The next look: one that was never rejected, one substitute that came of the first look.
    second = playing.review(_review(2, now[4], f"{ids[7]}-s1"))
    asked = playing.ask(second.requests_from.path)
    assert {row["custom_id"] for row in asked} == {f"{now[4]}-s1.r4", f"{ids[7]}-s2.r4"}
    playing.answer(lambda name: "spoilt" if name.endswith("-s2.r4") else "answered")
    playing.ask(playing.judged[-1].rejected.path)
    playing.answer()
    for one, results in zip(playing.judged, playing.results, strict=True):
        _check_round(one, results)
    files = playing.merge()
    _check_run(playing, files, 2)
    assert not {ids[0], ids[1], ids[7], f"{ids[7]}-s1", now[4]} & set(_ids(files.judged.dataset.path))
    rejected = _rows(files.judged.rejected.path)
    assert [row["custom_id"] for row in rejected] == sorted((row["custom_id"] for row in rejected), key=order_of)
    assert Counter(row["reason"] for row in rejected) == {REVIEWER: 5, "refused": 1, None: 2}


def test_a_rejected_answer_has_its_row_and_its_request_says_nothing_of_it(playing: Playing) -> None:
    [wanted] = _ids(playing.judged[0].dataset.path)[4:5]
    [answer] = [row for row in json.loads(playing.results[0].read_bytes()) if row["custom_id"] == f"{wanted}.r1"]
    rejected = _rows(playing.judged[0].rejected.path)
    reviewed = playing.review(_review(1, wanted))
    [row] = _rows(reviewed.requests_from.path)
    assert row in _rows(playing.judged[0].rejected.path)
    assert list(row) == [name for name in rejected[0] if name != "attempts"] + ["note"]
    assert (row["custom_id"], row["fate"], row["reason"], row["class"]) == (
        f"{wanted}.r1",
        "rejected",
        REVIEWER,
        "final",
    )
    assert (row["text"], row["violations"], row["note"]) == (answer["text"], [], NOTE)
    scenario = Lookup(playing.scenarios).find(wanted)
    assert scenario is not None
    assert row["scenario"] == scenario.model_dump(mode="json")
    [asked] = playing.ask(reviewed.requests_from.path)
    substitute = substitute_scenario(scenario, 1)
    assert asked == build_request(substitute, OPTIONS, round_number=3)
    assert asked["body"]["messages"][1]["content"] == render_brief(substitute)
    assert NOTE not in playing.requests.read_text(encoding="utf-8")


def test_rounds_without_a_rejected_dialogue_keep_their_files_and_no_file_is_changed(playing: Playing) -> None:
    files = playing.merge()
    before, judged = _snapshot(playing.folder), list(playing.judged)
    of_second = _ids(judged[1].dataset.path)[0]
    reviewed = playing.review(_review(1, of_second))
    assert reviewed.judged[0] == judged[0]
    assert reviewed.judged[1] != judged[1]
    after = _snapshot(playing.folder)
    written = ("rejected.jsonl", *(f"rounds/2/{name}" for name in ("dataset.jsonl", "rejected.jsonl", "funnel.json")))
    assert after.keys() - before.keys() == {f"reviews/1/{name}" for name in written}
    assert files.judged.dataset.is_intact()


def test_a_review_may_be_applied_again_and_gives_the_same_bytes(playing: Playing) -> None:
    first, second = _ids(playing.merge().judged.dataset.path)[2:4]
    judged = list(playing.judged)
    one = playing.review(_review(1, first, second))
    before = _snapshot(playing.folder)
    playing.judged = judged
    assert playing.review(_review(1, first, second)) == one
    playing.judged = judged
    assert playing.review(one.review) == one
    assert _snapshot(playing.folder) == before


def test_its_number_cannot_be_taken_twice(playing: Playing) -> None:
    first, second = _ids(playing.judged[0].dataset.path)[2:4]
    playing.review(_review(1, first))
    before = _snapshot(playing.folder)
    with pytest.raises(ConfigError, match=r"Review 1 was applied to these files\. The next one is 2"):
        playing.review(_review(1, second))
    assert _snapshot(playing.folder) == before


@pytest.mark.parametrize("approved", [True, False])
def test_a_review_that_rejects_nothing_leaves_everything_as_it_is(playing: Playing, approved: bool) -> None:
    judged = list(playing.judged)
    reviewed = playing.review(_review(1, "", "  ", approved=approved))
    assert list(reviewed.judged) == judged
    assert (reviewed.requests_from.rows, reviewed.review.rejected, reviewed.review.approved) == (0, (), approved)


def test_all_of_a_run_may_be_rejected(playing: Playing) -> None:
    ids = _ids(playing.merge().judged.dataset.path)
    reviewed = playing.review(_review(1, *ids))
    assert [one.dataset.rows for one in playing.judged] == [0, 0]
    assert reviewed.requests_from.rows == len(ids)
    assert len(playing.ask(reviewed.requests_from.path)) == len(ids)
    playing.answer()
    _check_run(playing, playing.merge(), 2)


def test_a_dialogue_like_a_rejected_one_is_no_repetition_of_it(playing: Playing) -> None:
    """The same answer once more, which is as like as can be: what is left does not know the rejected one."""
    unwanted = _ids(playing.judged[0].dataset.path)[3]
    [answer] = [one for one in json.loads(playing.results[0].read_bytes()) if one["custom_id"] == f"{unwanted}.r1"]
    known = [Path(one.dataset.path) for one in playing.judged]
    reviewed = playing.review(_review(1, unwanted))
    again = playing.folder / "again" / "result_lst.json"
    write_json_array(again, [{**answer, "custom_id": f"{unwanted}.r3"}])
    left = [Path(one.dataset.path) for one in reviewed.judged]
    for earlier, n_accepted in ((known, 0), (left, 1)):
        judged = judge_file(playing.scenarios, again, again.parent, counts_pending=False, earlier=earlier)
        assert judged.dataset.rows == n_accepted


def test_a_dialogue_without_a_record_at_the_end_tells_of_the_rejected_attempt(playing: Playing) -> None:
    unwanted = _ids(playing.judged[0].dataset.path)[3]
    playing.ask(playing.review(_review(1, unwanted)).requests_from.path)
    playing.answer(lambda _: "spoilt")
    files = playing.merge()
    funnel = read_funnel(Path(files.judged.funnel.path))
    assert (funnel.missing, funnel.is_balanced()) == (1, True)
    [last] = [row for row in _rows(files.judged.rejected.path) if "attempts" in row]
    told = [(one["custom_id"], one["reason"], one["class"]) for one in last["attempts"]]
    assert told == [(f"{unwanted}.r1", REVIEWER, "final"), (f"{unwanted}-s1.r3", None, "good")]


def test_the_costs_of_what_was_rejected_stay_and_are_shared_by_fewer(playing: Playing) -> None:
    unwanted = _ids(playing.judged[0].dataset.path)[:7]
    prices = PriceBook(input=Decimal(1), output=Decimal(5))
    before = read_funnel(Path(playing.judged[0].funnel.path))
    playing.review(_review(1, *unwanted), prices=prices)
    after = read_funnel(Path(playing.judged[0].funnel.path))
    assert (after.tokens, after.spending, after.script_share) == (before.tokens, before.spending, before.script_share)
    assert (before.total.accepted, after.total.accepted) == (14, 7)
    assert after.cost is not None
    assert (after.cost.total, after.cost.per_request) == (Decimal("0.032"), Decimal("0.002"))
    assert after.cost.per_accepted == Decimal("0.004571429")  # 16 requests, 7 dialogues


FATES = st.lists(st.sampled_from(["answered", "spoilt", "refused", "truncated"]), min_size=16, max_size=16)


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(fates=FATES, looks=st.lists(st.sets(st.integers(0, 15), max_size=5), min_size=1, max_size=3))
def test_any_run_is_whole_after_any_reviews(
    tmp_path_factory: pytest.TempPathFactory, fates: list[str], looks: list[set[int]]
) -> None:
    def spoil(custom_id: str) -> str:
        return fates[order_of(custom_id)[1] % 16] if order_of(custom_id)[-1] == 1 else "answered"

    playing = Playing(tmp_path_factory.mktemp("run"))
    files, gone = playing.complete(spoil), set[str]()
    for number, places in enumerate(looks, start=1):
        unwanted = [_ids(files.judged.dataset.path)[place] for place in sorted(places)]
        gone.update(unwanted)
        reviewed = playing.review(_review(number, *unwanted))
        for one, results in zip(playing.judged, playing.results, strict=True):
            _check_round(one, results)
        assert reviewed.requests_from.rows == len(unwanted)
        if unwanted:
            playing.ask(reviewed.requests_from.path)
            files = playing.complete()
        _check_run(playing, files, 2)
        assert not gone & set(_ids(files.judged.dataset.path))


@pytest.mark.parametrize(("fate", "is_compared"), [("answered", False), ("answered", True), ("spoilt", False)])
def test_a_late_answer_to_a_rejected_dialogue_does_not_count_as_the_dialogue(
    tmp_path: Path, fate: str, is_compared: bool
) -> None:
    """Two rounds may both have an answer to a dialogue: a second record, a duplicate of the first, or a bad one."""
    playing = Playing(tmp_path, count=1)
    playing.answer()
    unwanted = _ids(playing.judged[0].dataset.path)[2]
    scenario = Lookup(playing.scenarios).find(unwanted)
    assert scenario is not None
    late, third = (tmp_path / name / "result_lst.json" for name in ("late", "third"))
    write_json_array(late, [playing.write_answer(build_request(scenario, OPTIONS, round_number=2), fate)])
    earlier = [Path(playing.judged[0].dataset.path)] if is_compared else []
    second = judge_file(playing.scenarios, late, late.parent, counts_pending=False, earlier=earlier)
    assert second.dataset.rows == (fate == "answered" and not is_compared)

    both, answers = [playing.judged[0], second], [playing.results[0], late]
    reviewed = apply_review(both, answers, playing.scenarios, _review(1, unwanted), tmp_path)
    for one, results in zip(reviewed.judged, answers, strict=True):
        _check_round(one, results)
    assert (reviewed.judged[1] == second) == (fate == "spoilt")
    [row] = _rows(reviewed.requests_from.path)
    assert (row["custom_id"], row["reason"]) == (f"{unwanted}.r{1 if fate == 'spoilt' else 2}", REVIEWER)

    write_next_requests(tmp_path / "n.jsonl", Path(reviewed.requests_from.path), OPTIONS, round_number=3)
    write_json_array(third, [playing.write_answer(row, "answered") for row in _rows(tmp_path / "n.jsonl")])
    left = [Path(one.dataset.path) for one in reviewed.judged]
    judged = judge_file(playing.scenarios, third, third.parent, counts_pending=False, earlier=left)
    merged = merge_run([*answers, third], [*reviewed.judged, judged], tmp_path / "merged", scenarios=8)
    funnel = read_funnel(Path(merged.judged.funnel.path))
    assert (funnel.missing, funnel.is_balanced(), merged.judged.dataset.rows) == (0, True, 8)
    assert f"{unwanted}-s1" in _ids(merged.judged.dataset.path)


def test_the_warnings_of_what_was_rejected_are_taken_out_of_the_funnel(tmp_path: Path) -> None:
    """P05 only warns: the answer, which a language model wrote, was accepted with it."""
    answers = Path(__file__).parents[2] / "fixtures" / "answers"
    written = [json.loads((answers / name).read_text(encoding="utf-8")) for name in ("gold-11-000000.json", WARNED)]
    write_scenarios(tmp_path / "scenarios.jsonl", [Scenario.model_validate(one["scenario"]) for one in written])
    results = tmp_path / "result_lst.json"
    ids = [f"{one['scenario']['id']}.r1" for one in written]
    told = [{"custom_id": i, "outcome": "answered", "text": o["text"]} for i, o in zip(ids, written, strict=True)]
    write_json_array(results, told)
    judged = judge_file(tmp_path / "scenarios.jsonl", results, tmp_path)
    assert read_funnel(Path(judged.funnel.path)).warnings == {"P05": 1}
    reviewed = apply_review([judged], [results], tmp_path / "scenarios.jsonl", _review(1, ids[1]), tmp_path)
    assert _check_round(reviewed.judged[0], results).warnings == {}


# --- how a dialogue may be named ---


def test_a_dialogue_may_be_named_by_its_request_or_by_its_sample(unchanged: Playing, tmp_path: Path) -> None:
    dataset = unchanged.folder / "dataset.jsonl"
    ids = _ids(dataset)
    samples = render_samples(dataset, tmp_path / "samples", "qwen2.5")
    names = sorted(path.name for path in Path(samples.path).iterdir())
    settled = settle_review(
        unchanged.judged, _review(1, f"  {ids[5]}\n", f"{ids[0]}.r2", names[1], names[9].removesuffix(".txt"), "")
    )
    assert settled.rejected == (ids[5], ids[0], ids[1], ids[9])
    assert (settled.note, settled.reviewed_at) == (NOTE, MOMENT)


@pytest.mark.parametrize(
    "name",
    [
        *("R1", " R1 ", "3", "0003", "sample_3", "sample_00003", "sample_0000", "sample_0017", "sample_0003.json"),
        *("gold-5-999999", "training-5-000003", "gold-6-000003", "GOLD-5-000003", "gold-5-000003,gold-5-000004"),
        *("gold-5-000003.r9999999999", "../../etc/passwd", "\u202egold", "a\x00b", "*", "가" * 5_000),
    ],
)
def test_a_name_of_no_dialogue_is_refused_with_what_names_look_like(unchanged: Playing, name: str) -> None:
    before, known = _snapshot(unchanged.folder), _ids(unchanged.judged[0].dataset.path)[5]
    with pytest.raises(ConfigError, match=r"Review 1 cannot be followed: the dataset has no dialogue '") as caught:
        unchanged.review(_review(1, known, name))
    told = str(caught.value)
    shown = name.strip()
    assert repr(shown if len(shown) < 80 else shown[:80] + "…") in told
    assert known not in told
    assert "as 'gold-5-000000'" in told
    assert "as 'gold-5-000000.r2'" in told
    assert "as 'sample_0001'" in told
    assert told.isprintable()
    assert _snapshot(unchanged.folder) == before


def test_samples_of_a_long_run_have_longer_names(unchanged: Playing, tmp_path: Path) -> None:
    rows = ({"meta": {"scenario_id": f"gold-5-{place:06d}", "round": 1}} for place in range(10_000))
    long = unchanged.judged[0].model_copy(update={"dataset": write_jsonl(tmp_path / "long.jsonl", rows)})
    assert settle_review([long], _review(1, "sample_00003", "sample_10000.txt")).rejected == (
        "gold-5-000002",
        "gold-5-009999",
    )
    with pytest.raises(ConfigError, match=r"no dialogue 'sample_0003'\. .* as 'sample_00001'"):
        settle_review([long], _review(1, "sample_0003"))


def test_every_wrong_name_is_told_in_one_go(unchanged: Playing) -> None:
    ids = _ids(unchanged.folder / "dataset.jsonl")
    base = ids[1].removesuffix("-s1")
    names = ("R1", ids[4], base, f"{ids[5]}.r2", "17", ids[4], f"{ids[6]}.r1", "sample_0007.txt")
    with pytest.raises(ConfigError) as caught:
        settle_review(unchanged.judged, _review(3, *names))
    assert str(caught.value).startswith(
        "Review 3 cannot be followed: the dataset has no dialogue 'R1', '17'; "
        f"of {base!r} the dataset has '{ids[1]}.r2'; of '{ids[5]}.r2' the dataset has '{ids[5]}.r1'; "
        f"{ids[4]!r} is named 2 times; {ids[6]!r} is named 2 times. Nothing was changed. Name a dialogue by "
    )


def test_thousands_of_wrong_names_are_told_briefly(unchanged: Playing) -> None:
    with pytest.raises(ConfigError, match=r"'x9' and 4990 more\. Nothing"):
        settle_review(unchanged.judged, _review(1, *(f"x{number}" for number in range(5_000))))
    ids = _ids(unchanged.folder / "dataset.jsonl")
    with pytest.raises(ConfigError, match=r"and 6 more like these\. Nothing"):
        settle_review(unchanged.judged, _review(1, *ids, *ids))


def test_an_id_that_is_also_a_sample_s_name_is_told_as_such(unchanged: Playing, tmp_path: Path) -> None:
    rows = _rows(unchanged.judged[0].dataset.path)[:2]
    rows[1]["meta"]["scenario_id"] = "sample_0001"
    dataset = write_jsonl(tmp_path / "odd.jsonl", rows)
    odd = unchanged.judged[0].model_copy(update={"dataset": dataset})
    with pytest.raises(ConfigError, match=rf"'sample_0001' may be '{rows[0]['meta']['scenario_id']}' or 'sample_0001'"):
        settle_review([odd], _review(1, "sample_0001"))


def test_rejected_dialogues_cannot_be_rejected_again(playing: Playing) -> None:
    unwanted = _ids(playing.judged[0].dataset.path)[3]
    playing.review(_review(1, unwanted))
    with pytest.raises(ConfigError, match=rf"the dataset has no dialogue '{unwanted}'"):
        playing.review(_review(2, unwanted))


def test_approving_and_rejecting_at_once_is_refused(playing: Playing) -> None:
    before, unwanted = _snapshot(playing.folder), _ids(playing.judged[0].dataset.path)[3]
    with pytest.raises(ConfigError, match="Review 1 approves the run and rejects 1 of its dialogues"):
        playing.review(_review(1, unwanted, approved=True))
    assert _snapshot(playing.folder) == before


def test_an_empty_dataset_has_no_dialogue_to_reject(playing: Playing) -> None:
    empty = write_jsonl(playing.folder / "empty.jsonl", [])
    with pytest.raises(ConfigError, match="the dataset has no dialogue 'gold-5-000000'"):
        settle_review([playing.judged[0].model_copy(update={"dataset": empty})], _review(1, "gold-5-000000"))


# --- files that do not belong together ---


def test_results_of_another_round_are_refused_and_nothing_stands_half_written(playing: Playing) -> None:
    of_second, of_first = (_ids(one.dataset.path)[0] for one in reversed(playing.judged))
    playing.results.reverse()
    with pytest.raises(InputFileError, match=r"result_lst.json, line 2, field 'custom_id'"):
        playing.review(_review(1, of_first))
    playing.results.reverse()
    short = playing.folder / "short.json"
    write_json_array(short, json.loads(playing.results[1].read_bytes())[:-1])
    playing.results[1] = short
    with pytest.raises(InputFileError, match=r"dataset.jsonl, line 2: no answer in .*short.json"):
        playing.review(_review(1, of_second))
    assert not list((playing.folder / "reviews").rglob("*.json*"))


def test_without_the_run_s_scenarios_nothing_is_written(playing: Playing, tmp_path: Path) -> None:
    unwanted = _ids(playing.judged[0].dataset.path)[3]
    playing.scenarios = Path(generate_files("gold", 1, tmp_path / "x" / "q.jsonl", OPTIONS, seed=6).scenarios.path)
    with pytest.raises(InputFileError, match=rf"has no scenario for '{unwanted}.r1'"):
        playing.review(_review(1, unwanted))
    assert not list((playing.folder / "reviews").rglob("*.json*"))


def test_a_damaged_dataset_is_an_error_that_names_the_line(playing: Playing) -> None:
    damaged = write_jsonl(playing.folder / "d.jsonl", [{"meta": {"scenario_id": "gold-5-000000"}}, {"meta": 1}])
    with pytest.raises(InputFileError, match=r"d.jsonl, line 2"):
        settle_review([playing.judged[0].model_copy(update={"dataset": damaged})], _review(1, "gold-5-000000"))


def _measure(folder: Path, playing: Playing, n_rows: int) -> int:
    """Return the most memory that a review of a large round takes; every fourth answer was refused."""
    [record] = _rows(playing.judged[0].dataset.path)[:1]
    [answer] = json.loads(playing.results[0].read_bytes())[:1]
    ids = [f"training-5-{place:06d}" for place in range(n_rows)]
    meta = record["meta"]
    records = ({**record, "meta": {**meta, "scenario_id": one, "round": 1}} for n, one in enumerate(ids) if n % 4)
    refused = ({"custom_id": f"{one}.r1", "reason": "error", "class": "final"} for one in ids[::4])
    funnel = Funnel()
    funnel.count("accepted", round_number=1, kind=meta["kind"], category=meta["category"], n=n_rows - n_rows // 4)
    funnel.count("failed", round_number=1, kind=meta["kind"], category=meta["category"], n=n_rows // 4)
    judged = JudgedFiles(
        dataset=write_jsonl(folder / "dataset.jsonl", records),
        rejected=write_jsonl(folder / "rejected.jsonl", refused),
        funnel=write_jsonl(folder / "funnel.json", [funnel.model_dump(mode="json")]),
    )
    write_json_array(folder / "result_lst.json", ({**answer, "custom_id": f"{one}.r1"} for one in ids))
    scenario = orjson.loads(playing.scenarios.read_bytes().splitlines()[0])
    write_jsonl(folder / "scenarios.jsonl", ({**scenario, "id": one} for one in ids))
    places = (folder / "result_lst.json", folder / "scenarios.jsonl")
    tracemalloc.start()
    try:
        reviewed = apply_review([judged], [places[0]], places[1], _review(1, ids[1], ids[-1]), folder)
        assert (reviewed.judged[0].dataset.rows, reviewed.requests_from.rows) == (n_rows - n_rows // 4 - 2, 2)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    playing = Playing(tmp_path, "training", 4)
    playing.answer()
    _measure(tmp_path / "warm", playing, 8)
    few, many = (_measure(tmp_path / str(n_rows), playing, n_rows) for n_rows in (40, 400))
    assert many < 1.5 * few


# --- what is kept of reviews ---

HOSTILE = (
    "---\ntitle: x\n---\n# Fake\n<script>alert(1)</script>\r\n```\n    ```` ~~~\n| a | b |\n"
    "<!-- \u202e\x00\u2028[x](javascript:1)"
)


def test_a_reviewed_run_is_not_judged_anew_without_its_reviews(tmp_path: Path) -> None:
    results = tmp_path / "result_lst.json"
    require_unreviewed(results)
    write_reviews(tmp_path / "reviews.json", [_review(1, approved=True)])
    require_unreviewed(results)
    write_reviews(tmp_path / "reviews.json", [_review(1, "gold-5-000001", "gold-5-000002"), _review(2, approved=True)])
    with pytest.raises(ConfigError, match=r"rejected 2 dialogues of this run \(.*reviews\.json\).*start the run again"):
        require_unreviewed(results)


def test_reviews_are_read_as_they_were_written(tmp_path: Path) -> None:
    reviews = (
        _review(1, "gold-5-000001", "gold-5-000002-s1"),
        Review(number=2, reviewer="김 <b>", approved=True, note=HOSTILE, reviewed_at="2026-11-23T01:00:00Z"),
    )
    artifact = write_reviews(tmp_path / REVIEWS_NAME, reviews)
    assert read_reviews(tmp_path / REVIEWS_NAME) == reviews
    assert artifact.rows == 2
    assert list(json.loads((tmp_path / REVIEWS_NAME).read_bytes())[0]) == list(Review.model_fields)
    assert write_reviews(tmp_path / REVIEWS_NAME, reviews) == artifact
    assert read_reviews(Path(write_reviews(tmp_path / "none.json", ()).path)) == ()


@pytest.mark.parametrize("numbers", [(2,), (1, 1), (1, 3), (2, 1)])
def test_reviews_are_numbered_without_a_gap(tmp_path: Path, numbers: Sequence[int]) -> None:
    with pytest.raises(ConfigError, match="numbered from 1 without a gap"):
        write_reviews(tmp_path / REVIEWS_NAME, [_review(number) for number in numbers])
    assert not (tmp_path / REVIEWS_NAME).exists()
    write_json_array(tmp_path / "r.json", [_review(number).model_dump() for number in numbers])
    with pytest.raises(InputFileError, match=r"r.json, line \d, field 'number': expected review \d, found \d"):
        read_reviews(tmp_path / "r.json")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "not valid JSON"),
        ("{}", "expected a JSON array"),
        ('[\n{"number": 1}\n]\n', "line 2, field 'approved'"),
        ("[\n5\n]\n", "line 2"),
        ('[\n{"number": 1, "approved": true', "r.json"),
    ],
)
def test_a_damaged_file_of_reviews_is_an_error(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "r.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputFileError, match=found):
        read_reviews(tmp_path / "r.json")
    with pytest.raises(InputFileError, match="cannot be read"):
        read_reviews(tmp_path / "missing.json")


@pytest.mark.parametrize("moment", ["", "yesterday", "2026-11-23T09:00:00", "2026-11-23", "2026-13-01T00:00:00+00:00"])
def test_the_moment_of_a_review_is_iso_with_an_offset(moment: str) -> None:
    with pytest.raises(ValidationError, match="reviewed_at"):
        Review(number=1, approved=True, reviewed_at=moment)


def test_what_separates_day_and_hour_cannot_smuggle_anything() -> None:
    assert (
        Review(number=1, approved=True, reviewed_at="2026-11-23|09:00:00Z").reviewed_at == "2026-11-23T09:00:00+00:00"
    )


def test_the_card_tells_of_the_reviews_and_records_know_nothing_of_them(playing: Playing) -> None:
    ids = _ids(playing.merge().judged.dataset.path)
    reviewed = playing.review(_review(1, ids[3], ids[7]))
    playing.ask(reviewed.requests_from.path)
    playing.answer()
    files = playing.merge()
    assert all("review" not in str(list(row["meta"])) for row in _rows(files.judged.dataset.path))
    path = playing.folder / REVIEWS_NAME
    write_reviews(path, [reviewed.review, _review(2, approved=True, note="좋습니다.")])
    dataset, funnel = Path(files.judged.dataset.path), Path(files.judged.funnel.path)
    card = render_card(gather_card_facts(dataset, funnel, title="t", reviews=path))
    assert "## Review of the latest run\n" in card
    assert f"| 1 | {MOMENT} | no | 2 |" in card
    assert f"| 2 | {MOMENT} | yes | 0 |" in card
    assert f"Note of review 1, as it was written:\n\n    {NOTE}\n" in card
    assert "None of those rejected is part of the dataset." in card
    for missing in (None, playing.folder / "nothing.json"):
        assert "Review" not in render_card(gather_card_facts(dataset, funnel, title="t", reviews=missing))


def test_a_dataset_that_still_has_a_rejected_dialogue_gets_no_card(playing: Playing) -> None:
    files = playing.merge()
    ids = _ids(files.judged.dataset.path)
    write_reviews(playing.folder / REVIEWS_NAME, [_review(1, ids[5])])
    message = rf"line 6, field 'meta.scenario_id': review 1 rejected {re.escape(repr(ids[5]))}"
    with pytest.raises(InputFileError, match=message):
        gather_card_facts(
            Path(files.judged.dataset.path), None, title="t", reviews=playing.folder / REVIEWS_NAME
        )  # fmt: skip
