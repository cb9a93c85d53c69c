"""`datagen simulate` with faults: what it takes, what it refuses, and that they reach the server."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from datagen_core.errors import ConfigError
from datagen_core.simulator import FAULTS
from flows.cli import app


def test_every_fault_is_listed() -> None:
    result = CliRunner().invoke(app, ["simulate", "--list-faults"], catch_exceptions=False)
    assert result.exit_code == 0
    assert all(name in result.output for name in FAULTS)


@pytest.mark.parametrize("text", ["nope", "rows_500:amount=2.5", "list_lag:route=files"])
def test_a_wrong_fault_starts_no_server(tmp_path: Path, text: str) -> None:
    state = str(tmp_path / "state")
    with pytest.raises(ConfigError, match=re.escape(text)):
        CliRunner().invoke(app, ["simulate", "--state-dir", state, "--fault", text], catch_exceptions=False)
    assert not (tmp_path / "state").exists()


def test_faults_of_the_command_line_are_met(tmp_path: Path) -> None:
    options = [
        "--port",
        "0",
        "--state-dir",
        str(tmp_path / "state"),
        "--fault",
        "rate_limit:seconds=3",
        "--fault",
        "reset",
    ]
    command = [sys.executable, "-m", "flows.cli", "simulate", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = re.search(r"http://\S+/v1", server.stdout.readline())
            assert url is not None
            limited = httpx2.get(f"{url[0]}/models", headers={"Authorization": "Bearer any"})
            armed = httpx2.get(f"{url[0].removesuffix('/v1')}/simulator/faults").json()
        finally:
            server.terminate()  # not SIGINT: where tests run in the background, children are told to ignore it
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "3")
    assert [(fault["name"], fault["met"]) for fault in armed] == [("rate_limit", 1), ("reset", 0)]
