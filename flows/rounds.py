"""Decides how a run goes on until it has what was asked for: submit, poll, retrieve, preprocess, join, and again."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from datagen_core.batch.purse import Purse
from datagen_core.dataset.claim import CLAIM_NAME, claim_folder
from datagen_core.dataset.funnel import Funnel, read_funnel
from datagen_core.dataset.judging import JudgedFiles
from datagen_core.dataset.reviewing import Reviewed
from datagen_core.dataset.rounds import RunFiles, find_common_refusal
from datagen_core.errors import CostCapError, ProviderError
from datagen_core.files import Artifact
from datagen_core.pricing import cost
from datagen_core.report import LinkedBatch
from datagen_core.storage import fetch, localize, publishing
from flows.opening import Workplace
from flows.passage import fetch_answers
from flows.run import Run
from tasks.caching import run_stage
from tasks.dataset import join, merge
from tasks.generate import generate, generate_again


class Rounds(NamedTuple):
    """What the rounds gave: each one's answers and verdicts.

    `stopped_by` says what ended them before nothing was missing, if anything did.
    """

    scenarios: Artifact
    results: tuple[Artifact, ...]
    judged: tuple[JudgedFiles, ...]
    batches: tuple[LinkedBatch, ...]
    stopped_by: str | None = None


def make_dialogues(run: Run, work: Workplace) -> Rounds:
    """Generate the requests and go through the rounds; `work` says where shards are judged."""
    open_purse(run).require_price()
    fetch(run.place(CLAIM_NAME))
    with publishing(run.location) as folder:
        claim_folder(folder, run.facts, ledger=run.ledger)
    generated = run_stage(
        generate,
        run.results,
        work.here,
        run.profile,
        run.parameters.count,
        run.seed,
        run.sampling,
        run.options,
        folder=run.location,
    )
    return _go_through(run, generated.scenarios, generated.requests, work)


def replace_rejected(run: Run, rounds: Rounds, reviewed: Reviewed, work: Workplace) -> Rounds:
    """Ask, in further rounds, for substitutes of the dialogues that a person rejected."""
    number = len(rounds.judged) + 1
    requests = run_stage(
        generate_again,
        run.results,
        work.here,
        reviewed.requests_from,
        run.profile,
        run.options,
        number,
        folder=run.round_place(number),
    )
    return _go_through(run, rounds.scenarios, requests, work, rounds.results, reviewed.judged, rounds.batches)


def merge_rounds(run: Run, rounds: Rounds, work: Workplace) -> RunFiles:
    """Write the run's own files, the rounds' together: those in its folder that people read and that are pushed."""
    results, judged = list(rounds.results), list(rounds.judged)
    return run_stage(
        merge, run.results, work.here, rounds.scenarios, results, judged, folder=run.location, prices=run.prices
    )


def open_purse(run: Run) -> Purse:
    """Return what the run may spend, before anything was."""
    return Purse(
        prices=run.prices,
        model=run.options.model,
        is_billed=run.choice.provider == "openai",
        max_cost=run.parameters.max_cost,
    )


def _go_through(
    run: Run,
    scenarios: Artifact,
    requests: Artifact,
    work: Workplace,
    results: Sequence[Artifact] = (),
    judged: Sequence[JudgedFiles] = (),
    batches: Sequence[LinkedBatch] = (),
) -> Rounds:
    """Ask, and ask again for what failed or was rejected, until nothing is missing or the rounds are used up.

    A round that the cap on costs does not allow ends them too, if none of it was submitted.
    """
    results, judged, batches, stopped_by = list(results), list(judged), list(batches), None
    while True:
        number = len(judged) + 1
        purse = _settle(open_purse(run), judged) if judged else open_purse(run)
        try:
            answers = fetch_answers(run, requests, scenarios, number, purse, work)
        except CostCapError as error:
            if number == 1 or error.n_submitted:
                raise
            stopped_by = str(error)
            break
        joined = run_stage(
            join,
            run.results,
            work.here,
            scenarios,
            answers.results,
            answers.judged,
            provider=run.choice.provider,
            round_number=number,
            folder=run.round_place(number),
            earlier=[one.dataset for one in judged],
            published=run.published,
            gold=run.gold,
            prices=run.prices,
        )
        results.append(joined.results)
        judged.append(joined.judged)
        batches += [LinkedBatch(number, shard, batch_id) for shard, batch_id in enumerate(answers.batch_ids, start=1)]
        _require_some_sense(judged)
        if joined.judged.rejected.rows == 0 or not run.has_round(number + 1):
            break
        requests = run_stage(
            generate_again,
            run.results,
            work.here,
            joined.judged.rejected,
            run.profile,
            run.options,
            number + 1,
            folder=run.round_place(number + 1),
        )
    return Rounds(scenarios, tuple(results), tuple(judged), tuple(batches), stopped_by)


def _require_some_sense(judged: Sequence[JudgedFiles]) -> None:
    """Return unless the provider has refused every request for good: the next round's would be refused as well.

    Raises:
        ProviderError: it has; says with what code and words.
    """
    if any(one.dataset.rows for one in judged):
        return
    refusal = find_common_refusal(Path(localize(judged[-1].rejected).path))
    if refusal is not None:
        raise ProviderError(
            f"{refusal} Nothing more is asked for. Correct what is named, then run again with another --output-dir."
        )


def _settle(purse: Purse, judged: Sequence[JudgedFiles]) -> Purse:
    """Return the purse with what the rounds' answers cost, and how long they were on average."""
    funnels = [read_funnel(Path(localize(one.funnel).path)) for one in judged]
    spent = sum((_price(funnel, purse) for funnel in funnels), Decimal(0))
    return purse.after(spent, funnels[-1].mean_output)


def _price(funnel: Funnel, purse: Purse) -> Decimal:
    """Return what a round cost; where an answer's own model has no price, all tokens cost what the asked one's do."""
    if funnel.cost is not None and funnel.cost.total is not None:
        return funnel.cost.total
    price = purse.prices.find(purse.model)
    return Decimal(0) if price is None else cost(price.at_dearest(), funnel.tokens.prompt, funnel.tokens.completion)
