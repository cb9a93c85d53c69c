"""Decides what Prefect adds to each stage: retries, cache keys, run names; the stage itself is in the core."""
