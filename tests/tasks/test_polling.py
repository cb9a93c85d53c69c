"""Polling is retried while it can help, and no longer."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from prefect.states import exception_to_failed_state

from datagen_core.batch.client import AnswerLost, RequestRefused
from datagen_core.errors import BatchFailed, BatchNotReady, LedgerError, MissingKeyError, SubmissionUnknown
from tasks.batch import is_passing


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
