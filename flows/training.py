"""Decides the training flow: from a seed to accepted dialogues, rendered, and on the Hub if a repository is named."""

from __future__ import annotations

from prefect import flow

from flows.cancelling import cancel_batches
from flows.occasion import name_run, read_occasion
from flows.opening import open_run
from flows.outcome import RunOutcome, present, publish
from flows.parameters import (
    Count,
    DialogueParameters,
    MaxCost,
    ModelName,
    OutputDir,
    ProviderOrNone,
    PublicationParameters,
    QueueParameters,
    RepoId,
    RequestParameters,
    Seed,
    TrainingComparisonParameters,
    TrainingParameters,
    WorkerParameters,
)
from flows.rounds import make_dialogues, merge_rounds
from flows.run import settle
from flows.suspending import telling_when_suspended
from tasks.provider import read_settings


@flow(name="training", flow_run_name=name_run, persist_result=False, on_cancellation=[cancel_batches])
def training(
    count: Count = 400,
    seed: Seed | None = None,
    provider: ProviderOrNone = None,
    model: ModelName | None = None,
    max_cost: MaxCost | None = None,
    output_dir: OutputDir | None = None,
    repo_id: RepoId | None = None,
    dialogues: DialogueParameters = DialogueParameters(),  # noqa: B008 - frozen
    requests: RequestParameters = RequestParameters(),  # noqa: B008
    queue: QueueParameters = QueueParameters(),  # noqa: B008
    comparison: TrainingComparisonParameters = TrainingComparisonParameters(),  # noqa: B008
    publication: PublicationParameters = PublicationParameters(),  # noqa: B008
    workers: WorkerParameters = WorkerParameters(),  # noqa: B008
) -> RunOutcome:
    """Make `count` training dialogues: generate, submit, poll, retrieve, preprocess, join, merge, render, push.

    A second run with the same parameters takes every stage from the cache; a failed one reruns only what failed.

    Args:
        count: How many dialogues to end with: 1 to 1,000,000.
        seed: Same seed and count, same requests; 0 or more. Unset: from the time a deployment's run was scheduled for,
            else 42.
        provider: Unset: DATAGEN_PROVIDER; else openai where OPENAI_API_KEY is set, else simulator.
        model: The model asked. Unset: DATAGEN_MODEL, else gpt-6-luna.
        max_cost: US dollars that the run may cost at most, over all rounds; above 0. Unset: no cap.
        output_dir: The run's folder, a path or a URL such as s3://bucket/run. {date}, {time}, {seed}, {count} and
            {flow} are filled in. Unset: output/training.
        repo_id: OWNER/NAME on the Hub. Unset: nothing is pushed.
        dialogues: Which dialogues are asked for.
        requests: How the model is asked.
        queue: How batches wait at the provider.
        comparison: Which dialogues none may repeat.
        publication: How the dataset is rendered and pushed.
        workers: Where shards are judged.
    """
    parameters = TrainingParameters.gather(locals())
    run = settle("training", parameters, read_settings(), read_occasion())
    with telling_when_suspended(), open_run(run) as work:
        rounds = make_dialogues(run, work)
        files = merge_rounds(run, rounds, work)
        outcome = present(run, rounds, files, work)
        publish(run, files, work)
        return outcome
