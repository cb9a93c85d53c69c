"""Decides a run with everything settled: its folder, seed, provider, limits and prices."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from datagen_core.batch.dripping import QueueLimits
from datagen_core.batch.poll import read_window
from datagen_core.batch.profiles import PROFILES, ProviderProfile, find_profile
from datagen_core.batch.requests import MAX_OUTPUT_TOKENS, RequestOptions
from datagen_core.batch.sharding import ShardLimits
from datagen_core.dataset.reading_rows import find_datasets
from datagen_core.mixing import Sampling
from datagen_core.pricing import PriceBook
from datagen_core.providers import POLL_SECONDS, STATE_NAMES, ProviderChoice, find_mistakes
from datagen_core.scenarios import Profile
from datagen_core.settings import Provider, Settings, TaskRunnerName
from datagen_core.storage import check_location, fetch, is_remote, join_location, mirror_path
from flows.occasion import Occasion, fill_output_dir
from flows.parameters import GoldParameters, TrainingParameters
from flows.prices import settle_prices


class Run(BaseModel):
    """A run with everything settled that its parameters left open.

    `location` is its folder, a path or a URL; `folder` is where it stands on this machine: the same, or its mirror.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: Profile
    seed: int
    location: str
    folder: Path
    choice: ProviderChoice
    options: RequestOptions
    poll_interval: float
    limits: QueueLimits
    profile_knobs: ProviderProfile
    prices: PriceBook
    task_runner: TaskRunnerName
    max_workers: int
    parameters: TrainingParameters | GoldParameters

    @property
    def name(self) -> str:
        """The last part of its folder's name."""
        return self.folder.name

    @property
    def facts(self) -> dict[str, str | int | float | None]:
        """What decides the run's requests and answers: a folder holds one such run."""
        is_simulated, limit = self.choice.provider == "simulator", self.options.max_output_tokens
        return {
            "flow": self.profile,
            "count": self.parameters.count,
            "seed": self.seed,
            "provider": self.choice.provider,
            "model": self.options.model,
            "endpoint": self.options.endpoint,
            "mistakes": self.choice.mistakes if is_simulated else None,
            "sampling": self.sampling.suffix or None,
            "max_output_tokens": None if limit == MAX_OUTPUT_TOKENS else limit,
            "writer": None if self.parameters.writer == "script" else self.parameters.writer,
            # None where there is nothing, as in folders of runs that knew no such parameter.
            "published": ", ".join(self.published) or None,
            "gold_path": self.gold,
        }

    @property
    def sampling(self) -> Sampling:
        """How the scenarios are drawn; the benchmark has its own way."""
        if not isinstance(self.parameters, TrainingParameters):
            return Sampling(writer=self.parameters.writer)
        parameters = self.parameters
        return Sampling(mix=parameters.mix, parallel_calls=parameters.parallel_calls, writer=parameters.writer)

    @property
    def published(self) -> tuple[str, ...]:
        """The datasets, by URL or absolute path, of which the run repeats nothing."""
        return tuple(_make_absolute(location) for location in self.parameters.published)

    @property
    def gold(self) -> str | None:
        """The benchmark, by URL or absolute path, that training must not overlap with."""
        location = self.parameters.gold_path if isinstance(self.parameters, TrainingParameters) else None
        return None if location is None else _make_absolute(location)

    @property
    def shard_limits(self) -> ShardLimits:
        """How large a request file may be: the provider's limits, the queue's, and what the user wants."""
        knobs, wanted = self.profile_knobs, self.parameters.shard_size
        return ShardLimits(
            max_requests=knobs.max_requests if wanted is None else min(wanted, knobs.max_requests),
            max_bytes=knobs.max_bytes,
            max_tokens=self.limits.max_enqueued_tokens,
        )

    @property
    def window_seconds(self) -> float:
        """How long the provider may take over a batch."""
        return read_window(self.profile_knobs.completion_window)

    @property
    def results(self) -> str:
        """Where Prefect keeps this run's results."""
        return join_location(self.location, ".results")

    @property
    def ledger(self) -> Path:
        """What was submitted, for all rounds."""
        return self.folder / "ledger.jsonl"

    def place(self, *names: str | int) -> str:
        """Return the location of something in the run's folder."""
        return join_location(self.location, *map(str, names))

    def round_place(self, round_number: int) -> str:
        """Return the location of a round's files."""
        return self.place("rounds", round_number)

    def has_round(self, round_number: int) -> bool:
        """Tell whether a round belongs to the run: within the limit, or answered already and paid for."""
        return (
            round_number <= self.parameters.max_rounds
            or fetch(join_location(self.round_place(round_number), "result_lst.json")).exists()
        )


def settle(
    profile: Profile, parameters: TrainingParameters | GoldParameters, settings: Settings, occasion: Occasion
) -> Run:
    """Fill what the parameters leave open from the settings and the occasion; the run's folder becomes absolute.

    Raises:
        MissingKeyError: the provider needs a key and none is set; said before anything is written or paid for.
        ConfigError: a push is wanted and there is no token, or the folder's name cannot be filled in.
        InputFileError: a dataset to compare with is not there.
        StorageError: a location cannot be reached.
    """
    provider = parameters.provider or settings.resolved_provider
    if provider == "openai":
        settings.require_openai_key()
    if parameters.repo_id is not None:
        settings.require_hf_token()
    gold = parameters.gold_path if isinstance(parameters, TrainingParameters) else None
    for dataset in (*parameters.published, *([] if gold is None else [gold])):
        find_datasets(fetch(dataset))
    seed = occasion.choose_seed(parameters.seed)
    template = parameters.output_dir or str(settings.output_dir / profile)
    location = _make_absolute(
        fill_output_dir(template, occasion, flow=profile, count=parameters.count, seed=seed, zone=settings.timezone)
    )
    folder = mirror_path(location)
    knobs = find_profile(settings) if provider == "openai" else PROFILES["openai"]
    return Run(
        profile=profile,
        seed=seed,
        location=location,
        folder=folder,
        choice=_choose(provider, folder, parameters.mistakes, settings),
        options=RequestOptions(
            model=parameters.model or settings.model,
            endpoint=parameters.endpoint,
            max_output_tokens=parameters.max_output_tokens,
            url_prefix=knobs.find_prefix(parameters.endpoint),
        ),
        poll_interval=parameters.poll_interval or POLL_SECONDS[provider],
        limits=QueueLimits(
            max_enqueued_tokens=parameters.max_enqueued_tokens or settings.max_enqueued_tokens,
            max_in_flight=parameters.max_in_flight or settings.max_in_flight,
        ),
        profile_knobs=knobs,
        prices=settle_prices(settings, provider),
        task_runner=parameters.task_runner or settings.task_runner,
        max_workers=parameters.max_workers or settings.max_workers,
        parameters=parameters,
    )


def _choose(provider: Provider, folder: Path, mistakes: float | None, settings: Settings) -> ProviderChoice:
    state_dir = folder / STATE_NAMES[provider]
    return ProviderChoice(
        provider=provider,
        state_dir=str(state_dir),
        base_url=settings.openai_base_url if provider == "openai" else None,
        mistakes=find_mistakes(state_dir) if mistakes is None else mistakes,
        pace_seconds=settings.simulator_pace,
    )


def _make_absolute(location: str) -> str:
    checked = check_location(location)
    return checked if is_remote(checked) else os.path.abspath(checked)  # noqa: PTH100 - not resolved
