"""Decides how requests are written in Prefect: from a seed, or anew from what was rejected; no network."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.logging import get_run_logger

from datagen_core.batch.models import Shard
from datagen_core.batch.requests import RequestOptions
from datagen_core.batch.sharding import ShardLimits, shard_requests
from datagen_core.dataset.generating import REQUESTS_NAME, GeneratedFiles, generate_files
from datagen_core.dataset.rounds import write_next_requests
from datagen_core.files import Artifact
from datagen_core.mixing import Sampling
from datagen_core.scenarios import Profile
from datagen_core.storage import fetch, join_location, localize, publishing, relocate
from tasks.caching import stage_cache


@task(name="generate", task_run_name="generate {profile}", cache_policy=stage_cache("generate"), persist_result=True)
def generate(
    profile: Profile, count: int, seed: int, sampling: Sampling, options: RequestOptions, folder: str
) -> GeneratedFiles:
    """Write scenarios and requests. Safe to repeat: same parameters, same bytes."""
    with publishing(folder) as here:
        path = here / REQUESTS_NAME[profile]
        files = relocate(generate_files(profile, count, path, options, seed=seed, sampling=sampling))
    get_run_logger().info("Wrote %s requests with seed %s", files.requests.rows, seed)
    return files


@task(
    name="generate-again",
    task_run_name="generate round {round_number}",
    cache_policy=stage_cache("generate-again", 2),
    persist_result=True,
)
def generate_again(
    rejected: Artifact, profile: Profile, options: RequestOptions, round_number: int, folder: str
) -> Artifact:
    """Write the requests of a further round. Safe to repeat."""
    rejections = Path(localize(rejected).path)
    fetch(join_location(folder, REQUESTS_NAME[profile]))  # one that was paid for is kept as it is
    with publishing(folder) as here:
        path = here / REQUESTS_NAME[profile]
        requests = relocate(write_next_requests(path, rejections, options, round_number=round_number))
    get_run_logger().info("Wrote %s requests of round %s", requests.rows, round_number)
    return requests


@task(
    name="shard", task_run_name="shard round {round_number}", cache_policy=stage_cache("shard", 2), persist_result=True
)
def shard(requests: Artifact, round_number: int, folder: str, limits: ShardLimits, ledger: Path) -> list[Shard]:
    """Split the requests into files that the provider takes, and count their tokens. Safe to repeat."""
    path = Path(localize(requests).path)
    shards = fetch(join_location(folder, "shards"))  # how the file was cut before
    with publishing(folder):
        cut = relocate(shard_requests(path, shards, limits, ledger))
    get_run_logger().info("Cut %s requests into %s shards", requests.rows, len(cut))
    return cut
