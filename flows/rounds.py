"""Decides how a run goes on until it has what was asked for: submit, poll, retrieve, preprocess, and again."""

from __future__ import annotations

import time
from pathlib import Path

from prefect import unmapped

from datagen_core.batch.models import BatchStatus, Submitted
from datagen_core.batch.poll import DEADLINE_SECONDS
from datagen_core.batch.resubmission import pause_seconds, plan_generations
from datagen_core.dataset.claim import claim_folder
from datagen_core.dataset.generating import STATUS_NAME, GeneratedFiles
from datagen_core.dataset.judging import JudgedFiles
from datagen_core.dataset.rounds import RunFiles
from datagen_core.errors import BatchFailed
from datagen_core.files import Artifact
from flows.parameters import Run
from tasks.batch import poll, record_status, retrieve, submit
from tasks.caching import keep_results, run_stage
from tasks.dataset import merge, preprocess
from tasks.generate import generate, generate_again, shard


def make_dialogues(run: Run) -> RunFiles:
    """Generate the requests and go through the rounds."""
    claim_folder(run.folder, run.facts, ledger=run.ledger)
    generated = run_stage(
        generate,
        run.storage,
        run.profile,
        run.parameters.count,
        run.parameters.seed,
        run.sampling,
        run.options,
        folder=run.folder,
    )
    return run_rounds(run, generated)


def run_rounds(run: Run, generated: GeneratedFiles) -> RunFiles:
    """Ask, and ask again for what failed or was rejected, until nothing is missing or the rounds are used up."""
    requests, results, judged = generated.requests, list[Artifact](), list[JudgedFiles]()
    number = 1
    while True:
        results.append(fetch_answers(run, requests, number))
        judged.append(
            run_stage(
                preprocess,
                run.storage,
                generated.scenarios,
                results[-1],
                provider=run.choice.provider,
                round_number=number,
                folder=run.round_folder(number),
                earlier=[one.dataset for one in judged],
                published=run.published,
                gold=run.gold,
            )
        )
        number += 1
        if judged[-1].rejected.rows == 0 or not run.has_round(number):
            break
        requests = run_stage(
            generate_again,
            run.storage,
            judged[-1].rejected,
            run.profile,
            run.options,
            number,
            folder=run.round_folder(number),
        )
    return run_stage(merge, run.storage, generated.scenarios, results, judged, folder=run.folder)


def fetch_answers(run: Run, requests: Artifact, number: int) -> Artifact:
    """Submit a round's requests, shard by shard, wait for the batches, and download the answers."""
    shards = run_stage(shard, run.storage, requests, number, folder=Path(requests.path).parent)
    status_path = Path(requests.path).with_name(STATUS_NAME[run.profile])
    generations = [0] * len(shards)
    while True:
        submitted, is_old = _submit(run, shards, generations, number)
        _record(run, submitted, [], number, status_path)
        heard = _poll(run, submitted)
        refusals = [one if isinstance(one, BatchFailed) else None for one in heard]
        if not any(refusals):
            break
        following = plan_generations(generations, refusals, is_old)
        time.sleep(pause_seconds(generations, refusals, is_old, interval=run.poll_interval))
        generations = following
    statuses = [one for one in heard if isinstance(one, BatchStatus)]
    _record(run, submitted, statuses, number, status_path)
    path = run.round_folder(number) / "result_lst.json"
    return run_stage(retrieve, run.storage, submitted, statuses, run.choice, number, path=path)


def _submit(
    run: Run, shards: list[Artifact], generations: list[int], number: int
) -> tuple[list[Submitted], list[bool]]:
    """Submit every shard, and tell which of them an earlier run had submitted."""
    futures = keep_results(submit, run.storage).map(
        shards,
        generations,
        choice=unmapped(run.choice),
        endpoint=unmapped(run.options.endpoint),
        run=unmapped(run.folder.name),
        round_number=unmapped(number),
        ledger=unmapped(run.ledger),
    )
    # `.result()` raises the first failure: else a flow with failed tasks would end well.
    return [future.result() for future in futures], [future.state.name == "Cached" for future in futures]


def _poll(run: Run, submitted: list[Submitted]) -> list[BatchStatus | BatchFailed]:
    """Wait for every batch; one that was refused, for a reason that can pass, stands as its error."""
    patient = keep_results(poll, run.storage).with_options(
        retries=int(DEADLINE_SECONDS / run.poll_interval) + 1,
        retry_delay_seconds=run.poll_interval,
    )
    heard: list[BatchStatus | BatchFailed] = []
    for future in patient.map(submitted, choice=unmapped(run.choice)):
        try:
            heard.append(future.result())
        except BatchFailed as error:
            heard.append(error)
    return heard


def _record(run: Run, submitted: list[Submitted], statuses: list[BatchStatus], number: int, path: Path) -> None:
    run_stage(
        record_status,
        run.storage,
        submitted,
        statuses,
        run.choice,
        run.options.endpoint,
        run.options.model,
        number,
        path=path,
    )
