"""Keys come from Secret blocks while Prefect's server is there, and from memory for the moments that it is not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any, cast

import pytest
from prefect.blocks.system import Secret
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from datagen_core.errors import SecretsUnreachableError
from tasks.batch import is_passing
from tasks.provider import load_secret, read_settings, recall_settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture
def nowhere() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}/api"


def save(name: str, value: str) -> None:
    Secret(value=value).save(name, overwrite=True, _sync=True)  # pyright: ignore[reportCallIssue]


def test_a_new_value_counts_at_once_and_the_last_one_while_the_server_is_away(nowhere: str) -> None:
    save("some-key", "first")
    assert load_secret("some-key") == "first"
    save("some-key", "second")
    assert load_secret("some-key") == "second"
    assert load_secret("no-such-key") is None
    with temporary_settings({PREFECT_API_URL: nowhere}):
        assert load_secret("some-key") == "second"
        assert load_secret("no-such-key") is None


def test_what_was_given_is_recalled_without_asking(nowhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("DATAGEN_PROVIDER", raising=False)
    save("openai-api-key", "sk-block")
    assert read_settings().resolved_provider == "openai"
    with temporary_settings({PREFECT_API_URL: nowhere}):
        settings = recall_settings()
        assert settings.resolved_provider == "openai"
        assert settings.require_openai_key() == "sk-block"


def test_a_key_that_was_never_read_is_worth_another_try(nowhere: str) -> None:
    class State:
        def result(self, *, raise_on_failure: bool) -> object:
            assert not raise_on_failure
            return raised.value

    with (
        temporary_settings({PREFECT_API_URL: nowhere}),
        pytest.raises(SecretsUnreachableError, match="another") as raised,
    ):
        load_secret("another-key")
    assert is_passing(cast("Any", None), cast("Any", None), cast("Any", State()))
