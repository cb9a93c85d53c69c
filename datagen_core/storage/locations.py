"""Decides what a location is, a local path or a URL, and where a URL's mirror stands on this machine."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from datagen_core.errors import ConfigError, OutputError

SCRATCH_VARIABLE: Final = "DATAGEN_SCRATCH_DIR"
LEASE_NAME: Final = ".lease.json"
FILE_SCHEMES: Final = frozenset({"file", "local"})

_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*(?:::[A-Za-z][A-Za-z0-9+.-]*)*)://(.*)", re.DOTALL)
_LOST_SLASH: Final = re.compile(r"([a-z][a-z0-9+.-]+):/[^/]")
_EXTRAS: Final = {"s3": "s3", "s3a": "s3"}
_LOCAL_NAMES: Final = frozenset({".lock", ".lock.json", "ledger.jsonl.lock", ".simulator", ".local", ".results"})
"""What belongs to one machine; and Prefect's results, which it writes into the store itself."""
_UNWRITABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_TEMPORARY: Final = re.compile(r"\..*\.tmp|\..*\.download-.*|\.push\..*", re.DOTALL)


@dataclass(frozen=True)
class Remote:
    """A place in a store. `names` leads there: for S3 the bucket and the parts of the key."""

    scheme: str
    names: tuple[str, ...]

    @property
    def url(self) -> str:
        """The one spelling of the place."""
        return f"{self.scheme}://{'/' if self.scheme in FILE_SCHEMES else ''}{'/'.join(self.names)}"

    @property
    def mirror(self) -> Path:
        """Where its copy stands on this machine."""
        return find_scratch().joinpath(self.scheme, *self.names)

    def child(self, name: str) -> Remote:
        """Return the place of something below, by its relative name.

        Raises:
            ConfigError: no such name can stand in the store and on a disk alike.
        """
        return Remote(self.scheme, self.names + _split(name, self.url)) if name else self


def is_remote(location: str) -> bool:
    """Tell whether a location is a URL; else it is a local path."""
    return _URL.fullmatch(location) is not None


def check_location(location: str) -> str:
    """Return a location in its one spelling; a local path stays as it is.

    Raises:
        ConfigError: it is no URL that we can use, or the package that reaches its store is not installed.
    """
    if is_remote(location):
        return parse_remote(location).url
    lost = _LOST_SLASH.match(location)
    if lost is not None and _is_known(lost[1]):
        raise ConfigError(f"Location {location!r} has lost a slash. Write {lost[1]}:// for a URL, ./ before a path.")
    return location


def join_location(location: str, *names: str) -> str:
    """Return the location of something below a folder, a path or a URL.

    Raises:
        ConfigError: as `check_location`; or a name of it cannot stand below the URL.
    """
    if not is_remote(location):
        return str(Path(location, *names))
    remote = parse_remote(location)
    for name in names:
        remote = remote.child(name)
    return remote.url


def mirror_path(location: str) -> Path:
    """Return where a location stands on this machine: a URL's mirror, or the local path itself. Nothing is made there.

    Raises:
        ConfigError: as `check_location`.
    """
    return parse_remote(location).mirror if is_remote(location) else Path(check_location(location))


def location_of(path: Path) -> str:
    """Return the URL of which a path is the mirror; of any other path, the path."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - not resolved
    scratch = find_scratch()
    for root in (scratch, scratch.resolve()):
        if absolute.is_relative_to(root):
            scheme, *names = absolute.relative_to(root).parts or ("",)
            return Remote(scheme, tuple(names)).url if names else str(path)
    return str(path)


def parse_remote(location: str) -> Remote:
    """Return a URL's place.

    Raises:
        ConfigError: as `check_location`.
    """
    found = _URL.fullmatch(location)
    if found is None:
        raise ConfigError(f"Location {location!r} is no URL. Write it as s3://bucket/run.")
    scheme, rest = found[1], found[2]
    if re.match(r"[^/]*:[^/]*@", rest):
        raise ConfigError(
            f"A location that begins with {scheme}:// carries a password. Leave it out: it would stand in every log. "
            "Stores take their keys from the environment."
        )
    if scheme in FILE_SCHEMES and not rest.startswith("/"):
        raise ConfigError(f"Location {location!r} is not absolute. Write {scheme}:/// and the path from the root.")
    _require_filesystem(scheme, location)
    inner = rest.removesuffix("/")
    return Remote(scheme, _split(inner.lstrip("/") if scheme in FILE_SCHEMES | {"memory"} else inner, location))


def is_shared(name: str) -> bool:
    """Tell whether a file of a run, by its relative name, belongs into the store: no lock, no half-written file."""
    return not any(part in _LOCAL_NAMES or part == LEASE_NAME or _TEMPORARY.fullmatch(part) for part in name.split("/"))


def find_scratch() -> Path:
    """Return the folder below which all mirrors stand: `DATAGEN_SCRATCH_DIR`, or one of this user's own in /tmp."""
    named = os.environ.get(SCRATCH_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    return Path(tempfile.gettempdir()).absolute() / f"datagen-scratch-{os.getuid()}"


def prepare_scratch() -> Path:
    """Make the scratch folder, for this user only, and return it.

    Raises:
        ConfigError: somebody else made it, or may write in it.
        OutputError: it cannot be made.
    """
    scratch = find_scratch()
    try:
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = scratch.lstat()
    except OSError as error:
        raise OutputError(scratch, error.strerror or str(error)) from error
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
    if not is_ours and not os.environ.get(SCRATCH_VARIABLE):
        raise ConfigError(
            f"{scratch} is not a folder of yours alone, so nothing of a run is put there. Remove it, or set "
            f"{SCRATCH_VARIABLE} to a folder of your own."
        )
    return scratch


def _split(text: str, location: str) -> tuple[str, ...]:
    names = tuple(text.split("/"))
    for name in names:
        problem = _find_problem(name)
        if problem is not None:
            raise ConfigError(f"Location {location!r} {problem}. Choose another name, as in s3://bucket/run.")
    return names


def _find_problem(name: str) -> str | None:
    if name == "":
        return "has an empty name in it"
    if name in {".", ".."}:
        return f"has {name!r} in it"
    if "::" in name or "?versionId=" in name:  # fsspec would take the first for two URLs, s3fs the second for a version
        return f"has a name that its store would misread, {name!r}"
    if _UNWRITABLE.search(name):
        return f"has a character in it that no store takes, in {name!r}"
    return None


def _is_known(scheme: str) -> bool:
    from fsspec import available_protocols

    return scheme in available_protocols()


def _require_filesystem(scheme: str, location: str) -> None:
    import fsspec

    try:
        if "::" not in scheme:
            fsspec.get_filesystem_class(scheme)
            return
    except ImportError as error:
        command = f"\"pip install 'datagen[{_EXTRAS[scheme]}]'\"" if scheme in _EXTRAS else "pip"
        raise ConfigError(
            f"Location {location!r} needs a package that is not installed ({error}). Install it with {command}."
        ) from error
    except ValueError:
        pass
    raise ConfigError(
        f"Location {location!r}: no store is known by {scheme}://. Use a local path, or a URL such as s3://bucket/run."
    )
