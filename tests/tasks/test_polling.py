"""Polling is retried while it can help, and no longer."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.states import exception_to_failed_state

from datagen_core.batch.client import AnswerLost, RequestRefused
from datagen_core.errors import BatchFailed, BatchNotReady, LedgerError, MissingKeyError, SubmissionUnknown
from tasks.batch import count_looks, is_passing, is_passing_soon, space_looks


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (BatchNotReady("b", status="in_progress", completed=1, total=2), True),
        (AnswerLost("no answer"), True),
        (RequestRefused("out of reach", status=0), True),
        (RequestRefused("busy", status=429), True),
        (RequestRefused("in trouble", status=503), True),
        (RequestRefused("wrong key", status=401), False),
        (RequestRefused("no such batch", status=404), False),
        (SubmissionUnknown("the answer was lost"), True),
        (BatchFailed("refused"), False),
        (LedgerError("another project"), False),
        (MissingKeyError("OPENAI_API_KEY", provider="openai"), False),
        (RuntimeError("a bug"), False),
    ],
    ids=repr,
)
def test_only_what_may_pass_is_retried(error: Exception, expected: bool) -> None:
    state = asyncio.run(exception_to_failed_state(error))
    assert is_passing(cast("Any", None), cast("Any", None), state) is expected
    assert asyncio.run(is_passing_soon(cast("Any", None), cast("Any", None), state)) is expected


@given(st.floats(0.05, 3600))
def test_looks_come_at_the_users_interval_then_further_apart_and_never_closer(interval: float) -> None:
    delays = space_looks(interval)
    assert delays[:10] == [interval] * 10
    assert delays == sorted(delays)
    assert max(delays) <= max(interval, 600)
    assert len(delays) <= 50  # Prefect takes no more for one task


@given(st.floats(1, 3600), st.floats(3600, 8 * 86_400))
def test_there_are_looks_enough_for_the_window_whatever_the_jitter(interval: float, seconds: float) -> None:
    delays = space_looks(interval)
    n_looks = count_looks(seconds, delays)
    waited = sum(delays) + delays[-1] * max(0, n_looks - len(delays))
    assert waited * 0.9 >= seconds


def test_a_batch_that_takes_its_whole_window_costs_few_looks() -> None:
    assert count_looks(26 * 3600, space_looks(60)) < 250
