"""Decides how a file comes to stand at its place: whole or not at all, and hashed while it is written."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from datagen_core.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STALE_SECONDS: Final = 3_600.0
"""A temporary file that was not written to for so long belongs to no process that still runs."""
BUFFER_BYTES: Final = 1 << 18


class HashingWriter(io.BufferedWriter):
    """A binary stream that knows how many bytes it took and their SHA-256, so that nobody reads the file for it.

    It writes forwards only. Hashing stands below the buffer: many small writes cost one call.
    """

    def __init__(self, descriptor: int) -> None:
        self._hashed = _HashedFile(descriptor)
        super().__init__(self._hashed, BUFFER_BYTES)

    @property
    def sha256(self) -> str:
        """The hexadecimal SHA-256 of everything written so far."""
        self._settle()
        return self._hashed.digest.hexdigest()

    @property
    def n_bytes(self) -> int:
        """How many bytes were written so far."""
        self._settle()
        return self._hashed.n_bytes

    def _settle(self) -> None:
        if not self.closed:
            self.flush()


class _HashedFile(io.FileIO):
    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "wb")
        self.digest = hashlib.sha256()
        self.n_bytes = 0

    def seekable(self) -> bool:  # what stands behind was hashed already
        return False

    def write(self, block: ReadableBuffer, /) -> int:
        written = super().write(block)  # may be less than the block, for example on a disk that fills up
        self.digest.update(memoryview(block)[:written])
        self.n_bytes += written
        return written


class PendingFile:
    """A file in the making: it stands under a temporary name beside its target, until it is published or discarded.

    Temporary files of the same target that a killed process left are removed first.

    Raises:
        OutputError: the folder or the file cannot be written; so from every method. What stood at `path` is unchanged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_stale(path)
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        self._temporary = Path(name)
        self.stream = HashingWriter(descriptor)

    def write(self, block: bytes) -> None:
        """Write what comes next."""
        with _explained(self.path):
            self.stream.write(block)

    def hash(self) -> str:
        """Return the hexadecimal SHA-256 of everything written so far."""
        with _explained(self.path):
            return self.stream.sha256

    def finish(self) -> None:
        """Bring everything to the disk and close the file, still under its temporary name. Safe to call twice."""
        with _explained(self.path):
            if not self.stream.closed:
                self.stream.flush()
                os.fsync(self.stream.fileno())
                self.stream.close()

    def publish(self) -> None:
        """Finish the file and put it at its place, where it replaces what stood there."""
        self.finish()
        with _explained(self.path):
            self._temporary.chmod(0o644)
            self._temporary.replace(self.path)
            _sync_folder(self.path.parent)

    def discard(self) -> None:
        """Remove the temporary file; a published file stays. Never raises."""
        with suppress(OSError):  # a full disk: what is still buffered goes nowhere
            self.stream.close()
        with suppress(OSError):
            self._temporary.unlink()


@contextmanager
def replace_file(path: Path) -> Generator[HashingWriter]:
    """Open a temporary file beside `path` that takes its place, fsynced, when the block ends without an error.

    Raises:
        OutputError: the folder or the file cannot be written; what stood at `path` is unchanged.
    """
    pending = PendingFile(path)
    try:
        with _explained(path):
            yield pending.stream
        pending.publish()
    except BaseException:
        pending.discard()
        raise


@contextmanager
def _explained(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error


def _remove_stale(path: Path) -> None:
    """Remove the target's temporary files that nobody has written to for an hour; a younger one may be in use."""
    ours = re.compile(rf"{re.escape(f'.{path.name}.')}[a-z0-9_]{{8}}\.tmp")
    oldest = time.time() - STALE_SECONDS
    with os.scandir(path.parent) as entries:
        stale = [entry.path for entry in entries if ours.fullmatch(entry.name) and _is_left_since(entry, oldest)]
    for name in stale:
        with suppress(OSError):  # another user's, or gone already: no reason not to write
            Path(name).unlink()


def _is_left_since(entry: os.DirEntry[str], oldest: float) -> bool:
    try:
        return entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime < oldest
    except FileNotFoundError:  # its own process has just put it into its place
        return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
