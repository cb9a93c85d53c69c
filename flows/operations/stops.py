"""Decides what counts as being told to stop: Ctrl-C, SIGTERM, and the terminal's end; a second one is urgent."""

from __future__ import annotations

import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

LOOK_SECONDS: Final = 0.2


class Stopped(Exception):
    """We were told to stop while something was awaited."""


class Stops:
    """Counts how often we were told to stop."""

    def __init__(self) -> None:
        self.count = 0

    def is_wanted(self) -> bool:
        """Tell whether to stop."""
        return self.count > 0

    def is_urgent(self) -> bool:
        """Tell whether to stop without waiting for anything."""
        return self.count > 1

    def sleep(self, seconds: float) -> None:
        """Wait, no longer than until we are told to stop.

        Raises:
            Stopped: we are told to.
        """
        deadline = time.monotonic() + seconds
        while not self.is_wanted() and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_SECONDS))
        if self.is_wanted():
            raise Stopped


@contextmanager
def listening() -> Generator[Stops]:
    """Within the block, signals only count; processes started in it have Python's own answers to them.

    A shell starts what it runs in the background with Ctrl-C ignored, and that is inherited: Prefect's worker, which
    sends itself that signal, could then not be stopped but by force. A handler here is not inherited.
    """
    stops = Stops()

    def count(_: int, __: FrameType | None) -> None:
        stops.count += 1

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup: the terminal's end is none of our business
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, count) for number in numbers}
    try:
        yield stops
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
