"""Providers that differ from OpenAI: each is spoken to as it wants, over real HTTP, or refuses."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, formatdate
from pathlib import Path
from typing import cast

import pytest
from batch_helpers import ENDPOINT, make_error_row, make_row
from fake_provider import Call, FakeProvider, Json, _Handler
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.batch import BatchClient, RequestRefused, check_batch, retrieve_results, submit_once
from datagen_core.batch.client import AnswerLost
from datagen_core.batch.profiles import PROFILES, ProviderProfile, find_profile
from datagen_core.batch.requests import Endpoint, RequestOptions, build_request
from datagen_core.batch.transport import read_retry_after
from datagen_core.errors import ProviderError, SubmissionUnknown
from datagen_core.files import Artifact, JsonObject, iter_json_array
from datagen_core.scenarios import sample_training
from datagen_core.settings import Settings

Write = Callable[..., Artifact]
Refusal = tuple[int, str, dict[str, str]]
CANARY = "sk-canary-77aa"


class PickyProvider(FakeProvider):
    """`find_refusal` says of each POST why it is refused: status, message and headers; None where it is taken."""

    def __init__(self, find_refusal: Callable[[Call], Refusal | None]) -> None:
        super().__init__()
        self.find_refusal = find_refusal
        self._server.RequestHandlerClass = _PickyHandler


class _PickyHandler(_Handler):
    def _with_fault(self, *arguments: object) -> None:
        refusal = cast(PickyProvider, self.fake).find_refusal(self.fake.calls[-1])
        if refusal is None:
            super()._with_fault(*arguments)  # pyright: ignore[reportArgumentType]
            return
        status, message, headers = refusal
        content = json.dumps({"error": {"message": message, "type": "picky"}}).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content)), "x-should-retry": "false"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


def connect(provider: FakeProvider, profile: ProviderProfile) -> BatchClient:
    return BatchClient(provider.base_url, provider.key, "fake:project", profile=profile, timeout=5)


def refuse_metadata(call: Call) -> Refusal | None:
    return (400, "Unknown field: metadata", {}) if "metadata" in call.body else None


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://mine.openai.azure.com/openai/v1", "azure"),
        ("https://MINE.Services.AI.Azure.com/openai/v1", "azure"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://groq.com.example.org/v1", "openai"),
        ("http://127.0.0.1:8321/v1", "openai"),
    ],
)
def test_profile_is_known_by_the_host(base_url: str, name: str) -> None:
    assert find_profile(Settings(openai_base_url=base_url)).name == name


def test_profile_and_each_knob_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in {
        "DATAGEN_PROFILE": "Groq",
        "DATAGEN_BATCH_WINDOW": "7d",
        "DATAGEN_URL_PREFIX": "/",
        "DATAGEN_BATCH_METADATA": "false",
        "DATAGEN_FILE_EXPIRY": "true",
        "DATAGEN_BATCH_MAX_REQUESTS": "1000",
        "DATAGEN_BATCH_MAX_BYTES": "1000000",
    }.items():
        monkeypatch.setenv(variable, value)
    assert find_profile(Settings()) == ProviderProfile(
        name="groq",
        completion_window="7d",
        url_prefix="",
        responses_prefix="",
        has_metadata=False,
        has_file_expiry=True,
        max_requests=1000,
        max_bytes=1_000_000,
    )


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("endpoint", ["/v1/chat/completions", "/v1/responses"])
def test_rows_and_batch_name_the_same_url(profile: ProviderProfile, endpoint: Endpoint) -> None:
    options = RequestOptions("m", endpoint, url_prefix=profile.find_prefix(endpoint))
    url = build_request(next(iter(sample_training(1, seed=1))), options)["url"]
    assert url == profile.place_endpoint(endpoint) == profile.place_endpoint(str(url))


def test_azure_wants_chat_rows_without_a_version() -> None:
    assert PROFILES["azure"].place_endpoint("/v1/chat/completions") == "/chat/completions"
    assert PROFILES["azure"].place_endpoint("/v1/responses") == "/v1/responses"
    assert PROFILES["azure"].place_endpoint("/v1/embeddings") == "/v1/embeddings"


def test_metadata_stays_away_where_it_is_refused(write_requests: Write, tmp_path: Path) -> None:
    shard, ledger = write_requests("a"), tmp_path / "ledger.jsonl"
    with PickyProvider(refuse_metadata) as provider:
        with connect(provider, ProviderProfile()) as client, pytest.raises(RequestRefused, match="metadata"):
            submit_once(client, ledger, shard, endpoint=ENDPOINT)
        with connect(provider, ProviderProfile(has_metadata=False)) as client:
            submitted = submit_once(client, ledger, shard, endpoint=ENDPOINT)
        assert [batch["id"] for batch in provider.batches] == [submitted.batch_id]
        assert len(provider.files) == 1


def test_without_metadata_a_lost_batch_is_found_by_its_file(write_requests: Write, tmp_path: Path) -> None:
    shard, ledger = write_requests("a"), tmp_path / "ledger.jsonl"
    with (
        PickyProvider(refuse_metadata) as provider,
        connect(provider, ProviderProfile(has_metadata=False)) as client,
    ):
        provider.batch_faults.append("lost")
        with pytest.raises(SubmissionUnknown):
            submit_once(client, ledger, shard, endpoint=ENDPOINT, sleep=lambda _: None)
        submitted = submit_once(client, ledger, shard, endpoint=ENDPOINT, sleep=lambda _: None)
        assert [batch["id"] for batch in provider.batches] == [submitted.batch_id]
        assert len(provider.files) == 1


def test_window_and_prefix_are_the_provider_s(write_requests: Write, tmp_path: Path) -> None:
    shard = write_requests("a", url="/chat/completions")
    profile = ProviderProfile(completion_window="7d", url_prefix="")

    def refuse(call: Call) -> Refusal | None:
        if call.path != "/batches":
            return None
        if call.body["completion_window"] != "7d":
            return 400, "completion_window: 7d only", {}
        return None if call.body["endpoint"] == "/chat/completions" else (400, "endpoint: unknown", {})

    with PickyProvider(refuse) as provider:
        with connect(provider, ProviderProfile(url_prefix="")) as client, pytest.raises(RequestRefused, match="window"):
            submit_once(client, tmp_path / "ledger.jsonl", shard, endpoint="/chat/completions")
        with connect(provider, profile) as client:
            submitted = submit_once(client, tmp_path / "ledger.jsonl", shard, endpoint="/chat/completions")
            assert client.window_seconds == 7 * 86_400
        assert [row["url"] for row in provider.requests_of(submitted.batch_id)] == ["/chat/completions"]


def test_upper_case_statuses_and_bodies_as_text_are_understood(write_requests: Write, tmp_path: Path) -> None:
    shard = write_requests("a", "b")
    with FakeProvider() as provider, connect(provider, ProviderProfile()) as client:
        submitted = submit_once(client, tmp_path / "ledger.jsonl", shard, endpoint=ENDPOINT)
        provider.batches[0]["status"] = "IN_PROGRESS"
        assert not check_batch(client, submitted).is_ended
        row = make_row("a")
        response = cast(Json, row["response"])
        response["body"] = json.dumps(response["body"], ensure_ascii=False)
        provider.finish(submitted.batch_id, [row], [make_error_row("b", "batch_expired")], "EXPIRED")
        provider.batches[0]["errors"] = "late"
        status = check_batch(client, submitted)
        assert (status.status, [issue.message for issue in status.errors]) == ("expired", ["late"])
        retrieve_results(client, [(submitted, status)], tmp_path / "result_lst.json")
    results = [cast(JsonObject, element) for _, element in iter_json_array(tmp_path / "result_lst.json", advice="")]
    assert [result["outcome"] for result in results] == ["answered", "expired"]


def test_expiry_of_files_is_asked_for_where_it_is_known(write_requests: Write, tmp_path: Path) -> None:
    path = Path(write_requests("a").path)

    def refuse(call: Call) -> Refusal | None:
        is_asked = any(name.startswith("expires_after") for name in call.body)
        return (400, "Unknown field: expires_after", {}) if is_asked else None

    with PickyProvider(refuse) as provider:
        with connect(provider, ProviderProfile()) as client, pytest.raises(RequestRefused, match="expires_after"):
            client.upload_file(path, "a.jsonl", expires_after=3_600)
        with connect(provider, PROFILES["groq"]) as client:
            client.upload_file(path, "a.jsonl", expires_after=3_600)
        assert len(provider.files) == 1


def test_what_a_provider_does_not_have_is_not_asked_for(write_requests: Write, tmp_path: Path) -> None:
    profile = ProviderProfile(name="bare", can_list=False, can_cancel=False)
    with FakeProvider() as provider, connect(provider, profile) as client:
        submitted = submit_once(client, tmp_path / "ledger.jsonl", write_requests("a"), endpoint=ENDPOINT)
        with pytest.raises(RequestRefused, match=r"cannot cancel batches \(profile 'bare'\)"):
            client.cancel_batch(submitted.batch_id)
        assert ("GET", "/batches") not in [(call.method, call.path) for call in provider.calls]
        assert not [call for call in provider.calls if call.path.endswith("/cancel")]


@pytest.mark.parametrize(
    ("status", "kind"), [(429, RequestRefused), (400, RequestRefused), (503, AnswerLost), (500, AnswerLost)]
)
@pytest.mark.parametrize(("value", "low", "high"), [("17", 17, 17), ("date", 80, 90), (None, None, None)])
def test_errors_say_how_long_to_wait(
    status: int, kind: type[ProviderError], value: str | None, low: float | None, high: float | None
) -> None:
    def refuse(_: Call) -> Refusal:
        text = formatdate(time.time() + 90, usegmt=True) if value == "date" else value
        return status, "busy", {} if text is None else {"Retry-After": text}

    with PickyProvider(refuse) as provider, connect(provider, ProviderProfile()) as client:
        with pytest.raises(kind) as caught:
            client.create_batch("file_1", endpoint=ENDPOINT, completion_window="24h", metadata={})
        assert isinstance(caught.value, RequestRefused | AnswerLost)
        wait = caught.value.retry_after
        assert (wait is None) == (low is None)
        assert wait is None or (low or 0) <= wait <= (high or 0)
        assert len(provider.bodies("POST", "/batches")) == 1


@given(st.integers(-(10**9), 10**9), st.floats(0, 4e9))
def test_a_date_to_retry_after_is_read_to_the_second(seconds: int, now: float) -> None:
    moment = min(max(int(now) + seconds, 0), 4_000_000_000)
    header = format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)
    assert read_retry_after({"retry-after": header}, now=now) == max(moment - now, 0.0)


@given(st.text())
def test_any_other_text_is_no_time_to_wait(text: str) -> None:
    wait = read_retry_after({"retry-after": text}, now=0.0)
    assert wait is None or wait >= 0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 503])
@pytest.mark.parametrize("offset", [0, 497])
def test_no_error_repeats_the_key(status: int, offset: int) -> None:
    """The key stands where a long message is cut, too."""
    with PickyProvider(lambda _: (status, f"{'x' * offset}Bearer {CANARY} {'y' * 100_000}", {})) as provider:
        provider.key = CANARY
        with connect(provider, ProviderProfile()) as client:
            with pytest.raises(ProviderError) as caught:
                client.create_batch("file_1", endpoint=ENDPOINT, completion_window="24h", metadata={})
            assert "sk-c" not in f"{caught.value!s} {caught.value!r} {client!r}"
            assert len(str(caught.value)) < 1_000
            assert caught.value.__cause__ is None


@pytest.mark.parametrize("address", ["http://no-such-host.invalid/v1", "http://127.0.0.1:9/v1"])
def test_address_that_leads_nowhere_is_explained(address: str) -> None:
    with (
        BatchClient(address, CANARY, "fake:project", timeout=5, read_retries=0) as client,
        pytest.raises(ProviderError, match="base URL") as caught,
    ):
        client.create_batch("file_1", endpoint=ENDPOINT, completion_window="24h", metadata={})
    assert CANARY not in str(caught.value)
