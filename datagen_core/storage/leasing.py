"""Decides who may work in a run's remote folder: one process at a time, on whatever machine; and who takes over."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Final

from datagen_core.errors import FolderInUseError, LeaseLostError, StorageError
from datagen_core.locking import is_alive, lock_folder
from datagen_core.storage.lease_file import LeaseFile, Note
from datagen_core.storage.locations import is_remote, mirror_path, parse_remote, prepare_scratch

Clock = Callable[[], float]

RENEW_SECONDS: Final = 20.0
EXPIRY_SECONDS: Final = 90.0
_MAX_CLAIMS: Final = 4

_log = logging.getLogger(__name__)


class Lease:
    """A folder that is held. A local one cannot be lost: the kernel holds its lock."""

    def require_held(self) -> None:
        """Return if the folder is still ours alone.

        Raises:
            LeaseLostError: another run may work in it; says what happened.
        """


class RemoteLease(Lease):
    """A remote folder that is held as long as the lease is renewed, which a thread does."""

    def __init__(self, file: LeaseFile, note: Note, clock: Clock, renew_every: float, expires_after: float) -> None:
        self._file, self._note, self._clock = file, note, clock
        self._renew_every = renew_every
        self._safe_seconds = expires_after - renew_every  # the rest is for clocks that differ
        self._lost: str | None = None
        self._trouble = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease of {file.url}", daemon=True)

    def require_held(self) -> None:
        """Return if the lease stands and was renewed in time.

        Raises:
            LeaseLostError: it was taken over or removed, or could not be renewed for so long that it may be.
        """
        if self._lost is not None:
            raise LeaseLostError(self._file.url, self._lost)
        silent = self._clock() - self._note.renewed_at
        if silent > self._safe_seconds:
            trouble = f": {self._trouble}" if self._trouble else ""
            raise LeaseLostError(self._file.url, f"not renewed for {silent:.0f} seconds{trouble}".rstrip("."))

    def begin(self) -> None:
        """Renew the lease from now on."""
        self._thread.start()

    def end(self) -> None:
        """Stop renewing, and remove the lease if it is ours. Never raises: what is left expires."""
        self._ended.set()
        self._thread.join()
        try:
            self._file.remove(self._note)
        except (StorageError, OSError) as error:
            _log.warning("The lease on %s could not be removed and will expire: %s", self._file.url, error)

    def _keep(self) -> None:
        while not self._ended.wait(self._renew_every) and self._lost is None:
            try:
                self._renew()
            except Exception as error:  # told by require_held; the next renewal may succeed
                self._trouble = str(error)

    def _renew(self) -> None:
        fresh = self._note.model_copy(update={"renewed_at": self._clock()})
        seen = self._file.read()
        if seen is not None and seen.note.token == fresh.token:
            if self._file.replace(seen, fresh):
                self._note, self._trouble = fresh, ""
                return
            seen = self._file.read()
        self._lost = "it was removed" if seen is None else f"taken over by {_describe(seen.note, self._clock())}"


@contextmanager
def lease_folder(
    location: str,
    *,
    holder: str,
    clock: Clock = time.time,
    renew_every: float = RENEW_SECONDS,
    expires_after: float = EXPIRY_SECONDS,
) -> Generator[Lease]:
    """Hold a folder, a path or a URL, until the block ends; `holder` says who we are, as `datagen training`.

    Nobody waits. A local folder is locked. A remote one has a lease in it, `.lease.json`, which the store makes for one
    process only; it is renewed meanwhile, and taken over when its process is dead, as far as this machine can tell, or
    it was not renewed for `expires_after` seconds. The mirror is locked as well.

    Raises:
        FolderInUseError: the folder is held; names by whom.
        StorageError: the store cannot be reached, or refuses.
        OutputError: the mirror or the local folder cannot be written.
    """
    folder = mirror_path(location)
    if not is_remote(location):
        with lock_folder(folder, holder=holder):
            yield Lease()
        return
    prepare_scratch()
    file = LeaseFile(parse_remote(location))
    with ExitStack() as stack:
        try:
            stack.enter_context(lock_folder(folder, holder=holder))
        except FolderInUseError as error:
            raise FolderInUseError(file.url, holder=error.holder) from None
        note = _claim(file, _build_note(holder, clock()), clock, expires_after)
        lease = RemoteLease(file, note, clock, renew_every, expires_after)
        stack.callback(lease.end)
        lease.begin()
        yield lease


def _claim(file: LeaseFile, note: Note, clock: Clock, expires_after: float) -> Note:
    for _ in range(_MAX_CLAIMS):
        seen = file.read()
        if seen is None:
            if file.create(note):
                return note
        elif not _is_over(seen.note, clock(), expires_after):
            raise FolderInUseError(file.url, holder=_describe(seen.note, clock()))
        elif file.replace(seen, note):
            return note
    raise FolderInUseError(file.url, holder="another process, which has just begun")


def _build_note(holder: str, now: float) -> Note:
    return Note(
        holder=holder,
        pid=os.getpid(),
        host=socket.gethostname(),
        space=_name_process_space(),
        token=secrets.token_hex(16),
        renewed_at=now,
    )


def _is_over(note: Note, now: float, expires_after: float) -> bool:
    is_here = (note.host, note.space) == (socket.gethostname(), _name_process_space())
    return now - note.renewed_at > expires_after or (is_here and not is_alive(note.pid))


def _describe(note: Note, now: float) -> str:
    where = "" if note.host == socket.gethostname() else f" on {note.host}"
    return f"{note.holder}, process {note.pid}{where}, heard of {max(0.0, now - note.renewed_at):.0f} seconds ago"


def _name_process_space() -> str:
    """Return what tells our process numbers from those of another container that has the same host name."""
    try:
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - no path
    except OSError:  # not Linux
        return ""
