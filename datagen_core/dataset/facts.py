"""Decides what a run tells of itself: the card's facts, gathered from the dataset and the funnel."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import cast

from datagen_core.dataset.card import CardFacts
from datagen_core.dataset.funnel import read_funnel
from datagen_core.errors import InputFileError
from datagen_core.files import JsonObject, read_jsonl
from datagen_core.scenarios import read_seed


def gather_card_facts(dataset: Path, funnel: Path | None, *, title: str, seed: int | None = None) -> CardFacts:
    """Read a dataset once and return what its card says; `funnel` may be missing for a dataset made elsewhere.

    The records' scenario ids tell the seed, the first that does; `seed` is taken where none does.

    Raises:
        InputFileError: a file is missing or damaged, or no record tells the seed and none is given.
    """
    kinds, categories = Counter[str](), Counter[str]()
    models, providers = Counter[str](), Counter[str]()
    versions: dict[str, str | int] = {}
    n_rows, n_simulated = 0, 0
    told: int | None = None
    for _, row in read_jsonl(dataset, advice="Write it with 'datagen preprocess'."):
        meta = cast("JsonObject", row.get("meta") or {})
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
    )
