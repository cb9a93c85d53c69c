"""Decides what Ctrl-C does to a run: ask whether its batches go on at the provider, and say how to go on."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from types import FrameType

import typer
from rich.console import Console
from rich.status import Status

from datagen_core.errors import DatagenError
from datagen_core.settings import Provider
from flows.commands.places import console
from flows.operations.temporary import end_temporary_server, has_lasting_server

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C has ended, as shells have it."""


def ask_to_cancel(cancel: Callable[[], None], provider: Provider) -> None:
    """Ask, where there is somebody to ask, whether to cancel the batches at the provider; say how to go on.

    `cancel` cancels them and says what came of it. Without a terminal they are left running: what they answer is
    paid for either way, and is fetched by the same command.
    """
    console.print()
    if sys.stdin.isatty() and _wants_to_cancel():
        try:
            cancel()
        except (DatagenError, typer.Exit) as error:
            Console(stderr=True, soft_wrap=True).print(f"Not all were cancelled. {error}")
    elif provider == "openai":
        console.print("Stopped. What was submitted goes on at the provider; 'datagen cancel' ends it.")
    else:
        console.print("Stopped. The batches, which this process worked on, stand still until it goes on.")
    console.print("To go on from here: the same command")


@contextmanager
def ending_on_interrupt(conclude: Callable[[], None], spinner: Status) -> Generator[None]:
    """Within the block, Ctrl-C calls `conclude` and ends the process at once; a second one does not wait for it.

    Prefect would wait for its threads, which sleep until the next look at a batch. Nothing is lost by not waiting:
    whatever was done is on disk, and the next run finds it.
    """

    def end(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        spinner.stop()
        try:
            try:
                conclude()
            except DatagenError as error:
                told = f"Stopped. Batches that were submitted may go on at the provider. {error}"
                Console(stderr=True, soft_wrap=True).print(told, markup=False)
            _tell_prefect()
        finally:
            sys.stdout.flush()
            os._exit(INTERRUPTED)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _wants_to_cancel() -> bool:
    try:
        answer = input("Cancel the batches at the provider? What they have answered stays paid. [y/N] ")
    except (EOFError, KeyboardInterrupt):
        return False
    return answer.strip().casefold() in {"y", "yes"}


def _tell_prefect() -> None:
    """Mark the flow run as cancelled where a server keeps it; one that was started for this run ends with it."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import State
    from prefect.context import FlowRunContext
    from prefect.states import Cancelled

    logging.disable(logging.CRITICAL)  # Prefect's threads go on for a moment, and say that they cannot
    context = FlowRunContext.get()
    with suppress(Exception):  # the process ends in any case
        if has_lasting_server() and context is not None and context.flow_run is not None:
            with get_client(sync_client=True) as client:
                state: State[object] = Cancelled(message="Stopped by Ctrl-C.")
                client.set_flow_run_state(context.flow_run.id, state, force=True)
    end_temporary_server()
