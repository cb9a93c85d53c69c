from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from batch_helpers import make_request
from fake_provider import FakeProvider

from datagen_core.batch import BatchClient
from datagen_core.files import Artifact, write_jsonl


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as fake:
        yield fake


@pytest.fixture
def client(provider: FakeProvider) -> Iterator[BatchClient]:
    with BatchClient(provider.base_url, provider.key, "fake:project", timeout=5) as opened:
        yield opened


@pytest.fixture
def write_requests(tmp_path: Path) -> Callable[..., Artifact]:
    def write(*ids: str, name: str = "batch_input.jsonl", **changes: object) -> Artifact:
        return write_jsonl(tmp_path / name, [make_request(custom_id, **changes) for custom_id in ids])

    return write


@pytest.fixture
def free_base_url() -> str:
    """Return a loopback address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"
