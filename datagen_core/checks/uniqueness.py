"""Decides what the rules on repetition say (U01 to U03); `dataset` applies them, as no single dialogue breaks one."""

from __future__ import annotations

from typing import Final

from datagen_core.checks.registry import dataset_rule

_HINT: Final = "다른 대화와 거의 같습니다. 다른 말로 씁니다."

dataset_rule(
    "U01",
    "No dialogue stands twice: white space, Unicode form and ids aside, and no scenario has two.",
    korean=_HINT,
)
dataset_rule(
    "U02",
    "No two customers say nearly the same (5-grams of characters, Jaccard 0.8), here and in published data.",
    korean=_HINT,
)
dataset_rule(
    "U03",
    "No training dialogue overlaps with gold: not what the customer says (Jaccard 0.6), nor the scenario.",
    korean=_HINT,
)
