"""Decides whether carts, addresses, entities and orders develop as the calls say (K02 to K05)."""

from __future__ import annotations
