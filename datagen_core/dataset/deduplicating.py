"""Decides which dialogues are the same or nearly so: by a hash, or by MinHash and LSH, verified by exact Jaccard.

An index is a temporary SQLite database: SQLite keeps it in its cache and, beyond that, in a file without a name. So
memory does not grow with the rows, and nothing is left behind.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from hashlib import blake2b
from typing import Final, NamedTuple, Protocol, Self, cast

import orjson
from rensa import RMinHash  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]

from datagen_core.dialogue.inline import is_response_content
from datagen_core.files import JsonObject
from datagen_core.scenario_ids import split_substitute

NEAR: Final = 0.8
"""Jaccard from which two dialogues are near duplicates (U02)."""
GOLD_NEAR: Final = 0.6
"""Jaccard from which a training dialogue gives gold away (U03)."""

SHINGLE: Final = 5
"""Characters of a shingle."""

_BANDS: Final[dict[float, tuple[int, int]]] = {NEAR: (20, 5), GOLD_NEAR: (33, 3)}
"""Bands and rows of a band by threshold: of pairs just at it, 1 - (1 - s^rows)^bands are found, 0.9996 in both."""
_SEED: Final = 42
_CACHE_KIB: Final = 16 * 1024
"""Full after some 15,000 rows, and memory with it; 100,000 rows take no longer than with 128 MiB (measured)."""

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_SILENT: Final = frozenset({"no_calls", "only_tools", "avoids", "asks_before"})
"""Predicates that say only what must not happen, and when: shared by all scenarios of a kind."""

_SCHEMA: Final = """
CREATE TABLE entry (row INTEGER PRIMARY KEY, name TEXT, size INTEGER, text TEXT);
CREATE TABLE band (hash INTEGER, row INTEGER, PRIMARY KEY (hash, row)) WITHOUT ROWID;
CREATE TABLE mark (key BLOB PRIMARY KEY, row INTEGER) WITHOUT ROWID;
"""


class _Sketch(Protocol):
    """The part of `rensa.RMinHash` used here; rensa has no type stubs."""

    def update(self, tokens: list[str]) -> None: ...

    def digest(self) -> list[int]: ...


_create_sketch = cast("Callable[[int, int], _Sketch]", RMinHash)
"""Number of permutations, seed. For one text ten times faster than the functions for many, which start threads."""


class _Measure(NamedTuple):
    """What a text is looked for by: its shingles, and a hash of 64 bits for each band of their MinHash."""

    text: str
    shingles: frozenset[str]
    bands: tuple[int, ...]


class Fingerprint(NamedTuple):
    """What a dialogue is compared by; `name` is how a person finds it.

    `digest` is a hash of all messages, `text` what the customer says, both with ids masked. `task` is a hash of the
    scenario's world and goal, where it has a goal that something must happen for.
    """

    name: str
    scenario_id: str | None
    digest: bytes
    text: str
    task: bytes | None


class Match(NamedTuple):
    """An earlier dialogue and how similar it is, 1.0 for the same."""

    name: str
    similarity: float


def fingerprint_record(record: Mapping[str, object], name: str) -> Fingerprint | None:
    """Return a row's fingerprint; None where its messages cannot be read, which S01 says. Never raises."""
    messages = record.get("messages")
    if not isinstance(messages, list) or not messages:
        return None
    digest, spoken = blake2b(digest_size=16), list[str]()
    for message in cast("list[object]", messages):
        fields = cast("JsonObject", message) if isinstance(message, dict) else {}
        role, content = fields.get("role"), fields.get("content")
        if not isinstance(role, str) or not isinstance(content, str):
            return None
        text = fold_text(content)
        digest.update(f"{len(role)} {role}{len(text)} {text}".encode("utf-8", "surrogatepass"))
        if role == "user" and not is_response_content(content):
            spoken.append(text)
    meta = record.get("meta")
    facts = cast("JsonObject", meta) if isinstance(meta, dict) else {}
    scenario_id = facts.get("scenario_id")
    return Fingerprint(
        _make_writable(name),
        split_substitute(scenario_id)[0] if isinstance(scenario_id, str) else None,
        digest.digest(),
        "\n".join(spoken).strip(),
        _digest_task(facts),
    )


def fold_text(text: str) -> str:
    """Return a text in NFC, each run of white space one space, ids masked; lone surrogates become question marks."""
    return _UUID.sub("#", " ".join(unicodedata.normalize("NFC", _make_writable(text)).split()))


def shingle(text: str) -> frozenset[str]:
    """Return the 5-grams of characters; a shorter text is one shingle, an empty one has none."""
    if len(text) <= SHINGLE:
        return frozenset([text] if text else ())
    return frozenset(text[start : start + SHINGLE] for start in range(len(text) - SHINGLE + 1))


def measure_jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Return the share of common shingles in all shingles, 0.0 where there are none."""
    common = len(left & right)
    union = len(left) + len(right) - common
    return common / union if union else 0.0


class DuplicateIndex:
    """Remembers fingerprints and finds earlier ones. A context manager; not for several threads.

    Every candidate of LSH is verified by the exact Jaccard of the shingles, so nothing is found falsely. What is
    missed and what a row costs, `benchmarks/duplicates.py` measures.
    """

    def __init__(self, threshold: float = NEAR) -> None:
        """Find near duplicates from this Jaccard on: `NEAR` or `GOLD_NEAR`."""
        self._threshold = threshold
        self._bands, self._rows = _BANDS[threshold]
        self._database = sqlite3.connect("", isolation_level=None)
        for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.executescript(_SCHEMA)
        self._database.execute("BEGIN")
        # Only the number of bands, of our own, stands in the statement.
        self._query = (
            "SELECT name, text FROM entry WHERE size BETWEEN ? AND ? AND row IN "  # noqa: S608
            f"(SELECT row FROM band WHERE hash IN ({','.join('?' * self._bands)})) ORDER BY row"
        )
        self._count = 0
        self._last = _Measure("", frozenset(), ())

    def __enter__(self) -> Self:
        """Return the index."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget everything."""
        self._database.close()

    def __len__(self) -> int:
        """How many fingerprints were added."""
        return self._count

    def add(self, fingerprint: Fingerprint) -> None:
        """Remember a dialogue; of several with the same messages, scenario or task the first stands for them."""
        row, measure = self._count, self._measure(fingerprint.text)
        self._count += 1
        write = self._database.execute
        write("INSERT INTO entry VALUES (?, ?, ?, ?)", (row, fingerprint.name, len(measure.shingles), fingerprint.text))
        for key in _marks_of(fingerprint):
            write("INSERT OR IGNORE INTO mark VALUES (?, ?)", (key, row))
        bands = ((band, row) for band in measure.bands)
        self._database.executemany("INSERT OR IGNORE INTO band VALUES (?, ?)", bands)

    def find_same(self, fingerprint: Fingerprint) -> str | None:
        """Return the name of the dialogue with the same messages."""
        return self._find_mark(b"M" + fingerprint.digest)

    def find_scenario(self, scenario_id: str | None) -> str | None:
        """Return the name of the dialogue of this scenario."""
        return None if scenario_id is None else self._find_mark(_scenario_mark(scenario_id))

    def find_task(self, fingerprint: Fingerprint) -> str | None:
        """Return the name of the dialogue with the same goal in the same world."""
        return None if fingerprint.task is None else self._find_mark(b"T" + fingerprint.task)

    def find_near(self, fingerprint: Fingerprint) -> Match | None:
        """Return the earliest dialogue in which the customer says nearly the same."""
        _, shingles, bands = self._measure(fingerprint.text)
        if not shingles:
            return None
        n = len(shingles)
        # Sets of too different a size cannot be similar enough; a margin of one takes up rounding.
        sizes = (int(n * self._threshold) - 1, int(n / self._threshold) + 1)
        with closing(self._database.execute(self._query, (*sizes, *bands))) as rows:
            for name, text in cast("Iterator[tuple[str, str]]", rows):
                similarity = measure_jaccard(shingles, shingle(text))
                if similarity >= self._threshold:
                    return Match(name, similarity)
        return None

    def _find_mark(self, key: bytes) -> str | None:
        query = "SELECT name FROM mark JOIN entry USING (row) WHERE key = ?"
        found = cast("tuple[str] | None", self._database.execute(query, (key,)).fetchone())
        return None if found is None else found[0]

    def _measure(self, text: str) -> _Measure:
        """Measure a text; the last one is kept, as what is looked for in vain is added next."""
        if self._last.text != text:
            shingles = shingle(text)
            self._last = _Measure(text, shingles, tuple(self._hash_bands(shingles)))
        return self._last

    def _hash_bands(self, shingles: frozenset[str]) -> Iterator[int]:
        """Yield a hash for each band; another process has others, so none is kept."""
        if not shingles:
            return
        sketch = _create_sketch(self._bands * self._rows, _SEED)
        sketch.update(list(shingles))
        digest = array("I", sketch.digest())
        for start in range(0, len(digest), self._rows):
            yield hash((start, digest[start : start + self._rows].tobytes()))


def _marks_of(fingerprint: Fingerprint) -> Iterator[bytes]:
    yield b"M" + fingerprint.digest
    if fingerprint.scenario_id is not None:
        yield _scenario_mark(fingerprint.scenario_id)
    if fingerprint.task is not None:
        yield b"T" + fingerprint.task


def _make_writable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _scenario_mark(scenario_id: str) -> bytes:
    return b"S" + blake2b(scenario_id.encode("utf-8", "replace"), digest_size=16).digest()


def _digest_task(meta: Mapping[str, object]) -> bytes | None:
    """Return a hash of opening and goal, customer and hour aside; None where the goal asks for nothing to happen.

    The opening's seed belongs to the world: without it every third training scenario has some gold one's goal, all of
    them those of whose world nothing is used (measured on 4,000 and 80).
    """
    goal, opening = meta.get("goal"), meta.get("opening")
    if not isinstance(goal, list) or not isinstance(opening, dict):
        return None
    if not any(_asks_for_something(predicate) for predicate in cast("list[object]", goal)):
        return None
    world = {key: value for key, value in cast("JsonObject", opening).items() if key not in ("user_id", "now")}
    try:
        return blake2b(orjson.dumps([world, goal], option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
    except TypeError:  # no JSON, so no goal of ours: S01 says so
        return None


def _asks_for_something(predicate: object) -> bool:
    if not isinstance(predicate, dict):
        return False
    fields = cast("JsonObject", predicate)
    return fields.get("type") not in _SILENT and any(fields.get(key) for key in ("calls", "lines", "orders", "fields"))
