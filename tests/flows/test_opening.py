"""A run's folder is held alone; what is left of the same flow run is waited for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from prefect.logging import disable_run_logger

from datagen_core.errors import FolderInUseError
from datagen_core.settings import Settings
from flows import opening
from flows.occasion import read_occasion
from flows.opening import open_run
from flows.parameters import TrainingParameters
from flows.run import Run, settle

HOLD = """
import sys, time
from pathlib import Path
from datagen_core.locking import lock_folder
with lock_folder(Path(sys.argv[1]), holder=sys.argv[2]):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ID", "ours")
    monkeypatch.setattr(opening, "LOOK_SECONDS", 0.1)
    parameters = TrainingParameters(count=1, provider="simulator", output_dir=str(tmp_path / "run"))
    return settle("training", parameters, Settings(), read_occasion())


def hold(run: Run, holder: str) -> subprocess.Popen[str]:
    """Hold the folder in another process, which lets go when it is told."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, run.location, holder], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_an_earlier_process_of_the_same_flow_run_is_waited_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with hold(run, "datagen run training, flow run ours") as process:
        naps: list[float] = []

        def let_go(seconds: float) -> None:
            naps.append(seconds)
            process.communicate("go\n")

        monkeypatch.setattr(opening.time, "sleep", let_go)
        with disable_run_logger(), open_run(run) as work:
            work.lease.require_held()
        assert naps == [0.1]


def test_one_that_does_not_leave_is_named_in_the_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "LEAVING_SECONDS", 0.2)
    with hold(run, "datagen run training, flow run ours") as process:
        with disable_run_logger(), pytest.raises(FolderInUseError, match="flow run ours, process"), open_run(run):
            pass
        process.communicate("go\n")


def test_another_flow_run_is_not_waited_for(run: Run) -> None:
    with hold(run, "datagen run training, flow run theirs") as process:
        with pytest.raises(FolderInUseError, match="flow run theirs"), open_run(run):
            pass
        process.communicate("go\n")
