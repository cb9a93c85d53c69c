"""Decides which dialogues are asked for: scenarios sampled from a seed, stratified, each with a checkable goal."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from datagen_core.config import (
    GOLD_CATEGORIES,
    KIND_MIX,
    KINDS,
    NO_CALL_KINDS,
    PERSONAS,
    QUESTION_TOPICS,
    USER_IDS,
    GoldCategory,
    Kind,
    Persona,
)
from datagen_core.draft import Draft
from datagen_core.environment import build_catalogue
from datagen_core.environment.goals import Predicate
from datagen_core.environment.opening import Opening
from datagen_core.errors import ConfigError
from datagen_core.files import Artifact, read_jsonl, validate_model, write_jsonl
from datagen_core.gold_recipes import GOLD_RECIPES
from datagen_core.plans import Step
from datagen_core.recipes import RECIPES, Recipe
from datagen_core.reference import derive_goal

Profile = Literal["training", "gold"]

BLOCK: Final = 100
"""Within each block of this many training scenarios the kinds stand in exactly the mix's shares."""

GOLD_PER_CATEGORY: Final = 10
CATALOGUE_SEED: Final = 20260214
"""One town for every run, so that a restaurant keeps its name, menu and prices across datasets."""

_SCENARIO_ID: Final = re.compile(r"(training|gold)-(0|[1-9][0-9]{0,9})-([0-9]{6}|[1-9][0-9]{6,8})")
"""Matched whole, and exactly as `_build` writes it; a seed has at most ten digits, as 2**31 has."""


class Scenario(BaseModel):
    """Everything that decides a dialogue before the LLM is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: Kind
    category: GoldCategory | None = None
    topic: str
    persona: Persona
    opening: Opening
    steps: tuple[Step, ...]
    goal: tuple[Predicate, ...]
    forbidden_tools: tuple[str, ...] = ()
    min_customer_turns: int
    max_customer_turns: int
    parallel_calls: bool = False

    @property
    def uid(self) -> str:
        """The customer's user id."""
        return self.opening.user_id

    @property
    def date(self) -> str:
        """The day of the dialogue, `YYYY-MM-DD`."""
        return self.opening.now[:10]


def sample_training(count: int, *, seed: int, mix: Mapping[Kind, float] = KIND_MIX) -> Iterator[Scenario]:
    """Yield the first `count` training scenarios of a seed; a smaller count is a prefix of a larger one."""
    shares = _share_out(mix)
    for index in range(count):
        yield _sample_training_one(seed, index, shares)


def sample_gold(per_category: int = GOLD_PER_CATEGORY, *, seed: int) -> Iterator[Scenario]:
    """Yield `per_category` scenarios of each gold category, category by category in turn."""
    for index in range(per_category * len(GOLD_CATEGORIES)):
        yield _sample_gold_one(seed, index)


def sample_scenarios(profile: Profile, count: int, *, seed: int) -> Iterator[Scenario]:
    """Yield `count` scenarios; for gold `count` is per category."""
    return sample_training(count, seed=seed) if profile == "training" else sample_gold(count, seed=seed)


def write_scenarios(path: Path, scenarios: Iterable[Scenario]) -> Artifact:
    """Write one scenario a line."""
    return write_jsonl(path, (scenario.model_dump(mode="json") for scenario in scenarios))


def read_scenarios(path: Path) -> Iterator[Scenario]:
    """Yield the scenarios of a file.

    Raises:
        InputFileError: the file is missing or a line is no scenario; names line and field.
    """
    advice = "Write it again with 'datagen generate-batch' (or generate-gold-batch), same count and seed."
    for number, row in read_jsonl(path, advice=advice):
        yield validate_model(Scenario, row, path, line=number, advice=advice)


def resample_scenario(scenario_id: str) -> Scenario | None:
    """Return the scenario that an id of the default mix stands for; None where the id is not one of ours.

    Lets answers be judged where the scenario file is lost. A gold id does not depend on how many a category has.
    """
    match = _SCENARIO_ID.fullmatch(scenario_id)
    if match is None:
        return None
    seed, index = int(match[2]), int(match[3])
    if match[1] == "training":
        return _sample_training_one(seed, index, _share_out(KIND_MIX))
    return _sample_gold_one(seed, index)


def read_seed(scenario_id: str) -> int | None:
    """Return the seed that an id names; None where the id is not one of ours."""
    match = _SCENARIO_ID.fullmatch(scenario_id)
    return int(match[2]) if match else None


def _sample_training_one(seed: int, index: int, shares: tuple[tuple[Kind, int], ...]) -> Scenario:
    block, place = divmod(index, BLOCK)
    order = _kinds_of_block(seed, block, shares)
    kind = order[place]
    number = block * dict(shares)[kind] + order[:place].count(kind)
    topics = _topics_of_kind(seed, kind)
    topic = topics[number % len(topics)]
    persona = _draw_persona(seed, kind, number)
    return _build("training", seed, index, kind, topic, RECIPES[topic], number // len(topics), persona, None)


def _sample_gold_one(seed: int, index: int) -> Scenario:
    number, place = divmod(index, len(GOLD_CATEGORIES))
    category = GOLD_CATEGORIES[place]
    recipes = GOLD_RECIPES[category]
    topic, kind, recipe = recipes[number % len(recipes)]
    persona = _draw_persona(seed, category, number)
    return _build("gold", seed, index, kind, topic, recipe, number // len(recipes), persona, category)


def _draw_persona(seed: int, group: Kind | GoldCategory, number: int) -> Persona:
    """Return the persona of the `number`-th scenario of a kind or category: each comes up once in every twelve.

    Shuffled anew each time, so that no topic is told by the same few customers; typos are what the edge cases are for.
    """
    cycle, place = divmod(number, len(PERSONAS))
    order = list(PERSONAS)
    _random(f"personas-{group}", seed, cycle).shuffle(order)
    if group == "엣지 케이스":
        order.sort(key=lambda persona: persona.typing != "오타")
    return order[place]


def _build(
    profile: Profile,
    seed: int,
    index: int,
    kind: Kind,
    topic: str,
    recipe: Recipe,
    number: int,
    persona: Persona,
    category: GoldCategory | None,
) -> Scenario:
    rng = _random(profile, seed, index)
    draft = Draft(rng, build_catalogue(CATALOGUE_SEED), persona)
    recipe(draft, kind, number)
    opening = draft.build_opening(
        catalogue_seed=CATALOGUE_SEED, seed=rng.randrange(1 << 32), user_id=USER_IDS[rng.randrange(len(USER_IDS))]
    )
    steps = tuple(draft.steps)
    derived = derive_goal(opening, steps, no_calls=kind in NO_CALL_KINDS, only_search=category == "단순/연속 검색")
    lines = sum(not step.together for step in steps) + sum(step.withhold is not None for step in steps)
    return Scenario(
        id=f"{profile}-{seed}-{index:06d}",
        kind=kind,
        category=category,
        topic=topic,
        persona=persona,
        opening=opening,
        steps=steps,
        goal=derived.goal,
        forbidden_tools=derived.forbidden_tools,
        min_customer_turns=1,
        max_customer_turns=lines * 2 + 4,
    )


def _share_out(mix: Mapping[Kind, float]) -> tuple[tuple[Kind, int], ...]:
    """Turn shares into whole numbers of a block by the largest remainder."""
    unknown = [kind for kind in mix if kind not in KINDS]
    total = sum(mix.values())
    if unknown or total <= 0 or min(mix.values()) < 0:
        raise ConfigError(
            f"mix: expected shares >= 0 for kinds out of {', '.join(KINDS)}, got {dict(mix)}. "
            "Correct the names and the shares; they need not add up to 1."
        )
    exact = {kind: mix.get(kind, 0.0) / total * BLOCK for kind in KINDS}
    counts: dict[Kind, int] = {kind: int(exact[kind]) for kind in KINDS}
    by_remainder = sorted(KINDS, key=lambda kind: counts[kind] - exact[kind])
    for kind in by_remainder[: BLOCK - sum(counts.values())]:
        counts[kind] += 1
    return tuple(counts.items())


@lru_cache(maxsize=64)
def _kinds_of_block(seed: int, block: int, shares: tuple[tuple[Kind, int], ...]) -> tuple[Kind, ...]:
    order: list[Kind] = [kind for kind, count in shares for _ in range(count)]
    _random("kinds", seed, block).shuffle(order)
    return tuple(order)


@lru_cache(maxsize=256)
def _topics_of_kind(seed: int, kind: Kind) -> tuple[str, ...]:
    topics = [topic.key for topic in QUESTION_TOPICS if kind in topic.kinds]
    _random(f"topics-{kind}", seed, 0).shuffle(topics)
    return tuple(topics)


def _random(purpose: str, seed: int, number: int) -> Random:
    digest = hashlib.blake2b(f"{purpose}/{seed}/{number}".encode(), digest_size=16).digest()
    return Random(int.from_bytes(digest, "big"))
