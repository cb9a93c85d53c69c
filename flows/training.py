"""Decides the training flow: from a seed to accepted dialogues, rendered, and on the Hub if a repository is named."""

from __future__ import annotations

from prefect import flow

from datagen_core.locking import lock_folder
from datagen_core.providers import embedded_providers
from flows.outcome import RunOutcome, conclude, publish
from flows.parameters import TrainingParameters, settle
from flows.rounds import make_dialogues
from tasks.caching import run_stage
from tasks.dataset import render
from tasks.provider import read_settings


@flow(name="training", persist_result=False)
def training(parameters: TrainingParameters = TrainingParameters()) -> RunOutcome:  # noqa: B008 - frozen
    """Make `count` training dialogues: generate, submit, poll, retrieve, preprocess, render, push.

    A second run with the same parameters takes every stage from the cache; a failed one reruns only what failed.
    """
    run = settle("training", parameters, read_settings())
    with lock_folder(run.folder, holder="datagen run training"), embedded_providers():
        rounds = make_dialogues(run)
        files = rounds.files
        run_stage(render, run.storage, files.judged.dataset, parameters.template, folder=run.folder / "samples")
        outcome = conclude(run, rounds)
        publish(run, files)
        return outcome
