"""Decides whether a missing id was asked for rather than invented, and dead ids left alone (P04, P06)."""

from __future__ import annotations
