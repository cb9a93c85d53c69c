"""Rejections: each is counted, the most frequent have examples that can be read, and hostile answers stay text."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from golden_files import Golden
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_markdown import Shown
from report_rows import HOSTILE, REJECTED, SCRIPT, fail, make_script, reject, store, stored_text

from datagen_core.checks import RULES, Violation
from datagen_core.dataset.judging import judge_file
from datagen_core.errors import InputFileError
from datagen_core.files import JsonObject, write_json_array, write_jsonl
from datagen_core.report import MAX_ARTIFACT_BYTES, render_rejections

ANSWERS = Path(__file__).parents[2] / "fixtures" / "answers"


def _render(folder: Path, *rows: JsonObject) -> str:
    write_jsonl(folder / "rejected.jsonl", rows)
    return render_rejections(folder / "rejected.jsonl", title="training-7: not accepted")


def test_rejections_read_as_the_golden_file_has_them(tmp_path: Path, golden: Golden) -> None:
    golden("report/rejections.md", _render(tmp_path, *REJECTED))


def test_nothing_rejected_is_said_so(tmp_path: Path) -> None:
    assert "Every answer was accepted." in _render(tmp_path)


def test_warnings_reject_nothing_and_duplicates_are_no_failures(tmp_path: Path) -> None:
    text = _render(tmp_path, *REJECTED)
    assert "**10 requests came to nothing:** 7 rejected, 3 failed." in text
    assert "P05" not in text
    assert Shown(text).tables[0][1][:2] == ["P07", "3"]


def test_examples_are_of_different_dialogues(tmp_path: Path) -> None:
    text = _render(tmp_path, *REJECTED)
    assert "training-7-000002.r1" in text
    assert "training-7-000002.r2" not in text


def test_what_may_be_personal_data_is_not_repeated(tmp_path: Path) -> None:
    text = _render(tmp_path, reject("t-1.r1", SCRIPT, Violation("I01", 0, "a number: 900101-1234567", "E")))
    assert "900101" not in text
    assert "t-1.r1" in text


def test_line_at_fault_stands_below_what_led_to_it(tmp_path: Path) -> None:
    text = _render(tmp_path, reject("t-1.r1", SCRIPT, Violation("G01", 7, "wrong", "E")))
    said = [line.strip() for line in text.splitlines() if line.startswith("  - ")]
    assert said == [
        "- customer: 거기 R1 메뉴 보여 주세요.",
        r"- counsellor: 고르곤졸라가 17,000원입니다. \| 표를 &lt;b&gt;깨는&lt;/b&gt; \`글자\` \|",
    ]


def test_response_at_fault_stands_with_its_call_though_no_script_holds_it(tmp_path: Path) -> None:
    text = _render(tmp_path, reject("t-1.r1", SCRIPT, Violation("R01", 2, "wrong", "E")))
    assert text.rstrip().endswith(
        '- call: <code>search_restaurants(category="피자", min_rating=4.0, sort="rating")</code>'
    )


def test_transcript_is_told_turn_by_turn(tmp_path: Path) -> None:
    answer = '(고객) 장바구니 보여 줘요\n(function_call) {"name": "get_cart", "arguments": {"user_id": "u"}}\n'
    answer += '(function_response) {"items": []}\n(AI 상담사) 비어 있습니다.'
    text = _render(tmp_path, reject("t-1.r1", answer, Violation("P01", 1, "wrong", "E")))
    assert '- call: <code>get_cart(user_id="u")</code>' in text


def test_truncated_answers_are_shown_by_their_end(tmp_path: Path) -> None:
    text = _render(tmp_path, fail("t-1.r1", "truncated", text="가" * 1_000 + "끝"))
    assert "끝</code>" in text


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"violations": 5, "text": 7},
        {"violations": [3, None, {"severity": "E"}], "custom_id": ["x"]},
        {"violations": [{"rule": "X02", "severity": "E", "turn": "two"}], "text": None},
        {"violations": [{"rule": "X02", "severity": "E", "turn": -1}], "text": SCRIPT},
        {"violations": [{"rule": "X02", "severity": "E", "turn": 99}], "text": SCRIPT},
        {"reason": "error", "error": "a word", "text": {"a": 1}},
        {"reason": "never heard of", "error": {"code": 5, "message": ["x"]}},
    ],
)
def test_a_damaged_row_is_counted_and_does_no_harm(row: JsonObject, tmp_path: Path) -> None:
    assert "**1 request came to nothing:**" in _render(tmp_path, row)


def test_a_line_that_is_no_object_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "rejected.jsonl").write_text("{}\n[]\n", encoding="utf-8")
    with pytest.raises(InputFileError, match="line 2"):
        render_rejections(tmp_path / "rejected.jsonl", title="t")


def test_lines_of_a_megabyte_are_cut(tmp_path: Path) -> None:
    huge = "가나다라 " * 200_000
    answer = make_script(
        {"role": "customer", "text": huge},
        {"role": "call", "tool": huge, "args": {"a": huge, huge: [huge] * 2}},
        {"role": "counsellor", "text": huge},
    )
    rows = [reject(f"{huge}-{n}.r1", answer, Violation("G01", n % 4, huge, "E")) for n in range(4)]
    rows += [fail(f"{n}{huge}", huge, text=huge, error={"code": huge, "message": huge}) for n in range(3)]
    assert len(_render(tmp_path, *rows).encode()) < 30_000


def test_every_rule_broken_at_once_stays_small(tmp_path: Path) -> None:
    text = "가" * 5_000
    answer = make_script(*({"role": role, "text": text} for role in ("customer", "counsellor") * 20))
    broken = [Violation(rule, None, text, "E") for rule in RULES]
    page = _render(tmp_path, *(reject(f"t-{number}.r1", answer, *broken) for number in range(5)))
    assert len(page.encode()) <= MAX_ARTIFACT_BYTES
    assert len(Shown(page).tables[0]) == len(RULES) + 1


@settings(max_examples=25)
@given(
    drawn=st.lists(
        st.tuples(stored_text, stored_text, stored_text, st.none() | st.integers(min_value=-2, max_value=9)),
        max_size=8,
    ),
)
def test_hostile_answers_stay_text_and_the_page_small(
    drawn: list[tuple[str, str, str, int | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows: list[JsonObject] = []
    for number, (rule, message, text, turn) in enumerate(drawn):
        call: JsonObject = {"role": "call", "tool": message, "args": {text: {"b": [1.5, None]}}}
        answer = text if number % 2 else make_script({"role": "customer", "text": text}, call)
        rows += [
            reject(f"{text}{number}", answer, Violation(rule or "X02", turn, message, "E")),
            fail(f"{message}{number}", rule or "refused", text=text * 40, error={"code": message, "message": text}),
        ]
    page = _render(tmp_path_factory.mktemp("rejected"), *rows)
    shown = Shown(page)
    assert len(page.encode()) <= MAX_ARTIFACT_BYTES
    assert set(shown.elements) <= {
        *("h1", "h3", "p", "strong", "em", "code", "br", "ul", "li"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    assert {len(row) for table in shown.tables for row in table} <= {3}
    assert shown.addresses == []


def test_what_judging_wrote_can_be_shown(tmp_path: Path) -> None:
    known = [orjson.loads(path.read_bytes()) for path in sorted(ANSWERS.glob("*.json"))]
    found = [one for one in known if one["expected"] == "rejected"]
    answers = [
        {
            **{"custom_id": f"{one['scenario']['id']}.r1", "batch_id": "b", "provider": "openai"},
            **{"outcome": "answered", "text": one["text"], "error": None, "model": "m", "usage": None},
        }
        for one in found
    ]
    write_json_array(tmp_path / "result_lst.json", answers)
    write_jsonl(tmp_path / "scenarios.jsonl", [one["scenario"] for one in found])
    files = judge_file(tmp_path / "scenarios.jsonl", tmp_path / "result_lst.json", tmp_path)
    page = render_rejections(Path(files.rejected.path), title="t")
    broken = {rule for one in found for rule in one["broken"]}
    assert broken <= {row[0] for row in Shown(page).tables[0]}
    assert f"**{len(found)} requests came to nothing:**" in page


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_rule_name_stays_in_its_cell(text: str, tmp_path: Path) -> None:
    name = store(text)
    shown = Shown(_render(tmp_path, reject("t-1.r1", name, Violation(name, 0, name, "E"))))
    assert {len(row) for table in shown.tables for row in table} == {3}
    assert shown.addresses == []
