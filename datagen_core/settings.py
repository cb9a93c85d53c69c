"""Decides where keys, addresses and paths come from: the environment first, then `.env`, then Prefect Secret blocks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from datagen_core.errors import ConfigError, MissingKeyError

Provider = Literal["simulator", "openai", "local"]
ProfileName = Literal["openai", "azure", "groq"]
TaskRunnerName = Literal["threads", "dask", "ray"]
LoadSecret = Callable[[str], str | None]
"""Return the value of a Prefect Secret block, or None where there is no such block."""


def _strip(value: object) -> object:
    """Forgive what copying leaves around a value; a value of blanks alone counts as not set."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return (value.strip() or None) if isinstance(value, str) else value


def _lower(value: object) -> object:
    stripped = _strip(value)
    return stripped.lower() if isinstance(stripped, str) else stripped


def _fits_a_header(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _check_key(value: SecretStr) -> SecretStr:
    if not _fits_a_header(value.get_secret_value()):
        raise ValueError("expected a key without spaces, line breaks or letters outside ASCII")
    return value


def _check_name(value: str) -> str:
    if not _fits_a_header(value):
        raise ValueError("expected an id without spaces, line breaks or letters outside ASCII")
    return value


def _check_url(value: str) -> str:
    """Accept an address that may be shown: it stands in ledgers, status files and messages."""
    try:
        parts = urlsplit(value)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")  # as the resolver does; it fails at empty and overlong labels
    except ValueError:  # Its message may quote the value.
        is_address = False
    if not value.startswith(("http://", "https://")) or not is_address or any(char.isspace() for char in value):
        raise ValueError("expected an address that begins with http:// or https://")
    if "@" in urlsplit(value).netloc:
        raise ValueError("expected an address without a user name or password; a key belongs in a variable of its own")
    if "?" in value or "#" in value:
        raise ValueError("expected an address without '?' or '#' and what follows them")
    return value.rstrip("/")


def _check_prefix(value: str) -> str:
    """Accept what may stand between a host and `/chat/completions`; a lone slash stands for nothing."""
    if not value.startswith("/") or not _fits_a_header(value) or "?" in value or "#" in value:
        raise ValueError("expected a path as /v1, or / for none")
    return value.rstrip("/")


def _check_window(value: str) -> str:
    if re.fullmatch(r"[1-9][0-9]{0,3}[hd]", value) is None:
        raise ValueError("expected hours or days, as 24h or 7d")
    return value


def _check_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # no such zone, a path out of the folder, a folder
        raise ValueError("expected the name of a time zone, as Asia/Seoul or UTC") from None
    return value


_Key = Annotated[SecretStr, AfterValidator(_check_key)]
_Url = Annotated[str, AfterValidator(_check_url)]
_Strip = BeforeValidator(_strip)
_Name = Annotated[str, AfterValidator(_check_name)]
_Price = Annotated[Annotated[float, Field(ge=0, allow_inf_nan=False)] | None, _Strip]
_Count = Annotated[Annotated[int, Field(gt=0)] | None, _Strip]


class Settings(BaseSettings):
    """Keys, provider and paths. Keys are `SecretStr`: shown nowhere, not even when the settings are printed."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    provider: Annotated[Provider | None, BeforeValidator(_lower)] = Field(
        default=None, validation_alias="DATAGEN_PROVIDER", description="Unset: openai where a key is set."
    )
    openai_api_key: Annotated[_Key | None, _Strip] = Field(default=None, validation_alias="OPENAI_API_KEY")
    openai_base_url: Annotated[_Url, _Strip] = Field(
        default="https://api.openai.com/v1", validation_alias="OPENAI_BASE_URL"
    )
    openai_project: Annotated[_Name | None, _Strip] = Field(
        default=None, validation_alias="OPENAI_PROJECT_ID", description="Unset: the key's own project."
    )
    openai_organization: Annotated[_Name | None, _Strip] = Field(
        default=None, validation_alias="OPENAI_ORG_ID", description="Unset: the key's own organization."
    )
    hf_token: Annotated[_Key | None, _Strip] = Field(default=None, validation_alias="HF_TOKEN")
    hf_endpoint: Annotated[_Url | None, _Strip] = Field(
        default=None, validation_alias="HF_ENDPOINT", description="Unset: the public Hub."
    )
    model: Annotated[str, _Strip] = Field(default="gpt-6-luna", validation_alias="DATAGEN_MODEL")
    output_dir: Path = Field(default=Path("output"), validation_alias="DATAGEN_OUTPUT_DIR")
    timezone: Annotated[Annotated[str, AfterValidator(_check_zone)], _Strip] = Field(
        default="Asia/Seoul",
        validation_alias="DATAGEN_TIMEZONE",
        description="Whose dates stand in the names of runs and of their folders.",
    )
    task_runner: Annotated[TaskRunnerName, BeforeValidator(_lower)] = Field(
        default="threads", validation_alias="DATAGEN_TASK_RUNNER", description="Where shards are judged."
    )
    max_workers: Annotated[int, _Strip] = Field(
        default=4, ge=1, le=1000, validation_alias="DATAGEN_MAX_WORKERS", description="Shards judged at one time."
    )
    cluster_address: Annotated[str | None, _Strip] = Field(
        default=None,
        validation_alias="DATAGEN_CLUSTER_ADDRESS",
        description="A Dask scheduler's or a Ray head's. Unset: one on this machine, for the run.",
    )
    simulator_pace: float = Field(
        default=0.3,
        ge=0,
        le=3600,
        validation_alias="DATAGEN_SIMULATOR_PACE",
        description="Seconds that each phase of a simulated batch lasts.",
    )
    local_base_url: Annotated[_Url, _Strip] = Field(
        default="http://127.0.0.1:8000/v1",
        validation_alias="DATAGEN_LOCAL_BASE_URL",
        description="A server with /chat/completions, as vLLM's, llama.cpp's or Ollama's.",
    )
    local_api_key: Annotated[_Key | None, _Strip] = Field(
        default=None, validation_alias="DATAGEN_LOCAL_API_KEY", description="Unset: none is sent."
    )
    local_concurrency: Annotated[int, _Strip] = Field(
        default=8, ge=1, le=4096, validation_alias="DATAGEN_LOCAL_CONCURRENCY", description="Requests at one time."
    )
    http_timeout: Annotated[float, _Strip] = Field(
        default=60.0,
        gt=0,
        le=600,
        validation_alias="DATAGEN_HTTP_TIMEOUT",
        description="Seconds that a Batch API's answer may take; a creation counts as under way for little longer.",
    )
    local_timeout: Annotated[float, _Strip] = Field(
        default=600.0,
        gt=0,
        le=86_400,
        allow_inf_nan=False,
        validation_alias="DATAGEN_LOCAL_TIMEOUT",
        description="Seconds that one request may take.",
    )
    profile: Annotated[ProfileName | None, BeforeValidator(_lower)] = Field(
        default=None, validation_alias="DATAGEN_PROFILE", description="Unset: by the host of OPENAI_BASE_URL."
    )
    batch_window: Annotated[Annotated[str, AfterValidator(_check_window)] | None, _Strip] = Field(
        default=None, validation_alias="DATAGEN_BATCH_WINDOW", description="As 24h or 7d. Unset: the profile's."
    )
    url_prefix: Annotated[Annotated[str, AfterValidator(_check_prefix)] | None, _Strip] = Field(
        default=None,
        validation_alias="DATAGEN_URL_PREFIX",
        description="What stands before /chat/completions in each request; / for nothing. Unset: the profile's.",
    )
    batch_metadata: Annotated[bool | None, _Strip] = Field(
        default=None, validation_alias="DATAGEN_BATCH_METADATA", description="Unset: the profile's."
    )
    file_expiry: Annotated[bool | None, _Strip] = Field(
        default=None, validation_alias="DATAGEN_FILE_EXPIRY", description="Unset: the profile's."
    )
    batch_max_requests: _Count = Field(
        default=None, validation_alias="DATAGEN_BATCH_MAX_REQUESTS", description="Rows a file. Unset: the profile's."
    )
    batch_max_bytes: _Count = Field(
        default=None, validation_alias="DATAGEN_BATCH_MAX_BYTES", description="Bytes a file. Unset: the profile's."
    )
    max_enqueued_tokens: _Count = Field(
        default=None,
        validation_alias="DATAGEN_MAX_ENQUEUED_TOKENS",
        description="Prompt tokens that may wait at the provider at one time. Unset: no limit.",
    )
    max_in_flight: _Count = Field(
        default=None,
        validation_alias="DATAGEN_MAX_IN_FLIGHT",
        description="Batches that may run at one time. Unset: no limit.",
    )
    price_input: _Price = Field(
        default=None,
        validation_alias="DATAGEN_PRICE_INPUT",
        description="USD for a million input tokens at batch rates. Unset: from the price library.",
    )
    price_cached_input: _Price = Field(
        default=None, validation_alias="DATAGEN_PRICE_CACHED_INPUT", description="The same, for cached input tokens."
    )
    price_output: _Price = Field(
        default=None, validation_alias="DATAGEN_PRICE_OUTPUT", description="The same, for output tokens."
    )
    openai_secret_block: Annotated[str, _Strip] = Field(
        default="openai-api-key", validation_alias="DATAGEN_OPENAI_SECRET_BLOCK"
    )
    hf_secret_block: Annotated[str, _Strip] = Field(default="hf-token", validation_alias="DATAGEN_HF_SECRET_BLOCK")

    @property
    def resolved_provider(self) -> Provider:
        """Return the provider asked for; without one, `openai` where a key is set and `simulator` where none is."""
        return self.provider or ("openai" if self.openai_api_key else "simulator")

    def require_openai_key(self) -> str:
        """Return the key in clear, to be handed to the client and nowhere else.

        Raises:
            MissingKeyError: no key is set.
        """
        if self.openai_api_key is None:
            raise MissingKeyError("OPENAI_API_KEY", provider="openai")
        return self.openai_api_key.get_secret_value()

    def require_hf_token(self) -> str:
        """Return the Hub's token in clear, to be handed to the client and nowhere else.

        Raises:
            ConfigError: no token is set.
        """
        if self.hf_token is None:
            raise ConfigError(
                f"Pushing to the Hub needs HF_TOKEN, which is set neither in the environment, nor in .env, nor in the "
                f"Prefect Secret block {self.hf_secret_block!r}. Set HF_TOKEN to a token with write access, or leave "
                "the push out."
            )
        return self.hf_token.get_secret_value()


_SOURCES: Final = {"openai_api_key": "openai_secret_block", "hf_token": "hf_secret_block"}


def load_settings(load_secret: LoadSecret | None = None, env_file: str | Path | None = ".env") -> Settings:
    """Read the settings; `load_secret` is asked only for a key that neither the environment nor `env_file` has.

    With provider `simulator` or `local` the OpenAI key's block is not asked for.

    Raises:
        ConfigError: a value is wrong; names every such variable, what was expected and what to do, never the value.
    """
    try:
        settings = Settings(_env_file=env_file, _env_file_encoding="utf-8")  # pyright: ignore[reportCallIssue]
        blocks = _load_blocks(settings, load_secret) if load_secret is not None else {}
        if not blocks:
            return settings
        return settings.model_copy(update=blocks)
    except ValidationError as error:
        raise ConfigError(_describe_problems(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{env_file} cannot be read ({type(error).__name__}). Save it as a UTF-8 text file."
        ) from error


def _load_blocks(settings: Settings, load_secret: LoadSecret) -> dict[str, SecretStr]:
    found: dict[str, SecretStr] = {}
    for name, block in _SOURCES.items():
        is_needed = name != "openai_api_key" or settings.provider in {None, "openai"}
        if is_needed and getattr(settings, name) is None:
            found |= _check_block(name, block_name := str(getattr(settings, block)), load_secret(block_name))
    return found


def _check_block(name: str, block: str, value: str | None) -> dict[str, SecretStr]:
    stripped = (value or "").strip()
    if not stripped:
        return {}
    try:
        return {name: _check_key(SecretStr(stripped))}
    except ValueError as error:
        raise ConfigError(f"Prefect Secret block {block!r}: {error}. Save the key in it again.") from None


def _describe_problems(error: ValidationError) -> str:
    problems = [
        f"{problem['loc'][0] if problem['loc'] else 'settings'}: {problem['msg'].removeprefix('Value error, ')}."
        for problem in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return " ".join([*problems, "Correct it in the environment or in .env, then run the same command again."])
