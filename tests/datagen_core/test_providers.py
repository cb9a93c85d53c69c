from __future__ import annotations

import threading
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from datagen_core.batch import (
    BatchClient,
    BatchStatus,
    Submitted,
    check_batch,
    retrieve_results,
    submit_once,
)
from datagen_core.batch.wire import as_object
from datagen_core.errors import ConfigError, InputFileError, MissingKeyError
from datagen_core.files import fingerprint, iter_json_array, read_json, write_jsonl
from datagen_core.providers import (
    DEFAULT_MISTAKES,
    MISTAKES_NAME,
    ProviderChoice,
    embedded_simulators,
    find_mistakes,
    open_client,
)
from datagen_core.settings import Settings
from datagen_core.simulator import SimulatorServer, SimulatorSettings
from datagen_core.simulator.writer import ScriptWriter

ENDPOINT = "/v1/chat/completions"
OPENAI = ProviderChoice(provider="openai", state_dir="")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_PROJECT_ID", "OPENAI_ORG_ID"):
        monkeypatch.delenv(name, raising=False)


def identify(**settings: str) -> str:
    key = SecretStr(settings.pop("key", "sk-1"))
    with open_client(OPENAI, Settings(openai_api_key=key, **settings)) as client:  # pyright: ignore[reportArgumentType]
        return client.identity


def test_another_key_is_the_same_project() -> None:
    assert identify(key="sk-1") == identify(key="sk-2") == "openai:https://api.openai.com/v1"


def test_base_url_project_and_organization_tell_projects_apart() -> None:
    identities = [
        identify(),
        identify(openai_base_url="http://127.0.0.1:9/v1"),
        identify(openai_project="proj_1"),
        identify(openai_project="proj_2", openai_organization="org-1"),
        identify(openai_organization="org-1"),
    ]
    assert len(set(identities)) == len(identities)
    assert identities[2] == "openai:https://api.openai.com/v1:proj_1"


def test_openai_without_a_key_is_an_error() -> None:
    with pytest.raises(MissingKeyError, match="OPENAI_API_KEY"), open_client(OPENAI, Settings()):
        pass


def test_simulator_behind_the_openai_provider_still_says_what_it_is(tmp_path: Path) -> None:
    body = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": "안녕하세요"}]}
    row = {"custom_id": "a", "method": "POST", "url": ENDPOINT, "body": body}
    shard = write_jsonl(tmp_path / "batch_input.jsonl", [row])
    simulator = SimulatorServer(tmp_path / "state", ScriptWriter(), SimulatorSettings(pace_seconds=0))
    key = SecretStr("sk-1")
    with (
        simulator,
        open_client(OPENAI, Settings(openai_api_key=key, openai_base_url=simulator.base_url)) as client,
    ):
        submitted = submit_once(client, tmp_path / "ledger.jsonl", shard, endpoint=ENDPOINT)
        retrieve_results(client, [(submitted, wait(client, submitted))], tmp_path / "result_lst.json")
    (result,) = [element for _, element in iter_json_array(tmp_path / "result_lst.json", advice="")]
    assert as_object(result)["outcome"] == "answered"
    assert as_object(result)["provider"] == "simulator"


def wait(client: BatchClient, submitted: Submitted) -> BatchStatus:
    while not (status := check_batch(client, submitted)).is_ended:
        pass
    return status


def choose(state: Path, mistakes: float | None = None) -> ProviderChoice:
    return ProviderChoice(provider="simulator", state_dir=str(state), mistakes=mistakes, pace_seconds=0)


def is_answering(client: BatchClient) -> bool:
    try:
        return httpx2.get(f"{client.base_url}/models", headers={"Authorization": "Bearer any"}).is_success
    except httpx2.ConnectError:
        return False


def test_share_of_mistakes_is_kept_with_the_state(tmp_path: Path) -> None:
    assert find_mistakes(tmp_path) == DEFAULT_MISTAKES
    for given, expected in ((None, DEFAULT_MISTAKES), (0.0, 0.0), (None, 0.0), (0.4, 0.4), (None, 0.4)):
        with embedded_simulators(), open_client(choose(tmp_path, given), Settings()):
            pass
        assert find_mistakes(tmp_path) == expected
    assert read_json(tmp_path / MISTAKES_NAME, advice="") == {"mistakes": 0.4}


def test_share_that_is_not_given_is_not_written(tmp_path: Path) -> None:
    with embedded_simulators(), open_client(choose(tmp_path), Settings()):
        pass
    assert not (tmp_path / MISTAKES_NAME).exists()


def test_running_simulator_with_another_share_is_not_used_silently(tmp_path: Path) -> None:
    with embedded_simulators(), open_client(choose(tmp_path, 0.0), Settings()) as client:
        before = fingerprint(tmp_path / MISTAKES_NAME)
        with (
            pytest.raises(ConfigError, match=r"plants 0\.0.*asks for 0\.5"),
            open_client(choose(tmp_path, 0.5), Settings()),
        ):
            pass
        assert fingerprint(tmp_path / MISTAKES_NAME) == before
        with open_client(choose(tmp_path), Settings()) as other:
            assert other.base_url == client.base_url


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"mistakes": 2}', b'{"mistakes": "0.5"}', b'{"mistakes": true}'])
def test_broken_share_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / MISTAKES_NAME).write_bytes(content)
    with pytest.raises(InputFileError, match=r"mistakes\.json.*--mistakes"):
        find_mistakes(tmp_path)


def test_simulator_runs_on_to_the_end_of_the_block(tmp_path: Path) -> None:
    with embedded_simulators():
        with open_client(choose(tmp_path), Settings()) as first:
            pass
        with open_client(choose(tmp_path), Settings()) as second:
            assert first.identity == second.identity
            assert first.identity.startswith("simulator:")
            assert is_answering(first)
    assert not is_answering(first)


def test_inner_block_leaves_the_outer_ones_simulator(tmp_path: Path) -> None:
    with embedded_simulators(), open_client(choose(tmp_path), Settings()) as outer:
        with embedded_simulators(), open_client(choose(tmp_path), Settings()):
            pass
        assert is_answering(outer)
    assert not is_answering(outer)


@pytest.mark.parametrize("is_shared", [True, False])
def test_block_that_ends_leaves_the_simulators_of_another_thread(is_shared: bool, tmp_path: Path) -> None:
    opened, ended = threading.Event(), threading.Event()
    answers: list[bool] = []
    clients: list[BatchClient] = []

    def run() -> None:
        state = tmp_path if is_shared else tmp_path / "own"
        with embedded_simulators(), open_client(choose(state), Settings()) as client:
            opened.set()
            ended.wait(20)
            answers.append(is_answering(client))
            clients.append(client)

    with embedded_simulators(), open_client(choose(tmp_path), Settings()):
        thread = threading.Thread(target=run)
        thread.start()
        opened.wait(20)
    ended.set()
    thread.join()
    assert answers == [True]
    assert not is_answering(clients[0])


def test_simulator_started_by_a_bare_thread_ends_with_the_open_block(tmp_path: Path) -> None:
    clients: list[BatchClient] = []

    def run() -> None:
        with open_client(choose(tmp_path), Settings()) as client:
            clients.append(client)

    with embedded_simulators():
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert is_answering(clients[0])
    assert not is_answering(clients[0])


def test_block_leaves_what_ran_before_it(tmp_path: Path) -> None:
    with embedded_simulators():
        with open_client(choose(tmp_path), Settings()) as client:
            pass
        with embedded_simulators(), open_client(choose(tmp_path / "own"), Settings()) as inner:
            pass
        assert not is_answering(inner)
        assert is_answering(client)
