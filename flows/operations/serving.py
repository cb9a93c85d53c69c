"""Decides how Prefect's server collects garbage: in a thread of its own. Run as `python -m flows.operations.serving`.

In the event loop's thread, the collector now and then finalizes a statement of a SQLite connection that waits, in
another thread, for the database's lock. The loop then waits as well, and with it whoever holds the lock, until SQLite
gives up after 60 seconds. Meanwhile the server stands still, and states and events are lost. Seen with Prefect 3.8.8 on
CPython 3.11, every few minutes on a busy machine; not on Postgres.
"""

from __future__ import annotations

import gc
import threading
import time
from typing import Final

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


def main() -> None:
    """Run `prefect` with the arguments given."""
    collect_in_thread()
    from prefect.cli import app

    app()


if __name__ == "__main__":
    main()
