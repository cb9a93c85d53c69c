"""Submits one shard in a process of its own, which dies or runs out of disk at a given place.

`before` and `after` end it by SIGKILL at the n-th ledger record; `full` lets no file grow past n bytes. An error of
ours is written to stdout, and the exit code is then 3.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

from datagen_core.batch import BatchClient, submit_once
from datagen_core.batch.ledger import Ledger
from datagen_core.errors import DatagenError
from datagen_core.files import describe


def kill_at_record(when: str, n_record: int) -> None:
    append, numbers = Ledger.append, count(1)

    def append_or_die(ledger: Ledger, *args: Any, **fields: Any) -> None:
        is_last = next(numbers) == n_record
        if is_last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        append(ledger, *args, **fields)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)

    Ledger.append = append_or_die


def main(base_url: str, key: str, ledger: str, shard: str, when: str, n_record: str) -> None:
    artifact = describe(Path(shard), 2)
    if when == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(n_record), int(n_record)))
    elif when != "never":
        kill_at_record(when, int(n_record))
    try:
        with BatchClient(base_url, key, "fake:project", timeout=5) as client:
            submitted = submit_once(
                client, Path(ledger), artifact, endpoint="/v1/chat/completions", sleep=lambda _: None
            )
    except DatagenError as error:
        sys.stdout.write(f"{type(error).__name__}: {error}")
        sys.exit(3)
    sys.stdout.write(submitted.batch_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
