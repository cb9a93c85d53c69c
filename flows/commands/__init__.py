"""Decides what each command takes and prints; the work is in the core."""
