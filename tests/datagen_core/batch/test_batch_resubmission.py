"""Refused shards: which are tried again, when, and what is raised."""

from __future__ import annotations

import pytest

from datagen_core.batch.resubmission import LONGEST_PAUSE, MAX_GENERATIONS, pause_seconds, plan_generations
from datagen_core.errors import BatchFailed


def refusal(*, is_queue_full: bool = False) -> BatchFailed:
    error = BatchFailed("refused")
    error.is_queue_full = is_queue_full
    return error


def test_only_refused_shards_count_up() -> None:
    full = refusal(is_queue_full=True)
    assert plan_generations([0, 3, 0], [None, full, full], [False, False, True]) == [0, 4, 1]


def test_what_waiting_does_not_cure_is_raised_unless_an_earlier_run_was_refused_it() -> None:
    billing = refusal()
    assert plan_generations([0], [billing], [True]) == [1]
    with pytest.raises(BatchFailed) as raised:
        plan_generations([0, 1], [None, billing], [True, False])
    assert raised.value is billing


def test_a_queue_that_stays_full_is_given_up_in_the_end() -> None:
    with pytest.raises(BatchFailed):
        plan_generations([MAX_GENERATIONS], [refusal(is_queue_full=True)], [False])


def test_pauses_grow_to_a_limit_and_earlier_refusals_cost_none() -> None:
    full = refusal(is_queue_full=True)
    pauses = [pause_seconds([n], [full], [False], interval=60) for n in range(40)]
    assert pauses[:3] == [60, 120, 180]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
    assert pause_seconds([5, 2], [full, None], [True, False], interval=60) == 0
