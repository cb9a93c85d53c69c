"""Decides whether texts and arguments are in Korean, and the counsellor's register is constant (L01 to L04)."""

from __future__ import annotations
