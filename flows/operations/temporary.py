"""Decides how a run gets a Prefect server where none is set: one of its own, which starts while the flow is imported.

Prefect would do that too, but only once the flow begins, and would import all of its server in the run's process
before: a run began 3 seconds later. What is started is the same application, with the same settings and database.
Run as `python -m flows.operations.temporary FD`, on the listening socket it inherits.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from datagen_core.errors import OperationError
from flows.operations.children import start_child
from flows.operations.environment import HOST, is_answering
from flows.operations.serving import collect_in_thread

PATIENCE: Final = 120.0
"""Seconds: the first start of all makes the database, which takes 8 on an idle machine."""
STOP_PATIENCE: Final = 5.0
LOOK_SECONDS: Final = 0.05
PARENT_SECONDS: Final = 1.0


class TemporaryServer:
    """A server of this process, which ends with it."""

    def __init__(self) -> None:
        self._logs = Path(mkdtemp(prefix="datagen-"))
        with socket.create_server((HOST, 0)) as listening:
            self.url = f"http://{HOST}:{listening.getsockname()[1]}/api"
            number = listening.fileno()
            self._child = start_child(
                "temporary Prefect server",
                [sys.executable, "-P", "-m", "flows.operations.temporary", str(number)],
                self._logs / "server.log",
                folder=Path.cwd(),
                pass_fds=[number],
            )
        # Not earlier: Prefect sends its last logs and events when the process ends.
        atexit.register(self.end)

    def await_ready(self) -> None:
        """Return once the server answers.

        Raises:
            OperationError: it ended, or does not answer in time; shows the end of its log.
        """
        deadline = time.monotonic() + PATIENCE
        while not is_answering(self.url):
            self._child.require_running()
            if time.monotonic() > deadline:
                raise OperationError(
                    f"Prefect's server did not start within {PATIENCE:g} s. Its log:\n{self._child.read_tail()}"
                )
            time.sleep(LOOK_SECONDS)
        self._remove_log()

    def end(self) -> None:
        """End it, and wait until it is gone."""
        self._child.stop(signal.SIGTERM, patience=STOP_PATIENCE, is_urgent=lambda: False)
        self._remove_log()

    def _remove_log(self) -> None:
        """Leave nothing behind, however this process ends: what is written from now on is nowhere."""
        shutil.rmtree(self._logs, ignore_errors=True)


_started: list[TemporaryServer] = []
"""The one of this process, if any."""


@contextmanager
def temporary_server() -> Generator[Callable[[], None]]:
    """Give Prefect's client a server for the block where the user has set none and Prefect may start its own.

    What is given is to be called before the server is needed: it waits until it is there, and may raise
    `OperationError`. One server serves all blocks of a process.
    """
    from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL, get_current_settings, temporary_settings

    settings = get_current_settings()
    if settings.api.url is not None or not settings.server.ephemeral.enabled:
        yield lambda: None
        return
    if not _started:
        _started.append(TemporaryServer())
    server = _started[0]
    with temporary_settings({PREFECT_API_URL: server.url, PREFECT_UI_URL: ""}):
        yield server.await_ready


def end_temporary_server() -> None:
    """End the server that this process has started, if it has: for a process that ends without its usual steps."""
    for server in _started:
        server.end()


def has_lasting_server() -> bool:
    """Tell whether there is a server that stays when the run is over, and that others reach."""
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    return url is not None and url not in {server.url for server in _started}


def main() -> None:
    """Serve on the socket whose number is given, until the process that started us is gone."""
    threading.Thread(target=_end_with, args=(os.getppid(),), name="parent", daemon=True).start()
    collect_in_thread()
    # As Prefect starts its own: without the UI, without the services of a server that lasts.
    os.environ |= {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
    import uvicorn

    config = uvicorn.Config("prefect.server.api.server:create_app", factory=True, log_level="error", lifespan="on")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
