"""Runs `datagen` commands in processes that end themselves by SIGKILL at a durable step, counted over all commands.

A durable step is what outlives the process: a file's bytes on disk (fsync) or a file in its place (rename). Started as
a program, this module imports everything once, then reads one job a line from stdin and forks a process for each, so
that a process costs milliseconds; on stdout it says which id each has and, later, how it ended. It never imports
Prefect, and runs no command itself, so that each process begins as one does that was started anew.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

_LOOK_SECONDS = 0.01


class Job(NamedTuple):
    """Commands to run one after the other, each again while it fails, at most `tries` times in all.

    `deadly` is the durable step to die at, counted from 1 over everything (0: never), `when` whether before or after
    it. `trace_path` gets one line a step; `log_path` what was printed; both are written on at their ends.
    """

    name: str
    folder: str
    environment: dict[str, str]
    commands: list[list[str]]
    tries: int
    deadly: int
    when: str
    log_path: str
    trace_path: str


class _FileNumber(Protocol):
    def fileno(self) -> int: ...


class Steps:
    """Counts durable steps, notes each, and dies at one of them."""

    def __init__(self, deadly: int, when: str, trace_path: str) -> None:
        self.n, self.command, self._deadly, self._when = 0, "", deadly, when
        self._trace = os.open(trace_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def wrap(self, step: Callable[..., Any], name_target: Callable[..., str]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.n += 1
            os.write(self._trace, f"{self.n} {self.command} {step.__name__} {name_target(*args)}\n".encode())
            is_deadly = self.n == self._deadly
            if is_deadly and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = step(*args, **kwargs)
            if is_deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return counted

    def install(self) -> None:
        os.fsync = self.wrap(os.fsync, _name_open_file)  # type: ignore[assignment]
        os.replace = self.wrap(os.replace, _name_destination)  # type: ignore[assignment]
        os.rename = self.wrap(os.rename, _name_destination)  # type: ignore[assignment]


def _name_open_file(file: int | _FileNumber) -> str:
    descriptor = file if isinstance(file, int) else file.fileno()
    try:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
    except OSError:  # only Linux has it, and it is only for reading
        return "?"
    return f"{name.split('.')[1]}.tmp" if name.endswith(".tmp") else name


def _name_destination(_: object, destination: str | os.PathLike[str], **__: object) -> str:
    return Path(destination).name


def perform(job: Job) -> int:
    """Run a job's commands in this process and return the exit code of the last one that ran."""
    os.chdir(job.folder)
    os.environ.clear()
    os.environ.update(job.environment)
    log = os.open(job.log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(log, stream)
    steps = Steps(job.deadly, job.when, job.trace_path)
    steps.install()
    left, code = job.tries, 0
    for arguments in job.commands:
        steps.command = arguments[0]
        while True:
            code = _run_command(arguments)
            left -= code != 0
            if code == 0 or left <= 0:
                break
        if code != 0:
            return code
    return 0


def _run_command(arguments: list[str]) -> int:
    from flows.cli import main as datagen

    sys.argv = ["datagen", *arguments]
    try:
        datagen()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 70
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def serve() -> None:
    """Fork a process for each job on stdin until it closes, then end those that are left."""
    _warm()
    children: dict[int, str] = {}
    pending = b""
    while True:
        ready, _, _ = select.select([0], [], [], _LOOK_SECONDS if children else None)
        if ready:
            block = os.read(0, 1 << 16)
            if not block:
                break
            *lines, pending = (pending + block).split(b"\n")
            for line in lines:
                job = Job(**json.loads(line))
                pid = _fork(job)
                children[pid] = job.name
                _say(job.name, pid=pid)
        for pid in list(children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                _say(children.pop(pid), exit_code=os.waitstatus_to_exitcode(status))
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _warm() -> None:
    """Import and load once what takes seconds; none of it is about batches."""
    for name in ("openai", "flows.cli"):
        importlib.import_module(name)
    from datagen_core.checks.morphology import analyse
    from datagen_core.pricing import PriceBook
    from datagen_core.tokens import count_tokens

    count_tokens("가")
    analyse("가")
    PriceBook().find("gpt-6-luna")


def _fork(job: Job) -> int:
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            code = perform(job)
        finally:
            os._exit(code)
    return pid


def _say(name: str, **fields: int) -> None:
    os.write(1, (json.dumps({"name": name, **fields}) + "\n").encode())


if __name__ == "__main__":
    serve()
