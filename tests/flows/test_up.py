"""`datagen up` without a server: ports, settings, automations, and processes that do not want to end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from prefect.events.schemas.automations import AutomationCore, EventTrigger
from typer.testing import CliRunner as TyperRunner
from typer.testing import Result

from datagen_core.errors import ConfigError, FolderInUseError, OperationError, PortTakenError
from datagen_core.locking import lock_folder
from flows import cli
from flows.operations.automations import HEARTBEAT, read_automations
from flows.operations.children import Child, start_child
from flows.operations.deploying import find_project
from flows.operations.environment import build_environment, choose_port, find_logs, read_heartbeat_seconds
from flows.operations.operation import Plan, Ready, operate
from flows.operations.processes import end_groups, find_groups, read_table
from flows.operations.stops import Stopped, Stops, listening
from flows.suspending import LEFT

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("PREFECT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "prefect"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Give a socket that something else listens on, which says nothing."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        taken.settimeout(10)
        yield taken


def run(*arguments: str) -> Result:
    return TyperRunner().invoke(cli.app, list(arguments))


def is_running(pid: int) -> bool:
    return any(process.pid == pid for process in read_table())


def await_truth(question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("command", ["up", "deploy"])
def test_help_has_an_example_that_names_the_command(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"datagen {command}" in result.output.split("Example:")[1]


# --- ports


def test_a_port_that_something_else_has_taken_is_said_before_anything_is_started(
    listener: socket.socket, home: Path
) -> None:
    def hang_up() -> None:
        listener.accept()[0].close()

    threading.Thread(target=hang_up, daemon=True).start()
    result = run("up", "--port", str(listener.getsockname()[1]))
    assert isinstance(result.exception, PortTakenError)
    assert "Choose another with --port" in str(result.exception)
    assert not home.exists()


@pytest.mark.parametrize(("health", "error"), [(b"true", ConfigError), (b'{"ok": 1}', PortTakenError)])
def test_a_port_that_a_prefect_server_has_taken_says_what_can_be_done_with_it(
    health: bytes, error: type[Exception]
) -> None:
    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(health if self.path == "/api/health" else b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with pytest.raises(error) as raised:
                choose_port(server.server_port)
        finally:
            server.shutdown()
    if error is ConfigError:
        assert "datagen deploy" in str(raised.value)


def test_port_0_is_a_free_one() -> None:
    assert choose_port(0) > 1024
    assert choose_port(free := choose_port(0)) == free


# --- settings


def test_what_the_user_has_set_wins_but_for_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "https://elsewhere.example/api")
    monkeypatch.setenv("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "60")
    built = build_environment(4321)
    assert built["PREFECT_API_URL"] == "http://127.0.0.1:4321/api"
    assert "PREFECT_FLOWS_HEARTBEAT_FREQUENCY" not in built
    assert built["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"


def test_a_heartbeat_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "often")
    with pytest.raises(ConfigError, match="often"):
        read_heartbeat_seconds()


def test_deploying_without_an_address_says_that_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "flows.cli", "deploy"],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert "PREFECT_API_URL is not set" in result.stderr


def test_deploying_to_a_server_that_does_not_answer_says_so(listener: socket.socket) -> None:
    listener.close()
    url = f"http://127.0.0.1:{choose_port(0)}/api"
    result = subprocess.run(
        [sys.executable, "-m", "flows.cli", "deploy"],
        cwd=ROOT, env={**os.environ, "PREFECT_API_URL": url},
        capture_output=True, text=True, timeout=2 * PATIENCE, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert f"No Prefect server answers at {url}" in result.stderr


def test_the_project_is_found_from_anywhere_in_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_project() == ROOT
    for name in ("prefect.yaml", "automations.yaml"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    assert find_project() == tmp_path


def test_two_operations_do_not_share_a_folder_of_data(home: Path) -> None:
    class Silent:
        def tell(self, line: str) -> None: ...
        def show_ready(self, ready: Ready) -> None: ...
        def show_log(self, name: str, lines: list[str]) -> None: ...

    with lock_folder(find_logs(), holder="datagen up"), pytest.raises(FolderInUseError, match="datagen up"):
        operate(Plan(port=choose_port(0)), Stops(), Silent())


# --- automations


def test_the_automations_of_the_repository_are_valid_and_wait_for_three_heartbeats() -> None:
    (automation,) = read_automations(ROOT / "automations.yaml")
    trigger = automation.trigger
    assert isinstance(trigger, EventTrigger)
    assert trigger.within.total_seconds() == 90
    assert HEARTBEAT in trigger.after & trigger.expect
    (slower,) = read_automations(ROOT / "automations.yaml", heartbeat_seconds=120)
    assert isinstance(slower.trigger, EventTrigger)
    assert slower.trigger.within.total_seconds() == 360


def test_a_run_that_ended_or_waits_without_a_process_is_not_taken_for_dead() -> None:
    from prefect import states

    (automation,) = read_automations(ROOT / "automations.yaml")
    assert isinstance(automation.trigger, EventTrigger)
    quiet = [states.Completed(), states.Failed(), states.Crashed(), states.Cancelled(), states.Paused()]
    quiet += [states.Suspended(), states.AwaitingRetry(), states.Scheduled()]
    assert {f"prefect.flow-run.{state.name}" for state in quiet} | {LEFT} <= automation.trigger.expect
    assert "prefect.flow-run.Running" not in automation.trigger.expect


def test_the_automations_file_is_one_that_prefects_own_command_reads() -> None:
    document = yaml.safe_load((ROOT / "automations.yaml").read_text(encoding="utf-8"))
    assert [AutomationCore.model_validate(row).name for row in document["automations"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("automations: [", "cannot be read"),
        ("- name: a", "expected a list under 'automations'"),
        ("automations: 3", "expected a list under 'automations'"),
        ("automations: [a]", "automation 'a'"),
        ("automations: [{name: silent, actions: []}]", "automation 'silent', field 'trigger'"),
        (
            "automations: [{name: a, actions: [], trigger: {type: event, posture: Proactive, within: 5}}]",
            "10 seconds",
        ),
    ],
)
def test_a_wrong_automation_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "automations.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        read_automations(path)
    assert said in str(raised.value)


# --- processes


def start(tmp_path: Path, code: str) -> Child:
    return start_child("helper", [sys.executable, "-u", "-c", code], tmp_path / "logs" / "helper.log", folder=tmp_path)


def test_a_child_that_ends_by_itself_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = start(tmp_path, "import sys; print('\\n'.join(map(str, range(100)))); sys.exit(3)")
    await_truth(child.has_ended)
    with pytest.raises(OperationError) as raised:
        child.require_running()
    said = str(raised.value)
    assert "The helper ended by itself (exit code 3)" in said
    assert said.endswith("98\n99")
    assert "\n79\n" not in said
    assert len(child.read_new()) == 100
    assert child.read_new() == []


def test_a_child_that_was_killed_says_by_what(tmp_path: Path) -> None:
    child = start(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    await_truth(child.has_ended)
    with pytest.raises(OperationError, match="by SIGKILL"):
        child.require_running()


def test_the_log_of_the_start_before_is_kept_and_older_ones_are_not(tmp_path: Path) -> None:
    for text in "abc":
        await_truth(start(tmp_path, f"print('{text}')").has_ended)
    kept = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "logs").iterdir()}
    assert kept == {"helper.log": "c\n", "helper.log.1": "b\n"}


DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


def start_another(inner: str, *, then: str, own_session: bool) -> str:
    """Return code that starts further code, prints its process id, and goes on."""
    return (
        f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {inner!r}], "
        f"stdout=subprocess.DEVNULL, start_new_session={own_session}); print(p.pid, flush=True); {then}"
    )


def test_a_deaf_child_is_killed_with_what_it_has_started(tmp_path: Path) -> None:
    child = start(tmp_path, start_another(DEAF, then=DEAF.replace("'up'", "'deaf'"), own_session=False))
    await_truth(lambda: child.read_tail().endswith("deaf"))
    further = int(child.read_tail().split()[0])
    child.stop(signal.SIGTERM, patience=0.3, is_urgent=lambda: False)
    assert child.has_ended()
    await_truth(lambda: not is_running(further))


def test_a_halted_child_hears_that_it_is_to_stop(tmp_path: Path) -> None:
    child = start(tmp_path, "import time; print('up'); time.sleep(600)")
    await_truth(lambda: "up" in child.read_tail())
    child.send(signal.SIGSTOP)
    child.stop(signal.SIGINT, patience=PATIENCE, is_urgent=lambda: False)
    assert "KeyboardInterrupt" in child.read_tail()


@pytest.mark.parametrize("then", ["p.wait()", "raise SystemExit"], ids=["its parent lives", "its parent is gone"])
def test_sessions_that_a_child_began_are_found_and_ended(tmp_path: Path, then: str) -> None:
    # In a process of its own: adopting what is left behind is for good.
    child_code = start_another(DEAF, then=then, own_session=True)
    code = f"""
import os, sys, time
from pathlib import Path
from flows.operations.children import adopt_orphans, start_child
from flows.operations.processes import end_groups, find_groups, read_table
adopt_orphans()
child = start_child("outer", [sys.executable, "-c", {child_code!r}], Path("outer.log"), folder=Path.cwd())
while not child.read_tail().isdecimal(): time.sleep(0.05)
inner = int(child.read_tail())
while {then!r} != "p.wait()" and not child.has_ended(): time.sleep(0.05)
found = find_groups(os.getpid()) - {{child.pid}}
end_groups(found, patience=0.2, is_urgent=lambda: False)
while any(process.pid == inner for process in read_table()): time.sleep(0.05)
child.kill()
print(found == {{inner}})
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.stdout == "True\n", done.stderr


def test_what_is_urgent_is_killed_without_waiting(tmp_path: Path) -> None:
    child = start(tmp_path, DEAF)
    await_truth(lambda: "up" in child.read_tail())
    end_groups([child.pid], patience=10 * PATIENCE, is_urgent=lambda: True)
    await_truth(child.has_ended)


def test_our_own_group_is_never_among_those_found() -> None:
    assert os.getpgrp() not in find_groups(os.getppid())


# --- being told to stop


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name)
def test_each_way_of_being_told_to_stop_counts_and_is_undone(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with listening() as stops:
        assert not stops.is_wanted()
        os.kill(os.getpid(), number)
        with pytest.raises(Stopped):
            stops.sleep(PATIENCE)
        assert not stops.is_urgent()
        os.kill(os.getpid(), number)
        assert stops.is_urgent()
    assert signal.getsignal(number) is before


def test_children_can_be_interrupted_though_a_script_started_us_in_the_background(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with listening():
            child = start(tmp_path, "import time; print('up'); time.sleep(600)")
            await_truth(lambda: "up" in child.read_tail())
            child.stop(signal.SIGINT, patience=PATIENCE, is_urgent=lambda: False)
        assert "KeyboardInterrupt" in child.read_tail()
    finally:
        signal.signal(signal.SIGINT, before)
