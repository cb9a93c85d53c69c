"""Submits a request file to a local provider in a process of its own, and works on it until it is killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from datagen_core.batch import submit_once
from datagen_core.batch.local import LocalBatches
from datagen_core.batch.models import Shard
from datagen_core.files import describe


def main(base_url: str, folder: str, requests: str, concurrency: str) -> None:
    path = Path(requests)
    shard = Shard(**dict(describe(path, len(path.read_bytes().splitlines()))))
    with LocalBatches(Path(folder), base_url, concurrency=int(concurrency)) as local:
        submitted = submit_once(local, path.with_name("ledger.jsonl"), shard, endpoint="/v1/chat/completions")
        while not local.fetch_batch(submitted.batch_id).is_ended:
            time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
