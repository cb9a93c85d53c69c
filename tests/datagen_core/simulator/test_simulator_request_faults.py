"""Faults of single requests, each as a bare HTTP client meets it."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import httpx2
import openai
import pytest
from simulator_driver import FAST, Driver, make_input

from datagen_core.errors import ConfigError
from datagen_core.simulator import FAULTS, Fault, FaultName, FaultPlan, SimulatorSettings, parse_fault

AUTH = {"Authorization": "Bearer sk-canary"}
CHAT = "/v1/chat/completions"
FORM = {"data": {"purpose": "batch"}, "files": {"file": ("input.jsonl", make_input(2))}}


class Bare:
    """A driver's server seen by a client that repeats nothing and hides nothing."""

    def __init__(self, driver: Driver, settings: SimulatorSettings = FAST, **options: object) -> None:
        self.driver = driver
        driver.start(settings, **options)
        assert driver.server is not None
        self.root = driver.server.base_url.removesuffix("/v1")
        self.http = httpx2.Client(base_url=self.root, headers=AUTH, timeout=20)

    def arm(self, *faults: dict[str, object]) -> None:
        assert self.http.post("/simulator/faults", json=list(faults)).status_code == 200

    def upload(self, **headers: str) -> httpx2.Response:
        return self.http.post("/v1/files", **FORM, headers=headers)

    def create(self, file_id: str = "file-x", **headers: str) -> httpx2.Response:
        body = {"input_file_id": file_id, "endpoint": CHAT, "completion_window": "24h"}
        return self.http.post("/v1/batches", json=body, headers=headers)

    def count(self) -> tuple[int, int]:
        stats = self.http.get("/simulator/stats").json()
        return stats["files"], stats["batches"]


@pytest.fixture
def serve(driver: Driver) -> Iterator[Callable[..., Bare]]:
    bares: list[Bare] = []

    def start(*settings: SimulatorSettings, **options: object) -> Bare:
        bares.append(Bare(driver, *settings, **options))
        return bares[-1]

    yield start
    for bare in bares:
        bare.http.close()


Serve = Callable[..., Bare]


def test_every_fault_is_named_once_and_described() -> None:
    assert set(get_args(FaultName)) == set(FAULTS)
    assert all(kind.description.endswith(".") for kind in FAULTS.values())


@pytest.mark.parametrize(("route", "created"), [("files", (1, 0)), ("batches", (0, 1))])
@pytest.mark.parametrize("name", ["drop_before_commit", "lose_response", "error_after_commit", "gateway_page"])
def test_a_creation_goes_wrong_before_or_after_it_is_done(
    serve: Serve, name: str, route: str, created: tuple[int, int]
) -> None:
    bare = serve()
    bare.arm({"name": name, "route": route})
    create = bare.upload if route == "files" else bare.create
    if name in ("drop_before_commit", "lose_response"):
        with pytest.raises(httpx2.RemoteProtocolError):
            create()
    else:
        response = create()
        assert response.status_code == (500 if name == "error_after_commit" else 200)
        assert ("<html>" in response.text) == (name == "gateway_page")
    assert bare.count() == ((0, 0) if name == "drop_before_commit" else created)
    assert create().json()["id"]


@pytest.mark.parametrize(("route", "created"), [("files", (1, 0)), ("batches", (0, 1))])
def test_a_slow_commit_comes_after_the_client_has_gone(serve: Serve, route: str, created: tuple[int, int]) -> None:
    bare = serve()
    bare.arm({"name": "slow_commit", "route": route, "seconds": 0.3})
    with pytest.raises(httpx2.RemoteProtocolError):
        (bare.upload if route == "files" else bare.create)()
    deadline = time.monotonic() + 20
    while bare.count() != created:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_slow_commit_has_not_happened_before_its_time_and_is_not_lost_by_stopping(serve: Serve) -> None:
    bare = serve(SimulatorSettings(faults=(Fault(name="slow_commit", seconds=600, times=2),), pace_seconds=0))
    for call in (bare.upload, bare.create):
        with pytest.raises(httpx2.RemoteProtocolError):
            call()
    assert bare.count() == (0, 0)
    bare.driver.stop()
    again = serve()
    assert again.count() == (1, 1)
    (file,) = again.http.get("/v1/files").json()["data"]
    assert again.http.get(f"/v1/files/{file['id']}/content").content == make_input(2)


def test_a_limited_rate_says_when_to_come_again(serve: Serve) -> None:
    bare = serve()
    bare.arm({"name": "rate_limit", "route": "create", "seconds": 2}, {"name": "rate_limit", "route": "read"})
    assert (bare.upload().headers["retry-after"], bare.count()) == ("2", (0, 0))
    limited = bare.http.get("/v1/batches")
    assert (limited.status_code, limited.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert (bare.upload().status_code, bare.http.get("/v1/batches").status_code) == (200, 200)


def test_a_reset_connection_is_reset_not_closed(serve: Serve) -> None:
    bare = serve()
    bare.arm({"name": "reset", "times": None})
    for line in (b"GET /v1/batches HTTP/1.1", b"POST /v1/files HTTP/1.1\r\nContent-Length: 9"):
        with socket.create_connection(("127.0.0.1", httpx2.URL(bare.root).port or 0), timeout=20) as raw:
            raw.sendall(line + b"\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n")
            with pytest.raises(ConnectionResetError):
                raw.recv(1)
    assert bare.count() == (0, 0)


def test_reading_fails_on_the_server(serve: Serve) -> None:
    bare = serve()
    bare.arm({"name": "server_error", "route": "list_batches", "skip": 1, "times": 2})
    assert [bare.http.get("/v1/batches").status_code for _ in range(4)] == [200, 500, 500, 200]
    assert bare.http.get("/v1/files").status_code == 200


@pytest.mark.parametrize(("route", "path"), [("list_files", "/v1/files"), ("list_batches", "/v1/batches")])
def test_a_list_lags_behind_what_was_created(serve: Serve, route: str, path: str) -> None:
    now = [1_800_000_000.0]
    bare = serve(clock=lambda: now[0])
    bare.arm({"name": "list_lag", "route": route, "seconds": 5, "times": None})
    ids: list[str] = []
    for _ in range(3):
        ids.insert(0, (bare.upload() if route == "list_files" else bare.create()).json()["id"])
        now[0] += 3
    seen = bare.http.get(path, params={"limit": 1}).json()
    assert [entry["id"] for entry in seen["data"]] == ids[1:2]
    assert seen["has_more"]
    assert bare.http.get(f"{path}/{ids[0]}").status_code == 200
    now[0] += 2
    assert [entry["id"] for entry in bare.http.get(path).json()["data"]] == ids


def test_only_so_many_lists_lag(serve: Serve) -> None:
    bare = serve()
    bare.arm({"name": "list_lag", "seconds": 3600, "times": 2})
    bare.create()
    assert [len(bare.http.get("/v1/batches").json()["data"]) for _ in range(3)] == [0, 0, 1]


def test_a_file_is_not_found_just_after_its_upload(serve: Serve) -> None:
    bare = serve()
    bare.arm({"name": "file_not_found", "times": 2})
    path = f"/v1/files/{bare.upload().json()['id']}"
    assert [bare.http.get(path).status_code for _ in range(3)] == [404, 404, 200]


def test_a_download_ends_in_the_middle(serve: Serve) -> None:
    bare = serve()
    content = bytes(range(256)) * 2000
    form = {"data": {"purpose": "batch"}, "files": {"file": ("x", content)}}
    path = f"/v1/files/{bare.http.post('/v1/files', **form).json()['id']}/content"
    for amount, expected in ((0.5, len(content) // 2), (100_000, 100_000)):
        bare.arm({"name": "cut_download", "amount": amount})
        again = f"X-Simulator-Fault: cut_download;amount={amount}"
        got: list[bytes] = []
        with bare.http.stream("GET", path) as response:
            assert response.headers["content-length"] == str(len(content))
            with pytest.raises(httpx2.RemoteProtocolError):
                got.extend(response.iter_raw(1_000))
        assert sum(map(len, got)) <= expected
        with socket.create_connection(("127.0.0.1", httpx2.URL(bare.root).port or 0), timeout=20) as raw:
            raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n{again}\r\n\r\n".encode())
            received = b"".join(iter(lambda: raw.recv(1 << 16), b""))
        assert received.partition(b"\r\n\r\n")[2] == content[:expected]
    assert bare.http.get(path).content == content


def test_a_download_pauses(serve: Serve) -> None:
    bare = serve()
    path = f"/v1/files/{bare.upload().json()['id']}/content"
    bare.arm({"name": "slow_download", "seconds": 600}, {"name": "slow_download", "seconds": 0.01})
    with pytest.raises(httpx2.ReadTimeout):
        bare.http.get(path, timeout=0.3)
    assert bare.http.get(path).content == make_input(2)


def test_a_key_is_revoked_for_good_from_some_request_on(serve: Serve) -> None:
    bare = serve(SimulatorSettings(pace_seconds=0, faults=(Fault(name="key_revoked", skip=2),)))
    answers = [bare.upload(), bare.create(), bare.http.get("/v1/batches"), bare.upload()]
    assert [answer.status_code for answer in answers] == [200, 200, 401, 401]
    assert "sk-canary" in answers[2].json()["error"]["message"]
    assert bare.count() == (1, 1)


def test_a_header_brings_a_fault_on_its_own_request_only(serve: Serve) -> None:
    bare = serve()
    header = {"X-Simulator-Fault": "rate_limit;seconds=7"}
    assert bare.upload(**header).headers["retry-after"] == "7"
    assert bare.upload().status_code == 200
    assert bare.http.get("/simulator/faults").json() == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nonsense", "rows_missing"),
        ("rate_limit;times=0", "greater than or equal to 1"),
        ("rate_limit;x", "write key=value"),
        ("rate_limit;colour=red", "route"),
        ("list_lag", "does not apply"),
        ("rows_missing", "does not apply"),
    ],
)
def test_a_header_that_would_go_unnoticed_is_refused(serve: Serve, text: str, expected: str) -> None:
    response = serve().upload(**{"X-Simulator-Fault": text})
    assert response.status_code == 400
    assert expected in response.json()["error"]["message"]


def test_faults_are_added_shown_and_cleared_while_it_runs(serve: Serve) -> None:
    bare = serve()
    bare.arm({"name": "reset", "skip": 1, "times": 3, "route": "batches"})
    bare.create()
    (shown,) = bare.http.get("/simulator/faults").json()
    assert shown == {"name": "reset", "skip": 1, "times": 3, "route": "batches", "passed": 1, "met": 0}
    assert bare.http.delete("/simulator/faults").json() == []
    assert bare.create().status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'[{"name": "nope"}]', b'[{"name": "reset"}, {"skip": 1}]', b"[1]", b"\xff"]
)
def test_a_wrong_list_of_faults_adds_none(serve: Serve, body: bytes) -> None:
    bare = serve()
    response = bare.http.post("/simulator/faults", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["message"]
    assert bare.http.get("/simulator/faults").json() == []


def test_the_first_fault_that_is_due_is_met_and_the_others_wait() -> None:
    plan = FaultPlan([Fault(name="reset", skip=1), Fault(name="server_error", times=2), Fault(name="rows_missing")])
    met = [fault and fault.name for fault in (plan.take_for_request("batch") for _ in range(4))]
    assert met == ["server_error", "reset", "server_error", None]
    assert [fault.name for fault in plan.take_for_batch()] == ["rows_missing"]
    assert plan.take_for_batch() == ()


@pytest.mark.parametrize("text", ["rows_500:amount=3,times=none", "rows_500;amount=3;times=none"])
def test_a_fault_is_written_in_one_line(text: str) -> None:
    assert parse_fault(text) == Fault(name="rows_500", amount=3, times=None)
    assert parse_fault("fail_validation: code=url_mismatch, line=7").line == 7


@pytest.mark.parametrize(
    "text", ["", ":", "rows_500:amount=1.5", "list_lag:route=files", "reset:seconds=nan", "reset:times=x"]
)
def test_a_fault_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not understood"):
        parse_fault(text)


def test_a_share_and_a_number_stay_what_they_were() -> None:
    for amount, expected in ((1, 1), (1.0, 10), (0.25, 2), (20, 10)):
        fault = Fault.model_validate_json(json.dumps({"name": "rows_missing", "amount": amount}))
        assert Fault.model_validate_json(fault.model_dump_json()).count(10) == expected


def test_the_official_sdk_pays_twice_where_an_answer_is_lost(driver: Driver) -> None:
    client = driver.start(SimulatorSettings(pace_seconds=0, faults=(Fault(name="lose_response", times=2),)))
    with openai.OpenAI(base_url=str(client.base_url), api_key="any", max_retries=2) as careless:
        batch = careless.batches.create(input_file_id="file-x", endpoint=CHAT, completion_window="24h")
    assert len(client.batches.list().data) == 3
    assert batch.id == client.batches.list().data[0].id


def test_no_fault_leaves_a_file_behind(serve: Serve, tmp_path: Path) -> None:
    bare = serve()
    for name in ("drop_before_commit", "rate_limit", "server_error", "reset"):
        bare.arm({"name": name, "route": "files"})
        with contextlib.suppress(httpx2.TransportError):
            bare.upload()
    assert list((bare.driver.state / "files").iterdir()) == []
