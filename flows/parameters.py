"""Decides what a run can be told: a flow's parameters, in groups, which the Prefect UI shows as a form; no secrets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from datagen_core.batch.requests import MAX_OUTPUT_TOKENS, Endpoint
from datagen_core.config import GOLD_CATEGORIES, KIND_MIX, Kind, Writer
from datagen_core.dialogue.qwen import QwenTemplate
from datagen_core.mixing import check_mix
from datagen_core.scenarios import GOLD_PER_CATEGORY
from datagen_core.settings import Provider, TaskRunnerName

MAX_COUNT: Final = 1_000_000
MAX_GOLD_COUNT: Final = MAX_COUNT // len(GOLD_CATEGORIES)
USUAL_SEED: Final = 42


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, PurePath) else value


Location = Annotated[str, BeforeValidator(_as_text)]
"""A path, or the URL of a file system that fsspec knows, such as `s3://bucket/run`."""

ProviderOrNone = Literal[Provider, None]
"""One closed set, None included: the UI makes a list of it, where it makes a switch of a union with None."""

Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]
GoldCount = Annotated[int, Field(ge=1, le=MAX_GOLD_COUNT)]
Seed = Annotated[int, Field(ge=0, le=2**31)]
ModelName = Annotated[str, Field(min_length=1)]
MaxCost = Annotated[float, Field(gt=0)]
OutputDir = Annotated[Location, Field(min_length=1, pattern=r"^([^{}]|\{\{|\}\}|\{(date|time|flow|count|seed)\})+$")]
RepoId = Annotated[str, Field(pattern=r"^[^/\s]+/[^/\s]+$")]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DialogueParameters(_Group):
    """Which dialogues are asked for."""

    mix: dict[Kind, Annotated[float, Field(ge=0)]] = Field(
        default_factory=lambda: dict(KIND_MIX),
        description="Shares of the kinds, 0 or more; those not named get none, and the sum may be any but 0.",
    )
    parallel_calls: bool = Field(
        default=False, description="Ask for several calls in one turn where the steps allow it."
    )

    @field_validator("mix")
    @classmethod
    def _share_out(cls, mix: dict[Kind, float]) -> dict[Kind, float]:
        problem = check_mix(mix)
        if problem is not None:
            raise ValueError(problem)
        return mix


class RequestParameters(_Group):
    """How the model is asked."""

    writer: Writer = Field(
        default="script", description="A script that the backend performs, or a transcript with invented responses."
    )
    endpoint: Endpoint = Field(default="/v1/chat/completions", description="The form of each request.")
    max_output_tokens: int = Field(
        default=MAX_OUTPUT_TOKENS,
        ge=256,
        le=128_000,
        description="Tokens one answer may have, reasoning included: 256 to 128,000.",
    )
    max_rounds: int = Field(default=8, ge=1, le=20, description="How often what is missing is asked for: 1 to 20.")
    mistakes: float | None = Field(
        default=None, ge=0, le=1, description="Share of mistakes the embedded simulator plants: 0 to 1. Unset: 0.15."
    )


class QueueParameters(_Group):
    """How batches wait at the provider."""

    poll_interval: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="Seconds between the first looks at a batch, above 0, at most 3,600; later ones are further apart, "
        "up to ten minutes. "
        "Unset: 60, simulator 1, local 2.",
    )
    max_enqueued_tokens: int | None = Field(
        default=None,
        ge=1,
        description="Prompt tokens queued at the provider at once, 1 or more. Unset: all that there are.",
    )
    max_in_flight: int | None = Field(
        default=None,
        ge=1,
        le=2000,
        description="Batches queued at the provider at once: 1 to 2,000. Unset: all that there are.",
    )
    shard_size: int | None = Field(
        default=None,
        ge=1,
        le=50_000,
        description="Requests in a batch at most: 1 to 50,000. Unset: as many as the provider takes.",
    )
    cancel_batches: bool = Field(
        default=True, description="Cancel the run's batches at the provider when the run is cancelled in Prefect."
    )


class ComparisonParameters(_Group):
    """Which dialogues none may repeat."""

    published: tuple[Location, ...] = Field(
        default=(), description="Datasets (files or folders) of which no dialogue may be a near duplicate (U01, U02)."
    )


class TrainingComparisonParameters(ComparisonParameters):
    """Which dialogues none may repeat."""

    gold_path: Location | None = Field(
        default=None, description="The benchmark (file or folder) that no dialogue may overlap with (U03)."
    )


class PublicationParameters(_Group):
    """How the dataset is rendered and pushed."""

    template: QwenTemplate = Field(default="qwen2.5", description="Chat template of the text samples.")
    public: bool = Field(default=False, description="Push to a public repository; private otherwise.")


class WorkerParameters(_Group):
    """Where shards are judged."""

    task_runner: Literal[TaskRunnerName, None] = Field(
        default=None,
        description="threads: in the flow's process. dask, ray: on a cluster, its address in DATAGEN_CLUSTER_ADDRESS. "
        "Unset: DATAGEN_TASK_RUNNER, threads.",
    )
    max_workers: int | None = Field(
        default=None, ge=1, le=1000, description="Shards judged at one time: 1 to 1,000. Unset: DATAGEN_MAX_WORKERS, 4."
    )


class ApprovalParameters(_Group):
    """Whether a person looks at the benchmark before it is pushed."""

    require_approval: bool = Field(
        default=False, description="Wait before the push until a person has approved in the Prefect UI."
    )
    approval_hours: float = Field(
        default=72,
        gt=0,
        le=24 * 90,
        description="Hours to wait for the person, above 0, at most 2,160; then the run fails, nothing lost.",
    )


class RunParameters(RequestParameters, QueueParameters, ComparisonParameters, PublicationParameters, WorkerParameters):
    """What both flows take, in one piece; `grouped` gives it as a flow's signature has it."""

    groups: ClassVar[Mapping[str, type[_Group]]] = {}

    seed: Seed | None = None
    provider: ProviderOrNone = None
    model: ModelName | None = None
    max_cost: MaxCost | None = None
    output_dir: OutputDir | None = None
    repo_id: RepoId | None = None

    @classmethod
    def gather(cls, arguments: Mapping[str, object]) -> Self:
        """Return the parameters from a flow's arguments."""
        gathered: dict[str, object] = {}
        for name, value in arguments.items():
            if isinstance(value, _Group):
                gathered |= {field: getattr(value, field) for field in type(value).model_fields}
            else:
                gathered[name] = value
        return cls.model_validate(gathered)

    def grouped(self) -> dict[str, Any]:
        """Return the arguments of the flow, which `gather` takes."""
        grouped = {
            name: group(**{field: getattr(self, field) for field in group.model_fields})
            for name, group in self.groups.items()
        }
        inside = {field for group in self.groups.values() for field in group.model_fields}
        return {name: getattr(self, name) for name in type(self).model_fields if name not in inside} | grouped


class TrainingParameters(RunParameters, DialogueParameters, TrainingComparisonParameters):
    """The training flow's parameters."""

    groups: ClassVar[Mapping[str, type[_Group]]] = {
        "dialogues": DialogueParameters,
        "requests": RequestParameters,
        "queue": QueueParameters,
        "comparison": TrainingComparisonParameters,
        "publication": PublicationParameters,
        "workers": WorkerParameters,
    }

    count: Count = 400


class GoldParameters(RunParameters, ApprovalParameters):
    """The gold flow's parameters."""

    groups: ClassVar[Mapping[str, type[_Group]]] = {
        "approval": ApprovalParameters,
        "requests": RequestParameters,
        "queue": QueueParameters,
        "comparison": ComparisonParameters,
        "publication": PublicationParameters,
        "workers": WorkerParameters,
    }

    count: GoldCount = GOLD_PER_CATEGORY
