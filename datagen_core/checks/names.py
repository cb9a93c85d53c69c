"""Decides whether restaurants and dishes that are named were seen, and counts in words are right (G02, G04)."""

from __future__ import annotations
