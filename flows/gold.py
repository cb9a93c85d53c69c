"""Decides the gold flow: ten dialogues of each category, or it says which are short, fails, and publishes nothing."""

from __future__ import annotations

from prefect import flow

from datagen_core.scenarios import GOLD_PER_CATEGORY
from flows.approval import require_reachable, review_dialogues
from flows.cancelling import cancel_batches
from flows.occasion import name_run, read_occasion
from flows.opening import open_run
from flows.outcome import RunOutcome, present, publish
from flows.parameters import (
    ApprovalParameters,
    ComparisonParameters,
    GoldCount,
    GoldParameters,
    MaxCost,
    ModelName,
    OutputDir,
    ProviderOrNone,
    PublicationParameters,
    QueueParameters,
    RepoId,
    RequestParameters,
    Seed,
    WorkerParameters,
)
from flows.rounds import make_dialogues, merge_rounds
from flows.run import settle
from flows.suspending import telling_when_suspended
from tasks.provider import read_settings


@flow(name="gold", flow_run_name=name_run, persist_result=False, on_cancellation=[cancel_batches])
def gold(
    count: GoldCount = GOLD_PER_CATEGORY,
    seed: Seed | None = None,
    provider: ProviderOrNone = None,
    model: ModelName | None = None,
    max_cost: MaxCost | None = None,
    output_dir: OutputDir | None = None,
    repo_id: RepoId | None = None,
    approval: ApprovalParameters = ApprovalParameters(),  # noqa: B008 - frozen
    requests: RequestParameters = RequestParameters(),  # noqa: B008
    queue: QueueParameters = QueueParameters(),  # noqa: B008
    comparison: ComparisonParameters = ComparisonParameters(),  # noqa: B008
    publication: PublicationParameters = PublicationParameters(),  # noqa: B008
    workers: WorkerParameters = WorkerParameters(),  # noqa: B008
) -> RunOutcome:
    """Make `count` dialogues of each gold category: generate, submit, poll, retrieve, preprocess, join, merge, push.

    Fails, with all files written and nothing pushed, where a category stays short after the last round, or where a
    person was asked and did not approve.

    Args:
        count: How many dialogues of each of the eight categories to end with: 1 to 125,000.
        seed: Same seed and count, same requests; 0 or more. Unset: from the time a deployment's run was scheduled for,
            else 42.
        provider: Unset: DATAGEN_PROVIDER; else openai where OPENAI_API_KEY is set, else simulator.
        model: The model asked. Unset: DATAGEN_MODEL, else gpt-6-luna.
        max_cost: US dollars that the run may cost at most, over all rounds; above 0. Unset: no cap.
        output_dir: The run's folder, a path or a URL such as s3://bucket/run. {date}, {time}, {seed}, {count} and
            {flow} are filled in. Unset: output/gold.
        repo_id: OWNER/NAME on the Hub. Unset: nothing is pushed.
        approval: Whether a person looks at the benchmark before it is pushed.
        requests: How the model is asked.
        queue: How batches wait at the provider.
        comparison: Which dialogues none may repeat.
        publication: How the dataset is rendered and pushed.
        workers: Where shards are judged.
    """
    parameters = GoldParameters.gather(locals())
    run = settle("gold", parameters, read_settings(), read_occasion())
    if parameters.require_approval:
        require_reachable()
    with telling_when_suspended(), open_run(run) as work:
        rounds, reviews = make_dialogues(run, work), None
        if parameters.require_approval:
            rounds, reviews = review_dialogues(run, rounds, work)
        files = merge_rounds(run, rounds, work)
        outcome = present(run, rounds, files, work)
        publish(run, files, work, reviews)
        return outcome
