"""Decides how a script becomes a dialogue: its calls executed on the backend, its handles turned into real values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple, cast

from datagen_core.config import TOOLS
from datagen_core.dialogue.models import Dialogue, ToolCall, Turn
from datagen_core.dialogue.script import Script, ScriptCall
from datagen_core.environment import Catalogue, Environment, Handles, build_catalogue
from datagen_core.environment.opening import Opening
from datagen_core.prompts import render_system_prompt

_SPOKEN: Final = re.compile(r"\{([OX][1-9][0-9]*)\}")
"""A value that only the backend knows may be spoken: order numbers, as `{O1}`."""

_HANDLE: Final = re.compile(r"[RMACOSX][1-9][0-9]*")

ID_ARGUMENTS: Final = frozenset(
    {
        "restaurant_id",
        "menu_item_id",
        "cart_item_id",
        "cart_item_ids",
        "address_id",
        "order_id",
        "snapshot",
    }
)
"""Arguments in which a handle stands for a real value; elsewhere `R1` is just text."""


def _order_of(function: Mapping[str, object]) -> list[str]:
    return list(cast("dict[str, object]", cast("dict[str, object]", function["parameters"])["properties"]))


_OUR_TOOLS: Final = tuple(TOOLS)
_ARGUMENT_ORDER: Final = {
    cast("str", function["name"]): _order_of(function)
    for function in (cast("dict[str, object]", tool["function"]) for tool in TOOLS)
}


class Performance(NamedTuple):
    """A dialogue and the backend on which it was performed, as it stands at the end."""

    dialogue: Dialogue
    environment: Environment


def perform(script: Script, opening: Opening) -> Dialogue:
    """Return the dialogue that the script becomes on the backend that `opening` describes; as `perform_on_stage`."""
    return perform_on_stage(script, opening).dialogue


def perform_on_stage(script: Script, opening: Opening, catalogue: Catalogue | None = None) -> Performance:
    """Return the dialogue that the script becomes on the backend that `opening` describes, and that backend.

    The catalogue is the one of `opening.catalogue_seed` unless another is given.
    Never raises for anything a script may hold: a handle that stands for nothing stays as it is, so that the backend
    refuses the call and the checks name it.
    """
    stage = _Stage(opening, catalogue or build_catalogue(opening.catalogue_seed))
    turns: list[Turn] = []
    for turn in script.turns:
        if turn.role == "call":
            turns += stage.perform_calls(turn.calls)
        else:
            turns.append(Turn(turn.role, text=stage.speak(turn.text)))
    dialogue = Dialogue(
        uid=opening.user_id,
        date=opening.now[:10],
        system_prompt=render_system_prompt(opening.user_id, opening.now[:10]),
        turns=tuple(turns),
        tools=_OUR_TOOLS,
    )
    return Performance(dialogue, stage.environment)


class _Stage:
    def __init__(self, opening: Opening, catalogue: Catalogue) -> None:
        self.environment = Environment(opening, catalogue)
        self._handles = Handles(self.environment)

    def perform_calls(self, calls: tuple[ScriptCall, ...]) -> tuple[Turn, Turn]:
        real = tuple(ToolCall(call.tool, self._fill(call)) for call in calls)
        responses = tuple(self.environment.execute(call.name, call.arguments) for call in real)
        return Turn("call", calls=real), Turn("response", responses=responses)

    def speak(self, text: str) -> str:
        return _SPOKEN.sub(lambda match: str(self._handles.resolve(match[1]) or match[0]), text)

    def _fill(self, call: ScriptCall) -> dict[str, object]:
        """Resolve handles, add `user_id`, and put the arguments into the order in which the tool declares them."""
        resolved = {
            name: self._resolve(value) if name in ID_ARGUMENTS else value for name, value in call.arguments.items()
        }
        order = _ARGUMENT_ORDER.get(call.tool, [])
        if "user_id" in order:
            resolved["user_id"] = self.environment.user_id
        known = [name for name in order if name in resolved]
        return {name: resolved[name] for name in [*known, *(name for name in resolved if name not in order)]}

    def _resolve(self, value: object) -> object:
        if isinstance(value, list):
            return [self._resolve(element) for element in cast("list[object]", value)]
        if not isinstance(value, str) or not _HANDLE.fullmatch(value):
            return value
        resolved = self._handles.resolve(value)
        return value if resolved is None else resolved
