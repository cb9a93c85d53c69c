"""Decides how rows become a Parquet shard: in groups, each once, compared with the file they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import IO, Final, NamedTuple, Protocol, Self, cast

from datagen_core.dataset.features import ADVICE, build_features, encode_row, find_difference, id_of
from datagen_core.errors import HubError, InputFileError, OutputError
from datagen_core.files import JsonObject, read_jsonl

FACTS_KEY: Final = b"datagen"
"""The key of a shard's footer under which what is known of its run stands, as JSON."""

_ROWS_A_GROUP: Final = 500


class Footer(NamedTuple):
    """What a shard's footer tells: rows, uncompressed bytes, columns, and the JSON under `FACTS_KEY`, if any."""

    n_rows: int
    n_bytes: int
    columns: tuple[str, ...]
    facts: bytes | None


@dataclass(slots=True)
class ShardContent:
    """What a shard holds: its rows, how many of them are of each kind and category, and how many were left out."""

    n_rows: int = 0
    n_known: int = 0
    kinds: Counter[str] = field(default_factory=Counter[str])
    categories: Counter[str] = field(default_factory=Counter[str])


def write_shard(
    source: Path, shard: Path, *, known: AbstractSet[str], describe: Callable[[ShardContent], bytes]
) -> ShardContent:
    """Write the rows of `source` whose id is not known to a Parquet file, and return what it holds.

    Rows go out in groups of 500, so that memory holds one group and the ids. `describe` gives the JSON to stand in
    the footer under `FACTS_KEY`.

    Raises:
        InputFileError: a line is no record, or repeats an earlier id.
        OutputError: the shard cannot be written.
    """
    content = ShardContent()
    try:
        with _create_parquet(shard) as (writer, schema):
            for group in _group(_new_rows(source, known, content), _ROWS_A_GROUP):
                writer.write_batch(_to_batch(group, schema))
            writer.add_key_value_metadata({FACTS_KEY.decode(): describe(content).decode()})
    except OSError as error:
        raise OutputError(shard, error.strerror or str(error)) from error
    return content


def compare_shard(source: Path, shard: Path, *, known: AbstractSet[str]) -> None:
    """Compare every row of the shard with the rows of `source` whose id is not known.

    Raises:
        HubError: a row or a field differs, or there are more rows on one side; names line and field.
    """
    wanted = ((line, record) for line, record in _records(source) if id_of(record) not in known)
    for pair, row in zip_longest(wanted, read_shard(shard)):
        if pair is None or row is None:
            raise HubError(
                f"{source}: its rows and those prepared for the Hub differ in number, so it changed meanwhile. "
                "Nothing was published. Wait until no run writes to the file, then push again."
            )
        line, record = pair
        name = find_difference(record, row)
        if name is not None:
            raise HubError(
                f"{source}, line {line}, field {name!r}: the row prepared for the Hub differs from the file. "
                "Nothing was published. Make sure that nothing writes to the file, then push again."
            )


def read_shard(shard: Path) -> Iterator[JsonObject]:
    """Yield the rows of a Parquet file, one group in memory at a time."""
    with open_shard(shard) as parquet:
        for batch in parquet.iter_batches(batch_size=_ROWS_A_GROUP):
            yield from cast(list[JsonObject], batch.to_pylist())


def open_shard(source: Path | IO[bytes]) -> Parquet:
    """Open a Parquet file, reading its footer and of the rest nothing; a context manager."""
    import pyarrow.parquet as pq

    return cast(Parquet, cast(object, pq.ParquetFile(source)))


def read_footer(parquet: Parquet) -> Footer:
    """Return what the footer tells."""
    raw = parquet.metadata
    return Footer(
        n_rows=raw.num_rows,
        n_bytes=sum(raw.row_group(index).total_byte_size for index in range(raw.num_row_groups)),
        columns=tuple(parquet.schema_arrow.names),
        facts=(raw.metadata or {}).get(FACTS_KEY),
    )


def read_ids(parquet: Parquet) -> Iterator[str]:
    """Yield the ids, reading no other column."""
    for batch in parquet.iter_batches(batch_size=_ROWS_A_GROUP, columns=["id"]):
        yield from cast(list[str], batch.column(0).to_pylist())


def _new_rows(source: Path, known: AbstractSet[str], content: ShardContent) -> Iterator[dict[str, object]]:
    lines: dict[str, int] = {}
    for line, record in _records(source):
        row = encode_row(source, line, record)
        scenario = cast(str, row["id"])
        first = lines.setdefault(scenario, line)
        if first != line:
            problem = f"repeats the scenario {scenario!r} of line {first}."
            raise InputFileError(source, problem, line=line, field="meta.scenario_id", advice="Remove one of them.")
        if scenario in known:
            content.n_known += 1
            continue
        _count(content, cast(JsonObject, record["meta"]))
        yield row


def _count(content: ShardContent, meta: JsonObject) -> None:
    content.n_rows += 1
    for counter, name in ((content.kinds, "kind"), (content.categories, "category")):
        value = meta.get(name)
        if isinstance(value, str):
            counter[value] += 1


def _records(source: Path) -> Iterator[tuple[int, JsonObject]]:
    return read_jsonl(source, advice=ADVICE)


def _group(rows: Iterable[dict[str, object]], size: int) -> Iterator[list[dict[str, object]]]:
    group: list[dict[str, object]] = []
    for row in rows:
        group.append(row)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


@contextmanager
def _create_parquet(path: Path) -> Generator[tuple[_Writer, object]]:
    import pyarrow.parquet as pq

    schema = cast(object, build_features().arrow_schema)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        yield cast(_Writer, cast(object, writer)), schema


def _to_batch(group: list[dict[str, object]], schema: object) -> object:
    import pyarrow as pa

    return cast(object, pa.RecordBatch.from_pylist(group, schema=schema))


class _Writer(Protocol):
    """The part of `pyarrow.parquet.ParquetWriter` used here."""

    def write_batch(self, batch: object) -> None: ...

    def add_key_value_metadata(self, key_value_metadata: dict[str, str]) -> None: ...


class _Column(Protocol):
    def to_pylist(self) -> object: ...


class _Batch(_Column, Protocol):
    def column(self, index: int, /) -> _Column: ...


class _RowGroup(Protocol):
    total_byte_size: int


class _Metadata(Protocol):
    num_rows: int
    num_row_groups: int
    metadata: dict[bytes, bytes] | None

    def row_group(self, index: int, /) -> _RowGroup: ...


class _Schema(Protocol):
    names: list[str]


class Parquet(Protocol):
    """The part of `pyarrow.parquet.ParquetFile` used here; pyarrow has no type stubs."""

    metadata: _Metadata
    schema_arrow: _Schema

    def __enter__(self) -> Self: ...

    def __exit__(self, *args: object) -> None: ...

    def iter_batches(self, batch_size: int = ..., *, columns: list[str] | None = ...) -> Iterator[_Batch]:
        """Yield the rows of these columns, at most `batch_size` at a time."""
        ...
