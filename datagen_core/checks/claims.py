"""Decides whether what the counsellor claims to have done was done by a call (G03)."""

from __future__ import annotations
