"""Decides where tasks get keys from: the environment, `.env`, then Prefect Secret blocks."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

from prefect.blocks.system import Secret

from datagen_core.batch.client import BatchClient
from datagen_core.providers import ProviderChoice, open_client
from datagen_core.settings import Settings, load_settings


def read_settings() -> Settings:
    """Return the settings, Prefect's Secret blocks included."""
    return load_settings(load_secret)


@contextmanager
def connect(choice: ProviderChoice) -> Generator[BatchClient]:
    """Give a client of the chosen provider."""
    with open_client(choice, read_settings()) as client:
        yield client


def load_secret(block: str) -> str | None:
    """Return the value of a Secret block, or None where there is none of this name."""
    try:
        loaded = cast("Secret[str]", Secret.load(block, _sync=True))  # pyright: ignore[reportCallIssue]
    except ValueError:
        return None
    return str(loaded.get())
