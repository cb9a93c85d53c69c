"""Decides by which logger a run says what a person should read, wherever it runs."""

from __future__ import annotations

from typing import Final

PROGRESS_LOGGER: Final = "datagen.progress"
"""The command line shows what comes here; Prefect's own log is silent there unless asked for."""
