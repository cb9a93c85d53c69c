"""Decides where each argument of a call came from: the customer's words, a response, the system prompt (P05)."""

from __future__ import annotations
