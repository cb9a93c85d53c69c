from __future__ import annotations

import json

import orjson
import pytest
from batch_helpers import make_error_row, make_row
from fake_provider import Json
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.batch.classes import FINAL_CODES, RETRYABLE_CODES, RETRYABLE_STATUSES
from datagen_core.batch.outcomes import (
    MAX_CODE,
    MAX_MESSAGE,
    Result,
    RowClass,
    absent_result,
    classify,
    parse_row,
    read_result,
)


def read(row: Json) -> Result:
    parsed = parse_row(json.dumps(row).encode())
    assert parsed is not None
    return read_result(parsed, "batch_1", provider="openai")


def with_response(response: object, error: object = None) -> Json:
    return {"custom_id": "a", "response": response, "error": error}


def with_responses_body(**body: object) -> Json:
    message = {
        "type": "message",
        "content": [{"type": "output_text", "text": "네, "}, {"type": "output_text", "text": "그럼요"}],
    }
    usage = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 3}
    full = {
        "object": "response",
        "status": "completed",
        "error": None,
        "model": "m",
        "output": [{"type": "reasoning", "summary": []}, message],
        "usage": usage,
        **body,
    }
    return with_response({"status_code": 200, "body": full})


def test_good_row_is_answered() -> None:
    assert read(make_row("a")) == {
        "custom_id": "a",
        "batch_id": "batch_1",
        "provider": "openai",
        "outcome": "answered",
        "text": "네, 찾아볼게요.",
        "error": None,
        "model": "gpt-6-luna-1",
        "usage": {"prompt_tokens": 20, "cached_tokens": 5, "completion_tokens": 7},
    }
    expected = ["custom_id", "batch_id", "provider", "outcome", "text", "error", "model", "usage"]
    assert list(read(make_row("a"))) == list(read(make_error_row("a", "x"))) == expected


@pytest.mark.parametrize(
    ("mark", "provider"),
    [
        ({"system_fingerprint": "simulator"}, "simulator"),
        ({"metadata": {"system_fingerprint": "simulator/2"}}, "simulator"),
        ({"system_fingerprint": "fp_44709d6fcb"}, "openai"),
        ({"system_fingerprint": None, "metadata": None}, "openai"),
        ({"system_fingerprint": ["simulator"]}, "openai"),
    ],
)
def test_simulated_answer_says_so_whatever_the_client_is_called(mark: Json, provider: str) -> None:
    assert read(with_responses_body(**mark))["provider"] == provider
    row = make_row("a")
    row["response"]["body"] |= mark  # pyright: ignore[reportIndexIssue, reportUnknownVariableType]
    assert read(row)["provider"] == provider


@pytest.mark.parametrize(
    ("row", "outcome", "text"),
    [
        (make_row("a", "여기까", finish_reason="length"), "truncated", "여기까"),
        (make_row("a", None, finish_reason="content_filter"), "filtered", None),
        (make_row("a", None, refusal="도와드릴 수 없어요."), "refused", "도와드릴 수 없어요."),
        (make_row("a", "text", refusal=""), "answered", "text"),
        (make_row("a", finish_reason=None), "answered", "네, 찾아볼게요."),
        (make_row("a", None), "error", None),
        (make_row("a", ""), "error", None),
        (make_row("a", " \n"), "error", None),
        (make_row("a", "", finish_reason="length"), "truncated", ""),
    ],
)
def test_chat_outcomes(row: Json, outcome: str, text: str | None) -> None:
    result = read(row)
    assert (result["outcome"], result["text"]) == (outcome, text)
    assert (result["error"] is None) == (outcome != "error")
    assert result["usage"] is not None, "it was paid for all the same"


@pytest.mark.parametrize(
    ("row", "outcome", "code"),
    [
        (make_error_row("a", "batch_expired"), "expired", "batch_expired"),
        (make_error_row("a", "batch_cancelled"), "cancelled", "batch_cancelled"),
        (make_error_row("a", "server_error"), "error", "server_error"),
        (with_response(None, "plain words"), "error", "error"),
        (with_response(None), "error", "no_response"),
        ({"custom_id": "a"}, "error", "no_response"),
        (
            with_response({"status_code": 400, "body": {"error": {"code": "too_long", "message": "m"}}}),
            "error",
            "too_long",
        ),
        (with_response({"status_code": 429, "body": {"error": {"code": None, "type": "rate"}}}), "error", "rate"),
        (with_response({"status_code": 500, "body": ""}), "error", "http_500"),
        (with_response({"status_code": 200, "body": {"error": {"code": "odd"}}}), "error", "odd"),
        (with_response({"status_code": 200, "body": {"choices": []}}), "error", "no_choices"),
        (with_response({"status_code": 200, "body": "{not json"}), "error", "no_choices"),
        (with_response({"status_code": 200, "body": {"choices": [None]}}), "error", "no_text"),
    ],
)
def test_rows_without_an_answer(row: Json, outcome: str, code: str) -> None:
    result = read(row)
    assert (result["outcome"], result["text"]) == (outcome, None)
    assert result["error"] is not None
    assert result["error"]["code"] == code


def test_row_refused_over_http_has_its_message() -> None:
    body = {"error": {"code": "too_long", "message": "Too long."}, "usage": {"prompt_tokens": 3}}
    result = read(with_response({"status_code": 400, "body": body}))
    assert result["error"] == {"code": "too_long", "message": "Too long.", "status": 400}
    assert list(result["error"]) == ["code", "message", "status"], "key order is part of the format"
    assert result["usage"] == {"prompt_tokens": 3, "cached_tokens": 0, "completion_tokens": 0}


def with_status(status: object, code: object = None, **error: object) -> Json:
    return with_response({"status_code": status, "body": {"error": {"code": code, "message": "m", **error}}})


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (make_row("a"), "good"),
        (make_row("a", "여기까", finish_reason="length"), "retryable"),
        (make_row("a", None), "retryable"),
        (make_row("a", None, refusal="안 돼요."), "final"),
        (make_row("a", None, finish_reason="content_filter"), "final"),
        (make_error_row("a", "batch_expired"), "retryable"),
        (make_error_row("a", "batch_cancelled"), "retryable"),
        (make_error_row("a", "server_error"), "retryable"),
        (make_error_row("a", "Rate_Limit_Exceeded"), "retryable"),
        (make_error_row("a", "invalid_prompt"), "final"),
        (make_error_row("a", "bio_policy"), "final"),
        (make_error_row("a", "context_length_exceeded"), "final"),
        (make_error_row("a", "gremlins"), "unknown"),
        (with_response(None, "plain words"), "unknown"),
        (with_response(None), "retryable"),
        (with_status(400, "gremlins"), "final"),
        (with_status(404, "model_not_found"), "final"),
        (with_status("422"), "final"),
        (with_status(408), "retryable"),
        (with_status(409, "invalid_value"), "retryable"),
        (with_status(425), "retryable"),
        (with_status(429, "insufficient_quota"), "retryable"),
        (with_status(500, "invalid_value"), "retryable"),
        (with_status(503.0), "retryable"),
        (with_status(302), "unknown"),
        (with_status("OK"), "unknown"),
        (with_status(200, "server_error"), "retryable"),
        (with_status(200, 400, type="BadRequestError"), "final"),
        (with_status(200, "429"), "retryable"),
        (with_response({"status_code": 200, "body": {"choices": []}}), "retryable"),
        ({**make_error_row("a", "gremlins"), "response": {"status_code": 500, "body": None}}, "retryable"),
    ],
)
def test_each_row_has_its_class(row: Json, expected: RowClass) -> None:
    assert classify(read(row)) == expected


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [("expired", "retryable"), ("cancelled", "retryable"), ("missing", "unknown")],
)
def test_absent_rows_have_a_class(outcome: str, expected: RowClass) -> None:
    assert classify(absent_result("a", "b", outcome)) == expected  # pyright: ignore[reportArgumentType]


def test_codes_and_statuses_belong_to_one_class() -> None:
    assert not RETRYABLE_CODES & FINAL_CODES
    assert all(code == code.casefold() for code in RETRYABLE_CODES | FINAL_CODES)
    assert all(
        classify({"outcome": "error", "error": {"code": f"http_{status}"}}) == "retryable"
        for status in RETRYABLE_STATUSES
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": "http_500", "message": ""}, "retryable"),
        ({"code": "http_404", "message": ""}, "final"),
        ({"code": "no_text", "message": ""}, "retryable"),
        ({"code": "invalid_value", "message": ""}, "final"),
        ({"code": "x", "status": True}, "unknown"),
        ({"code": None}, "unknown"),
        ("words", "unknown"),
        (None, "unknown"),
    ],
)
def test_results_written_before_there_was_a_status_have_a_class(error: object, expected: RowClass) -> None:
    assert classify({"custom_id": "a", "outcome": "error", "error": error}) == expected


def test_code_of_vllm_is_the_status_and_its_type_the_code() -> None:
    row = with_response(
        {"status_code": 400, "body": {"object": "error", "message": "m", "type": "BadRequestError", "code": 400}}
    )
    assert read(row)["error"] == {"code": "BadRequestError", "message": "m", "status": 400}


def test_page_of_html_for_an_error_is_cut() -> None:
    error = read(with_status(502, "c" * 1_000, message="<p>" * 10_000))["error"]
    assert error is not None
    assert (len(error["code"]), len(error["message"])) == (MAX_CODE, MAX_MESSAGE)
    assert error["message"].endswith("…")


@pytest.mark.parametrize("depth", [900, 1_000])
def test_error_nested_without_end_is_an_error_all_the_same(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    for line in (
        f'{{"custom_id":"a","error":{nested}}}',
        f'{{"custom_id":"a","error":{{"code":{nested},"message":{nested}}}}}',
    ):
        row = parse_row(line.encode())
        assert row is not None
        result = read_result(row, "b")
        assert result["error"] is not None
        assert result["error"]["code"] == "error"
        orjson.dumps(result)


def test_fingerprint_nested_without_end_is_none_of_ours() -> None:
    nested = "[" * 1_000 + "]" * 1_000
    line = json.dumps(make_row("a")).replace('"object"', f'"system_fingerprint": {nested}, "object"', 1)
    row = parse_row(line.encode())
    assert row is not None
    assert read_result(row, "b", provider="openai")["provider"] == "openai"


@pytest.mark.parametrize("number", ["-1", "1" + "0" * 30, "1e300", "NaN", "Infinity", "true", '"7"', "[]"])
def test_token_count_that_is_none_counts_as_zero(number: str) -> None:
    odd = json.dumps(make_row("a", "\ud83d")).replace('"prompt_tokens": 20', f'"prompt_tokens": {number}')
    row = parse_row(odd.encode())
    assert row is not None
    result = read_result(row, "b")
    assert result["usage"] == {"prompt_tokens": 0, "cached_tokens": 5, "completion_tokens": 7}
    orjson.dumps(result)


@pytest.mark.parametrize("status", ["200", None, 200.0])
def test_servers_spell_a_good_row_differently(status: object) -> None:
    row = make_row("a")
    body = row["response"]["body"]  # pyright: ignore[reportIndexIssue, reportUnknownVariableType]
    assert read({"custom_id": "a", "response": {"status_code": status, "body": json.dumps(body)}}) == read(row)


def test_content_in_parts_is_joined() -> None:
    row = make_row("a", [{"type": "text", "text": "하나"}, {"type": "text", "text": "둘"}])  # pyright: ignore[reportArgumentType]
    assert read(row)["text"] == "하나둘"


@pytest.mark.parametrize(
    ("body", "outcome", "text"),
    [
        ({}, "answered", "네, 그럼요"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "truncated", "네, 그럼요"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "filtered", "네, 그럼요"),
        (
            {"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "안 돼요"}]}]},
            "refused",
            "안 돼요",
        ),
        ({"output": [{"type": "reasoning"}]}, "error", None),
        ({"status": "failed", "error": {"code": "server_error", "message": "m"}}, "error", None),
    ],
)
def test_responses_outcomes(body: Json, outcome: str, text: str | None) -> None:
    result = read(with_responses_body(**body))
    assert (result["outcome"], result["text"]) == (outcome, text)
    assert result["usage"] == {"prompt_tokens": 9, "cached_tokens": 4, "completion_tokens": 3}


def test_half_a_surrogate_pair_costs_a_character_and_not_the_row() -> None:
    line = json.dumps(make_row("a", "좋아요 XX")).replace("XX", "\\ud83d").encode()
    parsed = parse_row(line)
    assert parsed is not None
    assert read_result(parsed, "b")["text"] == "좋아요 \ufffd"


def test_broken_utf8_costs_a_character_and_not_the_row() -> None:
    line = json.dumps(make_row("a", "XX ok")).encode().replace(b"XX", b"\xec\x9d")
    parsed = parse_row(line)
    assert parsed is not None
    assert read_result(parsed, "b")["text"] == "\ufffd ok"


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"null", b'{"custom_id": 3}', b'{"custom_id": ""}', b"[" * 100_000])
def test_line_that_is_no_row_is_none(line: bytes) -> None:
    assert parse_row(line) is None


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "response", "body", "status_code", "choices", "message", "content", "output", "usage"]
            )
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(row=JSON_VALUES, response=JSON_VALUES, body=JSON_VALUES, choices=JSON_VALUES)
def test_reading_a_row_never_raises(row: object, response: object, body: object, choices: object) -> None:
    odd = {**row, "custom_id": "a"} if isinstance(row, dict) else {"custom_id": "a", "error": row}
    for candidate in (
        odd,
        with_response(response),
        with_response({"status_code": 200, "body": body}),
        with_response({"status_code": 200, "body": {"choices": choices, "usage": body}}),
        with_response({"status_code": 200, "body": {"output": choices, "usage": body}}),
    ):
        result = read_result(candidate, "b")
        orjson.dumps(result)
        assert classify(result) in {"good", "retryable", "final", "unknown"}
        assert result["outcome"] != "error" or (result["error"] is not None and result["error"]["code"])


@given(st.dictionaries(st.sampled_from(["outcome", "error", "custom_id"]) | st.text(max_size=3), JSON_VALUES))
def test_anything_has_a_class(element: dict[str, object]) -> None:
    assert classify(element) in {"good", "retryable", "final", "unknown"}
