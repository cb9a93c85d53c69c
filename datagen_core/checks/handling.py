"""Decides whether responses answer their calls, and errors are dealt with (R02, R03)."""

from __future__ import annotations
