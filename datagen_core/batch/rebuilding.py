"""Decides how a lost or damaged ledger is written anew: its sound lines, and the provider's batches of our shards."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson
from pydantic import BaseModel, ConfigDict

from datagen_core.batch.api import BatchApi
from datagen_core.batch.client import RequestRefused
from datagen_core.batch.finding import (
    LOST_LOOKBACK_PAGES,
    METADATA_KEY,
    NO_LIST,
    KeyedBatch,
    ProviderView,
    bytes_of,
    choose,
    has_results,
)
from datagen_core.batch.ledger import check_header, lock_ledger, make_header
from datagen_core.batch.ledger_view import DamagedLine, find_ledger, iter_ledger
from datagen_core.batch.models import BatchStatus
from datagen_core.batch.records import Entry, apply_record
from datagen_core.batch.request_files import find_request_files
from datagen_core.batch.submission import cancel_duplicates
from datagen_core.errors import BatchError, LedgerError, OutputError
from datagen_core.files import JsonObject, replace_file

REBUILD_LOCK_SECONDS: Final = 5.0


class FoundBatch(BaseModel):
    """A batch at the provider, and the shard of the folder that it was made of, where it is one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    batch_id: str
    status: str
    created_at: float | None
    shard: str | None


class Rebuilt(BaseModel):
    """What was done. `doubles` are paid for besides the one that the ledger names; `backup` is the old ledger.

    `known` stood in sound lines already, `matched` were found for shards of the folder, `refused` cost nothing and are
    passed over, `expired` are older than 29 days with their results gone, `foreign` are of other folders' shards,
    `unverified` are batches that a ledger without a header named and the provider does not have.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ledger: str
    backup: str | None = None
    n_looked_at: int = 0
    known: tuple[str, ...] = ()
    matched: tuple[FoundBatch, ...] = ()
    doubles: tuple[FoundBatch, ...] = ()
    refused: tuple[FoundBatch, ...] = ()
    expired: tuple[FoundBatch, ...] = ()
    foreign: tuple[FoundBatch, ...] = ()
    unverified: tuple[str, ...] = ()
    damaged: tuple[DamagedLine, ...] = ()


@dataclass(slots=True)
class _Old:
    """What can be read of the present ledger: its sound records in order, and what they mean."""

    exists: bool = False
    has_header: bool = False
    records: list[JsonObject] = field(default_factory=list[JsonObject])
    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])
    damaged: list[DamagedLine] = field(default_factory=list[DamagedLine])
    unverified: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class _Sorted:
    """The provider's batches by what is done with them."""

    matched: list[KeyedBatch] = field(default_factory=list[KeyedBatch])
    doubles: list[KeyedBatch] = field(default_factory=list[KeyedBatch])
    refused: list[KeyedBatch] = field(default_factory=list[KeyedBatch])
    expired: list[KeyedBatch] = field(default_factory=list[KeyedBatch])
    foreign: list[KeyedBatch] = field(default_factory=list[KeyedBatch])


def rebuild_ledger(
    client: BatchApi,
    folder: Path,
    *,
    batch_ids: Sequence[str] = (),
    cancel_doubles: bool = False,
    clock: Callable[[], float] = time.time,
    lock_timeout: float = REBUILD_LOCK_SECONDS,
) -> Rebuilt:
    """Write a folder's ledger anew from its sound lines and from the provider's batches that carry our keys.

    Batches are matched with the folder's request files by bytes. Of several of one key the oldest that was not refused
    is taken; the others are told of, and cancelled only with `cancel_doubles`. `batch_ids` names batches that the
    provider does not list, or keeps no metadata of. The old ledger stays as `ledger.jsonl.bak-<time>`; a ledger that
    lacks nothing is left as it is.

    Raises:
        LedgerError: a run works on the ledger; it is another project's or version's; or the provider cannot list.
        BatchError: a batch that was named belongs to no shard of the folder.
        ProviderError: the provider cannot be reached; nothing is changed.
        OutputError: the new ledger cannot be written; the old one is unchanged.
    """
    path = find_ledger(folder)
    with lock_ledger(path, lock_timeout):
        old = _read_old(path, client)
        shards = find_request_files(path.parent)
        view = ProviderView(client)
        found = _look(view, client, batch_ids, old, shards)
        known_bytes = {bytes_of(key) for key in old.entries} | set(shards)
        ordered = _sort(client, found, known_bytes, old, now=clock())
        backup = None
        if ordered.matched or old.damaged or old.unverified or not old.exists:
            backup = _replace(path, client.identity, old, ordered.matched, clock()) if found or old.exists else None
    if cancel_doubles:
        cancel_duplicates(client, [double.batch for double in ordered.doubles])
    return _report(path, backup, view.n_seen, old, ordered, shards)


def _read_old(path: Path, client: BatchApi) -> _Old:
    old = _Old(exists=path.is_file())
    if not old.exists:
        return old
    for number, record, problem in iter_ledger(path):
        if problem is not None:
            old.damaged.append(DamagedLine(line=number, problem=problem))
        elif number == 1:
            check_header(path, record, client.identity)
            old.has_header = True
        elif record.get("kind") == "batch" and not old.has_header and not _exists(client, str(record["batch_id"])):
            # Without a header nobody can tell whose batch it is; only the provider can.
            old.unverified.append(str(record["batch_id"]))
        else:
            old.records.append(record)
            apply_record(old.entries, record)
    return old


def _exists(client: BatchApi, batch_id: str) -> bool:
    try:
        client.fetch_batch(batch_id)
    except RequestRefused as error:
        if error.status not in {400, 404}:
            raise
        return False
    return True


def _look(
    view: ProviderView, client: BatchApi, batch_ids: Sequence[str], old: _Old, shards: dict[str, Path]
) -> list[KeyedBatch]:
    """Return the provider's batches that carry a key of ours, and those that were named."""
    can_list = True
    try:
        view.refresh(max_pages=LOST_LOOKBACK_PAGES, lookback=math.inf)  # what is too old is told of
    except RequestRefused as error:
        can_list = False
        if error.status not in NO_LIST:
            raise
        if not batch_ids:
            raise LedgerError(
                "The provider cannot list batches, so none can be found for a ledger. Name them with --batch-id."
            ) from error
    keys_of_files = {file_id: key for key, entry in old.entries.items() for file_id in _files_of(entry)}
    found = {keyed.batch.batch_id: keyed for keyed in view.list_ours()}
    if keys_of_files and can_list:  # of providers that keep no metadata
        for batch in view.find_lost(lambda batch: batch.input_file_id in keys_of_files):
            found.setdefault(batch.batch_id, KeyedBatch(keys_of_files[batch.input_file_id or ""], batch))
    known = {bytes_of(key) for key in old.entries} | set(shards)
    for batch_id in batch_ids:
        if batch_id not in found:
            found[batch_id] = _identify(view, client.fetch_batch(batch_id), keys_of_files, known)
    return list(found.values())


def _identify(
    view: ProviderView, batch: BatchStatus, keys_of_files: Mapping[str, str], known: Container[str]
) -> KeyedBatch:
    key = view.key_of(batch) or keys_of_files.get(batch.input_file_id or "")
    if key is None or bytes_of(key) not in known:
        raise BatchError(
            f"Batch {batch.batch_id!r} carries no key of a shard in this folder, and its input file "
            f"{batch.input_file_id!r} is not one that the ledger knows. Nothing was changed."
        )
    return KeyedBatch(key, batch)


def _files_of(entry: Entry) -> Iterable[str]:
    return (file_id for file_id in (entry.file_id, entry.intent_file, *entry.lost_files) if file_id)


def _sort(client: BatchApi, found: list[KeyedBatch], known_bytes: set[str], old: _Old, *, now: float) -> _Sorted:
    ordered = _Sorted()
    by_key: dict[str, list[BatchStatus]] = {}
    for key, batch in found:
        if bytes_of(key) not in known_bytes:
            ordered.foreign.append(KeyedBatch(key, batch))
        elif _recorded(old, key) == batch.batch_id:
            continue
        elif not batch.is_refused and not has_results(client, batch, now=now):
            ordered.expired.append(KeyedBatch(key, batch))
        else:
            by_key.setdefault(key, []).append(batch)
    living = {bytes_of(key) for key, batches in by_key.items() if not all(batch.is_refused for batch in batches)}
    living |= {bytes_of(key) for key, entry in old.entries.items() if entry.batch_id is not None}
    for key, batches in by_key.items():
        _share_out(ordered, key, choose(batches), has_batch=_recorded(old, key) is not None, living=living)
    return ordered


def _share_out(ordered: _Sorted, key: str, batches: list[BatchStatus], *, has_batch: bool, living: set[str]) -> None:
    """Take the first, unless the ledger has one or it was refused and no later generation lives; the rest are doubles.

    As in a submission, a refused batch is taken where it leads on to a generation that is paid for.
    """
    first, *rest = batches
    if not has_batch and (not first.is_refused or bytes_of(key) in living):
        ordered.matched.append(KeyedBatch(key, first))
    else:
        rest = batches
    for batch in rest:
        (ordered.refused if batch.is_refused else ordered.doubles).append(KeyedBatch(key, batch))


def _recorded(old: _Old, key: str) -> str | None:
    entry = old.entries.get(key)
    return None if entry is None else entry.batch_id


def _replace(path: Path, identity: str, old: _Old, matched: list[KeyedBatch], now: float) -> str | None:
    """Put the new ledger into the old one's place, which keeps its bytes under another name; return that name."""
    lines = [make_header(identity), *old.records, *(_make_record(keyed, now) for keyed in matched)]
    backup = _back_up(path, now) if old.exists else None
    with replace_file(path) as stream:
        for line in lines:
            stream.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    return backup


def _make_record(keyed: KeyedBatch, now: float) -> JsonObject:
    batch = keyed.batch
    return {
        "kind": "batch",
        "key": keyed.key,
        "time": now,
        "batch_id": batch.batch_id,
        "file_id": batch.input_file_id or "",
        "submitted_at": batch.created_at or now,
        "metadata": {name: value for name, value in batch.metadata.items() if name != METADATA_KEY},
    }


def _back_up(path: Path, now: float) -> str:
    """Give the ledger a second name, so that there is no moment without one."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    for number in range(1, 1_000):
        backup = path.with_name(f"{path.name}.bak-{stamp}" + ("" if number == 1 else f"-{number}"))
        try:
            os.link(path, backup)
        except FileExistsError:
            continue
        except OSError as error:
            raise OutputError(backup, error.strerror or str(error)) from error
        return str(backup)
    raise OutputError(path, "a thousand copies of this second stand there already")


def _report(
    path: Path, backup: str | None, n_seen: int, old: _Old, ordered: _Sorted, shards: dict[str, Path]
) -> Rebuilt:
    def told(batches: list[KeyedBatch]) -> tuple[FoundBatch, ...]:
        return tuple(
            FoundBatch(
                key=key,
                batch_id=batch.batch_id,
                status=batch.status,
                created_at=batch.created_at,
                shard=str(shards[bytes_of(key)]) if bytes_of(key) in shards else None,
            )
            for key, batch in batches
        )

    return Rebuilt(
        ledger=str(path),
        backup=backup,
        n_looked_at=n_seen,
        known=tuple(entry.batch_id for entry in old.entries.values() if entry.batch_id is not None),
        matched=told(ordered.matched),
        doubles=told(ordered.doubles),
        refused=told(ordered.refused),
        expired=told(ordered.expired),
        foreign=told(ordered.foreign),
        unverified=tuple(old.unverified),
        damaged=tuple(old.damaged),
    )
