"""Decides what keeps Prefect's server on its feet on SQLite. Run as `python -m flows.operations.serving server start`.

Two things go wrong in Prefect 3.8.8, on a busy machine every few minutes; neither does on Postgres.

In the event loop's thread, the garbage collector now and then finalizes a statement of a SQLite connection that waits,
in another thread, for the database's lock. The loop then waits as well, and with it whoever holds the lock, until
SQLite gives up after 60 seconds. Meanwhile the server stands still, and states and events are lost. Seen on CPython
3.11.

Automations read their bucket in a transaction that asks for the write lock only afterwards. Where somebody has written
in between, SQLite refuses at once, and the automation never hears of the event: a run that waited for a person was
marked as crashed, since nobody had heard that it was suspended.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

INTERVAL_SECONDS: Final = 20.0
"""Between two collections: the memory of a server peaked at 290 MB."""


def collect_in_thread() -> None:
    """Collect garbage in a thread from now on, and nowhere else."""
    gc.disable()
    threading.Thread(target=_collect, name="garbage collector", daemon=True).start()


def _collect() -> None:
    while True:
        time.sleep(INTERVAL_SECONDS)
        gc.collect()


def lock_before_reading() -> None:
    """Have automations wait for the write lock before they read what they are going to change."""
    from prefect.server.database import provide_database_interface
    from prefect.server.events import triggers

    @asynccontextmanager
    async def automations_session(begin_transaction: bool = False) -> AsyncGenerator[AsyncSession]:
        database = provide_database_interface()
        async with database.session_context(
            begin_transaction=begin_transaction, with_for_update=begin_transaction
        ) as session:
            yield session

    triggers.automations_session = automations_session  # pyright: ignore[reportPrivateImportUsage]


def main() -> None:
    """Run `prefect` with the arguments given."""
    collect_in_thread()
    lock_before_reading()
    from prefect.cli import app

    app()


if __name__ == "__main__":
    main()
