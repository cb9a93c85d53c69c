"""Decides how much shorter scripts are than their dialogues, counted on a sample in Qwen2.5's tokens."""

from __future__ import annotations

import re
from typing import Final
from zlib import crc32

from datagen_core.dataset.funnel import ScriptShare
from datagen_core.dialogue.models import Record
from datagen_core.dialogue.script import parse_script
from datagen_core.scenario_ids import split_substitute
from datagen_core.tokens import LONGEST_COUNTED, count_tokens

__all__ = [
    "COUNTED_EVERY",
    "FIRST_COUNTED",
    "LONGEST_COUNTED",
    "count_script",
    "count_tokens",
    "is_counted",
]

FIRST_COUNTED: Final = 64
"""The dialogues of this many scenarios at the start of a run are counted, so that a small run has a figure."""

COUNTED_EVERY: Final = 61
"""After those, one in so many: counting takes 2 ms, so about 0.03 ms a dialogue.

A prime, so that kinds and gold categories, which come round in eights and hundreds, are all met.
"""

_PLACE: Final = re.compile(r"-([0-9]{1,9})$")


def is_counted(scenario_id: str) -> bool:
    """Tell whether a scenario's dialogue is in the sample; so rounds and shards count the same ones as a whole run."""
    place = _PLACE.search(split_substitute(scenario_id)[0])
    if place is None:
        return crc32(scenario_id.encode("utf-8", "surrogatepass")) % COUNTED_EVERY == 0
    number = int(place[1])
    return number < FIRST_COUNTED or number % COUNTED_EVERY == 0


def count_script(share: ScriptShare, scenario_id: str, text: str, record: Record) -> None:
    """Add an answer that broke no rule and its record's messages to `share`, if the scenario is in the sample.

    What is no script (a transcript holds the responses as well) or is too long is left out.
    """
    if not is_counted(scenario_id):
        return
    messages = "\n".join(message["content"] for message in record["messages"])
    if max(len(text), len(messages)) > LONGEST_COUNTED or parse_script(text).problem is not None:
        return
    share.dialogues += 1
    share.script_tokens += count_tokens(text)
    share.dialogue_tokens += count_tokens(messages)
