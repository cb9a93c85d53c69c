"""Decides how the simulator's state is kept, so that a server killed at any moment goes on where it was.

One SQLite database (WAL) says what exists; file contents stand beside it, one file each, and count only once the
database names them.
"""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, cast

import orjson

from datagen_core.errors import ConfigError, InputFileError, OutputError
from datagen_core.files import JsonObject
from datagen_core.simulator.batches import BatchState, StoredFile

# Version 2: a batch's document holds its faults and its prompt tokens.
SCHEMA_VERSION = 2
_PAGE = 1_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS requests (route TEXT PRIMARY KEY, n INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, filename TEXT NOT NULL, purpose TEXT NOT NULL,
    size INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, deleted INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS batches (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, ended INTEGER NOT NULL, document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS unfinished ON batches (seq) WHERE ended = 0;
CREATE TABLE IF NOT EXISTS planted (
    batch_id TEXT NOT NULL, custom_id TEXT NOT NULL, planted TEXT NOT NULL, PRIMARY KEY (batch_id, custom_id)
);
CREATE TABLE IF NOT EXISTS failures (custom_id TEXT PRIMARY KEY, batch_id TEXT NOT NULL);
"""
_FIND_FILE = """
SELECT id, filename, purpose, size, created_at, expires_at FROM files
WHERE id = ? AND deleted = 0 AND (expires_at IS NULL OR expires_at > ?)
"""
# The direction is 1 for oldest first, -1 for newest first.
_LIST_FILES = """
SELECT id, filename, purpose, size, created_at, expires_at FROM files
WHERE deleted = 0 AND (expires_at IS NULL OR expires_at > :now) AND (seq - :seq) * :direction > 0
    AND (:purpose IS NULL OR purpose = :purpose) AND id NOT IN (SELECT value FROM json_each(:hidden))
ORDER BY seq * :direction LIMIT :limit
"""
_LIST_BATCHES = """
SELECT document FROM batches WHERE seq < ? AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY seq DESC LIMIT ?
"""
_ADD_FILE = "INSERT INTO files (id, filename, purpose, size, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)"
_FIND_SEQ = {"files": "SELECT seq FROM files WHERE id = ?", "batches": "SELECT seq FROM batches WHERE id = ?"}
_BEYOND_ALL = 2**62
_FileRow = tuple[str, str, Literal["batch", "batch_output"], int, int, int | None]


class RowNotes(NamedTuple):
    """What is remembered of rows besides their answers: (custom id, label) planted, custom ids failed on purpose."""

    planted: tuple[tuple[str, str], ...] = ()
    failures: tuple[str, ...] = ()


class Store:
    """The state folder of one server. Every method is one transaction and may be called from any thread.

    Raises:
        ConfigError: the state was written by a newer version.
        InputFileError: the database is damaged.
        OutputError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.RLock()
        database = folder / "state.sqlite3"
        try:
            self.blobs.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.OperationalError) as error:
            raise OutputError(database, str(error)) from error
        try:
            self._prepare(database)
        except sqlite3.DatabaseError as error:
            self._db.close()
            advice = "Delete the folder to start an empty simulator, or choose another one."
            raise InputFileError(database, f"is not a usable state database ({error}).", advice=advice) from error
        except ConfigError:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the database; what was committed stays."""
        with self._lock:
            self._db.close()

    @property
    def identity(self) -> str:
        """The UUID of this state folder, the same after every restart."""
        return cast(tuple[str], self._one("SELECT value FROM meta WHERE key = 'identity'"))[0]

    @property
    def blobs(self) -> Path:
        """The folder of file contents."""
        return self._folder / "files"

    def count_request(self, route: str) -> None:
        """Count one HTTP request."""
        with self._transaction() as db:
            db.execute("INSERT INTO requests VALUES (?, 1) ON CONFLICT (route) DO UPDATE SET n = n + 1", (route,))

    def read_stats(self) -> JsonObject:
        """Return requests by route, and how many batches and input files were ever created."""
        rows = cast(list[tuple[str, int]], self._all("SELECT route, n FROM requests ORDER BY route"))
        batches = cast(tuple[int], self._one("SELECT count(*) FROM batches"))[0]
        files = cast(tuple[int], self._one("SELECT count(*) FROM files WHERE purpose = 'batch'"))[0]
        return {"requests": dict(rows), "batches": batches, "files": files}

    def add_input_file(self, content: Path, build: Callable[[int], StoredFile]) -> StoredFile:
        """Publish what `build` makes of the file's running number, from 1; `content` becomes its content."""
        with self._transaction() as db:
            number = cast(tuple[int], self._one("SELECT count(*) FROM files WHERE purpose = 'batch'"))[0] + 1
            file = build(number)
            content.replace(self.blobs / file.id)
            self._insert_file(db, file)
        return file

    def find_file(self, file_id: str, *, now: float) -> StoredFile | None:
        """Return a file that was neither deleted nor has expired."""
        row = self._one(_FIND_FILE, file_id, int(now))
        return None if row is None else StoredFile(*cast(_FileRow, row))

    def list_files(
        self,
        *,
        now: float,
        after: str | None,
        limit: int,
        newest_first: bool,
        purpose: str | None,
        hidden: Iterable[str] = (),
    ) -> tuple[list[StoredFile], bool]:
        """Return a page of files and whether there are more, as if there were none of the `hidden` ids.

        Raises:
            KeyError: there is no file `after`.
        """
        direction = -1 if newest_first else 1
        seq = -direction * _BEYOND_ALL if after is None else self._find_seq("files", after)
        bounds = {"now": int(now), "seq": seq, "direction": direction, "purpose": purpose, "limit": limit + 1}
        bounds["hidden"] = _render_ids(hidden)
        with self._lock:
            rows = cast(list[_FileRow], self._db.execute(_LIST_FILES, bounds).fetchall())
        return [StoredFile(*row) for row in rows[:limit]], len(rows) > limit

    def delete_file(self, file_id: str) -> None:
        """Delete a file; its content stays on disk while an unfinished batch reads it."""
        with self._transaction() as db:
            db.execute("UPDATE files SET deleted = 1 WHERE id = ?", (file_id,))
        self.sweep([file_id])

    def add_batch(self, build: Callable[[int], BatchState]) -> BatchState:
        """Add what `build` makes of the new batch's running number, from 1."""
        with self._transaction() as db:
            batch = build(cast(tuple[int], self._one("SELECT count(*) FROM batches"))[0] + 1)
            row = (batch.id, batch.has_ended, batch.model_dump_json())
            db.execute("INSERT INTO batches (id, ended, document) VALUES (?, ?, ?)", row)
        return batch

    def find_batch(self, batch_id: str) -> BatchState | None:
        """Return a batch, None where there is none of this id."""
        row = self._one("SELECT document FROM batches WHERE id = ?", batch_id)
        return None if row is None else BatchState.model_validate_json(cast(tuple[str], row)[0])

    def count_batches_before(self, batch_id: str) -> int:
        """Return how many batches were created before this one."""
        row = self._one("SELECT count(*) FROM batches WHERE seq < (SELECT seq FROM batches WHERE id = ?)", batch_id)
        return cast(tuple[int], row)[0]

    def list_batches(
        self, *, after: str | None, limit: int, hidden: Iterable[str] = ()
    ) -> tuple[list[BatchState], bool]:
        """Return a page of batches, newest first, and whether there are more, as if there were none of `hidden`.

        Raises:
            KeyError: there is no batch `after`.
        """
        seq = _BEYOND_ALL if after is None else self._find_seq("batches", after)
        rows = cast(list[tuple[str]], self._all(_LIST_BATCHES, seq, _render_ids(hidden), limit + 1))
        return [BatchState.model_validate_json(document) for (document,) in rows[:limit]], len(rows) > limit

    def list_unfinished(self) -> list[BatchState]:
        """Return the batches that still have something to do, oldest first."""
        rows = cast(list[tuple[str]], self._all("SELECT document FROM batches WHERE ended = 0 ORDER BY seq"))
        return [BatchState.model_validate_json(document) for (document,) in rows]

    def change_batch(
        self,
        batch_id: str,
        change: Callable[[BatchState], BatchState],
        *,
        notes: RowNotes | None = None,
        files: Iterable[StoredFile] = (),
    ) -> BatchState:
        """Replace a batch by what `change` makes of its present state, with row notes and new files, all or nothing."""
        with self._transaction() as db:
            row = cast(tuple[str], self._one("SELECT document FROM batches WHERE id = ?", batch_id))
            batch = change(BatchState.model_validate_json(row[0]))
            values = (batch.has_ended, batch.model_dump_json(), batch_id)
            db.execute("UPDATE batches SET ended = ?, document = ? WHERE id = ?", values)
            if notes is not None:
                planted = [(batch_id, custom_id, label) for custom_id, label in notes.planted]
                db.executemany("INSERT OR REPLACE INTO planted VALUES (?, ?, ?)", planted)
                failures = [(custom_id, batch_id) for custom_id in notes.failures]
                db.executemany("INSERT OR IGNORE INTO failures VALUES (?, ?)", failures)
            for file in files:
                self._insert_file(db, file)
        return batch

    def find_failure(self, custom_id: str) -> str | None:
        """Return the batch in which a row of this custom id failed on purpose."""
        row = self._one("SELECT batch_id FROM failures WHERE custom_id = ?", custom_id)
        return None if row is None else cast(tuple[str], row)[0]

    def iter_planted(self, batch_id: str) -> Iterator[tuple[str, str]]:
        """Yield (custom id, label) in the order of answering, a page at a time."""
        sql = "SELECT rowid, custom_id, planted FROM planted WHERE batch_id = ? AND rowid > ? ORDER BY rowid LIMIT ?"
        last = 0
        while rows := cast(list[tuple[int, str, str]], self._all(sql, batch_id, last, _PAGE)):
            yield from ((custom_id, label) for _, custom_id, label in rows)
            last = rows[-1][0]

    def sweep(self, file_ids: Iterable[str] | None = None) -> None:
        """Remove contents that nothing names any more: of these ids, or of whatever stands in the folder."""
        with self._lock:
            needed = {name for b in self.list_unfinished() for name in (b.input_file_id, b.output_blob, b.error_blob)}
            for path in [self.blobs / name for name in file_ids] if file_ids is not None else self.blobs.iterdir():
                kept = self._one("SELECT 1 FROM files WHERE id = ? AND deleted = 0", path.name)
                if kept is None and path.name not in needed:
                    path.unlink(missing_ok=True)

    def _prepare(self, database: Path) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        version = cast(tuple[int], self._one("PRAGMA user_version"))[0]
        if version > SCHEMA_VERSION:
            raise ConfigError(
                f"{database} has version {version}, this program knows {SCHEMA_VERSION}. "
                "Update datagen, or choose another state folder."
            )
        self._db.executescript(_SCHEMA)
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO meta VALUES ('identity', ?)", (str(uuid.uuid4()),))
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _insert_file(self, db: sqlite3.Connection, file: StoredFile) -> None:
        db.execute(_ADD_FILE, tuple(file))

    def _find_seq(self, table: Literal["files", "batches"], row_id: str) -> int:
        row = self._one(_FIND_SEQ[table], row_id)
        if row is None:
            raise KeyError(row_id)
        return cast(tuple[int], row)[0]

    def _one(self, sql: str, *arguments: object) -> object:
        with self._lock:
            return cast(object, self._db.execute(sql, arguments).fetchone())

    def _all(self, sql: str, *arguments: object) -> list[object]:
        with self._lock:
            return self._db.execute(sql, arguments).fetchall()

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _render_ids(ids: Iterable[str]) -> str:
    return orjson.dumps(list(ids)).decode()
