"""Every body the simulator sends is what OpenAI's own specification says, whichever way a batch ends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import cast

import httpx2
import pytest
from jsonschema import Draft202012Validator
from openai import OpenAI
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from datagen_core.simulator import Answer, SimulatorServer, SimulatorSettings

SPEC = json.loads((Path(__file__).parent / "openai-batch-contract.json").read_text(encoding="utf-8"))
REGISTRY = cast("Registry[object]", Registry()).with_resource(
    "spec", Resource(contents=SPEC, specification=DRAFT202012)
)
CHAT = "/v1/chat/completions"


class Writer:
    """Answers in every way there is."""

    def answer(self, custom_id: str, body: Mapping[str, object]) -> Answer:
        if custom_id == "boom":
            raise ValueError(custom_id)
        if custom_id == "refuse":
            return Answer("", refusal="안 돼요.")
        return Answer("네, 고객님.", finish_reason="length" if custom_id == "long" else "stop")


def check(schema: str, body: object) -> None:
    validator = Draft202012Validator({"$ref": f"spec#/components/schemas/{schema}"}, registry=REGISTRY)
    errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]
    assert not errors, f"{schema}: {errors}"


def drop_nulls(batch: Mapping[str, object]) -> dict[str, object]:
    """Drop nulls: the spec's Batch knows none, the real API sends them."""
    return {key: value for key, value in batch.items() if value is not None}


def line(custom_id: str) -> bytes:
    body = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": "안녕하세요"}]}
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body}).encode() + b"\n"


GOOD = b"".join(map(line, ["a", "b", "refuse", "long", "boom"]))


class Wire:
    """The SDK for what is sent, a plain client for what comes back: the SDK would hide what is missing."""

    def __init__(self, server: SimulatorServer) -> None:
        self.sdk = OpenAI(base_url=server.base_url, api_key="any", max_retries=0)
        self.http = httpx2.Client(base_url=server.base_url, headers={"Authorization": "Bearer any"})

    def submit(self, content: bytes) -> str:
        raw = self.sdk.files.with_raw_response.create(file=("input.jsonl", content), purpose="batch")
        check("OpenAIFile", json.loads(raw.text))
        raw = self.sdk.batches.with_raw_response.create(
            input_file_id=raw.parse().id,
            endpoint=CHAT,
            completion_window="24h",
            metadata={"key": "가"},
            output_expires_after={"anchor": "created_at", "seconds": 3600},
        )
        check("Batch", drop_nulls(json.loads(raw.text)))
        return raw.parse().id

    def wait(self, batch_id: str, *statuses: str) -> dict[str, object]:
        """Poll to the end; every body on the way is checked."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            body = self.http.get(f"/batches/{batch_id}").json()
            check("Batch", drop_nulls(body))
            if body["status"] in statuses:
                return body
            time.sleep(0.01)
        raise AssertionError(body)

    def read(self, file_id: object) -> list[dict[str, dict[str, dict[str, object]]]]:
        return [json.loads(row) for row in self.http.get(f"/files/{file_id}/content").text.splitlines()]

    def close(self) -> None:
        self.sdk.close()
        self.http.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[SimulatorSettings], Wire]]:
    open_things: list[SimulatorServer | Wire] = []

    def start(settings: SimulatorSettings) -> Wire:
        server = SimulatorServer(tmp_path / "state", Writer(), settings).start()
        wire = Wire(server)
        open_things.extend([server, wire])
        return wire

    yield start
    for thing in reversed(open_things):
        thing.close() if isinstance(thing, Wire) else thing.stop()


Serve = Callable[[SimulatorSettings], Wire]


def test_a_completed_batch_and_its_rows(serve: Serve) -> None:
    wire = serve(SimulatorSettings(pace_seconds=0.05))
    batch = wire.wait(wire.submit(GOOD), "completed")
    rows = wire.read(batch["output_file_id"])
    assert len(rows) == 4
    for row in rows:
        check("CreateChatCompletionResponse", row["response"]["body"])
        assert row["response"]["body"]["system_fingerprint"] == "simulator"
    assert [row["error"]["code"] for row in wire.read(batch["error_file_id"])] == ["server_error"]
    output = wire.http.get(f"/files/{batch['output_file_id']}").json()
    check("OpenAIFile", output)
    assert output["expires_at"] == output["created_at"] + 3600


def test_refused_rows_hold_an_error_body(serve: Serve) -> None:
    wire = serve(SimulatorSettings(pace_seconds=0, error_rows=1))
    batch = wire.wait(wire.submit(GOOD), "completed")
    for row in wire.read(batch["error_file_id"]):
        check("ErrorResponse", row["response"]["body"])


def test_a_failed_batch(serve: Serve) -> None:
    wire = serve(SimulatorSettings(pace_seconds=0))
    batch = wire.wait(wire.submit(GOOD + b"{\n" + line("a")), "failed")
    errors = cast(dict[str, list[object]], batch["errors"])
    assert len(errors["data"]) == 2


def test_an_expired_batch(serve: Serve) -> None:
    wire = serve(SimulatorSettings(pace_seconds=0, expire=0.5))
    wire.wait(wire.submit(GOOD), "expired")


def test_a_cancelled_batch(serve: Serve) -> None:
    wire = serve(SimulatorSettings(pace_seconds=1))
    cancelling = wire.http.post(f"/batches/{wire.submit(GOOD)}/cancel").json()
    check("Batch", drop_nulls(cancelling))
    wire.wait(cancelling["id"], "cancelled")


def test_lists(serve: Serve) -> None:
    wire = serve(SimulatorSettings(pace_seconds=0))
    check("ListFilesResponse", wire.http.get("/files").json())
    check("ListBatchesResponse", wire.http.get("/batches").json())
    for _ in range(3):
        wire.wait(wire.submit(GOOD), "completed")
    files, batches = wire.http.get("/files").json(), wire.http.get("/batches?limit=2").json()
    check("ListFilesResponse", files)
    check("ListBatchesResponse", {**batches, "data": [drop_nulls(batch) for batch in batches["data"]]})
    assert (batches["first_id"], batches["last_id"]) == (batches["data"][0]["id"], batches["data"][1]["id"])
    check("DeleteFileResponse", wire.http.delete(f"/files/{files['data'][0]['id']}").json())


def test_a_synchronous_completion(serve: Serve) -> None:
    wire = serve(SimulatorSettings())
    body = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": "안녕하세요"}]}
    for name in ("x", "refuse", "long"):
        response = wire.http.post("/chat/completions", json=body, headers={"X-Client-Request-Id": name})
        check("CreateChatCompletionResponse", response.json())


def test_errors(serve: Serve) -> None:
    wire = serve(SimulatorSettings())
    unauthorised = wire.http.get("/models", headers={"Authorization": ""})
    assert unauthorised.status_code == 401
    boom = wire.http.post(
        "/chat/completions", json={"model": "m", "messages": [{}]}, headers={"X-Client-Request-Id": "boom"}
    )
    assert boom.status_code == 500
    refused = [wire.http.get("/batches/no"), wire.http.get("/no"), wire.http.post("/batches", content=b"{")]
    for response in (unauthorised, boom, *refused):
        check("ErrorResponse", response.json())


def test_the_check_itself_sees_a_wrong_body() -> None:
    with pytest.raises(AssertionError, match="'nowhere' is not one of"):
        check("Batch", {"id": "b", "object": "batch", "endpoint": "e", "input_file_id": "f", "completion_window": "24h",
                        "status": "nowhere", "created_at": 1})  # fmt: skip
