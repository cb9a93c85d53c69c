from __future__ import annotations

import threading
from pathlib import Path

import httpx2
import pytest
from chat_server import ChatServer
from pydantic import SecretStr

from datagen_core.batch import (
    BatchClient,
    BatchStatus,
    Submitted,
    check_batch,
    retrieve_results,
    submit_once,
)
from datagen_core.batch.api import BatchApi
from datagen_core.batch.wire import as_object
from datagen_core.errors import ConfigError, FolderInUseError, InputFileError, MissingKeyError, ProviderError
from datagen_core.files import Artifact, fingerprint, iter_json_array, read_json, write_jsonl
from datagen_core.locking import lock_folder
from datagen_core.providers import (
    DEFAULT_MISTAKES,
    MISTAKES_NAME,
    ProviderChoice,
    embedded_providers,
    find_mistakes,
    open_client,
    reach_local,
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


def wait(client: BatchApi, submitted: Submitted) -> BatchStatus:
    while not (status := check_batch(client, submitted)).is_ended:
        pass
    return status


def choose(state: Path, mistakes: float | None = None) -> ProviderChoice:
    return ProviderChoice(provider="simulator", state_dir=str(state), mistakes=mistakes, pace_seconds=0)


def is_answering(client: BatchApi) -> bool:
    try:
        return httpx2.get(f"{client.base_url}/models", headers={"Authorization": "Bearer any"}).is_success
    except httpx2.ConnectError:
        return False


def test_share_of_mistakes_is_kept_with_the_state(tmp_path: Path) -> None:
    assert find_mistakes(tmp_path) == DEFAULT_MISTAKES
    for given, expected in ((None, DEFAULT_MISTAKES), (0.0, 0.0), (None, 0.0), (0.4, 0.4), (None, 0.4)):
        with embedded_providers(), open_client(choose(tmp_path, given), Settings()):
            pass
        assert find_mistakes(tmp_path) == expected
    assert read_json(tmp_path / MISTAKES_NAME, advice="") == {"mistakes": 0.4}


def test_share_that_is_not_given_is_not_written(tmp_path: Path) -> None:
    with embedded_providers(), open_client(choose(tmp_path), Settings()):
        pass
    assert not (tmp_path / MISTAKES_NAME).exists()


def test_running_simulator_with_another_share_is_not_used_silently(tmp_path: Path) -> None:
    with embedded_providers(), open_client(choose(tmp_path, 0.0), Settings()) as client:
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
    with embedded_providers():
        with open_client(choose(tmp_path), Settings()) as first:
            pass
        with open_client(choose(tmp_path), Settings()) as second:
            assert first.identity == second.identity
            assert first.identity.startswith("simulator:")
            assert is_answering(first)
    assert not is_answering(first)


def test_inner_block_leaves_the_outer_ones_simulator(tmp_path: Path) -> None:
    with embedded_providers(), open_client(choose(tmp_path), Settings()) as outer:
        with embedded_providers(), open_client(choose(tmp_path), Settings()):
            pass
        assert is_answering(outer)
    assert not is_answering(outer)


@pytest.mark.parametrize("is_shared", [True, False])
def test_block_that_ends_leaves_the_simulators_of_another_thread(is_shared: bool, tmp_path: Path) -> None:
    opened, ended = threading.Event(), threading.Event()
    answers: list[bool] = []
    clients: list[BatchApi] = []

    def run() -> None:
        state = tmp_path if is_shared else tmp_path / "own"
        with embedded_providers(), open_client(choose(state), Settings()) as client:
            opened.set()
            ended.wait(20)
            answers.append(is_answering(client))
            clients.append(client)

    with embedded_providers(), open_client(choose(tmp_path), Settings()):
        thread = threading.Thread(target=run)
        thread.start()
        opened.wait(20)
    ended.set()
    thread.join()
    assert answers == [True]
    assert not is_answering(clients[0])


def test_simulator_started_by_a_bare_thread_ends_with_the_open_block(tmp_path: Path) -> None:
    clients: list[BatchApi] = []

    def run() -> None:
        with open_client(choose(tmp_path), Settings()) as client:
            clients.append(client)

    with embedded_providers():
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert is_answering(clients[0])
    assert not is_answering(clients[0])


def test_block_leaves_what_ran_before_it(tmp_path: Path) -> None:
    with embedded_providers():
        with open_client(choose(tmp_path), Settings()) as client:
            pass
        with embedded_providers(), open_client(choose(tmp_path / "own"), Settings()) as inner:
            pass
        assert not is_answering(inner)
        assert is_answering(client)


def choose_local(state: Path) -> ProviderChoice:
    return ProviderChoice(provider="local", state_dir=str(state))


def write_shard(tmp_path: Path, *ids: str) -> Artifact:
    body = {"model": "m", "messages": [{"role": "user", "content": "안녕하세요"}]}
    rows = [{"custom_id": name, "method": "POST", "url": ENDPOINT, "body": body} for name in ids]
    return write_jsonl(tmp_path / "batch_input.jsonl", rows)


def test_local_provider_works_on_to_the_end_of_the_block(tmp_path: Path) -> None:
    shard, ledger = write_shard(tmp_path, "a", "b"), tmp_path / "ledger.jsonl"
    with ChatServer() as chat:
        settings = Settings(local_base_url=chat.base_url, local_api_key=SecretStr("key-1"))
        chat.default = "hold"
        with embedded_providers():
            with open_client(choose_local(tmp_path / ".local"), settings) as first:
                submitted = submit_once(first, ledger, shard, endpoint=ENDPOINT)
            assert chat.holding.wait(20)
            with open_client(choose_local(tmp_path / ".local"), settings) as second:
                assert second is first
                chat.release.set()
                status = wait(second, submitted)
                retrieve_results(second, [(submitted, status)], tmp_path / "result_lst.json")
        assert chat.keys == {"Bearer key-1"}
    results = [as_object(element) for _, element in iter_json_array(tmp_path / "result_lst.json", advice="")]
    assert [(result["outcome"], result["provider"]) for result in results] == [("answered", "local")] * 2


def test_local_provider_goes_on_with_another_address_after_the_block(tmp_path: Path) -> None:
    shard, ledger = write_shard(tmp_path, "a"), tmp_path / "ledger.jsonl"
    choice = choose_local(tmp_path / ".local")
    with ChatServer() as chat:
        chat.default = "hold"
        settings = Settings(local_base_url=chat.base_url)
        with embedded_providers(), open_client(choice, settings) as client:
            submitted = submit_once(client, ledger, shard, endpoint=ENDPOINT)
            elsewhere = Settings(local_base_url="http://127.0.0.1:9/v1")
            with (
                pytest.raises(ConfigError, match=r"this run asks for http://127\.0\.0\.1:9"),
                open_client(choice, elsewhere),
            ):
                pass
            assert chat.holding.wait(20)
    with (
        ChatServer() as other,
        embedded_providers(),
        open_client(choice, Settings(local_base_url=other.base_url)) as client,
    ):
        assert submit_once(client, ledger, shard, endpoint=ENDPOINT) == submitted
        assert wait(client, submitted).counts.completed == 1


def test_folder_of_one_kind_of_provider_is_not_used_by_the_other_at_once(tmp_path: Path) -> None:
    settings = Settings(local_base_url="http://127.0.0.1:9/v1")
    with embedded_providers():
        with open_client(choose(tmp_path / "a"), settings):
            pass
        with open_client(choose_local(tmp_path / "b"), settings):
            pass
        with (
            pytest.raises(ConfigError, match="A simulator is running"),
            open_client(choose_local(tmp_path / "a"), settings),
        ):
            pass
        with pytest.raises(ConfigError, match="asks for a simulator"), open_client(choose(tmp_path / "b"), settings):
            pass


def test_local_provider_of_another_process_is_named(tmp_path: Path) -> None:
    settings = Settings(local_base_url="http://127.0.0.1:9/v1")
    with (
        lock_folder(tmp_path, holder="somebody else"),
        embedded_providers(),
        pytest.raises(FolderInUseError, match="somebody else"),
        open_client(choose_local(tmp_path), settings),
    ):
        pass


def test_azure_is_spoken_to_as_azure() -> None:
    key = SecretStr("sk-1")
    with open_client(
        OPENAI, Settings(openai_api_key=key, openai_base_url="https://x.openai.azure.com/openai/v1")
    ) as api:
        assert isinstance(api, BatchClient)
        assert api.profile.name == "azure"


def test_server_is_reached_or_named() -> None:
    with ChatServer() as chat:
        reach_local(Settings(local_base_url=chat.base_url))
        gone = Settings(local_base_url=chat.base_url)
    with pytest.raises(ProviderError, match="Start your server"):
        reach_local(gone)
