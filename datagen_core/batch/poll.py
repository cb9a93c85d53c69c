"""Decides whether a batch has ended, and what is said about one that the provider refused."""

from __future__ import annotations

from datagen_core.batch.client import BatchClient
from datagen_core.batch.models import BatchStatus, Submitted
from datagen_core.errors import BatchFailed, BatchNotReady

MAX_ISSUES_SHOWN = 10


def check_batch(client: BatchClient, submitted: Submitted) -> BatchStatus:
    """Ask the provider once how the batch stands."""
    return client.fetch_batch(submitted.batch_id)


def require_ended(status: BatchStatus) -> None:
    """Return if there may be something to retrieve: completed, expired and cancelled batches hold paid output.

    Raises:
        BatchNotReady: the batch goes on, or its status is one we do not know.
        BatchFailed: the provider refused it as a whole. Where `status.is_resubmittable`, the same shard may be
            submitted again with the next generation.
    """
    if not status.is_ended:
        counts = status.counts
        raise BatchNotReady(status.batch_id, status=status.status, completed=counts.completed, total=counts.total)
    if status.is_refused:
        raise BatchFailed(f"Batch {status.batch_id!r} was refused: {describe_issues(status)} {_advise(status)}")


def describe_issues(status: BatchStatus) -> str:
    """Return the provider's codes, lines and messages as one line of text, at most ten of them."""
    shown = [str(issue) for issue in status.errors[:MAX_ISSUES_SHOWN]]
    hidden = len(status.errors) - len(shown)
    if hidden:
        shown.append(f"and {hidden} more")
    return "; ".join(shown or ["the provider gave no reason"]).rstrip(".") + "."


def _advise(status: BatchStatus) -> str:
    if status.is_resubmittable:
        return "Nothing was billed; it is submitted again when running batches have made room."
    return "Nothing was billed. Correct the named lines or the account, then write and submit the requests again."
