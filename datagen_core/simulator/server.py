"""Decides how a simulator is started and stopped.

One process a state folder, 127.0.0.1 only, one daemon thread for HTTP and one for the batches.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import uvicorn
from filelock import FileLock, Timeout
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from datagen_core.errors import ConfigError, OutputError, PortTakenError
from datagen_core.simulator.answers import Writer
from datagen_core.simulator.api import Api
from datagen_core.simulator.door import Door, Inspect
from datagen_core.simulator.engine import Engine
from datagen_core.simulator.fault_plan import FaultPlan
from datagen_core.simulator.misbehaving import TRANSPORT
from datagen_core.simulator.settings import SimulatorSettings
from datagen_core.simulator.store import Store
from datagen_core.simulator.wire import Clock

HOST: Final = "127.0.0.1"
N_WRITER_THREADS: Final = 8
_GRACE_SECONDS: Final = 0.5
# A poller that asks once a minute keeps its connection: the server never closes it under a request.
_KEEP_ALIVE_SECONDS: Final = 120


class SimulatorServer:
    """An embedded server that speaks OpenAI's Batch API, with its state in a folder.

    Use it as a context manager, or `start()` and `stop()`; after `stop()` it may be started again, and goes on with the
    batches where they were. Killing the process loses nothing but the last twentieth of a second of work, which is
    done again. The batch thread and the HTTP thread are daemons.

    `faults` says what goes wrong, and may be changed at any time. `inspect` sees each request under /v1 before it is
    answered; what it raises is noted in `objections`, and the request refused.
    """

    def __init__(
        self,
        state_dir: Path,
        writer: Writer,
        settings: SimulatorSettings | None = None,
        *,
        port: int = 0,
        clock: Clock = time.time,
        inspect: Inspect | None = None,
    ) -> None:
        self._state_dir, self._writer, self._port, self._clock = state_dir, writer, port, clock
        self._settings = settings or SimulatorSettings()
        self._inspect = inspect
        self.objections: list[str] = []
        self.faults = FaultPlan(self._settings.faults)
        self._running: _Running | None = None

    def start(self) -> Self:
        """Start serving and return itself once requests are answered.

        Raises:
            ConfigError: another simulator runs on the state folder, or a newer version wrote it.
            InputFileError: the state is damaged.
            OutputError: the state folder cannot be written.
            PortTakenError: the port is taken.
        """
        if self._running is not None:
            return self
        lock = _lock_folder(self._state_dir)
        try:
            listener = _listen(self._port)
            try:
                store = Store(self._state_dir)
            except BaseException:
                listener.close()
                raise
        except BaseException:
            lock.release()
            raise
        store.sweep()
        engine = Engine(store, self._writer, self._settings, clock=self._clock)
        executor = ThreadPoolExecutor(N_WRITER_THREADS, thread_name_prefix="simulator-writer")
        api = Api(store, engine, self._writer, self._settings, executor, self.faults, clock=self._clock)
        app = api.build_app()
        if self._inspect is not None:
            app = Door(app, self._inspect, self.objections)
        port = int(listener.getsockname()[1])
        http = _HttpThread(app, listener)
        self._running = _Running(lock, store, engine, executor, http, port)
        engine.start()
        http.start()
        return self

    def stop(self) -> None:
        """Stop serving; batches stand still until the next start. Safe to call twice."""
        if self._running is None:
            return
        running, self._running = self._running, None
        running.engine.ask_to_stop()
        running.http.stop()
        running.engine.join()
        running.executor.shutdown()
        running.store.close()
        running.lock.release()

    def serve_forever(self) -> None:
        """Serve until interrupted (Ctrl-C), then stop."""
        self.start()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass
        finally:
            self.stop()

    @property
    def base_url(self) -> str:
        """The URL for `OPENAI_BASE_URL`, with its port and `/v1`."""
        return f"http://{HOST}:{self._get_running().port}/v1"

    @property
    def identity(self) -> str:
        """The name of this state folder, whatever the port: `simulator:<uuid>`."""
        return f"simulator:{self._get_running().store.identity}"

    def _get_running(self) -> _Running:
        if self._running is None:
            raise RuntimeError("The simulator is not running; call start() first.")
        return self._running

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class _Uvicorn(uvicorn.Server):
    """Says when it listens, and stops when it is told; uvicorn itself looks ten times a second, and waits."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()
        self._told_to_stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        counter = 0
        while not await self.on_tick(counter):
            counter += 10  # Every tenth tick of uvicorn's renews the Date header.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told_to_stop.wait(), timeout=1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        deadline = time.monotonic() + _GRACE_SECONDS
        while self.server_state.connections and time.monotonic() < deadline:
            await asyncio.sleep(0.005)
        # A client that neither reads nor hangs up would hold the server for ever.
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def stop(self) -> None:
        """Stop listening, from another thread; requests being answered are given a moment."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # The loop has ended by itself.
                self._loop.call_soon_threadsafe(self._told_to_stop.set)


class _QuietProtocol(H11Protocol):
    """Logs no request: `access_log=False` would change the process's logging for every other uvicorn in it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Let each request know its connection, so that a fault can end it."""
        super().connection_made(transport)
        app = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, TRANSPORT: transport}, receive, send)

        self.app = with_transport


class _HttpThread:
    """Uvicorn in a daemon thread; there it leaves signals alone, and without a log config it leaves logging alone."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            http=_QuietProtocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        self._server = _Uvicorn(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="simulator-http", daemon=True)

    def start(self) -> None:
        self._thread.start()
        while not self._server.listening.wait(0.1):
            if not self._thread.is_alive():
                raise ConfigError("The simulator's HTTP thread ended before it listened; see the log.")

    def stop(self) -> None:
        self._server.stop()
        self._thread.join()


class _Running(NamedTuple):
    lock: FileLock
    store: Store
    engine: Engine
    executor: ThreadPoolExecutor
    http: _HttpThread
    port: int


def _lock_folder(folder: Path) -> FileLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "lock", timeout=0, thread_local=False)
        lock.acquire()
    except Timeout as error:
        raise ConfigError(
            f"Another simulator is running on {folder}. Stop it first, or choose another state folder."
        ) from error
    except OSError as error:
        raise OutputError(folder, error.strerror or os.strerror(error.errno or 0)) from error
    return lock


def _listen(port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is named; without it every answer takes 40 ms longer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # A server that was just killed leaves connections in TIME_WAIT; a listening one still makes bind fail.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise PortTakenError(port) from error
        raise ConfigError(f"Cannot listen on {HOST}:{port}: {error}. Choose a port from 0 to 65535.") from error
    except OverflowError as error:
        listener.close()
        raise ConfigError(f"{port} is no port. Choose one from 0 to 65535.") from error
    return listener
