"""Decides ids and draws from seeds by hashing: same keys, same value, in every process and Python version."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

Key = str | int

_VARIANT: Final = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
"""The digit that says which kind of UUID it is keeps its two lower bits."""


def derive_id(*keys: Key) -> str:
    """Return the lower-case UUID (version 4 bits) that belongs to the keys."""
    drawn = _hash(keys).hex()
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-{_VARIANT[drawn[16]]}{drawn[17:20]}-{drawn[20:]}"


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
