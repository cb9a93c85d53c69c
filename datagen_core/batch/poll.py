"""Decides whether a batch has ended, and in time; why one was refused, and whether the same bytes may come again."""

from __future__ import annotations

from typing import Final

from datagen_core.batch.client import BatchClient
from datagen_core.batch.models import BatchStatus, Submitted
from datagen_core.errors import BatchError, BatchFailed, BatchNotReady

DEADLINE_SECONDS: Final = 26 * 3600
"""A batch's window is 24 h; two more for the provider to write its files. Counted from the submission."""
MAX_ISSUES_SHOWN = 10
FILE_FAULTS: Final = frozenset(
    {
        "duplicate_custom_id",
        "empty_file",
        "mismatched_model",
        "missing_required_parameter",
        "model_mismatch",
        "too_many_tasks",
        "url_mismatch",
    }
)
"""Codes of refusals for what stands in the file; so is every code that begins with `invalid_`."""


def check_batch(client: BatchClient, submitted: Submitted) -> BatchStatus:
    """Ask the provider once how the batch stands."""
    return client.fetch_batch(submitted.batch_id)


def require_ended(status: BatchStatus) -> None:
    """Return if there may be something to retrieve: completed, expired and cancelled batches hold paid output.

    Raises:
        BatchNotReady: the batch goes on, or its status is one we do not know.
        BatchFailed: the provider refused it as a whole; `is_worth_resubmitting` tells whether `submit_again` helps.
    """
    if not status.is_ended:
        counts = status.counts
        raise BatchNotReady(status.batch_id, status=status.status, completed=counts.completed, total=counts.total)
    if status.is_refused:
        raise BatchFailed(f"Batch {status.batch_id!r} was refused: {describe_issues(status)} {_advise(status)}")


def require_in_time(status: BatchStatus, submitted: Submitted, *, now: float) -> None:
    """Return if the batch has ended or may still end by itself; `now` is in epoch seconds.

    Raises:
        BatchError: the batch goes on, more than 26 hours after it was submitted.
    """
    if not status.is_ended and now - submitted.submitted_at > DEADLINE_SECONDS:
        raise BatchError(
            f"Batch {submitted.batch_id!r} is still {status.status} {DEADLINE_SECONDS // 3600} hours after it was "
            "submitted. Look at it in the provider's console; cancel it there to retrieve what it has."
        )


def is_worth_resubmitting(status: BatchStatus) -> bool:
    """Tell whether the same bytes may be accepted another time: the batch was refused, and not for the file's faults.

    A full queue and a spent budget pass; so may what we do not know, or what the provider gives no reason for.
    """
    return status.is_refused and not any(_is_fault_of_file(issue.code) for issue in status.errors)


def _is_fault_of_file(code: str | None) -> bool:
    name = (code or "").casefold()
    return name in FILE_FAULTS or name.startswith("invalid_")


def describe_issues(status: BatchStatus) -> str:
    """Return the provider's codes, lines and messages as one line of text, at most ten of them."""
    shown = [str(issue) for issue in status.errors[:MAX_ISSUES_SHOWN]]
    hidden = len(status.errors) - len(shown)
    if hidden:
        shown.append(f"and {hidden} more")
    return "; ".join(shown or ["the provider gave no reason"]).rstrip(".") + "."


def _advise(status: BatchStatus) -> str:
    if status.is_resubmittable:
        return "Nothing was billed. Once running batches have made room, submit the same requests again."
    if is_worth_resubmitting(status):
        return "Nothing was billed. See to what is named, then submit the same requests again."
    return (
        "Nothing was billed. The same file would be refused again: correct what is named, then write and submit the "
        "requests anew."
    )
