"""Decides how requests are counted: every request ends accepted, rejected, failed or pending, and nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.batch.outcomes import RowClass, classify
from datagen_core.dataset.spending import (
    AnswerTokens,
    Cost,
    Spending,
    Tokens,
    add_costs,
    add_spending,
    add_up,
    count_tokens_of,
    price_tokens,
)
from datagen_core.files import Artifact, read_json, validate_model, write_json
from datagen_core.pricing import PriceBook

_SORTED: Final = ("kinds", "categories", "failures", "rules", "warnings", "classes", "spending")

__all__ = [
    "AnswerTokens",
    "Cost",
    "Counts",
    "Fate",
    "Funnel",
    "ScriptShare",
    "Tokens",
    "merge_funnels",
    "read_funnel",
    "write_funnel",
]

Fate = Literal["accepted", "rejected", "failed", "pending"]


class Counts(BaseModel):
    """Requests by what became of them."""

    model_config = ConfigDict(extra="forbid")

    requested: int = 0
    accepted: int = 0
    rejected: int = 0
    failed: int = 0
    pending: int = 0

    def add(self, fate: Fate, count: int = 1) -> None:
        """Count requests of one fate."""
        self.requested += count
        setattr(self, fate, getattr(self, fate) + count)

    def is_balanced(self) -> bool:
        """Tell whether requested = accepted + rejected + failed + pending."""
        return self.requested == self.accepted + self.rejected + self.failed + self.pending


class ScriptShare(BaseModel):
    """Tokens of scripts and of the messages they performed into, over a sample of the answers that broke no rule.

    One that is rejected as a duplicate later is counted all the same.
    """

    model_config = ConfigDict(extra="forbid")

    dialogues: int = 0
    script_tokens: int = 0
    dialogue_tokens: int = 0

    @property
    def share(self) -> float | None:
        """Script tokens for each token of a dialogue; None where none was counted."""
        return self.script_tokens / self.dialogue_tokens if self.dialogue_tokens else None

    def add(self, other: ScriptShare) -> None:
        """Add another sample's counts."""
        self.dialogues += other.dialogues
        self.script_tokens += other.script_tokens
        self.dialogue_tokens += other.dialogue_tokens


class Funnel(BaseModel):
    """What became of every request of a run. `funnel.json` holds it.

    `total` counts requests by custom_id; a scenario asked for in two rounds is two requests. `scenarios` is how many
    different dialogues were wanted, `accepted` in `total` how many of them there are.
    """

    model_config = ConfigDict(extra="forbid")

    scenarios: int = 0
    total: Counts = Field(default_factory=Counts)
    rounds: dict[int, Counts] = Field(default_factory=dict)
    kinds: dict[str, Counts] = Field(default_factory=dict)
    categories: dict[str, Counts] = Field(default_factory=dict)
    failures: dict[str, int] = Field(default_factory=dict, description="Failed requests by outcome.")
    rules: dict[str, int] = Field(default_factory=dict, description="Rejected requests that broke the rule.")
    warnings: dict[str, int] = Field(default_factory=dict, description="Accepted requests with the warning.")
    classes: dict[RowClass, int] = Field(default_factory=dict, description="Answers by whether to ask again.")
    tokens: Tokens = Field(default_factory=Tokens)
    spending: Spending = Field(default_factory=dict, description="Tokens by kind, then by the model that answered.")
    cost: Cost | None = Field(default=None, description="None where nobody looked up the prices.")
    script_share: ScriptShare = Field(default_factory=ScriptShare)

    @property
    def missing(self) -> int:
        """How many scenarios have no accepted dialogue."""
        return self.scenarios - self.total.accepted

    @property
    def tokens_by_kind(self) -> dict[str, AnswerTokens]:
        """Tokens by kind of dialogue."""
        return {kind: add_up(models.values()) for kind, models in sorted(self.spending.items())}

    @property
    def models(self) -> dict[str, AnswerTokens]:
        """Tokens by the model that answered; "" for answers that name none."""
        names = sorted({name for models in self.spending.values() for name in models})
        return {name: add_up(m[name] for m in self.spending.values() if name in m) for name in names}

    @property
    def mean_output(self) -> float | None:
        """Tokens that an answer had on average, reasoning included; None where no answer tells."""
        answered = add_up(self.models.values())
        return answered.completion / answered.answers if answered.answers else None

    def count_answer(self, answer: Mapping[str, object], kind: str) -> None:
        """Count the class and the tokens of an element of `result_lst.json`, whatever became of it."""
        name = classify(answer)
        self.classes[name] = self.classes.get(name, 0) + 1
        _add_tokens(self.tokens, count_tokens_of(self.spending, kind, answer))

    def price(self, prices: PriceBook, default_model: str = "") -> None:
        """Set `cost` from the tokens counted so far; `default_model` is the one asked, for answers that name none."""
        self.cost = price_tokens(self.spending, prices, default_model)
        self.cost.divide(self.total.requested, self.total.accepted)

    def count(self, fate: Fate, *, round_number: int, kind: str, category: str | None, n: int = 1) -> None:
        """Count `n` requests."""
        for counts in self._counts_of(round_number, kind, category):
            counts.add(fate, n)

    def reject_accepted(
        self, *, round_number: int, kind: str, category: str | None, warned: Iterable[str] = ()
    ) -> None:
        """Count one request that was counted as accepted, with these warnings, as rejected instead."""
        for counts in self._counts_of(round_number, kind, category):
            counts.accepted -= 1
            counts.rejected += 1
        self.warnings = dict(Counter(self.warnings) - Counter(set(warned)))
        if self.cost is not None:
            self.cost.divide(self.total.requested, self.total.accepted)

    def count_rules(self, broken: Iterable[str], warned: Iterable[str]) -> None:
        """Count each rule once for a request."""
        for rule in sorted(set(broken)):
            self.rules[rule] = self.rules.get(rule, 0) + 1
        for rule in sorted(set(warned)):
            self.warnings[rule] = self.warnings.get(rule, 0) + 1

    def is_balanced(self) -> bool:
        """Tell whether every table adds up, and all add up to the same."""
        tables = [self.rounds, self.kinds]
        parts = [counts for table in tables for counts in table.values()]
        whole = all(sum(c.requested for c in table.values()) == self.total.requested for table in tables)
        return self.total.is_balanced() and whole and all(counts.is_balanced() for counts in parts)

    def _counts_of(self, round_number: int, kind: str, category: str | None) -> list[Counts]:
        found = [
            self.total,
            self.rounds.setdefault(round_number, Counts()),
            self.kinds.setdefault(kind, Counts()),
        ]
        return found if category is None else [*found, self.categories.setdefault(category, Counts())]


def merge_funnels(funnels: Iterable[Funnel], *, scenarios: int) -> Funnel:
    """Return the sum of several rounds' funnels; `scenarios` is how many dialogues the run wanted.

    There is a cost where all rounds have one that have answers.
    """
    merged = Funnel(scenarios=scenarios)
    costs: list[Cost | None] = []
    for funnel in funnels:
        _add_counts(merged.total, funnel.total)
        for mine, theirs in (
            (merged.rounds, funnel.rounds),
            (merged.kinds, funnel.kinds),
            (merged.categories, funnel.categories),
        ):
            for name, counts in theirs.items():
                _add_counts(mine.setdefault(name, Counts()), counts)  # pyright: ignore[reportArgumentType, reportCallIssue]
        merged.failures = dict(Counter(merged.failures) + Counter(funnel.failures))
        merged.rules = dict(Counter(merged.rules) + Counter(funnel.rules))
        merged.warnings = dict(Counter(merged.warnings) + Counter(funnel.warnings))
        merged.classes = dict(Counter(merged.classes) + Counter(funnel.classes))
        _add_tokens(merged.tokens, funnel.tokens)
        add_spending(merged.spending, funnel.spending)
        merged.script_share.add(funnel.script_share)
        if funnel.cost is not None or funnel.spending or funnel.tokens != Tokens():
            costs.append(funnel.cost)
    _set_cost(merged, costs)
    return merged


def write_funnel(path: Path, funnel: Funnel) -> Artifact:
    """Write `funnel.json`, tables in a fixed order."""
    document = funnel.model_dump(mode="json")
    ordered = {name: dict(sorted(value.items())) if name in _SORTED else value for name, value in document.items()}
    return write_json(path, {**ordered, "rounds": {str(n): document["rounds"][n] for n in sorted(document["rounds"])}})


def read_funnel(path: Path) -> Funnel:
    """Read `funnel.json`.

    Raises:
        InputFileError: the file is missing or is no funnel; names the field.
    """
    advice = "Write it again with 'datagen preprocess'."
    return validate_model(Funnel, read_json(path, advice=advice), path, advice=advice)


def _set_cost(merged: Funnel, costs: list[Cost | None]) -> None:
    known = [cost for cost in costs if cost is not None]
    if known and len(known) == len(costs):
        merged.cost = add_costs(known)
        merged.cost.divide(merged.total.requested, merged.total.accepted)


def _add_counts(mine: Counts, theirs: Counts) -> None:
    for name in Counts.model_fields:
        setattr(mine, name, getattr(mine, name) + getattr(theirs, name))


def _add_tokens(mine: Tokens, theirs: Tokens) -> None:
    for name in Tokens.model_fields:
        setattr(mine, name, getattr(mine, name) + getattr(theirs, name))
