"""Decides which Batch API server a run talks to, and keeps the embedded simulator running while it is needed."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.batch.client import BatchClient
from datagen_core.batch.wire import as_object
from datagen_core.errors import ConfigError, InputFileError
from datagen_core.files import read_json, write_json
from datagen_core.settings import Provider, Settings
from datagen_core.simulator import SimulatorServer, SimulatorSettings
from datagen_core.simulator.writer import ScriptWriter

POLL_SECONDS: Final[dict[Provider, float]] = {"simulator": 1.0, "openai": 60.0}
"""How long to wait between two looks at a batch where the user does not say."""

DEFAULT_MISTAKES: Final = 0.15
MISTAKES_NAME: Final = "mistakes.json"
"""Where a simulator's state folder says which share of mistakes it was last started with."""


class ProviderChoice(BaseModel):
    """Which provider, and how the embedded simulator behaves. Holds no secret: it is a flow's and a cache's input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Provider
    state_dir: str = Field(description="Where the embedded simulator keeps its state.")
    mistakes: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Share of mistakes the simulator plants. Unset: the share its state was last started with.",
    )
    pace_seconds: float = Field(default=0.3, ge=0, description="How long each phase of a simulated batch lasts.")
    base_url: str | None = Field(default=None, description="The real provider's address: another is another provider.")


@dataclass(slots=True)
class _Embedded:
    """A running simulator, and the `embedded_simulators` blocks that use it; `None` stands for the whole process."""

    server: SimulatorServer
    mistakes: float
    blocks: set[object | None] = field(default_factory=set[object | None])


_embedded: dict[str, _Embedded] = {}
_open_blocks: list[object] = []
_block: ContextVar[object | None] = ContextVar("datagen_embedded_simulators", default=None)
_lock = threading.Lock()


@contextmanager
def open_client(choice: ProviderChoice, settings: Settings) -> Generator[BatchClient]:
    """Give a client of the provider; the embedded simulator is started at the first call and runs on.

    Raises:
        MissingKeyError: the provider needs a key and none is set.
        ConfigError: another process runs a simulator on the same state, or this one does with another share of
            mistakes.
    """
    with _connect(choice, settings) as client:
        yield client


@contextmanager
def embedded_simulators() -> Generator[None]:
    """Stop, at the end of the block, every simulator that was used within, unless another block still uses it.

    Threads that carry the block's context, as Prefect's do, count as within; what a bare thread starts belongs to all
    blocks that are open. A simulator that was started outside any block runs until the process ends.
    """
    block = object()
    token = _block.set(block)
    _open_blocks.append(block)
    try:
        yield
    finally:
        _block.reset(token)
        with _lock:
            _open_blocks.remove(block)
            for state_dir, embedded in list(_embedded.items()):
                embedded.blocks.discard(block)
                if not embedded.blocks:
                    _embedded.pop(state_dir).server.stop()


def find_mistakes(state_dir: Path) -> float:
    """Return the share of mistakes a state folder was last started with; without one, `DEFAULT_MISTAKES`.

    Raises:
        InputFileError: the folder's `mistakes.json` does not hold a share.
    """
    path = state_dir / MISTAKES_NAME
    advice = "Give the share again with --mistakes."
    if not path.exists():
        return DEFAULT_MISTAKES
    share = as_object(read_json(path, advice=advice)).get("mistakes")
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise InputFileError(path, "expected a share from 0 to 1.", field="mistakes", advice=advice)
    return float(share)


def _connect(choice: ProviderChoice, settings: Settings) -> BatchClient:
    if choice.provider == "simulator":
        server = _start_simulator(choice)
        return BatchClient(server.base_url, "simulator", server.identity)
    key = settings.require_openai_key()
    return BatchClient(
        settings.openai_base_url,
        key,
        _identify_openai(settings),
        organization=settings.openai_organization,
        project=settings.openai_project,
    )


def _identify_openai(settings: Settings) -> str:
    """Name the project without the key: a key that is replaced in the middle of a run must not strand its batches."""
    owner = settings.openai_project or settings.openai_organization
    return f"openai:{settings.openai_base_url}" + (f":{owner}" if owner else "")


def _start_simulator(choice: ProviderChoice) -> SimulatorServer:
    with _lock:
        embedded = _embedded.get(choice.state_dir)
        if embedded is None:
            embedded = _embedded[choice.state_dir] = _start(choice)
        elif choice.mistakes not in {None, embedded.mistakes}:
            raise ConfigError(
                f"The simulator on {choice.state_dir} is running and plants {embedded.mistakes} mistakes; this run "
                f"asks for {choice.mistakes}. Use another folder, or wait until the other run has ended."
            )
        own = _block.get()
        embedded.blocks.update([own] if own in _open_blocks else _open_blocks or [None])
        return embedded.server


def _start(choice: ProviderChoice) -> _Embedded:
    state_dir = Path(choice.state_dir)
    mistakes = find_mistakes(state_dir) if choice.mistakes is None else choice.mistakes
    pace = SimulatorSettings(pace_seconds=choice.pace_seconds)
    server = SimulatorServer(state_dir, ScriptWriter(mistakes=mistakes), pace).start()
    try:
        # Only now, that the state is ours: another process may run a simulator on it.
        if choice.mistakes is not None:
            write_json(state_dir / MISTAKES_NAME, {"mistakes": mistakes})
    except BaseException:
        server.stop()
        raise
    return _Embedded(server, mistakes)
