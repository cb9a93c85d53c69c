"""Decides which faults the simulator has, what each is called and does, and how one is written down.

Every one was met at a real Batch API or is allowed by its documentation; none is visible to a client but over HTTP.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple, Self, cast

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from datagen_core.errors import ConfigError

FaultName = Literal[
    "drop_before_commit",
    "lose_response",
    "error_after_commit",
    "slow_commit",
    "rate_limit",
    "reset",
    "gateway_page",
    "server_error",
    "list_lag",
    "file_not_found",
    "cut_download",
    "slow_download",
    "key_revoked",
    "expire_partial",
    "cancel_partial",
    "wrong_counts",
    "no_output_file",
    "empty_error_file",
    "blank_error_file_id",
    "missing_error_file",
    "fail_validation",
    "token_limit_exceeded",
    "unknown_status",
    "stuck_validating",
    "stuck_finalizing",
    "status_case",
    "row_cut",
    "rows_shuffled",
    "body_as_string",
    "rows_missing",
    "rows_doubled",
    "rows_foreign",
    "invalid_utf8",
    "huge_row",
    "rows_length",
    "rows_refused",
    "rows_filtered",
    "rows_empty",
    "rows_400",
    "rows_429",
    "rows_500",
    "rows_no_response",
]
Call = Literal[
    "files",
    "batches",
    "list_files",
    "list_batches",
    "file",
    "content",
    "batch",
    "cancel",
    "delete",
    "models",
    "completions",
]
"""One endpoint each: `files` and `batches` are the two that create, `file` and `batch` look at one of them."""
Route = Call | Literal["create", "read"]
Scope = Literal["request", "batch", "rows"]

CREATING: Final[frozenset[Call]] = frozenset({"files", "batches"})
READING: Final[frozenset[Call]] = frozenset({"list_files", "list_batches", "file", "content", "batch", "models"})
ALL: Final = CREATING | READING | frozenset[Call]({"cancel", "delete", "completions"})
_FOR_EVER: Final = float("inf")


class FaultKind(NamedTuple):
    """What a fault applies to, what it does, and what its `seconds` and `amount` are where nobody says."""

    scope: Scope
    description: str
    calls: frozenset[Call] = frozenset()
    seconds: float = 1.0
    amount: int | float = 1


def _creating(description: str) -> FaultKind:
    return FaultKind("request", description, CREATING)


def _anywhere(description: str) -> FaultKind:
    return FaultKind("request", description, ALL)


def _whole(description: str, *, seconds: float = 1.0, amount: float = 0.5) -> FaultKind:
    return FaultKind("batch", description, seconds=seconds, amount=amount)


def _rows(description: str, *, amount: float = 1) -> FaultKind:
    return FaultKind("rows", description, amount=amount)


FAULTS: Final[dict[FaultName, FaultKind]] = {
    "drop_before_commit": _creating("The connection is closed and nothing was created."),
    "lose_response": _creating("What was asked for is created, and the connection closed without an answer."),
    "error_after_commit": _creating("What was asked for is created, and the answer is HTTP 500."),
    "slow_commit": _creating("The connection is closed at once; `seconds` later, what was asked for is created."),
    "rate_limit": _anywhere("HTTP 429 with `Retry-After: seconds`; nothing is done."),
    "reset": _anywhere("The connection is reset (TCP RST); nothing is done."),
    "gateway_page": _anywhere("The request is carried out, and answered by a gateway's HTML page with HTTP 200."),
    "server_error": _anywhere("HTTP 500; nothing is done."),
    "list_lag": FaultKind(
        "request",
        "A list leaves out what was created in the last `seconds`.",
        frozenset({"list_files", "list_batches"}),
        5.0,
    ),
    "file_not_found": FaultKind("request", "An uploaded file is not known when it is looked at.", frozenset({"file"})),
    "cut_download": FaultKind(
        "request", "A file's content ends after `amount` of its promised length.", frozenset({"content"}), amount=0.5
    ),
    "slow_download": FaultKind(
        "request", "A file's content pauses for `seconds` after `amount` of it.", frozenset({"content"}), amount=0.5
    ),
    "key_revoked": _anywhere("HTTP 401 that quotes the key, from the first request after `skip` on."),
    "expire_partial": _whole("The window closes when `amount` of the rows are answered."),
    "cancel_partial": _whole("The provider itself cancels the batch when `amount` of the rows are answered."),
    "wrong_counts": _whole("`request_counts` do not add up: one completed, none failed, whatever happened."),
    "no_output_file": _whole("The batch ends without an output file; the answers are lost."),
    "empty_error_file": _whole("The batch ends with an error file of no bytes."),
    "blank_error_file_id": _whole('The batch ends with the error file id "".'),
    "missing_error_file": _whole("The batch ends with the id of an error file that nobody knows."),
    "fail_validation": _whole("The batch fails in validation with `code`, `line` and `param`."),
    "token_limit_exceeded": _whole("The batch fails because too many tokens are enqueued, as it then does there."),
    "unknown_status": _whole("The batch shows a status nobody knows, `amount` looks long, or for ever (0).", amount=0),
    "stuck_validating": _whole("The batch stays in validation for `seconds`, or for ever.", seconds=_FOR_EVER),
    "stuck_finalizing": _whole("The batch stays in finalizing for `seconds`, or for ever.", seconds=_FOR_EVER),
    "status_case": _whole("Every status is in upper case."),
    "row_cut": _whole("The output file ends after `amount` of its last line."),
    "rows_shuffled": _whole("Answers stand in the reverse of the input's order, not in a shuffled one."),
    "body_as_string": _rows("A row's body is a string that holds JSON, not an object.", amount=1.0),
    "rows_missing": _rows("A row stands in neither file."),
    "rows_doubled": _rows("A row stands twice in its file."),
    "rows_foreign": _rows("Beside a row stands one whose custom id nobody asked for."),
    "invalid_utf8": _rows("A row holds bytes that are no UTF-8."),
    "huge_row": _rows("A row is a line of `size` bytes."),
    "rows_length": _rows("An answer is cut off by the token limit."),
    "rows_refused": _rows("The model refuses."),
    "rows_filtered": _rows("The content filter stopped the answer."),
    "rows_empty": _rows("The answer has no text."),
    "rows_400": _rows("A row ends with HTTP 400."),
    "rows_429": _rows("A row ends with HTTP 429."),
    "rows_500": _rows("A row ends with HTTP 500."),
    "rows_no_response": _rows("A row has neither a response nor an error."),
}


class Fault(BaseModel):
    """One fault, and when it applies.

    Requests (for a fault of batches or rows: new batches) that it could apply to are counted: the first `skip` pass,
    the next `times` meet it (None: all). `amount` is a share where it is a float, 0.0 to 1.0, and a number of rows,
    bytes or looks where it is an int.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: FaultName
    times: int | None = Field(default=1, ge=1)
    skip: int = Field(default=0, ge=0)
    route: Route | None = None
    seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    amount: int | float | None = Field(default=None, ge=0, allow_inf_nan=False)
    size: int = Field(default=50_000_000, ge=1, le=1_000_000_000)
    code: str = Field(default="invalid_json_line", min_length=1)
    line: int | None = Field(default=None, ge=1)
    param: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _keep_revoked(cls, fields: object) -> object:
        """Leave a revoked key revoked, unless somebody says how often."""
        if isinstance(fields, dict) and cast("dict[str, object]", fields).get("name") == "key_revoked":
            return {"times": None, **cast("dict[str, object]", fields)}
        return cast(object, fields)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if isinstance(self.amount, float) and self.amount > 1:
            raise ValueError("amount: a share is at most 1.0; write a number of rows without a point")
        calls = self.kind.calls
        if self.route is not None and calls and not calls & _list_calls(self.route):
            raise ValueError(f"route: {self.name} applies to {', '.join(sorted(calls))}")
        return self

    @property
    def kind(self) -> FaultKind:
        """What the fault applies to and does."""
        return FAULTS[self.name]

    @property
    def duration(self) -> float:
        """The seconds that the fault lasts."""
        return self.kind.seconds if self.seconds is None else self.seconds

    def applies_to(self, call: Call) -> bool:
        """Tell whether the fault is one of requests, and of this one."""
        return call in self.kind.calls and (self.route is None or call in _list_calls(self.route))

    def count(self, total: int) -> int:
        """Return how many of `total` rows, bytes or looks `amount` stands for."""
        amount = self.kind.amount if self.amount is None else self.amount
        return min(amount, total) if isinstance(amount, int) else round(amount * total)


FAULT_LIST: Final = TypeAdapter(list[Fault])


def parse_fault(text: str) -> Fault:
    """Read `name`, `name:key=value,key=value` or `name;key=value;key=value`; `times=none` is always.

    Raises:
        ConfigError: the name or a value is not one of the simulator's.
    """
    name, *pairs = (part.strip() for part in re.split("[:;,]", text))
    fields: dict[str, object] = {"name": name}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign:
            raise ConfigError(f"The fault {text[:100]!r} is not understood at {pair[:50]!r}: write key=value.")
        fields[key.strip()] = _parse_value(value.strip())
    try:
        return Fault.model_validate(fields)
    except ValidationError as error:
        raise ConfigError(f"The fault {text[:100]!r} is not understood. {explain_fault_error(error)}") from error


def explain_fault_error(error: ValidationError) -> str:
    """Return what is wrong with a fault, and what there is to choose from."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    if field.endswith("name"):
        return f"There are: {', '.join(FAULTS)}."
    problem = first["msg"].removeprefix("Value error, ")
    where = f"{field}: " if field else ""
    return f"{where}{problem}. Its fields are: {', '.join(list(Fault.model_fields)[1:])}."


def _parse_value(value: str) -> object:
    """Return a number for what looks like one, None for `none`, else the text: a code needs no quotes."""
    if value == "none":
        return None
    try:
        return cast(object, orjson.loads(value))
    except orjson.JSONDecodeError:
        return value


def _list_calls(route: Route) -> frozenset[Call]:
    if route == "create":
        return CREATING
    return READING if route == "read" else frozenset({route})
