"""Decides what every part of the counsellor has at hand: the scene, calls with answers, and a draw of words."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from datagen_core.plans import PlannedCall
from datagen_core.simulator.scene import Scene


class Exchange(NamedTuple):
    """A call and what the backend answered."""

    call: PlannedCall
    response: object


class Speaker:
    """Someone who chooses between ways of saying a thing."""

    def __init__(self, scene: Scene, rng: Random) -> None:
        self._scene = scene
        self._rng = rng

    def _pick(self, *options: str) -> str:
        return self._rng.choice(options)
