"""Decides `datagen explain`: one dialogue on the screen, with the source of each argument beside its call."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, cast

import orjson
import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from datagen_core.dataset.explaining import Explanation, ToldCall, ToldState, ToldTurn, explain_row, find_row
from datagen_core.errors import ConfigError
from flows.commands.places import console

MAX_RESPONSE: Final = 400
"""So many characters of a response are shown; `--json` gives all of it."""

_TURN_WIDTH: Final = 14
_ARGUMENT_WIDTH: Final = 21
_STYLES: Final = {"customer": "green", "counsellor": "cyan", "call": "yellow", "response": "magenta"}
_ORIGINS: Final = {"system": "system prompt", "default": "default", "unknown": "NO SOURCE"}
_HIDDEN: Final = frozenset({"Cc", "Cs", "Co", "Cn"})
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


def explain(
    file: Annotated[Path, typer.Argument(help="A dataset in JSON Lines or Parquet, or a run's folder.")],
    row: Annotated[int | None, typer.Option(min=1, help="The row, from 1.")] = None,
    scenario_id: Annotated[str | None, typer.Option(help="The row of this scenario.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Show one dialogue: where each argument came from, the goal, the state before and after, and its request.

    Example: `datagen explain output/training --row 17`
    """
    if (row is None) == (scenario_id is None):
        raise ConfigError("Name one row: either --row 17 (from 1) or --scenario-id training-42-000016.")
    told = explain_row(find_row(file, number=row, scenario_id=scenario_id))
    if as_json:
        typer.echo(orjson.dumps(told.model_dump(mode="json")).decode())
        return
    for line in _render(told):
        console.print(line)


def _render(told: Explanation) -> Iterator[RenderableType]:
    yield Text(f"{told.file}, row {told.row}", style="bold")
    yield from _render_fields("scenario", told.scenario)
    yield from _render_fields("request", told.request)
    yield from _render_list("goal", list(told.goal))
    if told.before is not None:
        yield from _render_state("before", told.before)
    yield _title("dialogue")
    for turn in told.turns:
        yield from _render_turn(turn)
    if told.after is not None:
        yield from _render_state("after", told.after)
    broken = [f"{v['rule']} ({v['severity']}) turn {v['turn']}: {v['message']}" for v in told.violations]
    yield from _render_list("violations", broken or ["none"])
    if told.missing:
        yield from _render_list("cannot be shown", list(told.missing))


def _render_turn(turn: ToldTurn) -> Iterator[RenderableType]:
    head = Text(f"{turn.turn:>3} ") + Text(turn.role, style=_STYLES.get(turn.role, ""))
    if not turn.calls:
        yield _line(head, Text(_clean(turn.text)), width=_TURN_WIDTH)
    for call in turn.calls:
        yield _line(head, Text(_clean(call.tool), style="bold"), width=_TURN_WIDTH)
        yield from _render_call(call)


def _render_call(call: ToldCall) -> Iterator[RenderableType]:
    for argument in call.arguments:
        where = _ORIGINS.get(argument.origin) or f"{argument.origin}, turn {argument.source_turn}"
        place = f": {argument.place}" if argument.place else ""
        style = "bold red" if argument.origin == "unknown" else "dim"
        value = _cut(_write(argument.value), MAX_RESPONSE // 4)
        yield _line(
            Text(f"      {_clean(argument.argument)}"),
            Text(f"{value}  ") + Text(f"<- {where}{_clean(place)}", style=style),
            width=_ARGUMENT_WIDTH,
        )
    told = "the backend answers otherwise: " if call.is_same is False else ""
    returned = Text("      returns", style=_STYLES["response"])
    yield _line(returned, Text(f"{told}{_cut(_write(call.response), MAX_RESPONSE)}"), width=_ARGUMENT_WIDTH)


def _render_state(title: str, state: ToldState) -> Iterator[RenderableType]:
    yield _title(f"{title}, {state.now}")
    cart = (*state.cart, f"subtotal {state.subtotal:,} won") if state.cart else ()
    for name, rows in (("cart", cart), ("addresses", state.addresses), ("orders", state.orders)):
        for number, row in enumerate(rows or ("none",)):
            yield _line(Text(f"  {name if number == 0 else ''}"), Text(_clean(row)))


def _render_fields(title: str, fields: dict[str, object]) -> Iterator[RenderableType]:
    yield _title(title)
    for name, value in fields.items():
        yield _line(Text(f"  {_clean(name)}"), Text(_tell(value)))
    if not fields:
        yield Text("  not told")


def _render_list(title: str, lines: list[str]) -> Iterator[RenderableType]:
    yield _title(title)
    yield from (_line(Text(" "), Text(_clean(line)), width=1) for line in lines or ["not told"])


def _title(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _line(label: Text, body: Text, *, width: int = 13) -> Table:
    """Return a line of which only the body is wrapped."""
    line = Table.grid(padding=(0, 1))
    line.add_column(width=width, no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(label, body)
    return line


def _tell(value: object) -> str:
    """Write an object's values one after the other, anything else as JSON without quotes."""
    if isinstance(value, dict):
        return ", ".join(f"{_clean(key)} {_tell(inner)}" for key, inner in cast("dict[str, object]", value).items())
    return _clean(value) if isinstance(value, str) else _write(value)


def _write(value: object) -> str:
    return _clean(orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}… ({len(text):,} characters)"


def _clean(text: str) -> str:
    """Return the text with what could move the cursor, colour the screen or turn the line round written out."""
    return "".join(
        character.encode("unicode_escape").decode()
        if (unicodedata.category(character) in _HIDDEN and character not in "\n\t") or character in _BIDI
        else character
        for character in text
    )
