"""Decides where a command gets keys from: as a flow does, but Prefect's server is only asked where one is set."""

from __future__ import annotations

from datagen_core.settings import Provider, Settings, load_settings
from flows.operations.temporary import has_lasting_server


def read_settings(provider: Provider | None = None, *, hub: bool = False) -> Settings:
    """Return the settings; a key that is needed and missing is looked for in Prefect's Secret blocks.

    `provider` is what the user asked for on the command line, `hub` tells that the Hub's token is needed. Prefect takes
    two seconds to import and would start a server of its own, so it is left alone unless a key is missing, and asked
    only where a server is set: elsewhere what a run of this process was given counts.
    """
    settings = load_settings()
    lacks_key = (provider or settings.provider) == "openai" and settings.openai_api_key is None
    if not lacks_key and not (hub and settings.hf_token is None):
        return settings
    from tasks.provider import load_secret, recall_settings

    return load_settings(load_secret) if has_lasting_server() else recall_settings()
