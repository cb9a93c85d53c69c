"""Decides how a task or flow says what a person should read: in Prefect's log, and on the command line's screen."""

from __future__ import annotations

import logging

from prefect.logging import get_run_logger

from datagen_core.telling import PROGRESS_LOGGER


def tell(message: str) -> None:
    """Say one line."""
    get_run_logger().info(message)
    logging.getLogger(PROGRESS_LOGGER).info(message)
