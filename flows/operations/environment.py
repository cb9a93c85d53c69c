"""Decides the port, the folder and the settings that server, worker and flow runs share. Does not import Prefect.

Prefect reads its settings when it is imported: what is built here has to stand in the environment before.
"""

from __future__ import annotations

import os
import socket
from errno import EADDRINUSE
from pathlib import Path
from typing import Final

import httpx

from datagen_core.errors import ConfigError, PortTakenError

HOST: Final = "127.0.0.1"
HEARTBEAT_SECONDS: Final = 30
"""The shortest that Prefect takes: what is set lower counts as this (`flow_engine.MINIMUM_HEARTBEAT_INTERVAL`)."""
LOGS_NAME: Final = "datagen-logs"


def find_home() -> Path:
    """Return the folder that Prefect keeps its data in."""
    return Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser().absolute()


def find_logs() -> Path:
    """Return the folder of the logs of server, worker and deployments."""
    return find_home() / LOGS_NAME


def build_environment(port: int) -> dict[str, str]:
    """Return the settings that server, worker and flow runs share; what the user has set wins where it may."""
    settled = {
        "PREFECT_API_URL": f"http://{HOST}:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    usual = {
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS),
        # Leases in memory, the default, are lost with the server: a run under a concurrency limit fails to renew its
        # own within 225 seconds, and is ended by Prefect (`concurrency/_leases.py`).
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_WORKER_QUERY_SECONDS": "5",
    }
    return {**{name: value for name, value in usual.items() if not os.environ.get(name)}, **settled}


def read_heartbeat_seconds() -> int:
    """Return how often flow runs are told to report, as far as this process knows.

    Raises:
        ConfigError: PREFECT_FLOWS_HEARTBEAT_FREQUENCY is no number.
    """
    told = os.environ.get("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "").strip()
    if told and not told.isdecimal():
        raise ConfigError(f"PREFECT_FLOWS_HEARTBEAT_FREQUENCY: expected a number of seconds, found {told!r}.")
    return int(told or HEARTBEAT_SECONDS)


def choose_port(port: int) -> int:
    """Return the port, if nothing listens on it; for 0, one that is free.

    Raises:
        ConfigError: a Prefect server listens there already, or the port may not be used.
        PortTakenError: something else does.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno != EADDRINUSE:
                raise ConfigError(
                    f"Port {port} cannot be used ({error.strerror}). Choose another with --port."
                ) from error
            if not is_answering(f"http://{HOST}:{port}/api"):
                raise PortTakenError(port) from error
            raise ConfigError(_describe_server(port)) from error
        return int(probe.getsockname()[1])


def is_answering(url: str) -> bool:
    """Tell whether a Prefect server answers at the address."""
    try:
        answer = httpx.get(f"{url}/health", timeout=5.0, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.is_success and answer.text.strip() == "true"


def _describe_server(port: int) -> str:
    url = f"http://{HOST}:{port}/api"
    return (
        f"A Prefect server answers at {url} already. If 'datagen up' runs in another terminal, use that one: "
        f"http://{HOST}:{port}. If the server is run otherwise, 'PREFECT_API_URL={url} datagen deploy' puts everything "
        "on it. For a second one beside it, set another PREFECT_HOME and another --port."
    )
