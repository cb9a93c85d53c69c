"""Decides how a run goes on until it has what was asked for: submit, poll, retrieve, preprocess, and again."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from prefect import unmapped
from prefect.futures import PrefectFutureList

from datagen_core.batch.models import BatchStatus, Submitted
from datagen_core.dataset.generating import STATUS_NAME, GeneratedFiles
from datagen_core.dataset.judging import JudgedFiles
from datagen_core.dataset.rounds import RunFiles
from datagen_core.files import Artifact
from flows.parameters import Run
from tasks.batch import DEADLINE_SECONDS, poll, record_status, retrieve, submit
from tasks.caching import keep_results, run_stage
from tasks.dataset import merge, preprocess
from tasks.generate import generate_again, shard

T = TypeVar("T")


def run_rounds(run: Run, generated: GeneratedFiles) -> RunFiles:
    """Ask, and ask again for what failed or was rejected, until nothing is missing or the rounds are used up."""
    requests, results, judged = generated.requests, list[Artifact](), list[JudgedFiles]()
    for number in range(1, run.parameters.max_rounds + 1):
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
            )
        )
        if judged[-1].rejected.rows == 0 or number == run.parameters.max_rounds:
            break
        requests = run_stage(
            generate_again,
            run.storage,
            judged[-1].rejected,
            run.profile,
            run.options,
            number + 1,
            folder=run.round_folder(number + 1),
        )
    return run_stage(merge, run.storage, generated.scenarios, results, judged, folder=run.folder)


def fetch_answers(run: Run, requests: Artifact, number: int) -> Artifact:
    """Submit a round's requests, shard by shard, wait for the batches, and download the answers."""
    shards = run_stage(shard, run.storage, requests, number, folder=Path(requests.path).parent)
    submitted = collect(
        keep_results(submit, run.storage).map(
            shards,
            choice=unmapped(run.choice),
            endpoint=unmapped(run.options.endpoint),
            run=unmapped(run.folder.name),
            round_number=unmapped(number),
            ledger=unmapped(run.folder / "ledger.jsonl"),
        )
    )
    status_path = Path(requests.path).with_name(STATUS_NAME[run.profile])
    _record(run, submitted, [], number, status_path)
    patient = keep_results(poll, run.storage).with_options(
        retries=int(DEADLINE_SECONDS / run.poll_interval) + 1,
        retry_delay_seconds=run.poll_interval,
    )
    statuses = collect(patient.map(submitted, choice=unmapped(run.choice)))
    _record(run, submitted, statuses, number, status_path)
    path = run.round_folder(number) / "result_lst.json"
    return run_stage(retrieve, run.storage, submitted, statuses, run.choice, number, path=path)


def collect(futures: PrefectFutureList[T]) -> list[T]:
    """Return every result in order; the first failure is raised, else a flow with failed tasks would end well."""
    return [future.result() for future in futures]


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
