"""Decides whether a request without a usable answer is worth asking again, from what stands in its `Result`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, cast

RowClass = Literal["good", "retryable", "final", "unknown"]

_BY_OUTCOME: Final[dict[str, RowClass]] = {
    "answered": "good",
    "truncated": "retryable",
    "expired": "retryable",
    "cancelled": "retryable",
    "refused": "final",
    "filtered": "final",
    "missing": "unknown",
}
RETRYABLE_STATUSES: Final = frozenset({408, 409, 425, 429})
"""Client errors that pass: time-out, conflict, too early, too many. Every other 4xx would come again."""

RETRYABLE_CODES: Final = frozenset(
    {
        *("batch_expired", "batch_cancelled", "batch_canceled", "batch_failed"),
        *("no_choices", "no_response", "no_text"),
        *("server_error", "internal_error", "internal_server_error", "api_error", "bad_gateway"),
        *("overloaded", "overloaded_error", "engine_overloaded", "server_is_overloaded", "slow_down"),
        *("service_unavailable", "service_unavailable_error", "provider_overloaded", "provider_unavailable"),
        *("rate_limit_exceeded", "rate_limit_error", "requests", "tokens", "token_limit_exceeded"),
        *("insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"),
        *("timeout", "request_timeout", "gateway_timeout", "vector_store_timeout"),
    }
)
"""Codes and types that OpenAI's error guide and the servers of FACTS.md use for what passes; the `no_…` are ours."""

FINAL_CODES: Final = frozenset(
    {
        *("content_filter", "refusal", "responsibleaipolicyviolation", "data_residency_mismatch"),
        *("context_length_exceeded", "string_above_max_length", "string_too_long", "max_tokens_exceeded"),
        *("model_not_found", "not_found", "not_found_error", "notfounderror", "deploymentnotfound"),
        *("missing_required_parameter", "unknown_parameter", "unknown_url", "url_mismatch", "model_mismatch"),
        *("authentication_error", "permission_denied", "permission_error", "bad_request", "badrequesterror"),
        *("bad_request_error", "payload_too_large", "unprocessable", "unprocessable_entity"),
    }
)
"""Codes and types for what is wrong with the request itself; so is every code that begins or ends as below."""
_FINAL_STARTS: Final = ("invalid_", "unsupported_")
_FINAL_ENDS: Final = ("_policy", "_policy_violation")

_STATUS_IN_CODE: Final = re.compile(r"(?:http_)?([1-5]\d\d)", re.ASCII)


def classify(result: Mapping[str, object]) -> RowClass:
    """Return whether the request has its answer (good), and if not, whether asking again may help.

    `result` is an element of `result_lst.json`, or anything a file may hold in its place: what nobody can read is
    unknown. The HTTP status decides first, since servers word their codes freely; a code decides where there is no
    status, as in results that were written before they had one. Good is what was answered; whether the answer is any
    use is the checks' business. Rows of a batch that failed validation have the code `batch_failed` and are retryable:
    they never ran, and one bad line among them fails all; the flow stops where the same file would fail again.
    """
    outcome = result.get("outcome")
    if outcome != "error":
        return _BY_OUTCOME.get(outcome, "unknown") if isinstance(outcome, str) else "unknown"
    error = result.get("error")
    if not isinstance(error, dict):
        return "unknown"
    return _classify_error(cast("dict[str, object]", error))


def status_in_code(code: str) -> int | None:
    """Return the HTTP status that a code such as `http_503` or vLLM's `400` spells, or None."""
    match = _STATUS_IN_CODE.fullmatch(code)
    return int(match[1]) if match else None


def _classify_error(error: Mapping[str, object]) -> RowClass:
    code, status = error.get("code"), error.get("status")
    name = code.strip().casefold() if isinstance(code, str) else ""
    if not isinstance(status, int) or not 400 <= status < 600:
        status = status_in_code(name) or 0
    if status >= 500 or status in RETRYABLE_STATUSES:
        return "retryable"
    if status >= 400:
        return "final"
    if name in RETRYABLE_CODES:
        return "retryable"
    is_final = name in FINAL_CODES or name.startswith(_FINAL_STARTS) or name.endswith(_FINAL_ENDS)
    return "final" if is_final else "unknown"
