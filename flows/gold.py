"""Decides the gold flow: ten dialogues of each category, or it says which are short and fails."""

from __future__ import annotations

from prefect import flow

from datagen_core.dataset.claim import claim_folder
from datagen_core.providers import embedded_simulators
from flows.outcome import RunOutcome, conclude
from flows.parameters import GoldParameters, settle
from flows.rounds import run_rounds
from tasks.caching import run_stage
from tasks.dataset import push, render
from tasks.generate import generate
from tasks.provider import read_settings


@flow(name="gold", persist_result=False)
def gold(parameters: GoldParameters = GoldParameters()) -> RunOutcome:  # noqa: B008 - frozen
    """Make `count` dialogues of each gold category: generate, submit, poll, retrieve, preprocess, render, push.

    Fails, with all files written, where a category stays short after the last round.
    """
    run = settle("gold", parameters, read_settings())
    claim_folder(run.folder, run.facts)
    with embedded_simulators():
        generated = run_stage(
            generate, run.storage, run.profile, parameters.count, parameters.seed, run.options, folder=run.folder
        )
        files = run_rounds(run, generated)
        dataset = files.judged.dataset
        run_stage(render, run.storage, dataset, parameters.template, folder=run.folder / "samples")
        if parameters.repo_id is not None:
            run_stage(
                push,
                run.storage,
                dataset,
                files.judged.funnel,
                parameters.repo_id,
                parameters.public,
                parameters.seed,
            )
        return conclude(run, files)
