"""Decides whether the counsellor decided as the dialogue's kind asks for (D01 to D05)."""

from __future__ import annotations
