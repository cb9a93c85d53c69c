"""Decides the kill matrix: which process dies where, under which fault, and what must be true after the next run.

A case is named `FAULT:MOMENT:N`, as `slow_commit:before:17`. Moments: before or after the n-th durable step of submit,
poll, retrieve and preprocess; `request`, as the n-th HTTP request has arrived and is not answered yet; `twice`, before
the n-th step and then again before the third step of the run that goes on.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Self, cast

from contract.door import ContractDoor
from faults.children import Child, Nursery, build_environment, log_path, trace_path

from datagen_core.dataset.funnel import read_funnel
from datagen_core.files import JsonObject, iter_json_array, read_jsonl
from datagen_core.simulator import Fault, SimulatorServer, SimulatorSettings
from datagen_core.simulator.faults import FaultName
from datagen_core.simulator.writer import ScriptWriter

N_REQUESTS: Final = 8
N_SHARDS: Final = 2
MAX_TOKENS: Final = "21000"
"""Prompt tokens that may be queued: about half of the requests', so that they become two shards that drip."""
TRIES: Final = 4
"""How often the same command is run again at most, over all commands; a lost answer ends one with exit 1."""
SECOND_DEATH: Final = 3

FAULTS: Final[dict[str, tuple[FaultName, float | None] | None]] = {
    "healthy": None,
    "lose_response": ("lose_response", None),
    "error_after_commit": ("error_after_commit", None),
    "drop_before_commit": ("drop_before_commit", None),
    "slow_commit": ("slow_commit", 0.5),
}
"""Each strikes the first upload and the first creation of a batch that arrive, whoever sends them."""

SUBMIT: Final = ["submit-batch", "--input", "output", "--wait", "--poll-interval", "0.05"]
COMMANDS: Final = [
    [*SUBMIT, "--max-enqueued-tokens", MAX_TOKENS],
    ["retrieve-batch", "--status-file", "output"],
    ["preprocess", "--input", "output"],
]


class Case(NamedTuple):
    """One death, or two."""

    fault: str
    moment: str
    n: int

    @classmethod
    def parse(cls, text: str) -> Self:
        fault, moment, n = text.split(":")
        return cls(fault, moment, int(n))

    def __str__(self) -> str:
        return f"{self.fault}:{self.moment}:{self.n}"


class Outcome(NamedTuple):
    """What came of a case; `problems` is empty where all is as it must be."""

    case: Case
    problems: tuple[str, ...]
    seconds: float


class Course(NamedTuple):
    """How an undisturbed run went: its durable steps, its HTTP requests, and the files that it left."""

    steps: list[str]
    n_requests: int
    files: dict[str, bytes]

    def list_cases(self, fault: str) -> Iterator[Case]:
        """Yield every moment at which a run of this course can die.

        After a step is another moment than before the next one where the provider is asked in between: that is so of
        the ledger's, and of the last of each command.
        """
        for n, step in enumerate(self.steps, 1):
            yield Case(fault, "before", n)
            if "ledger.jsonl" in step or n == len(self.steps) or not _is_same_command(step, self.steps[n]):
                yield Case(fault, "after", n)
        for n in range(1, self.n_requests + 1):
            yield Case(fault, "request", n)
        for n in range(4, len(self.steps), 9):
            yield Case(fault, "twice", n)


def _is_same_command(step: str, following: str) -> bool:
    return step.split()[1] == following.split()[1]


@dataclass
class Assassin:
    """Stands at the server's door: holds each request against the contract, and at the n-th ends its sender.

    Of like looks one after the other, of which there may be any number, only the first counts.
    """

    deadly: int = 0
    n_seen: int = 0
    last: str = ""
    door: ContractDoor = field(default_factory=ContractDoor)
    victim: Child | None = None
    known: threading.Event = field(default_factory=threading.Event)

    def __call__(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        request = f"{method} {target}"
        is_again, self.last = method == "GET" and request == self.last, request
        self.n_seen += not is_again
        if self.n_seen == self.deadly and not is_again:
            self.known.wait(60)
            assert self.victim is not None
            self.victim.kill()
        self.door(method, target, headers, body)


class Matrix:
    """Runs cases, each in a folder and against a server of its own; any number of threads may."""

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        self._folder, self._nursery = folder, nursery
        self._prepared = folder / "prepared"
        self._reference: dict[str, bytes] = {}

    def prepare(self) -> None:
        """Write the requests once, and see what a run without fault or death gives."""
        self._prepared.mkdir(parents=True)
        generate = ["generate-batch", "--count", str(N_REQUESTS), "--seed", "42"]
        assert self._nursery.run(self._prepared, [generate], build_environment()) == 0, read_log(self._prepared)
        self._reference = self.run_undisturbed("healthy", name="reference").files

    def run_undisturbed(self, fault: str, *, name: str | None = None) -> Course:
        """Run without a death; the same command is run again where the fault ends it."""
        folder = self._make_folder(name or f"undisturbed-{fault}")
        assassin = Assassin()
        with serve(folder, fault, assassin) as server:
            code = self._nursery.run(folder, COMMANDS, set_server(server), tries=TRIES)
            problems = self._inspect(folder, server, code)
        assert not problems, f"{fault} without a death: {problems}\n{read_log(folder)}"
        steps = trace_path(folder).read_text(encoding="utf-8").splitlines()
        course = Course(steps, assassin.n_seen, read_outputs(folder))
        shutil.rmtree(folder)
        return course

    def run_case(self, case: Case) -> Outcome:
        """Let a run die, run the same commands again, and look at everything that is there."""
        begun = time.monotonic()
        folder = self._make_folder(str(case).replace(":", "-"))
        assassin = Assassin(deadly=case.n if case.moment == "request" else 0)
        with serve(folder, case.fault, assassin) as server:
            try:
                problems = self._die_and_go_on(case, folder, server, assassin)
            except AssertionError as error:
                problems = [str(error)]
        if not problems:
            shutil.rmtree(folder)
        return Outcome(case, tuple(problems), time.monotonic() - begun)

    def _die_and_go_on(self, case: Case, folder: Path, server: SimulatorServer, assassin: Assassin) -> list[str]:
        environment = set_server(server)
        deaths = [0] if case.moment == "request" else [case.n, SECOND_DEATH] if case.moment == "twice" else [case.n]
        for deadly in deaths:
            when = "after" if case.moment == "after" else "before"
            child = self._nursery.start(folder, COMMANDS, environment, tries=TRIES, deadly=deadly, when=when)
            assassin.victim = child
            assassin.known.set()
            code = child.wait()
            if code != -9:
                return [f"the process was to die and ended with {code}"]
        code = self._nursery.run(folder, COMMANDS, environment, tries=TRIES)
        return self._inspect(folder, server, code)

    def _inspect(self, folder: Path, server: SimulatorServer, code: int) -> list[str]:
        if code != 0:
            return [f"the last run ended with {code}: {read_log(folder)[-1500:]}"]
        found = list(inspect_run(folder, server))
        for name, content in self._reference.items():
            if read_outputs(folder)[name] != content:
                found.append(f"{name} differs from that of the undisturbed run")
        return found

    def _make_folder(self, name: str) -> Path:
        folder = self._folder / name
        shutil.copytree(self._prepared, folder)
        return folder


def inspect_run(folder: Path, server: SimulatorServer) -> Iterator[str]:
    """Yield what is wrong with a run that has ended: something paid twice, lost, or left pending."""
    stats = read_stats(server)
    for name in ("batches", "files"):
        if stats[name] != N_SHARDS:
            yield f"{stats[name]} {name} at the provider for {N_SHARDS} shards"
    if server.objections:
        yield f"the contract does not allow {server.objections[:3]}"
    output = folder / "output"
    asked = [row["custom_id"] for _, row in read_jsonl(output / "batch_input.jsonl", advice="")]
    results = [cast("JsonObject", row) for _, row in iter_json_array(output / "result_lst.json", advice="")]
    answered = [row["custom_id"] for row in results]
    if answered != asked:
        yield f"{len(asked)} rows asked for, {len(answered)} in the results, or in another order"
    funnel = read_funnel(output / "funnel.json")
    if not funnel.is_balanced() or funnel.total.requested != len(asked) or funnel.total.pending:
        yield f"the funnel has {funnel.total}"


def serve(folder: Path, fault: str, door: Assassin) -> SimulatorServer:
    """Return a server of its own for a folder, with fixed ids and a share of spoilt and failed answers."""
    strike = FAULTS[fault]
    faults = () if strike is None else tuple(
        Fault(name=strike[0], seconds=strike[1], route=route) for route in ("files", "batches")
    )  # fmt: skip
    settings = SimulatorSettings(pace_seconds=0, seed=7, error_rows=0.2, faults=faults)
    return SimulatorServer(
        folder.with_name(f"{folder.name}.server"), ScriptWriter(mistakes=0.3), settings, inspect=door
    )


def set_server(server: SimulatorServer, *, timeout: float = 1.0) -> dict[str, str]:
    """Return the environment of a run against this server; `timeout` says how long an answer may take, in seconds."""
    return build_environment(
        OPENAI_BASE_URL=server.base_url, OPENAI_API_KEY="sk-faults", DATAGEN_HTTP_TIMEOUT=str(timeout)
    )


def read_stats(server: SimulatorServer) -> dict[str, int]:
    """Return how many batches and files were ever created, cancelled and refused ones included."""
    import httpx2

    stats = httpx2.get(f"{server.base_url.removesuffix('/v1')}/simulator/stats").json()
    return {name: int(stats[name]) for name in ("batches", "files")}


def read_outputs(folder: Path) -> dict[str, bytes]:
    """Return the files that must not depend on deaths and faults."""
    return {name: (folder / "output" / name).read_bytes() for name in ("dataset.jsonl", "rejected.jsonl")}


def read_log(folder: Path) -> str:
    """Return what the commands of a folder printed."""
    return log_path(folder).read_text(encoding="utf-8") if log_path(folder).exists() else ""
