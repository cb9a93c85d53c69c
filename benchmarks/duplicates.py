"""Measures the duplicate index: memory, time a row, and how many near duplicates it misses or invents.

    python benchmarks/duplicates.py --rows 1000000

Rows are sentences of made-up words, every tenth one a variant of an earlier row with up to four words changed. Whether
a variant is a near duplicate, its exact Jaccard to that row says. Rows are entered as a run would: found ones are not.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from datagen_core.dataset.deduplicating import (
    GOLD_NEAR,
    NEAR,
    DuplicateIndex,
    Fingerprint,
    fingerprint_record,
    measure_jaccard,
    shingle,
)

N_WORDS = 20_000
MANY_ROWS = 60_000


class Row(NamedTuple):
    """What a customer says, and what it is a variant of."""

    text: str
    origin: str | None


def iter_rows(n_rows: int, rng: random.Random, *, share: float = 0.1) -> Iterator[Row]:
    """Yield rows; variants are made of the last thousand rows, so that memory here stays flat."""
    words = ["".join(chr(0xAC00 + rng.randrange(2_000)) for _ in range(rng.randrange(1, 5))) for _ in range(N_WORDS)]
    recent: list[str] = []
    for number in range(n_rows):
        if recent and rng.random() < share:
            origin = rng.choice(recent)
            yield Row(vary(origin, words, rng), origin)
            continue
        text = " ".join(rng.choices(words, k=rng.randrange(4, 40)))
        recent[number % 1_000 : number % 1_000 + 1] = [text]
        yield Row(text, None)


def vary(text: str, words: list[str], rng: random.Random) -> str:
    """Return the text with up to four words changed."""
    parts = text.split(" ")
    for _ in range(rng.randrange(5)):
        parts[rng.randrange(len(parts))] = rng.choice(words)
    return " ".join(parts)


def read_fingerprint(text: str, name: str) -> Fingerprint:
    """Return the fingerprint of a dialogue in which the customer says this."""
    messages = [{"role": "user", "content": text}, {"role": "assistant", "content": name}]
    fingerprint = fingerprint_record({"messages": messages}, name)
    assert fingerprint is not None
    return fingerprint


def measure_run(n_rows: int) -> None:
    """Enter rows as a run does and print what it took."""
    before = read_memory()
    n_near = n_missed = n_invented = n_found = 0
    spent = 0.0
    with DuplicateIndex(NEAR) as index:
        for number, row in enumerate(iter_rows(n_rows, random.Random(1))):
            started = time.perf_counter()
            fingerprint = read_fingerprint(row.text, str(number))
            match = index.find_near(fingerprint)
            if match is None:
                index.add(fingerprint)
            spent += time.perf_counter() - started
            n_found += match is not None
            n_invented += match is not None and match.similarity < NEAR
            if row.origin is not None and measure_jaccard(shingle(row.text), shingle(row.origin)) >= NEAR:
                n_near += 1
                n_missed += match is None
        print(f"rows {n_rows:,}, kept {len(index):,}, near duplicates found {n_found:,}")
        print(f"memory {read_memory() - before:,.0f} MB, {spent / n_rows * 1e6:,.0f} us a row")
        print(f"missed {n_missed:,} of {n_near:,} ({n_missed / max(n_near, 1):.3%}), invented {n_invented:,}")


def measure_misses(threshold: float) -> None:
    """Print how many pairs just above the threshold are missed: the worst that can be asked of the index."""
    rng = random.Random(2)
    n_pairs = n_missed = 0
    for row in iter_rows(MANY_ROWS, rng, share=0.5):
        if row.origin is None:
            continue
        similarity = measure_jaccard(shingle(row.text), shingle(row.origin))
        if threshold <= similarity < threshold + 0.05:
            with DuplicateIndex(threshold) as pair:
                pair.add(read_fingerprint(row.origin, "origin"))
                n_pairs += 1
                n_missed += pair.find_near(read_fingerprint(row.text, "variant")) is None
    print(f"Jaccard {threshold} to {threshold + 0.05:.2f}: missed {n_missed} of {n_pairs:,} ({n_missed / n_pairs:.3%})")


def read_memory() -> float:
    """Return the resident memory of this process in MB (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1_000
    return 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the duplicate index.")
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    measure_run(rows)
    for threshold in (NEAR, GOLD_NEAR):
        measure_misses(threshold)


if __name__ == "__main__":
    main()
