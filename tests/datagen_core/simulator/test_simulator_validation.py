"""What refuses a whole batch: each code, with the line and the parameter to blame."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simulator_driver import Driver, make_input, make_row

from datagen_core.simulator import validation
from datagen_core.simulator.validation import validate_input

GOOD = json.dumps(make_row("good")).encode() + b"\n"
CHAT = "/v1/chat/completions"


def _line(row: object) -> bytes:
    return json.dumps(row).encode() + b"\n"


CASES: dict[str, tuple[bytes, str, int | None, str | None]] = {
    "cut off": (b'{"custom_id": "a", "meth', "invalid_json_line", 2, None),
    "a list": (b"[1, 2]\n", "invalid_json_line", 2, None),
    "lone surrogate": (b'{"custom_id": "\\ud800"}\n', "invalid_json_line", 2, None),
    "no utf-8": (b'{"custom_id": "\xff"}\n', "invalid_json_line", 2, None),
    "too deep": (b"[" * 5000 + b"]" * 5000, "invalid_json_line", 2, None),
    "nan": (b'{"custom_id": NaN}\n', "invalid_json_line", 2, None),
    "duplicate": (GOOD, "duplicate_custom_id", 2, "custom_id"),
    "blank between": (b"\n  \n" + GOOD, "duplicate_custom_id", 4, "custom_id"),
    "url": (_line(make_row("a", url="/v1/responses")), "url_mismatch", 2, "url"),
    "model": (_line(make_row("a", body={"model": "other", "messages": []})), "model_mismatch", 2, "body.model"),
    "no custom_id": (_line(make_row("a", custom_id=None)), "missing_required_parameter", 2, "custom_id"),
    "number as custom_id": (_line(make_row("a", custom_id=7)), "missing_required_parameter", 2, "custom_id"),
    "empty custom_id": (_line(make_row("")), "missing_required_parameter", 2, "custom_id"),
    "method": (_line(make_row("a", method="GET")), "missing_required_parameter", 2, "method"),
    "no url": (_line(make_row("a", url=None)), "missing_required_parameter", 2, "url"),
    "no body": (_line(make_row("a", body="text")), "missing_required_parameter", 2, "body"),
    "no model": (_line(make_row("a", body={"messages": []})), "missing_required_parameter", 2, "body.model"),
}


@pytest.mark.parametrize("name", CASES)
def test_one_bad_line_is_found(tmp_path: Path, name: str) -> None:
    content, code, line, param = CASES[name]
    path = tmp_path / "input"
    path.write_bytes(GOOD + content)
    verdict = validate_input(path, CHAT)
    assert [(p.code, p.line, p.param) for p in verdict.problems] == [(code, line, param)]
    assert verdict.total == 0


@pytest.mark.parametrize("content", [b"", b"\n\n", b"   "])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "input"
    path.write_bytes(content)
    assert [problem.code for problem in validate_input(path, CHAT).problems] == ["empty_file"]


def test_a_good_file_gives_rows_and_model(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(make_input(3).replace(b"\n", b"\r\n") + b"\r\n")
    assert validate_input(path, CHAT) == ((), 3, "gpt-6-luna")


def test_rows_are_limited(tmp_path: Path) -> None:
    path = tmp_path / "input"
    row = '{"custom_id":"%d","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}\n'
    path.write_text("".join(row % n for n in range(validation.MAX_ROWS)))
    assert validate_input(path, CHAT).total == validation.MAX_ROWS
    with path.open("a") as stream:
        stream.write(row % -1)
    assert [problem.code for problem in validate_input(path, CHAT).problems] == ["too_many_tasks"]


def test_problems_and_long_lines_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "MAX_LINE_BYTES", 100)
    path = tmp_path / "input"
    path.write_bytes((b'"' + b"x" * 1000 + b'"\n') * 80)
    problems = validate_input(path, CHAT).problems
    assert [problem.line for problem in problems] == list(range(1, validation.MAX_PROBLEMS + 1))


def test_a_refused_batch_fails_with_its_problems(driver: Driver) -> None:
    client = driver.start()
    batch = driver.run(client, GOOD + GOOD + b"{\n")
    assert batch.status == "failed"
    assert batch.failed_at is not None
    assert batch.errors is not None
    assert [(e.code, e.line) for e in batch.errors.data or []] == [("duplicate_custom_id", 2), ("invalid_json_line", 3)]
    assert (batch.output_file_id, batch.error_file_id, batch.usage) == (None, None, None)


def test_an_unknown_input_file_is_refused_later(driver: Driver) -> None:
    client = driver.start()
    batch = client.batches.create(input_file_id="file-none", endpoint=CHAT, completion_window="24h")
    assert batch.status == "validating"
    failed = driver.wait(client, batch.id)
    assert failed.errors is not None
    assert [(e.code, e.param) for e in failed.errors.data or []] == [("file_not_found", "input_file_id")]
