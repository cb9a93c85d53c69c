"""Decides how a store is reached through fsspec: which files it holds, in which version, and how its errors read."""

from __future__ import annotations

import errno
import math
import secrets
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, Protocol, cast

from datagen_core.errors import DatagenError, OutputError, StorageError
from datagen_core.storage.locations import FILE_SCHEMES, Remote, find_scratch, is_shared

S3_SCHEMES: Final = frozenset({"s3", "s3a"})
BLOCK_BYTES: Final = 8 << 20
"""Larger files are cut into blocks, four of which are in memory at once."""

_RENAMING_SCHEMES: Final = FILE_SCHEMES | {"sftp", "ssh"}
"""Stores in which half a file can be seen while it is written, and where a renaming replaces."""
_S3_OPTIONS: Final[dict[str, Any]] = {
    "use_listings_cache": False,
    "default_block_size": BLOCK_BYTES,
    "max_concurrency": 4,
    "config_kwargs": {"retries": {"mode": "standard", "total_max_attempts": 4}},
}
_VERSIONS: Final = ("ETag", "etag", "generation", "md5Hash", "blob_id")
_TIMES: Final = ("mtime", "created", "LastModified", "last_modified", "updated", "modified", "modificationTime")
_S3_MAX_PARTS: Final = 10_000
_BULK_SIZE: Final = 32
_SHORT_LIST: Final = 4
_SHOWN: Final = 300


class _FileSystem(Protocol):
    """What we use of an fsspec file system. None of it expands `*`, `?` or `[` in a name."""

    async_impl: bool

    def info(self, path: str) -> dict[str, object]: ...
    def find(self, path: str, *, detail: bool) -> dict[str, dict[str, object]]: ...
    def invalidate_cache(self) -> None: ...
    def get(self, rpath: list[str], lpath: list[str], **options: object) -> object: ...
    def put(self, lpath: list[str], rpath: list[str], **options: object) -> object: ...
    def cat_file(self, path: str) -> bytes: ...
    def pipe_file(self, path: str, value: bytes, **options: object) -> object: ...
    def rm_file(self, path: str) -> None: ...
    def mv(self, path1: str, path2: str) -> None: ...
    def open(self, path: str, mode: str) -> AbstractContextManager[BinaryIO]: ...
    def makedirs(self, path: str, exist_ok: bool = False) -> None: ...


class Found(NamedTuple):
    """A file as the store told of it. `token` changes with its content; None where the store has nothing like it."""

    token: str | None
    n_bytes: int


class Store:
    """A place in a store, a file or a folder, open for reading and writing; `path` is what its file system calls it."""

    def __init__(self, remote: Remote) -> None:
        from upath import UPath

        self.remote = remote
        with explaining(remote.url):
            place = UPath(remote.url, **(_S3_OPTIONS if remote.scheme in S3_SCHEMES else {}))
            self.fs = cast(_FileSystem, place.fs)
            self.path = place.path.rstrip("/")

    def path_of(self, name: str) -> str:
        """Return what the file system calls something below, by its relative name."""
        return f"{self.path}/{name}" if name else self.path

    def list_files(self) -> dict[str, Found]:
        """Return the files that stand there now, by relative name: of a file itself the empty one.

        Raises:
            StorageError: the store cannot be reached, or refuses.
            ConfigError: a file's name cannot stand on a disk.
        """
        with explaining(self.remote.url):
            self.fs.invalidate_cache()
            try:
                info = self.fs.info(self.path)
                if info["type"] != "directory":
                    return {"": _read_info(info)}
                listed = self.fs.find(self.path, detail=True)
            except FileNotFoundError:
                return {}
        names = {name.lstrip("/").removeprefix(f"{self.path.lstrip('/')}/"): info for name, info in listed.items()}
        # A console makes folders as empty objects whose names end with a slash; the folder's own is then empty here.
        files = [name for name in names if name and not name.endswith("/") and is_shared(name)]
        found = {name: _read_info(names[name]) for name in files}
        for name in found:
            self.remote.child(name)
        return found

    def look_up(self, names: Sequence[str]) -> dict[str, Found]:
        """Return those of the named files that stand there now.

        Raises:
            StorageError, ConfigError: as `list_files`.
        """
        if len(names) > _SHORT_LIST:
            return self.list_files()
        found: dict[str, Found] = {}
        for name in names:
            with explaining(self.remote.child(name).url):
                self.fs.invalidate_cache()
                try:
                    found[name] = _read_info(self.fs.info(self.path_of(name)))
                except FileNotFoundError:
                    continue
        return found

    def download(self, pairs: Mapping[str, Path], sizes: Mapping[str, int]) -> None:
        """Copy files, by relative name, to local paths: the small ones many at once, each large one alone.

        Raises:
            FileNotFoundError: one of them has gone.
            StorageError: as `list_files`.
            OutputError: the disk is full.
        """
        for group in _group(sizes):
            with explaining(self.remote.url):
                self.fs.get([self.path_of(name) for name in group], [str(pairs[name]) for name in group], **self._bulk)

    def upload(self, pairs: Mapping[str, Path], sizes: Mapping[str, int]) -> None:
        """Copy local files to relative names, each as a whole or not at all; grouped as by `download`.

        Raises:
            FileNotFoundError: a local file has gone, or there is no such bucket.
            StorageError: as `list_files`.
        """
        for group in _group(sizes):
            targets = [self.path_of(name) for name in group]
            options = self._bulk | self._choose_chunk(max(sizes[name] for name in group))
            with explaining(self.remote.url):
                if self.remote.scheme not in _RENAMING_SCHEMES:
                    self.fs.put([str(pairs[name]) for name in group], targets, **options)
                    continue
                self._put_and_rename([pairs[name] for name in group], targets)

    def make_parent(self, path: str) -> None:
        """Make the folder of a file where a store has real folders."""
        if self.remote.scheme in _RENAMING_SCHEMES:
            self.fs.makedirs(path.rpartition("/")[0], exist_ok=True)

    def _put_and_rename(self, sources: Sequence[Path], targets: Sequence[str]) -> None:
        for source, target in zip(sources, targets, strict=True):
            self.make_parent(target)
            folder, _, name = target.rpartition("/")
            temporary = f"{folder}/.{name}.{secrets.token_hex(4)}.tmp"
            self.fs.put([str(source)], [temporary])
            self.fs.mv(temporary, target)

    @property
    def _bulk(self) -> dict[str, object]:
        return {"batch_size": _BULK_SIZE} if self.fs.async_impl else {}

    def _choose_chunk(self, n_bytes: int) -> dict[str, object]:
        if self.remote.scheme not in S3_SCHEMES:
            return {}
        return {"chunksize": max(BLOCK_BYTES, math.ceil(n_bytes / _S3_MAX_PARTS))}


@contextmanager
def explaining(url: str) -> Generator[None]:
    """Turn whatever a store's file system raises into an error of ours; that a file is missing, or there, passes.

    Raises:
        StorageError: the store cannot be reached, or refuses.
        OutputError: the local disk is full, or its folder cannot be written.
    """
    try:
        yield
    except (DatagenError, FileNotFoundError, FileExistsError):
        raise
    except Exception as error:
        raise _explain(url, error) from error


def _explain(url: str, error: Exception) -> DatagenError:
    if isinstance(error, OSError):
        name = str(error.filename or "")
        if error.errno == errno.ENOSPC or name.startswith(str(find_scratch())):
            return OutputError(name or find_scratch(), error.strerror or str(error))
    text = " ".join(str(error).split())[:_SHOWN].rstrip(".") or "no reason given"
    keys = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" if url.startswith("s3") else "its credentials"
    if isinstance(error, PermissionError) or "Credentials" in type(error).__name__:
        return StorageError(
            url,
            f"the store refuses us ({text}).",
            advice=f"See that {keys} are set in the environment and may read and write there.",
        )
    endpoint = " and that AWS_ENDPOINT_URL, if set, is right" if url.startswith("s3") else ""
    return StorageError(
        url,
        f"the store cannot be reached or failed ({type(error).__name__}: {text}).",
        advice=f"See that it runs{endpoint}; then run the same command again: what was stored stays.",
    )


def _read_info(info: Mapping[str, object]) -> Found:
    size = info.get("size")
    n_bytes = size if isinstance(size, int) else -1
    for name in _VERSIONS:
        if info.get(name):
            return Found(f"{name} {info[name]} {n_bytes}", n_bytes)
    for name in _TIMES:
        moment = info.get(name)
        if moment:
            seconds = moment.timestamp() if isinstance(moment, datetime) else moment
            return Found(f"{name} {seconds} {info.get('ino', '')} {n_bytes}", n_bytes)
    return Found(None, n_bytes)


def _group(sizes: Mapping[str, int]) -> list[list[str]]:
    """Return the names in groups to be copied at once: all small files together, each large one by itself."""
    small = sorted(name for name, n_bytes in sizes.items() if n_bytes <= BLOCK_BYTES // 8)
    large = sorted(name for name, n_bytes in sizes.items() if n_bytes > BLOCK_BYTES // 8)
    return ([small] if small else []) + [[name] for name in large]
