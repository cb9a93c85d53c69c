"""Decides how a scenario's id is read: its profile, seed and place, how it was sampled, and whom it stands in for."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple, cast

Profile = Literal["training", "gold"]

_ID: Final = re.compile(r"(training|gold)-(0|[1-9][0-9]{0,9})-([0-9]{6}|[1-9][0-9]{6,8})(-x[0-9a-f]{8})?(-t)?")
"""Matched whole, and exactly as ids are written; a seed has at most ten digits, as 2**31 has.

`-x…` stands for a sampling other than the default one, which an id cannot be sampled again from, `-t` for a transcript.
"""
_SUBSTITUTE: Final = re.compile(r"(.+)-s([1-9][0-9]{0,8})", re.DOTALL)
"""With a round's nine digits behind it, the longest id has 63 characters; a custom_id may have 64."""


class ScenarioId(NamedTuple):
    """What an id of ours says. `substitute` is 0 for a scenario that stands in for no other."""

    profile: Profile
    seed: int
    place: int
    is_default_sampling: bool
    is_transcript: bool
    substitute: int


def parse_scenario_id(scenario_id: str) -> ScenarioId | None:
    """Return what an id says; None where it is not one of ours."""
    base_id, substitute = split_substitute(scenario_id)
    match = _ID.fullmatch(base_id)
    if match is None:
        return None
    profile, seed, place = cast("Profile", match[1]), int(match[2]), int(match[3])
    return ScenarioId(profile, seed, place, match[4] is None, match[5] is not None, substitute)


def read_seed(scenario_id: str) -> int | None:
    """Return the seed that an id names; None where the id is not one of ours."""
    parsed = parse_scenario_id(scenario_id)
    return None if parsed is None else parsed.seed


def split_substitute(scenario_id: str) -> tuple[str, int]:
    """Return the id of the dialogue that was wanted, and which substitute for it this is: 0 where it is itself.

    `training-42-000017-s2` is the second substitute for `training-42-000017`. All of them are one wanted dialogue.
    """
    match = _SUBSTITUTE.fullmatch(scenario_id)
    return (match[1], int(match[2])) if match else (scenario_id, 0)


def render_substitute(scenario_id: str, number: int) -> str:
    """Return the id of a dialogue's substitute; `scenario_id` is the dialogue's own or that of another substitute.

    Raises:
        ValueError: substitutes are counted from 1, and have at most nine digits.
    """
    if not 0 < number < 10**9:
        raise ValueError(f"Substitutes are counted from 1 to 999999999, got {number}.")
    return f"{split_substitute(scenario_id)[0]}-s{number}"
