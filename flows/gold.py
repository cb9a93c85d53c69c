"""Decides the gold flow: ten dialogues of each category, or it says which are short, fails, and publishes nothing."""

from __future__ import annotations

from prefect import flow

from datagen_core.locking import lock_folder
from datagen_core.providers import embedded_providers
from flows.outcome import RunOutcome, conclude, publish
from flows.parameters import GoldParameters, settle
from flows.rounds import make_dialogues
from tasks.caching import run_stage
from tasks.dataset import render
from tasks.provider import read_settings


@flow(name="gold", persist_result=False)
def gold(parameters: GoldParameters = GoldParameters()) -> RunOutcome:  # noqa: B008 - frozen
    """Make `count` dialogues of each gold category: generate, submit, poll, retrieve, preprocess, render, push.

    Fails, with all files written and nothing pushed, where a category stays short after the last round.
    """
    run = settle("gold", parameters, read_settings())
    with lock_folder(run.folder, holder="datagen run gold"), embedded_providers():
        rounds = make_dialogues(run)
        files = rounds.files
        run_stage(render, run.storage, files.judged.dataset, parameters.template, folder=run.folder / "samples")
        outcome = conclude(run, rounds)
        publish(run, files)
        return outcome
