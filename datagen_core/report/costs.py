"""Decides how a run's tokens and cost are shown: in all, by kind of dialogue, by model, and where prices come from."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from datagen_core.dataset.funnel import AnswerTokens, Cost, Funnel
from datagen_core.dataset.spending import add_up
from datagen_core.pricing import Price, format_usd
from datagen_core.report.markdown import Page, escape, write_count

_LONGEST_NAME: Final = 60
_LONGEST_TITLE: Final = 120
_LONGEST_SOURCE: Final = 2_000
_UNBILLED: Final = "**Nothing is billed:** a simulator or a server of your own answered. The model would have cost"
_UNPRICED: Final = "No prices were looked up; these are the tokens alone."
_TOKENS: Final = ("answers", "tokens in", "cached", "tokens out")


def render_costs(funnel: Funnel, *, title: str) -> str:
    """Return tokens and cost as Markdown; rejected and truncated answers are paid for, too, and count."""
    page = Page()
    page.add(f"# {escape(title, _LONGEST_TITLE)}", name="the title")
    cost = funnel.cost
    page.add(_UNPRICED if cost is None else _summarize(cost, funnel), name="the summary")
    kinds = [*funnel.tokens_by_kind.items(), ("all", add_up(funnel.models.values()))]
    amounts = {} if cost is None else {**cost.by_kind, "all": cost.total}
    rows = ([escape(kind, _LONGEST_NAME), *_cells(tokens), _write(amounts.get(kind), cost)] for kind, tokens in kinds)
    page.add_table(["kind", *_TOKENS, "USD"], rows, name="rows by kind", right=range(1, len(_TOKENS) + 2))
    _add_models(page, funnel, cost)
    if cost is not None:
        page.add(f"Prices: {escape(cost.source, _LONGEST_SOURCE)}.", name="the source of the prices")
    return page.render()


def _summarize(cost: Cost, funnel: Funnel) -> str:
    amounts = (
        f"**{format_usd(cost.total)}** in all, {format_usd(cost.per_request)} a request, "
        f"{format_usd(cost.per_accepted)} an accepted dialogue."
    )
    tokens = add_up(funnel.models.values())
    if not cost.billed:
        return f"{_UNBILLED} {amounts}" if tokens != AnswerTokens() else "**Nothing is billed:** no answer has come."
    n_free = _count(tokens) - tokens.billed
    free = f" This includes {write_count(n_free, 'answer')} that nobody bills." if n_free > 0 else ""
    return amounts + free


def _add_models(page: Page, funnel: Funnel, cost: Cost | None) -> None:
    prices = {} if cost is None else cost.prices
    rows = (
        [escape(name, _LONGEST_NAME) or "unnamed", f"{_count(tokens):,}", *_write_price(prices.get(name))]
        for name, tokens in funnel.models.items()
    )
    head = ["model", "answers", "USD per million tokens in", "cached", "out"]
    page.add_table(head, rows, name="rows by model", right=range(1, len(head)))


def _cells(tokens: AnswerTokens) -> list[str]:
    return [f"{count:,}" for count in (_count(tokens), tokens.prompt, tokens.cached, tokens.completion)]


def _count(tokens: AnswerTokens) -> int:
    return tokens.answers + tokens.untold


def _write(amount: Decimal | None, cost: Cost | None) -> str:
    return "-" if cost is None else format_usd(amount)


def _write_price(price: Price | None) -> list[str]:
    """Return the rates with all their digits: they are looked up, not added."""
    if price is None:
        return ["-", "-", "-"]
    return [f"{rate.normalize():f}" for rate in (price.input, price.cached_input, price.output)]
