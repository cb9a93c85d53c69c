"""Decides which dialogues are asked for: scenarios sampled from a seed, stratified, each with a checkable goal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Final

from pydantic import BaseModel, ConfigDict

from datagen_core.config import (
    CATEGORIES,
    GOLD_CATEGORIES,
    KIND_MIX,
    KINDS,
    NO_CALL_KINDS,
    PERSONAS,
    QUESTION_TOPICS,
    USER_IDS,
    Category,
    GoldCategory,
    Kind,
    Persona,
    Writer,
)
from datagen_core.draft import Draft
from datagen_core.environment import Environment, build_catalogue
from datagen_core.environment.goals import Predicate
from datagen_core.environment.opening import Opening
from datagen_core.errors import ConfigError
from datagen_core.files import Artifact, read_jsonl, validate_model, write_jsonl
from datagen_core.gold_recipes import GOLD_RECIPES
from datagen_core.mixing import BLOCK, DEFAULT_SAMPLING, Sampling, share_out
from datagen_core.plans import Step, part_calls
from datagen_core.recipes import RECIPES, TOPIC_CATEGORIES, WITHOUT_FOOD, Recipe
from datagen_core.reference import Rehearsal, derive_goal
from datagen_core.scenario_ids import Profile, parse_scenario_id, read_seed, render_substitute

GOLD_PER_CATEGORY: Final = 10
CATALOGUE_SEED: Final = 20260214
"""One town for every run, so that a restaurant keeps its name, menu and prices across datasets."""

_TURNS: Final = 1_000
"""How many turns of a recipe's lists a substitute is drawn from: many more than any of the lists has entries."""


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
    writer: Writer = "script"

    @property
    def uid(self) -> str:
        """The customer's user id."""
        return self.opening.user_id

    @property
    def date(self) -> str:
        """The day of the dialogue, `YYYY-MM-DD`."""
        return self.opening.now[:10]


def sample_training(
    count: int, *, seed: int, mix: Mapping[Kind, float] = KIND_MIX, parallel_calls: bool = False
) -> Iterator[Scenario]:
    """Yield the first `count` training scenarios of a seed; a smaller count is a prefix of a larger one.

    With `parallel_calls`, scenarios whose steps allow it ask for several calls in one turn.
    """
    shares = share_out(mix)
    suffix = Sampling(mix=dict(mix), parallel_calls=parallel_calls).suffix
    for index in range(count):
        scenario = _sample_training_one(seed, index, shares)
        changes = {"id": scenario.id + suffix, "parallel_calls": parallel_calls and _allows_parallel(scenario)}
        yield scenario.model_copy(update=changes) if suffix else scenario


def sample_gold(per_category: int = GOLD_PER_CATEGORY, *, seed: int) -> Iterator[Scenario]:
    """Yield `per_category` scenarios of each gold category, category by category in turn."""
    for index in range(per_category * len(GOLD_CATEGORIES)):
        yield _sample_gold_one(seed, index)


def sample_scenarios(
    profile: Profile,
    count: int,
    *,
    seed: int,
    sampling: Sampling = DEFAULT_SAMPLING,
) -> Iterator[Scenario]:
    """Yield `count` scenarios; for gold `count` is per category, and of `sampling` only the writer counts."""
    if profile == "gold":
        drawn = sample_gold(count, seed=seed)
    else:
        drawn = sample_training(count, seed=seed, mix=sampling.mix, parallel_calls=sampling.parallel_calls)
    return drawn if sampling.writer == "script" else map(ask_for_transcript, drawn)


def ask_for_transcript(scenario: Scenario) -> Scenario:
    """Return the scenario, to be written as a transcript: its id says so."""
    return scenario.model_copy(update={"id": f"{scenario.id}-t", "writer": "transcript", "parallel_calls": False})


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
    told = parse_scenario_id(scenario_id)
    if told is None or not told.is_default_sampling:
        return None
    if told.profile == "training":
        found = _sample_training_one(told.seed, told.place, share_out(KIND_MIX))
    else:
        found = _sample_gold_one(told.seed, told.place)
    wanted = ask_for_transcript(found) if told.is_transcript else found
    return substitute_scenario(wanted, told.substitute) if told.substitute else wanted


def substitute_scenario(base: Scenario, number: int) -> Scenario:
    """Return the `number`-th scenario (from 1) that stands in for one whose request a provider will never answer.

    Kind, category, topic, persona and writer stay, so that the dataset is what was asked for; the world, the hour and
    what is wanted in them are drawn anew, from the id and the number alone. `base` may be a substitute itself.

    Raises:
        ConfigError: no recipe is known for the scenario's topic: the scenario is none of ours.
    """
    scenario_id = render_substitute(base.id, number)
    rng = _random("substitutes", scenario_id, number)
    recipe, turn = _choose_recipe(base, rng), rng.randrange(_TURNS)
    seed = read_seed(base.id) or 0
    drawn = _build(scenario_id, rng, seed, base.kind, base.topic, recipe, turn, base.persona, base.category)
    return drawn.model_copy(update={"parallel_calls": base.parallel_calls, "writer": base.writer})


def _choose_recipe(base: Scenario, rng: Random) -> Recipe:
    if base.category is None:
        recipes = [RECIPES[base.topic]] if base.topic in RECIPES else []
    else:
        choices = GOLD_RECIPES[base.category]
        recipes = [recipe for topic, kind, recipe in choices if (topic, kind) == (base.topic, base.kind)]
    if not recipes:
        raise ConfigError(
            f"Scenario {base.id!r}: no recipe draws the topic {base.topic!r} for its kind and category, so nothing can "
            f"stand in for it. Write the scenarios again with 'datagen generate-batch'."
        )
    return rng.choice(recipes)


def _sample_training_one(seed: int, index: int, shares: tuple[tuple[Kind, int], ...]) -> Scenario:
    block, place = divmod(index, BLOCK)
    order = _kinds_of_block(seed, block, shares)
    kind = order[place]
    number = block * dict(shares)[kind] + order[:place].count(kind)
    topics = _topics_of_kind(seed, kind)
    topic = topics[number % len(topics)]
    persona = _draw_persona(seed, kind, number)
    rng, turn = _random("training", seed, index), number // len(topics)
    return _build(f"training-{seed}-{index:06d}", rng, seed, kind, topic, RECIPES[topic], turn, persona, None)


def _allows_parallel(scenario: Scenario) -> bool:
    """Tell whether a flawless counsellor may, after some line, make two calls at once."""
    rehearsal = Rehearsal(Environment(scenario.opening, build_catalogue(CATALOGUE_SEED)))
    tools: list[str] = []
    for step in scenario.steps:
        if not step.together:
            tools = []
        calls = rehearsal.plan(step)
        for call in calls:
            rehearsal.execute(call)
        tools = [call.tool for call in calls] if step.withhold is not None else [*tools, *(c.tool for c in calls)]
        if any(len(part) > 1 for part in part_calls(tools)):
            return True
    return False


def _sample_gold_one(seed: int, index: int) -> Scenario:
    number, place = divmod(index, len(GOLD_CATEGORIES))
    category = GOLD_CATEGORIES[place]
    recipes = GOLD_RECIPES[category]
    topic, kind, recipe = recipes[number % len(recipes)]
    persona = _draw_persona(seed, category, number)
    rng, turn = _random("gold", seed, index), number // len(recipes)
    return _build(f"gold-{seed}-{index:06d}", rng, seed, kind, topic, recipe, turn, persona, category)


def _draw_persona(seed: int, group: Kind | GoldCategory, number: int) -> Persona:
    """Return the persona of the `number`-th scenario of a kind or category: each comes up once in every twenty.

    Shuffled anew each time, so that no topic is told by the same few customers; typos are what the edge cases are for.
    """
    cycle, place = divmod(number, len(PERSONAS))
    order = list(PERSONAS)
    _random(f"personas-{group}", seed, cycle).shuffle(order)
    if group == "엣지 케이스":
        order.sort(key=lambda persona: persona.typing != "오타")
    return order[place]


def _build(
    scenario_id: str,
    rng: Random,
    seed: int,
    kind: Kind,
    topic: str,
    recipe: Recipe,
    number: int,
    persona: Persona,
    category: GoldCategory | None,
) -> Scenario:
    food = _choose_category(seed, kind, topic, number)
    draft = Draft(rng, build_catalogue(CATALOGUE_SEED), persona, food, is_about_food=topic not in WITHOUT_FOOD)
    recipe(draft, kind, number)
    opening = draft.build_opening(
        catalogue_seed=CATALOGUE_SEED, seed=rng.randrange(1 << 32), user_id=USER_IDS[rng.randrange(len(USER_IDS))]
    )
    steps = tuple(draft.steps)
    derived = derive_goal(opening, steps, no_calls=kind in NO_CALL_KINDS, only_search=category == "단순/연속 검색")
    lines = sum(not step.together for step in steps) + sum(step.withhold is not None for step in steps)
    return Scenario(
        id=scenario_id,
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


def _choose_category(seed: int, kind: Kind, topic: str, number: int) -> Category:
    """Go through the categories of food from topic to topic, so that neighbours in the list of topics show them all."""
    categories = TOPIC_CATEGORIES.get(topic, CATEGORIES)
    shift = _random("categories", seed, 0).randrange(len(CATEGORIES))
    place = _PLACE_OF_TOPIC[topic] + 3 * number + 5 * KINDS.index(kind) + shift
    return categories[place % len(categories)]


_PLACE_OF_TOPIC: Final = {topic.key: place for place, topic in enumerate(QUESTION_TOPICS)}


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


def _random(purpose: str, seed: int | str, number: int) -> Random:
    digest = hashlib.blake2b(f"{purpose}/{seed}/{number}".encode(), digest_size=16).digest()
    return Random(int.from_bytes(digest, "big"))
