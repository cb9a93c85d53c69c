"""Patterns that look at the first character find all that they would find without that look."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import ModuleType
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datagen_core.checks import privacy, tokens

_LOOK = re.compile(r"\(\?=\[(?:\\.|[^\]\\])+\]\)")


def list_patterns(module: ModuleType) -> Iterator[re.Pattern[str]]:
    """Yield the patterns of a module that begin with a look, also those that stand in its tables."""
    for value in cast("dict[str, object]", vars(module)).values():
        for entry in cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,):
            found = cast("object", entry if isinstance(entry, re.Pattern) else getattr(entry, "pattern", None))
            pattern = cast("re.Pattern[str]", found) if isinstance(found, re.Pattern) else None
            if pattern is not None and _LOOK.match(pattern.pattern):
                yield pattern


PATTERNS = [*list_patterns(tokens), *list_patterns(privacy)]


def test_the_patterns_are_found() -> None:
    assert len(PATTERNS) > 10


@pytest.mark.slow
@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.pattern[:24])
def test_a_look_at_the_first_character_hides_nothing(pattern: re.Pattern[str]) -> None:
    plain = re.compile(_LOOK.sub("", pattern.pattern, count=1), pattern.flags)

    @settings(max_examples=200, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.from_regex(plain))
    def finds_the_same(text: str) -> None:
        found, expected = pattern.search(text), plain.search(text)
        assert expected is not None
        assert found is not None
        assert found.span() == expected.span()

    finds_the_same()
