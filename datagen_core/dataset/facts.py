"""Decides what a run tells of itself: the card's facts, gathered from the dataset and the funnel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from datagen_core.dataset.card import CardFacts, ReviewFacts
from datagen_core.dataset.funnel import read_funnel
from datagen_core.dataset.reviewing import Review, read_reviews
from datagen_core.errors import InputFileError
from datagen_core.files import JsonObject, read_jsonl
from datagen_core.scenarios import read_seed


def gather_card_facts(
    dataset: Path, funnel: Path | None, *, title: str, seed: int | None = None, reviews: Path | None = None
) -> CardFacts:
    """Read a dataset once and return what its card says; `funnel` may be missing for a dataset made elsewhere.

    So may `reviews`, for a run that nobody looked at. The records' scenario ids tell the seed, the first that does;
    `seed` is taken where none does.

    Raises:
        InputFileError: a file is missing or damaged, a record is there that a review rejected, or no record tells the
            seed and none is given.
    """
    told_reviews = read_reviews(reviews) if reviews is not None and reviews.exists() else ()
    refused = {scenario_id: review.number for review in told_reviews for scenario_id in review.rejected}
    kinds, categories = Counter[str](), Counter[str]()
    models, providers = Counter[str](), Counter[str]()
    versions: dict[str, str | int] = {}
    n_rows, n_simulated = 0, 0
    told: int | None = None
    for line, row in read_jsonl(dataset, advice="Write it with 'datagen preprocess'."):
        meta = cast("JsonObject", row.get("meta") or {})
        _check_is_wanted(dataset, line, str(meta.get("scenario_id")), refused)
        n_rows += 1
        told = read_seed(str(meta.get("scenario_id"))) if told is None else told
        n_simulated += meta.get("simulated") is True
        kinds[str(meta.get("kind"))] += 1
        if meta.get("category") is not None:
            categories[str(meta["category"])] += 1
        models[str(meta.get("model"))] += 1
        providers[str(meta.get("provider"))] += 1
        versions = {str(k): str(v) for k, v in cast("JsonObject", meta.get("versions") or {}).items()}
    known = seed if told is None else told
    if known is None:
        raise InputFileError(
            dataset, "no record tells the seed.", field="meta", advice="Name the seed of the run that made it."
        )
    counted = read_funnel(funnel) if funnel is not None and funnel.exists() else None
    return CardFacts(
        title=title,
        n_rows=n_rows,
        kinds=dict(sorted(kinds.items())),
        categories=dict(sorted(categories.items())),
        provider=", ".join(sorted(providers)) or "none",
        model=", ".join(sorted(models)) or "none",
        simulated=n_simulated > 0,
        versions=versions,
        seed=known,
        funnel={} if counted is None else counted.total.model_dump(),
        cost="" if counted is None or counted.cost is None else counted.cost.describe(),
        reviews=tuple(_describe_review(review) for review in told_reviews),
    )


def _check_is_wanted(dataset: Path, line: int, scenario_id: str, refused: Mapping[str, int]) -> None:
    if scenario_id in refused:
        raise InputFileError(
            dataset,
            f"review {refused[scenario_id]} rejected {scenario_id!r}.",
            line=line,
            field="meta.scenario_id",
            advice="Take the dataset that the run wrote after its last review.",
        )


def _describe_review(review: Review) -> ReviewFacts:
    return ReviewFacts(
        number=review.number,
        reviewer=(review.reviewer or "").strip(),
        reviewed_at=review.reviewed_at,
        approved=review.approved,
        n_rejected=len(review.rejected),
        note=review.note,
    )
