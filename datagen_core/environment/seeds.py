"""Decides ids and draws from seeds by hashing: same keys, same value, in every process and Python version."""

from __future__ import annotations

import uuid
from hashlib import blake2b

Key = str | int


def derive_id(*keys: Key) -> str:
    """Return the lower-case UUID (version 4 bits) that belongs to the keys."""
    return str(uuid.UUID(bytes=_hash(keys), version=4))


def draw_below(limit: int, *keys: Key) -> int:
    """Return a number of 0 .. limit - 1, all alike likely, that belongs to the keys."""
    return int.from_bytes(_hash(keys), "big") % limit


def draw_between(low: int, high: int, *keys: Key) -> int:
    """Return a number of low .. high, both included, that belongs to the keys."""
    return low + draw_below(high - low + 1, *keys)


def shuffled(names: tuple[str, ...], *keys: Key) -> list[str]:
    """Return the (distinct) names in an order that belongs to the keys."""
    return sorted(names, key=lambda name: _hash((*keys, name)))


def _hash(keys: tuple[Key, ...]) -> bytes:
    return blake2b("\x1f".join(map(str, keys)).encode(), digest_size=16).digest()
