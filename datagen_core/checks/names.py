"""Decides whether restaurants and dishes that are named were seen, and counts in words are right (G02, G04)."""

from __future__ import annotations

from collections.abc import Iterator

from datagen_core.checks.case import Case, iter_spoken
from datagen_core.checks.listed import find_wrong_counts
from datagen_core.checks.naming import find_strangers
from datagen_core.checks.registry import Finding, rule


@rule(
    "G02",
    "Restaurants and dishes that the counsellor names occur in responses before, or in the customer's words.",
    korean="응답이나 고객의 말에 아직 나오지 않은 식당과 메뉴의 이름을 말하지 않습니다.",
    families=("delivery",),
)
def check_names(case: Case) -> Iterator[Finding]:
    """Find names from nowhere: invented ones, and those of the catalogue that nobody has shown yet."""
    for turn, text in iter_spoken(case, "counsellor"):
        for name in dict.fromkeys(find_strangers(case, turn, text)):
            yield Finding(turn, f"{name!r} was neither shown nor named by the customer")


@rule(
    "G04",
    "Numbers of restaurants, dishes and addresses match the latest list.",
    severity="W",
    korean="'세 곳', '9가지'처럼 셀 때는 응답에 나온 수와 같게 말합니다.",
    families=("delivery",),
)
def check_counts(case: Case) -> Iterator[Finding]:
    """Find counts of a list's entries that are not how many it has."""
    for turn, text in iter_spoken(case, "counsellor"):
        for message in find_wrong_counts(case, turn, text):
            yield Finding(turn, message)
