"""Decides which files of a mirror have to be uploaded, and which the store has to lose."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from datagen_core.errors import StorageError
from datagen_core.storage.fetching import drop_copies, make_folder
from datagen_core.storage.known import Known, Stamp, forget, read_stamp, recall, remember
from datagen_core.storage.locations import Remote, is_remote, is_shared, location_of, mirror_path, parse_remote
from datagen_core.storage.stores import Store, explaining

_MAX_UPLOADS: Final = 6


@contextmanager
def publishing(location: str) -> Generator[Path]:
    """Give a folder's mirror to work in; after the block upload what is new or changed there, and delete what went.

    Changed is what the store is not known to hold, so that what a killed block left is uploaded too. Copies of files
    that the store has lost, or holds differently by now, are removed from the mirror first; nothing is downloaded.
    After an error nothing is uploaded. Blocks on different sub-folders do not disturb each other. A local folder is
    given as it is.

    Raises:
        StorageError: the store cannot be reached, or refuses; the next block uploads what is missing.
        ConfigError: the location is no URL that we can use, or a file's name cannot stand in a store.
        OutputError: the mirror cannot be written.
    """
    folder = mirror_path(location)
    if not is_remote(location):
        yield folder
        return
    store = Store(parse_remote(location))
    _drop_outdated(store)
    make_folder(folder)
    before = _list_mirror(folder)
    yield folder
    now = _list_mirror(folder)
    known = recall(store.remote.url)
    _upload(store, [name for name in sorted(now) if not _is_known(store.remote.child(name), known)])
    _delete(store, sorted(before - now))


def push_file(local: Path) -> None:
    """Upload a file of a mirror now; one that is no mirror's stays where it is, and that is all.

    Raises:
        StorageError: it could not be uploaded; what it announces must not be done.
    """
    location = location_of(local)
    if not is_remote(location):
        return
    if not local.is_file():
        raise StorageError(location, f"there is no {local} to upload.", advice="Run the same command again.")
    _upload(Store(parse_remote(location)), [""])


def _drop_outdated(store: Store) -> None:
    known = recall(store.remote.url)
    if known:
        tokens = {store.remote.child(name).url: found.token for name, found in store.list_files().items()}
        drop_copies(store.remote, {url: one for url, one in known.items() if one.token != tokens.get(url)})


def _is_known(place: Remote, known: Mapping[str, Known]) -> bool:
    return place.url in known and known[place.url].stamp == read_stamp(place.mirror)


def _upload(store: Store, names: Sequence[str]) -> None:
    """Upload files of the mirror; one that is written to meanwhile is uploaded again, so that its last bytes stay."""
    paths = {name: store.remote.child(name).mirror for name in names}
    sent: dict[str, Stamp] = {}
    for _ in range(_MAX_UPLOADS):
        stamps = {name: stamp for name, path in paths.items() if (stamp := read_stamp(path)) is not None}
        changed = {name: stamp for name, stamp in stamps.items() if sent.get(name) != stamp}
        if not changed:
            break
        if _try_upload(store, paths, changed):
            sent |= changed
    found = store.look_up(list(sent)) if sent else {}
    remember(
        {
            store.remote.child(name).url: Known(found[name].token, stamp)
            for name, stamp in sent.items()
            if name in found and found[name].n_bytes in {-1, stamp.n_bytes}
        }
    )


def _try_upload(store: Store, paths: Mapping[str, Path], changed: Mapping[str, Stamp]) -> bool:
    """Upload files; return False if one of them was removed here meanwhile, by another block on the same folder."""
    try:
        store.upload({name: paths[name] for name in changed}, {name: stamp.n_bytes for name, stamp in changed.items()})
    except FileNotFoundError as error:
        if any(read_stamp(paths[name]) is None for name in changed):
            return False
        raise StorageError(
            store.remote.url, f"cannot be written ({error}).", advice="Make the bucket first, or name another one."
        ) from error
    return True


def _delete(store: Store, names: Sequence[str]) -> None:
    """Delete from the store what was deleted here, unless it has become another file there meanwhile."""
    known = recall(store.remote.url) if names else {}
    found = store.look_up(names) if names else {}
    for name in names:
        place = store.remote.child(name)
        if name in found and place.url in known and known[place.url].token == found[name].token:
            with explaining(place.url), suppress(FileNotFoundError):
                store.fs.rm_file(store.path_of(name))
    forget(store.remote.child(name).url for name in names)


def _list_mirror(folder: Path) -> set[str]:
    """Return the relative names of the files that belong into the store."""
    names: set[str] = set()
    for root, folders, files in os.walk(folder):
        at = Path(root)
        folders[:] = [name for name in folders if is_shared(name)]
        names |= {(at / name).relative_to(folder).as_posix() for name in files if is_shared(name)}
    return names
