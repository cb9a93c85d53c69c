"""Decides where each argument of a call came from: the customer's words, a response, the system prompt (P05)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, NamedTuple, cast

from datagen_core.checks.case import Case, Exchange
from datagen_core.checks.evidence import find_uuids, name_kind
from datagen_core.checks.fields import as_list, as_object
from datagen_core.checks.fields import read_moment as to_moment
from datagen_core.checks.portions import trace_quantity
from datagen_core.checks.registry import Finding, rule
from datagen_core.checks.spoken import read_moment, read_number, read_rating
from datagen_core.checks.wording import (
    CATEGORY_WORDS,
    DEFAULT_WORDS,
    OPEN_WORDS,
    PAYMENT_WORDS,
    SORT_WORDS,
    SpokenValues,
    find_digits,
    find_exact,
    find_parts,
    find_text,
    find_word,
    read_enum,
    read_mistyped_enum,
)
from datagen_core.environment import is_same_json

Origin = Literal["customer", "response", "system", "default", "unknown"]


class ArgumentSource(NamedTuple):
    """Where an argument came from; a list of ids has one for each.

    `source_turn` counts from 0 and is None for the system prompt, a default and what is unknown. `place` is the field
    of the response (`items[0].restaurant_id`), or the customer's words, or why there are none.
    """

    turn: int
    tool: str
    argument: str
    value: object
    origin: Origin
    source_turn: int | None = None
    place: str = ""


class _Source(NamedTuple):
    origin: Origin
    turn: int | None = None
    place: str = ""


_UNKNOWN: Final = _Source("unknown")
_STORED: Final[dict[str, tuple[str, ...]]] = {
    "query": ("name", "menu_name", "category"),
    "category": ("category",),
    "recipient_name": ("recipient_name", "delivery_recipient_name"),
    "phone": ("phone", "delivery_phone"),
    "line1": ("line1", "delivery_line1"),
    "line2": ("line2", "delivery_line2"),
    "special_request": ("special_request",),
    "delivery_note": ("delivery_note",),
}
"""Fields of responses that an argument may repeat: `upsert_address` takes over what is stored."""

_ENUMS: Final[dict[str, SpokenValues]] = {
    "payment_method": PAYMENT_WORDS,
    "sort": SORT_WORDS,
    "category": CATEGORY_WORDS,
}
_JUDGED_ELSEWHERE: Final = frozenset(
    {"snapshot", "sort", "min_rating", "only_open", "special_request", "delivery_note"}
)
"""Arguments with a stricter rule of their own (P03, P07, P08)."""

_AGREED: Final = ("?", "까요", "드릴게요", "하겠습니다")
"""A counsellor's line with one of these proposes something, and the customer's next line accepts it."""

_Reader = Callable[[str], "str | None"]


@rule(
    "P05",
    "Every argument that is no id is traceable to the customer's words or to a response.",
    korean="인자에는 고객이 말했거나 응답에 나온 값만 넣습니다. 말하지 않은 수량은 1입니다.",
    severity="W",
    families=("delivery",),
)
def check_sources(case: Case) -> Iterator[Finding]:
    """Find values that nobody said and nothing showed; see `trace_arguments`, which gives the source of each.

    One fault is told once: what breaks C04, C05 (a moment), P03, P07 or P08 is left to them.
    """
    for exchange in case.exchanges:
        spec = case.tools.specs.get(exchange.call.name)
        for argument, value in exchange.call.arguments.items():
            if spec is None or argument not in spec.properties or _is_id(argument) or argument in _JUDGED_ELSEWHERE:
                continue
            if argument == "at" and isinstance(value, str) and to_moment(value) is None:
                continue
            if value not in (None, "") and _trace_value(case, exchange, argument, value).origin == "unknown":
                shown = value if isinstance(value, str | int | float) else type(value).__name__
                yield Finding(exchange.turn, f"{exchange.call.name}: {argument} {shown!r} has no source"[:200])


def trace_arguments(case: Case) -> list[ArgumentSource]:
    """Return the source of every argument of every call, in order; of tools of any domain. Never raises."""
    return [source for exchange in case.exchanges for source in trace_call(case, exchange)]


def trace_call(case: Case, exchange: Exchange) -> list[ArgumentSource]:
    """Return the source of every argument of one call, as `trace_arguments` does."""
    return [
        ArgumentSource(exchange.turn, exchange.call.name, argument, element, *source)
        for argument, value in exchange.call.arguments.items()
        for element, source in _trace(case, exchange, argument, value)
    ]


def _trace(case: Case, exchange: Exchange, argument: str, value: object) -> Iterator[tuple[object, _Source]]:
    if _is_id(argument):
        for element in cast("list[object]", value) if isinstance(value, list) else [value]:
            yield element, _trace_id(case, exchange.turn, argument, element)
    elif isinstance(value, dict):
        yield value, _trace_object(case, exchange.turn, cast("dict[str, object]", value))
    else:
        yield value, _trace_value(case, exchange, argument, value)


def _is_id(argument: str) -> bool:
    return argument.endswith(("_id", "_ids")) and argument != "pg_id"


def _trace_id(case: Case, turn: int, argument: str, value: object) -> _Source:
    """Return what showed an id last before the call: a field of its kind first, then the customer, then any field."""
    if not isinstance(value, str) or not value:
        return _UNKNOWN
    kind, other = name_kind(argument), None
    if value in find_uuids(case.dialogue.system_prompt):
        return _Source("system", None, "the customer's id" if value == case.dialogue.uid else "")
    for leaf in _iter_leaves(case, turn):
        if leaf.value == value:
            if leaf.name is None or f"_{name_kind(leaf.name)}".endswith(f"_{kind}"):
                return _Source("response", leaf.turn, leaf.path)
            other = other or _Source("response", leaf.turn, leaf.path)
    for index, line in _lines_before(case, turn):
        if value in line:
            return _Source("customer", index, value)
    return other or _UNKNOWN


def _trace_object(case: Case, turn: int, value: dict[str, object]) -> _Source:
    """Return the latest response that the object equals as a whole, as a snapshot does."""
    for exchange in reversed(case.exchanges):
        if exchange.response_turn < turn and is_same_json(exchange.response, value):
            return _Source("response", exchange.response_turn, f"all that {exchange.call.name} returned")
    return _UNKNOWN


def _trace_value(case: Case, exchange: Exchange, argument: str, value: object) -> _Source:
    if argument == "quantity" and isinstance(value, int):
        found = trace_quantity(case, exchange, value)
        return _UNKNOWN if found is None else _Source(*found)
    exact, loose = _choose_readers(case, argument, value)
    return (
        _trace_said(case, exchange.turn, exact)
        or _trace_stored(case, exchange, argument, value)
        or _trace_said(case, exchange.turn, loose)
        or _trace_proposal(case, exchange.turn, exact)
        or _UNKNOWN
    )


def _trace_said(case: Case, turn: int, reader: _Reader | None) -> _Source | None:
    """Return the latest line of the customer in which the reader finds the value."""
    if reader is not None:
        for index, line in _lines_before(case, turn):
            words = reader(line)
            if words is not None:
                return _Source("customer", index, words)
    return None


def _choose_readers(case: Case, argument: str, value: object) -> tuple[_Reader | None, _Reader | None]:
    """Return what finds the value in a line, and what still finds it where it is mistyped or said another way."""
    if isinstance(value, bool):
        words = {"only_open": OPEN_WORDS, "is_default": DEFAULT_WORDS}.get(argument) if value else None
        return None if words is None else partial(find_word, words), None
    if isinstance(value, int | float):
        return partial(read_rating if argument == "min_rating" else read_number, value), None
    if not isinstance(value, str) or not value:
        return None, None
    if argument in _ENUMS and case.is_delivery:
        enum = _ENUMS[argument]
        return lambda line: read_enum(enum, line).get(value), lambda line: read_mistyped_enum(enum, line).get(value)
    if argument == "at":
        return partial(read_moment, value, case.dialogue.date), None
    if argument in ("phone", "gate_password"):
        return partial(find_exact, value), partial(find_digits, value)
    if argument == "query":
        return partial(find_exact, value), lambda line: find_text(value, line) or find_parts(value, line)
    return partial(find_exact, value), partial(find_text, value)


def _trace_stored(case: Case, exchange: Exchange, argument: str, value: object) -> _Source | None:
    """Return the latest field of a response that the argument repeats.

    What is saved of an address that a response showed is what that address has, unless the customer wants it the same
    as another's; a flag is never another's.
    """
    shown, own = _trace_own(case, exchange, argument, value)
    if own is not None or not isinstance(value, str) or (case.is_delivery and argument not in _STORED):
        return own
    if shown and not any("같" in line for _, line in _lines_before(case, exchange.turn)):
        return None
    names = _STORED.get(argument, (argument,))
    for leaf in _iter_leaves(case, exchange.turn):
        if leaf.name in names and leaf.value == value:
            return _Source("response", leaf.turn, leaf.path)
    return None


def _trace_own(case: Case, exchange: Exchange, argument: str, value: object) -> tuple[bool, _Source | None]:
    """Return whether a response showed the address that a call changes, and the latest field of it with the value."""
    address, shown = exchange.call.arguments.get("address_id"), False
    if exchange.call.name != "upsert_address" or address is None:
        return False, None
    for earlier in reversed(case.exchanges):
        if earlier.response_turn < exchange.turn and earlier.call.name == "list_addresses":
            for number, saved in enumerate(map(as_object, as_list(earlier.response))):
                if saved.get("address_id") == address:
                    shown = True
                    if argument in saved and is_same_json(saved[argument], value):
                        return True, _Source("response", earlier.response_turn, f"[{number}].{argument}")
    return shown, None


def _trace_proposal(case: Case, turn: int, reader: _Reader | None) -> _Source | None:
    """Return the customer's line that follows a counsellor's proposal of the value, where the line says no other."""
    if reader is None:
        return None
    for index, line in _lines_before(case, turn):
        asked = case.turns[index - 1] if index else None
        if asked is None or asked.role != "counsellor" or not any(sign in asked.text for sign in _AGREED):
            continue
        words = reader(asked.text)
        if words is not None and not _offers_choice(asked.text, words):
            return _Source("customer", index, f"{line} (to {words})")
    return None


def _offers_choice(text: str, words: str) -> bool:
    """Tell whether a question names several values of one enum, so that a mere yes would choose none."""
    return any(len(said) > 1 and words in said.values() for said in (read_enum(enum, text) for enum in _ENUMS.values()))


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A string in a response: the field it stood in (None: the response itself), and the way there."""

    turn: int
    name: str | None
    path: str
    value: str


def _iter_leaves(case: Case, before: int) -> Iterator[_Leaf]:
    """Yield the strings of the responses before a turn, the latest response first."""
    for exchange in reversed(case.exchanges):
        if exchange.response_turn < before:
            yield from _walk(exchange.response_turn, exchange.response)


def _walk(turn: int, response: object) -> Iterator[_Leaf]:
    """Yield the strings of one response in order, however deep."""
    rest: list[tuple[str | None, str, object]] = [(None, "", response)]
    while rest:
        name, path, value = rest.pop()
        if isinstance(value, str):
            yield _Leaf(turn, name, path or "the whole response", value)
        elif isinstance(value, dict):
            fields = cast("dict[str, object]", value)
            rest += [(key, f"{path}.{key}" if path else key, inner) for key, inner in reversed(fields.items())]
        elif isinstance(value, list):
            elements = list(enumerate(cast("list[object]", value)))
            rest += [(name, f"{path}[{number}]", inner) for number, inner in reversed(elements)]


def _lines_before(case: Case, turn: int) -> Iterator[tuple[int, str]]:
    """Yield the customer's lines before a turn, the latest first."""
    for index, text in reversed(case.lines["customer"]):
        if index < turn:
            yield index, text
