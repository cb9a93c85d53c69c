"""What the HTTP side refuses and how: OpenAI's error form, paging, and never a 500 whatever is sent."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import httpx2
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulator_driver import Driver, make_input

AUTH = {"Authorization": "Bearer any"}
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """One server for all the nonsense of this module: it has to survive it."""
    driver = Driver(tmp_path_factory.mktemp("shared") / "state")
    driver.start()
    yield driver
    driver.stop()


@pytest.fixture(scope="module")
def http(shared: Driver) -> Iterator[httpx2.Client]:
    assert shared.server is not None
    root = shared.server.base_url.removesuffix("/v1")
    with httpx2.Client(base_url=root, headers=AUTH) as client:
        yield client


def _check_refusal(response: httpx2.Response, status: int | None = None) -> dict[str, object]:
    assert 400 <= response.status_code < 500, response.text
    assert status is None or response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", "Bearerx y"])
def test_a_bearer_token_must_be_there(shared: Driver, header: str | None) -> None:
    assert shared.server is not None
    headers = {} if header is None else {"Authorization": header}
    response = httpx2.get(f"{shared.server.base_url}/batches", headers=headers)
    assert _check_refusal(response, 401)["type"] == "invalid_request_error"


def test_batches_are_listed_newest_first_page_by_page(driver: Driver) -> None:
    client = driver.start()
    file = client.files.create(file=("input.jsonl", make_input(1)), purpose="batch")
    ids = [
        client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h", metadata={"n": str(n)}).id
        for n in range(7)
    ]
    page = client.batches.list(limit=3)
    assert [batch.id for batch in page.data] == ids[:3:-1]
    assert page.has_more
    assert [batch.id for batch in client.batches.list(limit=3)] == ids[::-1]
    assert not client.batches.list(limit=100).has_more
    assert not client.batches.list(limit=7).has_more
    assert client.batches.list(after=ids[0]).data == []


def test_files_are_listed_and_deleted(driver: Driver) -> None:
    client = driver.start()
    ids = [client.files.create(file=(f"{n}.jsonl", b"x"), purpose="batch").id for n in range(3)]
    assert [file.id for file in client.files.list(limit=2)] == ids[::-1]
    assert [file.id for file in client.files.list(order="asc", limit=1)] == ids
    assert client.files.list(purpose="batch_output").data == []
    assert client.files.delete(ids[1]).deleted
    assert [file.id for file in client.files.list(order="asc")] == [ids[0], ids[2]]
    for call in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError):
            call(ids[1])


def test_an_upload_comes_back_byte_for_byte(driver: Driver) -> None:
    client = driver.start()
    content = bytes(range(256)) * 3000 + b"\r\n--almost a boundary\r\n--\r\n"
    name = '한글 "이름".jsonl'
    file = client.files.create(file=(name, content), purpose="batch")
    assert (file.bytes, file.filename, file.status) == (len(content), name, "processed")
    assert client.files.content(file.id).content == content
    empty = client.files.create(file=("empty", b""), purpose="batch")
    assert (empty.bytes, client.files.content(empty.id).content) == (0, b"")


def test_files_expire_when_they_were_asked_to(driver: Driver) -> None:
    now = [1_800_000_000.0]
    client = driver.start(clock=lambda: now[0])
    expiry = {"anchor": "created_at", "seconds": 3600}
    short = client.files.create(file=("a", b"x"), purpose="batch", expires_after=expiry)  # pyright: ignore[reportArgumentType]
    usual = client.files.create(file=("b", b"x"), purpose="batch")
    assert short.expires_at == short.created_at + 3600
    assert usual.expires_at == usual.created_at + 30 * 86_400
    now[0] += 3600
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(short.id)
    assert [file.id for file in client.files.list()] == [usual.id]


@pytest.mark.parametrize("seconds", ["3599", "2592001", "-1", "x", "9" * 5000, "٣٦٠٠", ""])
def test_a_wrong_expiry_is_refused(http: httpx2.Client, seconds: str) -> None:
    form = {"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": seconds}
    _check_refusal(http.post("/v1/files", data=form, files={"file": b"x"}), 400)


HEADER = "multipart/form-data; boundary=b"
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n'
PURPOSE = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=", FILE),
        ('multipart/form-data; boundary="한"'.encode(), FILE),
        (HEADER, b""),
        (HEADER, b"--b--\r\n"),
        (HEADER, b"no boundary at all"),
        (HEADER, FILE + PURPOSE),
        (HEADER, FILE + b"--b--"),
        (HEADER, PURPOSE + b"--b--"),
        (HEADER, FILE + FILE + PURPOSE + b"--b--"),
        (HEADER, FILE + PURPOSE + PURPOSE + b"--b--"),
        (HEADER, FILE + PURPOSE.replace(b"batch", b"fine-tune") + b"--b--"),
        (HEADER, FILE + PURPOSE.replace(b"batch", b"\xff\xfe") + b"--b--"),
        (HEADER, FILE + PURPOSE.replace(b"batch", b"b" * 100_000) + b"--b--"),
        (HEADER, b"--b\r\n\r\nno name\r\n--b--"),
        (HEADER, b"--b\r\nX: " + b"y" * 100_000),
        (HEADER, b"--bjunk" + FILE),
    ],
)
def test_a_malformed_form_is_refused_and_leaves_nothing(
    shared: Driver, http: httpx2.Client, content_type: str | bytes, body: bytes
) -> None:
    before = sorted((shared.state / "files").iterdir())
    raw = content_type if isinstance(content_type, bytes) else content_type.encode()
    _check_refusal(http.post("/v1/files", content=body, headers=[(b"Content-Type", raw)]))
    assert sorted((shared.state / "files").iterdir()) == before


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=200),
    cuts=st.lists(st.integers(1, 60), max_size=20),
    preamble=st.sampled_from([b"", b"x\r\n"]),
)
def test_a_form_is_read_however_its_blocks_are_cut(
    http: httpx2.Client, content: bytes, cuts: list[int], preamble: bytes
) -> None:
    boundary = b"not-in-the-content-9f2"
    form = preamble + (FILE[:-3] + content + b"\r\n" + PURPOSE + b"--b--\r\nepilogue").replace(b"--b", b"--" + boundary)

    def blocks() -> Iterator[bytes]:
        rest = form
        for cut in cuts:
            yield rest[:cut]
            rest = rest[cut:]
        yield rest

    headers = {"Content-Type": f'multipart/form-data; boundary="{boundary.decode()}"'}
    response = http.post("/v1/files", content=(block for block in blocks() if block), headers=headers)
    assert response.status_code == 200, response.text
    assert http.get(f"/v1/files/{response.json()['id']}/content").content == content.replace(b"--b", b"--" + boundary)


GOOD: dict[str, object] = {"input_file_id": "file-x", "endpoint": CHAT, "completion_window": "24h"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"input_file_id": "\\ud800"}',
        b'{"input_file_id": 1e999}',
        json.dumps({**GOOD, "endpoint": "/v1/embeddings"}).encode(),
        json.dumps({**GOOD, "endpoint": ["/v1/responses"]}).encode(),
        json.dumps({**GOOD, "completion_window": "1h"}).encode(),
        json.dumps({**GOOD, "completion_window": {}}).encode(),
        json.dumps({**GOOD, "input_file_id": None}).encode(),
        json.dumps({**GOOD, "input_file_id": 10**30}).encode(),
        json.dumps({**GOOD, "surprise": 1}).encode(),
        json.dumps({**GOOD, "metadata": []}).encode(),
        json.dumps({**GOOD, "metadata": {"a": 1}}).encode(),
        json.dumps({**GOOD, "metadata": {str(n): "" for n in range(17)}}).encode(),
        json.dumps({**GOOD, "metadata": {"k" * 65: ""}}).encode(),
        json.dumps({**GOOD, "metadata": {"k": "v" * 513}}).encode(),
        json.dumps({**GOOD, "output_expires_after": 3600}).encode(),
        json.dumps({**GOOD, "output_expires_after": {"anchor": "created_at", "seconds": True}}).encode(),
    ],
)
def test_a_malformed_creation_is_refused(http: httpx2.Client, body: bytes) -> None:
    n_before = http.get("/simulator/stats").json()["batches"]
    _check_refusal(http.post("/v1/batches", content=body), 400)
    assert http.get("/simulator/stats").json()["batches"] == n_before


def test_of_duplicated_keys_the_last_counts(http: httpx2.Client) -> None:
    body = json.dumps({**GOOD, "metadata": {"a": "1"}}).replace('"a": "1"', '"a": "1", "a": "2"')
    assert http.post("/v1/batches", content=body.encode()).json()["metadata"] == {"a": "2"}


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1e3", "", "abc", "9" * 10_000, "1.0", "٣", "--1", "-"])
def test_a_wrong_limit_is_refused(http: httpx2.Client, limit: str) -> None:
    assert _check_refusal(http.get("/v1/batches", params={"limit": limit}), 400)["param"] == "limit"


@pytest.mark.parametrize(
    "name", ["nope", "%00", "%ff%fe", "..%2f..%2fstate.sqlite3", "'; DROP TABLE files; --", "가" * 500]
)
def test_unknown_ids_are_not_found(http: httpx2.Client, name: str) -> None:
    for path in (f"/v1/files/{name}", f"/v1/files/{name}/content", f"/v1/batches/{name}"):
        _check_refusal(http.get(path), 404)
    _check_refusal(http.post(f"/v1/batches/{name}/cancel"), 404)
    _check_refusal(http.delete(f"/v1/files/{name}"))
    _check_refusal(http.get("/v1/batches", params={"after": name}), 404)
    _check_refusal(http.get("/v1/files", params={"after": name}), 404)
    _check_refusal(http.get("/v1/files", params={"order": name}), 400)


def test_what_has_no_route_is_answered_in_the_same_form(http: httpx2.Client) -> None:
    _check_refusal(http.get("/"), 404)
    _check_refusal(http.get("/v1/embeddings"), 404)
    _check_refusal(http.put("/v1/files"), 405)
    _check_refusal(http.request("X" * 50, "/v1/files"), 405)
    assert http.get("/v1/files/").json()["object"] == "list"
    assert http.get("/v1/files//").status_code == 200


def test_too_large_a_body_is_refused(http: httpx2.Client) -> None:
    _check_refusal(http.post("/v1/batches", content=b" " * (17 * 1024 * 1024)), 413)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"model": "m"},
        {"model": 7, "messages": [{}]},
        {"model": "m", "messages": "text"},
        {"model": "m", "messages": [{}], "stream": True},
        {"model": "m", "messages": json.loads("[" * 500 + "]" * 500)},
    ],
)
def test_a_malformed_completion_is_refused(http: httpx2.Client, body: dict[str, object]) -> None:
    _check_refusal(http.post(CHAT, json=body), 400)


def test_raw_nonsense_does_not_stop_the_server(http: httpx2.Client) -> None:
    port = http.base_url.port
    assert port is not None
    for nonsense in (
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n" * 1000,
        b"POST /v1/files HTTP/1.1\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(nonsense)
    assert http.get("/v1/models").status_code == 200


def test_result_files_cannot_be_input(driver: Driver) -> None:
    client = driver.start()
    batch = driver.run(client, 1)
    with pytest.raises(openai.BadRequestError, match="purpose 'batch_output'"):
        client.batches.create(input_file_id=str(batch.output_file_id), endpoint=CHAT, completion_window="24h")
