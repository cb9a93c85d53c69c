"""Decides where tasks get keys from: the environment, `.env`, then Prefect Secret blocks."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

import httpx
from prefect.blocks.system import Secret

from datagen_core.batch.api import BatchApi
from datagen_core.errors import ConfigError
from datagen_core.providers import ProviderChoice, open_client
from datagen_core.settings import Settings, load_settings


def read_settings() -> Settings:
    """Return the settings, Prefect's Secret blocks included."""
    return load_settings(load_secret)


@contextmanager
def connect(choice: ProviderChoice) -> Generator[BatchApi]:
    """Give a client of the chosen provider; Prefect is asked for a key only where one is needed and missing."""
    settings = load_settings()
    if choice.provider == "openai" and settings.openai_api_key is None:
        settings = read_settings()
    with open_client(choice, settings) as client:
        yield client


def load_secret(block: str) -> str | None:
    """Return the value of a Secret block, or None where there is none of this name.

    Raises:
        ConfigError: Prefect's server cannot be asked.
    """
    try:
        loaded = cast("Secret[str]", Secret.load(block, _sync=True))  # pyright: ignore[reportCallIssue]
    except ValueError:
        return None
    except httpx.HTTPError as error:
        raise ConfigError(
            f"Prefect's server cannot be asked for the Secret block {block!r} ({type(error).__name__}). Start it with "
            "'prefect server start', correct PREFECT_API_URL, or set the key in the environment."
        ) from error
    return str(loaded.get())
