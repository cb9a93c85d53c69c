"""Decides how answers become a dataset in Prefect: judged, joined over the rounds, rendered, pushed."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.logging import get_run_logger

from datagen_core.checks import RULES_VERSION
from datagen_core.dataset.facts import gather_card_facts
from datagen_core.dataset.hub import PushReport, push_dataset
from datagen_core.dataset.judging import JudgedFiles, judge_file
from datagen_core.dataset.rounds import RunFiles, merge_run
from datagen_core.dataset.samples import render_samples
from datagen_core.dialogue.qwen import QwenTemplate
from datagen_core.files import Artifact
from datagen_core.pricing import PriceBook
from tasks.caching import stage_cache
from tasks.provider import read_settings


@task(
    name="preprocess",
    task_run_name="preprocess-round-{round_number}",
    cache_policy=stage_cache("preprocess", int(RULES_VERSION) + 1),
    persist_result=True,
)
def preprocess(
    scenarios: Artifact,
    results: Artifact,
    provider: str,
    round_number: int,
    folder: Path,
    earlier: list[Artifact],
    published: tuple[Path, ...] = (),
    gold: Path | None = None,
    prices: PriceBook = PriceBook(),  # noqa: B008 - frozen
) -> JudgedFiles:
    """Perform and check a round's answers, and compare them with `earlier` rounds' datasets. Safe to repeat.

    `published` and `gold` count by name: a round that is done is not judged anew because more was published since.
    """
    judged = judge_file(
        Path(scenarios.path),
        Path(results.path),
        folder,
        provider=provider,
        counts_pending=False,
        earlier=[Path(dataset.path) for dataset in earlier],
        published=published,
        gold=gold,
        prices=prices,
    )
    get_run_logger().info("Accepted %s, not accepted %s", judged.dataset.rows, judged.rejected.rows)
    return judged


@task(name="merge", task_run_name="merge", cache_policy=stage_cache("merge", 2), persist_result=True)
def merge(
    scenarios: Artifact, results: list[Artifact], judged: list[JudgedFiles], folder: Path, prices: PriceBook
) -> RunFiles:
    """Join the rounds' files into the run's. Safe to repeat."""
    paths = [Path(result.path) for result in results]
    return merge_run(paths, judged, folder, scenarios=scenarios.rows, prices=prices)


@task(name="render", task_run_name="render-{template}", cache_policy=stage_cache("render"), persist_result=True)
def render(dataset: Artifact, template: QwenTemplate, folder: Path) -> Artifact:
    """Write a text file a record. Safe to repeat."""
    return render_samples(Path(dataset.path), folder, template)


@task(
    name="push",
    task_run_name="push-{repo_id}",
    cache_policy=stage_cache("push"),
    persist_result=True,
    retries=2,
    retry_delay_seconds=5,
)
def push(dataset: Artifact, funnel: Artifact, repo_id: str, public: bool) -> PushReport:
    """Add the dataset's rows to the Hub in one commit. Safe to repeat: rows published already are left out."""
    settings = read_settings()
    return push_dataset(
        Path(dataset.path),
        repo_id,
        private=not public,
        token=settings.require_hf_token(),
        endpoint=settings.hf_endpoint,
        card=gather_card_facts(Path(dataset.path), Path(funnel.path), title=repo_id.rpartition("/")[2]),
        run_id=dataset.sha256[:12],
    )
