"""Decides which Batch API a run talks to, and keeps what runs in this process for it running while it is needed."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from datagen_core.batch.api import BatchApi
from datagen_core.batch.client import BatchClient
from datagen_core.batch.local import ChatServer, LocalBatches
from datagen_core.batch.profiles import USUAL_WINDOW, find_profile
from datagen_core.batch.wire import as_object
from datagen_core.errors import ConfigError, InputFileError
from datagen_core.files import read_json, write_json
from datagen_core.settings import Provider, Settings
from datagen_core.simulator import SimulatorServer, SimulatorSettings
from datagen_core.simulator.writer import ScriptWriter

POLL_SECONDS: Final[dict[Provider, float]] = {"simulator": 1.0, "openai": 60.0, "local": 2.0}
"""How long to wait between two looks at a batch where the user does not say."""
STATE_NAMES: Final[dict[Provider, str]] = {"simulator": ".simulator", "openai": "", "local": ".local"}
"""The folder, in a run's, where a provider that runs in this process keeps its state."""

DEFAULT_MISTAKES: Final = 0.15
MISTAKES_NAME: Final = "mistakes.json"
"""Where a simulator's state folder says which share of mistakes it was last started with."""


class ProviderChoice(BaseModel):
    """Which provider, and how the embedded simulator behaves. Holds no secret: it is a flow's and a cache's input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Provider
    state_dir: str = Field(description="Where the embedded simulator, or the local provider, keeps its state.")
    mistakes: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Share of mistakes the simulator plants. Unset: the share its state was last started with.",
    )
    pace_seconds: float = Field(default=0.3, ge=0, description="How long each phase of a simulated batch lasts.")
    base_url: str | None = Field(default=None, description="The real provider's address: another is another provider.")


@dataclass(frozen=True, slots=True)
class _Simulator:
    server: SimulatorServer
    mistakes: float

    def connect(self) -> BatchApi:
        return BatchClient(self.server.base_url, "simulator", self.server.identity)

    def stop(self) -> None:
        self.server.stop()


@dataclass(frozen=True, slots=True)
class _Local:
    batches: LocalBatches

    def connect(self) -> BatchApi:
        return self.batches

    def stop(self) -> None:
        self.batches.close()


@dataclass(slots=True)
class _Embedded:
    """What runs for a state folder, and the `embedded_providers` blocks that use it; `None` is the whole process."""

    service: _Simulator | _Local
    blocks: set[object | None] = field(default_factory=set[object | None])


_embedded: dict[str, _Embedded] = {}
_open_blocks: list[object] = []
_block: ContextVar[object | None] = ContextVar("datagen_embedded_providers", default=None)
_lock = threading.Lock()


@contextmanager
def open_client(choice: ProviderChoice, settings: Settings) -> Generator[BatchApi]:
    """Give the provider's Batch API; what it needs in this process is started at the first call and runs on.

    Raises:
        MissingKeyError: the provider needs a key and none is set.
        ConfigError: another process runs a simulator on the same state, or this one does with another share of
            mistakes, or its local provider with another address.
        FolderInUseError: another process runs a local provider on the same state.
    """
    api = _connect(choice, settings)
    try:
        yield api
    finally:
        if not isinstance(api, LocalBatches):
            api.close()


@contextmanager
def embedded_providers() -> Generator[None]:
    """Stop, at the end of the block, every simulator and local provider used within that no other block still uses.

    Threads that carry the block's context, as Prefect's do, count as within; what a bare thread starts belongs to all
    blocks that are open. What was started outside any block runs until the process ends. A local provider's unfinished
    batches go on where they stood when one is started on their folder again.
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
                    _embedded.pop(state_dir).service.stop()


def reach_local(settings: Settings) -> None:
    """Return if the local provider's server answers and takes the key.

    Raises:
        ProviderError: it does not; names the address and what to do.
    """
    key = settings.local_api_key
    secret = None if key is None else key.get_secret_value()
    ChatServer(settings.local_base_url, secret, settings.local_timeout, settings.local_concurrency).probe()


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


def _connect(choice: ProviderChoice, settings: Settings) -> BatchApi:
    if choice.provider != "openai":
        return _embed(choice, settings).connect()
    key = settings.require_openai_key()
    return BatchClient(
        settings.openai_base_url,
        key,
        _identify_openai(settings),
        organization=settings.openai_organization,
        project=settings.openai_project,
        profile=find_profile(settings),
        timeout=settings.http_timeout,
    )


def _identify_openai(settings: Settings) -> str:
    """Name the project without the key: a key that is replaced in the middle of a run must not strand its batches."""
    owner = settings.openai_project or settings.openai_organization
    return f"openai:{settings.openai_base_url}" + (f":{owner}" if owner else "")


def _embed(choice: ProviderChoice, settings: Settings) -> _Simulator | _Local:
    with _lock:
        embedded = _embedded.get(choice.state_dir)
        if embedded is None:
            start = _start_local if choice.provider == "local" else _start_simulator
            embedded = _embedded[choice.state_dir] = _Embedded(start(choice, settings))
        else:
            _require_same(embedded.service, choice, settings)
        own = _block.get()
        embedded.blocks.update([own] if own in _open_blocks else _open_blocks or [None])
        return embedded.service


def _require_same(running: _Simulator | _Local, choice: ProviderChoice, settings: Settings) -> None:
    advice = "Use another folder, or wait until the other run has ended."
    if isinstance(running, _Simulator):
        if choice.provider == "local":
            raise ConfigError(f"A simulator is running on {choice.state_dir}. {advice}")
        if choice.mistakes not in {None, running.mistakes}:
            raise ConfigError(
                f"The simulator on {choice.state_dir} is running and plants {running.mistakes} mistakes; this run "
                f"asks for {choice.mistakes}. {advice}"
            )
    elif choice.provider != "local" or running.batches.base_url != settings.local_base_url:
        raise ConfigError(
            f"The local provider on {choice.state_dir} is running with {running.batches.base_url}; this run asks for "
            f"{settings.local_base_url if choice.provider == 'local' else 'a simulator'}. {advice}"
        )


def _start_local(choice: ProviderChoice, settings: Settings) -> _Local:
    key = settings.local_api_key
    batches = LocalBatches(
        Path(choice.state_dir),
        settings.local_base_url,
        api_key=None if key is None else key.get_secret_value(),
        concurrency=settings.local_concurrency,
        timeout=settings.local_timeout,
        completion_window=settings.batch_window or USUAL_WINDOW,
    )
    return _Local(batches)


def _start_simulator(choice: ProviderChoice, _: Settings) -> _Simulator:
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
    return _Simulator(server, mistakes)
