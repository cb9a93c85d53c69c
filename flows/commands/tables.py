"""Decides how counts, costs and violations are printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table

from datagen_core.checks import RULES
from datagen_core.dataset.funnel import Funnel
from datagen_core.pricing import format_usd
from flows.commands.places import console


def show_table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; numbers stand to the right."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    body = [list(row) for row in rows]
    for position, name in enumerate(head):
        is_number = all(isinstance(row[position], int | float) for row in body)
        is_key = position == 0 and all(" " not in str(row[0]) for row in body)
        side = "right" if body and is_number else "left"
        table.add_column(name, justify=side, overflow="fold", no_wrap=is_key)
    for row in body:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row))
    console.print(table)


def show_run(title: str, funnel: Funnel, *, seconds: float) -> None:
    """Print a run's requests, rounds, tokens, scripts as a share of their dialogues, seconds, and what it cost."""
    total, tokens = funnel.total, funnel.tokens
    show_table(
        title,
        ["wanted", "requested", "accepted", "rejected", "failed", "rounds", "tokens", "script", "time"],
        [
            [
                funnel.scenarios,
                total.requested,
                total.accepted,
                total.rejected,
                total.failed,
                len(funnel.rounds),
                tokens.prompt + tokens.completion,
                "-" if (share := funnel.script_share.share) is None else f"{share:.0%}",
                f"{seconds:.0f} s",
            ]
        ],
    )
    if funnel.cost is not None:
        console.print(f"Cost: {funnel.cost.describe()}", soft_wrap=True, markup=False, highlight=False)


def show_cost(funnel: Funnel) -> None:
    """Print the tokens and the cost of each kind of dialogue, and of all; nothing where no prices were looked up."""
    if funnel.cost is None:
        return
    kinds = funnel.tokens_by_kind
    rows = [
        [kind, t.prompt, t.cached, t.completion, format_usd(funnel.cost.by_kind.get(kind))] for kind, t in kinds.items()
    ]
    total = funnel.tokens
    rows.append(["all", total.prompt, total.cached, total.completion, format_usd(funnel.cost.total)])
    show_table("Cost", ["kind", "tokens in", "cached", "tokens out", "USD"], rows)
    console.print(f"Cost: {funnel.cost.describe()}", soft_wrap=True, markup=False, highlight=False)


def show_funnel(funnel: Funnel) -> None:
    """Print the requests of each round, and why some were not accepted."""
    rows = [
        [str(number), c.requested, c.accepted, c.rejected, c.failed, c.pending]
        for number, c in sorted(funnel.rounds.items())
    ]
    show_table("Requests", ["round", "requested", "accepted", "rejected", "failed", "pending"], rows)
    show_reasons(funnel)


def show_reasons(funnel: Funnel) -> None:
    """Print which rules were broken, and how failed requests ended."""
    rules = [[name, count, RULES[name].sentence if name in RULES else ""] for name, count in funnel.rules.items()]
    outcomes = [[name, count, "no usable answer came"] for name, count in funnel.failures.items()]
    if rules or outcomes:
        show_table("Why not accepted", ["rule", "requests", "what it asks"], [*sorted(rules), *sorted(outcomes)])
