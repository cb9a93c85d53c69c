"""What is replaced in Prefect's server is still what its automations use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CHECK = """
import asyncio, inspect, os
from prefect.server.database import provide_database_interface
from prefect.server.events import triggers
from flows.operations.serving import lock_before_reading

assert "automations_session(begin_transaction=True)" in inspect.getsource(triggers.reactive_evaluation)
begun = []

async def look():
    from prefect.server.database.configurations import SQLITE_BEGIN_MODE
    await provide_database_interface().create_db()
    for _ in range(2):
        async with triggers.automations_session(begin_transaction=True):
            begun.append(SQLITE_BEGIN_MODE.get())
        lock_before_reading()

asyncio.run(look())
assert begun == ["DEFERRED", "IMMEDIATE"], begun
os._exit(0)  # Prefect's threads would keep the process
"""


def test_automations_lock_before_they_read(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        env={"PREFECT_HOME": str(tmp_path), "PATH": ""},
        capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
