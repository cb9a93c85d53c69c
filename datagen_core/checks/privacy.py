"""Decides whether a text or an argument holds what could be a real person's data (I01, I02)."""

from __future__ import annotations
