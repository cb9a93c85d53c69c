"""Decides whether an input file may be run: one bad line refuses the whole batch, as the real API does.

Read line by line; what is kept is a 16-byte digest of each custom id, of at most 50,000 rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple, cast

import orjson

from datagen_core.files import JsonObject
from datagen_core.simulator.batches import BatchProblem
from datagen_core.simulator.completions import estimate_tokens, read_prompt
from datagen_core.simulator.wire import ApiError

# OpenAI's limits for one input file (Batch API documentation).
MAX_ROWS: Final = 50_000
MAX_FILE_BYTES: Final = 200_000_000
MAX_LINE_BYTES: Final = 16 * 1024 * 1024
MAX_CUSTOM_ID: Final = 512
ENDPOINTS: Final = ("/v1/chat/completions", "/v1/responses")
# A file whose every line is bad must not make a body of 50,000 problems.
MAX_PROBLEMS: Final = 50


class Verdict(NamedTuple):
    """What validation found: problems (none: the batch may run), the number of rows, and their one model."""

    problems: tuple[BatchProblem, ...]
    total: int
    model: str | None


def validate_input(path: Path, endpoint: str) -> Verdict:
    """Return the verdict on an input file for one endpoint; at most 50 problems are listed.

    A file that is not there is a problem like the others: the real API refuses it only after the batch was created.
    """
    if not path.is_file():
        return Verdict(
            (BatchProblem("file_not_found", "The input file was not found.", param="input_file_id"),), 0, None
        )
    problems: list[BatchProblem] = []
    seen: set[bytes] = set()
    model: str | None = None
    total = 0
    for number, line in iter_lines(path):
        total += 1
        if total > MAX_ROWS:
            message = f"The input file has more than {MAX_ROWS} requests. Split it into several batches."
            problems.append(BatchProblem("too_many_tasks", message))
            break
        row = parse_row(line)
        if row is None:
            problems.append(BatchProblem("invalid_json_line", "This line is not a valid JSON object.", number))
        else:
            problem = _check_row(row, number, endpoint, seen, model)
            if problem is not None:
                problems.append(problem)
            model = model or get_model(row)
        if len(problems) >= MAX_PROBLEMS:
            break
    if total == 0:
        problems.append(BatchProblem("empty_file", "The input file is empty. Write at least one request to it."))
    return Verdict(tuple(problems), 0 if problems else total, model)


def iter_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, line) of a file, blank lines passed over, overlong lines cut (and so no JSON)."""
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(MAX_LINE_BYTES):
            number += 1
            part = line
            while not part.endswith(b"\n") and (part := stream.readline(MAX_LINE_BYTES)):
                pass
            if not line.isspace():
                yield number, line


def count_prompt_tokens(path: Path, endpoint: str) -> int:
    """Return the estimated prompt tokens of a valid input file; a row that will be refused has none."""
    return sum(_count_row(parse_row(line) or {}, endpoint) for _, line in iter_lines(path))


def parse_row(line: bytes) -> JsonObject | None:
    """Return a line's JSON object, None where it holds anything else."""
    try:
        row = cast(object, orjson.loads(line))
    except orjson.JSONDecodeError:
        return None
    return cast(JsonObject, row) if isinstance(row, dict) else None


def get_model(row: JsonObject) -> str | None:
    """Return the model that a row's body names."""
    body = row.get("body")
    model = cast(JsonObject, body).get("model") if isinstance(body, dict) else None
    return model if isinstance(model, str) and model else None


def _count_row(row: JsonObject, endpoint: str) -> int:
    try:
        return estimate_tokens(read_prompt(endpoint, cast(JsonObject, row.get("body", {}))))
    except ApiError:
        return 0


def _check_row(row: JsonObject, number: int, endpoint: str, seen: set[bytes], model: str | None) -> BatchProblem | None:
    """Return the first problem of a row; its custom id is added to `seen`."""
    custom_id = row.get("custom_id")
    if not isinstance(custom_id, str) or not 0 < len(custom_id) <= MAX_CUSTOM_ID:
        return _missing("custom_id", f"a string of 1 to {MAX_CUSTOM_ID} characters", number)
    digest = blake2b(custom_id.encode(), digest_size=16).digest()
    if digest in seen:
        message = f"The custom_id {custom_id!r} is used by more than one request of this file."
        return BatchProblem("duplicate_custom_id", message, number, "custom_id")
    seen.add(digest)
    if row.get("method") != "POST":
        return _missing("method", "'POST'", number)
    url = row.get("url")
    if not isinstance(url, str):
        return _missing("url", "a string", number)
    if url != endpoint:
        message = f"The url {url[:100]!r} does not match the batch endpoint {endpoint!r}."
        return BatchProblem("url_mismatch", message, number, "url")
    if not isinstance(row.get("body"), dict):
        return _missing("body", "an object", number)
    row_model = get_model(row)
    if row_model is None:
        return _missing("body.model", "a string", number)
    if model is not None and row_model != model:
        message = f"The model {row_model[:100]!r} does not match {model[:100]!r}: all requests must use one model."
        return BatchProblem("model_mismatch", message, number, "body.model")
    return None


def _missing(param: str, expected: str, number: int) -> BatchProblem:
    message = f"Missing or invalid required parameter {param!r}: expected {expected}."
    return BatchProblem("missing_required_parameter", message, number, param)
