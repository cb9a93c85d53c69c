"""Decides which request, and which new batch, meets which fault."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from datagen_core.files import JsonObject
from datagen_core.simulator.faults import Call, Fault


class _Armed:
    """A fault, with how many of those it could apply to it has let pass, and how many met it."""

    def __init__(self, fault: Fault) -> None:
        self.fault, self.n_passed, self.n_met = fault, 0, 0

    @property
    def is_used_up(self) -> bool:
        return self.fault.times is not None and self.n_met >= self.fault.times

    def strike(self) -> bool:
        """Count one that the fault could apply to; True where it does."""
        if self.is_used_up:
            return False
        if self.n_passed < self.fault.skip:
            self.n_passed += 1
            return False
        self.n_met += 1
        return True


class FaultPlan:
    """The faults that are to come, in order. Every method may be called from any thread.

    A request meets the first fault that is due, and those behind it do not count it; a new batch meets all that are
    due, since several may befall it. Counts are not kept beyond the process.
    """

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._armed = [_Armed(fault) for fault in faults]
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        """Add faults behind the others."""
        with self._lock:
            self._armed += [_Armed(fault) for fault in faults]

    def clear(self) -> None:
        """Let everything go well from now on; batches keep the faults that they were created with."""
        with self._lock:
            self._armed = []

    def take_for_request(self, call: Call) -> Fault | None:
        """Return the fault that a request to this endpoint meets, and count it."""
        with self._lock:
            return next((a.fault for a in self._armed if a.fault.applies_to(call) and a.strike()), None)

    def take_for_batch(self) -> tuple[Fault, ...]:
        """Return the faults that a batch meets which is created now, and count them."""
        with self._lock:
            return tuple(a.fault for a in self._armed if a.fault.kind.scope != "request" and a.strike())

    def describe(self) -> list[JsonObject]:
        """Return every fault with its counts: `passed` (of `skip`) and `met` (of `times`)."""
        with self._lock:
            return [
                {**a.fault.model_dump(exclude_defaults=True), "passed": a.n_passed, "met": a.n_met} for a in self._armed
            ]
