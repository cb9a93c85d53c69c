"""No key in any file, log, database or error text: everything a run leaves and prints is searched for two canaries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from faults.children import build_environment
from hub_server import HubServer

from datagen_core.simulator import Fault, SimulatorServer, SimulatorSettings
from datagen_core.simulator.faults import FAULTS
from datagen_core.simulator.writer import ScriptWriter

pytestmark = pytest.mark.slow

OPENAI_CANARY = "sk-canary-7fYq2Vn4Kx9Lw3Zs8Rt5Bd1Gh6"
HUB_CANARY = "hf_canaryMp3Wc8Xz6Jv2Qk9Tn4Ys7Fb5"


class Place:
    """A home folder, and commands that are run in it as a user would."""

    def __init__(self, home: Path, server: SimulatorServer, hub: HubServer) -> None:
        self.home, self.printed = home, ""
        home.mkdir()
        self._environment = build_environment(
            HOME=str(home),
            PREFECT_HOME=str(home / ".prefect"),
            HF_HOME=str(home / "hf"),
            HF_ENDPOINT=hub.url,
            HF_TOKEN=HUB_CANARY,
            HF_HUB_DISABLE_XET="1",
            OPENAI_API_KEY=OPENAI_CANARY,
            OPENAI_BASE_URL=server.base_url,
            DATAGEN_HTTP_TIMEOUT="1",
            PREFECT_LOGGING_TO_API_ENABLED="true",
        )

    def run(self, *arguments: str) -> int:
        """Run a command; everything that it printed is kept."""
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments],
            cwd=self.home, env=self._environment, capture_output=True, text=True, check=False, timeout=280,
        )  # fmt: skip
        self.printed += done.stdout + done.stderr
        return done.returncode

    def find_leaks(self) -> list[str]:
        """Return the files, and `printed`, that hold a canary or its telling part."""
        needles = [key[end:].encode() for key in (OPENAI_CANARY, HUB_CANARY) for end in (0, len(key) // 2)]
        found = {str(path.relative_to(self.home)): path.read_bytes() for path in self.home.rglob("*") if path.is_file()}
        everything = {**found, "printed": self.printed.encode()}
        return [name for name, content in everything.items() if any(needle in content for needle in needles)]


def test_the_search_finds_a_key_that_leaked(tmp_path: Path) -> None:
    with SimulatorServer(tmp_path / "state", ScriptWriter()) as server, HubServer({}) as hub:
        place = Place(tmp_path / "home", server, hub)
    assert place.find_leaks() == []
    (place.home / "deep").mkdir()
    (place.home / "deep" / "log").write_text(f"Authorization: Bearer {OPENAI_CANARY}", encoding="utf-8")
    place.printed = f"token …{HUB_CANARY[20:]}…{HUB_CANARY}"
    assert place.find_leaks() == ["deep/log", "printed"]


def test_commands_that_fail_in_every_way_tell_no_key(tmp_path: Path) -> None:
    with (
        SimulatorServer(tmp_path / "state", ScriptWriter(mistakes=0.3), SimulatorSettings(pace_seconds=0)) as server,
        HubServer({}) as hub,
    ):
        place = Place(tmp_path / "home", server, hub)
        assert place.run("generate-batch", "--count", "4") == 0
        for name in ("key_revoked", "server_error", "gateway_page", "reset", "rate_limit"):
            assert name in FAULTS
            server.faults.add(Fault(name=name, times=None, seconds=0.05))
            assert place.run("submit-batch", "--wait", "--poll-interval", "0.1") == 1
            server.faults.clear()
        assert place.run("submit-batch", "--wait", "--poll-interval", "0.1") == 0, place.printed
        for name in ("key_revoked", "cut_download"):
            server.faults.add(Fault(name=name, times=None))
            assert place.run("retrieve-batch") == 1
            server.faults.clear()
        assert place.run("retrieve-batch") == 0, place.printed
        assert place.run("preprocess") == 0, place.printed
        assert place.run("push-to-hub", "--repo-id", "someone/delivery") == 1
        assert place.run("ledger", "show") == 0
        assert place.run("doctor") in {0, 1}
    assert "refused the key (HTTP 401)" in place.printed
    assert place.printed.count("Error: ") >= 8, place.printed
    assert "Traceback" not in place.printed
    assert place.find_leaks() == []


def test_a_flow_leaves_no_key_in_its_folder_its_logs_or_prefects_database(tmp_path: Path) -> None:
    faults = (Fault(name="gateway_page", route="batch"), Fault(name="key_revoked", route="content"))
    settings = SimulatorSettings(pace_seconds=0, faults=faults)
    command = ["run", "training", "--count", "4", "--poll-interval", "0.2", "--output-dir", "run", "--verbose"]
    command += ["--repo-id", "someone/delivery"]
    with SimulatorServer(tmp_path / "state", ScriptWriter(), settings) as server, HubServer({}) as hub:
        place = Place(tmp_path / "home", server, hub)
        assert place.run(*command) != 0  # the key is revoked before the download
        assert "refused the key (HTTP 401)" in place.printed
        server.faults.clear()
        assert place.run(*command) != 0  # everything goes well up to the push
        assert len((place.home / "run" / "dataset.jsonl").read_bytes().splitlines()) == 4, place.printed
    assert list((place.home / ".prefect").glob("*.db")), "Prefect's database is elsewhere"
    assert place.find_leaks() == []
