"""Shards drip into the provider's queue: never over the limits, never stuck, refusals in due time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.batch.dripping import LONGEST_PAUSE, MAX_GENERATIONS, Drip, QueueLimits
from datagen_core.batch.models import Shard
from datagen_core.errors import BatchFailed


def shards(*tokens: int) -> list[Shard]:
    return [
        Shard(path=f"shard-{n}.jsonl", sha256=f"{n:064x}", rows=1, bytes=1, prompt_tokens=count)
        for n, count in enumerate(tokens)
    ]


def refusal(*, is_queue_full: bool = False) -> BatchFailed:
    error = BatchFailed("refused")
    error.is_queue_full = is_queue_full
    return error


limits = st.builds(
    QueueLimits,
    max_enqueued_tokens=st.none() | st.integers(1, 50),
    max_in_flight=st.none() | st.integers(1, 4),
)


@given(st.lists(st.integers(0, 40), max_size=12), limits, st.data())
def test_every_shard_goes_and_the_queue_is_never_over_its_limits(
    tokens: list[int], limits: QueueLimits, data: st.DataObject
) -> None:
    drip, now, order = Drip(shards(*tokens), limits), 0.0, list[int]()
    for _ in range(len(tokens) * 20 + 20):
        if drip.is_done:
            break
        while (number := drip.find_next(now)) is not None:
            drip.enter(number)
            order.append(number)
        flying = drip.in_flight
        assert flying or drip.seconds_until_next(now) is not None, "something has to go on"
        if limits.max_in_flight is not None:
            assert len(flying) <= limits.max_in_flight
        if limits.max_enqueued_tokens is not None and len(flying) > 1:
            assert sum(tokens[number] for number in flying) <= limits.max_enqueued_tokens
        if not flying:
            now += drip.seconds_until_next(now) or 0.0
            continue
        number = data.draw(st.sampled_from(flying))
        if drip.generation_of(number) < 3 and data.draw(st.booleans()):
            drip.take_back(number, refusal(is_queue_full=True), was_made_before=False, interval=60, now=now)
        else:
            drip.end(number)
    assert drip.is_done
    assert [n for k, n in enumerate(order) if n not in order[:k]] == list(range(len(tokens)))


def test_a_shard_larger_than_the_budget_goes_alone() -> None:
    drip = Drip(shards(10, 100, 10), QueueLimits(max_enqueued_tokens=50))
    drip.enter(0)
    assert drip.find_next(0) is None
    drip.end(0)
    assert drip.find_next(0) == 1
    drip.enter(1)
    assert drip.find_next(0) is None
    assert drip.seconds_until_next(0) is None


def test_a_full_queue_is_tried_again_after_longer_and_longer_pauses() -> None:
    drip, pauses = Drip(shards(1), QueueLimits()), list[float]()
    for _ in range(40):
        drip.enter(0)
        drip.take_back(0, refusal(is_queue_full=True), was_made_before=False, interval=60, now=1000)
        pauses.append(drip.seconds_until_next(1000) or 0)
        assert drip.find_next(1000) is None
    assert pauses[:3] == [60, 120, 180]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_what_an_earlier_run_was_refused_is_tried_once_more_at_once() -> None:
    drip = Drip(shards(1), QueueLimits())
    drip.enter(0)
    drip.take_back(0, refusal(), was_made_before=True, interval=60, now=1000)
    assert (drip.find_next(1000), drip.generation_of(0)) == (0, 1)
    drip.enter(0)
    billing = refusal()
    with pytest.raises(BatchFailed) as raised:
        drip.take_back(0, billing, was_made_before=False, interval=60, now=1000)
    assert raised.value is billing


def test_a_queue_that_stays_full_is_given_up_in_the_end() -> None:
    drip = Drip(shards(1), QueueLimits())
    for _ in range(MAX_GENERATIONS):
        drip.enter(0)
        drip.take_back(0, refusal(is_queue_full=True), was_made_before=False, interval=0, now=0)
    drip.enter(0)
    with pytest.raises(BatchFailed):
        drip.take_back(0, refusal(is_queue_full=True), was_made_before=False, interval=0, now=0)
