"""Decides which of a store's files have to be downloaded, so that the mirror holds what the store holds now."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from datagen_core.errors import OutputError, StorageError
from datagen_core.files import fingerprint
from datagen_core.storage.known import Known, Stamp, forget, read_stamp, recall, remember
from datagen_core.storage.locations import Remote, is_remote, mirror_path, parse_remote
from datagen_core.storage.stores import Found, Store
from datagen_core.writing import STALE_SECONDS

_MAX_LOOKS: Final = 6


def fetch(location: str, *, sha256: str | None = None) -> Path:
    """Return where a file or folder stands on this machine with the store's current bytes; a local path is itself.

    What has not changed since it was last down- or uploaded is not downloaded again. What the store does not hold any
    longer is removed from the mirror; what was never uploaded stays there. With `sha256`, of a URL, the file or folder
    is there and has that fingerprint.

    Raises:
        StorageError: the store cannot be reached, or holds something else than `sha256`, or nothing.
        ConfigError: the location is no URL that we can use.
        OutputError: the mirror cannot be written.
    """
    if not is_remote(location):
        return mirror_path(location)
    remote = parse_remote(location)
    found = refresh(remote)
    if sha256 is not None:
        _require_content(remote, found, sha256)
    return remote.mirror


def pull_file(location: str) -> Path:
    """Return where an append-only file stands on this machine, as `fetch`; what was added only here is kept.

    So the end of a ledger that could not be pushed is not lost, unless another machine wrote to it since.

    Raises:
        StorageError, ConfigError, OutputError: as `fetch`.
    """
    if is_remote(location):
        refresh(parse_remote(location), is_kept_ahead=True)
    return mirror_path(location)


def refresh(remote: Remote, *, is_kept_ahead: bool = False) -> dict[str, Found]:
    """Bring the mirror of a place up to date; return the store's files by relative name.

    Raises:
        StorageError, ConfigError, OutputError: as `fetch`.
    """
    store, untold = Store(remote), set[str]()
    for _ in range(_MAX_LOOKS):
        known = recall(remote.url)  # before the look: what is uploaded meanwhile is not taken for lost
        found = store.list_files()
        places = {name: remote.child(name) for name in found}
        drop_copies(remote, {url: known[url] for url in known.keys() - {place.url for place in places.values()}})
        stale = {
            name: one
            for name, one in found.items()
            if name not in untold and not _is_current(places[name], known, one, is_kept_ahead)
        }
        if not stale:
            return found
        untold |= {name for name in _download(store, stale) if stale[name].token is None}
    raise StorageError(
        remote.url, "changed each time it was read.", advice="Wait until what writes there is done, then run again."
    )


def hash_mirror(remote: Remote, found: Mapping[str, Found]) -> str | None:
    """Return the fingerprint of what `refresh` found; None if that was nothing."""
    if "" not in found:
        return fingerprint(remote.mirror) if found else None
    known = recall(remote.url).get(remote.url)
    if known is None or known.stamp != read_stamp(remote.mirror):
        return fingerprint(remote.mirror)
    if known.sha256 is None:
        known = known._replace(sha256=fingerprint(remote.mirror))
        if known.stamp == read_stamp(remote.mirror):
            remember({remote.url: known})
    return known.sha256


def drop_copies(remote: Remote, outdated: Mapping[str, Known]) -> None:
    """Remove files below a place from the mirror, by URL, except those that were changed here since.

    Raises:
        OutputError: one cannot be removed.
    """
    for url, known in outdated.items():
        path = parse_remote(url).mirror
        if read_stamp(path) == known.stamp:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise OutputError(path, error.strerror or str(error)) from error
            _remove_empty(path.parent, remote.mirror)
    if outdated:
        forget(outdated)


def make_folder(folder: Path) -> None:
    """Make a folder of the mirror.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(folder, error.strerror or str(error)) from error


def _require_content(remote: Remote, found: Mapping[str, Found], sha256: str) -> None:
    actual = hash_mirror(remote, found)
    if actual is None:
        raise StorageError(remote.url, "is not there any longer.", advice="Run the stage that wrote it again.")
    if actual != sha256:
        raise StorageError(
            remote.url,
            f"holds something else than expected: its SHA-256 is {actual}, not {sha256}. It was changed since, or its "
            f"copy {remote.mirror} holds more.",
            advice="Remove that copy, or run the stage that wrote it again.",
        )


def _is_current(place: Remote, known: Mapping[str, Known], found: Found, is_kept_ahead: bool) -> bool:
    one, stamp = known.get(place.url), read_stamp(place.mirror)
    if one is None or found.token is None or one.token != found.token or stamp is None:
        return False
    return is_kept_ahead or one.stamp == stamp


def _download(store: Store, stale: Mapping[str, Found]) -> list[str]:
    """Download files beside their places, then put those that came whole there; return their names."""
    targets = {name: store.remote.child(name).mirror for name in stale}
    beside = {name: path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp") for name, path in targets.items()}
    _prepare_folders({path.parent for path in targets.values()})
    try:
        with suppress(FileNotFoundError):  # removed since the look: the next one will tell
            store.download(beside, {name: found.n_bytes for name, found in stale.items()})
        facts = {name: _finish(beside[name], one.token) for name, one in stale.items() if _is_whole(beside[name], one)}
        for name in facts:  # nothing slow until they are remembered: a block would take them for new
            _replace(beside[name], targets[name])
        remember({store.remote.child(name).url: known for name, known in facts.items()})
    finally:
        for path in beside.values():
            path.unlink(missing_ok=True)
    for folder in {targets[name].parent for name in facts}:
        _sync(folder)
    return list(facts)


def _is_whole(path: Path, found: Found) -> bool:
    stamp = read_stamp(path)
    return stamp is not None and found.n_bytes in {-1, stamp.n_bytes}


def _finish(path: Path, token: str | None) -> Known:
    """Bring a download to the disk and return what is to be known of it."""
    try:
        path.chmod(0o644)
        _sync(path)
        found = path.stat()
        return Known(token, Stamp(found.st_size, found.st_mtime_ns, found.st_ino), fingerprint(path))
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error


def _replace(temporary: Path, target: Path) -> None:
    try:
        temporary.replace(target)
    except OSError as error:
        raise OutputError(target, error.strerror or str(error)) from error


def _prepare_folders(folders: Iterable[Path]) -> None:
    """Make the folders, and remove temporary files there that killed downloads left."""
    oldest = time.time() - STALE_SECONDS
    for folder in folders:
        make_folder(folder)
        for path in folder.glob(".*.tmp"):
            with suppress(OSError):  # gone already, or a folder
                if path.stat().st_mtime < oldest:
                    path.unlink()


def _remove_empty(folder: Path, top: Path) -> None:
    while folder == top or top in folder.parents:
        try:
            folder.rmdir()
        except OSError:  # something stands there
            return
        folder = folder.parent


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
