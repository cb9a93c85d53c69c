"""Every request that our client sends is one that OpenAI's specification allows, and the door that checks it sees."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path

import httpx2
import pytest
from contract.door import CHAT, RESPONSES, ContractDoor
from writing_requests import write_requests

from datagen_core.batch.client import BatchClient
from datagen_core.batch.requests import Endpoint, RequestOptions
from datagen_core.scenarios import ask_for_transcript, sample_gold, sample_training
from datagen_core.simulator import Answer, SimulatorServer, SimulatorSettings

ENDED = {"completed", "failed", "expired", "cancelled"}


class Writer:
    def answer(self, custom_id: str, body: object) -> Answer:
        return Answer("네, 고객님.")


@pytest.fixture
def door() -> ContractDoor:
    return ContractDoor()


@pytest.fixture
def server(tmp_path: Path, door: ContractDoor) -> Iterator[SimulatorServer]:
    settings = SimulatorSettings(pace_seconds=0)
    with SimulatorServer(tmp_path / "state", Writer(), settings, inspect=door) as server:
        yield server


def wait(client: BatchClient, batch_id: str) -> str | None:
    deadline = time.monotonic() + 60
    while (batch := client.fetch_batch(batch_id)).status not in ENDED:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return batch.output_file_id


@pytest.mark.parametrize("endpoint", [CHAT, RESPONSES])
def test_our_client_asks_only_what_the_contract_allows(
    tmp_path: Path, server: SimulatorServer, door: ContractDoor, endpoint: Endpoint
) -> None:
    scripts = chain(sample_training(12, seed=3), islice(sample_gold(2, seed=3), 8))
    transcripts = map(ask_for_transcript, sample_training(2, seed=4))
    path = tmp_path / "requests.jsonl"
    problems = {scenario.id: ["[C01] 메뉴 이름이 다릅니다."] for scenario in sample_training(3, seed=3)}
    options = RequestOptions("gpt-6-luna", endpoint)
    write_requests(path, chain(scripts, transcripts), options, round_number=2, problems=problems)
    with BatchClient(server.base_url, "any", server.identity) as client:
        files = [client.upload_file(path, "requests.jsonl", expires_after=seconds) for seconds in (None, 86_400)]
        metadata = {"datagen": "k" * 40 + ".0", "run": "한글"}
        batches = [
            client.create_batch(file.file_id, endpoint=endpoint, completion_window="24h", metadata=metadata)
            for file in files
        ]
        outputs = [wait(client, batch.batch_id) for batch in batches]
        running = client.create_batch(files[0].file_id, endpoint=endpoint, completion_window="24h", metadata={})
        client.cancel_batch(running.batch_id)
        assert len(list(client.iter_batch_pages(max_pages=3))) == 1
        assert len(list(client.iter_file_pages(max_pages=3))) == 1
        assert client.fetch_file(files[0].file_id).name == "requests.jsonl"
        for output in outputs:
            assert output is not None
            client.download_file(output, tmp_path / "output.jsonl")
    assert len((tmp_path / "output.jsonl").read_bytes().splitlines()) == 22
    assert server.objections == []
    asked = {"upload", "create", "look at batch", "cancel", "list batches", "list files", "look at file", "download"}
    assert set(door.seen) == asked
    assert door.seen["upload"] == 2


def test_paging_through_many_batches_keeps_to_the_contract(server: SimulatorServer, door: ContractDoor) -> None:
    with BatchClient(server.base_url, "any", server.identity) as client:
        for _ in range(101):
            client.create_batch("file-none", endpoint=CHAT, completion_window="24h", metadata={"n": "1"})
        assert [len(page) for page in client.iter_batch_pages(max_pages=5)] == [100, 1]
    assert (server.objections, door.seen["list batches"]) == ([], 2)


BODY: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "안녕"}]}
ROW: dict[str, object] = {"custom_id": "a", "method": "POST", "url": CHAT, "body": BODY}
BATCH: dict[str, object] = {"input_file_id": "file-x", "endpoint": CHAT, "completion_window": "24h"}
Send = Callable[[httpx2.Client], httpx2.Response]


def create(**changes: object) -> Send:
    return lambda http: http.post("/batches", json={**BATCH, **changes})


def upload(*rows: object, **fields: str) -> Send:
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    return lambda http: http.post("/files", data={"purpose": "batch", **fields}, files={"file": ("in.jsonl", content)})


def row(**changes: object) -> dict[str, object]:
    return {**ROW, **changes}


RESPONSE: dict[str, object] = {"model": "m", "input": [{"role": "user", "content": "안녕"}]}
WRONG: dict[str, tuple[Send, str]] = {
    "path": (lambda http: http.get("/nothing"), "there is no GET /v1/nothing"),
    "method": (lambda http: http.put("/files"), "there is no PUT"),
    "key": (lambda http: http.get("/batches", headers={"Authorization": "sk"}), "no bearer token"),
    "page size": (lambda http: http.get("/batches?limit=101"), "limit='101'"),
    "filter": (lambda http: http.get("/batches?status=failed"), "unknown query parameter 'status'"),
    "empty cursor": (lambda http: http.get("/batches?after="), "after=''"),
    "body of a cancel": (lambda http: http.post("/batches/b/cancel", json={"why": 1}), "where none is taken"),
    "content type": (lambda http: http.post("/batches", content=b"{}"), "content type None"),
    "no endpoint": (lambda http: http.post("/batches", json={"input_file_id": "f"}), "required"),
    "window": (create(completion_window="1h"), "24h"),
    "unknown field": (create(idempotency_key="k"), "unknown keys ['idempotency_key']"),
    "metadata type": (create(metadata={"n": 1}), "metadata"),
    "metadata pairs": (create(metadata={str(n): "" for n in range(17)}), "17 pairs"),
    "metadata length": (create(metadata={"k": "v" * 513}), "513 characters"),
    "purpose": (upload(ROW, purpose="batch_output"), "CreateFileRequest"),
    "form field": (upload(ROW, colour="red"), "colour"),
    "expiry": (upload(ROW, **{"expires_after[anchor]": "created_at", "expires_after[seconds]": "9"}), "3600"),
    "half an expiry": (upload(ROW, **{"expires_after[seconds]": "86400"}), "anchor"),
    "no rows": (upload(), "0 lines"),
    "field of a row": (upload(row(id="x")), "line 1 has"),
    "custom id twice": (upload(ROW, ROW), "line 2: 'a' again"),
    "two models": (upload(ROW, row(custom_id="b", body={**BODY, "model": "n"})), "a file of"),
    "two endpoints": (upload(ROW, row(custom_id="b", url=RESPONSES, body=RESPONSE)), "a file of"),
    "no messages": (upload(row(body={"model": "m"})), "messages"),
    "role": (upload(row(body={**BODY, "messages": [{"role": "customer", "content": "x"}]})), "messages"),
    "key of a chat": (upload(row(body={**BODY, "max_output_tokens": 5})), "max_output_tokens"),
    "schema's name": (upload(row(body={**BODY, "response_format": {"type": "json_schema"}})), "response_format"),
    "key of a response": (upload(row(url=RESPONSES, body={**RESPONSE, "messages": []})), "unknown keys ['messages']"),
    "format of a response": (upload(row(url=RESPONSES, body={**RESPONSE, "text": {"format": {"type": "x"}}})), "text"),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_door_sees_what_the_contract_forbids(server: SimulatorServer, door: ContractDoor, name: str) -> None:
    send, expected = WRONG[name]
    with httpx2.Client(base_url=server.base_url, headers={"Authorization": "Bearer any"}) as http:
        response = send(http)
        assert http.get("/batches").status_code == 200
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "objection"
    (objection,) = server.objections
    assert expected in objection
    assert door.seen == {"list batches": 1}


@pytest.mark.parametrize("send", [create(metadata=None), upload(ROW), upload(row(url=RESPONSES, body=RESPONSE))])
def test_the_door_lets_in_what_the_contract_allows(server: SimulatorServer, send: Send) -> None:
    with httpx2.Client(base_url=server.base_url, headers={"Authorization": "Bearer any"}) as http:
        assert send(http).status_code == 200
    assert server.objections == []
