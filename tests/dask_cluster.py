"""Runs a Dask cluster of two worker processes until its standard input ends; prints the scheduler's address.

Then, for each line it reads, kills a worker that has something to do, waiting for one if need be, and says which.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from distributed import Client, LocalCluster

POLL_SECONDS = 0.01


def kill_one_at_work(client: Client) -> int:
    """Kill, with SIGKILL, a worker process that a task was given to; return its id."""
    ids = client.run(os.getpid)
    while True:
        for address, tasks in client.processing().items():
            if tasks and address in ids:
                os.kill(ids[address], signal.SIGKILL)
                return ids[address]
        time.sleep(POLL_SECONDS)


def main() -> None:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        sys.stdout.write(f"{cluster.scheduler_address}\n")
        sys.stdout.flush()
        for _ in sys.stdin:
            sys.stdout.write(f"{kill_one_at_work(client)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
