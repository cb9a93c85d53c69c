"""Decides whether dates are valid and agree with today (M01)."""

from __future__ import annotations
