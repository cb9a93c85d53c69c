"""Decides what a rule gets to see: a dialogue, how it came about, what was asked for, and views computed once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, NamedTuple, cast

import orjson

from datagen_core.checks.evidence import Evidence, gather_evidence, is_uuid
from datagen_core.checks.fields import as_list, as_object
from datagen_core.checks.toolset import ArgumentFault, ToolSet, read_tools
from datagen_core.config import TOOL_NAMES
from datagen_core.dialogue.models import Dialogue, ToolCall, Turn
from datagen_core.dialogue.record import MessageProblem
from datagen_core.environment import Environment, Handles, build_catalogue, is_same_json
from datagen_core.environment.goals import ExecutedCall, Predicate, refusal_code
from datagen_core.environment.opening import Opening
from datagen_core.errors import ConfigError
from datagen_core.scenarios import Scenario

Given = Literal["opening", "goal", "kind", "category"]
"""What a dialogue says of how it came about, and some rules need."""

_OUR_TOOLS: Final = frozenset(TOOL_NAMES)


class Exchange(NamedTuple):
    """A call with the response that answers it. Turns count from 0; `customer_turns` were spoken before the call."""

    turn: int
    call: ToolCall
    response_turn: int
    response: object
    customer_turns: int


class GivenId(NamedTuple):
    """A UUID that a call was given as an argument."""

    turn: int
    tool: str
    argument: str
    value: str


class Replay(NamedTuple):
    """What became of the calls on a fresh backend; `answers` and `is_same` stand beside `Case.exchanges`."""

    environment: Environment
    handles: Handles
    executed: list[ExecutedCall]
    answers: list[object]
    is_same: list[bool]


@dataclass(frozen=True)
class Case:
    """A dialogue to be judged. What a dataset made elsewhere does not say stays None or empty, and is not judged.

    `problems` are those of a record's messages, `unreadable` is why the answer or the record cannot be read at all
    (both S rules). `turns` and messages stand side by side where no message was without role and content.
    `performed` is the backend on which the dialogue was performed just now: its responses are then what that backend
    answered, and need not be asked for again.
    """

    dialogue: Dialogue
    problems: tuple[MessageProblem, ...] = ()
    unreadable: tuple[str, ...] = ()
    opening: Opening | None = None
    goal: tuple[Predicate, ...] = ()
    forbidden_tools: tuple[str, ...] = ()
    kind: str | None = None
    category: str | None = None
    max_customer_turns: int | None = None
    performed: Environment | None = field(default=None, repr=False)

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """The dialogue's turns."""
        return self.dialogue.turns

    @cached_property
    def lines(self) -> dict[str, list[tuple[int, str]]]:
        """Every (turn, text) by role."""
        found: dict[str, list[tuple[int, str]]] = {"customer": [], "counsellor": [], "call": [], "response": []}
        for index, turn in enumerate(self.turns):
            found[turn.role].append((index, turn.text))
        return found

    @cached_property
    def given(self) -> frozenset[Given]:
        """What is known of how the dialogue came about."""
        known: dict[Given, object] = {
            "opening": self.opening,
            "goal": self.goal,
            "kind": self.kind,
            "category": self.category,
        }
        return frozenset(name for name, value in known.items() if value)

    @cached_property
    def tools(self) -> ToolSet:
        """The declared tools."""
        return read_tools(self.dialogue.tools)

    @cached_property
    def is_delivery(self) -> bool:
        """Whether the tools are ours, so that the domain's own rules apply."""
        return bool(self.tools.specs) and self.tools.specs.keys() <= _OUR_TOOLS

    @cached_property
    def exchanges(self) -> list[Exchange]:
        """Every call with its response, in order; only where no S rule is broken is this all of them."""
        found: list[Exchange] = []
        spoken = 0
        for index, turn in enumerate(self.turns):
            spoken += turn.role == "customer"
            if turn.role == "call" and index + 1 < len(self.turns):
                pairs = zip(turn.calls, self.turns[index + 1].responses, strict=False)
                found += [Exchange(index, call, index + 1, response, spoken) for call, response in pairs]
        return found

    @cached_property
    def argument_faults(self) -> list[tuple[int, ArgumentFault]]:
        """What is wrong with the arguments of every call of a declared tool, by turn (C02 to C06).

        The backend on which a dialogue was performed has held the arguments of each call to the same schemas.
        """
        specs, is_performed = self.tools.specs, self.performed is not None and self.is_delivery
        found: list[tuple[int, ArgumentFault]] = []
        for exchange in self.exchanges:
            spec = specs.get(exchange.call.name)
            if spec is not None:
                is_valid = is_performed and refusal_code(exchange.response) != "INVALID_ARGUMENT"
                found += [(exchange.turn, fault) for fault in spec.faults(exchange.call.arguments, is_valid=is_valid)]
        return found

    @cached_property
    def given_ids(self) -> list[GivenId]:
        """The UUIDs that calls of declared tools were given, in order; what is no UUID at all is left out."""
        found: list[GivenId] = []
        for exchange in self.exchanges:
            call, spec = exchange.call, self.tools.specs.get(exchange.call.name)
            for argument in spec.id_arguments if spec is not None else ():
                value = call.arguments.get(argument)
                for element in cast("list[object]", value) if isinstance(value, list) else (value,):
                    if isinstance(element, str) and is_uuid(element):
                        found.append(GivenId(exchange.turn, call.name, argument, element))
        return found

    @cached_property
    def named_ids(self) -> list[tuple[int, dict[str, str]]]:
        """The names of dishes and cart lines by id, as each response showed them; by the response's turn."""
        found: list[tuple[int, dict[str, str]]] = []
        for exchange in self.exchanges:
            response, names = as_object(exchange.response), dict[str, str]()
            for entry in (*as_list(response.get("menus")), *as_list(response.get("items"))):
                element = as_object(entry)
                dish = element.get("menu_item_id")
                name = element.get("menu_name", element.get("name") if "menu_item_id" in element else None)
                if isinstance(name, str):
                    names.update((key, name) for key in (dish, element.get("cart_item_id")) if isinstance(key, str))
            found.append((exchange.response_turn, names))
        return found

    @cached_property
    def evidence(self) -> Evidence:
        """What ids, numbers, dishes and restaurants were shown, and when."""
        dialogue = self.dialogue
        shown = [(exchange.response_turn, exchange.call.name, exchange.response) for exchange in self.exchanges]
        return gather_evidence(dialogue.system_prompt, dialogue.uid, self.lines["customer"], shown)

    @cached_property
    def stage(self) -> Environment | str | None:
        """A fresh backend, or why the opening cannot be performed; None without an opening. `replay` uses it up."""
        if self.opening is None or self.performed is not None:
            return self.performed
        try:
            return Environment(self.opening, build_catalogue(self.opening.catalogue_seed))
        except ConfigError as error:
            return str(error)

    @cached_property
    def replay(self) -> Replay | None:
        """Every call executed again, in order; None where there is no opening, or none that can be performed."""
        environment = self.stage
        if not isinstance(environment, Environment):
            return None
        if environment is self.performed:
            return self._recall(environment)
        replay = Replay(environment, Handles(environment), [], [], [])
        for exchange in self.exchanges:
            name, arguments = exchange.call.name, exchange.call.arguments
            answer = environment.execute(name, arguments)
            replay.executed.append(ExecutedCall(name, arguments, answer, exchange.customer_turns))
            replay.answers.append(answer)
            replay.is_same.append(_is_same(answer, exchange.response))
        return replay

    def _recall(self, environment: Environment) -> Replay:
        """Return the replay of a dialogue that was performed on this very backend."""
        executed = [ExecutedCall(e.call.name, e.call.arguments, e.response, e.customer_turns) for e in self.exchanges]
        answers = [exchange.response for exchange in self.exchanges]
        return Replay(environment, Handles(environment), executed, answers, [True] * len(answers))

    @cached_property
    def texts(self) -> list[tuple[int | None, str]]:
        """Every string by turn (None: the system prompt); calls and responses as one JSON text each turn."""
        found: list[tuple[int | None, str]] = [(None, self.dialogue.system_prompt)]
        for index, turn in enumerate(self.turns):
            found.append((index, turn.text or _write([*turn.responses, *((c.name, c.arguments) for c in turn.calls)])))
        return found


def case_from_dialogue(dialogue: Dialogue, scenario: Scenario, performed: Environment | None = None) -> Case:
    """Return the case of a performed dialogue; `performed` is the backend on which it was, if it is still there."""
    return Case(
        dialogue,
        opening=scenario.opening,
        goal=scenario.goal,
        forbidden_tools=scenario.forbidden_tools,
        kind=scenario.kind,
        category=scenario.category,
        max_customer_turns=scenario.max_customer_turns,
        performed=performed,
    )


def unreadable_case(problem: str, scenario: Scenario) -> Case:
    """Return the case of an answer from which no dialogue could be made."""
    empty = Dialogue(uid=scenario.uid, date=scenario.date, system_prompt="", turns=())
    return Case(empty, unreadable=(problem,), kind=scenario.kind, category=scenario.category)


def iter_spoken(case: Case, *roles: str) -> Iterator[tuple[int, str]]:
    """Yield (turn, text) of the turns of these roles, in order."""
    if len(roles) == 1:
        return iter(case.lines[roles[0]])
    return iter(sorted(line for role in roles for line in case.lines[role]))


def hear_before(case: Case, turn: int) -> list[str]:
    """Return the customer's lines before a turn, in order."""
    return [text for index, text in case.lines["customer"] if index < turn]


def find_last_line(case: Case, turn: int) -> int:
    """Return the turn of the customer's last line before a turn, -1 where there is none."""
    return max((index for index, _ in case.lines["customer"] if index < turn), default=-1)


def _is_same(answer: object, response: object) -> bool:
    """Compare bytes first, which is ten times faster than a walk; only where key order differs does the walk decide.

    What orjson cannot write, numbers beyond 64 bits above all, the walk compares.
    """
    try:
        return orjson.dumps(answer) == orjson.dumps(response) or is_same_json(answer, response)
    except TypeError:
        return is_same_json(answer, response)


def _write(value: object) -> str:
    """Write as JSON; what cannot be written breaks S08 or S09 and needs no other rule."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return ""
