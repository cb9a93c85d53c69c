"""Decides what is told of one row: each argument's source, the goal, the state before and after, and its request."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple, cast

from pydantic import BaseModel, ConfigDict

from datagen_core.batch.requests import render_custom_id
from datagen_core.checks import Case, Violation
from datagen_core.checks.case import Exchange
from datagen_core.checks.sources import trace_call
from datagen_core.dataset.goal_sentences import describe_goal, name_handles
from datagen_core.dataset.reading_rows import Row, find_datasets, iter_rows
from datagen_core.environment import Address, Environment, Handles, Order, build_catalogue, write_moment
from datagen_core.errors import ConfigError, InputFileError
from datagen_core.files import JsonObject

_ADVICE: Final = "Name a row that is there, from 1, or a scenario's id with --scenario-id."
_ORIGIN_KEYS: Final = ("provider", "simulated", "model", "batch_id", "usage", "versions")
_SCENARIO_KEYS: Final = ("scenario_id", "kind", "category", "topic", "persona")


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToldArgument(_Told):
    """An argument and its source, as `ArgumentSource` has it."""

    argument: str
    value: object
    origin: str
    source_turn: int | None
    place: str


class ToldCall(_Told):
    """A call with its sources and its response; `is_same` tells whether the backend gives that response again."""

    tool: str
    arguments: tuple[ToldArgument, ...]
    response: object
    is_same: bool | None


class ToldTurn(_Told):
    """A turn, counted from 0 as violations do; a response stands with its call."""

    turn: int
    role: str
    text: str = ""
    calls: tuple[ToldCall, ...] = ()


class ToldState(_Told):
    """The backend at one moment; lists of sentences, and a cart's subtotal in won."""

    now: str
    cart: tuple[str, ...]
    subtotal: int
    addresses: tuple[str, ...]
    orders: tuple[str, ...]


class Explanation(_Told):
    """All that is told of a row. What it does not say of itself is None, and `missing` tells why."""

    file: str
    row: int
    scenario: JsonObject
    system_prompt: str
    turns: tuple[ToldTurn, ...]
    goal: tuple[str, ...]
    before: ToldState | None
    after: ToldState | None
    violations: tuple[JsonObject, ...]
    request: JsonObject
    missing: tuple[str, ...]


class FoundRow(NamedTuple):
    """A row and the file it stands in."""

    file: Path
    row: Row


def find_row(path: Path, *, number: int | None = None, scenario_id: str | None = None) -> FoundRow:
    """Return the row at a line (from 1; in Parquet the row), or the first of a scenario. Exactly one must be given.

    Raises:
        InputFileError: no such row; says how many there are. Or the row, or the file, cannot be read.
    """
    n_rows = last = 0
    files = find_datasets(path)
    for file in files:
        for row in iter_rows(file):
            n_rows, last = n_rows + 1, row.line
            if row.line == number or (scenario_id is not None and _scenario_id(row) == scenario_id):
                if row.reading is None:
                    raise InputFileError(file, f"{row.problem}.", line=row.line, advice=_ADVICE)
                return FoundRow(file, row)
    where = files[0] if len(files) == 1 else path
    if number is None:
        raise InputFileError(where, f"has no row of scenario {scenario_id!r} among {n_rows}.", advice=_ADVICE)
    told = f"it has {n_rows}" + ("" if last == n_rows or len(files) > 1 else f", the last on line {last}")
    raise InputFileError(where, f"has no row {number}; {told}.", advice=_ADVICE)


def explain_row(found: FoundRow) -> Explanation:
    """Return what is told of a row that can be read. Never raises, whatever the row holds."""
    reading = found.row.reading
    assert reading is not None, "find_row returns rows that can be read"
    case, violations = reading.judge()
    meta = _as_object(reading.record.get("meta"))
    before = _open(case)
    missing = _list_missing(case, meta, before)
    names = name_handles(before) if isinstance(before, Environment) else {}
    replay = case.replay
    if replay is not None:
        names = {**name_handles(replay.environment), **names}
    return Explanation(
        file=found.file.name,
        row=found.row.line,
        scenario={key: meta[key] for key in _SCENARIO_KEYS if meta.get(key) is not None},
        system_prompt=case.dialogue.system_prompt,
        turns=tuple(_tell_turns(case)),
        goal=tuple(describe_goal(case.goal, names)),
        before=_tell_state(before) if isinstance(before, Environment) else None,
        after=_tell_state(replay.environment) if replay is not None else None,
        violations=tuple(_tell_violation(violation) for violation in violations),
        request=_tell_request(meta),
        missing=tuple(missing),
    )


def _open(case: Case) -> Environment | str | None:
    """Return a backend as the opening has it, why there is none, or None without an opening."""
    if case.opening is None:
        return None
    try:
        return Environment(case.opening, build_catalogue(case.opening.catalogue_seed))
    except ConfigError as error:
        return str(error)


def _list_missing(case: Case, meta: JsonObject, before: Environment | str | None) -> list[str]:
    missing: list[str] = []
    if before is None:
        missing.append("meta.opening: without it no state can be shown and no call be executed again")
    elif isinstance(before, str):
        missing.append(before)
    if not case.goal:
        missing.append("meta.goal: nothing says what was to be reached")
    if not isinstance(meta.get("scenario_id"), str):
        missing.append("meta.scenario_id: nothing says which request it came from")
    return missing


def _tell_turns(case: Case) -> list[ToldTurn]:
    same = case.replay.is_same if case.replay is not None else [None] * len(case.exchanges)
    told: list[ToldTurn] = []
    for index, turn in enumerate(case.turns):
        calls = tuple(
            _tell_call(case, exchange, place)
            for exchange, place in zip(case.exchanges, same, strict=True)
            if exchange.turn == index
        )
        # A response stands with its call, unless it belongs to none.
        if turn.role != "response" or not any(exchange.response_turn == index for exchange in case.exchanges):
            told.append(ToldTurn(turn=index, role=turn.role, text=turn.text or _tell_rest(turn.responses), calls=calls))
    return told


def _tell_call(case: Case, exchange: Exchange, is_same: bool | None) -> ToldCall:
    arguments = (
        ToldArgument(
            argument=source.argument,
            value=source.value,
            origin=source.origin,
            source_turn=source.source_turn,
            place=source.place,
        )
        for source in trace_call(case, exchange)
    )
    return ToldCall(tool=exchange.call.name, arguments=tuple(arguments), response=exchange.response, is_same=is_same)


def _tell_rest(responses: tuple[object, ...]) -> str:
    return " ".join(map(str, responses))


def _tell_state(environment: Environment) -> ToldState:
    handles = Handles(environment)
    cart = environment.cart
    return ToldState(
        now=write_moment(environment.now),
        cart=tuple(
            f"{handles.handle_of(line.cart_item_id)} {line.menu_name} x {line.quantity}, {line.line_total:,} won"
            + (f", {line.special_request!r}" if line.special_request else "")
            for line in (cart.lines if cart is not None else ())
        ),
        subtotal=cart.subtotal if cart is not None else 0,
        addresses=tuple(f"{handles.handle_of(one.address_id)} {_tell_address(one)}" for one in environment.addresses),
        orders=tuple(
            f"{handles.handle_of(order.order_id)} {_tell_order(order, environment)}" for order in environment.orders
        ),
    )


def _tell_address(address: Address) -> str:
    parts = [address.recipient_name, address.phone, f"{address.line1} {address.line2 or ''}".strip()]
    parts += ["default"] if address.is_default else []
    parts += [f"gate password {address.gate_password!r}"] if address.gate_password else []
    parts += [f"note {address.delivery_note!r}"] if address.delivery_note else []
    return ", ".join(parts)


def _tell_order(order: Order, environment: Environment) -> str:
    parts = [
        order.order_id,
        order.status_at(environment.now),
        f"payment {order.payment_status} by {order.payment_method}",
    ]
    parts += [f"{line.menu_name} x {line.quantity}" for line in order.lines]
    parts += [f"total {order.total:,} won"] if order.lines else []
    return ", ".join(parts)


def _tell_violation(violation: Violation) -> JsonObject:
    return dict(violation._asdict())


def _tell_request(meta: JsonObject) -> JsonObject:
    scenario_id, number = meta.get("scenario_id"), meta.get("round")
    told: JsonObject = {}
    if isinstance(scenario_id, str):
        told["custom_id"] = render_custom_id(scenario_id, number if isinstance(number, int) else 1)
    if number is not None:
        told["round"] = number
    return told | {key: meta[key] for key in _ORIGIN_KEYS if meta.get(key) is not None}


def _scenario_id(row: Row) -> object:
    return _as_object((row.record or {}).get("meta")).get("scenario_id")


def _as_object(value: object) -> JsonObject:
    return cast("JsonObject", value) if isinstance(value, dict) else {}
