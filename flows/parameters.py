"""Decides what a run can be told: one validated model a flow, a form in the Prefect UI. It holds no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from datagen_core.batch.dripping import QueueLimits
from datagen_core.batch.poll import read_window
from datagen_core.batch.profiles import PROFILES, ProviderProfile, find_profile
from datagen_core.batch.requests import MAX_OUTPUT_TOKENS, Endpoint, RequestOptions
from datagen_core.batch.sharding import ShardLimits
from datagen_core.config import GOLD_CATEGORIES, KIND_MIX, Kind, Writer
from datagen_core.dataset.reading_rows import find_datasets
from datagen_core.dialogue.qwen import QwenTemplate
from datagen_core.mixing import Sampling, check_mix
from datagen_core.pricing import PriceBook
from datagen_core.providers import POLL_SECONDS, STATE_NAMES, ProviderChoice, find_mistakes
from datagen_core.scenarios import GOLD_PER_CATEGORY, Profile
from datagen_core.settings import Provider, Settings
from flows.prices import settle_prices

MAX_COUNT: Final = 1_000_000


class RunParameters(BaseModel):
    """What both flows take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=42, ge=0, le=2**31, description="Same seed and count, same requests.")
    provider: Provider | None = Field(
        default=None, description="Unset: DATAGEN_PROVIDER; else openai where OPENAI_API_KEY is set, else simulator."
    )
    model: str | None = Field(default=None, min_length=1, description="Unset: DATAGEN_MODEL.")
    endpoint: Endpoint = Field(default="/v1/chat/completions", description="The form of each request.")
    poll_interval: float | None = Field(
        default=None, gt=0, le=3600, description="Seconds between two looks. Unset: 60, simulator 1, local 2."
    )
    writer: Writer = Field(
        default="script", description="A script that the backend performs, or a transcript with invented responses."
    )
    max_rounds: int = Field(default=8, ge=1, le=20, description="How often what is missing is asked for.")
    max_cost: float | None = Field(
        default=None, gt=0, description="US dollars that the run may cost at most, over all rounds. Unset: no cap."
    )
    max_output_tokens: int = Field(
        default=MAX_OUTPUT_TOKENS,
        ge=256,
        le=128_000,
        description="Tokens one answer may have, reasoning included.",
    )
    max_enqueued_tokens: int | None = Field(
        default=None, ge=1, description="Prompt tokens queued at the provider at once. Unset: all that there are."
    )
    max_in_flight: int | None = Field(
        default=None, ge=1, le=2000, description="Batches queued at the provider at once. Unset: all that there are."
    )
    output_dir: Path | None = Field(default=None, description="The run's folder. Unset: output/training, output/gold.")
    template: QwenTemplate = Field(default="qwen2.5", description="Chat template of the text samples.")
    repo_id: str | None = Field(
        default=None, pattern=r"^[^/\s]+/[^/\s]+$", description="OWNER/NAME on the Hub. Unset: nothing is pushed."
    )
    public: bool = Field(default=False, description="Push to a public repository.")
    published: tuple[Path, ...] = Field(
        default=(), description="Datasets (files or folders) of which no dialogue may be a near duplicate (U01, U02)."
    )
    mistakes: float | None = Field(
        default=None, ge=0, le=1, description="Share of mistakes the embedded simulator plants. Unset: 0.15."
    )


class TrainingParameters(RunParameters):
    """The training flow's parameters."""

    count: int = Field(default=400, ge=1, le=MAX_COUNT, description="How many dialogues to end with.")
    mix: dict[Kind, float] = Field(
        default_factory=lambda: dict(KIND_MIX),
        description="Shares of the kinds; those not named get none, and the sum may be any.",
    )
    parallel_calls: bool = Field(
        default=False, description="Ask for several calls in one turn where the steps allow it."
    )
    gold_path: Path | None = Field(
        default=None, description="The benchmark (file or folder) that no dialogue may overlap with (U03)."
    )

    @field_validator("mix")
    @classmethod
    def _share_out(cls, mix: dict[Kind, float]) -> dict[Kind, float]:
        problem = check_mix(mix)
        if problem is not None:
            raise ValueError(problem)
        return mix


class GoldParameters(RunParameters):
    """The gold flow's parameters."""

    count: int = Field(
        default=GOLD_PER_CATEGORY,
        ge=1,
        le=MAX_COUNT // len(GOLD_CATEGORIES),
        description="How many dialogues of each of the eight categories to end with.",
    )


class Run(BaseModel):
    """A run with everything settled that its parameters left open."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: Profile
    folder: Path
    choice: ProviderChoice
    options: RequestOptions
    poll_interval: float
    limits: QueueLimits
    profile_knobs: ProviderProfile
    prices: PriceBook
    parameters: TrainingParameters | GoldParameters

    @property
    def facts(self) -> dict[str, str | int | float | None]:
        """What decides the run's requests and answers: a folder holds one such run."""
        is_simulated, limit = self.choice.provider == "simulator", self.options.max_output_tokens
        return {
            "flow": self.profile,
            "count": self.parameters.count,
            "seed": self.parameters.seed,
            "provider": self.choice.provider,
            "model": self.options.model,
            "endpoint": self.options.endpoint,
            "mistakes": self.choice.mistakes if is_simulated else None,
            "sampling": self.sampling.suffix or None,
            "max_output_tokens": None if limit == MAX_OUTPUT_TOKENS else limit,
            "writer": None if self.parameters.writer == "script" else self.parameters.writer,
            # None where there is nothing, as in folders of runs that knew no such parameter.
            "published": ", ".join(map(str, self.published)) or None,
            "gold_path": None if self.gold is None else str(self.gold),
        }

    @property
    def sampling(self) -> Sampling:
        """How the scenarios are drawn; the benchmark has its own way."""
        if not isinstance(self.parameters, TrainingParameters):
            return Sampling(writer=self.parameters.writer)
        parameters = self.parameters
        return Sampling(mix=parameters.mix, parallel_calls=parameters.parallel_calls, writer=parameters.writer)

    @property
    def published(self) -> tuple[Path, ...]:
        """The datasets, by absolute path, of which the run repeats nothing."""
        return tuple(path.absolute() for path in self.parameters.published)

    @property
    def gold(self) -> Path | None:
        """The benchmark, by absolute path, that training must not overlap with."""
        path = self.parameters.gold_path if isinstance(self.parameters, TrainingParameters) else None
        return None if path is None else path.absolute()

    @property
    def shard_limits(self) -> ShardLimits:
        """How large a request file may be: the provider's limits, and the queue's."""
        knobs = self.profile_knobs
        return ShardLimits(
            max_requests=knobs.max_requests, max_bytes=knobs.max_bytes, max_tokens=self.limits.max_enqueued_tokens
        )

    @property
    def window_seconds(self) -> float:
        """How long the provider may take over a batch."""
        return read_window(self.profile_knobs.completion_window)

    @property
    def storage(self) -> Path:
        """Where Prefect keeps this run's results."""
        return self.folder / ".results"

    @property
    def ledger(self) -> Path:
        """What was submitted, for all rounds."""
        return self.folder / "ledger.jsonl"

    def has_round(self, round_number: int) -> bool:
        """Tell whether a round belongs to the run: within the limit, or answered already and paid for."""
        is_answered = (self.round_folder(round_number) / "result_lst.json").exists()
        return round_number <= self.parameters.max_rounds or is_answered

    def round_folder(self, round_number: int) -> Path:
        """Return the folder of a round's files."""
        return self.folder / "rounds" / f"{round_number}"


def settle(profile: Profile, parameters: TrainingParameters | GoldParameters, settings: Settings) -> Run:
    """Fill what the parameters leave open from the settings; the run's folder becomes absolute.

    Raises:
        MissingKeyError: the provider needs a key and none is set; said before anything is written or paid for.
        ConfigError: a push is wanted and there is no token.
        InputFileError: a dataset to compare with is not there.
    """
    provider = parameters.provider or settings.resolved_provider
    if provider == "openai":
        settings.require_openai_key()
    if parameters.repo_id is not None:
        settings.require_hf_token()
    gold = parameters.gold_path if isinstance(parameters, TrainingParameters) else None
    for dataset in (*parameters.published, *([] if gold is None else [gold])):
        find_datasets(dataset)
    folder = (parameters.output_dir or settings.output_dir / profile).absolute()
    state_dir = folder / STATE_NAMES[provider]
    knobs = find_profile(settings) if provider == "openai" else PROFILES["openai"]
    return Run(
        profile=profile,
        folder=folder,
        choice=ProviderChoice(
            provider=provider,
            state_dir=str(state_dir),
            base_url=settings.openai_base_url if provider == "openai" else None,
            mistakes=find_mistakes(state_dir) if parameters.mistakes is None else parameters.mistakes,
            pace_seconds=settings.simulator_pace,
        ),
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
        parameters=parameters,
    )
