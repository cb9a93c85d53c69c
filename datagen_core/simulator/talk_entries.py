"""Decides the form of what customers say and counsellors answer where no tool serves."""

from __future__ import annotations

from typing import NamedTuple

from datagen_core.simulator.phrases import Bank


class Refusable(NamedTuple):
    """What the counsellor cannot do: its name, what is offered instead (both noun phrases), how it is asked."""

    what: str
    offer: str
    asks: Bank


class Answerable(NamedTuple):
    """Something the counsellor answers without a tool: how it is asked, and answers that are true of this app."""

    asks: Bank
    answers: Bank
