"""Decides how a run goes on until it has what was asked for: submit, poll, retrieve, preprocess, and again."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from datagen_core.batch.purse import Purse
from datagen_core.dataset.claim import claim_folder
from datagen_core.dataset.funnel import Funnel, read_funnel
from datagen_core.dataset.generating import GeneratedFiles
from datagen_core.dataset.judging import JudgedFiles
from datagen_core.dataset.rounds import RunFiles, find_common_refusal
from datagen_core.errors import CostCapError, ProviderError
from datagen_core.files import Artifact
from datagen_core.pricing import cost
from flows.parameters import Run
from flows.passage import fetch_answers
from tasks.caching import run_stage
from tasks.dataset import merge, preprocess
from tasks.generate import generate, generate_again


class Rounds(NamedTuple):
    """What the rounds gave; `stopped_by` says what ended them before nothing was missing, if anything did."""

    files: RunFiles
    stopped_by: str | None = None


def make_dialogues(run: Run) -> Rounds:
    """Generate the requests and go through the rounds."""
    purse = Purse(
        prices=run.prices,
        model=run.options.model,
        is_billed=run.choice.provider == "openai",
        max_cost=run.parameters.max_cost,
    )
    purse.require_price()
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
    return run_rounds(run, generated, purse)


def run_rounds(run: Run, generated: GeneratedFiles, purse: Purse) -> Rounds:
    """Ask, and ask again for what failed or was rejected, until nothing is missing or the rounds are used up.

    A round that the cap on costs does not allow ends them too, if none of it was submitted.
    """
    requests, results, judged = generated.requests, list[Artifact](), list[JudgedFiles]()
    number, stopped_by = 1, None
    while True:
        try:
            results.append(fetch_answers(run, requests, number, purse))
        except CostCapError as error:
            if number == 1 or error.n_submitted:
                raise
            stopped_by = str(error)
            break
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
                prices=run.prices,
            )
        )
        _require_some_sense(judged)
        purse = _settle(purse, judged)
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
    files = run_stage(merge, run.storage, generated.scenarios, results, judged, folder=run.folder, prices=run.prices)
    return Rounds(files, stopped_by)


def _require_some_sense(judged: list[JudgedFiles]) -> None:
    """Return unless the provider has refused every request for good: the next round's would be refused as well.

    Raises:
        ProviderError: it has; says with what code and words.
    """
    if any(one.dataset.rows for one in judged):
        return
    refusal = find_common_refusal(Path(judged[-1].rejected.path))
    if refusal is not None:
        raise ProviderError(
            f"{refusal} Nothing more is asked for. Correct what is named, then run again with another --output-dir."
        )


def _settle(purse: Purse, judged: list[JudgedFiles]) -> Purse:
    """Return the purse with what the rounds' answers cost, and how long they were on average."""
    funnels = [read_funnel(Path(one.funnel.path)) for one in judged]
    spent = sum((_price(funnel, purse) for funnel in funnels), Decimal(0))
    return purse.after(spent, funnels[-1].mean_output)


def _price(funnel: Funnel, purse: Purse) -> Decimal:
    """Return what a round cost; where an answer's own model has no price, all tokens cost what the asked one's do."""
    if funnel.cost is not None and funnel.cost.total is not None:
        return funnel.cost.total
    price = purse.prices.find(purse.model)
    return Decimal(0) if price is None else cost(price.at_dearest(), funnel.tokens.prompt, funnel.tokens.completion)
