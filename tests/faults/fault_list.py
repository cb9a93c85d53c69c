"""Decides which faults stand in the table, with what parameters, and how each is expected to end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, get_args

from datagen_core.simulator import Fault
from datagen_core.simulator.batch_faults import REFUSALS
from datagen_core.simulator.faults import FAULTS, Call, FaultName

End = Literal["by itself", "when it is over", "told in time", "by other requests"]
"""`by itself`: the same commands end well while the fault is there. `when it is over`: they stop with an error, and end
well after the fault. `told in time`: nothing moves, the deadline passes, an error says so, and after the fault they end
well. `by other requests`: the provider refuses the file for good; requests written anew are taken."""


class Entry(NamedTuple):
    """One row: its faults, its end, how many batches the provider is to have been asked for, of two shards.

    `n_good` is how many of the eight requests the provider answers well and lets be read: as many the engine has to
    find. `error_rows` is the share of rows that the provider fails besides, so that there is an error file.
    """

    faults: tuple[Fault, ...]
    end: End = "by itself"
    n_batches: int = 2
    n_good: int = 8
    error_rows: float = 0.0


def _make(name: FaultName, *calls: Call, times: int | None = 1, **fields: float) -> tuple[Fault, ...]:
    """Return the fault once for each of these endpoints, or once for all that it applies to."""
    settings = {"name": name, "times": times, **fields}
    return tuple(Fault.model_validate({**settings, "route": call}) for call in calls or (None,))


def _build() -> dict[str, Entry]:
    entries = {
        **{name: Entry(_make(name, "files", "batches")) for name in _CREATING},
        "slow_commit": Entry(_make("slow_commit", "files", "batches", seconds=0.5)),
        "rate_limit": Entry(_make("rate_limit", *_EVERY, seconds=0.2)),
        "reset": Entry(_make("reset", *_EVERY)),
        "server_error": Entry(_make("server_error", *_EVERY)),
        "gateway_page": Entry(_make("gateway_page", *_EVERY)),
        "list_lag": Entry((*_make("list_lag", times=None, seconds=3), *_make("lose_response", "files", "batches"))),
        "file_not_found": Entry(_make("file_not_found", times=2)),
        "cut_download": Entry(_make("cut_download", times=2)),
        "slow_download": Entry(_make("slow_download", times=2, seconds=3)),
        "key_revoked": Entry(_make("key_revoked", times=None, skip=7), "when it is over"),
        "token_limit_exceeded": Entry(_make("token_limit_exceeded", times=2), n_batches=4),
        "unknown_status": Entry(_make("unknown_status", amount=6, times=None)),
        "unknown_status, for ever": Entry(_make("unknown_status"), "told in time"),
        "stuck_validating": Entry(_make("stuck_validating"), "told in time"),
        "stuck_finalizing": Entry(_make("stuck_finalizing"), "told in time"),
        "huge_row": Entry(_make("huge_row")),
        "huge_row, beyond 64 MB": Entry(_make("huge_row", size=70_000_000), n_good=7),
        "rows_foreign": Entry(_make("rows_foreign", amount=2)),
        "rows_doubled": Entry(_make("rows_doubled", amount=2)),
    }
    for code in (*(code for code in REFUSALS if code != "token_limit_exceeded"), "a_code_nobody_knows"):
        known = Entry((Fault(name="fail_validation", code=code),), "by other requests", n_batches=3)
        # What may pass is tried once more by the next run, the rest only with other requests.
        passing = known._replace(end="when it is over")
        entries[f"fail_validation: {code}"] = passing if code == "a_code_nobody_knows" else known
    for name in get_args(FaultName):
        if name not in entries and name != "fail_validation":
            amount = {"amount": 2} if FAULTS[name].scope == "rows" and name != "body_as_string" else {}
            error_rows = 0.4 if "error_file" in name else 0.0
            entries[name] = Entry(_make(name, times=None, **amount), n_good=_N_GOOD.get(name, 8), error_rows=error_rows)
    return entries


_CREATING: Final[tuple[FaultName, ...]] = ("drop_before_commit", "lose_response", "error_after_commit")
_EVERY: Final[tuple[Call, ...]] = ("files", "batches", "list_files", "list_batches", "file", "content", "batch")
_N_GOOD: Final[dict[FaultName, int]] = {
    **dict.fromkeys(("expire_partial", "cancel_partial", "rows_missing", "rows_length", "rows_refused"), 4),
    **dict.fromkeys(("rows_filtered", "rows_empty", "rows_400", "rows_429", "rows_500", "rows_no_response"), 4),
    **dict.fromkeys(("empty_error_file", "blank_error_file_id", "missing_error_file"), 5),
    "row_cut": 6,
    "no_output_file": 0,
}
ROWS: Final = _build()


def name_missing(names: Iterable[str] = get_args(FaultName)) -> set[str]:
    """Return the faults of the simulator that no row has."""
    shown = {str(fault.name) for entry in ROWS.values() for fault in entry.faults}
    return set(names) - shown
