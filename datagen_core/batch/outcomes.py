"""Decides what became of one request: reads a row of an output or error file, whichever server wrote it."""

from __future__ import annotations

from typing import Final, Literal, NotRequired, TypedDict, cast

from datagen_core.batch.classes import RowClass, classify, status_in_code
from datagen_core.batch.models import Outcome
from datagen_core.batch.wire import as_object, describe_value, load_json, read_count, replace_surrogates
from datagen_core.files import JsonObject

__all__ = [
    "PAID_OUTCOMES",
    "Result",
    "RowClass",
    "RowError",
    "Usage",
    "absent_result",
    "classify",
    "parse_row",
    "read_result",
]

PAID_OUTCOMES: Final[frozenset[Outcome]] = frozenset({"answered", "refused", "truncated", "filtered"})
SIMULATOR: Final = "simulator"
MAX_CODE, MAX_MESSAGE = 200, 2_000
"""Characters kept of a provider's code and message: room for any that explains itself, and not for a page of HTML."""
_UNFINISHED: Final[dict[str, Outcome]] = {
    "batch_expired": "expired",
    "batch_cancelled": "cancelled",
    "batch_canceled": "cancelled",
}
_ABSENT: Final[dict[str, str]] = {
    "expired": "The completion window closed before this request was answered.",
    "cancelled": "The batch was cancelled before this request was answered.",
    "missing": "The provider's files hold no row for this request.",
}


class RowError(TypedDict):
    """Why there is no answer, in the provider's words where it gave any; `code` is never empty.

    `status` is the request's HTTP status and stands last, where the row has one.
    """

    code: str
    message: str
    status: NotRequired[int]


class Usage(TypedDict):
    """Tokens billed.

    `cached_tokens` and `cache_write_tokens` are among `prompt_tokens`, `reasoning_tokens` among `completion_tokens`;
    the last two stand only where the provider counted some.
    """

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    cache_write_tokens: NotRequired[int]
    reasoning_tokens: NotRequired[int]


class Result(TypedDict):
    """One element of `result_lst.json`; key order is part of the format.

    `provider` is `simulator` where the answer itself says so, whatever the client was called, else the client's name.
    `text` is the answer, the refusal, or what there is of a truncated or filtered answer.
    """

    custom_id: str
    batch_id: str
    provider: str
    outcome: Outcome
    text: str | None
    error: RowError | None
    model: str | None
    usage: Usage | None


class _Answer(TypedDict):
    """What a response body says, whichever endpoint it comes from."""

    text: str | None
    refusal: str | None
    stopped: str | None


def parse_row(line: bytes) -> JsonObject | None:
    """Return the row with a custom_id that stands on a line, or None.

    Half a surrogate pair, which models do write, and broken UTF-8 cost a character and not the paid row.
    """
    try:
        row = as_object(load_json(line))
    except ValueError:
        return None
    return row if has_custom_id(row) else None


def has_custom_id(row: JsonObject) -> bool:
    """Tell whether the row says whose it is."""
    custom_id = row.get("custom_id")
    return isinstance(custom_id, str) and bool(custom_id)


def read_result(row: JsonObject, batch_id: str, *, provider: str = "") -> Result:
    """Return what became of the row's request; `provider` is the client's name for the server.

    A row is an answer if its error is falsy, its HTTP status is 200 and its body holds an answer; a server may leave
    out what is null, and may give the body as a JSON string.
    """
    custom_id = describe_value(row.get("custom_id"))
    response = as_object(row.get("response"))
    body = _read_body(response.get("body"))
    provider = SIMULATOR if _is_simulated(body) else provider
    error = _find_error(row, response, body)
    if error is not None:
        outcome = _UNFINISHED.get(error["code"], "error")
        absent = absent_result(custom_id, batch_id, outcome, error, provider=provider)
        return {**absent, "usage": _read_usage(body)}
    answer = _read_chat(body) if "choices" in body else _read_responses(body)
    return _build_result(custom_id, batch_id, provider, answer, body)


def absent_result(
    custom_id: str, batch_id: str, outcome: Outcome, error: RowError | None = None, *, provider: str = ""
) -> Result:
    """Return the result of a request that has no answer; without an error it is what the outcome says."""
    code = outcome if outcome == "missing" else f"batch_{outcome}"
    return {
        "custom_id": custom_id,
        "batch_id": batch_id,
        "provider": provider,
        "outcome": outcome,
        "text": None,
        "error": error or {"code": code, "message": _ABSENT.get(outcome, "")},
        "model": None,
        "usage": None,
    }


def _is_simulated(body: JsonObject) -> bool:
    """Tell whether our simulator wrote the body; a response has no fingerprint, so there it stands in the metadata."""
    places = (body, as_object(body.get("metadata")))
    marks = (place.get("system_fingerprint") for place in places)
    return any(isinstance(mark, str) and mark.startswith(SIMULATOR) for mark in marks)


def _build_result(custom_id: str, batch_id: str, provider: str, answer: _Answer, body: JsonObject) -> Result:
    outcome = _judge(answer)
    model = body.get("model")
    text = {"refused": answer["refusal"], "error": None}.get(outcome, answer["text"])
    return {
        "custom_id": custom_id,
        "batch_id": batch_id,
        "provider": provider,
        "outcome": outcome,
        "text": None if text is None else replace_surrogates(text),
        "error": {"code": "no_text", "message": "The answer holds no text."} if outcome == "error" else None,
        "model": replace_surrogates(model) if isinstance(model, str) else None,
        "usage": _read_usage(body),
    }


def _judge(answer: _Answer) -> Outcome:
    if answer["stopped"] is not None:
        return "truncated" if answer["stopped"] == "length" else "filtered"
    if answer["refusal"] is not None:
        return "refused"
    return "answered" if answer["text"] and not answer["text"].isspace() else "error"


def _read_body(value: object) -> JsonObject:
    if isinstance(value, str):
        try:
            value = load_json(value)
        except ValueError:
            return {}
    return as_object(value)


def _find_error(row: JsonObject, response: JsonObject, body: JsonObject) -> RowError | None:
    """Look where errors stand: in the row, in the HTTP status, in the body, or in there being no answer at all."""
    said = response.get("status_code")
    status = None if said is None else _read_status(said)
    if row.get("error"):
        return _read_error(row["error"], "error", status)
    if not response:
        return {"code": "no_response", "message": "The row holds neither a response nor an error."}
    if said is not None and status != 200:
        return _read_error(body.get("error") or body, f"http_{describe_value(said)}", status)
    if body.get("error"):
        return _read_error(body["error"], "error", status)
    if not body.get("choices") and not body.get("output"):
        return {"code": "no_choices", "message": "The response holds no answer."}
    return None


def _read_status(value: object) -> int | None:
    """Return an HTTP status, which some servers write as text."""
    number = read_count(int(value) if isinstance(value, str) and value.isdecimal() and len(value) == 3 else value)
    return number if 100 <= number < 600 else None


def _read_error(value: object, fallback: str, status: int | None) -> RowError:
    """Read an error of any shape. A number as code, which vLLM gives, is the HTTP status; then the type says more."""
    error = cast(JsonObject, value) if isinstance(value, dict) else {"message": value}
    code, kind = (_read_word(error.get(name)) for name in ("code", "type"))
    in_code = status_in_code(code)
    word = (kind or code) if in_code else (code or kind)
    found: RowError = {
        "code": shorten(word or fallback, MAX_CODE),
        "message": shorten(describe_value(error.get("message") or ""), MAX_MESSAGE),
    }
    status = in_code if status is None or status == 200 else status
    return found if status is None else {**found, "status": status}


def _read_word(value: object) -> str:
    is_word = isinstance(value, str | int) and not isinstance(value, bool)
    return describe_value(value).strip() if is_word else ""


def shorten(text: str, limit: int) -> str:
    """Return at most `limit` characters; three dots say that there were more."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _read_chat(body: JsonObject) -> _Answer:
    choice = as_object(_first(body.get("choices")))
    message = as_object(choice.get("message"))
    reason, refusal = choice.get("finish_reason"), message.get("refusal")
    return {
        "text": _read_text(message.get("content")),
        "refusal": refusal if isinstance(refusal, str) and refusal else None,
        "stopped": reason if isinstance(reason, str) and reason in {"length", "content_filter"} else None,
    }


def _read_responses(body: JsonObject) -> _Answer:
    parts = [
        as_object(part)
        for entry in _as_list(body.get("output"))
        if as_object(entry).get("type", "message") == "message"
        for part in _as_list(as_object(entry).get("content"))
    ]
    reason = as_object(body.get("incomplete_details")).get("reason")
    stopped = "content_filter" if reason == "content_filter" else "length"
    return {
        "text": _join(parts, "text"),
        "refusal": _join(parts, "refusal"),
        "stopped": stopped if body.get("status") == "incomplete" else None,
    }


def _read_text(content: object) -> str | None:
    """Return a message's content, which some servers give in parts."""
    if isinstance(content, list):
        return _join([as_object(part) for part in cast(list[object], content)], "text")
    return content if isinstance(content, str) else None


def _join(parts: list[JsonObject], name: Literal["text", "refusal"]) -> str | None:
    texts = [text for part in parts if isinstance(text := part.get(name), str)]
    return "".join(texts) if texts else None


def _read_usage(body: JsonObject) -> Usage | None:
    """Read the token counts, which the two endpoints name differently."""
    usage = as_object(body.get("usage"))
    if not usage:
        return None
    details = as_object(usage.get("prompt_tokens_details") or usage.get("input_tokens_details"))
    written = as_object(usage.get("completion_tokens_details") or usage.get("output_tokens_details"))
    read: Usage = {
        "prompt_tokens": read_count(usage.get("prompt_tokens", usage.get("input_tokens"))),
        "cached_tokens": read_count(details.get("cached_tokens")),
        "completion_tokens": read_count(usage.get("completion_tokens", usage.get("output_tokens"))),
    }
    if n_written := read_count(details.get("cache_write_tokens")):
        read["cache_write_tokens"] = n_written
    if n_reasoned := read_count(written.get("reasoning_tokens")):
        read["reasoning_tokens"] = n_reasoned
    return read


def _as_list(value: object) -> list[object]:
    return cast(list[object], value) if isinstance(value, list) else []


def _first(value: object) -> object:
    listed = _as_list(value)
    return listed[0] if listed else None
