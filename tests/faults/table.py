"""Decides the table of faults: what the real commands do with each, and whether every row is accounted for."""

from __future__ import annotations

import re
import socket
import sqlite3
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, cast

import orjson
from faults.children import Nursery, build_environment
from faults.fault_list import ROWS, End, Entry
from faults.matrix import COMMANDS, N_REQUESTS, read_log, read_stats, set_server

from datagen_core.batch.outcomes import RowClass
from datagen_core.batch.reporting import RetrievalReport, read_retrieval
from datagen_core.dataset.funnel import read_funnel
from datagen_core.files import JsonObject, iter_json_array, read_jsonl
from datagen_core.simulator import SimulatorServer, SimulatorSettings
from datagen_core.simulator.writer import ScriptWriter

RUNS: Final = 6
"""How often a command is run at most while the fault is there."""
DAY_AND_MORE: Final = 27 * 3600.0
"""Seconds: past the window of 24 hours and the two of grace."""
GENERATE: Final = ["generate-batch", "--count", str(N_REQUESTS), "--seed", "42"]
_NAME_WIDTH: Final = 44
_DEED_WIDTH: Final = 104
_SAID: Final = 120


class TableRow(NamedTuple):
    """One line of the table."""

    name: str
    deeds: str
    rows_in: int
    rows_out: int
    problems: tuple[str, ...]
    seconds: float

    @property
    def is_well(self) -> bool:
        return not self.problems


class FaultTable:
    """Runs the commands under one fault after the other, each in a folder and against a server of its own."""

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        self._folder, self._nursery = folder, nursery

    def prepare(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    def run_row(self, name: str) -> TableRow:
        """Run the commands under a fault, end the fault where they stop, and look at what they left."""
        begun = time.monotonic()
        course = _Course(self._folder / re.sub(r"\W+", "-", name), ROWS[name], self._nursery)
        try:
            deeds = course.run()
            rows_in, rows_out = course.count_rows()
        except Exception as error:
            return TableRow(name, "", N_REQUESTS, 0, (f"{type(error).__name__}: {error}",), time.monotonic() - begun)
        return TableRow(name, deeds, rows_in, rows_out, tuple(course.problems), time.monotonic() - begun)


class _Course:
    """The way of one row of the table."""

    def __init__(self, folder: Path, entry: Entry, nursery: Nursery) -> None:
        self._folder, self._entry, self._nursery = folder, entry, nursery
        self._output = folder / "output"
        self._state = folder.with_name(f"{folder.name}.server")
        self._n_runs = 0
        self._n_read = 0
        self.problems: list[str] = []
        self._told: list[str] = []

    def run(self) -> str:
        """Return what was done."""
        self._folder.mkdir()
        assert self._nursery.run(self._folder, [GENERATE], build_environment()) == 0, read_log(self._folder)
        self._n_read = len(read_log(self._folder))
        settings = SimulatorSettings(
            pace_seconds=0, seed=7, error_rows=self._entry.error_rows, faults=self._entry.faults
        )
        # A port of its own choice, so that the server comes back under the same address.
        with SimulatorServer(self._state, ScriptWriter(mistakes=0.3), settings, port=find_port()) as server:
            _ENDS[self._entry.end](self, server)
            stats = read_stats(server)
        if stats["batches"] != self._entry.n_batches:
            self.problems.append(f"{stats['batches']} batches, {self._entry.n_batches} expected")
        if "Traceback" in read_log(self._folder):
            self.problems.append("a traceback was shown")
        report = read_retrieval(self._output / "retrieval.json")
        n_good = sum(batch.classes["good"] for batch in report.batches)
        if n_good != self._entry.n_good:
            self.problems.append(f"{n_good} good answers, {self._entry.n_good} expected")
        said = "".join(f"; {text}" for text in dict.fromkeys(self._told))
        again = f", {self._n_runs - len(COMMANDS)} commands run again" if self._n_runs > len(COMMANDS) else ""
        return f"{stats['batches']} batches, {stats['files']} files{again}; {_describe(report)}{said}"

    def count_rows(self) -> tuple[int, int]:
        """Return how many rows were asked for, and how many are accepted, rejected or failed."""
        asked = [row["custom_id"] for _, row in read_jsonl(self._output / "batch_input.jsonl", advice="")]
        rows = iter_json_array(self._output / "result_lst.json", advice="")
        results = [cast("JsonObject", row) for _, row in rows]
        total = read_funnel(self._output / "funnel.json").total
        if [row["custom_id"] for row in results] != asked:
            self.problems.append("the results are not those that were asked for")
        rejected = [row for _, row in read_jsonl(self._output / "rejected.jsonl", advice="")]
        if len(rejected) != total.rejected + total.failed:
            self.problems.append(f"{len(rejected)} rejections for {total}")
        accounted = total.accepted + total.rejected + total.failed
        if accounted != len(asked) or total.pending:
            self.problems.append(f"rows in {len(asked)}, out {accounted}, pending {total.pending}")
        return len(asked), accounted

    def end_by_itself(self, server: SimulatorServer) -> None:
        for command in COMMANDS:
            self._run_until_well(server, command, tries=RUNS)

    def end_when_over(self, server: SimulatorServer) -> None:
        self._run_refused(server, COMMANDS[0])
        server.faults.clear()
        for command in COMMANDS:
            self._run_until_well(server, command, tries=1)

    def end_by_other_requests(self, server: SimulatorServer) -> None:
        self._run_refused(server, COMMANDS[0])
        self._run_refused(server, COMMANDS[0])
        self._run_until_well(server, [*GENERATE, "--max-output-tokens", "6000"], tries=1)
        self._told[-1] = "requests written anew are taken"
        self._n_runs -= 1
        for command in COMMANDS:
            self._run_until_well(server, command, tries=1)

    def end_in_time(self, server: SimulatorServer) -> None:
        """Submit, look, find it late a day afterwards; then let the provider go on, and run everything again."""
        self._run_until_well(server, [word for word in COMMANDS[0] if word != "--wait"], tries=1)
        self._run_refused(server, COMMANDS[1])
        _age(self._output / "ledger.jsonl", DAY_AND_MORE)
        self._run_refused(server, COMMANDS[0])
        server.stop()
        heal(self._state)
        server.start()
        self._n_runs -= 2
        for command in COMMANDS:
            self._run_until_well(server, command, tries=1)

    def _run_until_well(self, server: SimulatorServer, command: list[str], *, tries: int) -> None:
        for _ in range(tries):
            code, said = self._run(server, command)
            if code == 0:
                return
            self._told.append(said)
        self.problems.append(f"{command[0]} fails for good: {self._told[-1]}")

    def _run_refused(self, server: SimulatorServer, command: list[str]) -> None:
        code, said = self._run(server, command)
        if code != 1 or not said.startswith("Error: "):
            self.problems.append(f"{command[0]} was to stop with an error, and ended with {code}: {said}")
        self._told.append(said)

    def _run(self, server: SimulatorServer, command: list[str]) -> tuple[int, str]:
        """Run a command and return its exit code and the error that it told, if any."""
        self._n_runs += 1
        code = self._nursery.run(self._folder, [command], set_server(server))
        log = read_log(self._folder)
        said, self._n_read = log[self._n_read :], len(log)
        errors = [line for line in said.splitlines() if line.startswith("Error: ")]
        return code, _shorten(errors[-1] if errors else said.strip())


_ENDS: Final[dict[End, Callable[[_Course, SimulatorServer], None]]] = {
    "by itself": _Course.end_by_itself,
    "when it is over": _Course.end_when_over,
    "told in time": _Course.end_in_time,
    "by other requests": _Course.end_by_other_requests,
}


def find_port() -> int:
    """Return a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def render_table(rows: list[TableRow]) -> str:
    """Return the table as text, what went wrong below its row."""
    lines = [f"{'fault':<{_NAME_WIDTH}}{'in':>4}{'out':>5}  {'verdict':<9}what the engine did"]
    for row in rows:
        verdict = "ok" if row.is_well else "FAILED"
        head = f"{row.name:<{_NAME_WIDTH}}{row.rows_in:>4}{row.rows_out:>5}  {verdict:<9}"
        deeds = textwrap.wrap(row.deeds, _DEED_WIDTH) or [""]
        lines.append(head + deeds[0])
        lines += [" " * len(head) + line for line in deeds[1:]]
        lines += [f"{'':<{_NAME_WIDTH}}! {problem}" for problem in row.problems]
    n_well = sum(row.is_well for row in rows)
    seconds = sum(row.seconds for row in rows)
    return "\n".join([*lines, f"{len(rows)} faults, {n_well} with every row accounted for, {seconds:.0f} s of runs"])


def _describe(report: RetrievalReport) -> str:
    """Return what stood in the provider's files, as retrieval.json has it."""
    batches = report.batches
    classes: Counter[RowClass] = Counter()
    for batch in batches:
        classes.update(batch.classes)
    statuses = Counter(batch.status for batch in batches)
    odd = {
        "doubled": sum(batch.duplicated.count for batch in batches),
        "foreign": sum(batch.foreign.count for batch in batches),
        "without a row": sum(batch.missing.count for batch in batches),
        "lines unreadable": sum(batch.unreadable.count for batch in batches),
        "files gone": sum(len(batch.missing_files) for batch in batches),
        "counts that do not add up": sum(batch.counts_add_up is False for batch in batches),
    }
    parts = [
        " and ".join(f"{n} {status}" for status, n in sorted(statuses.items())),
        "rows: " + ", ".join(f"{n} {name}" for name, n in classes.items() if n),
        *(f"{n} {name}" for name, n in odd.items() if n),
    ]
    return "; ".join(parts)


def _shorten(said: str) -> str:
    """Return what was said without what differs from run to run, and not much of it."""
    said = re.sub(r"http://[\d.]+:\d+/v1", "the provider", re.sub(r"\b(batch_|file-)[0-9a-f]{32}", r"\1…", said))
    return f"{said[:_SAID]}…" if len(said) > _SAID else said


def _age(ledger: Path, seconds: float) -> None:
    """Let everything in a ledger have happened so much earlier."""
    header, *lines = ledger.read_bytes().splitlines()
    aged = [header]
    for line in lines:
        record = orjson.loads(line)
        for name in ("time", "submitted_at", "in_flight_until"):
            if name in record:
                record[name] -= seconds
        aged.append(orjson.dumps(record))
    ledger.write_bytes(b"".join(line + b"\n" for line in aged))


def heal(state: Path) -> None:
    """Take their faults off the batches of a server that stands still."""
    with sqlite3.connect(state / "state.sqlite3") as database:
        database.execute("UPDATE batches SET document = json_set(document, '$.faults', json('[]'))")
    database.close()
