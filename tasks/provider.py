"""Decides where tasks get keys from: the environment, `.env`, then Prefect Secret blocks."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

import httpx
from prefect.blocks.system import Secret

from datagen_core.batch.api import BatchApi
from datagen_core.errors import SecretsUnreachableError
from datagen_core.providers import ProviderChoice, open_client
from datagen_core.settings import Settings, load_settings


def read_settings() -> Settings:
    """Return the settings, Prefect's Secret blocks included."""
    return load_settings(load_secret)


_known: dict[str, str | None] = {}
"""Secret blocks by name, as Prefect's server last had them."""


def recall_settings() -> Settings:
    """Return the settings with the Secret blocks that this process was given before; nobody is asked."""
    return load_settings(_known.get)


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

    While Prefect's server is away, the value that this process was last given counts.

    Raises:
        SecretsUnreachableError: the server cannot be asked, and was not asked before.
    """
    try:
        loaded = cast("Secret[str]", Secret.load(block, _sync=True))  # pyright: ignore[reportCallIssue]
    except ValueError:
        _known[block] = None
    except httpx.HTTPError as error:
        if block in _known:
            return _known[block]
        raise SecretsUnreachableError(
            f"Prefect's server cannot be asked for the Secret block {block!r} ({type(error).__name__}). Start it with "
            "'prefect server start', correct PREFECT_API_URL, or set the key in the environment."
        ) from error
    else:
        _known[block] = str(loaded.get())
    return _known[block]
