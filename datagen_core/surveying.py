"""Decides what is counted of scenarios before anything is asked: kinds, topics, personas, and what their plans show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, cast

from pydantic import BaseModel, ConfigDict

from datagen_core.config import (
    CATEGORIES,
    ERROR_CODES,
    GOLD_CATEGORIES,
    KINDS,
    NO_CALL_KINDS,
    ORDER_STATUSES,
    PAYMENT_METHODS,
    PERSONAS,
    QUESTION_TOPICS,
    SORTS,
    TOOL_NAMES,
    TOOLS,
    WITHHELD,
    Persona,
)
from datagen_core.environment import Environment, build_catalogue
from datagen_core.environment.goals import ExecutedCall, refusal_code
from datagen_core.files import JsonObject
from datagen_core.reference import Rehearsal
from datagen_core.scenarios import Scenario

WEEKDAYS: Final = ("월", "화", "수", "목", "금", "토", "일")


def _list_optional(tool: JsonObject) -> list[str]:
    function = cast("JsonObject", tool["function"])
    parameters = cast("JsonObject", function["parameters"])
    required = cast("list[str]", parameters["required"])
    return [
        f"{function['name']}.{name}" for name in cast("JsonObject", parameters["properties"]) if name not in required
    ]


OPTIONAL_PARAMETERS: Final = tuple(name for tool in TOOLS for name in _list_optional(tool))
"""Every optional parameter as `tool.parameter`, in the order in which the tools declare them."""


class Survey(BaseModel):
    """How many of the scenarios have each of a thing; what none has stands there with 0.

    `tools`, `optional_parameters` and `error_codes` are those of the planned calls, as the backend answers them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_scenarios: int
    n_parallel: int
    kinds: dict[str, int]
    gold_categories: dict[str, int]
    topics: dict[str, int]
    personas: dict[str, int]
    pairs_missing: int
    tools: dict[str, int]
    optional_parameters: dict[str, int]
    error_codes: dict[str, int]
    withheld: dict[str, int]
    search_categories: dict[str, int]
    sorts: dict[str, int]
    payments: dict[str, int]
    order_statuses: dict[str, int]
    openings: dict[str, int]
    hours: dict[str, int]
    weekdays: dict[str, int]


OPENINGS: Final = (
    "filled cart", "no cart", "cart under the minimum order", "no address", "one address", "several addresses",
    "past orders", "closed restaurant", "sold-out dish", "something happens", "somebody else's order",
)  # fmt: skip


def survey_scenarios(scenarios: Iterable[Scenario], *, advance: Callable[[], None] | None = None) -> Survey:
    """Count what the scenarios ask for. Each plan is performed once, which takes about a millisecond.

    `advance` is called after each scenario.
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in _KNOWN}
    pairs: set[tuple[str, Persona]] = set()
    n_scenarios = n_parallel = 0
    for scenario in scenarios:
        n_scenarios += 1
        n_parallel += scenario.parallel_calls
        pairs.add((scenario.kind, scenario.persona))
        for name, values in _describe(scenario).items():
            counts[name].update(values)
        if advance is not None:
            advance()
    tables = {name: {key: counts[name][key] for key in keys} for name, keys in _KNOWN.items()}
    return Survey.model_validate(
        {
            "n_scenarios": n_scenarios,
            "n_parallel": n_parallel,
            "pairs_missing": len(KINDS) * len(PERSONAS) - len(pairs),
            **tables,
        }
    )


def name_persona(persona: Persona) -> str:
    """Return a persona on one line."""
    return ", ".join(persona)


_KNOWN: Final[dict[str, tuple[str, ...]]] = {
    "kinds": KINDS,
    "gold_categories": GOLD_CATEGORIES,
    "topics": tuple(topic.key for topic in QUESTION_TOPICS),
    "personas": tuple(map(name_persona, PERSONAS)),
    "tools": TOOL_NAMES,
    "optional_parameters": OPTIONAL_PARAMETERS,
    "error_codes": ERROR_CODES,
    "withheld": WITHHELD,
    "search_categories": CATEGORIES,
    "sorts": SORTS,
    "payments": PAYMENT_METHODS,
    "order_statuses": ORDER_STATUSES,
    "openings": OPENINGS,
    "hours": tuple(f"{hour:02d}" for hour in range(24)),
    "weekdays": WEEKDAYS,
}
"""By table, the keys that are always listed, in order."""


def _describe(scenario: Scenario) -> dict[str, set[str]]:
    """Return, by table, what the scenario counts for; each once."""
    calls = execute_plan(scenario)
    given = [(call.tool, name, value) for call in calls for name, value in call.arguments.items()]
    now = datetime.fromisoformat(scenario.opening.now)
    return {
        "kinds": {scenario.kind},
        "gold_categories": {scenario.category} if scenario.category else set(),
        "topics": {scenario.topic},
        "personas": {name_persona(scenario.persona)},
        "tools": {call.tool for call in calls},
        "optional_parameters": {f"{tool}.{name}" for tool, name, _ in given} & set(OPTIONAL_PARAMETERS),
        "error_codes": {code for call in calls if (code := refusal_code(call.response)) is not None},
        "withheld": {step.withhold for step in scenario.steps if step.withhold is not None},
        "search_categories": {str(value) for _, name, value in given if name == "category"},
        "sorts": {str(value) for _, name, value in given if name == "sort"},
        "payments": {str(value) for _, name, value in given if name == "payment_method"},
        "order_statuses": {order.status for order in scenario.opening.orders},
        "openings": _describe_opening(scenario),
        "hours": {f"{now.hour:02d}"},
        "weekdays": {WEEKDAYS[now.weekday()]},
    }


def _describe_opening(scenario: Scenario) -> set[str]:
    opening = scenario.opening
    n_addresses = min(len(opening.addresses), 2)
    states = {
        ("no address", "one address", "several addresses")[n_addresses]: True,
        "filled cart": bool(opening.cart),
        "no cart": not opening.cart,
        "cart under the minimum order": any(step.refused == "BELOW_MINIMUM" for step in scenario.steps),
        "past orders": bool(opening.orders),
        "closed restaurant": _has_closed(scenario),
        "sold-out dish": bool(opening.sold_out),
        "something happens": bool(opening.happenings),
        "somebody else's order": bool(opening.foreign_orders),
    }
    return {name for name, holds in states.items() if holds}


def _has_closed(scenario: Scenario) -> bool:
    environment = _open(scenario)
    return any(not environment.is_open(shop) for shop in environment.restaurants)


def _open(scenario: Scenario) -> Environment:
    return Environment(scenario.opening, build_catalogue(scenario.opening.catalogue_seed))


def execute_plan(scenario: Scenario) -> list[ExecutedCall]:
    """Return the calls of a flawless counsellor, with handles, as the backend answers them; none for no-call kinds."""
    rehearsal = Rehearsal(_open(scenario))
    if scenario.kind not in NO_CALL_KINDS:
        for step in scenario.steps:
            for call in rehearsal.plan(step):
                rehearsal.execute(call)
    return rehearsal.calls
