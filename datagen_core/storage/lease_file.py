"""Decides how a lease stands in a store: one small object, made by nobody twice, and replaced by its reader only."""

from __future__ import annotations

import errno
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from datagen_core.errors import StorageError
from datagen_core.storage.locations import FILE_SCHEMES, LEASE_NAME, Remote
from datagen_core.storage.stores import S3_SCHEMES, Store, explaining

_EXCLUSIVE_SCHEMES: Final = S3_SCHEMES | FILE_SCHEMES | {"gs", "gcs", "az", "abfs", "abfss", "memory"}
"""Stores that refuse to create what is there already; whether this one does is tried all the same."""
_SETTLE_SECONDS: Final = 1.0
"""How long a store that cannot refuse is given until the last of several writers has written."""


class Note(BaseModel):
    """Who holds a folder. `space` tells apart the process numbers of containers on one host."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    holder: str
    pid: int
    host: str
    space: str = ""
    token: str
    renewed_at: float


class Seen(NamedTuple):
    """A lease as it stood: its note, and the version of the object for a store that can compare."""

    note: Note
    version: str | None


class LeaseFile:
    """The lease of a remote folder, `.lease.json` in it."""

    def __init__(self, remote: Remote) -> None:
        self.url = remote.url
        self._place = Remote(remote.scheme, (*remote.names, LEASE_NAME))
        self._store = Store(self._place)
        self._fs, self._path = self._store.fs, self._store.path

    def read(self) -> Seen | None:
        """Return the lease that stands there; one that is no note of ours has no holder that could be named.

        Raises:
            StorageError: the store cannot be reached.
        """
        with explaining(self.url):
            self._fs.invalidate_cache()
            try:
                info = self._fs.info(self._path)
                content = self._fs.cat_file(self._path)
            except FileNotFoundError:
                return None
        version = info.get("ETag") if self._place.scheme in S3_SCHEMES else None
        return Seen(_parse(content, info), cast("str | None", version))

    def create(self, note: Note) -> bool:
        """Write the note if there is no lease; return whether ours stands there now.

        Raises:
            StorageError: the store cannot be reached, or there is no such bucket.
        """
        is_refusing = False
        try:
            with explaining(self.url):
                is_refusing = not self._write_new(note) or not self._write_new(note)
        except FileNotFoundError as error:
            raise StorageError(
                self.url, f"cannot be written ({error}).", advice="Make the bucket first, or name another one."
            ) from error
        if not is_refusing or self._place.scheme not in _EXCLUSIVE_SCHEMES:
            time.sleep(_SETTLE_SECONDS)
        return self._is_ours(note)

    def replace(self, seen: Seen, note: Note) -> bool:
        """Write the note over the lease that was seen; return whether ours stands there now.

        S3 compares the version itself. Elsewhere one who took the lease over waits until others would have, too.

        Raises:
            StorageError: the store cannot be reached.
        """
        options = {} if seen.version is None else {"IfMatch": seen.version}
        with explaining(self.url):
            try:
                self._fs.pipe_file(self._path, note.model_dump_json().encode(), **options)
            except FileNotFoundError:
                return False
            except OSError as error:
                if not _is_conflict(error):
                    raise
        if seen.version is None and seen.note.token != note.token:
            time.sleep(_SETTLE_SECONDS)
        return self._is_ours(note)

    def remove(self, note: Note) -> None:
        """Remove the lease if it is ours.

        Raises:
            StorageError: the store cannot be reached.
        """
        if self._is_ours(note):
            with explaining(self.url):
                self._fs.rm_file(self._path)

    def _is_ours(self, note: Note) -> bool:
        seen = self.read()
        return seen is not None and seen.note.token == note.token

    def _write_new(self, note: Note) -> bool:
        """Write the note where nothing stands; return False if the store refuses because something does."""
        content = note.model_dump_json().encode()
        try:
            self._store.make_parent(self._path)
            if self._fs.async_impl:
                self._fs.pipe_file(self._path, content, mode="create")
            else:
                with self._fs.open(self._path, "xb") as stream:
                    stream.write(content)
        except FileExistsError:
            return False
        except (NotImplementedError, TypeError, ValueError):  # knows no exclusive creation
            self._fs.pipe_file(self._path, content)
        except OSError as error:
            if error.errno == errno.ENOSYS:
                self._fs.pipe_file(self._path, content)
            elif _is_conflict(error):
                return False
            else:
                raise
        return True


def _is_conflict(error: OSError) -> bool:
    """Tell whether S3 refused because the object is not, or not any longer, what we took it for."""
    response = cast("Mapping[str, Mapping[str, object]]", getattr(error.__cause__, "response", None) or {})
    return response.get("ResponseMetadata", {}).get("HTTPStatusCode") in {409, 412}


def _parse(content: bytes, info: Mapping[str, object]) -> Note:
    try:
        return Note.model_validate_json(content)
    except ValidationError:
        moment = info.get("LastModified") or info.get("mtime") or info.get("created")
        renewed_at = moment.timestamp() if isinstance(moment, datetime) else moment
        known = renewed_at if isinstance(renewed_at, float) else 0.0
        return Note(holder="somebody unknown", pid=0, host="", token="", renewed_at=known)
