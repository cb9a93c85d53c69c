"""Decides whether a batch has ended, and in time; why one was refused, and whether the same bytes may come again."""

from __future__ import annotations

import re
from typing import Final

from datagen_core.batch.api import BatchApi
from datagen_core.batch.models import BatchStatus, Submitted
from datagen_core.errors import BatchError, BatchFailed, BatchNotReady

WINDOW_SECONDS: Final = 24 * 3600
"""The window that OpenAI's Batch API has; other providers' profiles may name a longer one."""
GRACE_SECONDS: Final = 2 * 3600
"""How long after its window a provider may take to write a batch's files."""
DEADLINE_SECONDS: Final = WINDOW_SECONDS + GRACE_SECONDS
STUCK_SECONDS: Final = {"validating": 3600.0, "finalizing": 2 * 3600.0}
"""How long these phases, which take seconds to minutes, may last before the user is told; the figures are ours."""
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


def check_batch(client: BatchApi, submitted: Submitted) -> BatchStatus:
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


def read_window(window: str) -> int:
    """Return the seconds of a completion window such as `24h` or `7d`; 24 hours where it reads otherwise."""
    match = re.fullmatch(r"([1-9][0-9]{0,3})([hd])", window)
    return int(match[1]) * (3600 if match[2] == "h" else 86_400) if match else WINDOW_SECONDS


def require_in_time(
    status: BatchStatus, submitted: Submitted, *, now: float, window_seconds: float = WINDOW_SECONDS
) -> None:
    """Return if the batch has ended or may still end by itself; `now` is in epoch seconds.

    The time counts from the submission, whatever was restarted meanwhile.

    Raises:
        BatchError: the batch goes on, more than two hours after its window closed.
    """
    if not status.is_ended and now - submitted.submitted_at > window_seconds + GRACE_SECONDS:
        advice = (
            "Cancel it with 'datagen cancel', then run the same command again: what it has answered is kept, and the "
            "rest is asked for again."
            if status.status in {"validating", "in_progress"}
            else "It cannot be cancelled in this state: ask the provider, and run the same command again when it ends."
        )
        raise BatchError(
            f"Batch {submitted.batch_id!r} is still {status.status} {(now - submitted.submitted_at) / 3600:.0f} hours "
            f"after it was submitted. {advice}"
        )


def describe_stuck(status: BatchStatus, submitted: Submitted, *, now: float) -> str | None:
    """Return what to tell the user of a batch that validates or finalizes for unusually long; None of any other."""
    since = submitted.submitted_at if status.status == "validating" else status.finalizing_at
    limit = STUCK_SECONDS.get(status.status)
    if limit is None or since is None or now - since < limit:
        return None
    advice = "; 'datagen cancel' ends it" if status.status == "validating" else ""
    return (
        f"Batch {status.batch_id!r} has been {status.status} for {(now - since) / 3600:.1f} hours, which mostly takes "
        f"minutes. Look at the provider's status page{advice}. Waiting goes on."
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
