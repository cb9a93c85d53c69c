"""Validating: any file gets a clear result, every rule says to how many rows it was applied, memory stays flat."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datagen_core.checks import RULES
from datagen_core.dataset import reading_rows
from datagen_core.dataset.parquet import write_shard
from datagen_core.dataset.reading_rows import find_datasets, iter_rows
from datagen_core.dataset.validating import MAX_FINDINGS, Validation, render_report, validate_file
from datagen_core.dataset.verdicts import judge_answer
from datagen_core.errors import InputFileError
from datagen_core.files import write_jsonl
from datagen_core.scenarios import Scenario

ANSWERS = Path(__file__).parents[2] / "fixtures" / "answers"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": CITY}}]


def _make_record(name: str) -> dict[str, Any]:
    fixture = json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))
    answer = {"custom_id": f"{name}.r1", "outcome": "answered", "text": fixture["text"]}
    record = judge_answer(Scenario.model_validate(fixture["scenario"]), answer).record
    assert record is not None
    return json.loads(orjson.dumps(record))


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    return [_make_record(f"training-8-{number:06d}") for number in range(4)]


def _foreign(said: str, **changes: object) -> dict[str, object]:
    call = {"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "서울"}'}}
    return {
        "messages": [
            {"role": "user", "content": said},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": '{"sky": "맑음"}'},
            {"role": "assistant", "content": "서울은 맑습니다."},
        ],
        "tools": TOOLS,
        **changes,
    }


UMBRELLA = "우산을 챙겨야 할지 궁금해요. 서울이에요"
FOREIGN = [
    _foreign("서울 날씨 알려 주세요"),
    _foreign("오늘 서울에 비가 올까요?"),
    _foreign(UMBRELLA),
]


def _found(report: Validation) -> list[tuple[int, str]]:
    return [(found.line, found.rule) for found in report.violations if found.severity == "E"]


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (b'{"messages": [}', "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b"[1, 2]", "JSON list"),
        (b'"text"', "JSON str"),
        (b"null", "JSON NoneType"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not valid JSON"),
        (b'{"a": NaN}', "not valid JSON"),
        (b"\x00\x01\x02", "not valid JSON"),
        (b'{"a": "' + b"x" * 2_000_000, "longer than 1,000,000 bytes"),
    ],
    ids=["cut", "no UTF-8", "list", "text", "null", "deep", "NaN", "binary", "huge"],
)
def test_a_line_that_cannot_be_read_is_one_unsound_row_and_the_rest_is_checked(
    tmp_path: Path, records: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, damage: bytes, problem: str
) -> None:
    monkeypatch.setattr(reading_rows, "MAX_LINE_BYTES", 1_000_000)
    lines = [orjson.dumps(record) for record in records]
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"\n".join([lines[0], damage, b"", *lines[1:]]))
    report = validate_file(path)
    assert _found(report) == [(2, "S01")]
    assert problem in report.violations[0].message
    assert (report.n_rows, report.n_sound, report.n_unreadable, report.n_performed) == (5, 4, 1, 4)
    assert report.coverage["S01"].n_rows == 5
    assert report.coverage["C01"].left_out == {"unreadable": 1}


def test_a_line_as_long_as_allowed_is_read_and_one_byte_more_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = orjson.dumps(FOREIGN[0]) + b"\n"
    for limit, problem in ((len(line), None), (len(line) - 1, "the line is longer")):
        monkeypatch.setattr(reading_rows, "MAX_LINE_BYTES", limit)
        (tmp_path / "d.jsonl").write_bytes(line * 2)
        rows = list(iter_rows(tmp_path / "d.jsonl"))
        assert [row.line for row in rows] == [1, 2]
        assert all((row.problem or "").startswith(problem or "") for row in rows)
        assert all((row.record is None) == (problem is not None) for row in rows)


WRONG: list[dict[str, Any]] = [
    {"messages": None}, {"messages": {}}, {"messages": [[]]}, {"messages": "hello"}, {"tools": 3, "messages": [1]},
    {"uid": 1, "dates": [], "system_prompt": {}, "messages": [{"role": 1, "content": 2}], "tools": "x", "meta": 7},
    {"messages": [{"role": "user", "content": "응"}, {"role": "assistant", "content": "네."}], "tools": [{"type": 1}]},
    {"messages": [{"role": "assistant", "tool_calls": [3, None, {"function": 3}]}], "tools": [None]},
    {},
]  # fmt: skip


def test_wrong_types_everywhere_are_violations(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", WRONG)
    report = validate_file(tmp_path / "d.jsonl")
    assert (report.n_rows, report.n_sound, report.n_unreadable) == (len(WRONG), 0, 0)
    assert {found.line for found in report.violations if found.severity == "E"} == set(range(1, len(WRONG) + 1))


def test_an_empty_file_and_a_byte_order_mark_are_no_error(tmp_path: Path) -> None:
    for content, n_rows in ((b"", 0), (b"\n \n", 0), (b"\xef\xbb\xbf" + orjson.dumps(FOREIGN[0]) + b"\r\n", 1)):
        (tmp_path / "d.jsonl").write_bytes(content)
        report = validate_file(tmp_path / "d.jsonl")
        assert (report.n_rows, report.n_sound) == (n_rows, n_rows)
        assert orjson.loads(render_report(report))["rows"] == n_rows


def test_rules_tell_to_how_many_rows_they_were_applied_and_why_not(
    tmp_path: Path, records: list[dict[str, Any]]
) -> None:
    plain = {key: value for key, value in records[1].items() if key != "meta"}
    broken = {**records[2], "messages": records[2]["messages"][1:]}
    write_jsonl(tmp_path / "d.jsonl", [records[0], plain, broken, *FOREIGN])
    report = validate_file(tmp_path / "d.jsonl")
    assert (report.n_rows, report.n_performed, report.n_foreign) == (6, 1, 3)
    assert list(report.coverage) == list(RULES)
    assert report.coverage["S03"] == (6, {})
    assert report.coverage["C01"] == (5, {"broken structure": 1})
    assert report.coverage["X02"].left_out["other tools"] == 3
    assert report.coverage["U01"] == (6, {})
    assert report.coverage["U03"] == (0, {"no gold": 6})
    for rule_id, covered in report.coverage.items():
        assert covered.n_rows + sum(covered.left_out.values()) == 6, rule_id
    for rule in RULES.values():
        if "kind" in rule.needs and "foreign" in rule.families:
            assert report.coverage[rule.id].left_out["no kind"] == 4


def test_repetitions_name_the_earlier_line(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    rows = [records[0], *FOREIGN, records[0], FOREIGN[1], _foreign(f"{UMBRELLA}!")]
    write_jsonl(tmp_path / "d.jsonl", rows)
    report = validate_file(tmp_path / "d.jsonl")
    assert _found(report) == [(5, "U01"), (6, "U01"), (7, "U02")]
    assert ["line 1" in report.violations[0].message, "line 3" in report.violations[1].message] == [True, True]
    assert "line 4" in report.violations[2].message
    assert report.n_sound == 4


def test_published_and_gold_datasets_are_compared_with(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", FOREIGN)
    write_jsonl(tmp_path / "published" / "any.jsonl", [FOREIGN[0]])
    write_jsonl(tmp_path / "gold_dataset.jsonl", [FOREIGN[2]])
    report = validate_file(
        tmp_path / "d.jsonl", published=[tmp_path / "published"], gold=tmp_path / "gold_dataset.jsonl"
    )
    assert _found(report) == [(1, "U01"), (3, "U03")]
    assert report.coverage["U03"] == (3, {})


def _write_ours(path: Path, rows: list[dict[str, Any]]) -> None:
    write_jsonl(path.with_suffix(".jsonl"), rows)
    write_shard(path.with_suffix(".jsonl"), path, known=frozenset(), describe=lambda content: b"{}")


def _write_plain(path: Path, rows: list[dict[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path)


@pytest.mark.parametrize(
    ("write", "n_foreign"), [(_write_ours, 0), (_write_plain, 2)], ids=["ours as published", "OpenAI's as structs"]
)
def test_parquet_is_judged_like_json_lines(
    tmp_path: Path, records: list[dict[str, Any]], write: Callable[[Path, list[dict[str, Any]]], None], n_foreign: int
) -> None:
    rows = records if not n_foreign else FOREIGN[:2]
    write(tmp_path / "rows.parquet", rows)
    write_jsonl(tmp_path / "rows.jsonl", rows)
    parquet, lines = (validate_file(tmp_path / f"rows.{ending}") for ending in ("parquet", "jsonl"))
    assert (parquet.n_rows, parquet.n_sound, parquet.n_foreign) == (len(rows), len(rows), n_foreign)
    assert (parquet.violations, parquet.coverage) == (lines.violations, lines.coverage)
    assert parquet.n_performed == len(rows) - n_foreign


def test_damaged_parquet_is_an_error_that_says_so(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    path = tmp_path / "rows.parquet"
    _write_ours(path, records)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputFileError, match=r"rows.parquet: is damaged Parquet after row 0"):
        validate_file(path)


def test_a_folder_s_dataset_is_found_or_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"holds no dataset.jsonl"):
        find_datasets(tmp_path)
    with pytest.raises(InputFileError, match=r"is not there"):
        find_datasets(tmp_path / "none")
    for name in ("b.jsonl", "a.jsonl", "data/1.parquet", "gold_dataset.jsonl", "dataset.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
        expected = {"b.jsonl": ["b.jsonl"], "a.jsonl": ["a.jsonl", "b.jsonl"], "data/1.parquet": ["1.parquet"]}
        assert [path.name for path in find_datasets(tmp_path)] == expected.get(name, [name])


def test_several_files_of_a_folder_are_told_apart(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [FOREIGN[0]])
    write_jsonl(tmp_path / "b.jsonl", [FOREIGN[1], FOREIGN[0]])
    [found] = validate_file(tmp_path).violations
    assert (found.file, found.line, found.rule) == ("b.jsonl", 2, "U01")
    assert "a.jsonl, line 1" in found.message


def test_only_so_many_violations_are_kept_but_all_are_counted(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_bytes(b"x\n" * (MAX_FINDINGS + 5))
    report = validate_file(tmp_path / "d.jsonl")
    assert (len(report.violations), report.counts["S01"], report.n_rows) == (MAX_FINDINGS, MAX_FINDINGS + 5, 1_005)


def test_a_long_message_is_cut(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [_foreign("네", messages=[{"role": "x" * 100_000, "content": "네"}])])
    assert all(len(found.message) < 1_000 for found in validate_file(tmp_path / "d.jsonl").violations)


def _measure(path: Path, n_rows: int) -> int:
    rng = random.Random(3)
    said = ("".join(chr(0xAC00 + rng.randrange(2_000)) for _ in range(40)) for _ in range(n_rows))
    write_jsonl(path, map(_foreign, said))
    tracemalloc.start()
    try:
        assert validate_file(path).n_rows == n_rows
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_no_row_is_kept(tmp_path: Path) -> None:
    """Rules remember some thousand texts; a row that is kept takes more than what these take for each row here."""
    _measure(tmp_path / "d.jsonl", 20)
    few, many = (_measure(tmp_path / "d.jsonl", n_rows) for n_rows in (100, 1_000))
    assert many - few < 900 * 1_000
