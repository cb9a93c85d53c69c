"""Decides how answers become a dataset in Prefect: shards judged, rounds joined and merged, rendered, pushed."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.logging import get_run_logger

from datagen_core.checks import RULES_VERSION
from datagen_core.dataset.facts import gather_card_facts
from datagen_core.dataset.hub import PushReport, push_dataset
from datagen_core.dataset.joining import RoundFiles, join_round
from datagen_core.dataset.judging import JudgedFiles, judge_shard
from datagen_core.dataset.reviewing import Review, Reviewed, apply_review
from datagen_core.dataset.rounds import RunFiles, merge_run
from datagen_core.dataset.samples import render_samples
from datagen_core.dialogue.qwen import QwenTemplate
from datagen_core.files import Artifact
from datagen_core.pricing import PriceBook
from datagen_core.storage import fetch, localize, publishing, relocate
from tasks.caching import stage_cache
from tasks.provider import read_settings

_RULES = int(RULES_VERSION) + 2


@task(
    name="preprocess",
    task_run_name="preprocess shard {round_number}.{shard_number}",
    cache_policy=stage_cache("preprocess", _RULES),
    persist_result=True,
)
def preprocess(
    scenarios: Artifact,
    results: Artifact,
    provider: str,
    round_number: int,
    shard_number: int,
    folder: str,
    prices: PriceBook,
) -> JudgedFiles:
    """Perform and check a shard's answers. Safe to repeat, on any machine that reaches the run's folder."""
    asked, answers = Path(localize(scenarios).path), Path(localize(results).path)
    with publishing(folder) as here:
        judged = relocate(judge_shard(asked, answers, here, provider=provider, prices=prices))
    get_run_logger().info("Accepted %s, not accepted %s", judged.dataset.rows, judged.rejected.rows)
    return judged


@task(
    name="join",
    task_run_name="join round {round_number}",
    cache_policy=stage_cache("join", _RULES),
    persist_result=True,
)
def join(
    scenarios: Artifact,
    results: list[Artifact],
    judged: list[JudgedFiles],
    provider: str,
    round_number: int,
    folder: str,
    earlier: list[Artifact],
    published: tuple[str, ...],
    gold: str | None,
    prices: PriceBook,
) -> RoundFiles:
    """Join a round's shards, and reject what repeats a dialogue of these, of `earlier` rounds, or of other datasets.

    `published` and `gold` count by name: a round that is done is not judged anew because more was published since.
    Safe to repeat.
    """
    for shard in results:  # another machine may have retrieved them, reports and all
        fetch(shard.path.rpartition("/")[0])
    with publishing(folder) as here:
        joined = join_round(
            Path(localize(scenarios).path),
            [Path(shard.path) for shard in localize(results)],
            localize(judged),
            here,
            provider=provider,
            earlier=[Path(dataset.path) for dataset in localize(earlier)],
            published=[fetch(location) for location in published],
            gold=None if gold is None else fetch(gold),
            prices=prices,
        )
        joined = relocate(joined)
    accepted, rejected = joined.judged.dataset.rows, joined.judged.rejected.rows
    get_run_logger().info("Round %s: accepted %s, not accepted %s", round_number, accepted, rejected)
    return joined


@task(name="merge", task_run_name="merge", cache_policy=stage_cache("merge", 2), persist_result=True)
def merge(
    scenarios: Artifact, results: list[Artifact], judged: list[JudgedFiles], folder: str, prices: PriceBook
) -> RunFiles:
    """Join the rounds' files into the run's. Safe to repeat."""
    paths = [Path(result.path) for result in localize(results)]
    with publishing(folder) as here:
        merged = relocate(merge_run(paths, localize(judged), here, scenarios=scenarios.rows, prices=prices))
    get_run_logger().info("The run has %s dialogues of %s", merged.judged.dataset.rows, scenarios.rows)
    return merged


@task(
    name="review",
    task_run_name="apply review {answer.number}",
    cache_policy=stage_cache("review"),
    persist_result=True,
)
def review(
    judged: list[JudgedFiles],
    results: list[Artifact],
    scenarios: Artifact,
    answer: Review,
    folder: str,
    prices: PriceBook,
) -> Reviewed:
    """Take what a person rejected out of the rounds' files. Safe to repeat."""
    asked, answers = Path(localize(scenarios).path), [Path(one.path) for one in localize(results)]
    with publishing(folder) as here:
        reviewed = relocate(apply_review(localize(judged), answers, asked, answer, here, prices=prices))
    get_run_logger().info("Review %s: %s dialogues taken out", answer.number, reviewed.requests_from.rows)
    return reviewed


@task(name="render", task_run_name="render {template}", cache_policy=stage_cache("render"), persist_result=True)
def render(dataset: Artifact, template: QwenTemplate, folder: str) -> Artifact:
    """Write a text file a record. Safe to repeat."""
    with publishing(folder) as here:
        samples = relocate(render_samples(Path(localize(dataset).path), here, template))
    get_run_logger().info("Rendered %s samples", samples.rows)
    return samples


@task(
    name="push",
    task_run_name="push {repo_id}",
    cache_policy=stage_cache("push"),
    persist_result=True,
    retries=2,
    retry_delay_seconds=5,
)
def push(dataset: Artifact, funnel: Artifact, repo_id: str, public: bool, reviews: Artifact | None) -> PushReport:
    """Add the dataset's rows to the Hub in one commit. Safe to repeat: rows published already are left out."""
    settings = read_settings()
    path, counts = Path(localize(dataset).path), Path(localize(funnel).path)
    report = push_dataset(
        path,
        repo_id,
        private=not public,
        token=settings.require_hf_token(),
        endpoint=settings.hf_endpoint,
        card=gather_card_facts(
            path,
            counts,
            title=repo_id.rpartition("/")[2],
            reviews=None if reviews is None else Path(localize(reviews).path),
        ),
        run_id=dataset.sha256[:12],
    )
    get_run_logger().info("Pushed %s new dialogues, %s in all: %s", report.added, report.rows, report.url)
    return report
