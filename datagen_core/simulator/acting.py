"""Decides how a brief is played: who speaks when, which calls stand between, and where the dialogue ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from random import Random
from typing import Final, NamedTuple, cast

from datagen_core.config import TOOLS, Kind, Withheld
from datagen_core.dialogue.script import ScriptRole
from datagen_core.files import JsonObject
from datagen_core.plans import PlannedCall, Step, part_calls
from datagen_core.simulator import phrases, talk
from datagen_core.simulator.counsellor import Counsellor
from datagen_core.simulator.customer import Customer
from datagen_core.simulator.phrases import Bank
from datagen_core.simulator.reading import Brief
from datagen_core.simulator.scene import build_scene
from datagen_core.simulator.speaker import Exchange

_GREETING_SHARES: Final = {"조금씩": 0.22, "한 번에": 0.06}
_LEAVE_SHARE: Final = 0.4
_LOOK_FIRST_SHARE: Final = 0.6
_LOOKED_UP_FIRST: Final[frozenset[Withheld]] = frozenset({"배송지", "항목", "옵션"})
"""What a counsellor may look up before asking, so as to name the choices."""

_PARTING: Final[Mapping[Kind, tuple[Bank, float]]] = {
    "unsupported": (talk.ACCEPTS, 1.0),
    "near_miss": (talk.DECLINES_OFFER, 1.0),
    "off_domain": (talk.GOES_BACK, 0.7),
    "direct_answer": (talk.UNDERSTANDS, 0.7),
}
"""How often, and with which lines, the customer takes up what was said; other kinds thank now and then."""


class Beat(NamedTuple):
    """One turn of a script: words, or a planned call with what the rehearsed backend answered.

    A call that `joins` is made at once with the call before.
    """

    role: ScriptRole
    text: str = ""
    call: PlannedCall | None = None
    response: object = None
    joins: bool = False


def act(brief: Brief, rng: Random) -> list[Beat]:
    """Return the flawless script of a brief; draws from `rng` only."""
    beats = _Play(brief, rng).perform()
    return _join_calls(beats) if brief.parallel_calls else beats


def _join_calls(beats: Sequence[Beat]) -> list[Beat]:
    """Put calls that need nothing of each other into one turn."""
    joined: list[Beat] = []
    for is_call, group in groupby(beats, key=lambda beat: beat.call is not None):
        run = list(group)
        if not is_call:
            joined += run
            continue
        for part in part_calls([beat.call.tool for beat in run if beat.call is not None]):
            joined += [run[position]._replace(joins=n > 0) for n, position in enumerate(part)]
    return joined


def render_script(beats: Sequence[Beat]) -> JsonObject:
    """Return the script as the strict schema wants it: every argument present, those not given null."""
    turns: list[list[Beat]] = []
    for beat in beats:
        if beat.joins and turns and turns[-1][-1].call is not None:
            turns[-1].append(beat)
        else:
            turns.append([beat])
    return {"turns": [_render_turn(turn) for turn in turns]}


class _Play:
    def __init__(self, brief: Brief, rng: Random) -> None:
        self._brief = brief
        self._rng = rng
        self._scene = build_scene(brief)
        self._customer = Customer(self._scene, rng)
        self._counsellor = Counsellor(self._scene, rng)
        self._beats: list[Beat] = []

    def perform(self) -> list[Beat]:
        groups = list(_group(self._brief.steps))
        has_greeted = self._rng.random() < _GREETING_SHARES[self._brief.persona.amount]
        if has_greeted:
            self._exchange_words(self._customer.say(phrases.GREETINGS), self._counsellor.greet())
        for number, group in enumerate(groups):
            line = self._customer.ask(group, is_first=number == 0 and not has_greeted)
            self._beats.append(Beat("customer", line))
            upcoming = groups[number + 1][0] if number + 1 < len(groups) else None
            self._serve(group, upcoming)
        self._part()
        return self._beats

    def _serve(self, group: Sequence[Step], upcoming: Step | None) -> None:
        told: list[str] = []
        for step in group:
            done = self._carry_out(step)
            is_last_change = step is group[-1] or group[-1].intent not in ("add", "update", "remove")
            told.append(self._counsellor.tell(step, done, with_sum=is_last_change and group[-1].intent != "checkout"))
            self._scene.finish(step)
        lead = next((step for step in group if step.intent == "checkout" and step.refused is None), group[-1])
        if not told[-1].endswith("?") or lead.intent == "checkout":
            told.append(self._counsellor.offer_more(lead, upcoming))
        parts = [part if position == 0 else part.removeprefix("네, ") for position, part in enumerate(told)]
        self._beats.append(Beat("counsellor", " ".join(part for part in parts if part)))

    def _carry_out(self, step: Step) -> list[Exchange]:
        """Ask for what is left out, and make the calls."""
        calls = self._scene.rehearsal.plan(step)
        done: list[Exchange] = []
        if step.withhold is not None:
            looks_first = step.withhold in _LOOKED_UP_FIRST and self._rng.random() < _LOOK_FIRST_SHARE
            while looks_first and not calls[0].is_asked:
                done.append(self._execute(calls.pop(0)))
            question = self._counsellor.asker.ask(step, done)
            self._exchange_words(question, self._customer.answer(step), asks_first=True)
        return done + [self._execute(call) for call in calls]

    def _execute(self, call: PlannedCall) -> Exchange:
        response = self._scene.execute(call)
        self._beats.append(Beat("call", call=call, response=response))
        return Exchange(call, response)

    def _exchange_words(self, first: str, second: str, *, asks_first: bool = False) -> None:
        roles: tuple[ScriptRole, ScriptRole] = ("counsellor", "customer") if asks_first else ("customer", "counsellor")
        self._beats += [Beat(roles[0], first), Beat(roles[1], second)]

    def _part(self) -> None:
        bank, share = _PARTING.get(self._brief.kind, (self._choose_thanks(), _LEAVE_SHARE))
        if self._brief.steps[-1].request in talk.GREETING_REQUESTS:
            bank = talk.SEE_YOU
        if self._rng.random() < share:
            has_helped = self._brief.kind not in ("unsupported", "near_miss", "off_domain")
            self._exchange_words(
                self._customer.say(bank),
                self._counsellor.take_leave(has_helped=has_helped, has_ordered=self._has_ordered()),
            )

    def _has_ordered(self) -> bool:
        return any(step.intent == "order" and step.refused is None for step in self._brief.steps)

    def _choose_thanks(self) -> Bank:
        if self._brief.steps[-1].intent == "checkout":
            return phrases.NOT_YET
        return phrases.NOTHING_MORE if self._beats[-1].text.endswith("?") else phrases.THANKS


def _group(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Put what is said in one line together."""
    group: list[Step] = []
    for step in steps:
        if group and not step.together:
            yield group
            group = []
        group.append(step)
    if group:
        yield group


def _list_arguments(tool: JsonObject) -> tuple[str, list[str]]:
    function = cast("JsonObject", tool["function"])
    properties = cast("JsonObject", cast("JsonObject", function["parameters"])["properties"])
    return str(function["name"]), [name for name in properties if name != "user_id"]


_ARGUMENTS: Final = dict(map(_list_arguments, TOOLS))


def _render_turn(beats: Sequence[Beat]) -> JsonObject:
    calls = [_render_call(beat.call) for beat in beats if beat.call is not None]
    if not calls:
        return {"role": beats[0].role, "text": beats[0].text}
    return {"role": "call", **calls[0]} if len(calls) == 1 else {"role": "calls", "calls": calls}


def _render_call(call: PlannedCall) -> JsonObject:
    return {"tool": call.tool, "args": {name: call.arguments.get(name) for name in _ARGUMENTS[call.tool]}}
