"""Decides which batches and files at the provider are ours: by metadata, by input file, by the file's name.

Times are held against each other only where the provider gave both: our clock may be wrong, and a batch that is thought
too old is paid for again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from datagen_core.batch.api import BatchApi
from datagen_core.batch.client import RequestRefused
from datagen_core.batch.models import BatchStatus, ProviderFile
from datagen_core.batch.records import is_key

METADATA_KEY: Final = "datagen_key"
LOOKBACK_PAGES: Final = 20
"""2,000 batches, as many as a project may create in an hour: how far back a batch is looked for without a ledger."""
LOST_LOOKBACK_PAGES: Final = 200
LOOKBACK_SECONDS: Final = 29 * 86_400
"""Results of older batches are about to expire, or have."""
CLOCK_SKEW: Final = 3_600.0
"""How far the provider's clock may be ahead of ours."""
FILE_PAGES: Final = 20
NO_LIST: Final = frozenset({404, 405, 501})
"""What a server answers that cannot list."""

_log = logging.getLogger(__name__)


class KeyedBatch(NamedTuple):
    """A batch that carries a key of ours."""

    key: str
    batch: BatchStatus


def name_file(key: str) -> str:
    """Return the name under which a shard is uploaded."""
    return f"datagen-{key}.jsonl"


def read_key(name: str) -> str | None:
    """Return the key in a file's name, or None where the file is not one of ours."""
    key = name.removeprefix("datagen-").removesuffix(".jsonl")
    return key if name == name_file(key) and is_key(key) else None


def bytes_of(key: str) -> str:
    """Return the part of a key that all generations of the same bytes share."""
    return key.partition(".")[0]


def choose(batches: Iterable[BatchStatus]) -> list[BatchStatus]:
    """Return batches of one key by who is kept: refused ones last, cancelled ones before them, then the oldest first.

    A cancelled one may hold a part of what another one holds whole.
    """

    def claim(batch: BatchStatus) -> tuple[bool, bool, float, str]:
        is_cancelled = batch.status in {"cancelling", "cancelled"}
        return batch.is_refused, is_cancelled, batch.created_at or 0.0, batch.batch_id

    return sorted(batches, key=claim)


def iter_recent(client: BatchApi, *, max_pages: int, lookback: float = LOOKBACK_SECONDS) -> Iterator[list[BatchStatus]]:
    """Yield pages of batches back to those that are `lookback` seconds older than the newest of all."""
    newest: float | None = None
    for page in client.iter_batch_pages(max_pages=max_pages):
        times = [batch.created_at for batch in page if batch.created_at is not None]
        newest = max(times, default=None) if newest is None else newest
        oldest_wanted = 0.0 if newest is None else newest - lookback
        recent = [batch for batch in page if batch.created_at is None or batch.created_at >= oldest_wanted]
        yield recent
        if not recent:
            break


def has_results(client: BatchApi, batch: BatchStatus, *, now: float) -> bool:
    """Tell whether a batch goes on, or what it has answered can still be read.

    `now` is our clock's, which may be wrong: where it makes the batch too old, or one of the future, the provider is
    asked for the files.
    """
    if not batch.is_ended:
        return True
    if batch.created_at is not None and -CLOCK_SKEW <= now - batch.created_at < LOOKBACK_SECONDS:
        return True
    files = [file_id for file_id in (batch.output_file_id, batch.error_file_id) if file_id is not None]
    return any(_is_there(client, file_id) for file_id in files)


def _is_there(client: BatchApi, file_id: str) -> bool:
    try:
        client.fetch_file(file_id)
    except RequestRefused as error:
        if error.status not in {400, 404, 410}:
            raise
        return False
    return True


class ProviderView:
    """What was seen of a provider's batches and files, so that they are not all listed again for every shard.

    Batches are looked at anew each time, from the newest back to one that is known; files only once, unless asked.
    """

    def __init__(self, client: BatchApi) -> None:
        self._client = client
        self._seen: set[str] = set()
        self._ours: dict[str, dict[str, KeyedBatch]] = {}
        self._files: dict[str, list[ProviderFile]] | None = None
        self._key_of_file: dict[str, str] = {}

    def find_relatives(self, key: str) -> list[KeyedBatch]:
        """Return the batches of the key's bytes, of any generation. A provider that cannot list has none."""
        try:
            self.refresh(max_pages=LOOKBACK_PAGES)
        except RequestRefused as error:
            if error.status not in NO_LIST:
                raise
            _log.warning("The provider cannot list batches; a batch that no ledger knows of would not be found.")
        return list(self._ours.get(bytes_of(key), {}).values())

    def refresh(self, *, max_pages: int, lookback: float = LOOKBACK_SECONDS) -> None:
        """Look at the batches that came since the last look; nothing is remembered of a look that broke off."""
        fresh: list[BatchStatus] = []
        for page in iter_recent(self._client, max_pages=max_pages, lookback=lookback):
            fresh += page
            if any(batch.batch_id in self._seen for batch in page):
                break
        keys = [self.key_of(batch) for batch in fresh]
        for batch, key in zip(fresh, keys, strict=True):
            self._seen.add(batch.batch_id)
            if key is not None:
                self._ours.setdefault(bytes_of(key), {})[batch.batch_id] = KeyedBatch(key, batch)

    def list_ours(self) -> list[KeyedBatch]:
        """Return every batch seen that carries a key of ours."""
        return [keyed for group in self._ours.values() for keyed in group.values()]

    @property
    def n_seen(self) -> int:
        """How many batches were seen, ours and others."""
        return len(self._seen)

    def key_of(self, batch: BatchStatus) -> str | None:
        """Return the key in a batch's metadata or, for providers that keep none, in the name of its input file."""
        told = batch.metadata.get(METADATA_KEY)
        if told is not None:
            return told if is_key(told) else None
        if batch.input_file_id is None:
            return None
        self._list_files()
        return self._key_of_file.get(batch.input_file_id)

    def find_lost(self, is_ours: Callable[[BatchStatus], bool]) -> list[BatchStatus]:
        """Return the batches that `is_ours` knows, looking further back, and at all of them anew."""
        pages = iter_recent(self._client, max_pages=LOST_LOOKBACK_PAGES)
        return [batch for page in pages for batch in page if is_ours(batch)]

    def find_file(self, key: str, n_bytes: int, *, now: float, anew: bool) -> str | None:
        """Return the id of an uploaded file of this name and size that lasts two more days, None where there is none.

        By a clock that is wrong a file may seem to expire: then it is uploaded again, which costs nothing.
        """
        if anew:
            self._files = None
        for file in self._list_files().get(key, ()):
            is_lasting = file.expires_at is None or file.expires_at > now + 2 * 86_400
            if file.n_bytes == n_bytes and is_lasting and file.status != "error":
                return file.file_id
        return None

    def forget_files(self) -> None:
        """List the files anew when one is looked for again: one that was seen is gone."""
        self._files = None

    def _list_files(self) -> dict[str, list[ProviderFile]]:
        """Return our request files by key; none where the provider cannot list them."""
        if self._files is not None:
            return self._files
        found: dict[str, list[ProviderFile]] = {}
        try:
            for page in self._client.iter_file_pages(max_pages=FILE_PAGES):
                for file in page:
                    if (key := read_key(file.name)) is not None:
                        found.setdefault(key, []).append(file)
                        self._key_of_file[file.file_id] = key
        except RequestRefused as error:
            if error.status not in NO_LIST:
                raise
        self._files = found
        return found
