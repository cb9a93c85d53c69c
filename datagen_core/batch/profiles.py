"""Decides in what a provider's Batch API differs from OpenAI's: window, URLs, metadata, expiry of files, limits."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from datagen_core.settings import ProfileName, Settings

Form = Literal["/chat/completions", "/responses"]
FORMS: Final[tuple[Form, ...]] = ("/chat/completions", "/responses")
"""What a request's URL ends with, whichever prefix a provider wants before it."""
USUAL_WINDOW: Final = "24h"
"""The only one that OpenAI has."""


class ProviderProfile(BaseModel):
    """How one provider wants its Batch API spoken to; the defaults are OpenAI's.

    Without metadata a batch whose creation's answer was lost is found by its input file alone, and a lost ledger
    cannot be rebuilt: the same shard would be created, and paid for, again. Without a list of batches, neither.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "openai"
    completion_window: str = Field(
        default=USUAL_WINDOW, pattern=r"^[1-9][0-9]{0,3}[hd]$", description="How long the provider may take."
    )
    url_prefix: str = Field(default="/v1", description="Stands before /chat/completions, in rows and in the batch.")
    responses_prefix: str = Field(default="/v1", description="Stands before /responses.")
    has_metadata: bool = Field(default=True, description="Batches carry metadata.")
    has_file_expiry: bool = Field(default=True, description="Uploads may say when the file is to be removed.")
    can_list: bool = Field(default=True, description="Batches can be listed.")
    can_cancel: bool = Field(default=True, description="Batches can be cancelled.")
    max_requests: int = Field(default=50_000, gt=0, description="Most rows of a file.")
    max_bytes: int = Field(default=190_000_000, gt=0, description="Most bytes of a file, under the limit of 200 MB.")

    def find_prefix(self, endpoint: str) -> str:
        """Return what stands before the last part of an endpoint, as `/v1` before `/chat/completions`."""
        return self.responses_prefix if endpoint.endswith("/responses") else self.url_prefix

    def place_endpoint(self, endpoint: str) -> str:
        """Return the endpoint with this provider's prefix, whichever it had before; one we do not know is unchanged."""
        for form in FORMS:
            if endpoint.endswith(form):
                return self.find_prefix(endpoint) + form
        return endpoint


PROFILES: Final[Mapping[ProfileName, ProviderProfile]] = MappingProxyType(
    {
        "openai": ProviderProfile(),
        # learn.microsoft.com/azure/foundry/openai/how-to/batch: rows of chat requests without /v1, those of the
        # Responses API with it; "24h" is the only window, and a batch that takes longer goes on; files may expire
        # after 14 to 30 days. The base URL is https://NAME.openai.azure.com/openai/v1, which takes the key as a
        # bearer token; a batch deployment's name is the model.
        "azure": ProviderProfile(name="azure", url_prefix=""),
        # console.groq.com/docs/batch: windows from "24h" to "7d", 50,000 lines and 200 MB a file, chat completions
        # only. Its reference names no expiry of files.
        "groq": ProviderProfile(name="groq", has_file_expiry=False),
    }
)

_HOSTS: Final[tuple[tuple[str, ProfileName], ...]] = (
    (".openai.azure.com", "azure"),
    (".cognitiveservices.azure.com", "azure"),
    (".services.ai.azure.com", "azure"),
    (".groq.com", "groq"),
)


def find_profile(settings: Settings) -> ProviderProfile:
    """Return the profile that the settings name, or else their base URL's host; what they set by itself wins."""
    profile = PROFILES[settings.profile or _recognise(settings.openai_base_url)]
    prefix = None if settings.url_prefix is None else settings.url_prefix.rstrip("/")
    changes = {
        "completion_window": settings.batch_window,
        "url_prefix": prefix,
        "responses_prefix": prefix,
        "has_metadata": settings.batch_metadata,
        "has_file_expiry": settings.file_expiry,
        "max_requests": settings.batch_max_requests,
        "max_bytes": settings.batch_max_bytes,
    }
    return profile.model_copy(update={name: value for name, value in changes.items() if value is not None})


def _recognise(base_url: str) -> ProfileName:
    host = (urlsplit(base_url).hostname or "").casefold()
    found: list[ProfileName] = [name for suffix, name in _HOSTS if host.endswith(suffix)]
    return found[0] if found else "openai"
