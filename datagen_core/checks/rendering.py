"""Decides whether a record renders equal through its inline and its structured form (Z02)."""

from __future__ import annotations
