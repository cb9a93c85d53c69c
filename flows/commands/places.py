"""Decides which file a path option means: the file itself, or its usual name in a run's folder."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from datagen_core.errors import InputFileError
from datagen_core.telling import PROGRESS_LOGGER

console = Console()


def find_input(path: Path, *names: str, advice: str) -> Path:
    """Return the file, or the first of `names` that stands in the folder.

    Raises:
        InputFileError: there is no such file; says which names were looked for and what to do.
    """
    if path.is_dir():
        for name in names:
            if (path / name).is_file():
                return path / name
        raise InputFileError(path, f"holds no {' or '.join(names)}.", advice=advice)
    if not path.is_file():
        raise InputFileError(path, "is not there.", advice=advice)
    return path


def find_output(path: Path | None, name: str, *, beside: Path) -> Path:
    """Return where to write: the file named, `name` in the folder named, or `name` beside the input."""
    if path is None:
        return beside.parent / name
    return path / name if path.is_dir() or not path.suffix else path


class _Shown(logging.Handler):
    """Prints what a run says of its progress."""

    def emit(self, record: logging.LogRecord) -> None:
        console.print(record.getMessage(), soft_wrap=True, markup=False, highlight=False)


@contextmanager
def showing_progress() -> Generator[None]:
    """Print, within the block, what tasks and flows tell, also where Prefect's own log is silent."""
    logger, handler = logging.getLogger(PROGRESS_LOGGER), _Shown()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def progress_bar(title: str, total: int | None, *, visible: bool = True) -> Generator[Progress]:
    """Show a progress bar of one task, id 0; one that is not visible prints nothing."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not visible) as progress:
        progress.add_task(title, total=total)
        yield progress


def advance_first(progress: Progress) -> None:
    """Advance the only task by one."""
    progress.advance(progress.task_ids[0])


def set_first(progress: Progress, completed: int) -> None:
    """Set how far the only task is."""
    progress.update(progress.task_ids[0], completed=completed)


def display(path: Path) -> str:
    """Return the path relative to the working directory where it lies below it."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)
