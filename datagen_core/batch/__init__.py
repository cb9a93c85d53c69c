"""Decides how requests are submitted to a Batch API server exactly once, waited for, and their results brought home."""

from datagen_core.batch.client import AnswerLost, BatchClient, RequestRefused
from datagen_core.batch.models import BatchCounts, BatchIssue, BatchStatus, Outcome, Submitted
from datagen_core.batch.outcomes import PAID_OUTCOMES, Result, RowError, Usage
from datagen_core.batch.poll import (
    DEADLINE_SECONDS,
    check_batch,
    describe_issues,
    is_worth_resubmitting,
    require_ended,
    require_in_time,
)
from datagen_core.batch.retrieve import retrieve_by_id, retrieve_results
from datagen_core.batch.shards import split_requests
from datagen_core.batch.status import BatchInputStatus, ShardStatus, read_status, write_status
from datagen_core.batch.submit import METADATA_KEY, submission_key, submit_again, submit_once

__all__ = [
    "DEADLINE_SECONDS",
    "METADATA_KEY",
    "PAID_OUTCOMES",
    "AnswerLost",
    "BatchClient",
    "BatchCounts",
    "BatchInputStatus",
    "BatchIssue",
    "BatchStatus",
    "Outcome",
    "RequestRefused",
    "Result",
    "RowError",
    "ShardStatus",
    "Submitted",
    "Usage",
    "check_batch",
    "describe_issues",
    "is_worth_resubmitting",
    "read_status",
    "require_ended",
    "require_in_time",
    "retrieve_by_id",
    "retrieve_results",
    "split_requests",
    "submission_key",
    "submit_again",
    "submit_once",
    "write_status",
]
