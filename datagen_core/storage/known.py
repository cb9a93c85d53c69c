"""Decides what is remembered of each file in the mirrors: which of the store's versions it is, and its SHA-256."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from datagen_core.errors import StorageError
from datagen_core.storage.locations import prepare_scratch

DATABASE_NAME: Final = "known.sqlite3"
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS known (
        url TEXT PRIMARY KEY, token TEXT, n_bytes INTEGER, mtime_ns INTEGER, inode INTEGER, sha256 TEXT
    ) WITHOUT ROWID
"""
_BUSY_SECONDS: Final = 60.0


class Stamp(NamedTuple):
    """What changes with a local file whenever it is written to or replaced."""

    n_bytes: int
    mtime_ns: int
    inode: int


class Known(NamedTuple):
    """A file of which store and mirror held the same bytes: the store's token for them, and the mirror's stamp then.

    `sha256` is None until somebody wanted to know it.
    """

    token: str | None
    stamp: Stamp
    sha256: str | None = None


def read_stamp(path: Path) -> Stamp | None:
    """Return a file's stamp; None where no file stands."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ino)


def recall(url: str) -> dict[str, Known]:
    """Return what is known of a URL and of everything below it, by URL.

    Raises:
        StorageError: the database of what is known is damaged.
    """
    query = "SELECT url, token, n_bytes, mtime_ns, inode, sha256 FROM known WHERE url = ? OR (url > ? AND url < ?)"
    with _open() as database:
        rows = database.execute(query, (url, f"{url}/", f"{url}0")).fetchall()  # the character after "/" is "0"
    return {row[0]: Known(row[1], Stamp(row[2], row[3], row[4]), row[5]) for row in rows}


def remember(facts: Mapping[str, Known]) -> None:
    """Note what is known of files, by URL.

    Raises:
        StorageError: as `recall`.
    """
    rows = [(url, known.token, *known.stamp, known.sha256) for url, known in facts.items()]
    with _open() as database:
        database.executemany("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?, ?)", rows)


def forget(urls: Iterable[str]) -> None:
    """Forget files, by URL.

    Raises:
        StorageError: as `recall`.
    """
    with _open() as database:
        database.executemany("DELETE FROM known WHERE url = ?", [(url,) for url in urls])


@contextmanager
def _open() -> Generator[sqlite3.Connection]:
    """Open the database, which all threads and processes of this machine share, for one transaction."""
    path = prepare_scratch() / DATABASE_NAME
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as database, database:
            database.execute(_SCHEMA)
            yield database
    except sqlite3.Error as error:
        raise StorageError(
            path,
            f"cannot be used ({error}).",
            advice="Remove it and run again; nothing is lost, files are only transferred once more.",
        ) from error
