"""Runs a real Prefect server and real workers for the tests, on 127.0.0.1; at the end all that was started is gone."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self
from uuid import UUID, uuid4

import httpx
import pytest
from filelock import FileLock
from prefect import __version__
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun, State, StateDetails, StateType
from prefect.client.schemas.responses import OrchestrationResult
from prefect.types import DateTime
from prefect.workers.process import ProcessWorker

ROOT: Final = Path(__file__).parents[1]
BIN: Final = Path(sys.executable).parent
POOL: Final = "datagen"
MARK: Final = "DATAGEN_TEST_PROCESS"
"""Stands in the environment of all that is started here, and of what that starts: so nothing else is ever ended."""

PATIENCE: Final = 240.0
_OURS: Final = ("PREFECT", "DATAGEN", "OPENAI", "HF_", "HUGGING")
_GOING: Final = frozenset({"Pending", "Running", "AwaitingRetry", "Retrying", "Scheduled"})


class TaskSeen(NamedTuple):
    """What Prefect's server knows of a task run."""

    state: str
    run_count: int


class PrefectServer:
    """A server with its home, database and storage in `folder`, as a context manager.

    `variables` go to the server and to all that is started for it; `database_url` is another database than SQLite's;
    `root` is where commands are run, and what `deploy` deploys.
    """

    def __init__(
        self,
        folder: Path,
        *,
        template: Path | None = None,
        database_url: str | None = None,
        variables: Mapping[str, str] | None = None,
        root: Path = ROOT,
    ) -> None:
        self.folder, self.root, self.mark = folder, root, f"test-{uuid4()}"
        home, temporary = folder / "home", folder / "tmp"
        for one in (home, temporary):
            one.mkdir(parents=True)
        if template is not None and database_url is None:
            shutil.copyfile(template, home / "prefect.db")
        self.port = find_free_port()
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)} | {
            "PREFECT_HOME": str(home),
            "PREFECT_LOCAL_STORAGE_PATH": str(folder / "storage"),
            "PREFECT_API_URL": f"http://127.0.0.1:{self.port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_CLI_COLORS": "false",
            "DO_NOT_TRACK": "1",
            "TMPDIR": str(temporary),
            "COLUMNS": "200",
            "NO_COLOR": "1",
            "DATAGEN_PROVIDER": "simulator",
        }
        if database_url is not None:
            self.environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = database_url
        self.environment |= variables or {}
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.end_all()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end_all()

    @property
    def url(self) -> str:
        return self.environment["PREFECT_API_URL"]

    # --- processes

    def start(self) -> Self:
        """Start the server, or start it again on the same port and data, and wait until it answers."""
        command = ["server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        self._server = self.spawn("server", [sys.executable, "-m", "flows.operations.serving", *command])
        deadline = time.monotonic() + PATIENCE
        while not self._is_healthy():
            if self._server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"The Prefect server did not start.\n{self.read_ends_of_logs()}")
            time.sleep(0.1)
        return self

    def kill(self) -> None:
        """Kill the server and what it has started, as a machine's failure would; its database stays as it is."""
        end_processes(f"{self.mark}-server")
        if self._server is not None:
            self._server.wait()

    @contextmanager
    def worker(self, name: str, variables: Mapping[str, str] | None = None) -> Generator[Worker]:
        """Start a worker, and end it and its flows with the block."""
        worker = Worker(self, name, variables or {})
        try:
            yield worker.start()
        finally:
            worker.end()

    def spawn(
        self, name: str, command: list[str], variables: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process that is ended with the server; what it prints goes to a file of its name."""
        environment = {**self.environment, **(variables or {}), MARK: f"{self.mark}-{name}"}
        with self.log(name).open("ab") as log:
            return subprocess.Popen(
                command, env=environment, cwd=self.root, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def end_all(self) -> None:
        """Kill all that was started for this server, and wait until it is gone."""
        end_processes(self.mark)

    # --- what a user does on the command line

    def command(self, *arguments: str, timeout: float = PATIENCE) -> subprocess.CompletedProcess[str]:
        """Run `prefect` in the repository, as a user does."""
        return subprocess.run(
            [str(BIN / "prefect"), "--no-prompt", *arguments],
            env={**self.environment, MARK: f"{self.mark}-command"},
            cwd=self.root, capture_output=True, text=True, check=False, timeout=timeout, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def deploy(self) -> None:
        """Make the work pool, and every deployment of prefect.yaml as a user does."""
        template = ProcessWorker.get_default_base_job_template()
        with self.client() as client:
            client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))
        done = self.command("deploy", "--all")
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, deployment: str, parameters: Mapping[str, object]) -> tuple[UUID, str]:
        """Run a deployment from the command line, wait as `--watch` does, and return its id and what was said."""
        told = [part for name, value in parameters.items() for part in ("-p", f"{name}={json.dumps(value)}")]
        done = self.command("deployment", "run", deployment, *told, "--watch", timeout=2 * PATIENCE)
        said = done.stdout + done.stderr
        found = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", said)
        assert done.returncode == 0, said
        assert found, said
        return UUID(found[0]), said

    # --- what the Prefect UI asks of the server

    @contextmanager
    def client(self) -> Generator[SyncPrefectClient]:
        with SyncPrefectClient(self.url) as client:
            yield client

    def create(self, deployment: str, parameters: Mapping[str, object]) -> UUID:
        """Create a run of a deployment, which a worker will start."""
        with self.client() as client:
            found = client.read_deployment_by_name(deployment)
            return client.create_flow_run_from_deployment(found.id, parameters=dict(parameters)).id

    def read(self, run: UUID) -> FlowRun:
        with self.client() as client:
            return client.read_flow_run(run)

    def retry(self, run: UUID) -> OrchestrationResult[object]:
        """Ask for a retry as the UI's button does."""
        return self.set_state(run, State(type=StateType.SCHEDULED, name="AwaitingRetry", message="Retry from the UI"))

    def cancel(self, run: UUID) -> OrchestrationResult[object]:
        """Ask for a cancellation as the UI's button does."""
        return self.set_state(run, State(type=StateType.CANCELLING, message="Cancelled from the UI"))

    def pause(self, run: UUID, seconds: float = 300) -> OrchestrationResult[object]:
        """Pause as the UI's button does, which has the run give its process back."""
        details = StateDetails(pause_timeout=DateTime.now("UTC").add(seconds=int(seconds)), pause_reschedule=True)
        return self.set_state(run, State(type=StateType.PAUSED, name="Suspended", state_details=details))

    def resume(self, run: UUID, answer: dict[str, object] | None = None) -> OrchestrationResult[object]:
        """Resume a paused run, with the form filled in where there is one."""
        with self.client() as client:
            return client.resume_flow_run(run, run_input=answer)

    def set_state(self, run: UUID, state: State[object]) -> OrchestrationResult[object]:
        with self.client() as client:
            return client.set_flow_run_state(run, state, force=True)

    def wait(self, run: UUID, *names: str, timeout: float = PATIENCE) -> FlowRun:
        """Return the run once its state has one of the names; fail if it ends otherwise, or not in time."""
        seen: FlowRun | None = None

        def is_there() -> bool:
            nonlocal seen
            seen = self.read(run)
            if seen.state is not None and seen.state.is_final() and seen.state_name not in names:
                self.fail(run, f"It is {seen.state_name} ({seen.state.message}), not {' or '.join(names)}.")
            return seen.state_name in names

        if not wait_for(is_there, timeout):
            self.fail(run, f"It is {seen and seen.state_name} after {timeout:g} s, not {' or '.join(names)}.")
        assert seen is not None
        return seen

    def wait_for_crash(self, run: UUID) -> None:
        """Return once the run has crashed and its worker is done with it.

        The worker reports a crash, runs the flow's hooks, and reports it again: a retry in between would be taken for
        crashed as well.
        """
        self.wait(run, "Crashed")
        if not wait_for(lambda: any("memory allocation" in line for line in self.messages(run))):
            self.fail(run, "Its worker has not done with the crash.")

    def task_states(self, run: UUID) -> dict[str, TaskSeen]:
        """Return the task runs, by name, since the run last began; a retried or resumed run has task runs of its own.

        The server learns of task runs late, so two looks have to agree.
        """
        before: dict[str, TaskSeen] | None = None
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self._read_tasks(run)
            if found == before and not {one.state for one in found.values()} & _GOING:
                return found
            if time.monotonic() > deadline:
                self.fail(run, f"Its task runs do not settle: {found}")
            before = found
            time.sleep(1.0)

    def messages(self, run: UUID) -> list[str]:
        """Return a run's log lines, task runs included, oldest first."""
        with self.client() as client:
            wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run]))
            return [line.message for line in client.read_logs(log_filter=wanted, limit=200)]

    def fail(self, run: UUID, reason: str) -> None:
        """Fail the test with the reason, the run's log lines, and the ends of all logs."""
        try:
            lines = self.messages(run)[-40:]
        except httpx.HTTPError as error:
            lines = [repr(error)]
        pytest.fail("\n".join([f"Run {run}: {reason}", *lines, self.read_ends_of_logs()]))

    def read_ends_of_logs(self) -> str:
        ends = [(path.name, path.read_text(encoding="utf-8", errors="replace")) for path in self.folder.glob("*.log")]
        return "\n".join(f"--- {name}\n{text[-4000:]}" for name, text in sorted(ends))

    def _read_tasks(self, run: UUID) -> dict[str, TaskSeen]:
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=[run]))
        with self.client() as client:
            began = max(one.timestamp for one in client.read_flow_run_states(run) if one.is_running())
            found = client.read_task_runs(flow_run_filter=wanted, limit=200)
        return {
            one.name: TaskSeen(str(one.state_name), one.run_count)
            for one in found
            if one.expected_start_time is not None and one.expected_start_time >= began
        }

    def _is_healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2).json() is True
        except (httpx.HTTPError, ValueError):
            return False


class Worker:
    """A worker of the pool; the flows it starts are processes of their own, in sessions of their own."""

    def __init__(self, server: PrefectServer, name: str, variables: Mapping[str, str]) -> None:
        self._server, self.name, self._variables = server, name, variables
        self._mark = f"{server.mark}-worker-{name}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it, or start it again, and wait until it asks for runs."""
        log = self._server.log(f"worker-{self.name}")
        n_starts = _count(log, "started!")
        command = [str(BIN / "prefect"), "worker", "start", "--pool", POOL, "--type", "process", "--name", self.name]
        self._process = self._server.spawn(f"worker-{self.name}", command, self._variables)
        if not wait_for(lambda: _count(log, "started!") > n_starts):
            pytest.fail(f"The worker did not start.\n{self._server.read_ends_of_logs()}")
        return self

    def kill(self) -> None:
        """Kill the worker alone; its flows stay."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def find_flows(self, run: UUID | None = None) -> list[int]:
        """Return the processes of its flow runs, or those of one run."""
        wanted = b"PREFECT__FLOW_RUN_ID=" + (b"" if run is None else str(run).encode())
        return [pid for pid, environ in find_processes(self._mark) if wanted in environ]

    def kill_flow(self, run: UUID) -> None:
        """Kill a run's process; the worker stays."""
        pids = self.find_flows(run)
        assert pids, f"{run} has no process"
        for pid in pids:
            _signal(pid, signal.SIGKILL)

    def end(self) -> None:
        end_processes(self._mark)
        if self._process is not None:
            self._process.wait()


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def make_template(shared: Path) -> Path:
    """Return a migrated SQLite database to copy, made once for all who share the folder: migrating takes 12 to 38 s."""
    template = shared / f"prefect-{__version__}.db"
    with FileLock(shared / "prefect-template.lock"):
        if not template.exists():
            home = shared / f"prefect-template-{uuid4()}"
            environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
            subprocess.run(
                [str(BIN / "prefect"), "server", "database", "upgrade", "--yes"],
                env={**environment, "PREFECT_HOME": str(home), "DO_NOT_TRACK": "1"},
                check=True, capture_output=True, timeout=300,
            )  # fmt: skip
            (home / "prefect.db").rename(template)
            shutil.rmtree(home)
    return template


def wait_for(condition: Callable[[], bool], timeout: float = PATIENCE, pause: float = 0.25) -> bool:
    """Tell whether the condition became true in time; a server that cannot be reached counts as not yet."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            if condition():
                return True
        except httpx.TransportError:
            pass
        time.sleep(pause)
    return False


def find_processes(mark: str) -> Iterator[tuple[int, bytes]]:
    """Give the living processes whose mark begins so, with their environment."""
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environ = (folder / "environ").read_bytes()
            except OSError:
                continue
            if wanted in environ:
                yield int(folder.name), environ


def end_processes(mark: str) -> None:
    """Kill the processes whose mark begins so, by their ids, until none is left."""
    while found := [pid for pid, _ in find_processes(mark)]:
        for pid in found:
            _signal(pid, signal.SIGKILL)
        time.sleep(0.05)


def _count(log: Path, words: str) -> int:
    return log.read_text(encoding="utf-8", errors="replace").count(words) if log.exists() else 0


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
