"""A batch that the provider refuses as a whole does not end the run, and what the user has to see to is said."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import pytest
from fake_provider import FakeProvider, Json
from prefect.testing.utilities import prefect_test_harness
from running_flows import training

from datagen_core.dataset.validating import validate_file
from datagen_core.errors import BatchFailed, MissingKeyError, ProviderError
from datagen_core.simulator.writer import ScriptWriter
from flows.parameters import TrainingParameters

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, prefect_test_harness(server_startup_timeout=180):
        patch.setenv("PREFECT_LOCAL_STORAGE_PATH", str(tmp_path_factory.mktemp("storage")))
        yield


class AnsweringProvider(FakeProvider):
    """Refuses the first batches with these codes; every other is answered at once, in full and without mistakes."""

    def __init__(self, refusals: Iterable[str] = ()) -> None:
        super().__init__()
        self.refusals = deque(refusals)

    def create_batch(self, body: Json, **overrides: object) -> Json:
        batch = super().create_batch(body, **overrides)
        if self.refusals:
            issue = {"code": self.refusals.popleft(), "message": "not now", "line": None, "param": None}
            batch.update(status="failed", errors={"object": "list", "data": [issue]})
        else:
            writer = ScriptWriter()
            rows = [_answer(writer, request) for request in self.requests_of(str(batch["id"]))]
            self.finish(str(batch["id"]), output=cast("list[Json | bytes]", rows[::-1]))
        return batch


def _answer(writer: ScriptWriter, request: Json) -> Json:
    custom_id, body = str(request["custom_id"]), cast("Json", request["body"])
    message = {"role": "assistant", "content": writer.answer(custom_id, body).text}
    completion = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8},
    }
    response = {"status_code": 200, "request_id": "r", "body": completion}
    return {"id": "b", "custom_id": custom_id, "response": response, "error": None}


def _run(provider: FakeProvider, folder: Path, monkeypatch: pytest.MonkeyPatch, key: str | None = None) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", provider.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", provider.key if key is None else key)
    training(TrainingParameters(count=8, provider="openai", poll_interval=0.1, output_dir=folder))


def _n_created(provider: FakeProvider) -> int:
    return len(provider.bodies("POST", "/batches"))


def test_a_full_queue_is_waited_out_and_the_shard_submitted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with AnsweringProvider(["token_limit_exceeded", "token_limit_exceeded"]) as provider:
        _run(provider, tmp_path / "run", monkeypatch)
        assert _n_created(provider) == 3
        _run(provider, tmp_path / "run", monkeypatch)
        assert _n_created(provider) == 3
    assert validate_file(tmp_path / "run" / "dataset.jsonl").n_sound == 8
    meta = (tmp_path / "run" / "dataset.jsonl").read_text(encoding="utf-8")
    assert '"provider":"openai","simulated":false' in meta


def test_what_the_user_has_to_see_to_is_raised_and_the_next_run_tries_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with AnsweringProvider(["billing_hard_limit_reached"] * 2) as provider:
        for n_created in (1, 2):
            with pytest.raises(BatchFailed, match="billing_hard_limit_reached"):
                _run(provider, tmp_path / "run", monkeypatch)
            assert _n_created(provider) == n_created
        _run(provider, tmp_path / "run", monkeypatch)
        assert _n_created(provider) == 3
    assert validate_file(tmp_path / "run" / "dataset.jsonl").n_sound == 8


def test_another_key_of_the_same_project_goes_on_and_a_wrong_one_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with AnsweringProvider(["billing_hard_limit_reached"]) as provider:
        with pytest.raises(BatchFailed):
            _run(provider, tmp_path / "run", monkeypatch)
        with pytest.raises(ProviderError):
            _run(provider, tmp_path / "run", monkeypatch, key="sk-wrong")
        provider.key = "sk-rotated"
        _run(provider, tmp_path / "run", monkeypatch)
    assert validate_file(tmp_path / "run" / "dataset.jsonl").n_sound == 8


def test_a_missing_key_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    with pytest.raises(MissingKeyError):
        training(TrainingParameters(count=8, provider="openai", output_dir=tmp_path / "run"))
    assert not (tmp_path / "run").exists()
