"""Decides how a server is reached, and how long it asks us to wait."""

from __future__ import annotations

import ipaddress
import math
import ssl
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx2


def is_on_loopback(base_url: str) -> bool:
    """Tell whether an address is plain HTTP on this machine: no proxy from the environment can reach it."""
    parts = urlsplit(base_url)
    try:
        is_local = parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        is_local = False
    return parts.scheme == "http" and is_local


def make_transport(base_url: str | None) -> httpx2.Client | None:
    """Return a transport of our own for a server on this machine, or None for the SDK's.

    Plain HTTP needs no certificates: an empty trust store saves the 50 ms that loading them takes, and would refuse any
    TLS.
    """
    import openai

    if not is_on_loopback(base_url or ""):
        return None
    return openai.DefaultHttpxClient(trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def read_retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Return how many seconds a server asks to wait, by seconds or by an HTTP date, or None where it does not say.

    `now` is in epoch seconds; a date that has passed is no wait.
    """
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        # RFC 9110 gives dates in GMT; "-0000" parses as naive.
        date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        seconds = date.timestamp() - (time.time() if now is None else now)
    return max(seconds, 0.0) if math.isfinite(seconds) else None
