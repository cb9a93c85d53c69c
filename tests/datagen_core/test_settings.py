from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from datagen_core.errors import ConfigError, MissingKeyError
from datagen_core.settings import Settings, load_settings

VARIABLES = (
    "DATAGEN_PROVIDER",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_PROJECT_ID",
    "OPENAI_ORG_ID",
    "HF_TOKEN",
    "HF_ENDPOINT",
    "DATAGEN_MODEL",
    "DATAGEN_OUTPUT_DIR",
    "DATAGEN_OPENAI_SECRET_BLOCK",
    "DATAGEN_HF_SECRET_BLOCK",
    "DATAGEN_LOCAL_BASE_URL",
    "DATAGEN_LOCAL_API_KEY",
    "DATAGEN_LOCAL_CONCURRENCY",
    "DATAGEN_LOCAL_TIMEOUT",
    "DATAGEN_PROFILE",
    "DATAGEN_BATCH_WINDOW",
    "DATAGEN_URL_PREFIX",
    "DATAGEN_BATCH_METADATA",
    "DATAGEN_FILE_EXPIRY",
    "DATAGEN_BATCH_MAX_REQUESTS",
    "DATAGEN_BATCH_MAX_BYTES",
    "DATAGEN_MAX_ENQUEUED_TOKENS",
    "DATAGEN_MAX_IN_FLIGHT",
    "DATAGEN_PRICE_INPUT",
    "DATAGEN_PRICE_CACHED_INPUT",
    "DATAGEN_PRICE_OUTPUT",
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def refuse(block: str) -> str | None:
    raise AssertionError(block)


def test_with_nothing_set_the_simulator_runs_without_a_key() -> None:
    settings = load_settings()
    assert settings.resolved_provider == "simulator"
    assert settings.model == "gpt-6-luna"
    assert settings.openai_base_url == "https://api.openai.com/v1"
    assert settings.output_dir == Path("output")
    assert (settings.openai_api_key, settings.hf_token, settings.hf_endpoint) == (None, None, None)


def test_a_key_alone_chooses_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", " sk-secret\n")
    settings = load_settings()
    assert settings.resolved_provider == "openai"
    assert settings.require_openai_key() == "sk-secret"


def test_the_provider_asked_for_wins_over_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("DATAGEN_PROVIDER", "Simulator")
    assert load_settings().resolved_provider == "simulator"


def test_environment_goes_before_dotenv_goes_before_blocks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=from-dotenv\nDATAGEN_MODEL=small\nOTHER=x\n")
    asked: list[str] = []

    def load_secret(block: str) -> str | None:
        asked.append(block)
        return "from-block\n"

    settings = load_settings(load_secret)
    assert settings.require_openai_key() == "from-dotenv"
    assert settings.require_hf_token() == "from-block"
    assert asked == ["hf-token"]
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    settings = load_settings(load_secret)
    assert (settings.require_openai_key(), settings.model) == ("from-environment", "small")


def test_blocks_have_names_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAGEN_OPENAI_SECRET_BLOCK", "team-key")
    blocks = {"team-key": "sk-block"}
    settings = load_settings(blocks.get)
    assert settings.resolved_provider == "openai"
    assert settings.require_openai_key() == "sk-block"
    assert settings.hf_token is None


def test_no_block_is_asked_for_what_is_set_or_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    monkeypatch.setenv("DATAGEN_PROVIDER", "simulator")
    assert load_settings(refuse).hf_token is not None


def test_the_local_provider_needs_no_openai_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    monkeypatch.setenv("DATAGEN_PROVIDER", "local")
    monkeypatch.setenv("DATAGEN_LOCAL_BASE_URL", " http://127.0.0.1:11434/v1/ ")
    settings = load_settings(refuse)
    assert (settings.resolved_provider, settings.local_base_url) == ("local", "http://127.0.0.1:11434/v1")
    assert (settings.local_api_key, settings.local_concurrency, settings.local_timeout) == (None, 8, 600.0)


def test_prices_and_limits_are_unset_or_as_given(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("price_input", "price_cached_input", "price_output", "max_enqueued_tokens", "max_in_flight")
    assert [getattr(load_settings(), name) for name in names] == [None] * 5
    for name in names:
        monkeypatch.setenv(f"DATAGEN_{name.upper()}", " 2 ")
    assert [getattr(load_settings(), name) for name in names] == [2.0, 2.0, 2.0, 2, 2]
    monkeypatch.setenv("DATAGEN_PRICE_INPUT", "0")
    assert load_settings().price_input == 0.0


def test_missing_keys_are_explained() -> None:
    settings = load_settings(lambda _: None)
    with pytest.raises(MissingKeyError, match="OPENAI_API_KEY"):
        settings.require_openai_key()
    with pytest.raises(ConfigError, match="HF_TOKEN"):
        settings.require_hf_token()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DATAGEN_PROVIDER", "azure", "'simulator', 'openai' or 'local'"),
        ("OPENAI_BASE_URL", "api.example.com", "http:// or https://"),
        ("HF_ENDPOINT", "ftp://x", "http:// or https://"),
        ("OPENAI_BASE_URL", "http:///v1", "http:// or https://"),
        ("OPENAI_BASE_URL", "http://[::1/v1", "http:// or https://"),
        ("OPENAI_BASE_URL", "http://a..b/v1", "http:// or https://"),
        ("DATAGEN_LOCAL_BASE_URL", "127.0.0.1:8000", "http:// or https://"),
        ("DATAGEN_LOCAL_BASE_URL", "http://me:secret@127.0.0.1:8000/v1", "without a user name or password"),
        ("DATAGEN_LOCAL_API_KEY", "key two", "without spaces"),
        ("DATAGEN_LOCAL_CONCURRENCY", "0", "greater than or equal to 1"),
        ("DATAGEN_LOCAL_CONCURRENCY", "many", "valid integer"),
        ("DATAGEN_LOCAL_TIMEOUT", "nan", "finite number"),
        ("DATAGEN_PROFILE", "bedrock", "'openai', 'azure' or 'groq'"),
        ("DATAGEN_BATCH_WINDOW", "1 day", "24h or 7d"),
        ("DATAGEN_URL_PREFIX", "v3", "a path as /v1"),
        ("DATAGEN_URL_PREFIX", "/v1?key=secret", "a path as /v1"),
        ("DATAGEN_BATCH_METADATA", "sometimes", "valid boolean"),
        ("DATAGEN_BATCH_MAX_REQUESTS", "0.5", "valid integer"),
        ("DATAGEN_MAX_ENQUEUED_TOKENS", "0_0", "greater than 0"),
        ("DATAGEN_MAX_IN_FLIGHT", "-1", "greater than 0"),
        ("DATAGEN_PRICE_INPUT", "-0.1", "greater than or equal to 0"),
        ("DATAGEN_PRICE_CACHED_INPUT", "inf", "finite number"),
        ("DATAGEN_PRICE_OUTPUT", "cheap", "valid number"),
        ("OPENAI_BASE_URL", "http://example.com:port/v1", "http:// or https://"),
        ("OPENAI_BASE_URL", "http://ex\u2100mple.com/v1", "http:// or https://"),
        ("OPENAI_BASE_URL", "https://me:secret@example.com/v1", "without a user name or password"),
        ("OPENAI_BASE_URL", "https://secret@example.com/v1", "without a user name or password"),
        ("OPENAI_BASE_URL", "https://example.com/v1?api-key=secret", "'\\?'"),
        ("HF_ENDPOINT", "https://example.com/#secret", "'#'"),
        ("HF_ENDPOINT", "https://example.com/?", "'\\?'"),
        ("OPENAI_PROJECT_ID", "proj one", "without spaces"),
        ("OPENAI_ORG_ID", "org\tone", "without spaces"),
        ("OPENAI_API_KEY", "sk two", "without spaces"),
        ("HF_TOKEN", "hf_한글", "without spaces"),
    ],
)
def test_a_bad_value_is_named_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(
        ConfigError, match=rf"{name}: .*{expected}.*Correct it in the environment or in \.env"
    ) as caught:
        load_settings()
    assert value not in str(caught.value)


def test_every_bad_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAGEN_PROVIDER", "azure")
    monkeypatch.setenv("HF_ENDPOINT", "x")
    with pytest.raises(ConfigError, match=r"DATAGEN_PROVIDER: .* HF_ENDPOINT: "):
        load_settings()


def test_a_bad_block_is_named_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="openai-api-key") as caught:
        load_settings(lambda _: "sk one two")
    assert "sk one" not in str(caught.value)


def test_project_and_organization_are_read_as_the_sdk_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (load_settings().openai_project, load_settings().openai_organization) == (None, None)
    monkeypatch.setenv("OPENAI_PROJECT_ID", " proj_1 ")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    settings = load_settings()
    assert (settings.openai_project, settings.openai_organization) == ("proj_1", "org-1")


def test_empty_values_count_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
    assert load_settings() == Settings()
    monkeypatch.setenv("OPENAI_API_KEY", "  ")
    assert load_settings().openai_api_key is None


def test_a_dotenv_that_is_no_text_is_explained(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"OPENAI_API_KEY=\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"\.env cannot be read"):
        load_settings()


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("DATAGEN_LOCAL_API_KEY", "local-key")
    settings = load_settings(lambda _: "hf_hidden")
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump(mode='json')}"
    shown += settings.model_dump_json()
    assert "sk-secret" not in shown
    assert "hf_hidden" not in shown
    assert "local-key" not in shown


def test_settings_do_not_change() -> None:
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.model = "other"
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_arguments_go_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAGEN_MODEL", "from-environment")
    assert Settings(model="from-argument").model == "from-argument"
