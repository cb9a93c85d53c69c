"""Decides which Batch API server a run talks to, and keeps the embedded simulator running while it is needed."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.batch.client import BatchClient
from datagen_core.settings import Provider, Settings
from datagen_core.simulator import SimulatorServer, SimulatorSettings
from datagen_core.simulator.writer import ScriptWriter

POLL_SECONDS: Final[dict[Provider, float]] = {"simulator": 1.0, "openai": 60.0}
"""How long to wait between two looks at a batch where the user does not say."""

DEFAULT_MISTAKES: Final = 0.15


class ProviderChoice(BaseModel):
    """Which provider, and how the embedded simulator behaves. Holds no secret: it is a flow's and a cache's input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Provider
    state_dir: str = Field(description="Where the embedded simulator keeps its state.")
    mistakes: float = Field(default=DEFAULT_MISTAKES, ge=0, le=1, description="Share of mistakes the simulator plants.")
    pace_seconds: float = Field(default=0.3, ge=0, description="How long each phase of a simulated batch lasts.")


_embedded: dict[str, SimulatorServer] = {}
_lock = threading.Lock()


@contextmanager
def open_client(choice: ProviderChoice, settings: Settings) -> Generator[BatchClient]:
    """Give a client of the provider; the embedded simulator is started at the first call and runs on.

    Raises:
        MissingKeyError: the provider needs a key and none is set.
        ConfigError: another process runs a simulator on the same state.
    """
    with _connect(choice, settings) as client:
        yield client


@contextmanager
def embedded_simulators() -> Generator[None]:
    """Stop, at the end of the block, every simulator that was started within."""
    before = set(_embedded)
    try:
        yield
    finally:
        with _lock:
            for state_dir in [name for name in _embedded if name not in before]:
                _embedded.pop(state_dir).stop()


def _connect(choice: ProviderChoice, settings: Settings) -> BatchClient:
    if choice.provider == "simulator":
        server = _start_simulator(choice)
        return BatchClient(server.base_url, "simulator", server.identity)
    key = settings.require_openai_key()
    fingerprint = hashlib.sha256(key.encode()).hexdigest()[:12]
    return BatchClient(settings.openai_base_url, key, f"openai:{settings.openai_base_url}:{fingerprint}")


def _start_simulator(choice: ProviderChoice) -> SimulatorServer:
    with _lock:
        server = _embedded.get(choice.state_dir)
        if server is None:
            writer = ScriptWriter(mistakes=choice.mistakes)
            pace = SimulatorSettings(pace_seconds=choice.pace_seconds)
            server = SimulatorServer(Path(choice.state_dir), writer, pace).start()
            _embedded[choice.state_dir] = server
        return server
